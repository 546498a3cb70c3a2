"""Whole contact transactions under MicroPython with cards that answer at random (device_side/random_card.py).

python -m tests.fuzz.random_cards                       --count 500 with each card
python -m tests.fuzz.random_cards --card chip --first 4711 --count 1 --trace
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mpos.bench.world import HEAP, bench_tables
from mpos.provision import rom, toolchain
from mpos.provision.compile import program
from tests.fuzz.device import TOP

CONVERSATIONS = TOP / "tests" / "fuzz" / "conversations"
_PROGRAM = TOP / "tests" / "fuzz" / "device_side" / "random_card.py"
_LIMIT_S = 300


@dataclass(frozen=True)
class Run:
    """What became of it: exit code, what was printed, and of a good one the counts by name."""

    code: int
    output: str
    counts: dict[str, int]


def cards() -> list[str]:
    return sorted(path.stem for path in CONVERSATIONS.glob("*.txt"))


def run(card: str, first: int, count: int, mode: str = "") -> Run:
    """`count` transactions with the mutations that the numbers from `first` on are seeds of. `mode`: as the program's."""
    with tempfile.NamedTemporaryFile() as tables:
        Path(tables.name).write_bytes(bench_tables())
        conversation = CONVERSATIONS / f"{card}.txt"
        arguments = [str(conversation), tables.name, str(first), str(count), mode]
        done = subprocess.run(
            [str(toolchain.micropython(32)), "-X", f"heapsize={HEAP}", str(program(_PROGRAM)), *arguments],
            env={"PATH": os.environ.get("PATH", ""), "MPOS_ROM": str(rom.build(32, toolchain.aioble()[0]))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_LIMIT_S,
            check=False,
        )
    output = done.stdout.decode(errors="replace")
    last = output.strip().rpartition("\n")[2].split()
    counts = dict(word.split("=") for word in last[1:]) if last[:1] == ["done"] else {}
    return Run(done.returncode, output, {name: int(value) for name, value in counts.items()})


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.random_cards", description=__doc__.partition("\n")[0])
    parser.add_argument("--card", choices=cards(), help="only this one")
    parser.add_argument("--first", type=int, default=1, metavar="N", help="number of the first transaction (1)")
    parser.add_argument("--count", type=int, default=500, metavar="N", help="with each card (500)")
    parser.add_argument("--trace", action="store_true", help="show each APDU")
    options = parser.parse_args(arguments)
    good = True
    for card in [options.card] if options.card else cards():
        done = run(card, options.first, options.count, "trace" if options.trace else "")
        print(f"{card}: {done.output.strip()}")
        good &= done.code == 0 and bool(done.counts)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
