"""Visa cards (kernel 3): EMV Contactless Book C-3. Limits as for the UnionPay cards.

Their numbers begin with 999999, a range that no scheme gives out: test_keys.VISA_IIN.
"""

from mpos.acquirer.accounts import tap_number
from mpos.bench.cards.contactless.personalities.making import (
    DEVICE,
    ONLINE_IF_EXPIRED,
    ONLINE_PIN,
    PIN,
    approved,
    approved_offline,
    declined,
    replaced,
    visa,
    without,
)
from mpos.bench.cards.profile import AID_VISA_ELECTRON

_E_CVM, _E_CARD_DECLINED, _E_EXPIRED, _E_BRAND = 403, 405, 414, 415
_PAST = "191231"
_OVER_FLOOR, _OVER_CVM = "250.00", "1000.00"
# Form factor indicator: version 1; standard card, mobile phone with passcode; ISO/IEC 14443
_CARD, _PHONE = "20000000", "23800000"

ENTRIES = (
    approved("visa", "A Visa card that goes online (cryptogram version 10).", visa(1, form_factor=_CARD)),
    declined("visa-insufficient-funds", "A Visa card whose account holds one fen.", "51", 0, visa(2)),
    approved("visa-cvn-17", "A Visa card with cryptogram version 17.", visa(3, cvn=17)),
    approved("visa-cvn-18", "A Visa card with cryptogram version 18.", visa(4, cvn=18)),
    approved_offline("visa-offline", "A Visa card that approves by itself.", visa(5, decision="tc", available=True)),
    approved("visa-electron", "A Visa Electron card.", visa(6, aid=AID_VISA_ELECTRON, label="VISA ELECTRON")),
    approved(
        "visa-one-command",
        "A Visa card that says all at once: no record is read.",
        visa(7, oda=False, one_command=True),
    ),
    approved_offline(
        "visa-signature-in-record",
        "A Visa card with a long key, whose signature is in a record.",
        visa(8, decision="tc", icc_bits=1152, signature_in_record=True),
    ),
    approved(
        "visa-pin", "A Visa card that wants the PIN for the host.", visa(10, cvm="online-pin"), pin=PIN, cvm=ONLINE_PIN
    ),
    declined("visa-pin-wrong", "The same, and the PIN is wrong.", "55", 0, visa(11, cvm="online-pin"), pin="9999"),
    approved(
        "visa-pin-demanded",
        "The card asks for nothing, the issuer for the PIN: no second tap.",
        visa(13),
        pin=PIN,
        cvm=ONLINE_PIN,
    ),
    approved(
        "visa-phone",
        "A phone whose holder has unlocked it for the sale.",
        visa(14, cvm="device", form_factor=_PHONE),
        amount=_OVER_CVM,
        cvm=DEVICE,
    ),
    declined(
        "visa-phone-changed",
        "A phone that was not unlocked; somebody changes on the way what it says of that.",
        "",
        _E_CVM,
        visa(21, form_factor=_PHONE, answer=replaced(0x9F6C, "0080")),
        amount=_OVER_CVM,
    ),
    declined(
        "visa-phone-claimed",
        "The same of a card without keys: the reader cannot know it, the issuer does.",
        "59",
        0,
        visa(23, oda=False, answer=replaced(0x9F6C, "0080")),
        amount=_OVER_CVM,
    ),
    approved(
        "visa-approves-with-pin",
        "A Visa card that approves and wants the PIN: with that the reader asks the issuer.",
        visa(12, decision="tc", ctq="8000"),
        pin=PIN,
        cvm=ONLINE_PIN,
    ),
    approved(
        "visa-see-phone",
        "A phone that wants to be unlocked first; then it is tapped again.",
        visa(15, cvm="device", form_factor=_PHONE, see_phone=True),
        cvm=DEVICE,
    ),
    declined(
        "visa-counterfeit",
        "A copy with everything but the key: its cryptogram is wrong.",
        "05",
        0,
        visa(16, genuine=False),
    ),
    declined(
        "visa-refuses", "A Visa card that refuses the transaction.", "", _E_CARD_DECLINED, visa(17, decision="aac")
    ),
    approved(
        "visa-approves-too-much",
        "A Visa card that approves although the reader wants to go online: the reader goes all the same.",
        visa(22, decision="tc-always"),
        amount=_OVER_FLOOR,
    ),
    declined(
        "visa-expired",
        "A Visa card that approves after its end.",
        "",
        _E_EXPIRED,
        visa(19, decision="tc", expiry=_PAST),
    ),
    declined(
        "visa-expired-online",
        "The same, of an issuer that wants to be asked then.",
        "54",
        0,
        visa(20, decision="tc", expiry=_PAST, ctq=ONLINE_IF_EXPIRED),
    ),
    declined(
        "visa-no-expiry",
        "A Visa card that approves and does not say until when it may: that counts as expired.",
        "",
        _E_EXPIRED,
        visa(18, decision="tc", spoil=lambda f: f.drop(0x5F24)),
    ),
    declined(
        "visa-brand",
        "A Visa application with the number of a UnionPay card.",
        "",
        _E_BRAND,
        visa(40, pan=tap_number(655), oda=False),
    ),
    approved(
        "visa-no-cid",
        "A Visa card that says the kind of its cryptogram in 9F10 only.",
        visa(62, answer=without(0x9F27)),
    ),
    approved(
        "visa-update", "The issuer sends its card an update, for which it is tapped again.", visa(60, takes_update=True)
    ),
    approved(
        "visa-update-wrong",
        "The same from somebody who is not the issuer: the sale stands, the card changes nothing.",
        visa(61, takes_update=True),
    ),
)
