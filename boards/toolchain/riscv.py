"""QEMU and the RISC-V compiler: the machine's own where they are new enough, else Debian's packages in the cache."""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from .apt_state import AptState
from .places import finished_folder
from .say import SetupError, step

PACKAGES = [
    "qemu-system-misc",
    "gcc-riscv64-unknown-elf",
    "binutils-riscv64-unknown-elf",
    "picolibc-riscv64-unknown-elf",
]
_EMULATOR = "qemu-system-riscv32"
_PREFIX = "riscv64-unknown-elf-"
_OLDEST_EMULATOR = (7, 2)
_OLDEST_COMPILER = (12,)
_FOLDER = "riscv-debian"
_SPECS = "picolibc.specs"
# Which of gcc's variants of the libraries serves rv32imc: `gcc -march=rv32imc -mabi=ilp32 -print-multi-directory`
_LIBRARIES = ("rv32im",)
_UNUSED = (
    "usr/bin/qemu-system-*",
    "usr/lib/gcc/riscv64-unknown-elf/*/rv*",
    "usr/lib/gcc/riscv64-unknown-elf/*/cc1plus",
    "usr/lib/gcc/riscv64-unknown-elf/*/lto1",
    "usr/lib/picolibc/riscv64-unknown-elf/lib/release",
    "usr/lib/picolibc/riscv64-unknown-elf/lib/rv*",
    "usr/share/doc",
    "usr/share/locale",
    "usr/share/man",
)


@dataclass(frozen=True)
class Tools:
    """Where the programs are, and what the environment needs for them to run."""

    emulator: Path
    emulator_arguments: list[str]
    compiler_prefix: str  # CROSS_COMPILE of MicroPython's makefiles
    specs: Path  # picolibc's, which tell gcc where that C library is
    environment: dict[str, str] = field(default_factory=dict)


def ensure(cache: Path, apt: AptState) -> Tools:
    """The machine's tools, or those in the cache, which are fetched where they are missing."""
    found = machine_tools()
    if found:
        return found
    folder = cache / _FOLDER
    if not folder.exists():
        step("fetching QEMU and the RISC-V compiler, and what they need of libraries (a few minutes)")
        with finished_folder(folder) as partial:
            try:
                apt.unpack_missing(PACKAGES, partial)
            except SetupError as error:
                raise SetupError(
                    f"QEMU and the RISC-V compiler are not on this machine and could not be fetched. {error.what}",
                    "install them (QEMU 7.2, gcc 12 for riscv64-unknown-elf and its picolibc, or newer; on a Debian "
                    f"`apt-get install {' '.join(PACKAGES)}`), or mend what is said above; then run it again",
                ) from error
            _drop_unused(partial)
            _relocate_specs(partial, folder)
    return fetched_tools(folder)


def machine_tools(path: str | None = None) -> Tools | None:
    """What is installed (on the given PATH), when all of it is there and new enough."""
    emulator = shutil.which(_EMULATOR, path=path)
    compiler = shutil.which(f"{_PREFIX}gcc", path=path)
    if not emulator or not compiler:
        return None
    if version_of(emulator) < _OLDEST_EMULATOR or version_of(compiler) < _OLDEST_COMPILER:
        return None
    specs = _output(compiler, "-print-file-name=picolibc.specs")
    if not os.path.isabs(specs):  # gcc answers with the bare name when there is no such file
        return None
    return Tools(Path(emulator), [], str(Path(compiler).parent / _PREFIX), Path(specs))


def fetched_tools(folder: Path) -> Tools:
    """The tools unpacked in `folder`; what the machine had of them was not fetched, and is used where it is.

    Raises SetupError when they do not run.
    """
    libraries = sorted(
        {str(library.parent) for library in folder.rglob("*.so.*") if _is_library_folder(library.parent)}
    )
    environment = {
        "LD_LIBRARY_PATH": os.pathsep.join(libraries),
        "PATH": os.pathsep.join([str(folder / "usr" / "bin"), os.environ.get("PATH", os.defpath)]),
    }
    programs = [shutil.which(name, path=environment["PATH"]) for name in (_EMULATOR, f"{_PREFIX}gcc")]
    for program in programs:
        if not program or not version_of(program, environment):
            raise SetupError(
                f"QEMU and the RISC-V compiler in {folder} do not run on this machine ({program or 'one is missing'})",
                f"delete that folder and run `make setup TARGET=qemu` again, or install {' '.join(PACKAGES)}",
            )
    emulator, compiler = (Path(str(program)) for program in programs)
    data = folder / "usr" / "share" / "qemu"
    specs = folder / _SPECS
    return Tools(
        emulator,
        ["-L", str(data)] if data.is_dir() else [],
        str(compiler.parent / _PREFIX),
        specs if specs.exists() else Path(_output(compiler, "-print-file-name=picolibc.specs")),
        environment,
    )


def version_of(program: str | Path, environment: dict[str, str] | None = None) -> tuple[int, ...]:
    """`(7, 2, 22)`; empty when it does not run."""
    match = re.search(r"\b(\d+(?:\.\d+)+)\b", _output(program, "--version", environment=environment))
    return tuple(int(part) for part in match[1].split(".")) if match else ()


def _output(program: str | Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    try:
        done = subprocess.run(
            [program, *arguments],
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _is_library_folder(folder: Path) -> bool:
    # Below /lib or /usr/lib: the libraries themselves and multiarch's folder, not the plug-ins of some program
    return folder.name == "lib" or (folder.parent.name == "lib" and folder.name.endswith("-linux-gnu"))


def _drop_unused(unpacked: Path) -> None:
    """Most of what was unpacked is for other processors: 1.4 GB, of which 0.2 GB are kept."""
    for pattern in _UNUSED:
        for path in unpacked.glob(pattern):
            if path.name == _EMULATOR or path.name in _LIBRARIES:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def _relocate_specs(unpacked: Path, final: Path) -> None:
    """A copy of picolibc's specs that names its folder where it is, not where the package wanted to be."""
    original = unpacked / "usr" / "lib" / "picolibc" / "riscv64-unknown-elf" / "picolibc.specs"
    if original.exists():  # else the machine had it
        text = original.read_text().replace("/usr/lib/picolibc", f"{final}/usr/lib/picolibc")
        (unpacked / _SPECS).write_text(text)
