"""Phones that are paired with a reader that has a display, and those that are not: on the virtual link, the whole firmware."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from bumble.att import ATT_Error, ErrorCode
from bumble.core import ProtocolError
from bumble.device import Peer
from bumble.gatt import Characteristic, CharacteristicValue, Service
from bumble.gatt_client import CharacteristicProxy

from mpos.bench.display import COMPARISON, PASSKEY, Person, Screen
from mpos.bench.radio import Pace, Radio
from mpos.bench.world import World
from mpos.describe import log_events
from mpos.link import gatt
from mpos.link.client import ReaderClient, ReaderGone, ReaderRefused
from mpos.link.messages import Opcode, State, Tag
from mpos.link.pairing import BondLost, Pairing, PairingFailed
from mpos.link.secure import open_session
from tests.e2e.conftest import approves, state, world

LIMIT_S = 20
LOG_BOND, LOG_PAIRING = 19, 20
UNAUTHENTICATED, KEY_SIZE, LEGACY = 1, 2, 3


async def opened(there: World, pipe: gatt.GattPipe) -> ReaderClient:
    return ReaderClient(await open_session(pipe, there.key_service))


async def events(reader: ReaderClient) -> list[tuple[int, int]]:
    """The security events of the reader since it was made: event, detail."""
    answer = await reader.command(Opcode.LOG, {Tag.LOG_NUMBER: bytes(4)})
    return [(one.event, one.detail) for one in log_events.parse(answer.body[Tag.LOG_RECORDS])]


async def refused_writes(connection) -> None:
    """The reader's characteristics do not take anything from this link."""
    peer = Peer(connection)
    await peer.discover_service(gatt.SERVICE)
    await peer.discover_characteristics()
    receives, sends = peer.services[0].characteristics
    for action in (
        lambda: receives.write_value(b"\xc0" + bytes(6), with_response=True),
        lambda: sends.subscribe(lambda _value: None),
    ):
        with pytest.raises(ATT_Error) as refused:
            await action()
        assert refused.value.error_code == ErrorCode.INSUFFICIENT_AUTHENTICATION


async def ended(connection) -> None:
    """The reader hangs up."""
    async with asyncio.timeout(LIMIT_S):
        while connection.device.connections.get(connection.handle) is connection:
            await asyncio.sleep(0.01)


async def is_well(there: World, person: Person, refused: tuple[int, ...] = ()) -> None:
    """A phone of the shop's own can still be paired, and its sale is approved. refused: why others were, by the log."""
    pipe = await gatt.connect(await there.radio.central("good"), person.pairing())
    async with await opened(there, pipe) as reader:
        await approves(there, reader)
        records = await events(reader)
    assert [detail for event, detail in records if event == LOG_PAIRING] == list(refused)
    assert records.count((LOG_BOND, 0)) == 1
    assert there.output == ""


@pytest.mark.parametrize(("has_keys", "kind"), [(True, COMPARISON), (False, PASSKEY)])
async def test_a_phone_is_paired_and_sells(has_keys, kind, aioble):
    person = Person(has_keys)
    async with world(screen=person.screen, aioble=aioble) as there:
        pipe = await asyncio.wait_for(gatt.connect(await there.radio.central("phone"), person.pairing()), LIMIT_S)
        assert [shown[0] for shown in person.screen.history] == [kind]
        await person.screen.until_dark()
        async with await opened(there, pipe) as reader:
            assert await state(reader) == State.IDLE
            await approves(there, reader)
        assert there.output == ""


async def test_paced_it_is_the_same():
    person = Person()
    async with world(screen=person.screen, radio=Radio(Pace(0.0375))) as there:
        pipe = await asyncio.wait_for(gatt.connect(await there.radio.central("phone"), person.pairing()), LIMIT_S)
        async with await opened(there, pipe) as reader:
            await approves(there, reader)


async def test_a_reader_without_a_display_pairs_nobody():
    async with world() as there:
        pipe = await gatt.connect(await there.radio.central("phone"), Person().pairing())
        assert not pipe.connection.is_encrypted
        async with await opened(there, pipe) as reader:
            await approves(there, reader)


async def test_a_phone_that_does_not_pair_is_told_so():
    person = Person()
    async with world(screen=person.screen) as there:
        with pytest.raises(ReaderGone, match="wants to be paired"):
            await gatt.connect(await there.radio.central("phone"))
        assert person.screen.history == []
        await is_well(there, person)


# -- attacks


async def test_before_pairing_nothing_is_taken():
    person = Person()
    async with world(screen=person.screen) as there:
        phone = await there.radio.central("attacker")
        connection = await phone.connect(there.radio.reader_address, timeout=LIMIT_S)
        await refused_writes(connection)
        await connection.disconnect()
        await is_well(there, person)


