"""Accounts of keys and of security events, as the reader gives them, in words."""

from __future__ import annotations

import pytest

from mpos.describe import key_info, log_events


def record(section: int, algorithm: bytes, size: int, serial: bytes, check: bytes = b"", left: int = 0) -> bytes:
    return (
        bytes([section])
        + algorithm
        + size.to_bytes(2, "big")
        + serial.ljust(12, b"\0")
        + check.ljust(4, b"\0")
        + left.to_bytes(4, "big")
    )


def test_sections():
    ksn = bytes.fromhex("FFFF9876543210E00001")
    data = record(1, b"T", 400, ksn, left=1_048_575) + record(8, b"T", 16, b"", bytes.fromhex("08D7B4"))
    data += record(7, b"\0", 112, bytes.fromhex("A001")) + record(
        5, b"\0", 12, bytes.fromhex("000000070000000100000000")
    )
    data += record(99, b"\0", 1, b"")
    tdes, master, cards, serials, unknown = key_info.parse(data)
    assert (tdes.section, tdes.shown, tdes.left, tdes.check) == ("TDES", f"next KSN {ksn.hex().upper()}", 1_048_575, "")
    assert (master.section, master.check, master.left) == ("MASTER_KEY", "08D7B4", None)
    assert cards.shown == "slots 1, 3, 16"
    assert serials.shown == "key block 7, parameters 1, tables 0"
    assert unknown.section == "section 99" and "unknown" in unknown.meaning


def test_events():
    said = bytes.fromhex("000000020C01FC00131A0C01000203")
    refused, switched = log_events.parse(said + bytes.fromhex("000000030100000000000000000000"))
    assert (refused.name, refused.shown, refused.time) == (
        "LOG_KEY_REFUSED",
        "508 E_KEY_BLOCK (19)",
        "2026-12-01T00:02:03",
    )
    assert (switched.name, switched.shown, switched.time) == ("LOG_RESTART", "", "")
    loaded = log_events.Event(1, 11, 3, "")
    assert loaded.shown == "SESSION_ROOT" and loaded.record()["meaning"] == "a key was loaded"
    assert log_events.Event(1, 13, 2, "").shown == "tables"
    assert log_events.Event(1, 15, 2, "").shown == "factory"
    assert log_events.Event(1, 17, 0x40, "").shown == "command 40"
    assert "unknown" in log_events.Event(1, 30, 0, "").meaning


@pytest.mark.parametrize("parse", [key_info.parse, log_events.parse])
def test_what_breaks_off(parse):
    assert parse(b"") == []
    with pytest.raises(ValueError, match="breaks off"):
        parse(bytes(7))
