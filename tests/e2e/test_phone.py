"""A phone that misbehaves: the reader says what was wrong, ends idle, and serves the next sale."""

from __future__ import annotations

import asyncio

import pytest

from mpos.bench.cards import make_card
from mpos.bench.field import Field
from mpos.bench.pn532_chip import Pn532Chip
from mpos.bench.pn532_faults import Fault, Faults
from mpos.bench.world import World
from mpos.link.client import ReaderClient, ReaderGone, ReaderRefused
from mpos.link.framing import fragments
from mpos.link.messages import TYPE_SALE, Kind, Opcode, State, Tag, bcd
from tests.e2e.conftest import AMOUNT, CARD_TIMEOUT_S, CNY, approves, sale, state, until_idle, world

E_FRAGMENT, E_LENGTH, E_BUSY, E_OPCODE, E_BODY, E_STATE, E_AMOUNT = 701, 702, 703, 704, 705, 706, 804
E_CANCELLED, E_PHONE_GONE = 801, 806

START_BODY = {Tag.TYPE: bytes([TYPE_SALE]), Tag.AMOUNT: bcd(AMOUNT, 6), Tag.CURRENCY: bcd(CNY, 2)}


async def fault(reader: ReaderClient) -> int:
    """The error number of the FAULT event that must come now."""
    while True:
        event = await reader.event(5)
        if event.opcode == Opcode.FAULT:
            return event.number_of(Tag.ERROR)


def long_command(n: int) -> bytes:
    return bytes([Kind.COMMAND, Opcode.START, 0, 9]) + (n - 6).to_bytes(2, "big") + bytes(n - 6)


@pytest.mark.parametrize(
    ("writes", "error"),
    [
        ([b"\xc0"], E_FRAGMENT),
        ([b"\xc0\x01"], E_LENGTH),
        ([b"\xc0" + bytes(20)], E_LENGTH),
        ([b"\xc5" + long_command(20)], E_FRAGMENT),
        ([b"\x80" + long_command(400)[:200], b"\x42" + long_command(400)[200:]], E_FRAGMENT),
        ([b"\x80" + long_command(400)[:200], b"\x41" + long_command(400)[200:-1]], E_LENGTH),
        ([*fragments(long_command(1000), 247)][:1] + [b"\x03" + bytes(200), b"\x02" + bytes(200)], E_FRAGMENT),
        ([bytes([0x80 * (i == 0) | i]) + bytes(240) for i in range(5)], E_LENGTH),
        ([b"\xc0\x02\x10\x00\x01\x00\x00"], E_OPCODE),
        ([b"\xc0\xff\x10\x00\x01\x00\x00"], E_OPCODE),
    ],
    ids=[
        "empty",
        "one byte",
        "zeros",
        "stray number",
        "gap",
        "short",
        "out of order",
        "overlong",
        "a response",
        "no kind",
    ],
)
async def test_garbage(writes, error, aioble):
    async with world(aioble=aioble) as there, await there.connect() as reader:
        for write in writes:
            await reader.pipe.pipe.write(write)  # past the session
        assert await fault(reader) == error
        assert await state(reader) == State.IDLE
        await approves(there, reader)


