"""The same work by what a user would otherwise take: C on mbed TLS for the same core, pyiso8583 on CPython."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import iso8583

from boards.toolchain import places, riscv, sources
from mpos.describe.iso8583_spec import SPEC
from mpos.provision import compile as mpy
from mpos.provision import toolchain

_HERE = Path(__file__).resolve().parent
_SOURCES = ("start.S", "main.c", "dukpt.c")
_OF_MBEDTLS = ("library/des.c", "library/platform_util.c")
_TIMEOUT_S = 120
_FLAGS = ("-march=rv32imc", "-mabi=ilp32", "-misa-spec=2.2", "-O2", "-nostartfiles", "-Wall", "-Werror")

_RUNS = 9
_REPEATS = 300
_ON_UNIX = """
import time
from reader.iso8583 import codec
from reader.iso8583.dialects import unionpay_pos
fields = %s
out = bytearray(1024)
def spent(work):
    begin = time.ticks_us()
    for _ in range(%d):
        work()
    return time.ticks_diff(time.ticks_us(), begin)
n = codec.pack(unionpay_pos, "0200", fields, out)
message = bytes(out[:n])
pack = spent(lambda: codec.pack(unionpay_pos, "0200", fields, out))
unpack = spent(lambda: codec.unpack(unionpay_pos, message))
print(pack, unpack, message.hex())
"""


class ReferenceFailed(RuntimeError):
    """The work to compare with cannot be done, or has another result than the firmware's."""


def build(folder: Path) -> Path:
    """The C reference, compiled into `folder`. Raises ReferenceFailed."""
    cache = places.cache_dir()
    tools = riscv.machine_tools() or riscv.fetched_tools(cache / "riscv-debian")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        mbedtls = _mbedtls(cache, Path(scratch))
        program = folder / "reference.elf"
        command: list[str | Path] = [f"{tools.compiler_prefix}gcc", f"-specs={tools.specs}", *_FLAGS]
        command += [f"-I{_HERE / 'c'}", f"-I{mbedtls / 'include'}", f"-I{mbedtls / 'library'}"]
        command += ['-DMBEDTLS_CONFIG_FILE="des_config.h"', "-Wl,--no-warn-rwx-segments", "-T", _HERE / "c" / "link.ld"]
        command += [_HERE / "c" / name for name in _SOURCES]
        command += [mbedtls / name for name in _OF_MBEDTLS]
        done = subprocess.run(
            [*command, "-o", program],
            env={**os.environ, **tools.environment},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        if done.returncode:
            raise ReferenceFailed(f"the C reference could not be compiled: {done.stderr.strip()}")
    return program


def _mbedtls(cache: Path, into: Path) -> Path:
    """mbed TLS's sources: of the tree that the user named, or the pinned ones from the cache."""
    own = sources.own_tree()
    if own:
        return own / "lib" / "mbedtls"
    pinned = next(tarball for tarball in sources.PINNED if tarball.package == "mbedtls")
    archive = cache / f"source-{pinned.package}-{pinned.version}" / pinned.file
    sources.check(archive, pinned.sha256)
    with tarfile.open(archive) as tar:
        wanted = [m for m in tar if m.isfile() and m.name.split("/", 1)[1].startswith(("include/", "library/"))]
        tar.extractall(into, wanted)
    (top,) = into.iterdir()
    return top


def compiler_version() -> str:
    tools = riscv.machine_tools() or riscv.fetched_tools(places.cache_dir() / "riscv-debian")
    return ".".join(map(str, riscv.version_of(f"{tools.compiler_prefix}gcc", tools.environment)))


def wall_times() -> dict[str, float]:
    """wall.iso8583.pack, .unpack: time of the firmware's codec on MicroPython as a multiple of pyiso8583's on CPython.

    Both take the same message, in turns; the median of the runs. Raises ReferenceFailed when they differ in a byte.
    """
    document = json.loads((_HERE / "request.json").read_text())
    fields = {int(number): _value(value) for number, value in document.items()}
    theirs = {"h": "", "t": "0200", **{str(number): _theirs(value) for number, value in fields.items()}}
    encoded, _ = iso8583.encode(dict(theirs), SPEC)
    message = bytes(encoded)
    ratios: tuple[list[float], list[float]] = ([], [])
    for _ in range(_RUNS):
        pack_us, unpack_us, made = _on_unix(fields)
        if bytes.fromhex(made) != message:
            raise ReferenceFailed("the firmware's codec and pyiso8583 made different messages of the same fields")
        ratios[0].append(pack_us / _spent_us(lambda: iso8583.encode(dict(theirs), SPEC)))
        ratios[1].append(unpack_us / _spent_us(lambda: iso8583.decode(message, SPEC)))
    return {"wall.iso8583.pack": statistics.median(ratios[0]), "wall.iso8583.unpack": statistics.median(ratios[1])}


def _value(value: Any) -> Any:
    """A number in the file stands for as many bytes."""
    return bytes(value) if isinstance(value, int) else value


def _theirs(value: Any) -> str:
    return value.hex().upper() if isinstance(value, bytes) else value


def _on_unix(fields: dict[int, Any]) -> tuple[int, int, str]:
    done = subprocess.run(
        [toolchain.micropython(64), "-c", _ON_UNIX % (fields, _REPEATS)],
        env={**os.environ, "MICROPYPATH": mpy.firmware_path(64)},
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
        check=False,
    )
    if done.returncode:
        raise ReferenceFailed(f"the codec does not run on the unix port: {done.stderr.strip()}")
    pack, unpack, made = done.stdout.split()
    return int(pack), int(unpack), made


def _spent_us(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    for _ in range(_REPEATS):
        work()
    return (time.perf_counter() - begin) * 1e6
