"""Each check of the certificates by itself: a certificate that is right but for one thing gives no key."""

import oda_issuer as oda

from reader.emv import certificates
from testing import FixedEntropy, cases, h, raises, requirement

_MISSING = 0x20


def _issuer(s):
    return certificates.issuer_key(s)


def _issuer_of(certificate, remainder, **more):
    """The issuer key of a card with this certificate."""
    return _issuer(oda.session(oda.objects(t90=certificate, t92=remainder, **more)))


def _icc_of(certificate, remainder, **more):
    s = oda.session(oda.objects(t9F46=certificate, t9F48=remainder, **more))
    return certificates.icc_key(s, oda.ISSUER)


def _is(key, expected):
    return key is not None and key.modulus == expected.modulus and key.exponent == expected.exponent


@requirement("Book 2", "5.3", "The issuer public key is the certificate's leftmost digits and the remainder, joined.")
@requirement("Book 2", "6.3", "For dynamic authentication the issuer public key is recovered as for static.")
def test_issuer_key():
    assert _is(_issuer(oda.session(oda.objects())), oda.ISSUER)


@requirement("Book 2", "5.3", "A key that the certificate has room for is followed by padding and has no remainder.")
def test_issuer_key_without_a_remainder():
    certificate, remainder = oda.issuer_certificate(subject=oda.PIN)
    assert remainder == b""
    for nothing in (None, b""):
        assert _is(_issuer_of(certificate, nothing, t9F32=oda.PIN.exponent_bytes), oda.PIN)


@requirement("Book 2", "5.2", "Without the authority's key of that RID and index there is no issuer key.")
def test_no_such_authority():
    assert _issuer(oda.session(oda.objects(t8F=b"\x02"))) is None


@requirement("Book 2", "11.2", "An authority's key past its expiration date is not used.")
@cases((20261122, False), (20261123, True), (0, True))
def test_expiry_of_the_authority(expiry, used):
    s = oda.session(oda.objects(), tables=oda.Tables(oda.Capk(expiry=expiry)))
    assert (_issuer(s) is not None) == used


@requirement("Book 2", "5.3", "Step 1: a certificate that is not as long as the authority's modulus is refused.")
@cases(-1, 1)
def test_issuer_length(more):
    certificate, remainder = oda.issuer_certificate()
    certificate = certificate[:more] if more < 0 else certificate + b"\x00"
    assert _issuer_of(certificate, remainder) is None


@requirement("Book 2", "B2.1", "A signature that is no number below the modulus is refused.")
def test_issuer_not_below_the_modulus():
    certificate, remainder = oda.issuer_certificate()
    n = int.from_bytes(oda.AUTHORITY.modulus, "big")
    greater = int.from_bytes(certificate, "big") + n
    if greater >> 1024 == 0:
        assert _issuer_of(greater.to_bytes(128, "big"), remainder) is None
    assert _issuer_of(oda.AUTHORITY.modulus, remainder) is None


@requirement("Book 2", "5.3", "Step 2: the recovered data trailer of the issuer certificate is BC.")
def test_issuer_trailer():
    assert _issuer_of(*oda.issuer_certificate(trailer=0xBD)) is None


@requirement("Book 2", "5.3", "Step 3: the recovered data header of the issuer certificate is 6A.")
def test_issuer_header():
    assert _issuer_of(*oda.issuer_certificate(header=0x4A)) is None


@requirement("Book 2", "5.3", "Step 4: the certificate format of the issuer certificate is 02.")
@cases(1, 4, 0x12)
def test_issuer_format(form):
    assert _issuer_of(*oda.issuer_certificate(form=form)) is None


@requirement("Book 2", "5.3", "Step 6: a hash algorithm indicator other than 01 is refused.")
@cases(0, 2)
def test_issuer_hash_algorithm(number):
    assert _issuer_of(*oda.issuer_certificate(hash_algorithm=number)) is None


@requirement("Book 2", "5.3", "Step 7: the hash of the issuer certificate is the one over its content.")
def test_issuer_hash():
    assert _issuer_of(*oda.issuer_certificate(digest=bytes(20))) is None


