"""Sales by insert: each contact card ends as its name says; a card that leaves, at every command; what is asked."""

from __future__ import annotations

import pytest

from mpos.bench.cards import CARDS, make_card
from mpos.bench.cards.registry import names
from mpos.bench.icc_faults import Fault, Faults
from mpos.bench.icc_slot import IccSlot
from mpos.bench.keypad import Typist
from mpos.bench.run import typist
from mpos.bench.world import World
from mpos.link.client import ReaderRefused
from mpos.link.messages import Opcode, Prompt, State, Tag
from mpos.link.serial_pipe import crc16
from mpos.phone.sale import Sale, Story
from tests.e2e.conftest import approves, insert_sale, sale, state, world
from tests.e2e.shared import shared

E_CARD_REMOVED, E_BUSY, E_STATE = 101, 703, 706
GOOD = "chip"


@shared
@pytest.mark.parametrize("name", names("contact"))
async def test_a_sale_ends_as_the_card_says(name, worlds):
    entry = CARDS[name]
    async with worlds.at_rest(typist(entry.pin), entry.fault) as (there, reader):
        record = await insert_sale(there, reader, name, is_asked_for=True)
        assert (record.outcome, record.error) == (entry.outcome, entry.error), record
        # A transaction that breaks off has come to some point, which is not worth a line in the list
        if entry.outcome != "error" or entry.tvr:
            assert (record.tvr, record.tsi) == (entry.tvr, entry.tsi), record
        if entry.response_code:
            assert record.response_code == entry.response_code
        if entry.cvm:
            assert record.cvm == entry.cvm
        assert await state(reader) == State.IDLE
        assert not there.slot.powered and not there.slot.violations
        assert there.output == ""


@pytest.mark.parametrize("name", [GOOD])
async def test_behind_the_coupler(name):
    entry = CARDS[name]
    async with world(name, coupler=True) as there, await there.connect() as reader:
        record = await insert_sale(there, reader, name)
        assert (record.outcome, record.tvr, record.tsi) == (entry.outcome, entry.tvr, entry.tsi), record


async def test_removed_at_each_command():
    """The card is gone at command n: the transaction ends with 101, or with what the host said where it had the last
    word; nothing is sold that the card did not approve, and the reader serves the next card."""
    async with world(GOOD) as there, await there.connect() as reader:
        assert (await insert_sale(there, reader, GOOD)).outcome == "approved"
        commands = there.slot.apdus
        for n in range(commands):
            slot = there.slot
            slot.remove()
            slot.insert(make_card(GOOD, atc=10 * (n + 1))[0])
            first = slot.apdus
            slot.before_exchange = lambda _command, number, at=first + n, slot=slot: (
                slot.remove() if number == at else None
            )
            record = await insert_sale(there, reader, GOOD)
            slot.before_exchange = None
            assert record.outcome == "error" and record.error == E_CARD_REMOVED, (n, record)
            # the last two are EXTERNAL AUTHENTICATE and the second GENERATE AC: the host has approved, a reversal is due
            reversals = [notice for notice in record.notices if notice["kind"] == "reversal"]
            assert len(reversals) == (n >= commands - 2), (n, record.notices)
            assert await state(reader) == State.IDLE
        slot.insert(make_card(GOOD, atc=10 * (commands + 1))[0])
        assert (await insert_sale(there, reader, GOOD)).outcome == "approved"
        assert not slot.violations


async def test_nobody_inserts_a_card():
    async with World() as there, await there.connect() as reader:
        story = Story()
        record = await insert_sale(there, reader, GOOD, story=story)
        assert (record.outcome, record.error) == ("error", 106)
        assert any("insert the card" in line.text for line in story.lines)
        there.slot.insert(make_card(GOOD)[0])
        assert (await insert_sale(there, reader, GOOD)).outcome == "approved"


async def test_what_the_cardholder_is_told():
    async with World() as there, await there.connect() as reader:
        seen: list[Prompt] = []

        async def on_event(event):
            if event.opcode == Opcode.PROMPT:
                seen.append(Prompt(event.number_of(Tag.PROMPT_CODE)))
                if seen == [Prompt.INSERT]:
                    there.slot.insert(make_card("pin-offline")[0])

        there.typist = Typist("1357")
        await insert_sale(there, reader, "pin-offline", on_event=on_event)
        assert seen[:2] == [Prompt.INSERT, Prompt.DO_NOT_REMOVE] and seen[-1] == Prompt.REMOVE, seen
        assert Prompt.ENTER_PIN in seen


@pytest.mark.parametrize("body", [{Tag.CHOICE: b"\x00"}, {}, {Tag.CHOICE: b"\x00\x00"}])
async def test_an_answer_that_nobody_asked_for(body):
    async with world(GOOD) as there, await there.connect() as reader:
        with pytest.raises(ReaderRefused) as refused:
            await reader.command(Opcode.CONTINUE, {Tag.TRANSACTION: b"\x00\x01", **body})
        assert refused.value.code == E_STATE
        assert (await insert_sale(there, reader, GOOD)).outcome == "approved"


