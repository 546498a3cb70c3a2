"""Present card: every row of the table in docs/present-card.md, played as it stands there; and what is not one sale."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

import pytest

from mpos.bench.cards import make_card
from mpos.bench.customer import ANY, OF_NAME, Customer, script
from mpos.bench.device import ROOT
from mpos.bench.keypad import BYPASS, CANCEL, Typist
from mpos.bench.world import World
from mpos.link.messages import CardEvent, Interface, Opcode, Prompt, State, Tag
from mpos.phone.sale import Record
from tests.e2e.conftest import CNY, customer_sale, state
from tests.e2e.shared import shared
from tests.harness.requirements import requirement

PAGE = ROOT / "docs" / "present-card.md"
CANCELS = "cancel@any"
E_PHONE_GONE = 806
PINS = {"PIN: none": BYPASS, "PIN: cancel": CANCEL}
PIN = "1357"


@dataclass(frozen=True)
class Row:
    case: str
    interfaces: Interface
    customer: str
    note: str
    says: list[str]
    ends: list[str]


def rows() -> list[Row]:
    found = []
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| ") or len(cells) != 5 or not cells[4].startswith("`"):
            continue
        interfaces = ANY
        if cells[1] != "all":
            interfaces = Interface(0)
            for name in cells[1].split(", "):
                interfaces |= OF_NAME[name]
        customer, _, note = cells[2].rpartition("`")
        note = re.sub(r"^.*\(|\).*$", "", note)
        found.append(
            Row(
                cells[0],
                interfaces,
                customer.strip("`"),
                note,
                cells[3].strip("`").split(),
                cells[4].strip("`").split(),
            )
        )
    return found


def test_the_table_is_read():
    assert len(rows()) >= 40
    assert sum(line.startswith("| ") and "`" in line for line in PAGE.read_text().splitlines()) == len(rows())


@shared
@pytest.mark.parametrize("row", rows(), ids=lambda row: row.case)
async def test_a_row(row: Row, worlds):
    amount = Decimal(row.note) if re.fullmatch(r"[\d.]+", row.note) else Decimal("12.34")
    typist = Typist(PINS.get(row.note, PIN))
    cancels = row.customer == CANCELS
    acts = [] if cancels or not row.customer else script(row.customer)
    async with worlds.at_rest(typist, pin_pad=row.note != "no PIN pad") as (there, reader):
        customer = Customer(there.field, there.slot, there.head, acts=acts)

        async def on_event(event):
            if cancels and event.opcode == Opcode.PROMPT:
                await reader.command(Opcode.CANCEL)

        customer.before()
        record = await customer_sale(
            there, reader, customer, int(amount * 100), on_event=on_event, interfaces=row.interfaces
        )
        assert ending(record) == row.ends, record
        told = iter(list(customer.told))
        wanted = [word for word in row.says if word != "gone"]
        missing = [word for word in wanted if not any(said.name.lower() == word for said in told)]
        assert not missing, (missing, customer.told)
        assert await state(reader) == State.IDLE
        # Everything is off, and no swipe waits in the head
        assert not there.field.carrier and not there.slot.powered
        assert not there.slot.violations and not there.head.violations
        assert there.output == ""
        await sells_again(there, reader)


def ending(record: Record) -> list[str]:
    """As the table says it."""
    words = [record.outcome]
    if record.error:
        return [*words, str(record.error)]
    words.append(record.entry_mode)
    if record.fallback:
        words.append("fallback")
    if record.response_code != "00":
        words.append(record.response_code or "offline")
    return words


async def sells_again(there: World, reader) -> None:
    """Whatever happened before: the next customer pays by swipe, which needs the head to be empty."""
    there.field.clear()
    there.slot.remove()
    customer = Customer(there.field, there.slot, there.head, "stripe-approved", used=50)
    record = await customer_sale(there, reader, customer, 100)
    assert record.outcome == "approved", record


async def test_a_card_left_in_the_slot_is_nagged_and_must_leave_before_the_next_sale():
    async with World() as there, await there.connect() as reader:
        customer = Customer(there.field, there.slot, there.head, "chip", stays=True)
        assert (await customer_sale(there, reader, customer)).outcome == "approved"
        while True:  # the reader says so again by itself
            event = await reader.event(10)
            if event.opcode == Opcode.PROMPT:
                assert event.number_of(Tag.PROMPT_CODE) == Prompt.REMOVE
                break
        # The same card does not pay again
        again = Customer(there.field, there.slot, there.head, stays=True)
        record = await customer_sale(there, reader, again, timeout_s=1)
        assert record.error == 106 and again.told[0] == Prompt.REMOVE, (record, again.told)
        # It leaves, and the next one comes
        acts = script("remove@remove, insert:chip@gone")
        other = Customer(there.field, there.slot, there.head, acts=acts, used=20, stays=True)
        record = await customer_sale(there, reader, other)
        assert record.outcome == "approved" and CardEvent.GONE in other.told, (record, other.told)


async def test_a_phone_that_leaves_while_the_reader_waits():
    async with World() as there:
        async with await there.connect() as reader:
            await reader.start_sale(1234, CNY, 30, ANY)
            while (await reader.event(5)).opcode != Opcode.PROMPT:
                pass
        async with await there.connect() as reader:
            await until_idle_again(reader)
            last = await reader.command(Opcode.LAST_RESULT)
            assert last.number_of(Tag.ERROR) == E_PHONE_GONE
            assert not there.field.carrier
            await sells_again(there, reader)


async def until_idle_again(reader) -> None:
    for _ in range(100):
        if await state(reader) == State.IDLE:
            return
    raise AssertionError("the reader goes on")


async def test_without_interfaces_any_card_will_do():
    async with World() as there, await there.connect() as reader:
        assert Interface((await reader.command(Opcode.GET_INFO)).number_of(Tag.INTERFACES)) == ANY
        for target in make_card("approved"):
            there.field.present(target)
        body = {Tag.TYPE: b"\x01", Tag.AMOUNT: bytes.fromhex("000000001234"), Tag.CURRENCY: b"\x01\x56"}
        await reader.command(Opcode.START, body)
        while (event := await reader.event(5)).opcode != Opcode.ONLINE_REQUEST:
            if event.opcode == Opcode.PROMPT:
                assert Interface(event.number_of(Tag.INTERFACES)) == ANY


@requirement(
    "Book 4", "6.6", "When the chip cannot be read the stripe may be taken instead, and the host is told that it was."
)
async def test_a_fallback_is_told_to_the_host():
    async with World(typist=Typist(PIN)) as there, await there.connect() as reader:
        customer = Customer(there.field, there.slot, there.head, "stripe-fallback")
        record = await customer_sale(there, reader, customer, timeout_s=3)
        assert ending(record) == ["approved", "022", "fallback"], record
        assert any("fallback" in text for _, text in there.acquirer.log)
