"""DUKPT of both kinds: the next keys, the used one destroyed. The ring is memory; flash is in the whole sale."""

from measure import count_once, figure, report
from parts import MemoryRing

from reader.crypto.cmac import cmac
from reader.dukpt.aes import AesDukpt
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

    for size in (16, 24, 32):
        _aes(size)


def _aes(size: int) -> None:
    key = bytes(range(size))
    name = f"aes_{8 * size}"
    figure(f"crypto.cmac_512_{name}", lambda: cmac(key, bytes(512)))
    ring = MemoryRing()
    keys = AesDukpt(ring)
    keys.load_initial_key(key, bytes(12))
    fresh = bytearray(ring.kept)
    keys.next().wipe()
    total = 0
    for _ in range(_COUNTERS):
        total += count_once(keys.next)
    report(f"dukpt.next_{name}", total // _COUNTERS)
    fresh[8:12] = b"\x80\0\0\0"
    ring.kept = bytes(fresh)
    report(f"dukpt.next_worst_{name}", count_once(keys.next))


def _keep(keys) -> None:
    global _kept
    _kept = keys.next()
