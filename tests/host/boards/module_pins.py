"""What the pins of the two modules can do, and the law that a board's wiring is checked by.

[E] ESP32 Series Datasheet; [EW] ESP32-WROOM-32E & ESP32-WROOM-32UE Datasheet; [S] ESP32-S3 Series Datasheet;
[SW] ESP32-S3-WROOM-1 & ESP32-S3-WROOM-1U Datasheet. Sections by name, because their numbers change with the version.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from tests.host.boards.wiring import Line

DIRECTIONS = {"out", "in", "both", "analog"}
RESET_LEVELS = {"high", "low", "open"}


@dataclass(frozen=True)
class Module:
    """`on_pads`: GPIOs on the module's pads. `taken`: GPIO to the reason why it is not free."""

    name: str
    on_pads: frozenset[int]
    input_only: frozenset[int]
    adc1: frozenset[int]
    adc2: frozenset[int]
    strapping: dict[int, set[str]]  # the levels at reset that lead to a normal boot and leave download mode reachable
    taken: dict[int, str] = field(default_factory=dict)


ESP32 = Module(
    "ESP32-WROOM-32E",
    # [EW] Pin Definitions: GPIO20, 24, 28 to 31 are none; 37 and 38 end inside the module
    on_pads=frozenset({*range(20), 21, 22, 23, 25, 26, 27, 32, 33, 34, 35, 36, 39}),
    input_only=frozenset(range(34, 40)),  # [E] IO pins: neither output drivers nor pull resistors
    adc1=frozenset(range(32, 40)),  # [E] Analog functions: ADC1_CH0 to 7
    adc2=frozenset({0, 2, 4, 12, 13, 14, 15, 25, 26, 27}),  # the same: ADC2_CH0 to 9
    strapping={  # [E] Strapping pins
        0: {"high", "open"},  # internal pull-up; low is download boot
        2: {"low", "open"},  # internal pull-down; high keeps download boot from starting
        5: {"high", "open"},  # internal pull-up; timing of the SDIO slave
        12: {"low", "open"},  # MTDI, internal pull-down; high sets the flash's supply to 1.8 V
        15: {"high", "open"},  # MTDO, internal pull-up; low silences the boot messages
    },
    taken={
        1: "the console (U0TXD)",
        3: "the console (U0RXD)",
        **dict.fromkeys(range(6, 12), "the module's flash"),  # [EW] Pin Definitions: SCK/CLK to SCS/CMD
    },
)
ESP32_S3 = Module(
    "ESP32-S3-WROOM-1",
    # [SW] Pin Definitions: GPIO22 to 25 are none; 26 to 32 end inside the module
    on_pads=frozenset({*range(22), *range(35, 49)}),
    input_only=frozenset(),
    adc1=frozenset(range(1, 11)),  # [S] Analog functions: ADC1_CH0 to 9
    adc2=frozenset(range(11, 21)),  # the same: ADC2_CH0 to 9
    strapping={  # [S] Strapping pins
        0: {"high", "open"},  # weak pull-up; low is download boot
        3: {"high", "low", "open"},  # floating; chooses a JTAG source only once eFuses are burnt
        45: {"low", "open"},  # weak pull-down; high sets VDD_SPI to 1.8 V
        46: {"low", "open"},  # weak pull-down; high keeps download boot from starting
    },
    taken={
        19: "USB (D-)",
        20: "USB (D+)",
        **dict.fromkeys(range(26, 33), "the flash"),
        **dict.fromkeys((35, 36, 37), "the octal PSRAM of the R8 modules"),  # [SW] note to Pin Definitions
        **dict.fromkeys(range(39, 43), "JTAG"),  # MTCK, MTDO, MTDI, MTMS
        43: "the console (U0TXD)",
        44: "the console (U0RXD)",
    },
)
MODULES = {"esp32": ESP32, "esp32s3": ESP32_S3}


def broken_laws(module_name: str, lines: Iterable[Line]) -> Iterator[str]:
    """What of the wiring the module cannot do, a sentence each."""
    module = MODULES[module_name]
    seen: dict[int, str] = {}
    for line in lines:
        gpio = line.gpio[module_name]
        where = f"{module.name}: {line.name} on GPIO{gpio}"
        if line.direction not in DIRECTIONS or line.reset not in RESET_LEVELS:
            yield f"{where}: direction {line.direction!r}, level {line.reset!r}"
            continue
        if gpio in seen:
            yield f"{where}: so is {seen[gpio]}"
        seen[gpio] = line.name
        if gpio in module.taken:
            yield f"{where}: that is {module.taken[gpio]}"
        elif gpio not in module.on_pads:
            yield f"{where}: the module has no such pin"
        if line.direction in ("out", "both") and gpio in module.input_only:
            yield f"{where}: an input only"
        if line.direction == "in" and line.reset == "open" and gpio in module.input_only:
            yield f"{where}: nothing gives it a level, and it has no pull resistor of its own"
        if line.direction == "analog":
            if gpio in module.adc2:
                yield f"{where}: ADC2 is the radio's while it is on"
            elif gpio not in module.adc1:
                yield f"{where}: not an input of the converter"
        if line.direction == "out" and line.reset == "open":
            yield f"{where}: the part it drives sees no level until the firmware runs"
        if gpio in module.strapping and line.reset not in module.strapping[gpio]:
            allowed = " or ".join(sorted(module.strapping[gpio]))
            yield f"{where}: a strapping pin, {line.reset} at reset where it must be {allowed}"
