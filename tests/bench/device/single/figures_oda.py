"""Offline data authentication: dynamic, with an authority, an issuer and a card of the longest keys; RSA by itself;
the acquirer's file of keys, on the flash.

The keys were made for this file by `cryptography`, the certificates by tests/host/oda/issuing.py.
"""

import os
from hashlib import sha1

from measure import figure, report

from reader.crypto import rsa
from reader.emv.contact import offline_data_authentication
from reader.emv.contact.session import Session
from reader.emv.data import DataStore
from reader.storage.emv_tables import EmvTables
from reader.util import ber_tlv

_AUTHORITY = bytes.fromhex(
    "BB02312D1073634B7CC16B430B7FA8092AE25B1EE72F767DE9BAFCB6A7C352282C634F3E5F0D5CB49A02097E3084C4E1AE699FB5AF400003"
    "E6B7A16B2861E40E0BEED3E1470E9CC1AB704AD7252CCB1BC86EFB343BD52B07D5799D893748B4A0217AB031ED19110161C077E078140D6A"
    "B404AEB1460F5958890536589E3DDC4FF5FD993682DF575AA22A6AA5AB33A13C0E328BA599883EEEBD57B55DE93378CC78ED7E53868B9414"
    "16D885B371F119537CD013C030057905AAFA415D298973FEA6A4B0648F4B884356F320AEA795B3495ABF86BAB9E74CA7766E2A35C06A39CA"
    "2A8CC3513F5E4EE38AF8B01751658AEA84B512B33A245197"
)
_CERTIFICATE = bytes.fromhex(
    "5310B3916B68F8C5BDFDFCF7EE7B12474A2BC42D3898EA652E0969052DDB20E1C3319666BD77D5C1EE17D2005555FD14787A528A573DDAE3"
    "AF4DFA6E3D51F0D941E95DD8E1BE17CE3F8C3E6C8FD672BB9863F2632EE30DB1350B5AE32C65FBDA3BDBC5B9EF15338D8F22F45834ED65A8"
    "EE82491AEF05E756045BCFA403F004A174572E1C2CEAC5858AAE542A9310CF0C7259AF308D8588F3DDA688CE5695C74CC3FCB76EAA6CB71A"
    "5990DA850B87587330D4F904E093A3698C4648F756D02F438AEDC06A7A13B0D55831DD84BD55E2ACB45DD0D5916521ABEFE9A58E1DDB8E5C"
    "53D2F45654DAB0FFA87D77C311BD690A407B91C97DF3C09E"
)
_REMAINDER = bytes.fromhex("C27B8B1812FC90EA5406AF74E305EF0D5F74D39FD6726909F0D0F25F9E30C50C7B4DB307")
_ICC_CERTIFICATE = bytes.fromhex(
    "4FA43C5CD39ABA9D30654A71D7A2A8118862654C8D8F74CFFE01DA936F6B0352D15F21A520F207EBA855413BD550D889F7E3575F4DF93EB8"
    "14D0FAD5D33DDCA0F10547AE11D5FBC2FEC81CF2DEA53B92363732FB8424594FA04EB950A5BE3C96C538F2F28141C017AB010C31064AC4AC"
    "B1CADD8D8542A0F2F4B1A75241E7A36A94BCA51E15060E621D27EE9C41234B8653286D597472255B71EB9026AE6BD489783FA49CC668919F"
    "305595C0F546F84C17B6E031BBD7932B3AF565ED76146FFD652A9075FD0D9461D94B278EFC0EA541E8558D2A366064BDD60ABAC8797AEEE8"
    "D6F5A7C7EB0E4F9335380ED5C41A6D657BBA6A3264C69788"
)
_ICC_REMAINDER = bytes.fromhex("5FFEE7ED76933F808A64AF7BE2BA7B03B51B098E17118B00F26BCF7E768AD53D64A1E8348CFBEF71ADC1")
_STATIC = bytes.fromhex(
    "5A0862123400000000185F3401015F24034912315F25031911305F280201569F0702FF008C1B9F02069F03069F1A0295055F2A029A039C01"
    "9F37049F21039F4E148D1A8A029F02069F03069F1A0295055F2A029A039C019F37049F21039F0D05D86004A8009F0E0500109800009F0F05"
    "D86804F8008E0E000000000000000042031E031F009F080200305F2002202F9F4A0182"
)
_SIGNED = bytes.fromhex(
    "0A5D5AC5720EB2B41CA0D2B98F18573BB060117F595DE6C69DD0E5D23C3DCCEFACC83330099C5F2DAFD3D68C7F285CDE4947EB2CBAE5AEE1"
    "C4C25ED39D980F60D3FB6F5F0812D9649CA3EEC07DA81D2B3A42F3F59CD23E6B06DC1B8011FFFD60072993D8942B6AC95458CC2BB8A3A44E"
    "1D685C8FC18D0A385E72B8D8B1759991F9FB444B659CF1508AC3C4A213052167CE750583A3CB0FCB2D85D1AE227CD38EB9F76395405671BB"
    "A51BDC2623965050AF546BFF4F3B7E8324193EAF10CD99B1392F7F8D482B83F00906172B74CEF59E921864371DCB4CC50D7E82EE5785A98C"
    "8EB3C8508A6A99EACF331F4D281D086861F3CFA63A120DF1"
)
_NUMBER = b"\x01\x02\x03\x04"

