"""A card's I/O line (reader/ports.py, Characters) whose other end is a function."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz.device import Budget, ReaderError

_CHARACTERS_MOST = 200_000
_E_CARD_REMOVED = 101


class Removed(Exception):
    """Raised by the other end: the card is taken out."""


class AnsweredLine:
    """`answer(sent)` is asked for characters when the reader waits and there are none: what it has sent since is
    `sent`, empty if it only waits again. No characters: the card is silent."""

    clock_khz = 3580

    def __init__(self, answer: Callable[[bytes], bytes], most: int = _CHARACTERS_MOST):
        self._answer = answer
        self._budget = Budget(most)
        self._sent = bytearray()
        self._pending = b""
        self._removed = False

    async def send(self, data) -> None:
        self._check()
        data = bytes(data)
        assert data, "an empty sending"
        self._budget.spend(len(data))
        self._pending = b""  # half duplex: what the card said meanwhile is lost in the echo
        self._sent += data

    async def receive_into(self, out, first_etu: int, next_etu: int) -> int:
        self._check()
        assert len(out) > 0 and first_etu > 0 and next_etu > 0
        self._budget.spend(1 + len(out))
        got = 0
        while got < len(out):
            if not self._pending:
                sent, self._sent = bytes(self._sent), bytearray()
                try:
                    self._pending = self._answer(sent)
                except Removed:
                    self._removed = True
                self._check()
            if not self._pending:
                break
            take = self._pending[: len(out) - got]
            out[got : got + len(take)] = take
            self._pending = self._pending[len(take) :]
            got += len(take)
        return got

    def discard(self) -> None:
        self._budget.spend()
        self._pending = b""

    def set_etu(self, f: int, d: int) -> None:
        assert 372 <= f <= 2048 and 1 <= d <= 64

    def set_guard(self, etu: int) -> None:
        assert 0 <= etu <= 255

    def _check(self) -> None:
        if self._removed:
            raise ReaderError(_E_CARD_REMOVED)