@requirement("Book 2", "5.3", "Step 5: the issuer's remainder is under the hash.")
def test_issuer_remainder_is_hashed():
    certificate, remainder = oda.issuer_certificate()
    assert _issuer_of(certificate, remainder[:-1] + bytes((remainder[-1] ^ 2,))) is None


@requirement("Book 2", "5.3", "Step 5: the issuer's exponent is under the hash.")
def test_issuer_exponent_is_hashed():
    assert _issuer_of(*oda.issuer_certificate(), t9F32=b"\x03") is None


@requirement("Book 2", "5.3", "Step 8: the issuer identifier is the leftmost 3 to 8 digits of the PAN.")
@cases(("621FFFFF", True), ("62123400", True), ("62123401", False), ("721FFFFF", False), ("622FFFFF", False))
def test_issuer_identifier(identifier, good):
    assert (_issuer_of(*oda.issuer_certificate(identifier=identifier)) is not None) == good


@requirement(
    "Book 2",
    "5.3",
    "Step 8: an issuer identifier of fewer than 3 digits, or with a digit after the padding, is refused.",
)
@cases("62FFFFFF", "FFFFFFFF", "621F34FF", "62123AFF")
def test_issuer_identifier_malformed(identifier):
    assert _issuer_of(*oda.issuer_certificate(identifier=identifier)) is None


def test_issuer_identifier_without_a_pan():
    assert _issuer_of(*oda.issuer_certificate(), t5A=None) is None


@requirement("Book 2", "5.3", "Step 9: the issuer certificate is good to the end of the month of its expiration date.")
@cases(("1126", True), ("1026", False), ("1025", False), ("0127", True), ("1249", True))
def test_issuer_expiry(expiry, good):
    assert (_issuer_of(*oda.issuer_certificate(expiry=expiry)) is not None) == good


@requirement("Book 4", "6.7.3", "A two-digit year from 50 on is of the twentieth century.")
def test_issuer_expiry_of_last_century():
    assert _issuer_of(*oda.issuer_certificate(expiry="1250")) is None


@cases("0049", "1349", "0A49", "124A")
def test_issuer_expiry_malformed(expiry):
    assert _issuer_of(*oda.issuer_certificate(expiry=expiry)) is None


@requirement("Book 2", "5.3", "Step 10: an issuer certificate on the revocation list is refused.")
def test_issuer_revoked():
    for serial, good in ((1, False), (2, True)):
        tables = oda.Tables(revoked=(oda.RID, oda.INDEX, bytes((0, 0, serial))))
        assert (_issuer(oda.session(oda.objects(), tables=tables)) is not None) == good


@requirement("Book 2", "5.3", "Step 11: an issuer public key algorithm indicator other than 01 is refused.")
@cases(0, 2)
def test_issuer_algorithm(number):
    assert _issuer_of(*oda.issuer_certificate(algorithm=number)) is None


@requirement("Book 2", "5.3", "The lengths in the issuer certificate are those of remainder and exponent.")
@cases({"size": 127}, {"size": 129}, {"size": 249}, {"exponent_size": 1}, {"exponent_size": 0})
def test_issuer_lengths(parts):
    assert _issuer_of(*oda.issuer_certificate(**parts)) is None


@requirement("Book 2", "5.3", "A remainder that the length of the issuer key leaves no place for is refused.")
def test_issuer_remainder_too_many():
    head = h("02 621234FF 1249 000001 01 01 40 01")
    inside = oda.PIN.modulus + b"\xbb" * 28
    certificate = oda.sealed(oda.AUTHORITY, head + inside, b"\x00", b"\x03")
    assert _issuer_of(certificate, b"\x00", t9F32=b"\x03") is None


@requirement("Book 2", "B2.1", "A public key with an exponent other than 3 or 65537 is refused.")
@cases("02", "05", "11", "010003", "000003")
def test_issuer_exponent(exponent):
    class Other:
        modulus = oda.ISSUER.modulus
        exponent_bytes = h(exponent)

    key = _issuer_of(*oda.issuer_certificate(subject=Other), t9F32=h(exponent))
    # 00 00 03 is 3, in more bytes than it needs
    assert (key is not None) == (exponent == "000003")


