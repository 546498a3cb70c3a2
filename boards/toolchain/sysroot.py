"""Headers and libraries for 32-bit programs, beside the machine's own: Debian's packages unpacked in the cache."""

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .apt_state import AptState
from .places import finished_folder
from .say import SetupError, step

_PROGRAM = '#include <stdio.h>\n#include <errno.h>\nint main(void) { return printf("%d", errno) < 0; }\n'


@dataclass(frozen=True)
class Flags:
    """What the 32-bit build adds to the compiler's and the linker's flags."""

    compile: str
    link: str


def gcc_version() -> str:
    """`12.2.0`. Raises SetupError when there is no working gcc."""
    try:
        found = subprocess.run(["gcc", "-dumpfullversion"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError("There is no gcc", "install it: apt-get install gcc libc6-dev make") from error
    return found.stdout.strip()


def flags(cache: Path, apt: AptState) -> Flags:
    """Flags that make this machine's gcc build static 32-bit programs, fetching the sysroot if it needs one."""
    plain = Flags("", "-static")
    if _links(plain):
        return plain
    version = gcc_version()
    major = version.split(".")[0]
    folder = cache / f"sysroot32-gcc{major}"
    if not folder.exists():
        step("fetching the 32-bit C library")
        with finished_folder(folder) as partial:
            apt.unpack_packages([f"lib32gcc-{major}-dev", "libc6-dev-i386"], partial)
    multiarch = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
    libraries = (f"{folder}/usr/lib32", f"{folder}/usr/lib/gcc/{multiarch}/{major}/32")
    found = Flags(
        f"-isystem {folder}/usr/include -idirafter /usr/include/{multiarch}",
        "-static " + " ".join(f"-B {path} -L {path}" for path in libraries),
    )
    if not _links(found):
        raise SetupError(
            f"gcc {version} cannot build 32-bit programs with {folder}",
            "delete that folder and run `make setup` again, or install gcc-multilib (the processor must be x86-64)",
        )
    return found


def _links(flags: Flags) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.c"
        program.write_text(_PROGRAM)
        command = [
            "gcc",
            "-m32",
            *flags.compile.split(),
            str(program),
            "-o",
            str(program.with_suffix("")),
            *flags.link.split(),
        ]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
