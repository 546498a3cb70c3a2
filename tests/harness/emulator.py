"""The emulated board for tests that wait in the ordinary way: its event loop runs in a thread of its own."""

from __future__ import annotations

import asyncio
import tempfile
import threading
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from harness.raw_repl import BoardError, SerialLine
from mpos.bench.qemu import Machine, MachineError

_PROMPT = ">>> "
_CALL_LIMIT_S = 60  # every call has bounds of its own below it
_STOPPING_LIMIT_S = 1  # between a machine's last words and its end
_LOOK_S = 0.1  # how long a machine may be gone unnoticed

_T = TypeVar("_T")


class Loop:
    """An event loop that runs until it is closed."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="emulator", daemon=True)
        self._thread.start()

    def call(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Runs a coroutine there, and waits for its result here."""
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            return future.result(_CALL_LIMIT_S)
        except BaseException:
            future.cancel()
            raise

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class EmulatedBoard:
    """A machine with blank flash, perhaps an image in its ROM, at its prompt. BoardError when it does not get there.

    It counts time by its own instructions, so that a busy host does not make the timers of a test run out.
    """

    def __init__(self, loop: Loop, rom: Path | None = None):
        self._loop = loop
        self._state = tempfile.TemporaryDirectory(prefix="mpos-board-")
        self._machine = Machine(Path(self._state.name), rom=rom, icount=True)
        self._console: SerialLine | None = None
        try:
            loop.call(self._machine.__aenter__())
            loop.call(self._machine.wait_for(_PROMPT))
            self._console = SerialLine(self._machine.console)
        except BaseException as error:
            self.release()
            if isinstance(error, MachineError):
                raise BoardError(str(error)) from None
            raise

    def write(self, data: bytes) -> None:
        self._open_console().write(data)

    def read(self, limit_s: float) -> bytes | None:
        """As SerialLine's. The console of a machine stays open without it: what it said last comes first, then empty."""
        console = self._open_console()
        while True:
            was_running = self._machine.is_running
            data = console.read(min(limit_s, _LOOK_S))
            if data:
                return data
            if not was_running:
                return b""
            limit_s -= _LOOK_S
            if limit_s <= 0:
                return data

    def let_go_of_console(self) -> str:
        """For a program that wants it as its serial port: the name of the port."""
        self._open_console().close()
        return self._machine.console

    def ending(self) -> str:
        """ "the machine stopped", if it did."""
        if self._machine.is_running:
            try:
                self._loop.call(
                    self._machine.wait_for("\0", after=len(self._machine.output), limit_s=_STOPPING_LIMIT_S)
                )
            except MachineError:
                pass
        return "" if self._machine.is_running else "the machine stopped"

    def release(self) -> None:
        """Stops the machine."""
        try:
            if self._console:
                self._console.close()
            self._loop.call(self._machine.__aexit__(None, None, None))
        finally:
            self._state.cleanup()

    def _open_console(self) -> SerialLine:
        assert self._console
        return self._console
