"""The terminal's own counters, kept in a store: the systems trace audit number (DE11, tag 9F41)."""

from micropython import const

from ..errors import E_STORE, ReaderError

_STAN_MOST = const(999_999)
_SIZE = const(8)  # the number and its complement


class Counters:
    """`store` keeps the last number used, with its complement."""

    def __init__(self, store):
        self._store = store

    def create(self) -> None:
        """Once, when the reader is personalised: an empty store later on is a fault and never "counter zero"."""
        if self._store.load() is None:
            self._save(0)

    def next_stan(self) -> int:
        """1 to 999,999 and round again; stored before it is used, so no two packets ever carry the same one.

        Raises E_STORE when the stored number cannot be trusted.
        """
        last = self.check()
        stan = 1 if last == _STAN_MOST else last + 1
        self._save(stan)
        return stan

    def check(self) -> int:
        """The last number used. Raises E_STORE when the stored one is absent or cannot be trusted."""
        kept = self._store.load()
        if kept is None or len(kept) != _SIZE:
            raise ReaderError(E_STORE)
        last = int.from_bytes(kept[:4], "big")
        if last > _STAN_MOST or last ^ int.from_bytes(kept[4:], "big") != 0xFFFFFFFF:
            raise ReaderError(E_STORE)
        return last

    def _save(self, stan: int) -> None:
        self._store.save(stan.to_bytes(4, "big") + (stan ^ 0xFFFFFFFF).to_bytes(4, "big"))
