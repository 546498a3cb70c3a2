"""A host's answers with any fields changed: nothing but a right one is believed, and a refused sign-in changes no key."""

from __future__ import annotations

from typing import Any

import iso8583
from hypothesis import given
from hypothesis import strategies as st

from mpos.acquirer import working_keys
from mpos.describe.iso8583_spec import SPEC
from tests.fuzz.properties import EVERY
from tests.fuzz.targets.iso8583 import HOST, MASTER, framed, iso_answer, iso_sign_in

_SCHEMES = st.integers(0, 3)
_ANSWER = {
    "3": "000000",
    "4": "000000001234",
    "11": "000001",
    "12": "150926",
    "13": "0314",
    "25": "00",
    "32": "00000104",
    "37": "000000000042",
    "38": "123456",
    "39": "00",
    "41": HOST.terminal_id,
    "42": HOST.merchant_id,
    "49": "156",
    "55": "910A00112233445566770012",
    "60": "2200000100060",
}
_INFORMATION = (
    "DF010AFFFF9876543210E00001DF020101",
    "DF010CFFFF9876543210E000000001DF020102",
    "DF020103",
    "DF020103",
)
_SIGN_IN = {n: _ANSWER[n] for n in ("11", "12", "13", "32", "37", "39", "41", "42")} | {"60": "00000001004"}
_PIN, _MAC, _TRACK = (
    bytes.fromhex(key)
    for key in (
        "0123456789ABCDEFFEDCBA9876543210",
        "6D504F532062656E636820626C6F6374",
        "79B56E20A1D3C4F842667F1098ECDA35",
    )
)
_KEYS = st.one_of(st.sampled_from([_PIN, _MAC, _TRACK, bytes(16), _PIN[:8] * 2]), st.binary(min_size=16, max_size=16))


def _digits(n: int) -> st.SearchStrategy[str]:
    return st.text("0123456789", min_size=n, max_size=n)


_CHANGES = {
    "4": _digits(12),
    "11": _digits(6),
    "39": st.text("0123456789AZ ", min_size=2, max_size=2),
    "41": st.text("MPOS0123", min_size=8, max_size=8),
    "49": st.sampled_from(["156", "840"]),
    "55": st.binary(min_size=1, max_size=255).map(bytes.hex),
    "57": st.one_of(st.sampled_from(_INFORMATION), st.binary(min_size=1, max_size=40).map(bytes.hex)),
    "62": st.binary(min_size=1, max_size=84).map(bytes.hex),
    "63": st.text("ab ~", min_size=1, max_size=10),
    "52": st.binary(min_size=8, max_size=8).map(bytes.hex),
}
_CHANGED = st.tuples(
    st.fixed_dictionaries({}, optional=_CHANGES), st.sets(st.sampled_from(sorted(_ANSWER)), max_size=2)
)


def _encoded(kind: str, fields: dict[str, Any], changed: tuple[dict[str, str], set[str]]) -> bytes:
    changes, missing = changed
    kept = {n: v for n, v in {**fields, **changes}.items() if n not in missing}
    return bytes(iso8583.encode({"h": "", "t": kind, **kept}, SPEC)[0])


@EVERY
@given(_SCHEMES, _CHANGED)
def test_an_answer_under_its_right_mac(scheme: int, changed: tuple[dict[str, str], set[str]]) -> None:
    message = _encoded("0210", {**_ANSWER, "57": _INFORMATION[scheme], "64": "00" * 8}, changed)
    iso_answer(bytes([scheme | 2 << 2]) + message[:-8])


@EVERY
@given(_SCHEMES, _CHANGED, st.binary(min_size=8, max_size=8))
def test_an_answer_under_another_mac(scheme: int, changed: tuple[dict[str, str], set[str]], mac: bytes) -> None:
    message = _encoded("0210", {**_ANSWER, "57": _INFORMATION[scheme], "64": "00" * 8}, changed)
    iso_answer(bytes([scheme]) + framed(message[:-8] + mac))


@EVERY
@given(st.integers(0, 11), st.binary(max_size=600))
def test_anything_as_an_answer(choice: int, data: bytes) -> None:
    iso_answer(bytes([choice]) + data)
    iso_answer(bytes([choice]) + b"\x02\x10" + data)


@EVERY
@given(st.booleans(), _CHANGED)
def test_a_sign_in_with_fields_changed(is_ecb: bool, changed: tuple[dict[str, str], set[str]]) -> None:
    keys = working_keys.WorkingKeys(_PIN, _MAC[:8] if is_ecb else _MAC, _TRACK)
    sent = working_keys.wrap(MASTER, keys).hex()
    iso_sign_in(bytes([is_ecb | 2]) + _encoded("0810", {**_SIGN_IN, "62": sent}, changed))


@EVERY
@given(st.booleans(), _KEYS, _KEYS, _KEYS, st.integers(0, 59), st.integers(0, 255))
def test_a_sign_in_with_any_keys(is_ecb: bool, pin: bytes, mac: bytes, track: bytes, at: int, flip: int) -> None:
    """Right check values, but for what `flip` does to one byte."""
    sent = bytearray(working_keys.wrap(MASTER, working_keys.WorkingKeys(pin, mac[:8] if is_ecb else mac, track)))
    sent[at] ^= flip
    iso_sign_in(bytes([is_ecb | 2]) + _encoded("0810", {**_SIGN_IN, "62": sent.hex()}, ({}, set())))


@EVERY
@given(st.integers(0, 7), st.binary(max_size=300))
def test_anything_as_a_sign_in(choice: int, data: bytes) -> None:
    iso_sign_in(bytes([choice]) + data)
    iso_sign_in(bytes([choice]) + b"\x08\x10" + data)
