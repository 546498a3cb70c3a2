"""TDES DUKPT: the next three keys, the used one destroyed. The store is memory; flash is in the whole sale."""

from hashlib import sha256

from measure import count_once, report
from parts import MemoryStore

from reader.dukpt.tdes import TdesDukpt

_IK = bytes.fromhex("6AC292FAA1315B4D858AB3A3D7D5933A")  # X9.24-1:2009, A.4: of the KSN below
_KSN = bytes.fromhex("FFFF9876543210E00000")
_COUNTERS = 64
_CHECK = 368  # where the check value of the state lies
_WORST = b"\xf0\x00\x00"  # counter 100000: its key derives all twenty others


def run() -> None:
    store = MemoryStore()
    keys = TdesDukpt(store)
    keys.load_initial_key(_IK, _KSN)
    fresh = bytearray(store.kept)
    keys.next().wipe()  # not counted: modules load

    keys = _at(store, fresh)
    total = 0
    for _ in range(_COUNTERS - 1):
        total += count_once(keys.next)
    total += count_once(lambda: _keep(keys))
    report("dukpt.next", total // _COUNTERS)
    report("result.data_key", _kept.data.hex())

    # After the initial key all registers are filled, so the state is also that of a device at this counter
    fresh[8:11] = _WORST
    fresh[_CHECK:] = sha256(memoryview(fresh)[:_CHECK]).digest()[: len(fresh) - _CHECK]
    keys = _at(store, fresh)
    report("dukpt.next_worst", count_once(keys.next))
    report("result.data_key_after_worst", keys.next().data.hex())


def _at(store, state) -> TdesDukpt:
    store.kept = bytes(state)
    keys = TdesDukpt(store)
    keys.check()
    return keys


def _keep(keys) -> None:
    global _kept
    _kept = keys.next()
