"""The device's packed table of data objects against the host's table of names."""

import re
from pathlib import Path

import pytest

from mpos.describe.tags import KINDS, TAGS

_TOP = Path(__file__).resolve().parents[3]
_FIRMWARE = _TOP / "firmware" / "reader"
_ROW = re.compile(r'^    b"((?:\\x[0-9a-f]{2}){5})"  # ([0-9A-F]+) (.+)$', re.MULTILINE)
_TEXT = (_FIRMWARE / "emv" / "tag_formats.py").read_text()
_ROWS = [(bytes.fromhex(packed.replace("\\x", "")), int(tag, 16), words) for packed, tag, words in _ROW.findall(_TEXT)]
_KIND = {"n": 1, "date": 1, "time": 1, "amount": 1, "country": 1, "currency": 1, "pan": 2, "text": 3}


def test_every_row_is_seen():
    assert len(_ROWS) == _TEXT.count('    b"') > 35
    tags = [tag for _, tag, _ in _ROWS]
    assert tags == sorted(set(tags))


@pytest.mark.parametrize(("packed", "tag", "words"), _ROWS, ids=[f"{row[1]:X}" for row in _ROWS])
def test_a_row_says_what_its_comment_says(packed, tag, words):
    assert int.from_bytes(packed[:2], "big") == tag
    assert tag in TAGS
    assert 1 <= packed[3] <= packed[4] <= 252
    wanted = _KIND.get(KINDS[tag])
    if wanted is not None:
        assert packed[2] & 0x0F == wanted


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
