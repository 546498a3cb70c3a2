"""The boards' own code in MicroPython, on stubs of `machine` and `bluetooth` made from MicroPython's documentation.

Every call is recorded and held against the documented signatures, so that a wrong keyword or a constant that does not
exist fails here and not on a bench. The PN532, the chip slot and the magnetic head at the other end of the recorded
UARTs and pins are the bench's.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from mpos.bench.f2f import Stripe
from mpos.bench.field import Field
from mpos.bench.icc import atr as atrs
from mpos.bench.icc_slot import IccSlot, serve_slot
from mpos.bench.mag_head import TELL, MagHead, serve_head
from mpos.bench.pn532_bus import serve_bus
from mpos.bench.pn532_chip import Pn532Chip
from mpos.provision.compile import TOP, compile_tree, firmware_path
from mpos.provision.toolchain import micropython
from tests.host.boards import signatures, wiring
from tests.host.boards.wiring import MODULES, NAMES

LIMIT_S = 30
DEVICE = Path(__file__).with_name("device")
MCU = {"esp32": "ESP32", "esp32s3": "ESP32S3"}  # MICROPY_HW_MCU_NAME
STEPS = ("shape", "entropy", "clock", "link", "contactless", "keys", "factory")
CLOCK, ENTROPY = 808, 504
TRACK_2 = "6212340000000000018=3012101"


class Run:
    """What a MicroPython process printed, and the calls that it recorded."""

    def __init__(self, output: str, code: int | None, calls: list[dict[str, Any]]):
        self.output, self.code, self.calls = output, code, calls

    def named(self, name: str) -> list[dict[str, Any]]:
        return [call for call in self.calls if call["call"] == name]

    def findings(self) -> list[str]:
        return [finding for call in self.calls if (finding := signatures.check(call) or unusual_value(call))]


def unusual_value(call: dict[str, Any]) -> str:
    """A value that the signature allows and the part does not have (MicroPython 1.25, ports/esp32)."""
    constants = signatures.documented("machine").constants
    given = signatures.arguments(call)
    if call["call"] in ("machine.Pin.__init__", "machine.Pin.init"):
        modes = {constants[f"machine.Pin.{mode}"] for mode in ("IN", "OUT", "OPEN_DRAIN")}
        pulls = {None, constants["machine.Pin.PULL_UP"], constants["machine.Pin.PULL_DOWN"]}
        if given.get("mode", constants["machine.Pin.IN"]) not in modes:
            return f"{call['call']}: mode {given['mode']} is none of IN, OUT, OPEN_DRAIN"
        if given.get("pull") not in pulls:
            return f"{call['call']}: pull {given['pull']} is none of None, PULL_UP, PULL_DOWN"
    if call["call"] in ("machine.UART.__init__", "machine.UART.init"):
        allowed = {"bits": {5, 6, 7, 8}, "parity": {None, 0, 1}, "stop": {1, 2}, "id": {0, 1, 2}}
        for name, values in allowed.items():
            if name in given and given[name] not in values:
                return f"{call['call']}: {name} {given[name]} is none of {sorted(values, key=str)}"
        is_console = given.get("id") == 0  # its pins are those that it has already
        if call["call"].endswith("__init__") and not is_console and (missing := {"tx", "rx"} - set(given)):
            return f"{call['call']}: without {sorted(missing)} it takes pins of its own, on the ESP32 the flash's"
    return ""


async def run(tmp_path: Path, path: list[Path], *arguments: str, **environment: str) -> Run:
    for module in ("machine", "bluetooth", "esp32"):
        (tmp_path / f"{module}.py").write_text(signatures.device_module(module), encoding="utf-8")
    record = tmp_path / "record.jsonl"
    places = [tmp_path, DEVICE, *path, TOP / "boards/unix/aioble_standin", firmware_path(32)]
    process = await asyncio.create_subprocess_exec(
        *(str(micropython(32)), "-X", "heapsize=256K", *arguments),
        env={**os.environ, "MICROPYPATH": ":".join(map(str, places)), "MPOS_RECORD": str(record), **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
    finally:
        if process.returncode is None:
            process.kill()
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    return Run(output.decode(), process.returncode, [json.loads(line) for line in lines])


async def exercise(tmp_path: Path, board: str, machine: str, *steps: str, **environment: str) -> Run:
    async with serve_bus(Pn532Chip(Field()), "hsu") as address:
        path = [TOP / "boards" / board, TOP / "boards/esp32"]
        return await run(tmp_path, path, str(DEVICE / "exercise.py"), machine, *steps, MPOS_NFC=address, **environment)


def code_of(call: str) -> str:
    """A call that may also fail on the device: what counts is that its record is found to be wrong."""
    imports = "from esp32 import Partition\nfrom machine import ADC, Pin, Timer, WDT\n"
    return imports + f"try:\n    {call}\nexcept (NotImplementedError, TypeError):\n    pass"


async def snippet(tmp_path: Path, code: str) -> Run:
    return await run(tmp_path, [], "-c", code)


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("board", NAMES)
async def test_every_call_is_a_documented_one(tmp_path: Path, board: str, module: str) -> None:
    result = await exercise(tmp_path, board, f"mPOS {board.upper()} with {MCU[module]}", *STEPS)
    assert result.code == 0 and result.findings() == [], result.output
    assert dict(line.split(" ", 1) for line in result.output.splitlines()) == {
        "shape": str(sorted(board_contract())),
        "entropy": "4",
        "clock": "(2026, 1, 2, 3, 4, 5)",
        "link": f"('mPOS {board.upper()}', 'stand-in')",
        "contactless": "None",
        "keys": "(16, True)",
        "factory": "(True, 'serial')",
    }
    pins = wiring.on_device(board, module)
    uart, chip, console = result.named("machine.UART.__init__")
    assert signatures.arguments(console) == {"id": 0, "baudrate": 115200, "timeout": 0}
    given = signatures.arguments(uart)
    assert (given["id"], given["tx"], given["rx"], given["baudrate"]) == (1, pins["NFC_TX"], pins["NFC_RX"], 115200)
    assert given["rxbuf"] >= longest_frame() and given["txbuf"] >= longest_frame() and given["timeout"] == 0
    # ISO/IEC 7816-3, 7.3: eight bits, even parity (0), and two stop bits for the guard time
    assert signatures.arguments(chip) == {
        "id": 2,
        "baudrate": 9600,
        "bits": 8,
        "parity": 0,
        "stop": 2,
        "tx": pins["CHIP_TX"],
        "rx": pins["CHIP_RX"],
        "txbuf": 512,
        "rxbuf": 512,
        "timeout": 0,
    }
    # The contactless chip in reset; the chip card without power, RST low; the head's STROBE at rest
    assert [signatures.arguments(call) for call in result.named("machine.Pin.__init__")] == [
        {"id": pins["NFC_RESET"], "mode": 3, "value": 0},
        {"id": pins["CHIP_POWER"], "mode": 3, "value": 1},
        {"id": pins["CHIP_RESET"], "mode": 3, "value": 0},
        {"id": pins["CHIP_OFF"], "mode": 1},
        {"id": pins["MAG_STROBE"], "mode": 3, "value": 1},
        {"id": pins["MAG_DATA"], "mode": 1},
    ]
    assert [call["args"] for call in result.named("machine.Pin.value")] == [[1]]
    assert [call["args"] for call in result.named("os.mkdir")] == [["/state"]]


OTHER_BUSES = {
    "spi": ({"NFC_SPI_SCK": 14, "NFC_SPI_MOSI": 13, "NFC_SPI_MISO": 12, "NFC_SPI_SELECT": 15}, "SPI"),
    "i2c": ({"NFC_I2C_SCL": 22, "NFC_I2C_SDA": 21}, "I2C"),
}
RESET_PIN, IRQ_PIN = 4, 36


@pytest.mark.parametrize("irq", [False, True])
@pytest.mark.parametrize("bus", OTHER_BUSES)
async def test_the_pn532_on_another_bus(tmp_path: Path, bus: str, irq: bool) -> None:
    """The bus is the one that the pins name."""
    lines, part = OTHER_BUSES[bus]
    pins = {**lines, "NFC_RESET": RESET_PIN, **({"NFC_IRQ": IRQ_PIN} if irq else {})}
    chip = Pn532Chip(Field())
    code = f"""
