"""An acquirer that misbehaves: no approval, the reason in the record, the reader idle and whole afterwards."""

from __future__ import annotations

import asyncio
import json

import pytest

from mpos.acquirer import Acquirer
from mpos.bench.cards import make_card
from mpos.bench.world import PARAMETERS
from mpos.link.client import ReaderRefused
from mpos.link.messages import State, Tag
from mpos.phone import host
from tests.e2e.conftest import AMOUNT, CARD_TIMEOUT_S, CNY, acquirer, approves, sale, state, until_idle, world

APPROVED = 3  # outcome
FRAME_HEAD = 13  # length, TPDU, header
E_HOST_TIMEOUT, E_HOST_UNREACHABLE, E_MAC, E_MISMATCH, E_FRAME = 802, 803, 605, 604, 606


@pytest.mark.parametrize(
    ("fault", "errors"),
    [
        ("silent", {E_HOST_TIMEOUT}),
        ("slow", {E_HOST_TIMEOUT}),
        ("close", {E_HOST_TIMEOUT}),
        ("wrong-mac", {E_MAC}),
        ("wrong-stan", {E_MISMATCH}),
        ("truncated", {E_HOST_TIMEOUT, E_FRAME, 601, 602, 603, E_MAC}),
        ("garbage", {E_FRAME, E_HOST_TIMEOUT, 601, 602, 603, E_MAC}),
    ],
)
async def test_faults(fault, errors):
    async with world(acquirer=acquirer(fault)) as there, await there.connect() as reader:
        record = await sale(there, reader, host_timeout_s=1)
        assert record.outcome == "error"
        assert record.error in errors, record
        assert await state(reader) == State.IDLE
        there.acquirer.fault = None
        await approves(there, reader)


async def test_nobody_listens():
    async with Acquirer() as gone:
        address = f"{gone.host}:{gone.port}"
    async with world(acquirer=address) as there, await there.connect() as reader:
        record = await sale(there, reader)
        assert (record.outcome, record.error) == ("error", E_HOST_UNREACHABLE)
        assert await state(reader) == State.IDLE


async def packet_of(reader):
    number = await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
    while True:
        event = await reader.event(5)
        if Tag.PACKET in event.body:
            return number, event.body[Tag.PACKET]


async def result_of(reader):
    while True:
        event = await reader.event(5)
        if Tag.OUTCOME in event.body:
            return event


def present(there, atc: int) -> None:
    """The same card once more, which has counted on."""
    there.field.clear()
    there.field.present(make_card("approved", atc=atc)[0])


@pytest.mark.parametrize("part", range(12))
async def test_a_phone_that_changes_one_bit_of_the_packet_gets_no_approval(part):
    """Every part of the 0200 is under its MAC: the host refuses it, whichever byte the phone touches."""
    async with world() as there, await there.connect() as reader:
        pan = there.field.targets[0].profile.pan
        before = there.acquirer.balance(pan)
        number, packet = await packet_of(reader)
        changed = bytearray(packet)
        changed[FRAME_HEAD + part * (len(packet) - FRAME_HEAD - 1) // 11] ^= 0x04
        try:
            answer = await host.forward(there.acquirer_address, bytes(changed), 1)
        except host.HostSilent:
            await reader.online_failed(number, E_HOST_TIMEOUT)
        else:
            await reader.online_result(number, answer)
        result = await result_of(reader)
        assert result.number_of(Tag.OUTCOME) != APPROVED
        assert there.acquirer.balance(pan) == before
        await until_idle(reader)
        present(there, 1)
        assert (await sale(there, reader)).outcome == "approved"


@pytest.mark.parametrize("part", range(6))
async def test_a_phone_that_changes_the_answer_gets_no_approval(part):
    async with world() as there, await there.connect() as reader:
        number, packet = await packet_of(reader)
        answer = bytearray(await host.forward(there.acquirer_address, packet))
        at = FRAME_HEAD + part * (len(answer) - FRAME_HEAD - 1) // 5
        answer[at] ^= 0x01
        await reader.online_result(number, bytes(answer))
        result = await result_of(reader)
        # The message type alone is looked at before the MAC
        assert result.number_of(Tag.ERROR) == (E_MISMATCH if at < FRAME_HEAD + 2 else E_MAC)
        assert result.number_of(Tag.OUTCOME) != APPROVED
        await until_idle(reader)
        await approves(there, reader)


async def test_an_old_answer_is_not_taken_for_a_new_one():
    async with world() as there, await there.connect() as reader:
        number, packet = await packet_of(reader)
        old = await host.forward(there.acquirer_address, packet)
        await reader.online_result(number, old)
        await result_of(reader)
        await until_idle(reader)
        present(there, 5)
        number, _ = await packet_of(reader)
        await reader.online_result(number, old)
        result = await result_of(reader)
        assert result.number_of(Tag.ERROR) == E_MAC


async def test_an_answer_for_another_transaction_is_refused():
    async with world() as there, await there.connect() as reader:
        number, packet = await packet_of(reader)
        answer = await host.forward(there.acquirer_address, packet)
        with pytest.raises(ReaderRefused) as refused:
            await reader.online_result(number + 1, answer)
        assert refused.value.code == 706
        await reader.online_result(number, answer)
        assert (await result_of(reader)).text_of(Tag.RESPONSE_CODE) == "00"


async def test_the_reader_waits_no_longer_than_its_parameters_say(tmp_path):
    parameters = json.loads(PARAMETERS.read_text())
    parameters["host"]["timeout_s"] = 1
    path = tmp_path / "parameters.json"
    path.write_text(json.dumps(parameters))
    async with world(parameters=path) as there, await there.connect() as reader:
        await packet_of(reader)
        result = await asyncio.wait_for(result_of(reader), 5)
        assert result.number_of(Tag.ERROR) == E_HOST_TIMEOUT
        await until_idle(reader)
        await approves(there, reader)
