"""A device at a serial port, spoken to through mpremote: what it is, its files, its ROM.

    with Device("/dev/ttyUSB0") as device:
        device.enter()
        device.probe()          what MicroPython it runs, how much room there is
        device.tree("/mpos")    every file below, hashed on the device
        device.put(path, data)  written beside, read back, renamed

Every failure is a FlashError whose `code` says which kind; the text says what to do.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import errno
import hashlib
import io
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from types import TracebackType
from typing import Any, Self

import serial
from mpremote.transport import TransportError
from mpremote.transport_serial import SerialTransport
from serial.tools import list_ports

CHUNK = 1024
_BYTE_S = 1.0  # for one byte that is awaited
_WRITE_S = 5.0  # for a device that takes nothing
_PROMPT = b"raw REPL; CTRL-B to exit\r\n>"
_PROMPT_S = 1.0  # a board answers at once, unless opening the port has just reset it
_PROMPT_TRIES = 6
_RUN_S = 20.0  # for code to end
_ANSWER_S = 10.0  # for the prompt to take the next
_TEMPORARY = ".new"


class Code(IntEnum):
    """Exit codes of `mpos flash`; 0 is good, 1 and 2 are Python's and the command line's own."""

    BUILD = 3
    PORT = 4
    BUSY = 5
    PERMISSION = 6
    NO_PROMPT = 7
    VERSION = 8
    ARCHITECTURE = 9
    SPACE = 10
    LOST = 11
    READ_BACK = 12
    NO_ANSWER = 13
    DEVICE = 14


class FlashError(RuntimeError):
    """What went wrong, and what to do about it."""

    def __init__(self, code: Code, text: str):
        super().__init__(text)
        self.code = code


class Refused(FlashError):
    """The device ran what it was told and raised an exception; `said` is its last line."""

    def __init__(self, said: str):
        super().__init__(Code.DEVICE, f"the device says: {said}")
        self.said = said


@dataclass(frozen=True)
class Rom:
    """The ROM partition. `block` is 0 where the port erases it as a whole (MicroPython's vfs.rom_ioctl)."""

    size: int
    block: int


@dataclass(frozen=True)
class Info:
    """What runs on the device. `mpy`: sys.implementation._mpy, 0 when it loads no .mpy files."""

    name: str
    version: tuple[int, ...]
    mpy: int
    machine: str
    platform: str
    has_sha256: bool
    frozen: bool  # the firmware is part of MicroPython itself
    block: int  # of the file system, bytes
    free: int  # blocks
    rom: Rom | None


# Sent once after each reset. Small names: it lies in the heap of the device.
_HELPERS = """
import os
from hashlib import sha256
from binascii import a2b_base64 as _a, hexlify
try:
 from io import BytesIO
 from deflate import DeflateIO, RAW
 def _u(d): return DeflateIO(BytesIO(_a(d)), RAW, 9).read()
except ImportError:
 _u = None
def _x(h): return hexlify(h.digest()).decode()
def _h(p):
 h = sha256()
 b = memoryview(bytearray(512))
 n = 0
 with open(p, 'rb') as f:
  while 1:
   k = f.readinto(b)
   if not k: break
   h.update(b[:k])
   n += k
 return n, _x(h)
def _t(p):
 for e in os.ilistdir(p):
  q = p + '/' + e[0]
  if e[1] & 0x4000:
   print(('D', q))
   _t(q)
  else:
   print(('F', q) + _h(q))
def _m(a, b):
 try:
  os.rename(a, b)
 except OSError:
  os.remove(b)
  os.rename(a, b)
print(bool(_u))
"""

_PROBE = """
import sys, os
i = sys.implementation
d = {'name': i[0], 'version': tuple(i[1])[:3], 'mpy': getattr(i, '_mpy', 0), 'machine': getattr(i, '_machine', ''),
'platform': sys.platform, 'has_sha256': False, 'frozen': False, 'block': 0, 'free': 0, 'rom': None}
try:
 import hashlib
 d['has_sha256'] = hasattr(hashlib, 'sha256')
 s = os.statvfs('/')
 d['block'], d['free'] = s[0], s[3]
except (ImportError, OSError):
 pass
path = sys.path[:]
sys.path[:] = ['.frozen']
try:
 import reader
 d['frozen'] = True
except ImportError:
 pass
sys.path[:] = path
try:
 import vfs
 if vfs.rom_ioctl(1) > 0:
  r = vfs.rom_ioctl(2, 0)
  d['rom'] = (r.ioctl(4, 0) * r.ioctl(5, 0), r.ioctl(5, 0)) if hasattr(r, 'ioctl') else (len(r), 0)
except (ImportError, AttributeError, TypeError):
 pass
print(d)
"""


class _Transport(SerialTransport):
    """mpremote's, with our limit where it has its own of ten seconds."""

    def read_until(self, min_num_bytes: int, ending: bytes, timeout: float | None = None, **options: Any) -> bytes:
        limit = _ANSWER_S if timeout is None else timeout
        data: bytes = super().read_until(min_num_bytes, ending, timeout=limit, **options)
        return data


class Device:
    """Use as `with Device(port) as device`. The port is opened at once, and for nobody else."""

    def __init__(self, port: str, baudrate: int = 115200):
        self.port = port
        self._compressed = False
        try:
            self._transport = _Transport(port, baudrate=baudrate, timeout=_BYTE_S)
            self._transport.serial.write_timeout = _WRITE_S
        except (TransportError, OSError, ValueError) as error:
            raise _why_not(port, error) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        with contextlib.suppress(OSError):  # a port that is gone needs no closing
            self._transport.close()

    # --- the prompt

    def enter(self) -> None:
        """Interrupt what runs and get the raw prompt of a MicroPython that was reset (softly)."""
        with self._guarded():
            self._find_prompt()
            with contextlib.redirect_stdout(io.StringIO()):  # on failure it prints what came
                self._transport.enter_raw_repl(soft_reset=True)
        self._compressed = self.run(_HELPERS) == "True"

    def _find_prompt(self) -> None:
        """With an end, whatever the device sends; a board that is still starting is asked again."""
        seen = b""
        line = self._transport.serial
        for _ in range(_PROMPT_TRIES):
            line.write(b"\r\x03\x03\r\x01")
            end = time.monotonic() + _PROMPT_S
            while time.monotonic() < end:
                seen = (seen + line.read(max(1, min(line.in_waiting, 4096))))[-4096:]
                if _PROMPT in seen:
                    return
        said = "".join(c for c in seen.decode("ascii", "replace") if c.isprintable())[-60:]
        raise FlashError(
            Code.NO_PROMPT,
            f"what is at {self.port} does not answer as MicroPython does"
            + (f" (it says: {said})" if said else " (it says nothing)")
            + ": is it the right port? A device without MicroPython gets that first, with esptool.",
        )

    def run(self, code: str, patience: int = 1) -> str:
        """What the code printed. Raises Refused when it raised."""
        with self._guarded():
            out, err = self._transport.exec_raw(code, timeout=patience * _RUN_S)
        if err:
            raise Refused(err.decode("utf-8", "replace").strip().splitlines()[-1])
        return str(out.decode("utf-8", "replace").strip())

    @contextlib.contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except (OSError, TransportError, struct.error, IndexError) as error:
            raise FlashError(
                Code.LOST,
                f"the connection to {self.port} was lost ({error}): is the cable in? "
                "Nothing half-installed is started; connect it and flash again.",
            ) from None

    def restart(self) -> None:
        """Reset it as its reset button does, where the port knows how; otherwise softly. Nothing is waited for."""
        has_reset = self.run("try:\n import machine\n print(hasattr(machine, 'reset'))\nexcept ImportError:\n print(0)")
        with self._guarded():
            if has_reset == "True":
                self._transport.exec_raw_no_follow("import machine\nmachine.reset()")
            else:
                self._transport.exit_raw_repl()
                self._transport.read_until(1, b">>> ", timeout_overall=_RUN_S)
                self._transport.serial.write(b"\x04")

    def watch(self, seconds: float, until: bytes) -> bytes:
        """What comes from the console, until `until` is in it or the time is over."""
        seen = b""
        end = time.monotonic() + seconds
        while until not in seen and time.monotonic() < end:
            try:
                seen += self._transport.serial.read(max(1, self._transport.serial.in_waiting))
            except OSError:  # a board with USB of its own leaves the bus while it resets
                break
        return seen

    # --- what it is

    def probe(self) -> Info:
        record = ast.literal_eval(self.run(_PROBE))
        record["rom"] = Rom(*record["rom"]) if record["rom"] else None
        return Info(**record)

    # --- files

    def tree(self, folder: str) -> tuple[set[str], dict[str, tuple[int, str]]]:
        """(folders, {file: (size, SHA-256)}) below a folder of the device, by full path; none when it is not there."""
        folders: set[str] = set()
        files: dict[str, tuple[int, str]] = {}
        try:
            listed = self.run(f"_t({folder!r})")
        except Refused as error:
            if "ENOENT" in error.said:
                return folders, files
            raise
        for line in listed.splitlines():
            kind, path, *entry = ast.literal_eval(line)
            if kind == "D":
                folders.add(path)
            else:
                files[path] = (entry[0], entry[1])
        return folders, files

    def entry(self, path: str) -> tuple[int, str] | None:
        """(size, SHA-256) of one file, or None."""
        try:
            size, sha256 = ast.literal_eval(self.run(f"print(_h({path!r}))"))
        except Refused as error:
            if "ENOENT" in error.said:
                return None
            raise
        return size, sha256

    def remove(self, path: str) -> None:
        """A file or an empty folder; one that is not there is no error."""
        try:
            self.run(f"os.remove({path!r})" if not self._is_folder(path) else f"os.rmdir({path!r})")
        except Refused as error:
            if "ENOENT" not in error.said:
                raise

    def _is_folder(self, path: str) -> bool:
        return self.run(f"print(os.stat({path!r})[0] & 0x4000)") != "0"

    def mkdir(self, path: str) -> None:
        try:
            self.run(f"os.mkdir({path!r})")
        except Refused as error:
            if "EEXIST" not in error.said:
                raise

    def put(self, path: str, data: bytes, progress: Callable[[int], None] = lambda sent: None) -> None:
        """Write a file: first under another name, read back there, then renamed. The old one stays until then."""
        temporary = path + _TEMPORARY
        try:
            self.run(f"f = open({temporary!r}, 'wb')")
            for offset in range(0, len(data), CHUNK):
                self.run(f"f.write({self._literal(data[offset : offset + CHUNK])})")
                progress(min(offset + CHUNK, len(data)))
            self.run("f.close()")
        except Refused as error:
            if "ENOSPC" in error.said or "Errno 28" in error.said:
                raise FlashError(Code.SPACE, f"the device's file system is full at {path}") from None
            raise
        found = self.entry(temporary)
        if found != (len(data), hashlib.sha256(data).hexdigest()):
            self.remove(temporary)
            raise read_back_mismatch(path)
        self.run(f"_m({temporary!r}, {path!r})")

    def _literal(self, data: bytes) -> str:
        """An expression for `data`, as short as the device can read it."""
        if not self._compressed:
            return f"_a({base64.b64encode(data)!r})"
        squeeze = zlib.compressobj(9, wbits=-9)
        return f"_u({base64.b64encode(squeeze.compress(data) + squeeze.flush())!r})"

    # --- ROM

    def rom_hashes(self, size: int, step: int) -> list[str]:
        """SHA-256 of each piece of `step` bytes of the first `size` bytes of the ROM partition."""
        code = (
            f"import vfs\n_r = memoryview(vfs.rom_ioctl(2, 0))\nfor o in range(0, {size}, {step}):\n"
            f" print(_x(sha256(_r[o:min(o + {step}, {size})])))"
        )
        return self.run(code, 2).splitlines()

    def rom_begin(self) -> None:
        """Nothing runs from ROM while it changes."""
        self.run("import vfs\ntry:\n vfs.umount('/rom')\nexcept OSError:\n pass\n_d = vfs.rom_ioctl(2, 0)")

    def rom_erase(self, block: int) -> None:
        self.run(f"_d.ioctl(6, {block})")

    def rom_write(self, rom: Rom, offset: int, data: bytes) -> None:
        """A whole CHUNK at an offset that is a multiple of it."""
        code = self._literal(data + bytes(-len(data) % CHUNK))
        if rom.block:
            self.run(f"_d.writeblocks({offset // rom.block}, {code}, {offset % rom.block})")
        else:
            self.run(f"vfs.rom_ioctl(4, 0, {offset}, {code})")

    def rom_erase_all(self, size: int) -> None:
        """For a port that erases the partition as a whole."""
        self.run(f"vfs.rom_ioctl(3, 0, {size})", 2)

    def rom_end(self, rom: Rom) -> None:
        if not rom.block:
            self.run("vfs.rom_ioctl(5, 0)")


def read_back_mismatch(what: str) -> FlashError:
    return FlashError(
        Code.READ_BACK,
        f"{what} reads back other than it was written: the flash of the device is worn or damaged. "
        "Try once more; if it stays so, replace the module.",
    )


def _why_not(port: str, error: Exception) -> FlashError:
    """Why a port cannot be opened: mpremote does not say, so it is asked once more."""
    number, text = None, str(error)
    try:
        serial.Serial(port, exclusive=True).close()
    except serial.SerialException as again:
        number, text = again.errno, str(again)
    except (OSError, ValueError) as again:
        text = str(again)
    if number in (errno.EACCES, errno.EPERM):
        return FlashError(
            Code.PERMISSION,
            f"no permission for {port}: add yourself to the group that owns it (dialout on Debian), log in again",
        )
    if number in (errno.EBUSY, errno.EAGAIN):
        return FlashError(Code.BUSY, f"{port} is used by another program: close its terminal or monitor")
    there = ", ".join(sorted(found.device for found in list_ports.comports())) or "none"
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return FlashError(Code.PORT, f"there is no port {port} (serial ports of this machine: {there})")
    return FlashError(Code.PORT, f"{port} cannot be opened as a serial port: {text}")
