"""The sale on the emulated microcontroller: the same firmware, cards, acquirer and outcomes, over a serial link."""

from __future__ import annotations

from decimal import Decimal

import pytest

from mpos.bench.cards import CARDS, make_card
from mpos.bench.customer import Customer
from mpos.bench.provisioned import bench_vault
from mpos.bench.run import typist
from mpos.link.client import ReaderRefused
from mpos.link.messages import Interface, Opcode, State, Tag
from mpos.provision.factory import ProvisionError, provision
from tests.e2e.conftest import (
    AMOUNT,
    CARD_TIMEOUT_S,
    CNY,
    approves,
    customer_sale,
    heap,
    insert_sale,
    sale,
    state,
    until_idle,
    world,
)
from tests.e2e.shared import shared

E_FRAGMENT, E_CANCELLED, E_BUSY = 701, 801, 703
HEAP = 128 * 1024
PEAK_BUDGET = 104 * 1024
DRIFT_LIMIT = 1024
TRANSACTIONS = 20


# Of the contact cards those that take each protocol, each kind of authentication and of PIN, the host and the scripts
CONTACT = (
    "chip",
    "sda",
    "dda-1984",
    "cda",
    "t1",
    "t1-1984",
    "pin-offline",
    "pin-enciphered",
    "online-pin",
    "two-applications",
    "offline-approved",
    "offline-declined",
    "refused-after-approval",
    "script-both",
    "cash",
    "removed-at-record",
    "mute-card",
)
# Of the contactless ones those of each kernel, with each kind of signature, of PIN, of protocol, and of going wrong
TAPPED = (
    "approved",
    "signature",
    "insufficient-funds",
    "declined-by-card",
    "two-cards",
    "transit",
    "tap-offline",
    "tap-cash",
    "tap-pin-demanded",
    "visa-cvn-18",
    "visa-offline",
    "visa-update",
    "fdda-wrong",
    "torn-online",
    "tap-type-b",
    "tap-no-track",
)


@shared
@pytest.mark.parametrize("name", CONTACT)
async def test_a_sale_by_insert_ends_as_the_card_says(name, worlds):
    entry = CARDS[name]
    async with worlds.at_rest(typist(entry.pin), entry.fault, target="qemu") as (there, reader):
        record = await insert_sale(there, reader, name, is_asked_for=True)
        assert (record.outcome, record.error) == (entry.outcome, entry.error), record
        if entry.tvr:
            assert (record.tvr, record.tsi) == (entry.tvr, entry.tsi), record
        assert await state(reader) == State.IDLE
        assert 0 < record.heap_idle < record.heap_peak <= PEAK_BUDGET


@shared
@pytest.mark.parametrize("name", TAPPED)
async def test_a_sale_ends_as_the_card_says(name, worlds):
    entry = CARDS[name]
    async with worlds.at_rest(typist(entry.pin), target="qemu") as (there, reader):
        customer = Customer(there.field, there.slot, there.head, name)
        amount = int(Decimal(entry.amount) * 100)
        record = await customer_sale(there, reader, customer, amount, interfaces=Interface.CONTACTLESS)
        assert (record.outcome, record.response_code) == (entry.outcome, entry.response_code), record
        if entry.error:
            assert record.error == entry.error
        assert await state(reader) == State.IDLE
        assert 0 < record.heap_idle < record.heap_peak <= PEAK_BUDGET


async def test_the_heap_comes_back():
    async with world(target="qemu") as there, await there.connect() as reader:
        start = await heap(reader)
        for i in range(TRANSACTIONS):
            there.field.clear()
            there.field.present(make_card("approved", atc=i + 1)[0])
            assert (await sale(there, reader, amount=100 + i)).outcome == "approved"
        assert start < HEAP and abs(await heap(reader) - start) <= DRIFT_LIMIT


async def test_noise_on_the_serial_line():
    async with world(target="qemu") as there, await there.connect() as reader:
        await reader.pipe.pipe.write(b"\xc0\x01\x10\x00\x07\x00\x00\xff\xff\xc0")
        while (event := await reader.event(5)).opcode != Opcode.FAULT:
            pass
        assert event.number_of(Tag.ERROR) == E_FRAGMENT
        await approves(there, reader)


async def test_cancel():
    async with world(target="qemu") as there, await there.connect() as reader:
        there.field.clear()
        number = await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
        with pytest.raises(ReaderRefused) as busy:
            await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
        assert busy.value.code == E_BUSY
        await reader.command(Opcode.CANCEL)
        while (event := await reader.event(5)).opcode != Opcode.RESULT:
            pass
        assert (event.number, event.number_of(Tag.ERROR)) == (number, E_CANCELLED)
        await until_idle(reader)
        await approves(there, reader)


async def test_a_power_cut_loses_no_number(tmp_path):
    """What a packet used is on the flash before the packet leaves: after a cut the next sale has the next numbers."""
    async with world(target="qemu", state=tmp_path) as there:
        async with await there.connect() as reader:
            await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
            while (await reader.event(5)).opcode != Opcode.ONLINE_REQUEST:
                pass
            await there.stop_reader()
        await there.start_reader()
        async with await there.connect() as reader:
            record = await sale(there, reader)
        assert record.outcome == "approved"
        assert record.stan == 2 and int(record.ksn[-5:], 16) & 0x1FFFFF == 2
        with pytest.raises(ProvisionError, match="provisioned already"):
            await provision(await there.pipe(), bench_vault(), lambda: None)
        assert there.output.strip() == ""
