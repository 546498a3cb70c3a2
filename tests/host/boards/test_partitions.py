"""The flash of the three modules: the tables add up, and hold what the port and the firmware look for."""

from __future__ import annotations

import re

import pytest

from tests.host.boards import flash_layout, wiring
from tests.host.boards.flash_layout import broken_laws, parse

MIB = 1 << 20
SIZES = (4, 8, 16)
GOOD = (wiring.BOARDS / "esp32/partitions-4MiB.csv").read_text(encoding="utf-8")


def text(size: int) -> str:
    return (wiring.BOARDS / f"esp32/partitions-{size}MiB.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", SIZES)
def test_table(size: int) -> None:
    assert list(broken_laws(parse(text(size)), size * MIB)) == []


def test_the_tables_are_these() -> None:
    assert {p.name for p in (wiring.BOARDS / "esp32").glob("*.csv")} == {f"partitions-{s}MiB.csv" for s in SIZES}


@pytest.mark.parametrize("size", SIZES)
def test_sdkconfig_knows_the_size(size: int) -> None:
    lines = (wiring.BOARDS / f"esp32/sdkconfig.flash-{size}MiB").read_text(encoding="utf-8").splitlines()
    assert f"CONFIG_ESPTOOLPY_FLASHSIZE_{size}MB=y" in lines
    assert [line for line in lines if re.fullmatch(r"CONFIG_ESPTOOLPY_FLASHSIZE_\w+=y", line)] == [
        f"CONFIG_ESPTOOLPY_FLASHSIZE_{size}MB=y"
    ]


def test_stores_survive_another_module() -> None:
    """Keys and journal have the same size everywhere, so that their format is one."""
    sizes = {(p.name, p.size) for size in SIZES for p in parse(text(size)) if p.name in ("keys", "journal")}
    assert sizes == {("keys", 0x10000), ("journal", 0x8000)}


@pytest.mark.parametrize(
    ("was", "becomes", "why"),
    [
        ("0x190000, 0x180000", "0x180000, 0x190000", "inside of what is before it"),
        ("0x190000, 0x180000", "0x1a0000, 0x170000", "leaves a gap"),
        ("0x10000,  0x180000", "0x10000,  0x170000", "the two slots differ"),
        ("0x10000,  0x180000", "0x11000,  0x17f000", "ota_0 begins at 0x11000, no multiple of 0x10000"),
        ("0x310000, 0x60000", "0x310000, 0x5f000", "romfs has 0x5f000 bytes, no multiple"),
        ("0x388000, 0x78000", "0x388000, 0x78100", "vfs has 0x78100 bytes, no multiple of 0x1000"),
        ("0x388000, 0x78000", "0x388000, 0x88000", "the flash at 0x400000"),
        ("0x388000, 0x78000", "0x388000, 0x68000", "the flash at 0x400000"),
        ("0x9000,   0x4000", "0x8000,   0x5000", "nvs begins at 0x8000"),
        ("0xd000,   0x2000", "0xd000,   0x1000", "otadata has 0x1000 bytes, 0x2000 at least"),
        ("romfs,    data, 0x8f", "romfs,    data, spiffs", "nobody looks for that"),
        ("keys,     data, 0x40", "keys,     app, 0x40", "nobody looks for that"),
        ("vfs,", "files,", "not each once: files, vfs"),
        ("keys,", "vfs,", "not each once: keys"),
        ("keys,", "keys-of-the-reader,", "longer than 15"),
    ],
)
def test_law_finds(was: str, becomes: str, why: str) -> None:
    assert was in GOOD
    found = list(broken_laws(parse(GOOD.replace(was, becomes)), 4 * MIB))
    assert any(why in finding for finding in found), found


@pytest.mark.parametrize(
    "row", ["nvs, data, nvs, 0x9000", "nvs, data, nvs, , 0x4000", "nvs, data, nvs, 0x9000, 16K", "x"]
)
def test_table_is_read_strictly(row: str) -> None:
    with pytest.raises(ValueError, match="not a partition"):
        parse(row)


def test_law_wants_everything() -> None:
    assert len(list(broken_laws([], 4 * MIB))) == 3
    assert set(flash_layout.WANTED) == {partition.name for partition in parse(GOOD)}
