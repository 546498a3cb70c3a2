"""Cards for offline data authentication, right and wrong. EMV 4.4 Book 3, 10.3; Book 2, 5 and 6.

What fails is no more than a bit of the TVR; the action codes of card and reader send it online, where the host decides
(a CDA that fails is declined: Book 4, 6.3.2.1). A card with SDA has bit 2 of byte 1 (SDA selected) always.
"""

from mpos.bench.cards.contact.layout import Layout
from mpos.bench.cards.contact.personalities.making import (
    account_number,
    approved,
    approved_offline,
    broken,
    damage,
    declined,
    profile,
)
from mpos.bench.cards.contact.spoiled import GENERATE_AC, INTERNAL_AUTHENTICATE, damaged, signature_damaged
from mpos.bench.cards.faults import instead, status
from mpos.bench.cards.tlv import tlv
from mpos.bench.emv_keys import REVOKED_SERIAL

# Byte 1: 40 SDA failed, 20 data missing, 08 DDA failed, 04 CDA failed, 02 SDA selected
_DDA_FAILED, _SDA_FAILED, _SDA = "0800000000", "4200000000", "0200000000"
_E_TLV, _E_STATUS_WORD, _E_TAG_MISSING, _E_CDA = 301, 401, 304, 411


def _foreign_record(layout: Layout) -> None:
    """A record that is no template 70, in a file above 10, under the signature. Book 3, 10.3."""
    layout.raw[12, 1] = bytes.fromhex("530401020304")
    layout.afl += bytes([12 << 3, 1, 1, 1])


_UNSIGNED = tlv(
    0x77,
    tlv(0x9F27, b"\x80"),
    tlv(0x9F36, b"\x00\x01"),
    tlv(0x9F26, bytes(8)),
    tlv(0x9F10, bytes.fromhex("07010103A0000001")),
)

