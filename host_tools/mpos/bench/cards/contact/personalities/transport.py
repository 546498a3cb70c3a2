"""Cards that differ in what goes over the contacts only. ISO/IEC 7816-3; EMV 4.4 Book 1, 8 and 9."""

from mpos.bench.cards.contact import atr
from mpos.bench.cards.contact.personalities.making import approved, broken, profile

_E_CARD_ATR = 107

# T=1 whose TB3 says BWI 5: no EMV card has that (Book 1, 8.3.3.10)
_BAD = atr.made("E0 00 00 81 31 FE 55")

ENTRIES = (
    approved("t0-inverse", "A T=0 card of the inverse convention.", profile(235), make={"atr": atr.T0_INVERSE}),
    approved("t0-fast", "A T=0 card that a PPS would make faster.", profile(236), make={"atr": atr.T0_PPS}),
    approved("t0-specific", "A T=0 card that is fast from the start.", profile(237), make={"atr": atr.T0_SPECIFIC}),
    approved("t1", "A T=1 card.", profile(238), make={"atr": atr.T1, "protocol": 1}),
    approved(
        "t1-inverse", "A T=1 card of the inverse convention.", profile(239), make={"atr": atr.T1_INVERSE, "protocol": 1}
    ),
    approved(
        "t1-short-blocks",
        "A T=1 card that takes 16 bytes at a time.",
        profile(240),
        make={"atr": atr.T1_SHORT_BLOCKS, "protocol": 1},
    ),
    approved(
        "t1-1984",
        "A T=1 card whose certificates fill its blocks.",
        profile(241, ca_index=0xE0, issuer_bits=1984, icc_bits=1984),
        make={"atr": atr.T1, "protocol": 1},
    ),
    approved(
        "t1-long",
        "A T=1 card with keys of 1,984 bits that takes 16 bytes at a time.",
        profile(242, ca_index=0xE0, issuer_bits=1984, icc_bits=1984),
        make={"atr": atr.T1_SHORT_BLOCKS, "protocol": 1},
    ),
    approved(
        "atr-at-second-reset",
        "A card that shows its EMV side at the warm reset only.",
        profile(243),
        make={"atr": _BAD, "warm_atr": atr.T0},
    ),
    broken(
        "atr-wrong",
        "A card whose answer to reset EMV does not accept.",
        _E_CARD_ATR,
        profile(244),
        make={"atr": _BAD, "protocol": 1},
    ),
    broken("mute-card", "A card put in upside down: no answer at all.", _E_CARD_ATR, profile(245), make={"atr": b""}),
)
