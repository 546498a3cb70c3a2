"""The firmware's packets read by pyiso8583 with the acquirer's own specification, and the other way round.

MACs are computed by psec; keys are the example's of ANSI X9.24-1:2009, A.4.2 (serial number ...E00001).
"""

from __future__ import annotations

import string
from typing import Any

import iso8583
import psec
from hypothesis import given, settings
from hypothesis import strategies as st

from mpos.describe.iso8583_spec import SPEC

_KSN = "FFFF9876543210E00001"
_KEY = "042666B49184CFA368DE9628D0397BC9"
_HOST = {
    "tpdu": {"hex": "6000030000"},
    "header": {"hex": "603100310000"},
    "terminal_id": "MPOS0001",
    "merchant_id": "104110058120001",
    "batch": 1,
}
_SALE: dict[str, Any] = {
    "amount": 1234,
    "currency": 156,
    "stan": 42,
    "time": [2026, 3, 14, 15, 9, 26],
    "entry_mode": "072",
    "card_sequence": 1,
    "track2": {"hex": bytes(range(24)).hex()},
    "track3": {"hex": ""},
    "is_fallback": False,
    "pin_block": {"hex": ""},
    "icc_data": {"hex": "9F26080102030405060708"},
}
_CONTEXT = {"host": _HOST, "ksn": _KSN, "key": _KEY}
_TEXT_FIELDS = {"37", "38", "39", "41", "42", "49"}
_BINARY_FIELDS = {"35", "36", "52", "55", "57", "64"}
_E_ISO = range(601, 607)
_E_ISO_MISMATCH, _E_ISO_MAC = 604, 605


def _mac(byte: int, data: bytes) -> bytes:
    """X9.19 under the variant of the example's key that differs in `byte` (X9.24-1:2009, table A-1)."""
    key = bytearray.fromhex(_KEY)
    key[byte] ^= 0xFF
    key[byte + 8] ^= 0xFF
    data += bytes(-len(data) % 8)
    return psec.mac.generate_retail_mac(bytes(key[:8]), bytes(key[8:]), data, 1)


def _request(device, sale: dict[str, Any]) -> bytes:
    return bytes.fromhex(device.ask("sale", sale=sale, **_CONTEXT)["frame"])


def _answer_fields() -> dict[str, str]:
    return {
        "t": "0210",
        "3": "000000",
        "4": "000000001234",
        "11": "000042",
        "12": "150926",
        "13": "0314",
        "25": "00",
        "32": "104",
        "37": "000000000042",
        "38": "123456",
        "39": "00",
        "41": "MPOS0001",
        "42": "104110058120001",
        "49": "156",
        "55": "910A00112233445566770012",
        "57": "DF010A" + _KSN + "DF020101",
        "60": "2200000100060",
        "64": "00" * 8,
    }


def _framed(message: bytes) -> bytes:
    return (len(message) + 11).to_bytes(2) + bytes.fromhex("6000000003 603100310000") + message


def _answer_frame(fields: dict[str, str]) -> bytes:
    message, _ = iso8583.encode({"h": "", **fields}, SPEC)
    return _framed(bytes(message[:-8]) + _mac(4, bytes(message[:-8])))


def test_acquirer_reads_the_request(device) -> None:
    frame = _request(device, _SALE)
    assert int.from_bytes(frame[:2]) == len(frame) - 2
    assert frame[2:13].hex() == "6000030000603100310000"
    message = frame[13:]
    fields, _ = iso8583.decode(message, SPEC)
    fields.pop("p")
    mac = fields.pop("64")
    assert fields == {
        "t": "0200",
        "3": "000000",
        "4": "000000001234",
        "11": "000042",
        "12": "150926",
        "13": "0314",
        "22": "072",
        "23": "001",
        "25": "00",
        "35": bytes(range(24)).hex().upper(),
        "41": "MPOS0001",
        "42": "104110058120001",
        "49": "156",
        "53": "0610000000000000",
        "55": "9F26080102030405060708",
        "57": "DF010A" + _KSN + "DF020101",
        "60": "2200000100060",
    }
    assert bytes.fromhex(mac) == _mac(6, message[:-8])


_SALES = st.fixed_dictionaries(
    {
        "amount": st.integers(0, 10**12 - 1),
        "currency": st.integers(0, 999),
        "stan": st.integers(0, 999999),
        "time": st.tuples(
            st.just(2026), st.integers(1, 12), st.integers(1, 31), st.integers(0, 23), *[st.integers(0, 59)] * 2
        ),
        "entry_mode": st.text("0123456789", min_size=3, max_size=3),
        "card_sequence": st.none() | st.integers(0, 999),
        "track2": st.integers(1, 5).flatmap(lambda n: st.binary(min_size=8 * n, max_size=8 * n)),
        "track3": st.integers(0, 7).flatmap(lambda n: st.binary(min_size=8 * n, max_size=8 * n)),
        "is_fallback": st.booleans(),
        "pin_block": st.just(b"") | st.binary(min_size=8, max_size=8),
        "icc_data": st.binary(max_size=255),
    }
)


