"""The firmware on the emulated microcontroller: its ROM image in the flash, its lines joined to the bench."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

from mpos.bench.qemu import Machine, MachineError
from mpos.link.client import ReaderGone
from mpos.link.serial_pipe import SerialPipe
from mpos.provision import firmware

BOARD = "qemu_rv32"
FLASH = "flash"  # the file's name in the state folder (bench/qemu.py)
PROMPT = ">>> "
_BANNER = "MicroPython v"  # the machine has been reset: by the firmware, since nobody else can
CONNECT_TIMEOUT_S = 10.0
PIECE = 2048


class PhoneLine:
    """The far end of the machine's serial link: a server that the emulator connects to when it is switched on."""

    def __init__(self) -> None:
        self.address = ""
        self._streams: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._open: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> PhoneLine:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._streams.put_nowait((reader, writer))

        self._server = await asyncio.start_server(connected, "127.0.0.1", 0)
        self.address = f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exc: object) -> None:
        assert self._server is not None
        self._server.close()
        if self._open is not None:
            self._open[1].close()
        await asyncio.wait_for(self._server.wait_closed(), CONNECT_TIMEOUT_S)

    async def pipe(self) -> SerialPipe:
        """The line to the machine that was switched on last, or has restarted. Raises ReaderGone when none is."""
        return SerialPipe(*await self.streams())

    async def streams(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The same, as bytes."""
        try:
            while self._open is None or _is_lost(*self._open) or not self._streams.empty():
                self._open = await asyncio.wait_for(self._streams.get(), CONNECT_TIMEOUT_S)
        except TimeoutError:
            raise ReaderGone("no machine is at the other end of the serial line") from None
        return self._open


def _is_lost(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    return reader.at_eof() or reader.exception() is not None or writer.is_closing()


class QemuDevice:
    """`state`: folder of the flash file. `parameters`, `tables`: the files that are put on the flash. `lines`: NFC,
    phone, chip slot, keys of the PIN pad."""

    def __init__(self, lines: tuple[str, ...], state: Path, parameters: Path, tables: Path):
        self._lines = lines
        self._state = state
        self._parameters = parameters
        self._tables = tables
        self._image = firmware.default_folder(BOARD) / "romfs.img"
        self._before = ""
        self._machine: Machine | None = None
        self._watch: asyncio.Task[None] | None = None
        self._began = 0
        self._open = contextlib.AsyncExitStack()

    @property
    def output(self) -> str:
        return self._before + ("" if self._machine is None else self._machine.output[self._began :])

    async def put_files(self) -> None:
        """Parameters and tables onto the flash, by the raw REPL. While it is switched off."""
        async with self._machine_on() as machine:
            await _put(machine, "/parameters.json", self._parameters.read_bytes())
            await _put(machine, "/emv.tlv", self._tables.read_bytes())

    async def start(self) -> None:
        machine = await self._open.enter_async_context(self._machine_on())
        self._machine = machine
        await self._run_main(machine)
        self._watch = asyncio.create_task(self._run(machine), name="firmware")

    async def stop(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)
        self._before, self._machine = self.output, None
        await self._open.aclose()

    async def died(self) -> None:
        if self._watch is not None:
            await asyncio.wait([self._watch])

    async def _run_main(self, machine: Machine) -> None:
        typed = len(machine.output)
        await machine.write(b"import sys; sys.path[:] = ['/rom', '.frozen']; import main\r")
        self._began = await machine.wait_for("import main\r\n", after=typed)

    async def _run(self, machine: Machine) -> None:
        """Until the firmware ends, and not to begin again: the prompt is back, without the machine's greeting before it."""
        while True:
            try:
                end = await machine.wait_for(PROMPT, after=self._began, limit_s=24 * 3600)
            except MachineError:
                return
            said = machine.output[self._began : end]
            if _BANNER not in said:
                return
            self._before += said[: said.index(_BANNER)].strip()
            await self._run_main(machine)

    @contextlib.asynccontextmanager
    async def _machine_on(self):
        async with Machine(self._state, list(self._lines), rom=self._image) as machine:
            await machine.wait_for(PROMPT)
            yield machine


async def _put(machine: Machine, name: str, data: bytes) -> None:
    """Write a file of the machine's, in pieces that its heap can hold as source text."""
    for at in range(0, len(data), PIECE):
        mode = "ab" if at else "wb"
        await machine.exec(f"with open({name!r}, {mode!r}) as file:\n    file.write({data[at : at + PIECE]!r})\n")
