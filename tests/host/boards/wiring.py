"""The wiring tables of the boards' READMEs: the pins that a person solders, as data."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from pathlib import Path

BOARDS = Path(__file__).resolve().parents[3] / "boards"
NAMES = ("m35", "d200")
MODULES = ("esp32", "esp32s3")  # columns of the table, and pins_<this>.py


@dataclass(frozen=True)
class Line:
    """One row. `reset`: what the board's own parts hold the line at until the firmware drives it."""

    name: str
    gpio: dict[str, int]
    direction: str  # seen from the module: out, in, both, analog
    reset: str  # high, low, open
    to: str


def readme(board: str) -> dict[str, Line]:
    """The wiring table of a board's README, by name of the line."""
    return parse((BOARDS / board / "README.md").read_text(encoding="utf-8"))


def parse(text: str) -> dict[str, Line]:
    lines: dict[str, Line] = {}
    for row in re.findall(r"^\| `([A-Z0-9_]+)` \|(.*)\|$", text, re.MULTILINE):
        esp32, s3, direction, reset, to = (cell.strip() for cell in row[1].split("|"))
        if row[0] in lines:
            raise ValueError(f"{row[0]} stands in the table twice")
        lines[row[0]] = Line(row[0], {"esp32": int(esp32), "esp32s3": int(s3)}, direction, reset, to)
    return lines


def on_device(board: str, module: str) -> dict[str, int]:
    """The constants of pins_<module>.py."""
    tree = ast.parse((BOARDS / board / f"pins_{module}.py").read_text(encoding="utf-8"))
    pins: dict[str, int] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            assert isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Call)
            assert node.targets[0].id not in pins, f"{node.targets[0].id} twice"
            pins[node.targets[0].id] = ast.literal_eval(node.value.args[0])
    return pins
