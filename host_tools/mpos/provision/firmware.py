"""Firmware for one board: .mpy files for its processor, the same as a ROM image, and a manifest with every hash.

build("m35", out)  ->  OUT/mpy/        the modules as they lie on the device, build.txt
                       OUT/root/       boot.py and main.py, which start them; parameters.json, emv.tlv
                       OUT/romfs.img   OUT/mpy as one image, for a board with a ROM partition
                       OUT/manifest.json

Nothing of the time, the machine or the folder gets into it: built twice it is the same, byte for byte.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePath

from mpos.provision import emv_tables, rom, toolchain
from mpos.provision.compile import TOP
from mpos.provision.constants import PARSING, ConstantError, Constants
from mpos.provision.manifest import NAME, Manifest, build_id, files_below

BUILD_FILE = "build.txt"
_RELEASE_FOLDER = (
    "boards/release"  # in a release's image, which the board starts without a prompt (boards/loader/mpos_boot.py)
)
_NOT_FOR_THE_DEVICE = {
    "manifest.py",
    "manifest_release.py",
    "ports.py",
    "boot.py",
    "_boot.py",
}  # of the build, of type checkers, in root/
_COMPILER_LIMIT_S = 60
# Numbers of the architectures in a .mpy header and in sys.implementation._mpy (MicroPython's py/persistentcode.h)
ARCH_NUMBERS = {"x86": 1, "x64": 2, "xtensawin": 10, "rv32imc": 11}


class FirmwareError(RuntimeError):
    """The firmware cannot be built. The text says why."""


@dataclass(frozen=True)
class Board:
    """What the tools know of a board. `chips`: how sys.implementation._machine may name its processor; none: anyhow."""

    name: str
    arch: str
    platform: str  # sys.platform
    chips: tuple[str, ...]
    folders: tuple[str, ...]  # of its own modules, from the top of the repository
    ble: bool


BOARDS = {
    board.name: board
    for board in (
        Board("m35", "xtensawin", "esp32", ("ESP32", "ESP32S3"), ("boards/esp32", "boards/m35"), ble=True),
        Board("d200", "xtensawin", "esp32", ("ESP32", "ESP32S3"), ("boards/esp32", "boards/d200"), ble=True),
        Board("qemu_rv32", "rv32imc", "qemu", ("RV32IMC",), ("boards/qemu_rv32",), ble=False),
    )
}


def board_named(name: str) -> Board:
    """Raises FirmwareError for a name that no board has."""
    if name not in BOARDS:
        raise FirmwareError(f"no board {name!r}: one of {', '.join(BOARDS)}")
    return BOARDS[name]


def default_folder(board: str) -> Path:
    return TOP / "build" / "firmware" / board


def build(name: str, out: Path | None = None, release: bool = False) -> Manifest:
    """Build for the board of that name. `out` is replaced, if it holds a build; it is whole or not there at all.
    release: for the field, and only with everything in it that the reader runs.

    Raises FirmwareError, toolchain.ToolchainMissing.
    """
    board = board_named(name)
    out = out or default_folder(name)
    if out.exists() and not (out / NAME).is_file() and (not out.is_dir() or any(out.iterdir())):
        raise FirmwareError(f"{out} is there and holds no firmware build: name another folder, or empty it")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
        fresh = Path(scratch) / "build"
        manifest = _fill(board, fresh, release)
        (fresh / NAME).write_text(manifest.to_json(), encoding="utf-8")
        if out.exists():
            out.rename(Path(scratch) / "before")
        fresh.rename(out)
    return manifest


def _fill(board: Board, folder: Path, release: bool) -> Manifest:
    mpy = folder / "mpy"
    sources = list(_sources(TOP / "firmware", "firmware"))
    for part in board.folders:
        if not (TOP / part).is_dir():
            raise FirmwareError(f"{part} is not there: the board {board.name} cannot be built")
        sources += _sources(TOP / part, part)
    aioble = _aioble(board)
    if release and board.ble and aioble is None:
        raise FirmwareError(
            "a release has everything in it, and aioble is not at hand: see `make setup`, or build without --release"
        )
    if aioble:
        sources += [source for source in _sources(aioble[0], "aioble-" + aioble[1]) if _is_used_of_aioble(source)]
    if release:
        sources += _sources(TOP / _RELEASE_FOLDER, _RELEASE_FOLDER)
    _compile_all(board.arch, sources, mpy)
    build = build_id(files_below(mpy))
    (mpy / BUILD_FILE).write_text(build, encoding="ascii")
    (folder / "root").mkdir()
    shutil.copyfile(TOP / "firmware/boot.py", folder / "root/boot.py")
    shutil.copyfile(TOP / "boards/loader/main.py", folder / "root/main.py")
    shutil.copyfile(_parameters(board), folder / "root/parameters.json")
    (folder / "root/emv.tlv").write_bytes(emv_tables.build())
    (folder / "romfs.img").write_bytes(rom.image(mpy))
    return Manifest(
        board=board.name,
        arch=board.arch,
        firmware=firmware_version(),
        micropython=toolchain.micropython_version(),
        mpy=_mpy_version(board.arch, mpy),
        aioble=aioble[1] if aioble else None,
        release=release,
        build=build,
        files=files_below(folder),
    )


def firmware_version() -> str:
    text = (TOP / "firmware/reader/app/version.py").read_text(encoding="utf-8")
    found = re.search(r'^VERSION = "([^"]+)"$', text, re.MULTILINE)
    if not found:
        raise FirmwareError("firmware/reader/app/version.py names no VERSION")
    return found[1]


def _aioble(board: Board) -> tuple[Path, str] | None:
    """MicroPython's own aioble where it is at hand. The stand-in is for the simulated radio, and for no device."""
    if not board.ble:
        return None
    folder, version = toolchain.aioble()
    return None if version == "stand-in" else (folder, version)