ENTRIES = (
    approved("chip", "A debit card with DDA that goes online: the usual case.", profile(201)),
    approved("sda", "A card that can do static data authentication only.", profile(202, oda="sda"), tvr=_SDA),
    approved(
        "dda-1984",
        "A card whose three keys have 1,984 bits, the most EMV knows.",
        profile(203, ca_index=0xE0, issuer_bits=1984, icc_bits=1984),
    ),
    approved(
        "dda-65537",
        "A card whose keys have the exponent 65537.",
        profile(204, ca_index=0xE2, issuer_bits=1152, issuer_exponent=65537, icc_exponent=65537),
    ),
    approved("cda", "A card that signs its cryptograms (CDA).", profile(205, oda="cda", file_format=2)),
    approved_offline(
        "cda-offline",
        "A card with CDA that approves by itself.",
        profile(206, oda="cda", file_format=2, decision="tc"),
        cvm="signature",
    ),
    approved(
        "no-authentication",
        "A card that has nothing to authenticate: it goes online for that.",
        profile(207, oda=""),
        tvr="8000000000",
        tsi="7800",
    ),
    approved("dda-format-2", "A card that answers with templates of data objects.", profile(208, file_format=2)),
    approved(
        "no-ddol", "A card without a DDOL: the reader takes its own.", profile(209, spoil=lambda f: f.drop(0x9F49))
    ),
    approved(
        "issuer-certificate-wrong",
        "The issuer's certificate does not come from the authority.",
        profile(210, spoil=damage(0x90)),
        tvr=_DDA_FAILED,
    ),
    approved(
        "card-certificate-wrong",
        "The card's certificate does not come from the issuer.",
        profile(211, spoil=damage(0x9F46)),
        tvr=_DDA_FAILED,
    ),
    approved(
        "certificate-expired",
        "The certificates ended in December 2019.",
        profile(212, certificate_expiry="1219"),
        tvr=_DDA_FAILED,
    ),
    approved(
        "authority-unknown",
        "A key of the authority that the reader has not got.",
        profile(213, spoil=lambda f: f.put(0x8F, b"\xf9")),
        tvr=_DDA_FAILED,
    ),
    approved(
        "authority-expired",
        "A key of the authority that was withdrawn in 2019.",
        profile(214, ca_index=0xE3),
        tvr=_DDA_FAILED,
    ),
    approved(
        "sda-wrong",
        "The signature over the static data is wrong.",
        profile(215, oda="sda", spoil=damage(0x93)),
        tvr=_SDA_FAILED,
    ),
    approved(
        "dda-wrong",
        "The card's answer to the reader's number is not signed with its key.",
        profile(216),
        fault_at=(INTERNAL_AUTHENTICATE, damaged),
        tvr=_DDA_FAILED,
    ),
    declined(
        "cda-wrong",
        "The signature over the card's request to go online is wrong: the reader stops it.",
        "",
        _E_CDA,
        profile(217, oda="cda", file_format=2),
        fault_at=(GENERATE_AC, signature_damaged),
        tvr="0400000000",
        tsi="E800",
    ),
    declined(
        "cda-offline-wrong",
        "The signature over the card's approval is wrong: it counts for nothing.",
        "",
        _E_CDA,
        profile(218, oda="cda", file_format=2, decision="tc"),
        fault_at=(GENERATE_AC, signature_damaged),
        tvr="0400000000",
        tsi="E800",
    ),
    approved(
        "certificate-revoked",
        "The authority has taken the issuer's certificate back.",
        profile(219, issuer_serial=REVOKED_SERIAL),
        tvr=_DDA_FAILED,
    ),
    approved(
        "certificate-of-another",
        "The card's certificate is for another account.",
        profile(220, certified=account_number(201)),
        tvr=_DDA_FAILED,
    ),
    approved(
        "issuer-of-another-range",
        "The issuer's certificate is for other account numbers.",
        profile(221, identifier="622848"),
        tvr=_DDA_FAILED,
    ),
    approved(
        "data-changed",
        "Somebody has changed the service code after the card was signed.",
        profile(222, spoil=lambda f: f.put(0x5F30, b"\x01\x01")),
        tvr=_DDA_FAILED,
    ),
    approved(
        "sda-data-changed",
        "The same with static authentication.",
        profile(223, oda="sda", spoil=lambda f: f.put(0x5F30, b"\x01\x01")),
        tvr=_SDA_FAILED,
    ),
    approved(
        "no-issuer-certificate",
        "A card that promises DDA and lacks its issuer's certificate.",
        profile(224, spoil=lambda f: f.drop(0x90)),
        tvr="2800000000",
    ),
    approved(
        "tag-list-wrong",
        "A list of signed objects that names something else than the AIP.",
        profile(225, spoil=lambda f: f.put(0x9F4A, b"\x82\x5a")),
        tvr=_DDA_FAILED,
    ),
    approved(
        "ddol-without-number",
        "A DDOL that does not ask for the reader's number.",
        profile(226, spoil=lambda f: f.put(0x9F49, b"\x9a\x03")),
        tvr=_DDA_FAILED,
    ),
    approved(
        "signed-record-foreign",
        "A signed record that is no record template.",
        profile(227, spoil=_foreign_record),
        tvr=_DDA_FAILED,
    ),
    approved(
        "cda-certificate-wrong",
        "A card with CDA whose certificate is wrong: no signature is asked for.",
        profile(228, oda="cda", file_format=2, spoil=damage(0x9F46)),
        tvr="0400000000",
    ),
    approved(
        "sda-no-signature",
        "A card with SDA that lacks the signature.",
        profile(229, oda="sda", spoil=lambda f: f.drop(0x93)),
        tvr="6200000000",
    ),
    broken(
        "dda-refused",
        "A card that promises DDA and refuses the command for it.",
        _E_STATUS_WORD,
        profile(230),
        fault_at=(INTERNAL_AUTHENTICATE, status(0x6985)),
    ),
    broken(
        "dda-garbled",
        "A card that answers the command for DDA with rubbish.",
        _E_TLV,
        profile(231),
        fault_at=(INTERNAL_AUTHENTICATE, instead(bytes.fromhex("80050102"))),
    ),
    declined(
        "cda-second-wrong",
        "The host approves, and the signature over the card's approval is wrong: a reversal.",
        "00",
        _E_CDA,
        profile(232, oda="cda", file_format=2),
        fault_at=(GENERATE_AC, signature_damaged, 1),
        tvr="0400000000",
        tsi="F800",
    ),
    broken(
        "cda-unsigned",
        "A card with CDA that leaves the signature out.",
        _E_TAG_MISSING,
        profile(233, oda="cda", file_format=2),
        fault_at=(GENERATE_AC, instead(_UNSIGNED)),
    ),
)
