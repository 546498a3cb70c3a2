"""Questions to the cardholder: the phone shows them and answers, but a PIN is typed on the reader and stays there."""

import asyncio

from micropython import const

from ..errors import E_CANCELLED, E_NO_PIN, ReaderError
from ..link import protocol
from ..outcome import PIN_BYPASSED, PIN_CANCELLED, PIN_ONLINE, PIN_PAD_FAILED

_ANSWER_MS = const(30_000)
_NOBODY = const(0xFF)
_LABELS_MOST = const(200)  # bytes of all labels in one message

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from ..ports import PinPad


class Cardholder:
    """The ports.Cardholder of one transaction."""

    def __init__(self, transaction, pin_pad: "PinPad | None"):
        self._t = transaction
        self._pin_pad = pin_pad
        self.has_pin_pad = pin_pad is not None
        self._answered = asyncio.Event()
        self._answer = _NOBODY
        self._waiting = False
        self._asked = False  # for a PIN before this one

    def answer(self, choice: int) -> bool:
        """The phone's CONTINUE. False: nothing was asked."""
        if not self._waiting:
            return False
        self._waiting = False
        self._answer = choice
        self._answered.set()
        return True

    async def choose(self, labels: list) -> int:
        """Index of the label chosen; -1: none of them, or nobody answered within 30 s."""
        choice = await self._ask(protocol.PROMPT_CHOOSE, labels)
        return choice if choice < len(labels) else -1

    async def confirm(self, label: bytes) -> bool:
        """Whether the cardholder agrees to this application. Silence is a no."""
        return await self._ask(protocol.PROMPT_CONFIRM, [label]) == 1

    async def pin(self, kind: int, tries_left: int) -> "bytearray | int":
        """As PinPad.enter. The phone is told that, and not what, is typed."""
        if self._pin_pad is None:
            return PIN_PAD_FAILED
        code = protocol.PROMPT_WRONG_PIN if self._asked else protocol.PROMPT_ENTER_PIN
        if tries_left == 1:
            code = protocol.PROMPT_LAST_TRY
        self._asked = True

        def write(w):
            w.put_int(protocol.PROMPT_CODE, code, 1)
            return w if tries_left < 0 else w.put_int(protocol.TRIES, tries_left, 1)

        await self._t.emit(protocol.PROMPT, write)
        return await self._pin_pad.enter(kind, _ANSWER_MS)

    async def online_pin(self, may_bypass: bool) -> "bytearray | None":
        """The digits of a PIN for the host, one a byte; None: bypassed. Raises E_CANCELLED, E_NO_PIN (detail: PIN_*)."""
        pin = await self.pin(PIN_ONLINE, -1)
        if not isinstance(pin, int):
            return pin
        if pin == PIN_CANCELLED:
            raise ReaderError(E_CANCELLED)
        if pin != PIN_BYPASSED or not may_bypass:
            raise ReaderError(E_NO_PIN, pin)
        return None

    async def _ask(self, code: int, labels: list) -> int:
        out = bytearray()
        for label in labels:
            room = _LABELS_MOST - len(out) - 1
            shown = bytes(label)[: max(room, 0)]
            out.append(len(shown))
            out.extend(shown)
        self._answered.clear()
        self._waiting = True
        heard = await self._t.emit(
            protocol.PROMPT, lambda w: w.put_int(protocol.PROMPT_CODE, code, 1).put(protocol.LABELS, out)
        )
        try:
            if heard:
                await asyncio.wait_for_ms(self._answered.wait(), _ANSWER_MS)
                return self._answer
        except asyncio.TimeoutError:
            pass
        finally:
            self._waiting = False
        return _NOBODY
