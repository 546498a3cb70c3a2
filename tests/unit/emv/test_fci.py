"""File control information: EMV 4.4 Book 1, 11.3.4, table 8."""

from reader.emv import fci
from reader.emv.data import DataStore
from reader.errors import E_EMV_DATA, E_TAG_DUPLICATE, E_TAG_FORMAT, E_TAG_MISSING, E_TLV
from testing import cases, h, raises, requirement

_NAME = h("A000000333010101")
_GOOD = "6F13 8408 A000000333010101 A507 5002 4142 870101"


@requirement("Book 1", "11.3.4", "The FCI of an application is a template 6F with its DF name and a template A5.")
def test_what_an_fci_has():
    assert fci.df_name(h(_GOOD)) == _NAME
    assert bytes(fci.proprietary(h(_GOOD))) == h("50024142 870101")


@cases(
    ("", E_TLV),
    ("77138408A000000333010101A50750024142870101", E_TLV),
    ("6F13 8408 A000000333010101 A507 5002 4142 8701", E_TLV),
    (_GOOD + "01", E_TLV),
    ("6F00", E_TAG_MISSING),
    ("6F06 8401AA 8401BB", E_TAG_DUPLICATE),
)
def test_malformed(text, code):
    with raises(code):
        fci.df_name(h(text))


@cases(("6F0A 8408 A000000333010101", E_TAG_MISSING), ("6F04 A500 A500", E_TAG_DUPLICATE))
def test_malformed_inside(text, code):
    with raises(code, 0xA5):
        fci.proprietary(h(text))


def test_what_is_kept():
    data = DataStore(64)
    template = fci.keep(_NAME[:7], memoryview(h(_GOOD)), data)
    assert data.get(0x84) == _NAME and data.get(0x50) == b"AB" and data.get(0x87) is None
    assert bytes(template) == h("50024142 870101")


def test_without_a_label():
    data = DataStore(64)
    fci.keep(_NAME, h("6F0C 8408 A000000333010101 A500"), data)
    assert data.get(0x84) == _NAME and data.get(0x50) is None


@requirement("Book 1", "12.4", "What answers a SELECT must be what was selected.")
def test_another_one():
    with raises(E_EMV_DATA, 0x84):
        fci.keep(_NAME[:7] + b"\2", h(_GOOD), DataStore(64))


def test_a_label_that_is_none():
    with raises(E_TAG_FORMAT, 0x50):
        fci.keep(_NAME, h("6F0E 8408 A000000333010101 A502 5000"), DataStore(64))
