"""Cards for cardholder verification. EMV 4.4 Book 3, 10.5 and annex C3; Book 2, 7; Book 4, 6.3.4.

The rules of the lists: 01 plaintext PIN, 02 online PIN, 03 plaintext PIN and signature, 04 enciphered PIN, 05 the same
and signature, 1E signature, 1F nothing, 00 fail; 40 added: go on when it fails. Conditions: 00 always, 03 if the reader
can. Byte 3 of the TVR: 80 failed, 40 unknown method, 20 tries used up, 08 not entered, 04 online PIN.
"""

from typing import Any

from mpos.bench.cards.contact.personalities.making import (
    CVM_FAILED,
    NO_CVM,
    OFFLINE_PIN,
    ONLINE_PIN,
    PIN_AND_SIGNATURE,
    SIGNATURE,
    account_number,
    approved,
    broken,
    cvm_list,
    damage,
    declined,
    profile,
)
from mpos.bench.cards.contact.profile import ContactProfile
from mpos.bench.cards.contact.spoiled import GET_CHALLENGE, VERIFY
from mpos.bench.cards.faults import instead, status

_PIN, _WRONG = "1357", "9999"
_E_STATUS_WORD, _E_TERMINAL_DECLINED = 401, 409
# A failed verification is declined at once (action code for denial), as many issuers have it
_DENY_FAILED = ("FC78FCA800", "0000800000", "FC78FCF800")
_OR_SIGNATURE = "41031E03"


def _card(number: int, rules: str, **more: Any) -> ContactProfile:
    return profile(number, cvm_list=cvm_list(rules), pin=_PIN, **more)


def _enciphered(number: int, rules: str, **more: Any) -> ContactProfile:
    return _card(number, rules, pin_plain=False, pin_enciphered=True, **more)


