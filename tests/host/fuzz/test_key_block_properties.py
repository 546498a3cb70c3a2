"""What holds for every key block: it is unwrapped to what went in, or refused; in the key store all of it or nothing."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st
from psec import tr31 as made

from tests.fuzz import device
from tests.fuzz.key_blocks import block
from tests.fuzz.properties import EVERY
from tests.fuzz.targets.key_blocks import key_load_of

device.install()
from reader import tr31

_PROTECTION = bytes(range(32))
_DIGITS = "0123456789ABCDEF"
_HEX = st.text(_DIGITS, min_size=8, max_size=8)
_ROWS = {
    ("B1", "T", "X"): ((16,), {"KS": "FFFF9876543210E00000"}),
    ("B1", "A", "X"): ((16, 24, 32), {"IK": "FFFF9876543210E0"}),
    ("K0", "T", "D"): ((16,), {}),
    ("K1", "A", "D"): ((16, 24, 32), {}),
    ("K1", "T", "D"): ((16,), {}),
    ("10", "A", "X"): ((16,), {}),
    ("11", "0", "N"): ((6,), {"10": "0102"}),
}
_ROW = st.sampled_from(list(_ROWS))
_FIELD = st.sampled_from(("usage", "algorithm", "mode", "version_num", "exportability"))
_ALPHANUMERIC = _DIGITS + "GHIJKLMNOPQRSTUVWXYZ"


def _wrapped(header: made.Header, key: bytes) -> bytes:
    return made.KeyBlock(_PROTECTION, header).wrap(key).encode()


def _header(row: tuple[str, str, str], serial: str = "00000006") -> made.Header:
    header = made.Header("D", row[0], row[1], row[2], "00", "N")
    for name, value in {**_ROWS[row][1], "20": serial}.items():
        header.blocks[name] = value
    return header


@EVERY
@given(_ROW, st.data())
def test_each_row_of_the_table_is_taken(row: tuple[str, str, str], data: st.DataObject) -> None:
    length = data.draw(st.sampled_from(_ROWS[row][0]))
    key = data.draw(st.binary(min_size=length, max_size=length))
    written = key_load_of(_wrapped(_header(row), key))
    assert written is not None and len(written) == 2
    assert any(key in value for value in written.values())


@EVERY
@given(_ROW, _HEX)
def test_the_serial_number_decides(row: tuple[str, str, str], serial: str) -> None:
    """The last one that this reader took is 5."""
    written = key_load_of(_wrapped(_header(row, serial), bytes(_ROWS[row][0][0])))
    assert (written is not None) == (int(serial, 16) > 5)


@EVERY
@given(_ROW, _FIELD, st.data())
def test_any_other_header_is_refused(row: tuple[str, str, str], field: str, data: st.DataObject) -> None:
    header = _header(row)
    size = 2 if field in ("usage", "version_num") else 1
    value = data.draw(st.text(_ALPHANUMERIC, min_size=size, max_size=size))
    name = "key_usage" if field == "usage" else "mode_of_use" if field == "mode" else field
    assume(getattr(header, name) != value)
    setattr(header, name, value)
    changed = (header.key_usage, header.algorithm, header.mode_of_use)
    # Another row of the table, which the key may fit
    assume(changed not in _ROWS)
    assert key_load_of(_wrapped(header, bytes(_ROWS[row][0][0]))) is None


@EVERY
@given(_ROW, st.integers(1, 40))
def test_any_other_length_is_refused(row: tuple[str, str, str], length: int) -> None:
    written = key_load_of(_wrapped(_header(row), bytes(length)))
    assert (written is not None) == (length in _ROWS[row][0])


@EVERY
@given(st.binary(max_size=60), st.integers(0, 99), st.binary(min_size=2, max_size=60))
def test_whatever_is_under_a_right_mac(optional: bytes, count: int, clear: bytes) -> None:
    text = block(_PROTECTION, b"DB1TX00N", optional, count, clear)
    found = device.attempt(tr31.unwrap, _PROTECTION, text)
    if found is not None:
        header, key = found
        assert header == text[: 16 + len(optional)] and len(optional) % 16 == 0
        assert 8 * len(key) == int.from_bytes(clear[:2], "big")
        assert (clear + bytes(16))[2 : 2 + len(key)] == key
        blocks = list(tr31.optional_blocks(header))
        assert len(blocks) == count
        assert (blocks[-1][2] if blocks else 16) == len(header)


@EVERY
@given(st.binary(max_size=300))
def test_text_that_nobody_made(data: bytes) -> None:
    assert device.attempt(tr31.unwrap, _PROTECTION, data) is None
