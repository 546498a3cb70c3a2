"""The session under attack, on the virtual link and on a serial line: nothing is done, nothing changes, the next sale is approved."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from mpos.bench import test_keys
from mpos.bench.field import Field
from mpos.bench.world import PARAMETERS, World
from mpos.link.client import ReaderClient, ReaderRefused
from mpos.link.messages import TYPE_SALE, Kind, Message, Opcode, Role, State, Tag, bcd
from mpos.link.secure import SecurePipe, open_session
from mpos.link.session_keys import MOST
from mpos.phone import host
from mpos.provision import keys
from tests.e2e.conftest import AMOUNT, CARD_TIMEOUT_S, CNY, approves, sale, state, until_idle, world
from tests.e2e.shared import shared

E_NO_SESSION, E_SECURED, E_ROLE, E_CRYPTOGRAM, E_WAIT = 707, 708, 709, 710, 711
E_STATE, E_PHONE_GONE = 706, 806
NOT_WHOLE, FOREIGN, REPEATED, USED_UP = 1, 2, 3, 4
LIMIT_S = 5
OPENERS = (Opcode.GET_INFO, Opcode.OPEN_SESSION, Opcode.AUTHENTICATE)
EVENTS = (
    Opcode.STATE,
    Opcode.CARD,
    Opcode.ONLINE_REQUEST,
    Opcode.RESULT,
    Opcode.PROMPT,
    Opcode.UI_REQUEST,
    Opcode.CARD_FOUND,
    Opcode.FAULT,
)
COMMANDS = [opcode for opcode in Opcode if opcode not in OPENERS and opcode not in EVENTS]
START_BODY = {Tag.TYPE: bytes([TYPE_SALE]), Tag.AMOUNT: bcd(AMOUNT, 6), Tag.CURRENCY: bcd(CNY, 2)}


class Recorder:
    """A pipe that keeps what goes over it, both ways."""

    def __init__(self, pipe):
        self.pipe = pipe
        self.sent: list[bytes] = []
        self.heard: list[bytes] = []
        self._news = asyncio.Event()

    async def send(self, message: bytes) -> None:
        self.sent.append(message)
        await self.pipe.send(message)

    async def receive(self) -> bytes:
        message = await self.pipe.receive()
        self.heard.append(message)
        self._news.set()
        return message

    async def close(self) -> None:
        await self.pipe.close()

    async def answer_in_clear(self, number: int) -> Message:
        """The response to the command with this message id. Somebody else must be receiving."""
        while True:
            for data in self.heard:
                if data[0] == Kind.RESPONSE and int.from_bytes(data[2:4], "big") == number:
                    return Message.decode(data)
            self._news.clear()
            await asyncio.wait_for(self._news.wait(), LIMIT_S)


@asynccontextmanager
async def phone(there: World, **options):
    """A phone with its session, and the recorder below it."""
    recorder = Recorder(await there.pipe())
    async with ReaderClient(await open_session(recorder, there.key_service, **options)) as reader:
        yield reader, recorder


async def fault(reader: ReaderClient) -> tuple[int, int]:
    """Number and detail of the FAULT that must come now."""
    while True:
        event = await reader.event(LIMIT_S)
        if event.opcode == Opcode.FAULT:
            return event.number_of(Tag.ERROR), event.number_of(Tag.DETAIL)


async def refusal(reader: ReaderClient, opcode: Opcode, body: dict[int, bytes]) -> int:
    """The error number of the answer; 0: it was done."""
    try:
        return (await reader.command(opcode, body)).number_of(Tag.ERROR)  # LAST_RESULT's is not raised
    except ReaderRefused as refused:
        return refused.code


def sealed(reader: ReaderClient, opcode: Opcode = Opcode.SELF_TEST, number: int = 77) -> bytes:
    """A command as the phone would send it, under its next counter."""
    channel = reader.pipe._channel
    return channel.seal(Message(Kind.COMMAND, opcode, number, {}).encode())


async def nothing_in_clear(recorder: Recorder) -> None:
    """Every command without a session, while somebody else has one: 707, each of them."""
    for opcode in COMMANDS:
        number = 0x4000 + len(recorder.sent)
        body = START_BODY | {
            Tag.TRANSACTION: b"\0\1",
            Tag.PACKET: bytes(40),
            Tag.KEY: bytes(16),
            Tag.READER_ID: bytes(8),
        }
        await recorder.send(Message(Kind.COMMAND, opcode, number, body).encode())
        said = await recorder.answer_in_clear(number)
        # Where a session would not help either: FACTORY_KEY, by another line than the factory's
        expected = E_ROLE if opcode == Opcode.FACTORY_KEY else E_NO_SESSION
        assert said.number_of(Tag.ERROR) == expected, opcode


async def test_no_command_without_a_session_idle():
    async with world() as there:
        async with await there.connect(secure=False) as reader:
            for opcode in COMMANDS:
                assert await refusal(reader, opcode, START_BODY) in (E_NO_SESSION, E_ROLE), opcode
        async with await there.connect() as reader:
            assert await state(reader) == State.IDLE
            await approves(there, reader)


async def test_no_command_in_clear_while_a_sale_runs():
    """Before the packet and after it, and while a card is open that is none for payment."""
    async with world() as there, phone(there) as (reader, recorder):
        seen = []

        async def on_event(event):
            if event.opcode in (Opcode.STATE, Opcode.ONLINE_REQUEST):
                seen.append(event.opcode)
                await nothing_in_clear(recorder)

        record = await sale(there, reader, on_event=on_event)
        assert record.outcome == "approved" and Opcode.ONLINE_REQUEST in seen and Opcode.STATE in seen
        there.field.clear()
        await reader.command(Opcode.CARD_OPEN, {Tag.TIMEOUT: b"\0\x1e"})
        await nothing_in_clear(recorder)
        await reader.command(Opcode.CARD_CLOSE)
        await approves(there, reader)


async def test_no_command_in_clear_out_of_service(tmp_path):
    path = tmp_path / "parameters.json"
    path.write_text(PARAMETERS.read_text().replace('"version": 1', '"version": 99'))
    async with world(parameters=path) as there, phone(there) as (reader, recorder):
        assert await state(reader) == State.OUT_OF_SERVICE
        await nothing_in_clear(recorder)
        await reader.command(Opcode.SELF_TEST)


@shared
async def test_a_message_twice(worlds):
    async with worlds.at_rest() as (there, reader):
        message = sealed(reader, Opcode.NOTICE)
        for _ in range(2):
            await reader.pipe.pipe.send(message)
        assert await fault(reader) == (E_SECURED, REPEATED)
        await approves(there, reader)


@shared
async def test_a_message_that_was_held_back(worlds):
    async with worlds.at_rest() as (there, reader):
        first, second = sealed(reader), sealed(reader)
        await reader.pipe.pipe.send(second)
        await reader.pipe.pipe.send(first)
        assert await fault(reader) == (E_SECURED, REPEATED)
        await approves(there, reader)


@shared
async def test_a_start_that_was_recorded_starts_nothing(worlds):
    """The sale of this morning, sent again: in its session, and in the next one."""
    async with worlds.at_rest() as (there, reader):
        raw = reader.pipe.pipe
        message = reader.pipe._channel.seal(Message(Kind.COMMAND, Opcode.START, 9, START_BODY).encode())
        await raw.send(message)
        await reader.command(Opcode.CANCEL)
        await until_idle(reader)
        for expected in ((E_SECURED, REPEATED), (E_SECURED, FOREIGN)):
            await raw.send(message)
            assert await fault(reader) == expected
            assert await state(reader) == State.IDLE
            await reader.pipe.renew()
        await approves(there, reader)


@shared
async def test_every_byte_changed(worlds):
    async with worlds.at_rest() as (there, reader):
        message = sealed(reader, Opcode.NOTICE)
        for at in range(len(message)):
            changed = bytearray(message)
            changed[at] ^= 1 << at % 8
            await reader.pipe.pipe.send(bytes(changed))
            code, _ = await fault(reader)
            # Kind and length are looked at before the session is asked
            assert code in ((E_SECURED,) if at not in (0, 4, 5) else (702, 704, E_SECURED)), at
        await reader.pipe.pipe.send(message)
        await approves(there, reader)


@shared
async def test_every_length(worlds):
    async with worlds.at_rest() as (there, reader):
        message = sealed(reader, Opcode.NOTICE)
        for n in range(6, len(message)):
            short = message[:4] + (n - 6).to_bytes(2, "big") + message[6:n]
            await reader.pipe.pipe.send(short)
            code, detail = await fault(reader)
            assert code == E_SECURED and detail in (NOT_WHOLE, FOREIGN), n
        await approves(there, reader)


@shared
async def test_what_the_reader_said_comes_back(worlds):
    async with worlds.at_rest() as (there, reader):
        heard = []
        raw = reader.pipe.pipe
        take = reader.pipe._take
        reader.pipe._take = lambda message: (heard.append(message), take(message))
        for _ in range(2):
            await reader.command(Opcode.SELF_TEST)
        await raw.send(heard[-1])
        code, detail = await fault(reader)
        assert code == E_SECURED and detail in (FOREIGN, REPEATED)
        reader.pipe._take = take
        await approves(there, reader)


@shared
async def test_the_old_sessions_messages_in_a_new_one(worlds):
    async with worlds.at_rest() as (there, reader):
        old = sealed(reader)
        await reader.pipe.renew()
        await reader.pipe.pipe.send(old)
        assert await fault(reader) == (E_SECURED, FOREIGN)
        await approves(there, reader)


@shared
async def test_the_field_asks_for_what_is_the_factorys(worlds):
    async with worlds.at_rest() as (there, reader):
        body = {Tag.KEY: bytes(16), Tag.READER_ID: bytes(8)}
        for opcode in (Opcode.FACTORY_KEY, Opcode.FACTORY_DONE):
            with pytest.raises(ReaderRefused) as refused:
                await reader.command(opcode, body)
            assert refused.value.code == E_ROLE
        with pytest.raises(ReaderRefused) as refused:
            await reader.command(Opcode.OPEN_SESSION, {Tag.ROLE: bytes([Role.FACTORY]), Tag.NONCE: bytes(16)})
        assert refused.value.code == E_ROLE
        await approves(there, reader)


async def test_the_factory_asks_for_what_is_the_fields():
    reader_id = test_keys.READER_ID
    async with World(blank=True, serial=True) as there:
        async with await there.connect(secure=False) as reader:
            key = keys.block_key(test_keys.BLOCK_MASTER, reader_id)
            await reader.command(Opcode.FACTORY_KEY, {Tag.KEY: key, Tag.READER_ID: reader_id})
            with pytest.raises(ReaderRefused) as refused:
                await reader.command(Opcode.FACTORY_KEY, {Tag.KEY: bytes(32), Tag.READER_ID: reader_id})
            assert refused.value.code == 502
        async with await there.connect(role=Role.FACTORY) as reader:
            for opcode in (Opcode.START, Opcode.NOTICE, Opcode.CARD_OPEN, Opcode.LAST_RESULT):
                assert await refusal(reader, opcode, START_BODY) == E_ROLE
            await reader.command(Opcode.KEY_STATUS)


@pytest.mark.parametrize("serial", [False, True], ids=["radio", "serial"])
async def test_a_dead_phone_is_taken_over_before_the_packet(serial):
    async with world(serial=serial) as there, AsyncExitStack() as stack:
        there.field.clear()
        raw = await there.pipe()
        dead = await taken_over(there, raw, None)
        reader = await stack.enter_async_context(ReaderClient(dead))
        number = await reader.start_sale(AMOUNT, CNY, 30)
        while (await reader.event(LIMIT_S)).number_of(Tag.READER_STATE) != State.WAIT_CARD:
            pass
        old = sealed(reader)
        async with ReaderClient(await taken_over(there, raw, dead)) as heir:
            await until_idle(heir)
            last = await heir.command(Opcode.LAST_RESULT)
            assert (last.number_of(Tag.TRANSACTION), last.number_of(Tag.ERROR)) == (number, E_PHONE_GONE)
            await raw.send(old)
            assert await fault(heir) == (E_SECURED, FOREIGN)
            await approves(there, heir)


@pytest.mark.parametrize("serial", [False, True], ids=["radio", "serial"])
async def test_a_dead_phone_is_taken_over_after_the_packet(serial):
    """The packet has left, its phone is dead: another session brings the answer, and hears the result."""
    async with world(serial=serial) as there, AsyncExitStack() as stack:
        raw = await there.pipe()
        dead = await taken_over(there, raw, None)
        reader = await stack.enter_async_context(ReaderClient(dead))
        number = await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
        while (event := await reader.event(LIMIT_S)).opcode != Opcode.ONLINE_REQUEST:
            pass
        answer = await host.forward(there.acquirer_address, event.body[Tag.PACKET])
        async with ReaderClient(await taken_over(there, raw, dead)) as heir:
            assert await state(heir) == State.ONLINE
            with pytest.raises(ReaderRefused) as refused:
                await heir.command(Opcode.CANCEL)
            assert refused.value.code == E_STATE
            await heir.online_result(number, answer)
            while (event := await heir.event(LIMIT_S)).opcode != Opcode.RESULT:
                pass
            assert event.number == number and event.text_of(Tag.RESPONSE_CODE) == "00"
            await until_idle(heir)
            await approves(there, heir)


async def taken_over(there: World, raw, dead: SecurePipe | None) -> SecurePipe:
    """Another session over the same connection; the phone of the one before says and hears nothing any more."""
    if dead is not None:
        await dead._stop()
    return await open_session(raw, there.key_service)


async def test_renewed_in_the_middle_of_a_sale():
    async with world() as there, phone(there, renew_at=4) as (reader, recorder):
        for _ in range(2):
            await approves(there, reader)
        assert reader.pipe.renewals >= 4
        clear = [message[1] for message in recorder.sent if message[0] != Kind.SECURED]
        assert clear == [Opcode.OPEN_SESSION, Opcode.AUTHENTICATE]


async def test_the_counters_at_their_end():
    async with world() as there, phone(there, renew_at=MOST + 1) as (reader, recorder):
        channel = reader.pipe._channel
        channel.sent = MOST - 1
        await reader.command(Opcode.SELF_TEST)
        channel.sent = 0  # once more from the beginning
        await recorder.send(sealed(reader))
        assert await fault(reader) == (E_SECURED, REPEATED)
        counter = (MOST + 1).to_bytes(4, "big")
        message = sealed(reader)
        await recorder.send(message[:6] + counter + message[10:])
        assert await fault(reader) == (E_SECURED, USED_UP)
        await reader.pipe._stop()
        async with ReaderClient(await open_session(recorder, there.key_service)) as again:
            await approves(there, again)


async def test_half_open_and_a_flood_of_them():
    """Handshakes that are begun and never ended cost the phone with the session nothing."""
    async with world() as there, phone(there) as (reader, recorder):

        async def on_event(event):
            if event.opcode in (Opcode.STATE, Opcode.ONLINE_REQUEST):
                for i in range(15):
                    body = {Tag.ROLE: bytes([Role.FIELD]), Tag.NONCE: bytes([i] * 16)}
                    number = 0x5000 + len(recorder.sent)
                    await recorder.send(Message(Kind.COMMAND, Opcode.OPEN_SESSION, number, body).encode())
                    said = await recorder.answer_in_clear(number)
                    assert said.number_of(Tag.ERROR) == 0 and len(said.body[Tag.NONCE]) == 16

        record = await sale(there, reader, on_event=on_event)
        assert record.outcome == "approved", record
        offers = [data for data in recorder.heard if data[:2] == bytes([Kind.RESPONSE, Opcode.OPEN_SESSION])]
        nonces = {Message.decode(data).body[Tag.NONCE] for data in offers}
        assert len(nonces) == len(offers) > 30
        await approves(there, reader)


async def test_wrong_cryptograms():
    """The session goes on; from the fifth on others have to wait; who is connected and has a session does not."""
    async with world() as there, phone(there) as (reader, recorder):
        for i in range(6):
            body = {Tag.ROLE: bytes([Role.FIELD]), Tag.NONCE: bytes(16)}
            await recorder.send(Message(Kind.COMMAND, Opcode.OPEN_SESSION, 0x5000 + i, body).encode())
            said = await recorder.answer_in_clear(0x5000 + i)
            if i == 5:
                assert (said.number_of(Tag.ERROR), said.number_of(Tag.DETAIL)) == (E_WAIT, 1)
                break
            await recorder.send(
                Message(Kind.COMMAND, Opcode.AUTHENTICATE, 0x6000 + i, {Tag.CRYPTOGRAM: bytes(16)}).encode()
            )
            said = await recorder.answer_in_clear(0x6000 + i)
            assert (said.number_of(Tag.ERROR), said.number_of(Tag.DETAIL)) == (E_CRYPTOGRAM, i + 1)
            await recorder.send(
                Message(Kind.COMMAND, Opcode.AUTHENTICATE, 0x7000 + i, {Tag.CRYPTOGRAM: bytes(16)}).encode()
            )
            assert (await recorder.answer_in_clear(0x7000 + i)).number_of(Tag.ERROR) == E_STATE  # its challenge is gone
        await approves(there, reader)


async def test_nobody_hears_events_without_a_session():
    """A phone that closes its session is as one that has left; what the reader says then is for nobody."""
    async with World(Field()) as there, phone(there) as (reader, recorder):
        await reader.start_sale(AMOUNT, CNY, 30)
        while (await reader.event(LIMIT_S)).number_of(Tag.READER_STATE) != State.WAIT_CARD:
            pass
        await reader.command(Opcode.CLOSE_SESSION)
        heard = len(recorder.heard)
        await reader.pipe._stop()
        async with ReaderClient(await open_session(recorder, there.key_service)) as again:
            await until_idle_by_asking(again)
            between = recorder.heard[heard:]
            assert between[0][:2] == bytes([Kind.RESPONSE, Opcode.OPEN_SESSION])
            last = await again.command(Opcode.LAST_RESULT)
            assert last.number_of(Tag.ERROR) == E_PHONE_GONE


async def until_idle_by_asking(reader: ReaderClient) -> None:
    for _ in range(100):
        if await state(reader) == State.IDLE:
            return
    pytest.fail("the reader does not come to rest")
