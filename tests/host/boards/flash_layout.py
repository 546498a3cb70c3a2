"""Partition tables of ESP-IDF, and the law for them (ESP-IDF Programming Guide, Partition Tables and OTA)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

TABLE_END = 0x9000  # the table lies at 0x8000 and takes a sector
SECTOR = 0x1000  # what the flash erases at once
PAGE = 0x10000  # what the flash cache maps at once: applications, and the ROM file system that is run where it lies
NAME_LIMIT = 15  # and a zero in the 16 bytes of a name
SLOTS = ("ota_0", "ota_1")
# What the port, mpremote and the firmware look for: type, subtype, least size
WANTED = {
    "nvs": ("data", "nvs", 0x3000),  # NVS needs three sectors
    "otadata": ("data", "ota", 0x2000),  # two sectors, which are written in turn
    "phy_init": ("data", "phy", 0x1000),
    "ota_0": ("app", "ota_0", 0x180000),
    "ota_1": ("app", "ota_1", 0x180000),
    "romfs": ("data", "0x8f", 0x40000),  # MicroPython 1.25, ports/esp32/esp32_partition.c: found by its name
    "keys": ("data", "0x40", 0x10000),
    "journal": ("data", "0x41", 0x8000),
    "vfs": ("data", "fat", 0x40000),  # ports/esp32/modules/flashbdev.py: by its name; LittleFS all the same
}


@dataclass(frozen=True)
class Partition:
    name: str
    type: str
    subtype: str
    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def parse(text: str) -> list[Partition]:
    """Raises ValueError for a row that is not name, type, subtype, offset, size and perhaps flags."""
    table = []
    for row in text.splitlines():
        if not row.strip() or row.startswith("#"):
            continue
        cells = [cell.strip() for cell in row.split(",")]
        if len(cells) not in (5, 6) or any(cells[5:]) or not all(re.fullmatch("0x[0-9a-f]+", c) for c in cells[3:5]):
            raise ValueError(f"not a partition: {row}")
        table.append(Partition(cells[0], cells[1], cells[2], int(cells[3], 16), int(cells[4], 16)))
    return table


def broken_laws(table: list[Partition], flash: int) -> Iterator[str]:
    """What is wrong with a table for a flash of that many bytes, a sentence each."""
    end = TABLE_END
    for partition in table:
        name = partition.name
        if partition.offset < end:
            yield f"{name} begins at {partition.offset:#x}, inside of what is before it"
        elif partition.offset > end:
            yield f"{name} leaves a gap from {end:#x}"
        end = max(end, partition.end)
        if len(name) > NAME_LIMIT:
            yield f"{name} is longer than {NAME_LIMIT} characters"
        grain = PAGE if partition.type == "app" or name == "romfs" else SECTOR
        if partition.offset % grain:
            yield f"{name} begins at {partition.offset:#x}, no multiple of {grain:#x}"
        if partition.size % grain or not partition.size:
            yield f"{name} has {partition.size:#x} bytes, no multiple of {grain:#x}"
        kind, subtype, least = WANTED.get(name, ("", "", 0))
        if (partition.type, partition.subtype) != (kind, subtype):
            yield f"{name} is {partition.type}, {partition.subtype}: nobody looks for that"
        if partition.size < least:
            yield f"{name} has {partition.size:#x} bytes, {least:#x} at least"
    if end != flash:
        yield f"the table ends at {end:#x}, the flash at {flash:#x}"
    names = [partition.name for partition in table]
    if sorted(names) != sorted(WANTED):
        yield f"not each once: {', '.join(sorted(set(names) ^ set(WANTED)) or sorted(names))}"
    if len({partition.size for partition in table if partition.name in SLOTS}) != 1:
        yield "the two slots differ: an update must fit either"
