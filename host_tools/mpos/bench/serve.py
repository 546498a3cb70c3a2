"""A reader of the bench that stays, for other programs on this machine: on loopback ports that the system picks.

By radio: every connection to the HCI port is given a Bluetooth controller of its own on the bench's air, as Bumble's
`tcp-client:` expects it. By serial line: a socket, and a pseudo-terminal; whoever came last speaks, all others only hear.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import tty
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bumble.transport.common import ParserSource, StreamPacketSink

from mpos.acquirer import Acquirer, dukpt, dukpt_aes
from mpos.bench.cards import CARDS, make_card
from mpos.bench.cards.entry import CONTACT, SWIPE
from mpos.bench.field import Field
from mpos.bench.icc_slot import IccSlot
from mpos.bench.radio import Radio
from mpos.bench.radio_link import RadioController
from mpos.bench.run import typist
from mpos.bench.world import World
from mpos.link.client import ReaderGone
from mpos.provision import firmware
from mpos.provision.keys import initial_ksn
from mpos.provision.vault import Vault

_PIECE = 4096


@dataclass
class Serving:
    """transports: names for `mpos reader`. acquirer: address."""

    world: World
    transports: list[str] = field(default_factory=list)
    acquirer: str = ""


@asynccontextmanager
async def serving(
    board: str = "unix",
    *,
    state: Path | None = None,
    card: str | None = None,
    serial: bool = False,
    blank: bool = False,
    vault: Vault | None = None,
    on_log: Callable[[str], None] = lambda text: None,
) -> AsyncIterator[Serving]:
    """Until the block ends. board: unix or qemu. serial: no radio (always so on qemu, and in the factory). blank: the reader has
    not been through the factory. vault: the acquirer has its base derivation keys instead of the bench's.

    Raises ValueError on an unknown card.
    """
    if board == "qemu":
        firmware.build("qemu_rv32")
    antenna, slot, pin = Field(), IccSlot(), None
    if card is not None:
        targets = make_card(card)  # says so when there is none
        entry = CARDS[card]
        pin = entry.pin
        if entry.interface == SWIPE:
            raise ValueError(f"{card!r} would have to be swiped: take a card to insert or to tap")
        if entry.interface == CONTACT:
            slot.insert(targets[0])
        else:
            antenna = Field(*targets)
    async with AsyncExitStack() as stack:
        host = Acquirer(state=None if state is None else state / "acquirer.json", **key_sets(vault))
        host.on_log = on_log
        world = World(
            antenna,
            slot=slot,
            typist=typist(pin),
            state=state,
            acquirer=host,
            target=board,
            serial=serial or blank,
            blank=blank,
        )
        await stack.enter_async_context(world)
        there = Serving(world, acquirer=world.acquirer_address)
        if world.serial:
            there.transports += await stack.enter_async_context(_line(world))
        else:
            there.transports.append(await stack.enter_async_context(_air(world.radio)))
        yield there


def key_sets(vault: Vault | None) -> dict[str, Any]:
    """Options of an Acquirer that has this vault's base derivation keys; None: the bench's."""
    if vault is None:
        return {}
    first = vault.key_set + bytes(4)
    return {
        "key_sets": {dukpt.key_set(initial_ksn(first)): vault.keys["tdes-bdk"]},
        "aes_key_sets": {dukpt_aes.key_set(first): vault.keys["aes-bdk"]},
    }


# --- the radio


class _Guest(asyncio.Protocol, ParserSource):
    """The controller at one connection."""

    def __init__(self, radio: Radio, name: str):
        ParserSource.__init__(self)
        self._radio = radio
        self._name = name
        self._controller: RadioController | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._controller = controller = self._radio.guest(self._name)
        controller.host = StreamPacketSink(transport)  # type: ignore[arg-type]
        self.set_packet_sink(controller)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._controller is not None:
            self._controller.host = None
            self._radio.leave(self._controller)


@asynccontextmanager
async def _air(radio: Radio) -> AsyncIterator[str]:
    names = iter(range(1, 1 << 16))
    server = await asyncio.get_running_loop().create_server(
        lambda: _Guest(radio, f"guest {next(names)}"), "127.0.0.1", 0
    )
    try:
        yield f"bumble:tcp-client:127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


# --- the line


class _Line:
    """Between the reader's end of the line, whichever connection that is at the moment, and everybody at the other end."""

    def __init__(self, world: World):
        self._world = world
        self.listeners: list[Callable[[bytes], object]] = []
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """For ever: what the reader says goes to all."""
        assert self._world.line is not None
        while True:
            try:
                reader, self._writer = await self._world.line.streams()
            except ReaderGone:
                continue  # it is restarting, or off
            with contextlib.suppress(OSError):
                while data := await reader.read(_PIECE):
                    for listener in list(self.listeners):
                        listener(data)

    def write(self, data: bytes) -> None:
        """To the reader; to nobody while it restarts."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(data)


@asynccontextmanager
async def _line(world: World) -> AsyncIterator[list[str]]:
    line = _Line(world)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        listener = writer.write
        line.listeners.append(listener)
        try:
            with contextlib.suppress(OSError):
                while data := await reader.read(_PIECE):
                    line.write(data)
        finally:
            line.listeners.remove(listener)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    with _terminal(line) as path:
        task = asyncio.create_task(line.run(), name="line")
        try:
            yield [f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}", f"serial:{path}"]
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            server.close()


@contextlib.contextmanager
def _terminal(line: _Line) -> Iterator[str]:
    """A pseudo-terminal that anybody may open, and close again: our own hold on its other end keeps it from hanging up."""
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    loop = asyncio.get_running_loop()

    def typed() -> None:
        with contextlib.suppress(OSError):
            line.write(os.read(master, _PIECE))

    def heard(data: bytes) -> None:
        # Nobody may have it open: then it is full some day, and what does not fit is lost as on a real line
        with contextlib.suppress(BlockingIOError):
            os.write(master, data)

    loop.add_reader(master, typed)
    line.listeners.append(heard)
    try:
        yield os.ttyname(slave)
    finally:
        line.listeners.remove(heard)
        loop.remove_reader(master)
        os.close(master)
        os.close(slave)