@pytest.mark.parametrize("has_keys", [True, False])
async def test_just_works_does_not(has_keys):
    """A central that says it has neither screen nor keys: nobody authenticates it, so it is put out."""
    person = Person(has_keys)
    async with world(screen=person.screen) as there:
        phone = await there.radio.central("attacker")
        Pairing().attach(phone)
        connection = await phone.connect(there.radio.reader_address, timeout=LIMIT_S)
        # The radio's stack agrees; the reader does not
        await asyncio.wait_for(connection.pair(), LIMIT_S)
        await ended(connection)
        assert person.screen.history == []
        connection = await phone.connect(there.radio.reader_address, timeout=LIMIT_S)
        await refused_writes(connection)
        # No bond was kept: its key opens nothing
        with pytest.raises(BondLost):
            await Pairing(bonds=phone.keystore).secure_link(connection)
        await connection.disconnect()
        await is_well(there, person, (UNAUTHENTICATED,))


@pytest.mark.parametrize("has_keys", [True, False])
async def test_legacy_pairing_with_the_right_passkey_does_not(has_keys):
    """The key of a legacy pairing can be computed by who listens in: 20 bits of a number are all that is secret in it."""
    person = Person(has_keys)
    async with world(screen=person.screen) as there:
        phone = await there.radio.central("attacker")
        person.pairing(secure=False).attach(phone)
        connection = await phone.connect(there.radio.reader_address, timeout=LIMIT_S)
        await asyncio.wait_for(connection.pair(), LIMIT_S)
        await ended(connection)
        connection = await phone.connect(there.radio.reader_address, timeout=LIMIT_S)
        with pytest.raises(BondLost):
            await Pairing(bonds=phone.keystore).secure_link(connection)
        await connection.disconnect()
        await is_well(there, person, (LEGACY,))


async def test_messages_of_a_legacy_link_are_not_answered():
    """The radio's stack calls the link authenticated, and takes what is written: the reader does not."""
    person = Person(has_keys=False)
    async with world(screen=person.screen) as there:
        phone = await there.radio.central("attacker")
        with pytest.raises(ReaderGone):
            pipe = await gatt.connect(phone, person.pairing(secure=False))
            async with ReaderClient(pipe) as reader:
                await reader.command(Opcode.GET_INFO)
        await is_well(there, person, (LEGACY,))


async def test_a_key_of_seven_bytes_does_not():
    """Key size downgrade."""
    person = Person()
    async with world(screen=person.screen) as there:
        phone = await there.radio.central("attacker")
        person.pairing(key_size=7).attach(phone)
        connection = await phone.connect(there.radio.reader_address, timeout=LIMIT_S)
        await asyncio.wait_for(connection.pair(), LIMIT_S)
        await ended(connection)
        await is_well(there, person, (KEY_SIZE,))


async def test_a_wrong_passkey_several_times():
    person = Person(has_keys=False, wrong=3)
    async with world(screen=person.screen) as there:
        phone = await there.radio.central("phone")
        for _ in range(3):
            with pytest.raises(PairingFailed):
                await gatt.connect(phone, person.pairing())
        numbers = [number for _kind, number in person.screen.history]
        assert len(set(numbers)) == 3, "a number that is shown twice can be learned bit by bit"
        # The log keeps the 1st, 2nd, 4th ... of a kind
        await is_well(there, person, (UNAUTHENTICATED,) * 2)


class Middle:
    """A man in the middle: a reader towards the phone, a phone towards the reader; each pairs with it, and it hands on what
    either says.

    heard: the fragments, both ways. spoil: changes what the phone says.
    """

    def __init__(self, there: World):
        self.there = there
        self.heard: list[bytes] = []
        self.spoil: Callable[[bytes], bytes] = lambda value: value
        self.upstream: CharacteristicProxy | None = None

    async def begin(self) -> None:
        self.front = await self.there.radio.central("reader of the man in the middle", "C0:00:00:00:66:01")
        self.back = await self.there.radio.central("phone of the man in the middle", "C0:00:00:00:66:02")
        writes = Characteristic(
            gatt.READER_RECEIVES,
            Characteristic.Properties.WRITE | Characteristic.Properties.WRITE_WITHOUT_RESPONSE,
            Characteristic.WRITEABLE | Characteristic.WRITE_REQUIRES_AUTHENTICATION,
            CharacteristicValue(write=self._from_the_phone),
        )
        self.notifies = Characteristic(
            gatt.READER_SENDS, Characteristic.Properties.NOTIFY, Characteristic.READABLE, b""
        )
        self.front.add_service(Service(gatt.SERVICE, [writes, self.notifies]))
        # It says yes to everything, by whichever method
        for device in (self.front, self.back):
            Pairing(compare=_yes).attach(device)
        await self.front.start_advertising(auto_restart=True)

    async def towards_the_reader(self) -> bool:
        """Whether the reader let it pair."""
        connection = await self.back.connect(self.there.radio.reader_address, timeout=LIMIT_S)
        try:
            await asyncio.wait_for(connection.pair(), LIMIT_S)
        except (ProtocolError, asyncio.CancelledError):
            return False
        peer = Peer(connection)
        await peer.request_mtu(gatt.MTU)
        await peer.discover_service(gatt.SERVICE)
        await peer.discover_characteristics()
        self.upstream, sends = peer.services[0].characteristics
        await sends.subscribe(self._from_the_reader)
        return True

    async def _from_the_phone(self, _connection, value: bytes) -> None:
        if len(value) > 1:
            self.heard.append(value)
            assert self.upstream is not None
            await self.upstream.write_value(self.spoil(value), with_response=False)

    def _from_the_reader(self, value: bytes) -> None:
        self.heard.append(value)
        self.there_task = asyncio.ensure_future(self.front.notify_subscribers(self.notifies, value))


