"""Questions to the cardholder: what the phone is shown, and every answer, silence among them."""

import asyncio

from reader.app.cardholder import Cardholder
from reader.link import protocol
from reader.outcome import PIN_BYPASSED, PIN_OFFLINE_PLAINTEXT, PIN_ONLINE, PIN_PAD_FAILED
from testing import cases, requirement


class _Transaction:
    """Hears the prompts. `answers`: what the phone says to each, None: nobody is there."""

    def __init__(self, *answers):
        self.bodies = []
        self.cardholder = None
        self._answers = list(answers)
        self._writer = protocol.Writer()

    async def emit(self, opcode, build):
        assert opcode == protocol.PROMPT
        self.bodies.append(build(self._writer.begin(protocol.EVENT, opcode, 1)).body())
        answer = self._answers.pop(0) if self._answers else None
        if answer is None:
            return False
        self._saying = asyncio.create_task(self._say(answer))
        return True

    async def _say(self, answer):
        assert self.cardholder.answer(answer)


class _PinPad:
    def __init__(self, *entered):
        self.entered = list(entered)
        self.asked = []

    async def enter(self, kind, timeout_ms):
        assert timeout_ms > 1000
        self.asked.append(kind)
        return self.entered.pop(0)


def made(*answers, pad=None):
    transaction = _Transaction(*answers)
    transaction.cardholder = Cardholder(transaction, pad)
    return transaction, transaction.cardholder


@requirement("Book 1", "12.4", "The cardholder chooses among the applications that card and terminal have in common.")
@cases((0, 0), (1, 1), (2, -1), (0xFF, -1))
async def test_choose(answer, expected):
    transaction, cardholder = made(answer)
    assert await cardholder.choose([b"PBOC DEBIT", b"PBOC CREDIT"]) == expected
    body = transaction.bodies[0]
    assert protocol.need_int(body, protocol.PROMPT_CODE, 1) == protocol.PROMPT_CHOOSE
    assert bytes(protocol.need(body, protocol.LABELS)) == b"\x0aPBOC DEBIT\x0bPBOC CREDIT"
    assert not cardholder.answer(0)  # nothing is asked any more


@cases((1, True), (0, False), (2, False), (None, False))
async def test_confirm(answer, expected):
    transaction, cardholder = made(answer)
    assert await cardholder.confirm(b"PBOC DEBIT") is expected
    assert protocol.need_int(transaction.bodies[0], protocol.PROMPT_CODE, 1) == protocol.PROMPT_CONFIRM


async def test_nobody_is_there():
    _, cardholder = made()
    assert await cardholder.choose([b"A", b"B"]) == -1


async def test_labels_have_a_bound():
    transaction, cardholder = made(0)
    await cardholder.choose([b"x" * 16] * 20)
    assert len(protocol.need(transaction.bodies[0], protocol.LABELS)) <= 220


def test_an_answer_without_a_question():
    _, cardholder = made()
    assert not cardholder.answer(1)


async def test_pin_prompts():
    pad = _PinPad(bytearray((1, 2, 3, 4)), bytearray((5, 6, 7, 8)), PIN_BYPASSED)
    transaction, cardholder = made(1, 1, 1, pad=pad)
    transaction._say = _nothing
    assert cardholder.has_pin_pad
    assert bytes(await cardholder.pin(PIN_OFFLINE_PLAINTEXT, 3)) == b"\x01\x02\x03\x04"
    await cardholder.pin(PIN_OFFLINE_PLAINTEXT, 2)
    assert await cardholder.pin(PIN_ONLINE, 1) == PIN_BYPASSED
    codes = [protocol.need_int(body, protocol.PROMPT_CODE, 1) for body in transaction.bodies]
    assert codes == [protocol.PROMPT_ENTER_PIN, protocol.PROMPT_WRONG_PIN, protocol.PROMPT_LAST_TRY]
    assert protocol.need_int(transaction.bodies[0], protocol.TRIES, 1) == 3
    assert pad.asked == [PIN_OFFLINE_PLAINTEXT, PIN_OFFLINE_PLAINTEXT, PIN_ONLINE]
    for body in transaction.bodies:
        assert b"\x01\x02\x03\x04" not in body  # what was typed is in no message


async def _nothing(answer):
    pass


async def test_tries_that_nobody_knows_are_not_shown():
    transaction, cardholder = made(pad=_PinPad(PIN_BYPASSED))
    await cardholder.pin(PIN_ONLINE, -1)
    assert protocol.find(transaction.bodies[0], protocol.TRIES) is None


async def test_no_pin_pad():
    transaction, cardholder = made()
    assert not cardholder.has_pin_pad
    assert await cardholder.pin(PIN_ONLINE, 3) == PIN_PAD_FAILED
    assert transaction.bodies == []
