"""The whole world around one reader: radio, contactless chip, cards, acquirer, and the firmware in its own process."""

from __future__ import annotations

import asyncio
import json
import tempfile
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path

from mpos.acquirer import Acquirer
from mpos.bench import test_keys
from mpos.bench.device import ROOT, Device, FirmwareDied, UnixDevice
from mpos.bench.device_qemu import PhoneLine, QemuDevice
from mpos.bench.emv_keys import BENCH_CAPKS, BENCH_EXCEPTIONS, BENCH_REVOKED
from mpos.bench.field import Field
from mpos.bench.icc_slot import IccSlot, serve_slot
from mpos.bench.keypad import Typist, serve_keypad
from mpos.bench.mag_head import MagHead, serve_head
from mpos.bench.pn532_bus import serve_bus
from mpos.bench.pn532_chip import Pn532Chip, serve_chip
from mpos.bench.radio import Radio
from mpos.bench.tda8029_chip import Tda8029Chip, serve_coupler
from mpos.link import gatt
from mpos.link.client import Pipe, ReaderClient
from mpos.provision import emv_tables

PARAMETERS = ROOT / "boards" / "unix" / "parameters.json"
HEAP = "128K"


@cache
def bench_tables() -> bytes:
    """The file of applications and keys that the bench's readers get: the published ones, and the bench's own CA."""
    return emv_tables.build(extra_capks=BENCH_CAPKS, revoked=BENCH_REVOKED, exceptions=BENCH_EXCEPTIONS)


def with_scheme(parameters: Path, changed: Path, scheme: str, mac: str | None) -> Path:
    """A copy of the parameter file in `changed`, with this key scheme, and this MAC if one is named."""
    document = json.loads(parameters.read_text())
    document["host"] |= {"key_scheme": scheme, **({"mac": mac} if mac is not None else {})}
    changed.write_text(json.dumps(document))
    return changed


