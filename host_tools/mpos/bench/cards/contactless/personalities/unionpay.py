"""UnionPay cards (kernel 7): who decides, and how the cardholder is verified. JR/T 0025.12; EMV Contactless Book C-7.

The bench's reader lets a card decide up to 200.00 and wants the cardholder verified from 1,000.00 on.
"""

from mpos.bench.cards.contactless.personalities.making import (
    DEVICE,
    ONLINE_IF_EXPIRED,
    ONLINE_PIN,
    PIN,
    SIGNATURE,
    approved,
    approved_offline,
    broken,
    declined,
    replaced,
    union,
)
from mpos.bench.cards.profile import AID_QUASI_CREDIT

_E_EMV_DATA = 402
_E_OFFLINE_APPROVED, _E_CARD_DECLINED, _E_NO_PIN, _E_EXPIRED, _E_EXCEPTION_FILE = 404, 405, 412, 414, 418
_PAST, _FUTURE = "191231", "300101"
_OVER_FLOOR, _OVER_CVM = "250.00", "1000.00"

ENTRIES = (
    # Online and offline
    approved("tap-online", "A card that signs (fDDA) and goes online.", union(600)),
    approved("tap-quasi-credit", "A quasi-credit card of the same kind.", union(607, aid=AID_QUASI_CREDIT)),
    approved_offline("tap-offline", "A card that approves by itself.", union(601, decision="tc")),
    approved_offline(
        "tap-offline-version-0",
        "An older card that approves by itself: it signs the reader's number only (fDDA 00).",
        union(605, decision="tc", fdda_version=0),
    ),
    approved_offline(
        "tap-cash",
        "Electronic cash that covers the sale.",
        union(602, cash=50_000, available=True),
        balance="487.66",
    ),
    approved("tap-cash-insufficient", "Electronic cash that does not cover the sale: online.", union(603, cash=500)),
    approved(
        "tap-cash-over-limit",
        "Electronic cash would do, but over its limit the reader wants to go online.",
        union(604, cash=50_000),
        amount=_OVER_FLOOR,
    ),
    declined(
        "tap-refuses",
        "A card that signs and refuses the transaction all the same.",
        "",
        _E_CARD_DECLINED,
        union(608, decision="aac"),
    ),
    declined(
        "tap-approves-too-much",
        "A card that approves by itself although the reader wants to go online.",
        "",
        _E_OFFLINE_APPROVED,
        union(623, decision="tc-always"),
        amount=_OVER_FLOOR,
    ),
    # Dates and lists
    declined(
        "tap-expired", "A card that approves after its end.", "", _E_EXPIRED, union(618, decision="tc", expiry=_PAST)
    ),
    declined(
        "tap-expired-online",
        "The same, of an issuer that wants to be asked then.",
        "54",
        0,
        union(620, decision="tc", expiry=_PAST, ctq=ONLINE_IF_EXPIRED),
    ),
    declined(
        "tap-not-yet",
        "A card that approves before it may.",
        "",
        _E_EXPIRED,
        union(622, decision="tc", effective=_FUTURE),
    ),
    declined(
        "tap-exception",
        "A card that approves and is on the acquirer's list of those not to be taken.",
        "",
        _E_EXCEPTION_FILE,
        union(600, pan="6212340000002007", decision="tc"),
    ),
    # The cardholder
    approved(
        "tap-pin", "A card that wants the PIN for the host.", union(610, cvm="online-pin"), pin=PIN, cvm=ONLINE_PIN
    ),
    declined("tap-pin-wrong", "The same, and the PIN is wrong.", "55", 0, union(611, cvm="online-pin"), pin="9999"),
    broken("tap-pin-none", "The same, and none is entered.", _E_NO_PIN, union(612, cvm="online-pin"), pin="", detail=1),
    approved(
        "tap-pin-demanded",
        "The card asks for nothing, the issuer for the PIN: no second tap.",
        union(613),
        pin=PIN,
        cvm=ONLINE_PIN,
    ),
    declined("tap-pin-demanded-wrong", "The same, and the PIN is wrong.", "55", 0, union(614), pin="9999"),
    declined("tap-pin-demanded-none", "The same, and none is entered.", "1A", _E_NO_PIN, union(615), pin="", detail=1),
    approved(
        "tap-signature-required",
        "A sale for which the reader wants the cardholder verified: signature.",
        union(616),
        amount=_OVER_CVM,
        cvm=SIGNATURE,
    ),
    approved(
        "tap-phone",
        "A phone whose holder has unlocked it for the sale.",
        union(617, cvm="device"),
        amount=_OVER_CVM,
        cvm=DEVICE,
    ),
    broken(
        "tap-phone-changed",
        "A phone that was not unlocked; somebody changes on the way what it says of that.",
        _E_EMV_DATA,
        union(621, answer=replaced(0x9F6C, "0080")),
        amount=_OVER_CVM,
        detail=0x9F6C,
    ),
    declined(
        "tap-phone-claimed",
        "The same of a card without keys: the reader cannot know it, the issuer does.",
        "59",
        0,
        union(656, oda=False, answer=replaced(0x9F6C, "0080")),
        amount=_OVER_CVM,
    ),
    approved(
        "tap-see-phone",
        "A phone that wants to be unlocked first; then it is tapped again.",
        union(619, cvm="device", see_phone=True),
        amount=_OVER_CVM,
        cvm=DEVICE,
    ),
)
