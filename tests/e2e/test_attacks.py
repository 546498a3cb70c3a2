"""A phone that does not do what a phone should: it holds a session, and none of the reader's keys (docs/security.md)."""

from __future__ import annotations

import datetime

import pytest

from mpos.acquirer import Acquirer
from mpos.link.client import ReaderClient
from mpos.link.messages import Interface, Message, Opcode, Tag
from mpos.phone import host
from tests.e2e.conftest import AMOUNT, CARD_TIMEOUT_S, CNY, approves, sale, state, world

E_ISO_FRAME, E_MISMATCH, E_MAC = 606, 604, 605


async def to_the_packet(reader: ReaderClient) -> tuple[int, bytes]:
    """A sale until its packet: (its number, the packet)."""
    number = await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
    while True:
        event = await reader.event(10)
        if event.opcode == Opcode.ONLINE_REQUEST:
            return number, event.body[Tag.PACKET]


async def result(reader: ReaderClient) -> Message:
    while True:
        event = await reader.event(10)
        if event.opcode == Opcode.RESULT:
            return event


async def test_the_amount_in_the_packet_is_changed():
    """12.34 becomes 1.34 on the way to the host, which books nothing; the reader knows at once and a reversal is not lost."""
    async with world() as there, await there.connect() as reader:
        before = there.acquirer.balance("6212340000000019")
        number, packet = await to_the_packet(reader)
        at = packet.index(bytes.fromhex("000000001234"))
        answer = await host.forward(
            there.acquirer_address, packet[:at] + bytes.fromhex("000000000134") + packet[at + 6 :]
        )
        await reader.online_result(number, answer)
        ended = await result(reader)
        # What the host refuses is not what was asked: field 4
        assert (ended.number_of(Tag.ERROR), ended.number_of(Tag.DETAIL)) == (E_MISMATCH, 4)
        assert there.acquirer.balance("6212340000000019") == before
        await approves(there, reader)


async def test_the_amount_in_the_answer_is_changed():
    """The host approved 12.34; the reader is told that it was 99.99."""
    async with world() as there, await there.connect() as reader:
        number, packet = await to_the_packet(reader)
        answer = await host.forward(there.acquirer_address, packet)
        at = answer.index(bytes.fromhex("000000001234"))
        await reader.online_result(number, answer[:at] + bytes.fromhex("000000009999") + answer[at + 6 :])
        ended = await result(reader)
        assert ended.number_of(Tag.ERROR) == E_MAC and ended.number_of(Tag.NOTICES) == 1
        assert await state(reader) == 0


async def test_a_refusal_is_made_an_approval():
    async with world("insufficient-funds") as there, await there.connect() as reader:
        number, packet = await to_the_packet(reader)
        answer = await host.forward(there.acquirer_address, packet)
        assert b"51" in answer
        await reader.online_result(number, answer.replace(b"51", b"00"))
        assert (await result(reader)).number_of(Tag.ERROR) == E_MAC


async def test_the_answer_of_yesterdays_sale():
    """An approval that was recorded, for the same amount."""
    async with world() as there, await there.connect() as reader:
        number, packet = await to_the_packet(reader)
        recorded = await host.forward(there.acquirer_address, packet)
        await reader.online_result(number, recorded)
        await result(reader)
        number, _ = await to_the_packet(reader)
        await reader.online_result(number, recorded)
        ended = await result(reader)
        assert ended.number_of(Tag.ERROR) == E_MAC  # its key was the other packet's


async def test_a_packet_that_was_kept_back():
    """The phone says that there was no answer, and hands the packet in hours later: the host does not take it."""
    today = datetime.datetime.now()
    acquirer = Acquirer()
    async with world(acquirer=acquirer) as there, await there.connect() as reader:
        number, packet = await to_the_packet(reader)
        await reader.online_failed(number, 802)
        assert (await result(reader)).number_of(Tag.NOTICES) == 1  # that a reversal is due is known
        before = acquirer.balance("6212340000000019")
        acquirer.authoriser.now = lambda: today + datetime.timedelta(hours=3)
        await host.forward(there.acquirer_address, packet)
        assert acquirer.balance("6212340000000019") == before


async def test_the_phone_cannot_ask_for_the_stripe_of_a_chip():
    """START names the stripe alone; the card says that it has a chip, and the reader can read it."""
    async with world("chip") as there, await there.connect() as reader:
        from mpos.bench.customer import Customer
        from tests.e2e.conftest import customer_sale

        there.slot.remove()
        customer = Customer(there.field, there.slot, there.head, "stripe-fallback")
        record = await customer_sale(there, reader, customer, interfaces=Interface.SWIPE)
        assert record.outcome != "approved" and not record.fallback


@pytest.mark.parametrize("frame", [b"", b"\x00", bytes(980)])
async def test_rubbish_for_an_answer(frame):
    async with world() as there, await there.connect() as reader:
        number, _ = await to_the_packet(reader)
        await reader.online_result(number, frame)
        assert (await result(reader)).number_of(Tag.ERROR) in (E_ISO_FRAME, E_MISMATCH, E_MAC)
        assert await state(reader) == 0
        assert (await sale(there, reader)).outcome in ("approved", "declined")
