"""Keys, certificates and signatures of the contact cards, taken apart again by hand."""

from __future__ import annotations

from hashlib import sha1

import pytest

from mpos.bench import test_keys
from mpos.bench.cards.contact import ContactCard, ContactProfile, certificates
from mpos.bench.cards.contact.files import build
from mpos.bench.emv_keys import BENCH_CAPKS, BENCH_EXCEPTIONS, BENCH_REVOKED, RID_UNIONPAY, RID_VISA, ca_key
from mpos.bench.rsa import RsaKey, generate
from tests.harness.requirements import requirement
from tests.host.cards import chip_authentication as oda
from tests.host.cards.chip_objects import objects, template

PAN = "6212340000002015"


def known_of(profile: ContactProfile) -> tuple[dict[str, bytes], bytes]:
    """All objects of the card's records, and its signed record."""
    files = build(profile)
    known = {"82": files.aip}
    for record in files.records.values():
        known |= dict(objects(template(record, "70")))
    return known, template(files.records[1, 1], "70")


def test_the_authority():
    assert [(k["rid"], k["index"], 8 * len(k["modulus"]), k["exponent"]) for k in BENCH_CAPKS] == [
        (RID_UNIONPAY, 0xE0, 1984, 3),
        (RID_UNIONPAY, 0xE1, 1408, 3),
        (RID_UNIONPAY, 0xE2, 1152, 65537),
        (RID_UNIONPAY, 0xE3, 1152, 3),
        (RID_VISA, 0xE0, 1152, 3),
    ]
    for row in BENCH_CAPKS:
        key = ca_key(row["rid"], row["index"])
        block = b"\x6a" + bytes(range(key.size - 2)) + b"\xbc" if key.size < 258 else b""
        assert key.recover(key.sign(block)) == block
        assert key.modulus_bytes() == row["modulus"]
    with pytest.raises(KeyError):
        ca_key(RID_UNIONPAY, 0x01)
    assert len(BENCH_REVOKED[0][2]) == 3 and BENCH_EXCEPTIONS[0][0].startswith("621234")


def test_raw_rsa_refuses_what_is_no_block():
    key = generate(1024, 3)
    assert key.exponent_bytes() == b"\x03"
    assert RsaKey(key.modulus, 65537, key.private).exponent_bytes() == b"\x01\x00\x01"
    for block in (bytes(127), bytes(129), b"\xff" * 128):
        with pytest.raises(ValueError):
            key.sign(block)


# Book 2, tables 6 and 14: 36 and 42 bytes of a certificate are not the key
@requirement(
    "Book 2",
    "5.1",
    "What of the issuer's key does not fit into its certificate is the remainder, 36 bytes being taken.",
)
@pytest.mark.parametrize(
    "index, issuer_bits, icc_bits, remainders",
    [
        (0xE1, 1152, 1024, (4, 26)),
        (0xE0, 1984, 1984, (36, 42)),
        (0xE2, 1152, 1024, (36, 26)),
        (0xE0, 1024, 1024, (0, 42)),
    ],
)
def test_certificates_give_the_keys_back(index, issuer_bits, icc_bits, remainders):
    known, static = known_of(ContactProfile(PAN, ca_index=index, issuer_bits=issuer_bits, icc_bits=icc_bits))
    assert tuple(len(known.get(tag, b"")) for tag in ("92", "9F48")) == remainders
    issuer = oda.issuer_key(known, RID_UNIONPAY)
    assert len(issuer[0]) == issuer_bits // 8
    modulus, exponent = oda.icc_key(known, RID_UNIONPAY, static)
    assert len(modulus) == icc_bits // 8 and exponent == b"\x03"
    oda.verify_static(known, RID_UNIONPAY, static)
    with pytest.raises(oda.AuthenticationError):
        oda.icc_key(known, RID_UNIONPAY, static + b"\0")
    with pytest.raises(oda.AuthenticationError):
        oda.verify_static(known, RID_UNIONPAY, static[:-1])


@requirement(
    "Book 2",
    "5.1",
    "An issuer certificate has header 6A, format 02, issuer, expiry, serial, algorithms, lengths and trailer BC.",
)
def test_the_fields_of_an_issuer_certificate():
    known, _ = known_of(ContactProfile(PAN, certificate_expiry="0730", issuer_serial=b"\x01\x02\x03"))
    data = ca_key(RID_UNIONPAY, 0xE1).recover(known["90"])
    assert data[:15].hex().upper() == "6A02" + test_keys.ISSUER_IIN + "0730" + "010203" + "01" + "01" + "90" + "01"
    assert data[-1] == 0xBC and len(data) == 176
    assert sha1(data[1:-21] + known["92"] + b"\x03").digest() == data[-21:-1]


def test_every_record_and_answer_fits_into_a_short_apdu():
    profile = ContactProfile(PAN, ca_index=0xE0, issuer_bits=1984, icc_bits=1984)
    assert max(len(record) for record in build(profile).records.values()) <= 256
    card = ContactCard(profile)
    for command in ("00A4040008A00000033301010100", "80A8000002830000", "0088000004A1B2C3D400"):
        answer = card.exchange(bytes.fromhex(command))
        assert answer[-2:] == b"\x90\x00" and len(answer) <= 258


@requirement(
    "Book 2", "6.5.1", "Signed dynamic data hold the card's number and a hash with the values that the DDOL asked for."
)
@pytest.mark.parametrize("form", [1, 2])
def test_dynamic_signature(form):
    card = ContactCard(ContactProfile(PAN, file_format=form))
    answer = b""
    for command in ("00A4040008A00000033301010100", "80A8000002830000", "0088000004A1B2C3D400"):
        answer = card.exchange(bytes.fromhex(command))
    body = template(answer[:-2], "80" if form == 1 else "77")
    signed = body if form == 1 else dict(objects(body))["9F4B"]
    key = card.applications[0].files.icc_key
    public = key.modulus_bytes(), key.exponent_bytes()
    oda.verify_dynamic(public, signed, bytes.fromhex("A1B2C3D4"))
    with pytest.raises(oda.AuthenticationError):
        oda.verify_dynamic(public, signed, bytes.fromhex("A1B2C3D5"))
    data = key.recover(signed)
    assert data[:5].hex().upper() == "6A05010908" and data[13:-21] == b"\xbb" * (len(data) - 34)


def test_combined_dynamic_data():
    dynamic = certificates.combined_dynamic_data(b"\x11" * 8, 0x80, b"\x22" * 8, b"transaction")
    assert dynamic == b"\x08" + b"\x11" * 8 + b"\x80" + b"\x22" * 8 + sha1(b"transaction").digest()


def test_cards_have_keys_of_their_own():
    one, other = build(ContactProfile(PAN)), build(ContactProfile("6212340000002023"))
    assert one.icc_key and other.icc_key and one.icc_key.modulus != other.icc_key.modulus
    pin = build(ContactProfile(PAN, pin="1357", pin_enciphered=True, pin_bits=1024))
    assert pin.pin_key and pin.icc_key and pin.pin_key.modulus != pin.icc_key.modulus
    shared = build(ContactProfile(PAN, pin="1357", pin_enciphered=True, oda="sda"))
    assert shared.pin_key == shared.icc_key
    assert build(ContactProfile(PAN, oda="")).icc_key is None
    with pytest.raises(KeyError):
        build(ContactProfile(PAN, ca_index=0x99))
