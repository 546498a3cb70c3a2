"""Cards whose fast dynamic data authentication (fDDA) fails: what their qualifiers want done then decides.

EMV Contactless Book C-3, 5.6; JR/T 0025.12, 7.7; Book C-7 has the same qualifiers.
"""

from mpos.bench.cards.contactless.personalities.making import (
    ONLINE_IF_FAILED,
    OTHER_INTERFACE_IF_FAILED,
    approved,
    broken,
    changed,
    damage,
    declined,
    union,
    visa,
    without,
)

_E_ODA = 413
_SIGNATURE = 0x9F4B

ENTRIES = (
    declined(
        "fdda-wrong",
        "A card that approves, and its signature is wrong.",
        "",
        _E_ODA,
        union(624, decision="tc", answer=changed(_SIGNATURE)),
    ),
    approved(
        "fdda-wrong-online",
        "The same, of an issuer that wants to be asked then.",
        union(625, decision="tc", answer=changed(_SIGNATURE), ctq=ONLINE_IF_FAILED),
    ),
    broken(
        "fdda-wrong-insert",
        "The same, of an issuer that wants it inserted then; only the field is open.",
        _E_ODA,
        union(626, decision="tc", answer=changed(_SIGNATURE), ctq=OTHER_INTERFACE_IF_FAILED),
    ),
    declined(
        "fdda-missing",
        "A card that approves without a signature.",
        "",
        _E_ODA,
        union(628, decision="tc", answer=without(_SIGNATURE)),
    ),
    declined(
        "fdda-no-keys", "A card that approves and has no keys at all.", "", _E_ODA, union(606, decision="tc", oda=False)
    ),
    declined(
        "fdda-certificate-wrong",
        "A card that approves, and its certificate does not come from the issuer.",
        "",
        _E_ODA,
        union(627, decision="tc", spoil=damage(0x9F46)),
    ),
    declined(
        "fdda-online-wrong",
        "A card that goes online, and its signature is wrong.",
        "",
        _E_ODA,
        union(629, answer=changed(_SIGNATURE)),
    ),
    approved(
        "fdda-online-wrong-online",
        "The same, of an issuer that wants to be asked all the same.",
        union(630, answer=changed(_SIGNATURE), ctq=ONLINE_IF_FAILED),
    ),
    approved(
        "fdda-online-missing",
        "A card that goes online without a signature: its cryptogram does.",
        union(631, answer=without(_SIGNATURE)),
    ),
    declined(
        "visa-fdda-wrong",
        "A Visa card that approves, and its signature is wrong.",
        "",
        _E_ODA,
        visa(24, decision="tc", answer=changed(_SIGNATURE)),
    ),
    approved(
        "visa-fdda-wrong-online",
        "The same, of an issuer that wants to be asked then.",
        visa(25, decision="tc", answer=changed(_SIGNATURE), ctq=ONLINE_IF_FAILED),
    ),
    declined(
        "visa-issuer-certificate-wrong",
        "A Visa card that approves, and its issuer's certificate does not come from the authority.",
        "",
        _E_ODA,
        visa(27, decision="tc", spoil=damage(0x90)),
    ),
    declined(
        "visa-certificate-expired",
        "A Visa card that approves, and its certificates ended in December 2019.",
        "",
        _E_ODA,
        visa(28, decision="tc", certificate_expiry="1219"),
    ),
    declined(
        "visa-certificate-of-another",
        "A Visa card that approves with the certificate of another account.",
        "",
        _E_ODA,
        visa(29, decision="tc", certified=visa(30).pan),
    ),
)
