"""Keys of cards that are not for payment, by slot. They go in as key blocks (app/key_load.py), are used, and never come out."""

from micropython import const

from ..errors import E_CARD_KEY, E_STORE, ReaderError
from ..util.wipe import wipe
from .sections import CARD_KEYS

KEY = const(6)  # a key of MIFARE Classic; or password (4) and PACK (2)
SLOTS = const(16)  # 1 to 16

_RECORD = const(7)  # kind, 0: none; key
_SIZE = const(112)  # SLOTS records
_CORRUPT = const(1)  # detail of E_STORE


class CardKeys:
    """`ring`: storage/key_ring.KeyRing."""

    def __init__(self, ring):
        self._ring = ring

    def key_into(self, slot: int, kind: int, out: bytearray) -> None:
        """The key in `slot`, of just this kind (link.protocol.KEY_*), for the caller to wipe.

        Raises E_CARD_KEY (detail: the slot) when there is none, E_NO_KEY, E_STORE.
        """
        kept = self._load()
        try:
            at = (slot - 1) * _RECORD
            if not 1 <= slot <= SLOTS or not kind or kept[at] != kind:
                raise ReaderError(E_CARD_KEY, slot)
            out[:KEY] = memoryview(kept)[at + 1 : at + _RECORD]
        finally:
            wipe(kept)

    def put(self, slot: int, kind: int, key, also=()) -> None:
        """Into a slot of 1 to 16, whatever was there before. `also`: (section, data) that the ring writes in the same step.

        Raises E_CARD_KEY, E_NO_KEY, E_STORE.
        """
        if not 1 <= slot <= SLOTS or len(key) != KEY:
            raise ReaderError(E_CARD_KEY, slot)
        kept = self._load()
        try:
            at = (slot - 1) * _RECORD
            kept[at] = kind
            kept[at + 1 : at + _RECORD] = key
            self._ring.write(((CARD_KEYS, kept),) + also)
        finally:
            wipe(kept)

    def _load(self) -> bytearray:
        kept = self._ring.load(CARD_KEYS) or bytearray(_SIZE)
        if len(kept) != _SIZE:
            raise ReaderError(E_STORE, _CORRUPT)
        return kept
