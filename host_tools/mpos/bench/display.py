"""The reader's screen and its two keys while a phone is paired, and the person who looks at both screens.

person = Person()
World(screen=person.screen)                       boards/unix/display_line.py writes to it
gatt.connect(device, person.pairing())            the phone's side
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from mpos.bench.serving import serve
from mpos.link.pairing import Pairing

PASSKEY, COMPARISON = "P", "C"
_LOOKS_S = 5.0  # a person looks for a number on the other screen


class Screen:
    """has_keys: somebody can say yes or no. answer: to a number; None: no key is touched.

    history: what was shown, as (PASSKEY or COMPARISON, number). showing: what is there now.
    """

    def __init__(self, has_keys: bool = True, answer: Callable[[int], Awaitable[bool | None]] | None = None):
        self.has_keys = has_keys
        self.answer = answer
        self.history: list[tuple[str, int]] = []
        self.showing: tuple[str, int] | None = None
        self._changed = asyncio.Event()

    async def number(self) -> int | None:
        """The number that is shown, or will be within 5 s."""
        deadline = asyncio.get_running_loop().time() + _LOOKS_S
        while self.showing is None:
            self._changed.clear()
            try:
                await asyncio.wait_for(self._changed.wait(), deadline - asyncio.get_running_loop().time())
            except TimeoutError:
                return None
        return self.showing[1]

    async def until_dark(self) -> None:
        """Raises TimeoutError when the number stays for 5 s."""
        async with asyncio.timeout(_LOOKS_S):
            while self.showing is not None:
                self._changed.clear()
                await self._changed.wait()

    def show(self, line: bytes) -> int | None:
        """A line from the reader; the number that wants a key."""
        text = line.decode("ascii", "replace").strip()
        self.showing = (text[0], int(text[1:])) if text[:1] in (PASSKEY, COMPARISON) else None
        if self.showing is not None:
            self.history.append(self.showing)
        self._changed.set()
        return self.showing[1] if text[:1] == COMPARISON and self.showing else None


def serve_screen(screen: Screen) -> AbstractAsyncContextManager[str]:
    """Yields the address for MPOS_DISPLAY."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def press(number: int) -> None:
            assert screen.answer is not None
            said = await screen.answer(number)
            if said is not None and screen.showing == (COMPARISON, number) and not writer.is_closing():
                writer.write(b"Y" if said else b"N")

        pressing: set[asyncio.Task[None]] = set()
        try:
            while line := await reader.readline():
                number = screen.show(line)
                if number is not None and screen.answer is not None:
                    task = asyncio.create_task(press(number), name="a key of the reader")
                    pressing.add(task)
                    task.add_done_callback(pressing.discard)
        finally:
            screen.showing = None
            for task in list(pressing):
                task.cancel()

    return serve(talk)


class Person:
    """Compares the numbers on both screens and says yes or no on both; types what the reader shows.

    careless: says yes without a look. wrong: types another number, so many times.
    """

    def __init__(self, has_keys: bool = True, careless: bool = False, wrong: int = 0):
        self.screen = Screen(has_keys, self._at_the_reader)
        self.phone = Screen()
        self.careless = careless
        self.wrong = wrong
        self._tasks: set[asyncio.Task[None]] = set()

    def pairing(self, **options: object) -> Pairing:
        """The phone's side with this person before it; options: of Pairing."""
        return Pairing(**{"compare": self._at_the_phone, "passkey": self._types, **options})  # type: ignore[arg-type]

    async def _at_the_reader(self, number: int) -> bool:
        return self.careless or await self.phone.number() == number

    async def _at_the_phone(self, number: int) -> bool:
        self.phone.show(b"C%06d" % number)
        try:
            return self.careless or await self.screen.number() == number
        finally:
            # The number stays there until the reader has its answer too.
            task = asyncio.create_task(self._phone_goes_dark(), name="the phone's screen")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _phone_goes_dark(self) -> None:
        with contextlib.suppress(TimeoutError):
            await self.screen.until_dark()
        self.phone.show(b"-")

    async def _types(self) -> int | None:
        number = await self.screen.number()
        if number is not None and self.wrong:
            self.wrong -= 1
            return (number + 1) % 1_000_000
        return number