@pytest.mark.parametrize(
    ("opcode", "body", "error"),
    [
        (0x7E, {}, E_OPCODE),
        (Opcode.STATE, {}, E_OPCODE),
        (Opcode.START, {}, E_BODY),
        (Opcode.START, START_BODY | {Tag.TYPE: b"\x63"}, E_AMOUNT),
        (Opcode.START, START_BODY | {Tag.AMOUNT: bytes(6)}, E_AMOUNT),
        (Opcode.START, START_BODY | {Tag.AMOUNT: b"\x99" * 6}, E_AMOUNT),
        (Opcode.START, START_BODY | {Tag.AMOUNT: b"\x00\x00\x00\x00\x12\x3a"}, E_BODY),
        (Opcode.START, START_BODY | {Tag.AMOUNT: b"\x12\x34"}, E_BODY),
        (Opcode.START, START_BODY | {Tag.CURRENCY: bcd(840, 2)}, E_AMOUNT),
        (Opcode.START, START_BODY | {Tag.TIMEOUT: b"\x00\x00"}, E_BODY),
        (Opcode.START, START_BODY | {Tag.TIMEOUT: b"\xff\xff"}, E_BODY),
        (Opcode.ONLINE_RESULT, {Tag.TRANSACTION: b"\x00\x01", Tag.PACKET: bytes(50)}, E_STATE),
        (Opcode.ONLINE_RESULT, {Tag.TRANSACTION: b"\x00\x01", Tag.ERROR: b"\x00\x00"}, E_STATE),
        (Opcode.CANCEL, {}, E_STATE),
        (Opcode.ACKNOWLEDGE, {Tag.TRANSACTION: b"\x00\x01"}, E_STATE),
    ],
)
async def test_commands_that_are_refused(opcode, body, error):
    async with world() as there, await there.connect() as reader:
        with pytest.raises(ReaderRefused) as refused:
            await reader.command(opcode, body)
        assert refused.value.code == error
        assert await state(reader) == State.IDLE
        await approves(there, reader)


async def test_last_result_before_there_is_one_and_after():
    async with world() as there, await there.connect() as reader:
        answer = await reader.command(Opcode.LAST_RESULT)
        assert answer.number_of(Tag.ERROR) == E_STATE
        record = await sale(there, reader)
        again = await reader.command(Opcode.LAST_RESULT)
        assert again.text_of(Tag.RRN) == record.rrn and again.number_of(Tag.STAN) == record.stan


async def test_a_second_start_is_refused_and_the_first_goes_on():
    async with world() as there, await there.connect() as reader:
        refused = []

        async def on_event(event):
            if event.opcode == Opcode.STATE and not refused:
                with pytest.raises(ReaderRefused) as error:
                    await reader.command(Opcode.START, START_BODY)
                refused.append(error.value.code)

        record = await sale(there, reader, on_event=on_event)
        assert refused == [E_BUSY]
        assert record.outcome == "approved"


async def test_a_start_that_is_repeated_is_not_done_again():
    async with world() as there, await there.connect() as reader:
        body = START_BODY | {Tag.TIMEOUT: (CARD_TIMEOUT_S).to_bytes(2, "big")}
        first = await reader.command_as(500, Opcode.START, body)
        again = await reader.command_as(500, Opcode.START, body)
        assert first.number_of(Tag.TRANSACTION) == again.number_of(Tag.TRANSACTION) == 1
        await reader.command(Opcode.CANCEL)
        await until_idle(reader)


# The events of a sale up to the packet, as (opcode, value of the event's one-byte object)
STEPS = [(Opcode.STATE, 1), (Opcode.CARD, 1), (Opcode.STATE, 2), (Opcode.CARD, 4)]


def at_step(step, action):
    """An on_event that does `action` once, when the event `step` comes."""
    done = []

    async def on_event(event):
        value = event.number_of(Tag.READER_STATE) or event.number_of(Tag.CARD_EVENT)
        if (event.opcode, value) == step and not done:
            done.append(True)
            await action()

    return on_event


@pytest.mark.parametrize("step", STEPS)
async def test_cancel_at_every_step(step):
    async with world() as there, await there.connect() as reader:
        outcome = []

        async def cancel():
            try:
                await reader.command(Opcode.CANCEL)
                outcome.append("cancelled")
            except ReaderRefused as refused:
                # The reader does not wait for us: the packet may have left before the command came
                assert refused.code == E_STATE
                outcome.append("too late")

        record = await sale(there, reader, on_event=at_step(step, cancel))
        if outcome == ["cancelled"]:
            assert (record.outcome, record.error) == ("error", E_CANCELLED)
        else:
            assert record.outcome == "approved"
        assert await state(reader) == State.IDLE
        await approves(there, reader)