@requirement("Book 2", "B2.1", "A modulus whose leftmost bit is not 1, or that is even, is none.")
@cases((0, 0x7F), (127, 0xFE))
def test_issuer_modulus(at, value):
    spoiled = bytearray(oda.ISSUER.modulus)
    spoiled[at] &= value

    class Other:
        modulus = bytes(spoiled)
        exponent_bytes = oda.ISSUER.exponent_bytes

    assert _issuer_of(*oda.issuer_certificate(subject=Other)) is None


@requirement("Book 3", "7.5", "A missing data object of the issuer key is noted in TVR byte 1 bit 6.")
@cases("t8F", "t90", "t9F32", "t92")
def test_issuer_object_missing(name):
    s = oda.session(oda.objects(**{name: None}))
    assert _issuer(s) is None
    assert s.tvr[0] == _MISSING


def test_nothing_is_missed_of_a_card_without_authentication():
    for name in ("t8F", "t92"):
        s = oda.session(oda.objects(**{name: None, "t82": h("1800")}))
        assert _issuer(s) is None
        assert not s.tvr[0]
    s = oda.session(oda.objects(t8F=None, t82=None))
    assert _issuer(s) is None
    assert not s.tvr[0]


@requirement("Book 2", "6.4", "The ICC public key is recovered with the issuer's key, joined with its remainder.")
def test_icc_key():
    assert _is(_icc_of(*oda.icc_certificate()), oda.ICC)


@requirement("Book 2", "6.4", "Step 1: an ICC certificate that is not as long as the issuer's modulus is refused.")
def test_icc_length():
    certificate, remainder = oda.icc_certificate()
    assert _icc_of(certificate[1:], remainder) is None


@requirement("Book 2", "6.4", "Step 2: the recovered data trailer of the ICC certificate is BC.")
def test_icc_trailer():
    assert _icc_of(*oda.icc_certificate(trailer=0xCC)) is None


@requirement("Book 2", "6.4", "Step 3: the recovered data header of the ICC certificate is 6A.")
def test_icc_header():
    assert _icc_of(*oda.icc_certificate(header=0x6B)) is None


@requirement("Book 2", "6.4", "Step 4: the certificate format of the ICC certificate is 04.")
def test_icc_format():
    assert _icc_of(*oda.icc_certificate(form=2)) is None


@requirement("Book 2", "6.4", "Step 6: a hash algorithm indicator other than 01 in the ICC certificate is refused.")
def test_icc_hash_algorithm():
    assert _icc_of(*oda.icc_certificate(hash_algorithm=2)) is None


@requirement("Book 2", "6.4", "Step 7: the hash of the ICC certificate is the one over its content.")
def test_icc_hash():
    assert _icc_of(*oda.icc_certificate(digest=bytes(20))) is None


@requirement("Book 2", "6.4", "Step 5: the static data to be authenticated are under the hash of the ICC certificate.")
def test_icc_static_data():
    assert _icc_of(*oda.icc_certificate(static=oda.RECORDS)) is None
    assert _icc_of(*oda.icc_certificate(static=oda.RECORDS), t9F4A=None) is not None


@requirement("Book 2", "6.4", "Step 8: the PAN in the ICC certificate is the application's.")
@cases("6212340000000018FFFF", "6212340000000026FFFF", "62123400000000180FFF", "6212340000000018FFF0")
def test_icc_pan(pan):
    key = _icc_of(*oda.icc_certificate(pan=pan))
    assert (key is not None) == (pan == "6212340000000018FFFF")


def test_icc_without_a_pan():
    assert _icc_of(*oda.icc_certificate(), t5A=None) is None


@requirement("Book 2", "6.4", "Step 9: the ICC certificate is good to the end of the month of its expiration date.")
@cases(("1126", True), ("1026", False), ("9926", False))
def test_icc_expiry(expiry, good):
    assert (_icc_of(*oda.icc_certificate(expiry=expiry)) is not None) == good


@requirement("Book 2", "6.4", "Step 10: an ICC public key algorithm indicator other than 01 is refused.")
def test_icc_algorithm():
    assert _icc_of(*oda.icc_certificate(algorithm=0)) is None


