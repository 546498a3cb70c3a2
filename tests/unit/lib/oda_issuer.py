"""An authority, an issuer and a card on the device: certificates and signatures of EMV 4.4 Book 2, right or spoiled.

The keys are short and were made for these tests. Every part of what is signed can be replaced by its name.
"""

from hashlib import sha1

from reader.emv.contact.session import Session
from reader.emv.data import DataStore
from testing import h


class PrivateKey:
    def __init__(self, exponent, modulus, private):
        self.exponent = exponent
        self.modulus = h(modulus)
        self._private = h(private)
        self.exponent_bytes = b"\x03" if exponent == 3 else b"\x01\x00\x01"

    def sign(self, block) -> bytes:
        number = pow(
            int.from_bytes(block, "big"), int.from_bytes(self._private, "big"), int.from_bytes(self.modulus, "big")
        )
        return number.to_bytes(len(self.modulus), "big")


AUTHORITY = PrivateKey(
    3,
    "D91B9FEE27AFED9571D73FC0E28E568158D7624B4920A572673235BBB4A5E0B44567BF8CEE317CF1D6D8679CEF7B5BBA457A4572"
    "9254DE0B4A8E9D30D02FD02114D3E0E87173BCCD1842488F87987207819D5B6F9C703CB5D8B96A00A85DC8CB607F5879454F74E2"
    "20913E529465923E3C43AE63A2D33E7DB2C50921EF5A1457",
    "90BD15496FCA9E63A13A2A8097098F00E5E4EC3230C06E4C44CC23D2786E95CD839A7FB34976534BE49045134A523D26D8FC2E4C"
    "618DE95CDC5F1375E01FE014D2C170252852AD64CADBBCCB80EDD66DDAA019D31589C51588F9094EFD3817BFC3AC303461C8A8A8"
    "F5A3230CCA03469B8458AA7EEDAAAF2D33B63CBFD49A3D5B",
)
ISSUER = PrivateKey(
    65537,
    "AAEBAA861C3819D87EFFF211DBEFEB8D2AA990944FE56295D787572529AE998B7E22D65AB0E8EA3E516FF101673E7AC199F22778"
    "EE34EDAFCFD53C665A47912CEA321D2857CC8DCFDBF3A0C81DAEA5500407658BD769A7A8882F3764CBC03A54910D159A2422B8B7"
    "4D014B0BE2C7BDEAC5457FCC6736FDEB7D100EFFD872BC83",
    "17BAEE8AFE21FFDCA20D51038FC0A8B889C2CF12F860C5A63E2D49391CA764240CD83360960D507064882132EBADAE07712340BD"
    "B67CDCBF3B20C4E90501C8B2F4974258D72E9891125BFA8D2302E9969EAF5DC6A8D8CE7B3EB2BDABE1C806E26D75C3CC9B397590"
    "55F4F2FA33608106B9B36617F3712170FA334C60C61C13B9",
)
ICC = PrivateKey(
    3,
    "BF11690D2D283ABB6B4D24F67DA35C02FCBE1770732ACD0E0B6E16502F346E48C2FE619C6C593CC7E9E446CDD544B80D75BCDC07"
    "A9F30C53B625ACCA0E0D628D7CDDBE88B4F99FF80473CB2DF69DA1B402E90E43A9B56FBF15D989EAB4425709",
    "7F60F0B3737027279CDE18A453C23D57532964F5A21C88B4079EB98ACA22F43081FEEBBD9D90D32FF142D9DE8E2DD007D15D5E6A"
    "5209AAEFE922E002452B0298E2517056761978D0B4C0918F273032A541296259052C7D10210423B2DE003403",
)
PIN = PrivateKey(
    3,
    "D0FA7577A34DDD2FF114AC24E94BDE3C38FCFA605D511318A4FE2DBCE1835C39F818251A54225E8213F857F7A6C0237E9D7DF666"
    "D3BFCC276A4965DFD026B8AB",
    "8B51A3A517893E1FF60DC8189B87E97D7B535195938B62106DFEC928965792D01B10DDF4917FCDD0C7BBC4598EF8E7E4C2EFEECF"
    "7527F25D6859DB96D5B1648B",
)

RID = h("A000000333")
INDEX = 0x01
PAN = "6212340000000018"
RECORDS = h("5A08 6212340000000018 5F2403 491231 9F4A01 82")
PROFILE = h("6100")  # static, dynamic, combined
NUMBER = h("01020304")
DYNAMIC = h("03 112233")  # an ICC dynamic number of three bytes
TODAY = (2026, 11, 23, 12, 34, 56)