@settings(max_examples=150, deadline=None)
@given(sale=_SALES)
def test_acquirer_reads_any_request(device, sale: dict[str, Any]) -> None:
    coded = {name: {"hex": value.hex()} if isinstance(value, bytes) else value for name, value in sale.items()}
    message = _request(device, coded)[13:]
    fields, _ = iso8583.decode(message, SPEC)
    assert int(fields["4"]) == sale["amount"]
    assert int(fields["11"]) == sale["stan"]
    assert int(fields["49"]) == sale["currency"]
    _, month, day, hour, minute, second = sale["time"]
    assert fields["12"] + fields["13"] == f"{hour:02}{minute:02}{second:02}{month:02}{day:02}"
    assert fields["22"] == sale["entry_mode"]
    assert (int(fields["23"]) if "23" in fields else None) == sale["card_sequence"]
    assert bytes.fromhex(fields["35"]) == sale["track2"]
    assert bytes.fromhex(fields.get("52", "")) == sale["pin_block"]
    assert ("26" in fields, fields["53"][0]) == ((True, "2") if sale["pin_block"] else (False, "0"))
    assert bytes.fromhex(fields.get("36", "")) == sale["track3"]
    assert bytes.fromhex(fields.get("55", "")) == sale["icc_data"]
    assert fields["60"].endswith("2" if sale["is_fallback"] else "0")
    assert bytes.fromhex(fields["64"]) == _mac(6, message[:-8])


def test_reader_reads_the_answer(device) -> None:
    frame = _answer_frame(_answer_fields())
    assert device.ask("answer", sale=_SALE, frame=frame.hex(), **_CONTEXT) == {
        "response_code": "00",
        "auth_code": "123456",
        "rrn": "000000000042",
        "icc_data": "910a00112233445566770012",
    }


def test_reader_tells_answers_apart(device) -> None:
    for field, value in (("11", "000043"), ("4", "000000001235"), ("41", "MPOS0002")):
        frame = _answer_frame({**_answer_fields(), field: value})
        result = device.ask("answer", sale=_SALE, frame=frame.hex(), **_CONTEXT)
        assert result == {"error": [_E_ISO_MISMATCH, int(field)]}


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_reader_refuses_a_changed_answer(device, data: st.DataObject) -> None:
    frame = bytearray(_answer_frame(_answer_fields()))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= data.draw(st.integers(1, 255))
    result = device.ask("answer", sale=_SALE, frame=frame.hex(), **_CONTEXT)
    assert result["error"][0] in _E_ISO
    assert at < 15 or result["error"] == [_E_ISO_MAC, 0]


def _text(alphabet: str, least: int, most: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=least, max_size=most)


def _value(name: str) -> st.SearchStrategy[str]:
    """Any value of the field that the reader's dialect takes, as pyiso8583 has it (bytes as hex)."""
    if name in _BINARY_FIELDS:
        least, most = {"35": (1, 40), "52": (8, 8), "64": (8, 8)}.get(name, (1, 255))
        return st.binary(min_size=least, max_size=most).map(lambda value: value.hex().upper())
    if name in _TEXT_FIELDS:
        length = {"37": 12, "38": 6, "39": 2, "41": 8, "42": 15, "49": 3}[name]
        alphabet = string.ascii_letters + string.digits + " "
        if name in ("41", "42"):
            alphabet += string.punctuation
        return _text(alphabet, length, length)
    length = {"3": 6, "4": 12, "11": 6, "12": 6, "13": 4, "22": 3, "23": 3, "25": 2, "26": 2, "53": 16}.get(name)
    if length is None:
        return _text(string.digits, 1, {"32": 11, "60": 17}[name])
    return _text(string.digits, length, length)


_NAMES = sorted(
    {"3", "4", "11", "12", "13", "22", "23", "25", "26", "32", "53", "60", *_TEXT_FIELDS, *_BINARY_FIELDS}, key=int
)
_MESSAGES = st.fixed_dictionaries(
    {"t": st.sampled_from(("0200", "0210", "0400", "0820"))}, optional={name: _value(name) for name in _NAMES}
)


@settings(max_examples=300, deadline=None)
@given(fields=_MESSAGES)
def test_both_codecs_agree(device, fields: dict[str, str]) -> None:
    theirs, _ = iso8583.encode({"h": "", **fields}, SPEC)
    values = {n: {"hex": v.lower()} if n in _BINARY_FIELDS else v for n, v in fields.items() if n != "t"}
    result = device.ask("pack", mti=fields["t"], fields=values)
    assert len(theirs) <= 1024
    assert result == {"message": theirs.hex()}
    assert device.ask("unpack", message=theirs.hex()) == {"mti": fields["t"], "fields": values}


@settings(max_examples=300, deadline=None)
@given(message=st.binary(max_size=1100))
def test_garbage_is_read_or_refused(device, message: bytes) -> None:
    for data in (message, bytes.fromhex("0210") + message):
        result = device.ask("unpack", message=data.hex())
        if "error" in result:
            assert result["error"][0] in _E_ISO
        else:
            # What was taken can be written again, byte for byte
            again = device.ask("pack", mti=result["mti"], fields=result["fields"])
            assert again == {"message": data.hex()}