ENTRIES = (
    approved("pin-offline", "The card checks the PIN itself.", _card(271, "0103"), pin=_PIN, cvm=OFFLINE_PIN),
    approved(
        "pin-at-second-try",
        "The PIN is right at the second try.",
        _card(272, "0103"),
        pin=f"{_WRONG},{_PIN}",
        cvm=OFFLINE_PIN,
    ),
    approved(
        "pin-at-last-try",
        "A card with one try left, and the PIN is right.",
        _card(273, "0103", pin_tries=1),
        pin=_PIN,
        cvm=OFFLINE_PIN,
    ),
    declined(
        "pin-wrong",
        "The PIN is wrong three times: the card blocks it, the reader declines.",
        "",
        _E_TERMINAL_DECLINED,
        _card(274, "0103", iac=_DENY_FAILED),
        pin=f"{_WRONG},{_WRONG},{_WRONG}",
        tvr="0000A00000",
        tsi="E800",
        cvm=CVM_FAILED,
    ),
    declined(
        "pin-wrong-last-try",
        "A card with one try left, and the PIN is wrong.",
        "",
        _E_TERMINAL_DECLINED,
        _card(275, "0103", pin_tries=1, iac=_DENY_FAILED),
        pin=_WRONG,
        tvr="0000A00000",
        tsi="E800",
        cvm=CVM_FAILED,
    ),
    approved(
        "pin-blocked",
        "A card whose PIN is blocked, so the cardholder signs; online for that.",
        _card(276, _OR_SIGNATURE, pin_tries=0),
        tvr="0000200000",
        cvm=SIGNATURE,
    ),
    approved(
        "pin-counter-hidden",
        "A card that does not tell how many tries are left.",
        _card(277, "0103", hidden=(0x9F17,)),
        pin=_PIN,
        cvm=OFFLINE_PIN,
    ),
    approved(
        "pin-enciphered",
        "The PIN goes to the card enciphered under its own key.",
        _enciphered(278, "0403"),
        pin=_PIN,
        cvm=OFFLINE_PIN,
    ),
    approved(
        "pin-enciphered-own-key",
        "The same, with a key that is there for the PIN alone.",
        _enciphered(279, "0403", pin_bits=1024),
        pin=_PIN,
        cvm=OFFLINE_PIN,
    ),
    approved(
        "pin-enciphered-second-try",
        "An enciphered PIN that is right at the second try, each under a number of its own.",
        _enciphered(280, "0403"),
        pin=f"{_WRONG},{_PIN}",
        cvm=OFFLINE_PIN,
    ),
    approved(
        "online-pin",
        "The host checks the PIN.",
        _card(281, "0203"),
        pin=_PIN,
        tvr="0000040000",
        cvm=ONLINE_PIN,
    ),
    declined(
        "online-pin-wrong",
        "The host checks the PIN, and it is wrong.",
        "55",
        0,
        _card(282, "0203"),
        pin=_WRONG,
        tvr="0000040000",
        tsi="F800",
        cvm=ONLINE_PIN,
    ),
    approved(
        "online-pin-bypassed",
        "The cardholder presses enter without a PIN, and signs.",
        _card(283, "42031E03"),
        pin="",
        tvr="0000080000",
        cvm=SIGNATURE,
    ),
    approved(
        "online-pin-after-offline",
        "The card's own PIN is blocked; the host checks one instead.",
        _card(284, "41030203", pin_tries=0),
        pin=_PIN,
        tvr="0000240000",
        cvm=ONLINE_PIN,
    ),
    approved(
        "pin-enciphered-no-key",
        "A card whose key for the PIN is not certified: the cardholder signs.",
        _enciphered(285, "44031E03", pin_bits=1024, spoil=damage(0x9F2D)),
        cvm=SIGNATURE,
    ),
    approved(
        "pin-enciphered-other-account",
        "A key for the PIN that belongs to another account: the cardholder signs.",
        _enciphered(286, "44031E03", oda="sda", certified=account_number(201)),
        tvr="0200000000",
        cvm=SIGNATURE,
    ),
    approved(
        "pin-and-signature",
        "The card checks the PIN, and the cardholder signs.",
        _card(287, "0303"),
        pin=_PIN,
        cvm=PIN_AND_SIGNATURE,
    ),
    approved(
        "pin-enciphered-and-signature",
        "An enciphered PIN, and the cardholder signs.",
        _enciphered(288, "0503"),
        pin=_PIN,
        cvm=PIN_AND_SIGNATURE,
    ),
    approved(
        "pin-bypassed",
        "The cardholder passes the card's PIN by, and signs.",
        _card(289, _OR_SIGNATURE),
        pin="",
        tvr="0000080000",
        cvm=SIGNATURE,
    ),
    declined(
        "pin-bypassed-in-vain",
        "The cardholder passes the PIN by, and the card takes nothing else.",
        "",
        _E_TERMINAL_DECLINED,
        _card(290, "0103", iac=_DENY_FAILED),
        pin="",
        tvr="0000880000",
        tsi="E800",
        cvm=CVM_FAILED,
    ),
    approved("no-cvm", "A card that asks nothing of its holder.", profile(291, cvm_list=cvm_list("1F00")), cvm=NO_CVM),
    declined(
        "cvm-failed",
        "A card whose list says that verification fails.",
        "",
        _E_TERMINAL_DECLINED,
        profile(292, cvm_list=cvm_list("0000"), iac=_DENY_FAILED),
        tvr="0000800000",
        tsi="E800",
        cvm=CVM_FAILED,
    ),
    approved(
        "cvm-failed-online",
        "The same, and the issuer wants to decide that itself.",
        profile(293, cvm_list=cvm_list("0000")),
        tvr="0000800000",
        cvm=CVM_FAILED,
    ),
    approved(
        "cvm-unknown",
        "A method that nobody knows, and the next is none.",
        profile(294, cvm_list=cvm_list("47001F03")),
        tvr="0000400000",
        cvm=NO_CVM,
    ),
    approved(
        "cvm-unknown-condition",
        "A rule under a condition that nobody knows is left out.",
        profile(295, cvm_list=cvm_list("1E0B1F03")),
        cvm=NO_CVM,
    ),
    approved(
        "cvm-over-x",
        "Nothing up to 10.00, a signature above; the sale is above.",
        profile(296, cvm_list=cvm_list("1F061E07", x=1000)),
        cvm=SIGNATURE,
    ),
    approved(
        "cvm-under-x",
        "The same, and the sale is below.",
        profile(297, cvm_list=cvm_list("1F061E07", x=1000)),
        amount="5.00",
        cvm=NO_CVM,
    ),
    approved(
        "cvm-under-y",
        "A PIN from 50.00 on, a signature below.",
        profile(298, cvm_list=cvm_list("1E081F09", y=5000)),
        cvm=SIGNATURE,
    ),
    approved(
        "cvm-for-cash",
        "A PIN for cash only; this is a sale.",
        profile(299, cvm_list=cvm_list("020102041E05" + "1E02")),
        cvm=SIGNATURE,
    ),
    approved(
        "cvm-list-missing",
        "A card that promises a list of methods and has none.",
        profile(400, cvm_list=b"", aip="7C00"),
        tvr="2000000000",
        tsi="B800",
        cvm="",
    ),
    approved(
        "cvm-list-without-rules",
        "A list of amounts without a rule.",
        profile(401, cvm_list=cvm_list("")),
        tvr="2000000000",
        tsi="B800",
        cvm="",
    ),
    approved(
        "cvm-not-supported",
        "A card that does no cardholder verification.",
        profile(402, aip="6C00"),
        tsi="B800",
        cvm="",
    ),
    approved(
        "cvm-none-suits",
        "A list none of whose conditions is met.",
        profile(403, cvm_list=cvm_list("1E01")),
        tvr="0000800000",
        cvm=CVM_FAILED,
    ),
    approved(
        "challenge-short",
        "A card whose number for the enciphered PIN is too short: the cardholder signs.",
        _enciphered(404, "44031E03"),
        fault_at=(GET_CHALLENGE, instead(bytes(4))),
        pin=_PIN,
        cvm=SIGNATURE,
    ),
    broken(
        "verify-refused",
        "A card that answers the PIN with an error that is none of a PIN.",
        _E_STATUS_WORD,
        _card(405, "0103"),
        fault_at=(VERIFY, status(0x6A80)),
        pin=_PIN,
    ),
)
