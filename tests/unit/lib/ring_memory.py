"""Stands in for storage/key_ring.KeyRing where a test is about what is kept and not about how."""

from reader.errors import E_STORE, ReaderError


class RingMemory:
    """`sections`: {number: bytes}.

    At write number `fail_at` (from 1) the power goes: ReaderError(E_STORE), or `error` if one is given, and what is
    kept afterwards are the old sections, or with `keeps_new` the new ones: the two outcomes of the real ring.
    """

    def __init__(self, sections=None, fail_at: int = 0, keeps_new: bool = False, error=None):
        self.sections = sections or {}
        self.writes = 0
        self.buffers = []  # what the last write was given: the very objects, to see that their owner wiped them
        self.fail_at = fail_at
        self._keeps_new = keeps_new
        self._error = error

    def size(self, section: int) -> int:
        return len(self.sections.get(section, b""))

    def load(self, section: int) -> bytearray:
        return bytearray(self.sections.get(section, b""))

    def read_into(self, section: int, out) -> int:
        data = self.sections[section]
        out[: len(data)] = data
        return len(data)

    def write(self, changes) -> None:
        self.writes += 1
        self.buffers = [data for _, data in changes]
        fails = self.writes == self.fail_at
        if not fails or self._keeps_new:
            for section, data in changes:
                self.sections[section] = b"" if data is None else bytes(data)
        if fails:
            raise self._error or ReaderError(E_STORE)
