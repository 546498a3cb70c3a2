"""MicroPython's unix port, twice: 32-bit as a microcontroller's heap is, and 64-bit for speed and tools.

AES, SHA-1, SHA-256 and MD5 come from mbed TLS through the user module in boards/mbedcrypto; no TLS, no threads, no
foreign functions.
"""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import sources, sysroot
from .apt_state import AptState
from .places import CLONE, fingerprint, finished_folder
from .say import SetupError, run, step

_HERE = Path(__file__).resolve().parent
_FROZEN = "micropython32-frozen"
_MANIFEST = _HERE / "unix_manifest.py"
CRYPTO_MODULE = CLONE / "boards" / "mbedcrypto"
NAMES_MODULE = CLONE / "boards" / "names"
MODULES = (CRYPTO_MODULE, NAMES_MODULE, CLONE / "boards" / "unix" / "rommap")
_RECIPE = (Path(__file__), _HERE / "sysroot.py", _MANIFEST, *MODULES)
_FEATURES = (
    "-DMICROPY_PY_HASHLIB_SHA1=1 -DMICROPY_PY_HASHLIB_MD5=1 -DMICROPY_PY_CRYPTOLIB=1 -DMICROPY_PY_CRYPTOLIB_CTR=1"
)
# Modules that are frozen do not say where they come from: their paths would be in the heap. As in boards/*/mpconfigboard.h
_NO_FILE_NAMES = "-DMICROPY_PY___FILE__=0"
# FIPS-197 appendix C.1 (AES-128) and FIPS 180-4's example "abc" (SHA-1): the features are there and right.
_PROOF = """
import sys, asyncio, cryptolib, hashlib, rommap, vfs
key = bytes(range(16))
assert cryptolib.aes(key, 1).encrypt(bytes(range(0, 256, 17))).hex() == "69c4e0d86a7b0430d8cdb78070b4c55a"
assert hashlib.sha1(b"abc").digest().hex() == "a9993e364706816aba3e25717850c26c9cd0d89d"
assert hashlib.sha256(b"abc").digest().hex()[:8] == "ba7816bf"
print(len(bin(sys.maxsize)) - 1)  # "0b" and one bit less than a word
"""


def folder(cache: Path, bits: int) -> Path:
    """Where the build for the present recipe, sources and compiler is kept."""
    key = fingerprint(_RECIPE, sources.identity(), sysroot.gcc_version())
    return cache / f"micropython{bits}-{sources.MICROPYTHON}-{key}"


def ensure(cache: Path, apt: AptState, mpy_cross: Path) -> dict[int, Path]:
    """{32: binary, 64: binary}, built where they are missing."""
    missing = [bits for bits in (32, 64) if not (folder(cache, bits) / "micropython").exists()]
    if missing:
        if not shutil.which("make"):
            raise SetupError("There is no make", "install it: apt-get install make")
        with tempfile.TemporaryDirectory(prefix=".build-", dir=cache) as scratch:
            trees = sources.unpack(cache, apt, Path(scratch))
            for bits in missing:
                step(f"building MicroPython {sources.MICROPYTHON}, {bits}-bit (under a minute)")
                _build(cache, apt, trees, bits, mpy_cross, Path(scratch) / f"unix{bits}")
    return {bits: folder(cache, bits) / "micropython" for bits in (32, 64)}


def freeze(cache: Path, apt: AptState, mpy_cross: Path, tree: Path) -> Path:
    """A 32-bit binary with every module below `tree` frozen into it, as a reader's own build has them.

    The last one only is kept: it is for measuring, and of one state of the firmware.
    """
    kept = cache / f"{_FROZEN}-{fingerprint([*_RECIPE, tree], sources.identity(), sysroot.gcc_version())}"
    if not (kept / "micropython").exists():
        with tempfile.TemporaryDirectory(prefix=".build-", dir=cache) as scratch:
            step(f"building MicroPython {sources.MICROPYTHON}, 32-bit, with the firmware frozen")
            manifest = Path(scratch) / "manifest.py"
            manifest.write_text(_MANIFEST.read_text() + f"freeze({str(tree)!r})\n")
            trees = sources.unpack(cache, apt, Path(scratch))
            _build(cache, apt, trees, 32, mpy_cross, Path(scratch) / "unix32", manifest, kept, _NO_FILE_NAMES)
        for old in cache.glob(f"{_FROZEN}-*"):
            if old != kept:
                shutil.rmtree(old)
    return kept / "micropython"


def _build(
    cache: Path,
    apt: AptState,
    trees: sources.Trees,
    bits: int,
    mpy_cross: Path,
    scratch: Path,
    manifest: Path = _MANIFEST,
    finished: Path | None = None,
    more_flags: str = "",
) -> None:
    modules = scratch / "modules"
    for module in MODULES:
        shutil.copytree(module, modules / module.name)
    for name in ("library", "include"):  # mbed TLS's own files stay where they are
        (modules / CRYPTO_MODULE.name / name).symlink_to(trees.mbedtls / name)
    (scratch / "lib").mkdir()
    (scratch / "lib" / "README.md").touch()  # the port asks for micropython-lib, of which nothing is used
    flags = sysroot.flags(cache, apt) if bits == 32 else sysroot.Flags("", "")
    command: list[str | Path] = ["make", f"-j{os.cpu_count() or 1}", "-C", trees.micropython / "ports" / "unix"]
    command += [
        f"BUILD={scratch / 'build'}",
        f"FROZEN_MANIFEST={manifest}",
        f"MPY_LIB_DIR={scratch / 'lib'}",
        f"MICROPY_MPYCROSS={mpy_cross}",
        f"MPY_CROSS_FLAGS=-march={'x86' if bits == 32 else 'x64'}",
        f"USER_C_MODULES={modules}",
        "MICROPY_PY_BTREE=0",
        "MICROPY_PY_SSL=0",
        "MICROPY_PY_FFI=0",
        "MICROPY_PY_THREAD=0",
        f"MICROPY_FORCE_32BIT={int(bits == 32)}",
        f"CFLAGS_EXTRA={_FEATURES} {more_flags} {flags.compile}",
        f"LDFLAGS_EXTRA={flags.link}",
    ]
    log = cache / "logs" / f"micropython{bits}.log"
    # Make variables of the `make setup` around this one are none of MicroPython's.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    env["PYTHONDONTWRITEBYTECODE"] = "1"
    run(
        command,
        log,
        f"MicroPython ({bits}-bit) could not be built",
        f"read {log}; are gcc and libc6-dev installed?",
        env=env,
    )
    with finished_folder(finished or folder(cache, bits)) as partial:
        shutil.copy2(scratch / "build" / "micropython", partial / "micropython")
        prove(partial / "micropython", bits)


def prove(binary: Path, bits: int) -> None:
    """Raises SetupError unless `binary` runs, has what the firmware needs and is of this word size."""
    try:
        proof = subprocess.run([binary, "-c", _PROOF], capture_output=True, text=True, timeout=60, check=False)
        said = proof.stdout + proof.stderr
    except OSError as error:
        said = str(error)
    if said.strip() != str(bits):
        raise SetupError(
            f"The {bits}-bit MicroPython that was built does not pass its check: {said.strip()}",
            "does this machine's processor and kernel run such programs? It must be an x86-64 Linux.",
        )
