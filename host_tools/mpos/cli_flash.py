"""`mpos firmware` and `mpos flash`: build the firmware for a board, put it on a device."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn

from mpos.cli_console import err, fail, out
from mpos.provision import emv_tables, firmware
from mpos.provision.device import Code, Device, FlashError
from mpos.provision.flash import Report, flash
from mpos.provision.manifest import Manifest, ManifestError
from mpos.provision.rom import RomError
from mpos.provision.toolchain import ToolchainMissing

EMULATED = "qemu_rv32"
INTERRUPTED = 130
_CODES = "; ".join(f"{code.value} {code.name.lower().replace('_', ' ')}" for code in Code)

app = typer.Typer(no_args_is_help=True, add_completion=False)


def _checked(path: Path) -> tuple[bytes, list[str]]:
    """The file of tables, once it is known that the reader takes it, and what there is to say of it.

    Raises FirmwareError, OSError.
    """
    data = path.read_bytes()
    try:
        tables = emv_tables.parse(data)
    except ValueError as error:
        raise firmware.FirmwareError(f"{path} is no file of applications and keys: {error}") from None
    if not tables.applications:
        raise firmware.FirmwareError(f"{path} names no application: no card could be taken with it")
    test = sum(kind is True for kind in emv_tables.kinds(tables.capks).values())
    return data, [f"{test} keys of test cards are in {path}: not for a reader that handles money"] if test else []


def build_or_fail(board: str, folder: Path | None, release: bool = False) -> Manifest:
    try:
        return firmware.build(board, folder, release)
    except (firmware.FirmwareError, ToolchainMissing, RomError, OSError) as error:
        raise fail(str(error), Code.BUILD) from None


@app.command("firmware", epilog="Example: mpos firmware m35 --out build/firmware/m35")
def firmware_command(
    board: Annotated[str, typer.Argument(metavar="BOARD", help=", ".join(firmware.BOARDS))],
    folder: Annotated[
        Path | None, typer.Option("--out", help="Where to; without it, build/firmware/BOARD of the repository.")
    ] = None,
    release: Annotated[
        bool, typer.Option("--release", help="For the field: no prompt, no modules from the file system.")
    ] = False,
) -> None:
    """Build the firmware for a board: .mpy files, a ROM image, a manifest with every hash."""
    manifest = build_or_fail(board, folder, release)
    modules = manifest.below("mpy")
    size = sum(entry.size for entry in modules.values())
    out.print(
        f"{manifest.board}: firmware {manifest.firmware} for MicroPython {manifest.micropython}, {manifest.arch}, "
        f".mpy {manifest.mpy}{', RELEASE' if manifest.release else ''}\n"
        f"  {len(modules)} files, {size:,} bytes; ROM image {manifest.files['romfs.img'].size:,} bytes; "
        f"build {manifest.build[:16]}\n"
        f"  {folder or firmware.default_folder(board)}",
        markup=False,
        soft_wrap=True,
    )
    if firmware.BOARDS[board].ble:
        text = f"aioble {manifest.aioble} is in it"
        if manifest.aioble is None:
            text = "without aioble, which is not at hand: on the device it comes from `mpremote mip install aioble`"
        out.print(f"  {text}", markup=False, soft_wrap=True)


@app.command("flash", epilog=f"Exit codes: 0 installed; {_CODES}.")
def flash_command(
    board: Annotated[str, typer.Option(help=", ".join(firmware.BOARDS))],
    port: Annotated[
        str | None, typer.Option(help=f"Serial port, like /dev/ttyUSB0. {EMULATED} without one: it is started.")
    ] = None,
    rom: Annotated[
        bool | None, typer.Option("--romfs/--files", help="Where to; without it, ROM if the device has a partition.")
    ] = None,
    parameters: Annotated[
        Path | None, typer.Option(help="The device's parameter file; without it, the one that it has stays.")
    ] = None,
    tables: Annotated[
        Path | None,
        typer.Option(help="Its applications and keys (`mpos emv build`); without it, those that it has stay."),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--build", help="A build of `mpos firmware`; else it is built.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one record and nothing else.")] = False,
) -> None:
    """Put the firmware on a device that runs MicroPython: compare, copy what changed, verify, reset, ask its version."""
    if not port and board != EMULATED:
        raise fail("which port is the device at? For example --port /dev/ttyUSB0", Code.PORT)
    try:
        chosen = firmware.board_named(board)
        own = parameters.read_bytes() if parameters else None
        own_tables, notes = _checked(tables) if tables else (None, [])
    except (firmware.FirmwareError, OSError) as error:
        raise fail(str(error), Code.BUILD) from None
    if folder is None:
        build_or_fail(board, None)
        folder = firmware.default_folder(board)
    source = folder

    def install(at: str) -> Report:
        with Device(at) as device, _Shown(quiet=as_json) as shown:
            return flash(chosen, source, device, rom=rom, parameters=own, tables=own_tables, progress=shown)

    try:
        if port:
            report = install(port)
        else:
            from mpos.provision.emulated import flash_emulated

            report = asyncio.run(flash_emulated(install))
    except FlashError as error:
        raise fail(str(error), error.code) from None
    except ManifestError as error:
        raise fail(str(error), Code.BUILD) from None
    except (ToolchainMissing, RuntimeError, OSError) as error:
        raise fail(str(error), Code.DEVICE) from None
    except KeyboardInterrupt:
        raise fail("interrupted: nothing half-installed is started; flash again", INTERRUPTED) from None
    report.notes += notes
    _tell(report, as_json)


def _tell(report: Report, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(report)))
        return
    where = "the ROM partition" if report.place == "/rom" else report.place
    changed = f"{len(report.written)} written ({report.bytes_written:,} bytes), {len(report.removed)} removed"
    lines = [
        f"{report.board}: firmware {report.firmware} is whole in {where}, build {report.build[:16]}",
        f"  {changed if report.written or report.removed else 'nothing had changed'}, {report.seconds:.1f} s, "
        f"MicroPython {report.micropython}",
        f"  {report.answer}",
        *(f"  {note}" for note in report.notes),
    ]
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


class _Shown:
    """A progress line on a terminal; nothing where there is none, or where it was not asked for."""

    def __init__(self, quiet: bool):
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeElapsedColumn(),
            console=err,
            transient=True,
            disable=quiet or not err.is_terminal,
        )
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> _Shown:
        self._bar.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._bar.stop()

    def __call__(self, what: str, name: str, done: int, total: int) -> None:
        self._bar.update(self._task, description=f"{what} {name}", completed=done, total=total or None)
