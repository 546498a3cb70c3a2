"""The initial key goes in once, a card's key as often as one likes; a line that is none changes nothing."""

from reader.app.counters import Counters
from reader.app.notices import Notices
from reader.app.personalise import personalise
from reader.dukpt.tdes import TdesDukpt
from reader.errors import E_CARD_KEY, E_KEY_EXISTS, E_NO_KEY
from reader.link.protocol import KEY_A, KEY_B, KEY_PASSWORD
from reader.storage.card_keys import CardKeys
from testing import MemoryStore, cases, h, raises

# X9.24-1:2009, A.4: the initial key of the standard's examples and its serial number
_LINE = "6AC292FAA1315B4D858AB3A3D7D5933A FFFF9876543210E00000"
# NXP MF1S50yyX/V1, 8.6.3: the keys at chip delivery. NXP AN10787: those of the application directory
_CARDS = "1 a FFFFFFFFFFFF\n2 b B0B1B2B3B4B5\n16 password FFFFFFFF0000"


def _stores():
    return MemoryStore(), MemoryStore(), MemoryStore(), MemoryStore()


def _key(store, slot, kind):
    out = bytearray(6)
    CardKeys(store).key_into(slot, kind, out)
    return bytes(out)


def test_once():
    keys, counters, notices, cards = _stores()
    personalise(keys, counters, notices, cards, _LINE)
    assert TdesDukpt(keys).next().ksn[-1] == 1
    assert Counters(counters).next_stan() == 1
    assert Notices(notices).check() == 0
    assert cards.data is None
    kept = keys.data
    with raises(E_KEY_EXISTS):
        personalise(keys, counters, notices, cards, _LINE)
    assert keys.data == kept and Counters(counters).next_stan() == 2


def test_keys_of_cards():
    keys, counters, notices, cards = _stores()
    personalise(keys, counters, notices, cards, _LINE + "\n" + _CARDS + "\n")
    assert TdesDukpt(keys).next().ksn[-1] == 1
    assert _key(cards, 1, KEY_A) == h("FFFFFFFFFFFF")
    assert _key(cards, 2, KEY_B) == h("B0B1B2B3B4B5")
    assert _key(cards, 16, KEY_PASSWORD) == h("FFFFFFFF0000")
    # later on, without the initial key, and over what was there
    personalise(keys, counters, notices, cards, "1 b A0A1A2A3A4A5")
    assert _key(cards, 1, KEY_B) == h("A0A1A2A3A4A5")
    with raises(E_CARD_KEY, 1):
        _key(cards, 1, KEY_A)


@cases(
    ("",),
    (_LINE[:-1],),
    (_LINE + "0",),
    (_LINE.replace(" ", "0"),),
    (_LINE[:32] + " " + "X" * 20,),
    ("G" + _LINE[1:],),
    (_LINE[:31] + " " + "0" * 21,),
    (_LINE + "\n" + _LINE,),
    (_LINE + "\n\n" + _CARDS,),
    (_CARDS + "\n" + _LINE[:-1],),
)
def test_no_such_line(text):
    stores = _stores()
    with raises(E_NO_KEY):
        personalise(*stores, text)
    assert [store.data for store in stores] == [None] * 4


@cases(
    ("0 a FFFFFFFFFFFF", 0),
    ("17 a FFFFFFFFFFFF", 17),
    ("x a FFFFFFFFFFFF", 0),
    ("3 c FFFFFFFFFFFF", 3),
    ("3 a FFFFFFFFFF", 3),
    ("3 password FFFFFFFF", 3),
    ("3 a FFFFFFFFFFFG", 3),
)
def test_no_such_card_key(line, slot):
    stores = _stores()
    with raises(E_CARD_KEY, slot):
        personalise(*stores, _LINE + "\n" + line)
    assert [store.data for store in stores] == [None] * 4