def sealed(key, content, *more, header=0x6A, trailer=0xBC, digest=None) -> bytes:
    """`content` with the hash over it and `more`, signed: Book 2, A2.1."""
    if digest is None:
        hashed = sha1(content)
        for part in more:
            hashed.update(part)
        digest = hashed.digest()
    return key.sign(bytes((header,)) + content + digest + bytes((trailer,)))


def _certificate(signer, head, subject, static, hash_algorithm=1, algorithm=1, size=None, exponent_size=None, **seal):
    size = len(subject.modulus) if size is None else size
    exponent_size = len(subject.exponent_bytes) if exponent_size is None else exponent_size
    head += bytes((hash_algorithm, algorithm, size, exponent_size))
    room = len(signer.modulus) - len(head) - 22
    inside = subject.modulus[:room]
    remainder = subject.modulus[room:]
    inside += b"\xbb" * (room - len(inside))
    return sealed(signer, head + inside, remainder, subject.exponent_bytes, *static, **seal), remainder


def issuer_certificate(form=2, identifier="621234FF", expiry="1249", serial="000001", subject=ISSUER, **parts):
    """(certificate, remainder): Book 2, table 6."""
    return _certificate(AUTHORITY, bytes((form,)) + h(identifier + expiry + serial), subject, (), **parts)


def icc_certificate(
    form=4, pan="6212340000000018FFFF", expiry="1249", serial="000002", subject=ICC, static=RECORDS + PROFILE, **parts
):
    """(certificate, remainder): table 14; for a PIN key `static` is empty."""
    return _certificate(ISSUER, bytes((form,)) + h(pan + expiry + serial), subject, (static,), **parts)


def static_signature(form=3, hash_algorithm=1, static=RECORDS + PROFILE, **parts) -> bytes:
    """Table 7, with the data authentication code DAC1."""
    content = bytes((form, hash_algorithm)) + h("DAC1")
    content += b"\xbb" * (len(ISSUER.modulus) - 22 - len(content))
    return sealed(ISSUER, content, static, **parts)


def dynamic_signature(dynamic=DYNAMIC, form=5, hash_algorithm=1, length=None, terminal=NUMBER, **parts) -> bytes:
    """Table 17."""
    content = bytes((form, hash_algorithm, len(dynamic) if length is None else length)) + dynamic
    content += b"\xbb" * (len(ICC.modulus) - 22 - len(content))
    return sealed(ICC, content, terminal, **parts)


class Capk:
    def __init__(self, key=AUTHORITY, expiry=20491231):
        self.modulus = key.modulus
        self.exponent = key.exponent
        self.expiry = expiry


class Tables:
    """One key, and perhaps one revoked certificate."""

    def __init__(self, capk=None, revoked=None):
        self._capk = capk or Capk()
        self._revoked = revoked

    def capk(self, rid, index):
        return self._capk if (bytes(rid), index) == (RID, INDEX) else None

    def is_revoked(self, rid, index, serial):
        return self._revoked == (bytes(rid), index, bytes(serial))


class _Application:
    aid = RID + h("010101")
    default_ddol = h("9F3704")


class _Transaction:
    time = TODAY


_usual = []


def objects(**replaced) -> dict:
    """The card's data objects by tag in hex; `t90=None` leaves one out, `t90=value` replaces it."""
    if not _usual:
        # Made once: a signature takes longer than a test
        _usual.append((issuer_certificate(), icc_certificate(), static_signature()))
    (certificate, remainder), (own, own_remainder), signed = _usual[0]
    found = {
        0x82: PROFILE,
        0x5A: h(PAN),
        0x8F: bytes((INDEX,)),
        0x90: certificate,
        0x92: remainder,
        0x93: signed,
        0x9F32: ISSUER.exponent_bytes,
        0x9F46: own,
        0x9F47: ICC.exponent_bytes,
        0x9F48: own_remainder,
        0x9F4A: b"\x82",
    }
    for name, value in replaced.items():
        found[int(name[1:], 16)] = value
    return found


def session(found, commands=None, tables=None, capabilities="E0F8C8", static=RECORDS, application=None) -> Session:
    """A session after the records were read. The rows without a value are left out."""
    data = DataStore(2048)
    data.put(0x95, bytes(5))
    data.put(0x9B, bytes(2))
    data.put(0x9F33, h(capabilities))
    data.put(0x9F37, NUMBER)
    for tag, value in found.items():
        if value is not None:
            assert data.put_card(tag, value)
    s = Session(commands, data, None, tables or Tables(), None, None, _Transaction())
    s.application = application or _Application
    s.static_data = bytearray(static)
    return s