def _parameters(board: Board) -> Path:
    own = TOP / "boards" / board.name / "parameters.json"
    return own if own.exists() else TOP / "boards/unix/parameters.json"


@dataclass(frozen=True)
class _Source:
    path: Path
    name: str  # as tracebacks show it
    output: Path  # below mpy/


def _sources(folder: Path, shown: str) -> Iterator[_Source]:
    """The modules of a folder and of the packages in it."""
    for path in sorted(folder.rglob("*.py")):
        relative = path.relative_to(folder)
        packages = [folder / parent for parent in relative.parents if parent != Path(".")]
        if path.name in _NOT_FOR_THE_DEVICE or not all((package / "__init__.py").is_file() for package in packages):
            continue
        yield _Source(path, f"{shown}/{relative.as_posix()}", relative.with_suffix(".mpy"))


def _is_used_of_aioble(source: _Source) -> bool:
    return source.output.stem in rom.AIOBLE_PARTS


def _compile_all(arch: str, sources: list[_Source], into: Path) -> None:
    compiler = toolchain.mpy_cross(arch)
    constants = Constants.of(TOP / "firmware")
    outputs = [source.output for source in sources]
    for output in outputs:
        if outputs.count(output) > 1:
            raise FirmwareError(f"two sources want to be {output}: rename one of them")
        (into / output).parent.mkdir(parents=True, exist_ok=True)

    def compile_one(source: _Source) -> None:
        output = into / source.output
        prepared = output.with_suffix(".py")
        try:
            with PARSING:
                text = constants.inlined(
                    PurePath(source.output.with_suffix(".py")), source.path.read_text(encoding="utf-8")
                )
        except ConstantError as error:
            raise FirmwareError(f"{source.name} does not compile: line {error.args[0]}: {error.args[1]}") from None
        prepared.write_text(text, encoding="utf-8")
        command = [str(compiler), f"-march={arch}", "-s", source.name, "-o", str(output), str(prepared)]
        run = subprocess.run(command, capture_output=True, text=True, timeout=_COMPILER_LIMIT_S, check=False)
        prepared.unlink()
        if run.returncode:
            said = (run.stdout + run.stderr).strip().replace(str(prepared), source.name)
            raise FirmwareError(f"{source.name} does not compile: {said}")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources))


def _mpy_version(arch: str, tree: Path) -> str:
    """The format's version from the headers: 'M', version, flags (sub-version, architecture when there is native code).

    Raises FirmwareError for native code of another processor.
    """
    versions = set()
    for path in tree.rglob("*.mpy"):
        magic, version, flags = path.read_bytes()[:3]
        if magic != ord("M") or flags >> 2 not in (0, ARCH_NUMBERS[arch]):
            raise FirmwareError(f"{path.relative_to(tree)} came out for another processor than {arch}")
        versions.add((version, flags & 3))
    return "{}.{}".format(*max(versions))
