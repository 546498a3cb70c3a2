"""The answer to GET PROCESSING OPTIONS: EMV 4.4 Book 3, 6.5.8.4."""

from reader.emv.data import DataStore
from reader.emv.processing_options import read_response
from reader.emv.tag_formats import CONTACTLESS, RECORD
from reader.errors import E_DATA_FULL, E_TAG_FORMAT, E_TLV
from testing import cases, h, raises


def _read(text, source=RECORD, capacity=256):
    data = DataStore(capacity)
    read_response(h(text), data, source)
    return data


@cases(RECORD, CONTACTLESS)
def test_both_formats(source):
    for text in ("800A 2000 08010100 10020401", "770E 8202 2000 9408 08010100 10020401"):
        data = _read(text, source)
        assert data.get(0x82) == h("2000") and data.get(0x94) == h("0801010010020401")


def test_what_each_side_keeps():
    text = "7719 8202 2000 9F2608 0011223344556677 9F3602 0001 9F0802 0100"
    contactless = _read(text, CONTACTLESS)
    contact = _read(text)
    assert contactless.get(0x9F26) is not None and contactless.get(0x9F08) is None
    assert contact.get(0x9F26) is None and contact.get(0x9F08) == h("0100")


def test_padding_around_it():
    assert _read("00 8002 2000 00").get(0x82) == h("2000")


@cases("", "00", "8006 2000 0801", "6F00", "7703 8202 20", "8002 2000 FF")
def test_malformed(text):
    with raises(E_TLV):
        _read(text)


@cases("8000", "8001 20", "8003 200008", "8007 2000 0801010010")
def test_format_1_of_the_wrong_length(text):
    with raises(E_TAG_FORMAT, 0x80):
        _read(text)


def test_too_small_a_store():
    with raises(E_DATA_FULL, 0x94):
        _read("8006 2000 08010100", capacity=9)
