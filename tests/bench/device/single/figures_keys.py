"""TDES DUKPT: the next three keys, the used one destroyed. The ring is memory; flash is in the whole sale."""

from measure import count_once, report
from parts import MemoryRing

from reader.dukpt.tdes import TdesDukpt

_IK = bytes.fromhex("6AC292FAA1315B4D858AB3A3D7D5933A")  # X9.24-1:2009, A.4: of the KSN below
_KSN = bytes.fromhex("FFFF9876543210E00000")
_COUNTERS = 64
_WORST = b"\xf0\x00\x00"  # counter 100000: its key derives all twenty others


def run() -> None:
    ring = MemoryRing()
    keys = TdesDukpt(ring)
    keys.load_initial_key(_IK, _KSN)
    fresh = bytearray(ring.kept)
    keys.next().wipe()  # not counted: modules load

    ring.kept = bytes(fresh)
    total = 0
    for _ in range(_COUNTERS - 1):
        total += count_once(keys.next)
    total += count_once(lambda: _keep(keys))
    report("dukpt.next", total // _COUNTERS)
    report("result.data_key", _kept.data.hex())

    # After the initial key all registers are filled, so the state is also that of a device at this counter
    fresh[7:10] = _WORST
    ring.kept = bytes(fresh)
    report("dukpt.next_worst", count_once(keys.next))
    report("result.data_key_after_worst", keys.next().data.hex())


def _keep(keys) -> None:
    global _kept
    _kept = keys.next()
