"""The phone comes back: after radio loss, its own restart, the reader's restart; with a sale that waits for its answer.

Each time is from the loss, as the reader notices it, to the first answer in a new session, and is bounded by what
docs/link.md says.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mpos.bench.display import Person
from mpos.bench.radio import Pace, Radio
from mpos.bench.world import World
from mpos.link import gatt
from mpos.link.client import ReaderClient, ReaderGone
from mpos.link.messages import Opcode, State, Tag
from mpos.link.pairing import BondLost, Pairing, file_bonds
from mpos.link.secure import open_session
from mpos.phone import host
from tests.e2e.conftest import AMOUNT, CARD_TIMEOUT_S, CNY, approves, until_idle
from tests.e2e.conftest import world as plain_world

# docs/link.md, "Coming back": with a connection interval of 37.5 ms, and at once
WITHIN_S = {None: 2.0, 0.0375: 3.0}
# The reader's own start is in it
RESTART_WITHIN_S = {None: 4.0, 0.0375: 5.0}
SUPERVISION_S = 0.72
HOME = "C0:00:00:00:00:07"


class Phone:
    """One phone with an address of its own, that can be switched off and on."""

    def __init__(self, there: World, person: Person, bonds: Path | None = None):
        self.there = there
        self.person = person
        self.bonds = bonds
        self.pairing = self._pairing()
        self.device = None
        self.pipe: gatt.GattPipe | None = None

    def _pairing(self) -> Pairing:
        return self.person.pairing(**({"bonds": file_bonds(self.bonds)} if self.bonds is not None else {}))

    async def connect(self) -> ReaderClient:
        """The pipe, and a session on it, as often as it takes to find the reader."""
        if self.device is None:
            self.device = await self.there.radio.central("phone", HOME)
        self.pipe = await gatt.connect(self.device, self.pairing)
        return ReaderClient(await open_session(self.pipe, self.there.key_service))

    async def restart(self, keeps_bonds: bool = True) -> None:
        await self.there.radio.remove(self.device)
        self.device = None
        if not keeps_bonds and self.bonds is not None:
            self.bonds.unlink(missing_ok=True)
        self.pairing = self._pairing()


@asynccontextmanager
async def place(tmp_path: Path, interval: float | None = None, **options) -> AsyncIterator[tuple[World, Phone, Person]]:
    person = Person()
    radio = Radio(Pace(interval) if interval else None)
    async with plain_world(screen=person.screen, radio=radio, **options) as there:
        yield there, Phone(there, person, tmp_path / "bonds.json"), person
        assert there.output == ""


async def lose(there: World, phone: Phone) -> None:
    there.radio.drop()


async def lose_and_notice_late(there: World, phone: Phone) -> None:
    """The reader believes in the link until its supervision time-out, and nobody can find it before."""
    there.radio.drop(SUPERVISION_S)


async def phone_restarts(there: World, phone: Phone) -> None:
    await phone.restart()


async def phone_forgets(there: World, phone: Phone) -> None:
    await phone.restart(keeps_bonds=False)


async def reader_restarts(there: World, phone: Phone) -> None:
    await there.stop_reader()
    await there.start_reader()


LOSSES: list[tuple[Callable[[World, Phone], Awaitable[None]], bool]] = [
    (lose, False),
    (lose_and_notice_late, False),
    (phone_restarts, False),
    (phone_forgets, True),
    (reader_restarts, False),
]


@pytest.mark.parametrize("interval", [None, 0.0375])
@pytest.mark.parametrize(("loss", "pairs_anew"), LOSSES, ids=[loss.__name__ for loss, _ in LOSSES])
async def test_the_phone_comes_back_in_time(loss, pairs_anew, interval, tmp_path, record_property):
    async with place(tmp_path, interval) as (there, phone, person):
        async with await phone.connect():
            shown = len(person.screen.history)
            assert shown == 1
            began = time.monotonic()
            await loss(there, phone)
            async with await phone.connect() as reader:
                await reader.command(Opcode.NOTICE)  # nothing that a link without a session answers
                took = time.monotonic() - began - (SUPERVISION_S if loss is lose_and_notice_late else 0)
                assert phone.pipe is not None and phone.pipe.connection.is_encrypted
                record_property("seconds", round(took, 3))
                print(f"{loss.__name__} {interval}: {took:.3f} s")
                within = RESTART_WITHIN_S if loss is reader_restarts else WITHIN_S
                assert took <= within[interval], took
                assert len(person.screen.history) == shown + pairs_anew
        if interval is None:
            async with await phone.connect() as reader:
                await approves(there, reader)


@pytest.mark.parametrize("interval", [None, 0.0375])
@pytest.mark.parametrize("loss", [lose, lose_and_notice_late, phone_restarts, phone_forgets])
async def test_an_answer_that_was_under_way_is_handed_in(loss, interval, tmp_path):
    """The packet has left, the link is lost, the host approves: the phone comes back and the sale ends approved."""
    async with place(tmp_path, interval) as (there, phone, _person):
        async with await phone.connect() as reader:
            number = await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
            while (event := await reader.event(10)).opcode != Opcode.ONLINE_REQUEST:
                pass
            await loss(there, phone)
            answer = await host.forward(there.acquirer_address, event.body[Tag.PACKET])
            with pytest.raises(ReaderGone):
                while True:
                    await reader.event(5)
        async with await phone.connect() as reader:
            info = await reader.command(Opcode.GET_INFO)
            assert info.number_of(Tag.READER_STATE) == State.ONLINE
            await reader.online_result(number, answer)
            while (event := await reader.event(10)).opcode != Opcode.RESULT:
                pass
            assert (event.number, event.text_of(Tag.RESPONSE_CODE)) == (number, "00")
            await until_idle(reader)
            await reader.acknowledge(number)
            if interval is None:
                await approves(there, reader)


async def test_twenty_times_in_a_row(tmp_path, aioble):
    async with place(tmp_path, aioble=aioble) as (there, phone, person):
        heaps = []
        for turn in range(20):
            async with await phone.connect() as reader:
                heaps.append((await reader.command(Opcode.GET_INFO)).number_of(Tag.HEAP))
                await (lose, lose_and_notice_late, phone_restarts)[turn % 3](there, phone)
        assert len(person.screen.history) == 1
        assert max(heaps[5:]) - min(heaps[5:]) < 1024, heaps


# -- bonds


async def test_a_reader_that_has_lost_the_bond_is_paired_again_only_with_open_eyes(tmp_path):
    async with place(tmp_path) as (there, phone, person):
        async with await phone.connect():
            pass
        for number in range(4):
            other = await there.radio.central("other", f"C0:00:00:00:01:{number:02X}")
            await (await gatt.connect(other, person.pairing())).close()
            await there.radio.remove(other)
        with pytest.raises(BondLost, match="Pair it again"):
            await phone.connect()
        shown = len(person.screen.history)
        phone.pairing.renew = True
        async with await phone.connect() as reader:
            await approves(there, reader)
        assert len(person.screen.history) == shown + 1


async def test_another_reader_under_the_same_address_hears_nothing(tmp_path):
    """An impostor that has everything but the bond: the phone hangs up before it has said a word."""
    async with place(tmp_path) as (there, phone, person):
        async with await phone.connect():
            pass
        await there.stop_reader()
        heard: list[bytes] = []
        there.radio.on_air(lambda _direction, pdu: heard.append(pdu))
        # One without a display asks for nothing, and can decrypt nothing
        environment = there.device.environment
        kept = environment.pop("MPOS_DISPLAY")
        await there.start_reader()
        with pytest.raises(BondLost):
            await phone.connect()
        assert heard == []
        environment["MPOS_DISPLAY"] = kept
        await there.stop_reader()
        await there.start_reader()
        async with await phone.connect() as reader:
            await approves(there, reader)
        assert len(person.screen.history) == 1


async def test_the_power_goes_while_a_bond_is_kept(tmp_path):
    """At each operation on the flash from the reader's start to the new phone's first answer: the old phone's bond is there
    every time, and the new phone is paired, or has to be paired again; an answer it had means that it is."""
    async with place(tmp_path) as (there, phone, person):
        async with await phone.connect():
            pass
        outcomes = []
        cut = 0
        while not outcomes or outcomes[-1] != "whole":
            cut += 1
            await there.stop_reader()
            there.device.environment["MPOS_POWER_CUT"] = str(cut)
            await there.start_reader()
            other = await there.radio.central("other", f"C0:00:00:00:02:{cut:02X}")
            pairing = person.pairing()
            answered = False
            try:
                async with asyncio.timeout(10):
                    pipe = await gatt.connect(other, pairing)
                    async with ReaderClient(pipe) as reader:
                        await reader.command(Opcode.GET_INFO)
                        answered = True
                        # What comes later is not of the bond
            except ReaderGone:
                pass
            except TimeoutError:
                pytest.fail(f"cut {cut}: nobody noticed")
            await there.stop_reader()
            del there.device.environment["MPOS_POWER_CUT"]
            await there.start_reader()
            try:
                await (await gatt.connect(other, pairing)).close()
                knows = True
            except BondLost:
                knows = False
            assert knows or not answered, cut
            outcomes.append("whole" if answered else "kept" if knows else "lost")
            await there.radio.remove(other)
            shown = len(person.screen.history)
            # The old phone: at most four are kept, and it comes between all others
            async with await phone.connect() as client:
                await client.command(Opcode.NOTICE)
            assert len(person.screen.history) == shown
            if cut % 2 == 0:
                # Make it the newest again, so that it stays among the four
                await phone.restart(keeps_bonds=False)
                async with await phone.connect():
                    pass
            assert cut < 40
        assert "lost" in outcomes, outcomes