class World:
    """`async with World(field) as world:` then `async with world.connect() as reader`.

    head: the magnetic head; None: one behind an ASIC (qemu has none).
    bus: "hsu", "spi" or "i2c", by which the contactless chip is joined; irq: its IRQ line is wired, too (unix).
    slot: the chip slot with its card; None: an empty one. coupler: True: a TDA8029 stands before it (always on qemu).
    typist: the cardholder at the PIN pad; None: nobody types. pin_pad: False: there is none (unix).
    state: folder that keeps the reader's stores and the acquirer's books from run to run; None: a fresh one.
    target: "unix" (a process, BLE) or "qemu" (the emulated microcontroller, a serial link).
    aioble: folder with the aioble to use; None: the one that set-up found.
    binary: a MicroPython with the firmware frozen into it (mpos.provision.frozen); None: run from a ROM image.
    acquirer: an Acquirer of the caller's, or an address `host:port` of one that runs elsewhere; None: a fresh one.
    scheme, mac: the key scheme and the MAC (keys of the parameter file), in place of what the parameters say.
    radio: a Radio of the caller's; None: an unpaced virtual one.
    """

    def __init__(
        self,
        field: Field | None = None,
        *,
        slot: IccSlot | None = None,
        head: MagHead | None = None,
        coupler: bool = False,
        typist: Typist | None = None,
        pin_pad: bool = True,
        state: Path | None = None,
        acquirer: Acquirer | str | None = None,
        radio: Radio | None = None,
        chip: Pn532Chip | None = None,
        bus: str = "hsu",
        irq: bool = False,
        parameters: Path = PARAMETERS,
        scheme: str | None = None,
        mac: str | None = None,
        target: str = "unix",
        aioble: Path | None = None,
        bits: int = 32,
        heap: str = HEAP,
        binary: Path | None = None,
    ):
        self.field = field or Field()
        self.chip = chip or Pn532Chip(self.field)
        self.bus = bus
        self.irq = irq
        self.slot = slot or IccSlot()
        self.head = head or MagHead()
        self.coupler = coupler or target == "qemu"
        self.typist = typist or Typist(None)
        self.pin_pad = pin_pad
        self.radio = radio or Radio()
        self.acquirer = acquirer
        self.parameters = parameters
        self.scheme = scheme
        self.mac = mac
        self.target = target
        self.aioble = aioble
        self.bits = bits
        self.heap = heap
        self.binary = binary
        self.acquirer_address = ""
        self.state = state or Path()  # a temporary folder from _open on when there is none
        self._is_kept = state is not None
        self.line: PhoneLine | None = None  # of a target with a serial link
        self.device: Device
        self._stack = AsyncExitStack()
        self._phones = 0

    async def __aenter__(self) -> World:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        enter = self._stack.enter_async_context
        if not self._is_kept:
            self.state = Path(self._stack.enter_context(tempfile.TemporaryDirectory(prefix="mpos-")))
        self.state.mkdir(parents=True, exist_ok=True)
        if self.acquirer is None:
            self.acquirer = Acquirer(state=self.state / "acquirer.json")
        if isinstance(self.acquirer, str):
            self.acquirer_address = self.acquirer
        else:
            running = await enter(self.acquirer)
            self.acquirer_address = f"{running.host}:{running.port}"
        if self.scheme is not None:
            self.parameters = with_scheme(self.parameters, self.state / "parameters.json", self.scheme, self.mac)
        tables = self.state / "emv.tlv"
        tables.write_bytes(bench_tables())
        # The emulated board's line is the plain one of its UART
        is_plain = self.target == "qemu"
        nfc = await enter(serve_chip(self.chip) if is_plain else serve_bus(self.chip, self.bus, self.irq))
        slot = await enter(serve_coupler(Tda8029Chip(self.slot)) if self.coupler else serve_slot(self.slot))
        keys = await enter(serve_keypad(self.typist))
        if self.target == "qemu":
            self.line = await enter(PhoneLine())
            lines = (nfc, self.line.address, slot, keys)
            self.device = QemuDevice(lines, self.state / "board", self.parameters, tables)
            is_new = not (self.state / "board").exists()
        else:
            head = await enter(serve_head(self.head))
            await enter(self.radio)
            self.device = self._unix_device(nfc, slot, head, keys, tables)
            is_new = not (self.state / "keys").exists()
        if is_new:
            await self.personalise()
        await self.start_reader()
        self._stack.push_async_callback(self.stop_reader)

    def _unix_device(self, nfc: str, slot: str, head: str, keys: str, tables: Path) -> UnixDevice:
        environment = {
            "MPOS_NFC": nfc,
            "MPOS_NFC_BUS": self.bus,
            **({"MPOS_NFC_IRQ": "1"} if self.irq else {}),
            "MPOS_COUPLER" if self.coupler else "MPOS_CHIP": slot,
            "MPOS_HEAD" if self.head.asic else "MPOS_EDGES": head,
            **({"MPOS_KEYS": keys} if self.pin_pad else {}),
            "MPOS_EMV": str(tables),
            "MPOS_RADIO": self.radio.address,
            "MPOS_STATE": str(self.state),
            "MPOS_PARAMETERS": str(self.parameters),
        }
        return UnixDevice(environment, self.aioble, self.bits, self.heap, self.binary)

    async def personalise(self, ksn: bytes = test_keys.KSN_BASE) -> str:
        """Inject the initial key of `ksn`, and the bench's keys of cards; returns what the reader said."""
        key = test_keys.initial_key(test_keys.BDK, ksn)
        cards = [f"{slot} {kind} {card_key.hex()}" for slot, kind, card_key in test_keys.CARD_KEYS]
        return await self.device.personalise("\n".join([f"{key.hex()} {ksn.hex()}", *cards]))

    async def start_reader(self) -> None:
        """Switch the reader on."""
        await self.device.start()

    async def stop_reader(self) -> None:
        """Pull the plug."""
        await self.device.stop()

    @property
    def output(self) -> str:
        """What the firmware has printed: nothing, when all is well."""
        return self.device.output

    async def connect(self) -> ReaderClient:
        """A phone of its own that has found the reader and subscribed. Raises ReaderGone, FirmwareDied."""
        died = asyncio.create_task(self.device.died(), name="firmware watch")
        pipe: asyncio.Task[Pipe] = asyncio.create_task(self._pipe(), name="phone connects")
        try:
            await asyncio.wait([died, pipe], return_when=asyncio.FIRST_COMPLETED)
            if pipe.done():
                return ReaderClient(pipe.result())
            raise FirmwareDied(self.output.strip() or "the firmware ended without a word")
        finally:
            for task in (died, pipe):
                if not task.done():
                    task.cancel()
            await asyncio.gather(died, pipe, return_exceptions=True)

    async def _pipe(self) -> Pipe:
        if self.line is not None:
            return await self.line.pipe()
        self._phones += 1
        return await gatt.connect(await self.radio.central(f"phone {self._phones}"))