@requirement("Book 2", "6.4", "The lengths in the ICC certificate are those of remainder and exponent.")
@cases({"size": 95}, {"size": 255}, {"exponent_size": 3})
def test_icc_lengths(parts):
    assert _icc_of(*oda.icc_certificate(**parts)) is None


@requirement("Book 3", "7.5", "A missing data object of the ICC key is noted in TVR byte 1 bit 6.")
@cases("t9F46", "t9F47", "t9F48")
def test_icc_object_missing(name):
    s = oda.session(oda.objects(**{name: None}))
    assert certificates.icc_key(s, oda.ISSUER) is None
    assert s.tvr[0] == _MISSING


def _with_pin_key(**parts):
    certificate, remainder = oda.icc_certificate(subject=oda.PIN, static=b"", **parts)
    return oda.objects(t9F2D=certificate, t9F2E=oda.PIN.exponent_bytes, t9F2F=remainder or None)


@requirement("Book 2", "7.1", "The ICC PIN encipherment key is certified without the static data.")
@requirement("Book 2", "7.1", "A card with a PIN encipherment key of its own has the PIN enciphered with that one.")
def test_pin_key():
    s = oda.session(_with_pin_key())
    assert _is(certificates.pin_encipherment_key(s), oda.PIN)
    assert _is(s.issuer_key, oda.ISSUER) and s.icc_key is None


@requirement("Book 2", "7.1", "A card without a PIN encipherment key has the PIN enciphered with its ICC key.")
@cases("t9F2D", "t9F2E")
def test_pin_with_the_icc_key(name):
    found = _with_pin_key()
    found[int(name[1:], 16)] = None
    s = oda.session(found)
    assert _is(certificates.pin_encipherment_key(s), oda.ICC)
    # what was recovered once is used again
    s.tables = None
    assert certificates.pin_encipherment_key(s) is s.icc_key


@requirement("Book 2", "7.1", "When the PIN encipherment certificate is wrong, PIN encipherment has failed.")
@cases({"form": 2}, {"pan": "6212340000000026FFFF"}, {"expiry": "1026"}, {"digest": bytes(20)})
def test_pin_certificate_wrong(parts):
    s = oda.session(_with_pin_key(**parts))
    assert certificates.pin_encipherment_key(s) is None


@requirement("Book 2", "7.1", "Without an issuer key PIN encipherment has failed.")
def test_pin_without_an_issuer():
    s = oda.session(oda.objects(t8F=b"\x07"))
    assert certificates.pin_encipherment_key(s) is None


def test_pin_with_static_data_that_cannot_be_authenticated():
    s = oda.session(oda.objects(t9F4A=h("8295")))
    assert certificates.pin_encipherment_key(s) is None


def test_a_long_pin_key_lacks_its_remainder():
    certificate, remainder = oda.icc_certificate(static=b"")
    found = oda.objects(t9F2D=certificate, t9F2E=b"\x03")
    s = oda.session(found)
    assert certificates.pin_encipherment_key(s) is None
    assert not s.tvr[0]  # 7.5 has no line for this one
    found[0x9F2F] = remainder
    assert _is(certificates.pin_encipherment_key(oda.session(found)), oda.ICC)


@requirement("Book 2", "7.2", "What is enciphered is 7F, the PIN block, the card's number, and random bytes.")
@cases("PIN", "ICC")
def test_encipher_pin(name):
    private = getattr(oda, name)
    block = h("241234FFFFFFFFFF")
    challenge = h("A1A2A3A4A5A6A7A8")
    size = len(private.modulus)
    random = bytes([i * 7 & 0xFF for i in range(size - 17)])
    out = certificates.encipher_pin(
        certificates.Key(private.modulus, private.exponent), block, challenge, FixedEntropy(random)
    )
    assert len(out) == size
    assert private.sign(out) == b"\x7f" + block + challenge + random


def test_encipher_pin_without_entropy():
    from reader.errors import E_ENTROPY, ReaderError

    class Broken:
        def fill(self, buf):
            raise ReaderError(E_ENTROPY)

    with raises(E_ENTROPY):
        certificates.encipher_pin(certificates.Key(oda.PIN.modulus, 3), bytes(8), bytes(8), Broken())
