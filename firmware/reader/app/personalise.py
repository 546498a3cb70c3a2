"""Personalisation, in the factory: the initial key, once, the counters, and room for notices; keys of cards, by slot."""

from binascii import unhexlify

from micropython import const

from ..dukpt.tdes import TdesDukpt
from ..errors import E_CARD_KEY, E_NO_KEY, ReaderError
from ..link import protocol
from ..storage.card_keys import KEY, SLOTS, CardKeys
from .counters import Counters
from .notices import Notices

_LINE = const(53)  # characters: key, blank, KSN


def personalise(key_store, counter_store, notice_store, card_key_store, text: str) -> None:
    """`text`: lines. One of 32 hex digits of the DUKPT initial key, a blank, 20 hex digits of its KSN; and for each key of
    cards that are not for payment one of its slot (1 to 16), a blank, its kind (a, b or password), a blank and 12 hex digits:
    MIFARE key A or B, or password and PACK of an NTAG.

    Nothing is stored unless all lines are right. Raises E_NO_KEY for an initial key that is not of this form, or when there is
    no line, E_CARD_KEY (detail: the slot, 0 if there is none) for a card's, E_KEY_EXISTS for a reader that has its initial key,
    E_STORE.
    """
    initial = None
    card_keys = []
    for line in text.strip().split("\n"):
        words = line.strip().split(" ")
        if len(words) == 3:
            card_keys.append(_card_key(words))
        elif initial is None:
            initial = _initial_key(line.strip())
        else:
            raise ReaderError(E_NO_KEY)
    if initial is not None:
        TdesDukpt(key_store).load_initial_key(*initial)
        Counters(counter_store).create()
        Notices(notice_store).create()
    for slot, kind, key in card_keys:
        CardKeys(card_key_store).put(slot, kind, key)


def _initial_key(line: str) -> tuple[bytes, bytes]:
    key, _, ksn = line.partition(" ")
    if len(line) != _LINE or len(key) != 32:
        raise ReaderError(E_NO_KEY)
    try:
        return unhexlify(key), unhexlify(ksn)
    except ValueError:
        raise ReaderError(E_NO_KEY)


def _card_key(words: list[str]) -> tuple[int, int, bytes]:
    slot, kind, key = words
    kinds = {"a": protocol.KEY_A, "b": protocol.KEY_B, "password": protocol.KEY_PASSWORD}
    number = 0
    try:
        number = int(slot)
        found = unhexlify(key)
    except ValueError:
        raise ReaderError(E_CARD_KEY, number)
    if not 1 <= number <= SLOTS or kind not in kinds or len(found) != KEY:
        raise ReaderError(E_CARD_KEY, number)
    return number, kinds[kind], found
