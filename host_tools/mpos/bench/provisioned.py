"""The state of the bench's reader after the factory, made once for each firmware and copied into every world.

A reader really goes through the factory for it: over its serial line, by mpos.provision.factory, with the bench's keys. What is
left in its flash, its stores and its secret is kept in build/provisioned/KIND-HASH, by the content of all that it depends on;
processes that want it at the same time wait for the one that makes it.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path

from mpos.bench import test_keys
from mpos.bench.device import ROOT, Device, FirmwareDied, UnixDevice
from mpos.bench.device_qemu import BOARD, FLASH, PhoneLine, QemuDevice
from mpos.bench.field import Field
from mpos.bench.pn532_chip import Pn532Chip, serve_chip
from mpos.link.client import ReaderGone, ReaderRefused
from mpos.link.messages import FileName, State, Tag
from mpos.provision import factory, firmware, keys, rom, toolchain
from mpos.provision.vault import Entry, Vault

FOLDER = ROOT / "build" / "provisioned"
# Of the unix board (boards/unix/board.py); a state folder has others too, which are the bench's
UNIX_FILES = ("ring", "journal", "secret", "counters", "notices")
HEAP = "128K"
_BACK_S = 20.0
_EPOCH, _TICKS = 1_735_689_600, 16  # from 2025 on, in sixteenths of a second: four bytes last for eight years
_SOURCES = (
    "bench/provisioned.py",
    "bench/test_keys.py",
    "provision/factory.py",
    "provision/keys.py",
    "link/session_keys.py",
)


def bench_vault() -> Vault:
    """The bench's keys as a vault, in which its reader is."""
    made = {
        "tdes-bdk": test_keys.BDK,
        "aes-bdk": test_keys.AES_BDK,
        "session": test_keys.SESSION_MASTER,
        "block": test_keys.BLOCK_MASTER,
        "master": test_keys.MASTER_MASTER,
    }
    # Nobody keeps its numbers: they begin at the clock, above all that earlier ones have used up
    now = int((time.time() - _EPOCH) * _TICKS)
    entry = Entry(now, {name.name.lower(): now for name in FileName})
    return Vault(made, test_keys.READER_ID[:4], {test_keys.READER_ID: entry})


def card_keys() -> list[keys.Load]:
    return [keys.card_key(slot, kind, key) for slot, kind, key in test_keys.CARD_KEYS]


async def provision_bench(line: PhoneLine) -> None:
    """The factory's work on the blank reader at `line`, until it is back and idle. Raises FirmwareDied."""
    vault = bench_vault()
    vault.readers.clear()
    try:
        certificate = await factory.provision(
            await line.pipe(), vault, lambda: None, reader_id=test_keys.READER_ID, also=card_keys()
        )
        back = await factory.until_back(line.pipe, _BACK_S)
    except (factory.ProvisionError, ReaderGone, ReaderRefused, TimeoutError) as error:
        raise FirmwareDied(f"the bench's reader could not be provisioned: {error}") from None
    if certificate.problems or back.number_of(Tag.READER_STATE) != State.IDLE:
        raise FirmwareDied(
            f"the bench's reader is not in the field after the factory: error {back.number_of(Tag.DETAIL)}, "
            f"{certificate.problems}"
        )


async def unix_state(parameters: Path, tables: bytes, image: Path | None = None) -> Path:
    """The folder with UNIX_FILES. image: the firmware's ROM image, where the caller has one."""
    if image is None:
        image = rom.build(32, toolchain.aioble()[0])

    async def make(folder: Path) -> None:
        scratch = folder / "tables"
        scratch.write_bytes(tables)
        async with PhoneLine() as line, serve_chip(Pn532Chip(Field())) as nfc:
            environment = {
                "MPOS_NFC": nfc,
                "MPOS_PHONE": line.address,
                "MPOS_STATE": str(folder),
                "MPOS_PARAMETERS": str(parameters),
                "MPOS_EMV": str(scratch),
            }
            await _through_the_factory(UnixDevice(environment, None, 32, HEAP), line)
        scratch.unlink()

    return await _made_once("unix", [_hash(image), *_sources()], make)


async def qemu_state(parameters: Path, tables: bytes) -> Path:
    """The folder with the flash file, in which `parameters` and `tables` are too."""
    image = firmware.default_folder(BOARD) / "romfs.img"

    async def make(folder: Path) -> None:
        scratch = folder / "tables"
        scratch.write_bytes(tables)
        async with PhoneLine() as line, serve_chip(Pn532Chip(Field())) as nfc:
            device = QemuDevice((nfc, line.address), folder, parameters, scratch)
            await device.put_files()
            await _through_the_factory(device, line)
        scratch.unlink()

    return await _made_once(
        "qemu",
        [image.read_bytes(), toolchain.qemu().firmware.read_bytes(), parameters.read_bytes(), tables, *_sources()],
        make,
    )


def copy(state: Path, into: Path) -> None:
    """The files of a provisioned state into a world's folder."""
    for path in state.iterdir():
        if path.name in (*UNIX_FILES, FLASH):
            shutil.copyfile(path, into / path.name)


@cache
def _sources() -> tuple[bytes, ...]:
    tools = Path(__file__).resolve().parents[1]
    return tuple(_hash(tools / name) for name in _SOURCES)


def _hash(path: Path) -> bytes:
    return _hashed(path, path.stat().st_mtime_ns)


@cache
def _hashed(path: Path, _changed: int) -> bytes:
    return hashlib.sha256(path.read_bytes()).digest()


async def _through_the_factory(device: Device, line: PhoneLine) -> None:
    """Switched on for that long. Raises FirmwareDied, with what the firmware said at its end."""
    await device.start()
    died = asyncio.create_task(device.died(), name="firmware watch")
    work = asyncio.create_task(provision_bench(line), name="factory")
    try:
        await asyncio.wait([died, work], return_when=asyncio.FIRST_COMPLETED)
        if not work.done():
            raise FirmwareDied("the firmware ended in the factory")
        work.result()
    except FirmwareDied as error:
        said = device.output.strip()
        raise FirmwareDied(f"{error}; it printed: {said[-800:]}" if said else str(error)) from None
    finally:
        for task in (died, work):
            task.cancel()
        await asyncio.gather(died, work, return_exceptions=True)
        await device.stop()


async def _made_once(kind: str, content: list[bytes], make: Callable[[Path], Awaitable[None]]) -> Path:
    digest = hashlib.sha256(b"".join(content))
    folder = FOLDER / f"{kind}-{digest.hexdigest()[:16]}"
    if folder.exists():
        return folder
    FOLDER.mkdir(parents=True, exist_ok=True)
    lock = os.open(FOLDER / f".{kind}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # In a thread: whoever holds it may be another task of this very process
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        if folder.exists():
            return folder
        partial = Path(tempfile.mkdtemp(prefix=f".{kind}-", dir=FOLDER))
        try:
            await make(partial)
            partial.replace(folder)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        _forget_older(kind, folder)
        return folder
    finally:
        os.close(lock)


_KEPT = 6


def _forget_older(kind: str, newest: Path) -> None:
    """Those of firmwares long gone. A few stay: others of this machine may be copying them."""
    made = sorted(FOLDER.glob(f"{kind}-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in made[_KEPT:]:
        if path != newest:
            shutil.rmtree(path, ignore_errors=True)
