"""The cardholder at the reader's PIN pad: presses keys when the reader asks for a PIN.

One TCP connection of the reader's driver. `P` and what the PIN is for as a digit (1 offline in plain text, 2 offline
enciphered, 3 online) and a line end asks for keys; a key is one character: 0 to 9, D delete, C cancel, E enter.
Nothing here is written down or printed: what was typed is the typist's alone.

    async with serve_keypad(Typist("1234")) as address: ...        "127.0.0.1:PORT"
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager

from mpos.bench.serving import serve

BYPASS = ""  # enter, without a digit
CANCEL = "C"
_KEYS = frozenset("0123456789D")


class Typist:
    """What the cardholder types at each request.

    pin: the digits (D among them deletes one), BYPASS, CANCEL, or None: no key is touched. One of these is for every
        request; of a list each is for one request, and no key is touched at those after the last.
    kinds: what each request was for; answered: how many of them got keys.
    """

    def __init__(self, pin: str | Sequence[str | None] | None = "1234"):
        self._pins = None if pin is None or isinstance(pin, str) else list(pin)
        self._pin = pin if pin is None or isinstance(pin, str) else None
        for each in self._pins if self._pins is not None else [self._pin]:
            if each not in (None, CANCEL) and not _KEYS.issuperset(each or ""):
                raise ValueError("a PIN is typed with 0 to 9 and D")
        self.kinds: list[int] = []
        self.answered = 0

    def __repr__(self) -> str:
        return f"<Typist, asked {len(self.kinds)} times>"

    def keys(self, kind: int) -> bytes:
        """The keys for one request."""
        number = len(self.kinds)
        self.kinds.append(kind)
        pin = self._pin
        if self._pins is not None:
            pin = self._pins[number] if number < len(self._pins) else None
        if pin is None:
            return b""
        self.answered += 1
        return CANCEL.encode() if pin == CANCEL else pin.encode() + b"E"


def serve_keypad(typist: Typist, host: str = "127.0.0.1", port: int = 0) -> AbstractAsyncContextManager[str]:
    """Let one reader after the other ask for PINs. What is no request is not answered."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (line := await reader.readline()).endswith(b"\n"):
                if line in (b"P1\n", b"P2\n", b"P3\n"):
                    writer.write(typist.keys(line[1] - 0x30))
                    await writer.drain()
        except ValueError:
            pass  # a line without an end

    return serve(talk, host, port)