async def test_cancelled_while_the_card_is_read():
    async with world(GOOD) as there, await there.connect() as reader:

        async def on_event(event):
            if event.opcode == Opcode.STATE and event.number_of(Tag.READER_STATE) == State.READING:
                await reader.command(Opcode.CANCEL)

        record = await insert_sale(there, reader, GOOD, on_event=on_event)
        assert (record.outcome, record.error) == ("error", 801)
        assert await state(reader) == State.IDLE
        assert not there.slot.powered and not there.slot.violations
        there.slot.remove()
        there.slot.insert(make_card(GOOD, atc=10)[0])
        assert (await insert_sale(there, reader, GOOD)).outcome == "approved"
        await approves(there, reader)


async def test_notices_stay_until_they_are_taken():
    """A phone that dies before it took a notice over finds it again."""
    async with world(GOOD) as there, await there.connect() as reader:
        there.acquirer.fault = "silent"
        there.slot.remove()
        there.slot.insert(make_card(GOOD)[0])
        first = await insert_sale(there, reader, GOOD, host_timeout_s=0.5)
        assert [notice["kind"] for notice in first.notices][:1] == ["reversal"], first
        assert first.notices[0]["reason"] == "98"
        assert [notice async for notice in reader.notices()] == []


async def test_a_reader_full_of_notices_is_emptied_and_sells_again(monkeypatch):
    """What phones left behind that never took them over: the next one finds it before its sale, not after a refusal."""
    async with world(GOOD) as there:
        there.acquirer.fault = "silent"
        with monkeypatch.context() as patch:
            patch.setattr(Sale, "_take_notices", nothing)
            async with await there.connect() as reader:
                await insert_sale(there, reader, GOOD, host_timeout_s=0.5)
        there.acquirer.fault = None
        await there.stop_reader()
        store = there.state / "notices"
        stored = store.read_bytes()
        row = stored[4 : 6 + int.from_bytes(stored[4:6], "big")]  # length and body of the first
        count = (1536 - 512) // (2 + len(row)) + 1
        kept = count.to_bytes(2, "big") + b"".join((i + 1).to_bytes(2, "big") + row for i in range(count))
        store.write_bytes(kept + crc16(kept).to_bytes(2, "big"))
        await there.start_reader()
        async with await there.connect() as reader:
            there.slot.remove()
            there.slot.insert(make_card(GOOD, atc=10)[0])
            record = await insert_sale(there, reader, GOOD)
            assert record.outcome == "approved" and len(record.notices) == count, (record, count)
            assert [notice async for notice in reader.notices()] == []


async def nothing(_sale):
    pass


@pytest.mark.parametrize("name", [GOOD, "approved"])
async def test_the_plug_is_pulled_while_the_host_is_asked(name):
    """Whatever the host has booked by then, the reader knows afterwards that a reversal is due."""
    async with world(name) as there:
        async with await there.connect() as reader:

            async def on_event(event):
                if event.opcode == Opcode.ONLINE_REQUEST:
                    with pytest.raises(ReaderRefused) as refused:
                        await reader.command(Opcode.NOTICE)  # it is not due yet
                    assert refused.value.code == E_BUSY
                    await there.stop_reader()

            lead = insert_sale(there, reader, name, on_event=on_event) if name == GOOD else None
            record = await (lead or sale(there, reader, on_event=on_event))
            assert record.outcome == "error"
        await there.start_reader()
        async with await there.connect() as reader:
            (notice,) = [notice async for notice in reader.notices()]
            assert notice.text_of(Tag.REASON) == "98" and notice.number_of(Tag.STAN) == 1
            assert [notice async for notice in reader.notices()] == []


async def test_damage_that_nobody_sees_sells_nothing_else():
    """T=0 behind a bare front end: a damaged character is not seen as such. It ends the sale, or it was in something that
    does not matter; what is sold is the right amount to the right account, once."""
    pan = make_card(GOOD)[0].applications[0].profile.pan
    async with world(GOOD) as there, await there.connect() as reader:
        slot, sold, ended = there.slot, 0, set()
        before = there.acquirer.balance(pan)
        for i, n in enumerate(range(25, 1500, 97)):
            slot.remove()
            slot.faults = Faults(Fault("change", character=slot.characters + n, value=0x11))
            slot.insert(make_card(GOOD, atc=10 * i)[0])
            record = await insert_sale(there, reader, GOOD)
            ended.add(record.outcome)
            if record.outcome == "approved":
                assert record.masked_pan == pan[:6] + "******" + pan[-4:]
            sold += record.response_code == "00"  # what the card refuses after that is a reversal
            assert before - there.acquirer.balance(pan) == 1234 * sold, (n, record)
        assert "error" in ended
        slot.remove()
        slot.faults = Faults()
        slot.insert(make_card(GOOD, atc=1000)[0])
        assert (await insert_sale(there, reader, GOOD)).outcome == "approved"


async def test_an_empty_slot_says_so():
    slot = IccSlot()
    async with World(slot=slot) as there, await there.connect() as reader:
        assert (await reader.command(Opcode.GET_INFO)).number_of(Tag.NOTICES) == 0
        assert not slot.powered
