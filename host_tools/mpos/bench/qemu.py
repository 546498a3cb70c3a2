"""The emulated microcontroller as a process: boards/qemu_rv32 in QEMU, with a console, two lines and a flash.

    async with Machine(state, lines=["127.0.0.1:4000"]) as machine:
        await machine.wait_for(">>> ")
        ...  mpremote connect MACHINE.CONSOLE ...

The console is a pseudo-terminal, for mpremote and pyserial; what comes out of it is kept in `output` whether anybody
has it open or not. The flash is a file in the state folder, and outlives the machine. Whoever starts tools on the
console must leave the event loop running, which carries the bytes: subprocesses by asyncio, blocking calls in threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import select
import shutil
import socket
import termios
import time
import tty
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType

from mpos.provision import toolchain

ROM_SIZE = 1024 * 1024  # as boards/qemu_rv32/port/flash.c lays the flash out
REST_SIZE = 3 * 1024 * 1024
LINE_COUNT = 4
_ERASED = b"\xff"
_LOOK_AGAIN_S = 0.02  # for somebody who opened the console; there is no event for it
_STOP_LIMIT_S = 5
_PROMPT = b">>> "
# A process that is killed stops no machine. util-linux's setpriv has the kernel do it, when the thread that started the
# machine ends.
_TOGETHER = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []


class MachineError(Exception):
    """The machine did not do what was asked for, or ended. The text has the end of its output."""


class Machine:
    """One emulated board. Started by `async with`, stopped at its end whatever happens.

    state: a folder for the flash file; an empty one makes a board with blank flash.
    lines: addresses "host:port" that the auxiliary serial lines 0 to 3 connect to (boards/qemu_rv32/README.md); fewer or "" leave a line open.
    rom: a ROMFS image to be put into the flash before the start; None leaves what is there.
    icount: count instructions exactly (module `rv`). The machine then runs a virtual clock that advances one
        nanosecond with each instruction. While the machine sleeps that clock jumps to the next alarm, so that nobody
        outside can answer in time; with `sleep` it follows the real clock there, for runs with a bench at the lines.
    """

    def __init__(
        self,
        state: Path,
        lines: Sequence[str] = (),
        *,
        rom: Path | None = None,
        icount: bool = False,
        sleep: bool = False,
        limit_s: float = 30,
    ) -> None:
        if len(lines) > LINE_COUNT:
            raise ValueError(f"the board has {LINE_COUNT} lines, {len(lines)} addresses were given")
        self._state = state
        self._lines = [*lines, *[""] * (LINE_COUNT - len(lines))]
        self._rom = rom
        self._icount = icount
        self._sleep = sleep
        self._limit_s = limit_s
        self._output = bytearray()
        self._news = asyncio.Condition()
        self._tasks: list[asyncio.Task] = []
        self._process: asyncio.subprocess.Process | None = None
        self._closing = contextlib.AsyncExitStack()
        self.console = ""

    @property
    def output(self) -> str:
        """All that the console has said since the start."""
        return self._output.decode(errors="replace")

    @property
    def flash(self) -> Path:
        """The flash file: the ROM region, then storage, key store and journal."""
        return self._state / "flash"

    @property
    def pid(self) -> int:
        """QEMU's process."""
        assert self._process is not None, "the machine was not started"
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def __aenter__(self) -> Machine:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def kill(self) -> None:
        """Cut the power. The flash keeps what was written."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await asyncio.wait_for(self._process.wait(), _STOP_LIMIT_S)

    async def wait_for(self, text: str, *, after: int = 0, limit_s: float | None = None) -> int:
        """Wait until the output holds `text` at `after` or later; returns where it ends.

        Raises MachineError when the machine ends before, or the time is up.
        """
        wanted = text.encode()
        end = time.monotonic() + (self._limit_s if limit_s is None else limit_s)
        async with self._news:
            while (at := self._output.find(wanted, after)) < 0:
                if not self.is_running:
                    raise MachineError(f"the machine ended{self._how()} before it said {text!r}; {self._tail(after)}")
                try:
                    await asyncio.wait_for(self._news.wait(), end - time.monotonic())
                except TimeoutError:
                    raise MachineError(f"the machine did not say {text!r} in time; {self._tail(after)}") from None
        return at + len(wanted)

    async def write(self, data: bytes) -> None:
        """Type at the console. Not while another program has it open."""
        self._to_machine.write(data)
        await asyncio.wait_for(self._to_machine.drain(), self._limit_s)

    async def exec(self, code: str, *, limit_s: float | None = None) -> str:
        """Run code by the raw REPL, without a start anew, and return what it printed.

        Raises MachineError with the traceback when it raised, or when it takes too long.
        """
        mark = len(self._output)
        await self.write(b"\r\x03\x03\x01")
        mark = await self.wait_for("raw REPL; CTRL-B to exit\r\n>", after=mark, limit_s=limit_s)
        await self.write(code.encode() + b"\x04")
        start = await self.wait_for("OK", after=mark, limit_s=limit_s)
        middle = await self.wait_for("\x04", after=start, limit_s=limit_s)
        end = await self.wait_for("\x04>", after=middle, limit_s=limit_s)
        printed = self._output[start : middle - 1].decode(errors="replace").replace("\r\n", "\n")
        failure = self._output[middle : end - 2].decode(errors="replace").replace("\r\n", "\n")
        await self.write(b"\x02")  # back to the friendly REPL
        await self.wait_for(_PROMPT.decode(), after=end, limit_s=limit_s)
        if failure:
            raise MachineError(failure)
        return printed

    async def _start(self) -> None:
        qemu = toolchain.qemu()
        self._state.mkdir(parents=True, exist_ok=True)
        self._claim_flash()
        self._prepare_flash()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *_TOGETHER,
                *qemu.command,
                *self._devices(theirs.fileno()),
                env={**os.environ, **qemu.environment},
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
            )
        self._from_machine, self._to_machine = await asyncio.open_connection(sock=ours)
        self._master = self._closing.enter_context(_Terminal())
        self.console = self._master.path
        self._tasks = [
            asyncio.create_task(self._carry_out(), name="console out"),
            asyncio.create_task(self._carry_in(), name="console in"),
            asyncio.create_task(self._listen_to_emulator(), name="emulator's messages"),
        ]

    async def _stop(self) -> None:
        try:
            await self.kill()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            self._tasks = []
            if hasattr(self, "_to_machine"):
                self._to_machine.close()
                with contextlib.suppress(OSError):
                    await self._to_machine.wait_closed()
            await self._closing.aclose()

    def _claim_flash(self) -> None:
        """Two machines on one flash would tear its file system; the claim goes with the process."""
        claim = self._closing.enter_context((self._state / ".flash.lock").open("w"))
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MachineError(f"the flash {self.flash} is in use by another machine") from None

    def _prepare_flash(self) -> None:
        size = ROM_SIZE + REST_SIZE
        if not self.flash.exists() or self.flash.stat().st_size != size:
            partial = self.flash.with_name(f".flash.{os.getpid()}")
            partial.write_bytes(_ERASED * size)
            partial.replace(self.flash)
        if self._rom is not None:
            image = self._rom.read_bytes()
            if len(image) > ROM_SIZE:
                raise MachineError(f"the image {self._rom} has {len(image)} bytes, the ROM region {ROM_SIZE}")
            with self.flash.open("r+b") as flash:
                flash.write(image.ljust(ROM_SIZE, _ERASED))

    def _devices(self, console: int) -> list[str]:
        arguments = ["-chardev", f"socket,id=console,fd={console}", "-serial", "chardev:console"]
        for number, address in enumerate(self._lines):
            arguments += ["-chardev", _line(number, address)]
        # The slots are those that boards/qemu_rv32/port/board.h expects
        chardevs = ",".join(f"chardev{number + 1}=line{number}" for number in range(LINE_COUNT))
        arguments += ["-device", f"pci-serial-4x,addr=1,{chardevs}"]
        size = ROM_SIZE + REST_SIZE
        path = str(self.flash.absolute()).replace(",", ",,")
        arguments += ["-object", f"memory-backend-file,id=flash,share=on,mem-path={path},size={size}"]
        arguments += ["-device", "ivshmem-plain,addr=2,memdev=flash"]
        if self._icount:
            arguments += ["-icount", f"shift=0,sleep={'on' if self._sleep else 'off'}"]
        return arguments

    async def _carry_out(self) -> None:
        """What the machine says: into `output`, and to whoever has the console open."""
        while data := await self._from_machine.read(4096):
            async with self._news:
                self._output += data
                self._news.notify_all()
            await self._master.write(data)
        # It has let go of its end: it is about to end, or has
        if self._process is not None:
            await self._process.wait()
        async with self._news:
            self._news.notify_all()

    async def _carry_in(self) -> None:
        async for data in self._master.typed():
            self._to_machine.write(data)
            await self._to_machine.drain()

    async def _listen_to_emulator(self) -> None:
        """QEMU's own messages, kept short: a broken option would be explained there."""
        assert self._process is not None and self._process.stderr is not None
        self._complaint = b""
        while data := await self._process.stderr.read(4096):
            self._complaint = (self._complaint + data)[-2000:]

    def _how(self) -> str:
        code = self._process.returncode if self._process else None
        complaint = getattr(self, "_complaint", b"").decode(errors="replace").strip()
        return f" with {code}" + (f" ({complaint})" if complaint else "")

    def _tail(self, after: int) -> str:
        said = self._output[after:][-400:].decode(errors="replace").strip()
        return f"it said {said!r}" if said else "it said nothing"


