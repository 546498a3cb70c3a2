"""Cards that answer in a way of their own: slowly, by type B, in the other format, with too much, with too little.

EMV 4.4 Book 3, 6.5.8.4 (formats 1 and 2), 10.2; ISO/IEC 14443-4, 7.3 (waiting time extension).
"""

from mpos.bench.cards.contact.layout import Layout
from mpos.bench.cards.contactless.personalities.making import (
    approved,
    broken,
    union,
    visa,
    with_more,
    without,
)

_E_CARD_TIMEOUT = 103
_E_TAG_FORMAT, _E_TAG_MISSING, _E_TAG_DUPLICATE, _E_STATUS_WORD, _E_EMV_DATA = 303, 304, 305, 401, 402
_PUPI = bytes.fromhex("51627384")
_SLOW_MS = 300
# A private object, two that other kernels know, a template
_UNKNOWN = ((0xDF70, b"\x01\x02"), (0x9F7F, bytes(8)), (0x9F50, b"\x00"), (0xBF70, bytes.fromhex("DF710101")))


def _more_in_locator(layout: Layout) -> None:
    layout.afl += b"\x08\x01"


ENTRIES = (
    approved("tap-type-b", "A card of type B.", union(642), make={"uid": _PUPI, "modulation": "B"}),
    approved(
        "tap-slow", "A card that takes its time for every answer.", union(643, oda=False), make={"slow_ms": _SLOW_MS}
    ),
    broken(
        "tap-hangs",
        "A card that asks for more time without end.",
        _E_CARD_TIMEOUT,
        union(644, oda=False),
        make={"hangs": True},
    ),
    approved(
        "tap-format-1", "A card that answers with AIP and AFL only; the rest is in a record.", union(647, file_format=1)
    ),
    broken(
        "tap-format-1-odd",
        "The same, with two bytes more than are any AFL.",
        _E_TAG_FORMAT,
        union(648, file_format=1, spoil=_more_in_locator),
        detail=0x80,
    ),
    approved(
        "tap-unknown-tags",
        "A card that says things which this reader does not know.",
        union(646, oda=False, answer=with_more(*_UNKNOWN)),
    ),
    approved("visa-unknown-tags", "A Visa card that does.", visa(63, oda=False, answer=with_more(*_UNKNOWN))),
    broken(
        "tap-wrong-length",
        "A card whose cryptogram has seven bytes.",
        _E_TAG_FORMAT,
        union(
            645, oda=False, answer=lambda rows: [(tag, value[:7] if tag == 0x9F26 else value) for tag, value in rows]
        ),
        detail=0x9F26,
    ),
    broken(
        "visa-wrong-length",
        "A Visa card whose counter has three bytes.",
        _E_TAG_FORMAT,
        visa(
            64, oda=False, answer=lambda rows: [(tag, b"\0" + value if tag == 0x9F36 else value) for tag, value in rows]
        ),
        detail=0x9F36,
    ),
    broken(
        "tap-tag-twice",
        "A card that gives its counter twice.",
        _E_TAG_DUPLICATE,
        union(649, oda=False, answer=with_more((0x9F36, b"\x00\x01"))),
        detail=0x9F36,
    ),
    broken(
        "tap-no-cryptogram",
        "A card that forgets its cryptogram.",
        _E_TAG_MISSING,
        union(650, oda=False, answer=without(0x9F26)),
        detail=0x9F26,
    ),
    broken(
        "tap-no-track",
        "A card without track 2.",
        _E_TAG_MISSING,
        union(652, oda=False, spoil=lambda f: f.drop(0x57)),
        detail=0x57,
    ),
    broken(
        "tap-two-accounts",
        "A card whose track 2 and account number differ.",
        _E_EMV_DATA,
        union(653, oda=False, spoil=lambda f: f.put(0x5A, bytes.fromhex(union(654).pan))),
    ),
    broken(
        "tap-fails",
        "A card that answers GET PROCESSING OPTIONS with an error.",
        _E_STATUS_WORD,
        union(651, oda=False, refuses=0x6F00),
        detail=0x6F00,
    ),
)
