"""The whole world around one reader: radio, contactless chip, cards, acquirer, and the firmware in its own process."""

from __future__ import annotations

import asyncio
import json
import shutil
import tempfile
from contextlib import AsyncExitStack
from functools import cache
from pathlib import Path

from mpos.acquirer import Acquirer
from mpos.bench import provisioned
from mpos.bench.device import ROOT, Device, FirmwareDied, UnixDevice
from mpos.bench.device_qemu import FLASH, PhoneLine, QemuDevice
from mpos.bench.display import Screen, serve_screen
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
from mpos.link.messages import Role
from mpos.link.secure import open_session
from mpos.provision import emv_tables, factory

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
    screen: the reader's, on which phones are paired; None: it has none, and pairs none (unix).
    radio: a Radio of the caller's; None: an unpaced virtual one.
    serial: a serial line leads to the phone, and no radio (always on qemu).
    blank: the reader has not been through the factory.

    The reader is the bench's own, provisioned (bench/provisioned.py); its parameters and tables are copies in `state`.
    key_service: gives `connect` its session keys; a test may put another one there.
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
        screen: Screen | None = None,
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
        serial: bool = False,
        blank: bool = False,
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
        self.screen = screen
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
        self.serial = serial or target == "qemu"
        self.blank = blank
        self.key_service = factory.key_service(provisioned.bench_vault())
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
        parameters, tables = self.state / "parameters.json", self.state / "emv.tlv"
        if self.scheme is not None:
            with_scheme(self.parameters, parameters, self.scheme, self.mac)
        else:
            shutil.copyfile(self.parameters, parameters)
        tables.write_bytes(bench_tables())
        # The emulated board's line is the plain one of its UART
        is_plain = self.target == "qemu"
        nfc = await enter(serve_chip(self.chip) if is_plain else serve_bus(self.chip, self.bus, self.irq))
        slot = await enter(serve_coupler(Tda8029Chip(self.slot)) if self.coupler else serve_slot(self.slot))
        keys = await enter(serve_keypad(self.typist))
        if self.serial:
            self.line = await enter(PhoneLine())
        if self.target == "qemu":
            assert self.line is not None
            await self._prepare_qemu((nfc, self.line.address, slot, keys), parameters, tables)
        else:
            head = await enter(serve_head(self.head))
            await enter(self.radio)
            screen = await enter(serve_screen(self.screen)) if self.screen is not None else None
            self.device = device = self._unix_device(nfc, slot, head, keys, screen, parameters, tables)
            if not self.blank and not (self.state / "ring").exists():
                made = await provisioned.unix_state(PARAMETERS, bench_tables(), device.image)
                provisioned.copy(made, self.state)
        await self.start_reader()
        self._stack.push_async_callback(self.stop_reader)

    async def _prepare_qemu(self, lines: tuple[str, ...], parameters: Path, tables: Path) -> None:
        board = self.state / "board"
        self.device = device = QemuDevice(lines, board, parameters, tables)
        if (board / FLASH).exists():
            return
        board.mkdir(exist_ok=True)
        if not self.blank:
            provisioned.copy(await provisioned.qemu_state(PARAMETERS, bench_tables()), board)
        if self.blank or parameters.read_bytes() != PARAMETERS.read_bytes():
            await device.put_files()

    def _unix_device(
        self, nfc: str, slot: str, head: str, keys: str, screen: str | None, parameters: Path, tables: Path
    ) -> UnixDevice:
        environment = {
            "MPOS_NFC": nfc,
            "MPOS_NFC_BUS": self.bus,
            **({"MPOS_NFC_IRQ": "1"} if self.irq else {}),
            "MPOS_COUPLER" if self.coupler else "MPOS_CHIP": slot,
            "MPOS_HEAD" if self.head.asic else "MPOS_EDGES": head,
            **({"MPOS_KEYS": keys} if self.pin_pad else {}),
            **({"MPOS_DISPLAY": screen} if screen is not None else {}),
            **({"MPOS_DISPLAY_KEYS": "1"} if self.screen is not None and self.screen.has_keys else {}),
            "MPOS_EMV": str(tables),
            "MPOS_RADIO": self.radio.address,
            **({"MPOS_PHONE": self.line.address} if self.line is not None else {}),
            "MPOS_STATE": str(self.state),
            "MPOS_PARAMETERS": str(parameters),
        }
        return UnixDevice(environment, self.aioble, self.bits, self.heap, self.binary)

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

    async def connect(self, secure: bool = True, role: Role = Role.FIELD) -> ReaderClient:
        """A phone of its own that has found the reader, subscribed and opened a session; secure=False: without that.

        Raises ReaderGone, FirmwareDied, ReaderRefused, KeyRefused.
        """
        died = asyncio.create_task(self.device.died(), name="firmware watch")
        pipe: asyncio.Task[Pipe] = asyncio.create_task(self._pipe_for(secure, role), name="phone connects")
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

    async def _pipe_for(self, secure: bool, role: Role) -> Pipe:
        pipe = await self.pipe()
        if not secure:
            return pipe
        try:
            return await open_session(pipe, self.key_service, role)
        except BaseException:
            await pipe.close()
            raise

    async def pipe(self) -> Pipe:
        """Whole messages to and from the reader, in clear. Raises ReaderGone."""
        if self.line is not None:
            return await self.line.pipe()
        self._phones += 1
        return await gatt.connect(await self.radio.central(f"phone {self._phones}"))