_FILE = "/emv.tlv"
_APPLICATIONS = 13
_KEYS = 23

_OBJECTS = (
    (0x95, bytes(5)),
    (0x9B, bytes(2)),
    (0x9F33, b"\xe0\xf8\xc8"),
    (0x9F37, _NUMBER),
)
_CARD_OBJECTS = (
    (0x82, b"\x3c\x00"),
    (0x5A, bytes.fromhex("6212340000000018")),
    (0x8F, bytes((_KEYS,))),
    (0x90, _CERTIFICATE),
    (0x92, _REMAINDER),
    (0x9F32, b"\x03"),
    (0x9F46, _ICC_CERTIFICATE),
    (0x9F47, b"\x03"),
    (0x9F48, _ICC_REMAINDER),
    (0x9F4A, b"\x82"),
)


_AID = bytes.fromhex("A0000003330101")
_APPLICATION = (
    (0xDF01, "00"),
    (0x9F09, "0030"),
    (0xDF11, "D84000A800"),
    (0xDF12, "D84004F800"),
    (0xDF13, "0010000000"),
    (0x9F1B, "00002710"),
    (0xDF15, "00000000"),
    (0xDF16, "00"),
    (0xDF17, "00"),
    (0xDF14, "9F3704"),
    (0xDF18, "01"),
    (0x9F7B, "000000100000"),
)


class _Application:
    aid = bytes.fromhex("A000000333010101")
    default_ddol = b"\x9f\x37\x04"


class _Transaction:
    time = (2026, 11, 23, 12, 34, 56)


class _Commands:
    """The card's answer is there at once: its work and the line are not the reader's."""

    def __init__(self):
        self._buffer = memoryview(bytearray(255))
        self._answer = b"\x80\x81\xf8" + _SIGNED

    def field(self, length):
        return self._buffer[:length]

    async def internal_authenticate(self, length):
        return memoryview(self._answer), 0x9000


def _session() -> Session:
    data = DataStore(1536)
    for tag, value in _OBJECTS:
        data.put(tag, value)
    for tag, value in _CARD_OBJECTS:
        data.put_card(tag, value)
    session = Session(_Commands(), data, None, EmvTables(_FILE), None, None, _Transaction())
    session.application = _Application
    session.static_data = bytearray(_STATIC)
    return session


def _finish(coroutine) -> None:
    """Nothing in it waits."""
    try:
        coroutine.send(None)
    except StopIteration:
        pass


def _write_tables() -> None:
    """As many applications and keys as the published production file has: what one looks for is the last."""
    out = bytearray(320)
    with open(_FILE, "wb") as file:
        for i in range(1, _APPLICATIONS + 1):
            writer = ber_tlv.Writer(out).put(0x9F06, _AID + bytes((i,)))
            for tag, value in _APPLICATION:
                writer.put(tag, bytes.fromhex(value))
            _record(file, 0xE1, out, writer.length)
        for i in range(1, _KEYS + 1):
            digest = sha1(_AID[:5] + bytes((i,)) + _AUTHORITY + b"\x03").digest()
            writer = ber_tlv.Writer(out).put(0x9F06, _AID[:5]).put(0x9F22, bytes((i,))).put(0xDF05, b"\x20\x49\x12\x31")
            writer.put(0xDF06, b"\x01").put(0xDF07, b"\x01").put(0xDF02, _AUTHORITY).put(0xDF04, b"\x03").put(
                0xDF03, digest
            )
            _record(file, 0xE2, out, writer.length)


def _record(file, tag, value, length) -> None:
    out = bytearray(length + 4)
    file.write(memoryview(out)[: ber_tlv.Writer(out).put(tag, memoryview(value)[:length]).length])


def run() -> None:
    figure("rsa.1984_3", lambda: rsa.public(_CERTIFICATE, _AUTHORITY, 3))
    figure("rsa.1984_65537", lambda: rsa.public(_CERTIFICATE, _AUTHORITY, 65537))
    figure("rsa.1024_3", lambda: rsa.public(_CERTIFICATE[-128:], b"\xff" + _AUTHORITY[-127:], 3))
    _write_tables()
    session = _session()
    figure("oda.dda_1984", lambda: _finish(offline_data_authentication.run(session)))
    report("result.oda_tvr", bytes(session.tvr).hex())
    tables = EmvTables(_FILE)
    figure("tables.application", lambda: tables.application(_AID + b"\x0d"))
    figure("tables.capk", lambda: tables.capk(_AID[:5], _KEYS))
    os.remove(_FILE)
