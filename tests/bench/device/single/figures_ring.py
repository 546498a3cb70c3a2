"""The key ring on the board's flash: reading a section, and a change of a reader's whole state."""

import gc

import flash
from measure import figure, report

from reader.storage import sections
from reader.storage.key_ring import KeyRing

# As a reader in the field has them: 1,189 bytes
_STATE = (
    (sections.TDES, 371),
    (sections.AES, 543),
    (sections.SESSION_ROOT, 16),
    (sections.BLOCK_KEY, 32),
    (sections.SERIALS, 8),
    (sections.CARD_KEYS, 112),
    (sections.MASTER_KEY, 16),
    (sections.WORKING_KEYS, 48),
    (sections.BONDS, 34),
    (sections.READER_ID, 8),
    (sections.IN_FIELD, 1),
)


class _Secret:
    """In memory: what the file system takes for 33 bytes is in the whole sale."""

    kept = None

    def load(self):
        return None if self.kept is None else bytearray(self.kept)

    def save(self, data) -> None:
        self.kept = bytes(data)


class _Counting:
    def fill(self, buf) -> None:
        for i in range(len(buf)):
            buf[i] = i


def run() -> None:
    for region, sectors in ((flash.keys, 16), (flash.journal, 2)):
        for sector in range(sectors):
            region.ioctl(6, sector)
    ring = KeyRing(flash.keys, flash.journal, _Secret())
    ring.create(_Counting())
    ring.write([(section, bytes(size)) for section, size in _STATE])
    state = bytearray(371)
    change = [(sections.TDES, state)]
    figure("ring.write", lambda: ring.write(change))
    figure("ring.read", lambda: ring.read_into(sections.TDES, state))
    figure("ring.check", ring.check)
    report("ring.write_bytes", _most(lambda: ring.write(change)))
    report("ring.read_bytes", _most(lambda: ring.read_into(sections.TDES, state)))


def _most(work) -> int:
    """Heap that `work` takes, garbage included: nothing is collected meanwhile."""
    work()
    gc.collect()
    gc.disable()
    before = gc.mem_alloc()
    work()
    taken = gc.mem_alloc() - before
    gc.enable()
    return taken
