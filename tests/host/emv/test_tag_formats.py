"""The device's packed table of data objects against the host's table of names."""

import re
from pathlib import Path

import pytest

from mpos.describe.tags import KINDS, TAGS

_TOP = Path(__file__).resolve().parents[3]
_FIRMWARE = _TOP / "firmware" / "reader"
_ROW = re.compile(r'^    b"((?:\\x[0-9a-f]{2}){3})"  # ([0-9A-F]+) (.+)$', re.MULTILINE)
_TEXT = (_FIRMWARE / "emv" / "tag_formats.py").read_text()
_ROWS = [(bytes.fromhex(packed.replace("\\x", "")), int(tag, 16), words) for packed, tag, words in _ROW.findall(_TEXT)]
_KIND = {"n": 1, "date": 1, "time": 1, "amount": 1, "country": 1, "currency": 1, "pan": 2, "text": 3}
_CARD, _CONTACTLESS, _ISSUER, _RECORD = 0x80, 0x40, 0x20, 0x10


def _number(name: str) -> int:
    found = re.search(rf"^{name} = const\((\d+)\)$", _TEXT, re.MULTILINE)
    assert found is not None, name
    return int(found[1])


def test_the_columns_say_what_the_comments_say():
    column = re.search(r"^_LAST = \((.*?)^\)", _TEXT, re.MULTILINE | re.DOTALL)
    rows = re.search(r"^_ROWS = \((.*?)^\)", _TEXT, re.MULTILINE | re.DOTALL)
    assert column is not None and rows is not None
    assert len(_ROWS) == rows[1].count('    b"') > 100
    tags = [tag for _, tag, _ in _ROWS]
    assert [tag & 0xFF for tag in tags] == list(bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]{2})", column[1]))))
    assert [tag >> 8 for tag in tags] == sorted(tag >> 8 for tag in tags)
    ends = [_number(name) for name in ("_AT_5F", "_AT_9F", "_END")]
    assert ends == [sum(tag >> 8 <= high for tag in tags) for high in (0, 0x5F, 0x9F)]
    assert len(tags) == len(set(tags)) == ends[-1]


@pytest.mark.parametrize(("packed", "tag", "words"), _ROWS, ids=[f"{row[1]:X}" for row in _ROWS])
def test_a_row_says_what_its_comment_says(packed, tag, words):
    kind, least, most = packed
    assert tag in TAGS
    # a row of the store has one byte of length, an entry of a data object list seven bits
    assert 0 <= least <= most <= 252 and most > 0
    wanted = _KIND.get(KINDS[tag])
    if wanted is not None:
        assert kind & 0x0F & ~_RECORD == wanted
    # a source is the card or the issuer, never both, and what a contactless kernel keeps comes from a card
    assert not (kind & _CARD and kind & _ISSUER)
    assert kind & _CARD or not kind & (_CONTACTLESS | _RECORD)


def test_the_order_of_de55_is_the_one_its_comment_lists():
    text = (_FIRMWARE / "emv" / "icc_data.py").read_text()
    listed = re.search(r"^# ((?:[0-9A-F]{2,4} )+[0-9A-F]{2,4})", text, re.MULTILINE)
    assert listed is not None
    packed = bytes.fromhex("".join(re.findall(r"\\x([0-9a-f]{2})", text)))
    tags = [int.from_bytes(packed[i : i + 2], "big") for i in range(0, len(packed), 2)]
    assert tags == [int(tag, 16) for tag in listed[1].split()]
    for tag in tags:
        assert tag in TAGS
    # no account data in a field that travels in clear
    assert not {0x57, 0x5A, 0x5F20, 0x5F24} & set(tags)
