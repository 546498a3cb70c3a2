"""Cards whose issuer sends scripts with its answer. EMV 4.4 Book 3, 10.10; PBOC 3.0 part 5.

What each account sends is the acquirer's (mpos.acquirer.accounts). TVR byte 5: 20 a script failed before the second
cryptogram, 10 after it. TSI: 04 script processing.
"""

from mpos.bench.cards.contact.personalities.making import (
    NO_CVM,
    approved,
    cvm_list,
    declined,
    profile,
)

_TSI = "FC00"
_PIN = "1357"
_BEFORE, _AFTER = "0000000020", "0000000010"

ENTRIES = (
    approved(
        "script-before", "A script before the second cryptogram unblocks the PIN.", profile(311, pin=_PIN), tsi=_TSI
    ),
    approved("script-after", "A script after it changes the PIN.", profile(312, pin=_PIN), tsi=_TSI),
    approved(
        "script-before-fails",
        "A script whose MAC is wrong, before the second cryptogram.",
        profile(313, pin=_PIN),
        tvr=_BEFORE,
        tsi=_TSI,
    ),
    approved(
        "script-after-fails",
        "A script whose second command has a wrong MAC, after it.",
        profile(314),
        tvr=_AFTER,
        tsi=_TSI,
    ),
    approved(
        "script-before-too-long",
        "A script of more than 128 bytes, before the second cryptogram: nothing of it is done.",
        profile(321),
        tvr=_BEFORE,
        tsi=_TSI,
    ),
    approved(
        "script-after-too-long",
        "A script of more than 128 bytes, after it.",
        profile(315),
        tvr=_AFTER,
        tsi=_TSI,
    ),
    approved("script-both", "One script before, one with two commands after.", profile(318, pin=_PIN), tsi=_TSI),
    approved("script-without-name", "A script without an identifier.", profile(319), tsi=_TSI),
    declined(
        "script-blocks-application", "A stolen card whose application is blocked.", "43", 0, profile(316), tsi=_TSI
    ),
    declined("script-blocks-card", "A lost card that is blocked altogether.", "41", 0, profile(317), tsi=_TSI),
    approved(
        "script-loads-cash",
        "The electronic cash does not cover the sale; the issuer loads it.",
        profile(320, cash=500, pdol=((0x9F7A, 1), (0x9F02, 6), (0x5F2A, 2)), cvm_list=cvm_list("1F03")),
        tsi=_TSI,
        cvm=NO_CVM,
    ),
)
