"""Cards that are not for payment: every service, from the phone through the firmware and its PN532 driver to the card."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mpos.bench import test_keys
from mpos.bench.cards import make_card
from mpos.bench.cards.memory.classic import value_of
from mpos.bench.field import Field
from mpos.bench.radio import Radio
from mpos.bench.world import World
from mpos.link.card import CardLost, PassedCard, lost
from mpos.link.client import ReaderClient, ReaderRefused
from mpos.link.messages import CardEvent, CardType, Interface, KeyKind, Opcode, Operation, State, Tag, Technology
from tests.e2e.conftest import approves, heap, state, until_idle

E_CARD_REMOVED, E_TWO_CARDS, E_NO_CARD, E_KIND, E_ACCESS = 101, 104, 106, 113, 114
E_PASS_PAYMENT, E_CARD_KEY, E_BUSY, E_BODY, E_STATE = 419, 507, 703, 705, 706
A, B = KeyKind.A, KeyKind.B
SELECT = bytes.fromhex("00A4040007F06D504F53000100")
POINTS = bytes.fromhex("80CA000104")


@asynccontextmanager
async def laid(there: World, reader: ReaderClient, name: str, **options) -> AsyncIterator[PassedCard]:
    """The named card on the reader, opened; then taken away. What the reader does not close of itself is closed."""
    there.field.clear()
    for target in make_card(name):
        there.field.present(target)
    async with PassedCard(reader, **options) as card:
        yield card
    there.field.clear()
    assert not there.field.carrier


async def refused(call, code: int, detail: int | None = None) -> None:
    with pytest.raises(ReaderRefused) as caught:
        await call
    assert caught.value.code == code, caught.value
    if detail is not None:
        assert caught.value.detail == detail, caught.value


async def test_every_service():
    """One reader, one card after the other; no key on the air, nothing left loaded, and a sale afterwards."""
    air: list[bytes] = []
    radio = Radio()
    radio.on_air(lambda _, pdu: air.append(bytes(pdu)))
    async with World(Field(), radio=radio) as there, await there.connect() as reader:
        before = await heap(reader)
        await _classic(there, reader)
        await _long_classic(there, reader)
        await _tags(there, reader)
        await _felica(there, reader)
        await _applications(there, reader)
        assert await heap(reader) <= before + 512
        assert await state(reader) == State.IDLE
        await approves(there, reader)
        assert there.output == ""
    said = b"".join(air) + b"".join(pdu[4:] for pdu in air)
    for _, _, key in test_keys.CARD_KEYS[2:4] + test_keys.CARD_KEYS[5:]:
        assert key not in said and key[:4] not in said
    assert len(said) > 2_000


async def _classic(there: World, reader: ReaderClient) -> None:
    async with laid(there, reader, "mifare-1k") as card:
        found = card.found
        assert (found.technology, found.type, found.version) == (Technology.A, CardType.CLASSIC_1K, b"")
        assert found.uid.hex() == "3c5d7e9f" and found.says.hex() == "000408"
        await refused(card.fetch(4), E_ACCESS, 4)  # nothing is authenticated
        await card.authenticate(1, A, 4)
        sector = await card.fetch(4, 4)
        assert sector[:16] == b"POINTS OF A SHOP"
        assert sector[48:].hex() == "000000000000ff078069000000000000"  # a trailer without its keys
        await card.store(5, b"CUSTOMER 0000043")
        assert await card.fetch(5) == b"CUSTOMER 0000043"
        await refused(card.fetch(8), E_ACCESS, 8)  # another sector
        # a key A that may not add; then key B
        await card.authenticate(1, A, 8)
        assert await card.value(Operation.READ, 8) == 100
        assert await card.value(Operation.DECREMENT, 8, 5) == 95
        assert await card.value(Operation.COPY, 8, target=9) == 95
        await refused(card.value(Operation.INCREMENT, 8, 5), E_ACCESS, 8)
        await card.authenticate(2, B, 8)
        assert await card.value(Operation.INCREMENT, 8, 1000, target=10) == 1095
        assert await card.value(Operation.READ, 8) == 95
        await card.authenticate(1, A, 4)
        await refused(card.value(Operation.DECREMENT, 4, 5), E_KIND)  # no value block
        # keys: a wrong one, one of another kind, none
        await refused(card.authenticate(1, A, 12), E_ACCESS, 12)
        await card.authenticate(3, A, 12)
        assert await card.value(Operation.READ, 12) == 7
        await refused(card.authenticate(3, B, 12), E_CARD_KEY, 3)
        await refused(card.authenticate(16, A, 12), E_CARD_KEY, 16)
        # what the reader does not write; a trailer that it does, with keys from its slots
        await refused(card.store(0, bytes(16)), E_BODY, Tag.BLOCK)
        await card.authenticate(1, A, 4)
        await refused(card.store_trailer(7, bytes.fromhex("FF068069"), 3, 4), E_BODY, Tag.DATA)
        await card.store_trailer(7, bytes.fromhex("7F078800"), 3, 4)
        await refused(card.authenticate(1, A, 4), E_ACCESS)
        await card.authenticate(4, B, 4)
        assert await card.fetch(5) == b"CUSTOMER 0000043"
        trailer = there.field.targets[0].blocks[7]
        assert trailer == test_keys.CARD_KEY_A + bytes.fromhex("7F078800") + test_keys.CARD_KEY_B
        await refused(card.apdu(SELECT), E_KIND)


async def _long_classic(there: World, reader: ReaderClient) -> None:
    async with laid(there, reader, "mifare-4k", technologies=Technology.A) as card:
        assert card.found.type == CardType.CLASSIC_4K and len(card.found.uid) == 7
        await card.authenticate(1, A, 240)
        assert len(await card.fetch(240, 16)) == 256


async def _tags(there: World, reader: ReaderClient) -> None:
    async with laid(there, reader, "ntag213") as card:
        assert card.found.type == CardType.ULTRALIGHT and card.found.version.hex() == "0004040201000f03"
        assert b"mpos.example" in await card.fetch(4, 36)
        await card.store(6, b"\x01\x02\x03\x04")
        assert await card.fetch(6) == b"\x01\x02\x03\x04"
        for page in (0, 2, 3, 40, 41, 43):
            await refused(card.store(page, bytes(4)), E_BODY, Tag.BLOCK)
        await card.authenticate(5, KeyKind.PASSWORD)
        await refused(card.authenticate(6, KeyKind.PASSWORD), E_ACCESS)
        await refused(card.fetch(44, 2), E_ACCESS, 44)  # past the end
        await refused(card.value(Operation.READ, 6), E_KIND)
    async with laid(there, reader, "ntag216-password") as card:
        await card.store(15, b"free")
        await refused(card.fetch(14, 4), E_ACCESS, 14)
        await refused(card.store(16, b"shut"), E_ACCESS, 16)
        await card.authenticate(6, KeyKind.PASSWORD)
        await card.store(16, b"open")
        assert await card.fetch(15, 2) == b"freeopen"
    async with laid(there, reader, "ultralight") as card:
        assert card.found.version == b""
        await card.store(15, b"last")
        assert await card.fetch(14, 2) == b"\x00" * 4 + b"last"
        await refused(card.store(16, bytes(4)), E_BODY, Tag.BLOCK)
        await refused(card.fetch(14, 4), E_ACCESS, 14)  # it would go on at page 0
        await refused(card.authenticate(5, KeyKind.PASSWORD), E_KIND)


async def _felica(there: World, reader: ReaderClient) -> None:
    async with laid(there, reader, "felica") as card:  # among all technologies
        assert (card.found.technology, card.found.type) == (Technology.FELICA, CardType.FELICA)
        assert await card.fetch_felica([0x100B, 0x108F], [0x0000, 0x1000]) == b"POINTS 000000120" + b"VISIT 3".ljust(16)
        await card.store_felica([0x1009], [0, 1], b"POINTS 000000125" + b"B" * 16)
        assert await card.fetch_felica([0x100B], [0, 1]) == b"POINTS 000000125" + b"B" * 16
        await refused(card.fetch_felica([0x100B], [0, 3]), E_ACCESS, 0x02A8)
        await refused(card.fetch_felica([0x1008], [0]), E_ACCESS, 0x01A5)
        await refused(card.store_felica([0x100B], [0], bytes(16)), E_ACCESS, 0x01A5)
        await refused(card.fetch_felica([0x2009], [0]), E_ACCESS, 0xFFA6)
        await refused(card.authenticate(1, A, 0), E_KIND)
    async with laid(there, reader, "felica", technologies=Technology.FELICA, system_code=0xFE00) as card:
        amount = (500).to_bytes(4, "little") + bytes(10) + b"\x00\x01"
        await card.store_felica([0x10D5], [0], amount)
        await card.store_felica([0x10D5], [0], amount)  # the same execution ID: taken once
        assert int.from_bytes((await card.fetch_felica([0x10D7], [0]))[:4], "little") == 2000
        await refused(card.fetch_felica([0x1009], [0]), E_ACCESS, 0xFFA6)  # another system's
    with pytest.raises(CardLost) as caught:
        async with laid(there, reader, "felica", system_code=0x8008, timeout_s=1):
            pass
    assert caught.value.code == E_NO_CARD


async def _applications(there: World, reader: ReaderClient) -> None:
    async with laid(there, reader, "loyalty") as card:
        assert card.found.type == CardType.ISODEP and card.found.says.hex() == "0344200578337002"
        await refused(card.apdu(POINTS), E_PASS_PAYMENT)  # nothing was selected by name
        for name in (
            "325041592E5359532E4444463031",
            "315041592E5359532E4444463031",
            "A000000333010101",
            "A0000000031010",
        ):
            aid = bytes.fromhex(name)
            await refused(card.apdu(b"\x00\xa4\x04\x00" + bytes([len(aid)]) + aid + b"\x00"), E_PASS_PAYMENT)
        assert (await card.apdu(SELECT))[-2:] == b"\x90\x00"
        assert await card.apdu(POINTS) == bytes.fromhex("000000789000")
        assert await card.apdu(bytes.fromhex("805600000400000014")) == bytes.fromhex("000000649000")
        await refused(card.apdu(bytes.fromhex("80A80000028300")), E_PASS_PAYMENT)
        await refused(card.fetch(0), E_KIND)
    async with laid(there, reader, "loyalty-b", technologies=Technology.B) as card:
        assert (card.found.technology, card.found.type) == (Technology.B, CardType.ISODEP)
        assert len(card.found.uid) == 4 and len(card.found.says) == 11
        await card.apdu(SELECT)
        assert await card.apdu(POINTS) == bytes.fromhex("000000239000")
    async with laid(there, reader, "desfire") as card:
        assert (await card.apdu(bytes.fromhex("9060000000")))[-2:] == b"\x91\xaf"
    # A payment card is told of, and not reached
    async with laid(there, reader, "approved") as card:
        for command in (
            "00B2010C00",
            "00B2011400",
            "80CA9F1700",
            "00A4040000",
            "00A4040005A000000333",
            "00A40400023250",
        ):
            await refused(card.apdu(bytes.fromhex(command)), E_PASS_PAYMENT)
        assert (await card.apdu(SELECT))[-2:] == b"\x6a\x82"
        await refused(card.apdu(bytes.fromhex("00B2010C00")), E_PASS_PAYMENT)
        assert len(there.field.trace) > 0


async def test_who_comes_when():
    """Not beside a payment; two cards, none, one that leaves at any moment; a phone that leaves."""
    async with World(Field()) as there:
        async with await there.connect() as reader:
            await _beside_a_payment(there, reader)
            await _two_or_none(there, reader)
            await _one_that_leaves(there, reader)
            await _torn_value(there, reader)
            there.field.clear()
            (target,) = make_card("mifare-1k")
            there.field.present(target)
            await PassedCard(reader).__aenter__()
        # The phone has left, with the card open
        async with await there.connect() as reader:
            async with asyncio.timeout(5):
                while there.field.carrier:
                    await state(reader)
            async with PassedCard(reader) as card:
                assert card.found.uid == target.uid
            await approves(there, reader)
        assert there.output == ""


async def _beside_a_payment(there: World, reader: ReaderClient) -> None:
    await reader.start_sale(1234, 156, 5, Interface.CONTACTLESS)
    await refused(reader.command(Opcode.CARD_OPEN), E_BUSY)
    await refused(reader.command(Opcode.CARD_APDU, {Tag.APDU: SELECT}), E_STATE)
    await reader.command(Opcode.CANCEL)
    await until_idle(reader)
    await refused(reader.command(Opcode.CARD_FETCH, {Tag.BLOCK: b"\x00\x04"}), E_STATE)
    await reader.command(Opcode.CARD_CLOSE)  # nothing to close
    async with laid(there, reader, "mifare-1k"):
        await refused(reader.start_sale(1234, 156, 5, Interface.CONTACTLESS), E_BUSY)
        await refused(reader.command(Opcode.CARD_OPEN), E_BUSY)


async def _two_or_none(there: World, reader: ReaderClient) -> None:
    there.field.present(make_card("loyalty")[0])
    there.field.present(make_card("felica")[0])
    with pytest.raises(CardLost) as caught:
        await PassedCard(reader).__aenter__()
    assert (caught.value.event, caught.value.code) == (CardEvent.TWO, E_TWO_CARDS)
    async with PassedCard(reader, Technology.FELICA) as card:  # of which one is meant
        assert card.found.type == CardType.FELICA
    there.field.clear()
    with pytest.raises(CardLost) as caught:
        await PassedCard(reader, timeout_s=1).__aenter__()
    assert (caught.value.event, caught.value.code) == (CardEvent.NONE, E_NO_CARD)


async def _one_that_leaves(there: World, reader: ReaderClient) -> None:
    for name in ("loyalty", "felica", "ntag213"):
        async with laid(there, reader, name):
            there.field.clear()
            event = lost(await reader.event(5))
            assert (event.event, event.code) == (CardEvent.REMOVED, E_CARD_REMOVED), name


async def _torn_value(there: World, reader: ReaderClient) -> None:
    """A card that is taken away at each of its frames while something is taken from its value: it was taken or not, never
    anything between, and the phone is never told that all is well when it is not."""
    n = 0
    while True:
        (target,) = make_card("mifare-1k")
        there.field.clear()
        there.field.present(target)
        async with PassedCard(reader, Technology.A) as card:
            first = there.field.exchanges

            def before(_target, _command, number, at=first + n):
                if number == at:
                    there.field.clear()

            there.field.before_exchange = before
            try:
                await card.authenticate(1, A, 8)
                left = await card.value(Operation.DECREMENT, 8, 5)
                break
            except ReaderRefused as error:
                assert error.code == E_CARD_REMOVED, (n, error)
                assert lost(await reader.event(5)).code == E_CARD_REMOVED
            finally:
                there.field.before_exchange = None
        assert value_of(target.blocks[8]) in (95, 100), n
        n += 1
    assert left == 95 and value_of(target.blocks[8]) == 95
    assert n >= 5  # authentication, read, both parts of the decrement, transfer, read