import asyncio, esp32_parts
pins = type("", (), {pins})
part = esp32_parts.contactless(pins)
async def session():
    await part.start()
    print(await part.look())
    await part.stop()
asyncio.run(session())
"""
    async with serve_bus(chip, bus, irq) as address:
        wired = {"MPOS_NFC": address, **({"MPOS_NFC_IRQ": str(IRQ_PIN)} if irq else {})}
        result = await run(tmp_path, [TOP / "boards/esp32"], "-c", code, **wired)
    assert result.output == "None\n" and result.findings() == []
    assert not chip.awake
    given = signatures.arguments(result.named(f"machine.{part}.__init__")[0])
    constants = signatures.documented("machine").constants
    if bus == "spi":
        # UM0701-02, 6.2.5: mode 0, lowest bit first, at most 5 MHz
        assert (given["polarity"], given["phase"], given["firstbit"]) == (0, 0, constants["machine.SPI.LSB"])
        assert given["baudrate"] <= 5_000_000
    else:
        assert given["freq"] <= 400_000  # 6.2.4
    # In reset while the lines are set up
    assert [call["args"] for call in result.named("machine.Pin.value") if call["args"] == [1]]


class Card:
    """Of the inverse convention, so that the UART is set more than once."""

    atr = atrs.basic_t1(b"", inverse=True)
    protocol = 1

    def power_on(self) -> None:
        pass

    def exchange(self, command: bytes) -> bytes | None:
        return command + b"\x90\x00"


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("board", NAMES)
async def test_a_chip_card_is_driven_by_documented_calls(tmp_path: Path, board: str, module: str) -> None:
    pins = wiring.on_device(board, module)
    slot = IccSlot(Card())
    async with serve_slot(slot) as address:
        result = await exercise(
            tmp_path,
            board,
            f"x with {MCU[module]}",
            "contact",
            MPOS_CHIP=address,
            MPOS_CHIP_PINS=",".join(str(pins[name]) for name in ("CHIP_POWER", "CHIP_RESET", "CHIP_OFF")),
        )
    assert result.output == f"contact ('{Card.atr.hex()}', 1, '00b2010c009000')\n"
    assert result.findings() == [] and slot.violations == [] and not slot.powered
    settings = [signatures.arguments(call) for call in result.named("machine.UART.init")]
    assert settings == [{"baudrate": 9624, "bits": 8, "parity": parity, "stop": 2} for parity in (0, 1)]


class Swiper(MagHead):
    """A card is swiped when the reader looks for the first time."""

    def receive(self, data: bytes) -> None:
        super().receive(data)
        if TELL in data and not self.swipes:
            self.swipe(Stripe(track2=TRACK_2), direction="back")


@pytest.mark.parametrize(("board", "module"), list(zip(NAMES, MODULES, strict=True)))
async def test_a_swipe_is_read_by_documented_calls(tmp_path: Path, board: str, module: str) -> None:
    pins = wiring.on_device(board, module)
    head = Swiper("21006540")
    async with serve_head(head) as address:
        result = await exercise(
            tmp_path,
            board,
            f"x with {MCU[module]}",
            "swipe",
            MPOS_HEAD=address,
            MPOS_HEAD_PINS=",".join(str(pins[name]) for name in ("MAG_STROBE", "MAG_DATA")),
        )
    assert result.output == f"swipe ('{TRACK_2}', True)\n"
    assert result.findings() == [] and head.violations == []
    assert head.asic is not None and head.asic.memory == {}


def board_contract() -> set[str]:
    """The names of ports.Board."""
    text = (TOP / "firmware/reader/ports.py").read_text(encoding="utf-8").split("class Board(Protocol):")[1]
    return set(re.findall(r"^    (?:def )?(\w+)[:(]", text.split("\nclass ")[0], re.MULTILINE))


def longest_frame() -> int:
    text = (TOP / "firmware/reader/drivers/pn532/frame.py").read_text(encoding="utf-8")
    return int(re.findall(r"^SIZE = const\((\d+)\)", text, re.MULTILINE)[0])


@pytest.mark.parametrize("board", NAMES)
async def test_the_radio_is_on_before_entropy_is_drawn(tmp_path: Path, board: str) -> None:
    result = await exercise(tmp_path, board, "x with ESP32", "entropy")
    drawn = [call["call"] for call in result.calls if call["call"] in ("bluetooth.BLE.active", "os.urandom")]
    assert drawn == ["bluetooth.BLE.active", "bluetooth.BLE.active", "os.urandom", "bluetooth.BLE.active", "os.urandom"]
    assert [call["args"] for call in result.named("bluetooth.BLE.active")] == [[], [True], []]


async def test_the_other_spelling_of_the_microcontroller(tmp_path: Path) -> None:
    result = await exercise(tmp_path, "m35", "Another board with ESP32-S3")
    uart, _ = result.named("machine.UART.__init__")
    assert signatures.arguments(uart)["rx"] == wiring.on_device("m35", "esp32s3")["NFC_RX"]


async def test_no_radio_no_entropy(tmp_path: Path) -> None:
    result = await exercise(tmp_path, "m35", "x with ESP32", "entropy", MPOS_RADIO_BROKEN="1")
    assert result.output == f"entropy error {ENTROPY}\n" and result.named("os.urandom") == []


@pytest.mark.parametrize("how", ["same", "flat"])
async def test_a_generator_that_stands_still_is_out_of_service(tmp_path: Path, how: str) -> None:
    result = await exercise(tmp_path, "m35", "x with ESP32", "entropy", how)
    assert result.output == f"entropy error {ENTROPY}\n"


async def test_a_clock_that_nobody_set(tmp_path: Path) -> None:
    result = await exercise(tmp_path, "d200", "x with ESP32S3", "clock", "unset")
    assert result.output == f"clock error {CLOCK}\n"


async def test_a_second_start_finds_its_folder(tmp_path: Path) -> None:
    result = await exercise(tmp_path, "m35", "x with ESP32", "there", "clock")
    assert result.output.startswith("clock (2026") and result.code == 0


@pytest.mark.parametrize("machine", ["Generic ESP32C3 module with ESP32C3", "linux [GCC] version", "x with ESP32-S2"])
async def test_another_microcontroller_is_refused(tmp_path: Path, machine: str) -> None:
    result = await exercise(tmp_path, "m35", machine)
    assert result.output == f"refused: a board for ESP32 or ESP32S3 modules, this is {machine}\n"
    assert not [call for call in result.calls if call["call"].startswith("machine.")]  # no pin was touched


@pytest.mark.parametrize("board", NAMES)
def test_boards_compile_for_the_microcontroller(tmp_path: Path, board: str) -> None:
    assert compile_tree(tmp_path, "xtensawin", trees=(f"boards/{board}", "boards/esp32")) == []
    made = {path.name for path in tmp_path.rglob("*.mpy")}
    assert made == {"board.mpy", "pins_esp32.mpy", "pins_esp32s3.mpy", "esp32_parts.mpy"}


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("Pin(4, Pin.OUT, values=1)", "unexpected keyword argument 'values'"),
        ("Pin(4, Pin.IN, Pin.PULL_UP, 1)", "too many positional arguments"),
        ("Pin(id=4)", "'id'"),
        ("Pin(4, 'out')", "mode='out' is no int"),
        ("Pin(4, 9)", "none of IN, OUT, OPEN_DRAIN"),
        ("Pin(4, Pin.PULL_UP)", "none of IN, OUT, OPEN_DRAIN"),
        ("Pin(4, Pin.IN, Pin.OUT)", "none of None, PULL_UP, PULL_DOWN"),
        ("Timer(0).value()", "not documented"),
        ("Pin(4, Pin.OUT).value(1, 0)", "too many positional arguments"),
        ("ADC(Pin(34)).width(12)", "not documented"),
        ("WDT(30)", "too many positional arguments"),
        ("Partition.find(Partition.TYPE_DATA, name='keys')", "unexpected keyword argument 'name'"),
        ("Partition('keys').readblocks(0)", "missing a required argument"),
    ],
)
async def test_a_wrong_call_is_found(tmp_path: Path, code: str, why: str) -> None:
    result = await snippet(tmp_path, code_of(code))
    assert any(why in finding for finding in result.findings()), (result.findings(), result.output)


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("baud=9600, tx=1, rx=2", "unexpected keyword argument 'baud'"),
        ("9600, 8, None, 1, 17, 16", "too many positional arguments"),
        ("9600, tx=17", r"without \['rx'\]"),
        ("9600, parity=2, tx=17, rx=16", "parity 2 is none of"),
        ("9600, stop=3, tx=17, rx=16", "stop 3 is none of"),
        ("9600, bits=9, tx=17, rx=16", "bits 9 is none of"),
        ("9600, tx=17, rx=16, rxbuf='512'", "rxbuf='512' is no int"),
    ],
)
async def test_a_wrong_uart_is_found(tmp_path: Path, code: str, why: str) -> None:
    async with serve_bus(Pn532Chip(Field()), "hsu") as address:
        result = await run(tmp_path, [], "-c", f"import machine\nmachine.UART(1, {code})", MPOS_NFC=address)
    (finding,) = result.findings()
    assert re.search(why, finding)


async def test_good_calls_of_parts_still_to_come(tmp_path: Path) -> None:
    calls = [
        "Pin(4, Pin.OPEN_DRAIN, value=1)",
        "Pin(35, Pin.IN, None)",
        "PWM(Pin(23), freq=4000, duty_u16=0)",
        "ADC(Pin(34)).read_uv()",
        "I2C(0, scl=Pin(22), sda=Pin(21), freq=400_000)",
        "SPI(2, baudrate=40_000_000, sck=Pin(18), mosi=Pin(23), miso=Pin(19))",
        "WDT(timeout=8000)",
        "Partition.find(Partition.TYPE_DATA, label='keys')",
    ]
    code = "from esp32 import Partition\nfrom machine import *\n"
    code += "".join(f"try:\n    {call}\nexcept NotImplementedError:\n    pass\n" for call in calls)
    result = await snippet(tmp_path, code)
    assert result.findings() == [] and len(result.calls) > len(calls), result.output


@pytest.mark.parametrize("code", ["Pin.OUTPUT", "Pin.ALT", "UART.IRQ_TXIDLE", "Pin(1).high", "Buzzer"])
async def test_what_is_not_documented_is_not_there(tmp_path: Path, code: str) -> None:
    result = await snippet(tmp_path, f"import machine\nmachine.{code}")
    assert result.code == 1 and "AttributeError" in result.output


async def test_an_answer_nobody_has_thought_of_is_a_fault(tmp_path: Path) -> None:
    result = await snippet(tmp_path, "import machine\nmachine.unique_id()")
    assert "NotImplementedError: machine.unique_id" in result.output
