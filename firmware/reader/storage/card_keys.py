"""Keys of cards that are not for payment, by slot. They go in when the reader is personalised, are used, and never come out."""

from micropython import const

from ..errors import E_CARD_KEY, E_STORE, ReaderError
from ..util.wipe import wipe

KEY = const(6)  # a key of MIFARE Classic; or password (4) and PACK (2)
SLOTS = const(16)  # 1 to 16

_RECORD = const(7)  # kind, 0: none; key
_SIZE = const(114)  # SLOTS records, then the sum of their bytes, inverted


class CardKeys:
    """`store` keeps the slots (reader.ports.Store)."""

    def __init__(self, store):
        self._store = store

    def key_into(self, slot: int, kind: int, out: bytearray) -> None:
        """The key in `slot`, of just this kind (link.protocol.KEY_*), for the caller to wipe.

        Raises E_CARD_KEY (detail: the slot) when there is none, E_STORE when what is stored cannot be trusted.
        """
        kept = self._load()
        try:
            at = (slot - 1) * _RECORD
            if not 1 <= slot <= SLOTS or not kind or kept[at] != kind:
                raise ReaderError(E_CARD_KEY, slot)
            out[:KEY] = memoryview(kept)[at + 1 : at + _RECORD]
        finally:
            wipe(kept)

    def put(self, slot: int, kind: int, key) -> None:
        """Into a slot of 1 to 16, whatever was there before. Raises E_CARD_KEY, E_STORE."""
        if not 1 <= slot <= SLOTS or len(key) != KEY:
            raise ReaderError(E_CARD_KEY, slot)
        kept = self._load()
        at = (slot - 1) * _RECORD
        kept[at] = kind
        kept[at + 1 : at + _RECORD] = key
        self._seal(kept)
        try:
            self._store.save(kept)
        finally:
            wipe(kept)

    def _load(self) -> bytearray:
        kept = self._store.load()
        if kept is None:
            return bytearray(_SIZE)
        if len(kept) != _SIZE or _sum(kept) != int.from_bytes(kept[-2:], "big"):
            raise ReaderError(E_STORE)
        return kept if isinstance(kept, bytearray) else bytearray(kept)

    def _seal(self, kept: bytearray) -> None:
        kept[-2:] = _sum(kept).to_bytes(2, "big")


def _sum(kept) -> int:
    return sum(memoryview(kept)[:-2]) ^ 0xFFFF
