"""Every line of both boards against what both modules can do; the READMEs against what the firmware is given."""

from __future__ import annotations

import re

import pytest

from mpos.provision.compile import TOP
from tests.host.boards import wiring
from tests.host.boards.module_pins import ESP32, ESP32_S3, broken_laws
from tests.host.boards.wiring import MODULES, NAMES, Line

PARTS = {  # of both boards, then of each
    "": "NFC_TX NFC_RX NFC_RESET CHIP_TX CHIP_RX CHIP_RESET CHIP_POWER CHIP_OFF MAG_STROBE MAG_DATA BUZZER BATTERY TAMPER",
    "m35": "I2C_SDA I2C_SCL KEY_IRQ LED_1 LED_2 LED_3 LED_4",
    "d200": "LCD_SCK LCD_MOSI LCD_MISO LCD_CS LCD_DC LCD_RESET LCD_LIGHT TOUCH_CS TOUCH_IRQ",
}


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("board", NAMES)
def test_module_can_do_what_the_board_asks(board: str, module: str) -> None:
    assert list(broken_laws(module, wiring.readme(board).values())) == []


@pytest.mark.parametrize("board", NAMES)
def test_every_part_has_its_lines(board: str) -> None:
    assert set(wiring.readme(board)) == set((PARTS[""] + " " + PARTS[board]).split())


@pytest.mark.parametrize("module", MODULES)
@pytest.mark.parametrize("board", NAMES)
def test_readme_says_what_the_firmware_is_given(board: str, module: str) -> None:
    assert wiring.on_device(board, module) == {n: line.gpio[module] for n, line in wiring.readme(board).items()}


def test_docs_show_the_same_pins() -> None:
    text = (TOP / "docs/wiring.md").read_text(encoding="utf-8")
    shown: dict[tuple[str, str], dict[str, int]] = {(b, m): {} for b in NAMES for m in MODULES}
    for name, cells in re.findall(r"^\| `([A-Z0-9_]+)` \|(.*)\|$", text, re.MULTILINE):
        for (board, module), cell in zip(shown, cells.split("|"), strict=False):
            if cell.strip() != "-":
                shown[board, module][name] = int(cell)
    for (board, module), pins in shown.items():
        assert pins == wiring.on_device(board, module), f"{board}, {module}"


def line(gpio: int, direction: str = "in", reset: str = "high", name: str = "X", module: str = "esp32") -> Line:
    return Line(name, {module: gpio}, direction, reset, "a part")


@pytest.mark.parametrize(
    ("module", "bad", "why"),
    [
        ("esp32", line(34, "out", "low"), "an input only"),
        ("esp32", line(36, "both"), "an input only"),
        ("esp32", line(39, "in", "open"), "no pull resistor"),
        ("esp32", line(6), "flash"),
        ("esp32", line(11), "flash"),
        ("esp32", line(3), "console"),
        ("esp32", line(20), "no such pin"),
        ("esp32", line(24), "no such pin"),
        ("esp32", line(37), "no such pin"),
        ("esp32", line(40), "no such pin"),
        ("esp32", line(-1), "no such pin"),
        ("esp32", line(12, "in", "high"), "must be low or open"),
        ("esp32", line(2, "out", "high"), "must be low or open"),
        ("esp32", line(0, "in", "low"), "must be high or open"),
        ("esp32", line(15, "out", "low"), "must be high or open"),
        ("esp32", line(25, "analog", "open"), "ADC2"),
        ("esp32", line(18, "analog", "open"), "converter"),
        ("esp32", line(4, "out", "open"), "sees no level"),
        ("esp32", line(4, "output"), "direction"),
        ("esp32", line(4, "in", "up"), "level"),
        ("esp32s3", line(22, module="esp32s3"), "no such pin"),
        ("esp32s3", line(49, module="esp32s3"), "no such pin"),
        ("esp32s3", line(19, module="esp32s3"), "USB"),
        ("esp32s3", line(26, module="esp32s3"), "flash"),
        ("esp32s3", line(33, module="esp32s3"), "no such pin"),
        ("esp32s3", line(36, module="esp32s3"), "PSRAM"),
        ("esp32s3", line(41, module="esp32s3"), "JTAG"),
        ("esp32s3", line(44, module="esp32s3"), "console"),
        ("esp32s3", line(45, "in", "high", module="esp32s3"), "must be low or open"),
        ("esp32s3", line(46, "out", "high", module="esp32s3"), "must be low or open"),
        ("esp32s3", line(0, "in", "low", module="esp32s3"), "must be high or open"),
        ("esp32s3", line(12, "analog", "open", module="esp32s3"), "ADC2"),
        ("esp32s3", line(38, "analog", "open", module="esp32s3"), "converter"),
    ],
)
def test_law_finds(module: str, bad: Line, why: str) -> None:
    (found,) = broken_laws(module, [bad])
    assert why in found


def test_law_finds_a_pin_used_twice() -> None:
    (found,) = broken_laws("esp32", [line(4, name="A"), line(4, name="B")])
    assert "so is A" in found


def test_law_lets_pass() -> None:
    for module, pins in (("esp32", ESP32), ("esp32s3", ESP32_S3)):
        free = sorted(pins.on_pads - pins.input_only - set(pins.taken) - set(pins.strapping))
        assert list(broken_laws(module, [line(g, "out", "low", f"L{g}", module) for g in free])) == []
    assert len(free) == 21  # [SW] 36 GPIOs on pads, less straps, USB, PSRAM, JTAG and console


def test_table_is_read_strictly() -> None:
    row = "| `A` | 1 | 2 | in | high | x |\n"
    assert wiring.parse(row)["A"].gpio == {"esp32": 1, "esp32s3": 2}
    with pytest.raises(ValueError, match="twice"):
        wiring.parse(row + row)
    with pytest.raises(ValueError, match="unpack"):
        wiring.parse("| `A` | 1 | 2 | in | high |\n")


@pytest.mark.parametrize("board", NAMES)
def test_current_budget_adds_up(board: str) -> None:
    text = (wiring.BOARDS / board / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| [^|*]+ \| (\d+) \|", text.split("## Current")[1].split("## ")[0], re.MULTILINE)
    (total,) = re.findall(r"\*\*all at once\*\* \| \*\*(\d+)\*\*", text)
    assert len(rows) > 5 and sum(map(int, rows)) == int(total) < 600  # the AP2112K's limit