async def test_cancel_while_no_card_comes():
    async with world() as there, await there.connect() as reader:
        there.field.clear()

        async def cancel():
            await reader.command(Opcode.CANCEL)

        record = await sale(there, reader, on_event=at_step(STEPS[0], cancel))
        assert record.error == E_CANCELLED
        await approves(there, reader)


IN_DATA_EXCHANGE = 0x40


@pytest.mark.parametrize("at", range(4))
async def test_cancel_while_the_card_takes_its_time(at):
    """PPSE, SELECT, GET PROCESSING OPTIONS, READ RECORD: the chip is silent, the reader waits, the phone cancels."""
    field = Field(*make_card("approved"))
    exchange_began = asyncio.Event()
    field.before_exchange = lambda target, command, n: exchange_began.set() if n == at else None
    chip = Pn532Chip(field, Faults(Fault("silence", command=IN_DATA_EXCHANGE, occurrence=at)))
    async with World(field, chip=chip) as there, await there.connect() as reader:
        number = await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
        await asyncio.wait_for(exchange_began.wait(), 5)
        await reader.command(Opcode.CANCEL)
        while (event := await reader.event(5)).opcode != Opcode.RESULT:
            pass
        assert (event.number, event.number_of(Tag.ERROR)) == (number, E_CANCELLED)
        await until_idle(reader)
        await approves(there, reader)


async def test_cancelled_twice_is_cancelled_once():
    async with world() as there, await there.connect() as reader:

        async def cancel():
            for _ in range(3):
                try:
                    await reader.command(Opcode.CANCEL)
                except ReaderRefused as refused:
                    assert refused.code == E_STATE

        record = await sale(there, reader, on_event=at_step(STEPS[0], cancel))
        assert record.error == E_CANCELLED
        assert await state(reader) == State.IDLE
        await approves(there, reader)


async def test_cancel_after_the_packet_has_left_is_refused():
    async with world() as there, await there.connect() as reader:
        refused = []

        async def on_event(event):
            if event.opcode == Opcode.ONLINE_REQUEST:
                with pytest.raises(ReaderRefused) as error:
                    await reader.command(Opcode.CANCEL)
                refused.append(error.value.code)

        record = await sale(there, reader, on_event=on_event)
        assert refused == [E_STATE]
        assert record.outcome == "approved"


@pytest.mark.parametrize("step", STEPS[:3])
async def test_disconnect_before_the_packet(step, aioble):
    async with world(aioble=aioble) as there:
        async with await there.connect() as reader:

            async def leave():
                await reader.pipe.close()

            record = await sale(there, reader, on_event=at_step(step, leave))
            assert record.outcome == "error"
        async with await there.connect() as reader:
            last = await reader.command(Opcode.LAST_RESULT)
            assert last.number_of(Tag.ERROR) == E_PHONE_GONE
            assert await state(reader) == State.IDLE
            await approves(there, reader)


async def test_radio_loss_in_the_middle():
    async with world() as there:
        async with await there.connect() as reader:

            async def lose():
                there.radio.drop()

            record = await sale(there, reader, on_event=at_step(STEPS[1], lose))
            assert record.outcome == "error"
        async with await there.connect() as reader:
            await approves(there, reader)


async def test_the_phone_comes_back_with_the_answer():
    """The link is lost after the packet has left: the transaction waits, and a new connection brings the answer."""
    from mpos.phone import host

    async with world() as there:
        async with await there.connect() as reader:
            number = await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
            while (event := await reader.event(5)).opcode != Opcode.ONLINE_REQUEST:
                pass
            answer = await host.forward(there.acquirer_address, event.body[Tag.PACKET])
        async with await there.connect() as reader:
            assert await state(reader) == State.ONLINE
            await reader.online_result(number, answer)
            await until_idle(reader)
            last = await reader.command(Opcode.LAST_RESULT)
            assert last.text_of(Tag.RESPONSE_CODE) == "00"
            await approves(there, reader)


async def test_an_event_after_the_link_is_gone():
    async with world() as there, await there.connect() as reader:
        await reader.pipe.close()
        with pytest.raises(ReaderGone):
            await reader.event(5)