class _Terminal:
    """A pseudo-terminal of which somebody else may open the other end at any time, and close it again."""

    def __enter__(self) -> _Terminal:
        try:
            self._master, slave = os.openpty()
        except OSError as error:
            raise MachineError(f"no pseudo-terminal for the console ({error}): is /dev/pts mounted here?") from None
        tty.setraw(slave, termios.TCSANOW)
        self.path = os.ttyname(slave)
        os.close(slave)  # from here on "hung up" tells that nobody has it open
        os.set_blocking(self._master, False)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.get_running_loop().remove_reader(self._master)
        asyncio.get_running_loop().remove_writer(self._master)
        os.close(self._master)

    def _events(self) -> int:
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        return next((events for _, events in poll.poll(0)), 0)

    async def write(self, data: bytes) -> None:
        """To whoever has it open, at their speed; to nobody if nobody has."""
        while data and not self._events() & select.POLLHUP:
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                await _ready(self._master, asyncio.get_running_loop().add_writer, _LOOK_AGAIN_S)
            except OSError:  # closed in this moment
                return

    async def typed(self) -> AsyncIterator[bytes]:
        """All that others write into their end."""
        while True:
            events = self._events()
            if events & select.POLLIN:
                try:
                    yield os.read(self._master, 4096)
                except OSError:  # hung up
                    await asyncio.sleep(_LOOK_AGAIN_S)
            elif events & select.POLLHUP:
                await asyncio.sleep(_LOOK_AGAIN_S)
            else:
                await _ready(self._master, asyncio.get_running_loop().add_reader, None)


async def _ready(file: int, add: Callable, limit_s: float | None) -> None:
    """Wait until the loop says that `file` is ready, or the limit has passed."""
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    add(file, ready.set)
    try:
        await asyncio.wait_for(ready.wait(), limit_s)
    except TimeoutError:
        pass
    finally:
        (loop.remove_reader if add == loop.add_reader else loop.remove_writer)(file)


def _line(number: int, address: str) -> str:
    """The chardev of an auxiliary line."""
    if not address:
        return f"null,id=line{number}"
    host, separator, port = address.rpartition(":")
    if not separator or not port.isdigit():
        raise ValueError(f"no address of a line: {address!r}; it looks like 127.0.0.1:4000")
    return f"socket,id=line{number},host={host},port={port},server=off,nodelay=on"


@asynccontextmanager
async def booted(state: Path, lines: Sequence[str] = (), **options: object) -> AsyncIterator[Machine]:
    """A machine that has reached its prompt."""
    async with Machine(state, lines, **options) as machine:  # type: ignore[arg-type]
        await machine.wait_for(_PROMPT.decode())
        yield machine
