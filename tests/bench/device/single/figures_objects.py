"""BER-TLV: an FCI of 255 bytes, and what an application selection and the host's field 55 make of such objects."""

from measure import figure

from reader.emv import icc_data
from reader.emv.contactless import combination_selection
from reader.emv.data import DataStore
from reader.util import ber_tlv

_AID = bytes.fromhex("A000000333010101")
_DE55 = (
    (0x9F26, "1122334455667788"),
    (0x9F27, "80"),
    (0x9F10, "0701010320000000010A01000000000012345678"),
    (0x9F37, "01020304"),
    (0x9F36, "0001"),
    (0x95, "0000000000"),
    (0x9A, "261123"),
    (0x9C, "00"),
    (0x9F02, "000000001234"),
    (0x5F2A, "0156"),
    (0x82, "1C00"),
    (0x9F1A, "0156"),
    (0x9F03, "000000000000"),
    (0x9F33, "E0E9C8"),
    (0x9F34, "1F0002"),
    (0x9F35, "22"),
    (0x9F1E, "3030303030303031"),
    (0x84, "A000000333010101"),
    (0x9F09, "0030"),
    (0x9F41, "00000001"),
    (0x9F63, "30333038303030300000000000000000"),
)


class _Combination:
    aid = _AID
    kernel = 7
    extended_selection = False


def _tlv(tag: int, value: bytes) -> bytes:
    out = bytearray(300)
    return bytes(out[: ber_tlv.Writer(out).put(tag, value).length])


def _fci() -> bytes:
    """A directory of 255 bytes with six applications and an issuer's own object."""
    entry = _tlv(0x4F, _AID) + _tlv(0x87, b"\x01") + _tlv(0x9F2A, b"\x07")
    entries = b""
    for label in (b"UnionPay credit", b"UnionPay debit", b"UnionPay", b"Credit", b"Debit", b""):
        entries += _tlv(0x61, entry + _tlv(0x50, label))
    rest = 255 - len(_directory(entries + _tlv(0xDF61, b"")))
    return _directory(entries + _tlv(0xDF61, bytes(rest)))


def _directory(entries: bytes) -> bytes:
    return _tlv(0x6F, _tlv(0x84, b"2PAY.SYS.DDF01") + _tlv(0xA5, _tlv(0xBF0C, entries)))


def run() -> None:
    fci = _fci()
    if len(fci) != 255:
        raise ValueError(len(fci))
    figure("tlv.check_fci_255", lambda: ber_tlv.check(fci))
    figure("tlv.candidates_255", lambda: combination_selection.candidates(fci, (_Combination,), lambda i: True))
    data = DataStore(1536)
    for tag, value in _DE55:
        data.put(tag, bytes.fromhex(value))
    out = bytearray(255)
    figure("tlv.build_de55", lambda: icc_data.icc_data_into(data, out))