async def _yes(_number: int) -> bool:
    return True


async def test_a_man_in_the_middle_shows_two_numbers():
    person = Person()
    async with world(screen=person.screen) as there:
        middle = Middle(there)
        await middle.begin()
        victim = await there.radio.central("phone")
        behind = asyncio.create_task(middle.towards_the_reader())
        with pytest.raises(PairingFailed):
            await gatt.connect(victim, person.pairing(), middle.front.random_address)
        assert await asyncio.wait_for(behind, LIMIT_S) is False
        assert person.screen.history[0][1] != person.phone.history[0][1]
        await is_well(there, person, (UNAUTHENTICATED,))


async def test_with_a_careless_person_the_session_is_what_stands():
    """Who says yes to anything has paired the man in the middle; without the server's key he gets no further."""
    person = Person(careless=True)
    async with world(screen=person.screen) as there:
        attacker = await there.radio.central("attacker")
        pipe = await gatt.connect(attacker, Pairing(compare=_yes))
        async with ReaderClient(pipe) as reader:
            assert (await reader.command(Opcode.GET_INFO)).number_of(Tag.READER_STATE) == State.IDLE
            with pytest.raises(ReaderRefused, match="707"):
                await reader.command(Opcode.NOTICE)


async def test_a_man_in_the_middle_of_a_careless_person_reads_and_changes_nothing():
    person = Person(careless=True)
    async with world(screen=person.screen) as there:
        middle = Middle(there)
        await middle.begin()
        assert await middle.towards_the_reader()
        pipe = await gatt.connect(await there.radio.central("phone"), person.pairing(), middle.front.random_address)
        numbers = [number for _kind, number in (*person.screen.history, *person.phone.history)]
        assert len(set(numbers)) == 2, "which is what a person would have seen"
        async with await opened(there, pipe) as reader:
            del middle.heard[:]
            await approves(there, reader)
            # First fragments begin with a message's head: kind 4 is a secured one
            firsts = [value for value in middle.heard if value[0] & 0x80]
            assert len(firsts) > 8 and {value[1] for value in firsts} == {4}
            middle.spoil = lambda value: value[:-9] + bytes((value[-9] ^ 1,)) + value[-8:]
            with pytest.raises(TimeoutError):
                await reader.command(Opcode.NOTICE, timeout_s=0.5)
            middle.spoil = lambda value: value
            await approves(there, reader)


async def test_nobody_answers_at_the_reader():
    person = Person()
    person.screen.answer = None
    async with world(screen=person.screen) as there:
        phone = await there.radio.central("phone")
        task = asyncio.create_task(gatt.connect(phone, person.pairing()))
        assert await person.screen.number() is not None
        # The user walks away with the phone
        await there.radio.remove(phone)
        with pytest.raises(ReaderGone):
            await asyncio.wait_for(task, LIMIT_S)
        await person.screen.until_dark()
        person = Person()
        there.screen.answer = person.screen.answer  # type: ignore[union-attr]
        person.screen = there.screen  # type: ignore[assignment]
        await is_well(there, person, (UNAUTHENTICATED,))


def test_a_screen_keeps_what_it_showed():
    screen = Screen()
    assert screen.show(b"C000042\n") == 42 and screen.showing == (COMPARISON, 42)
    assert screen.show(b"P123456\n") is None and screen.showing == (PASSKEY, 123456)
    assert screen.show(b"-\n") is None and screen.showing is None
    assert screen.history == [(COMPARISON, 42), (PASSKEY, 123456)]
