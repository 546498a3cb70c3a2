"""The figures as a table: on a terminal, and as the page docs/bench.md."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from tests.bench import figures
from tests.bench.figures import GROUPS, Figures

_HEAD = ("", "now", "budget", "of budget", "change", "otherwise")

_PAGE = """# What the firmware costs

Made by `make bench UPDATE=1`; `make bench` measures again and compares, `make bench CHECK=1` fails past 3 % worse.

"""

_HOW = """
## How it is measured

**Instructions** are counted by the emulated microcontroller of `boards/qemu_rv32` (RV32IMC, the instruction set of an
ESP32-C3; heap of 128 KB; firmware executed in place from its ROM image) under QEMU's `-icount`, so that a figure
is the same in every run, whatever the PC is doing. Every program runs in two boots of the machine; figures that differ are marked as unstable
and shown with both values. Garbage collection is off inside a single operation and on in the whole sale.
Divided by 160 MHz an instruction count is a floor for the time on a real chip, which also waits for its flash.

**The whole sale** is the product's firmware with a PN532 and a card played on the device, at the level of the serial
line's bytes. What the played parts do, and waiting for them, is left out of the count. Key and counter stores are
files on the board's flash. The sale that counts is the second one after power-on.

**Heap** is what `gc.mem_alloc()` says after a collection: after boot, at the worst step, and after 1,000 sales in
a row on the 32-bit unix port with a heap of 128 KB, in the simulated world with radio, phone and host; by phase, above
what is in use at idle, on the emulated board. Frozen is how a reader's own build has the firmware; from a ROM image
it takes more, because names and tables of the modules are then in the heap. What a thousand sales leave behind may
be 1 KB. On the unix port the simulated radio's
driver, which a reader does not have, is in the figures.

**Otherwise** is the same work by what one would take instead: DES of mbed TLS, with a DUKPT and an X9.19 written for
it in C (`tests/bench/c`, compiled with -O2 for the same core, counted in the same machine, results compared with the
firmware's; it keeps its keys in memory and computes no check value over them), and pyiso8583 on CPython beside the
firmware's codec on MicroPython's 64-bit unix port (wall time of this PC, median of the runs, never compared).
"""


def show(now: Figures, committed: Figures, console: Console) -> None:
    """Print the table, then what is over a budget."""
    table = Table(title="make bench", title_justify="left")
    for head in _HEAD:
        table.add_column(head, justify="left" if head in ("", "otherwise") else "right")
    for group in GROUPS:
        rows = figures.lines(group, now, committed)
        if not rows:
            continue
        table.add_section()
        table.add_row(f"[bold]{group.title}[/bold]")
        for row in rows:
            style = "red" if row.bad else None
            table.add_row(row.what, row.now, row.budget, row.of_budget, row.change, row.other, style=style)
    console.print(table)
    for text in figures.missed(now):
        console.print(f"over budget: {text}", style="red", highlight=False)


def page(now: Figures) -> str:
    """docs/bench.md."""
    text = _PAGE
    for group in GROUPS:
        rows = figures.lines(group, now, now)
        text += f"## {group.title}\n\n| | now | budget | of budget | otherwise |\n|---|---:|---:|---:|---|\n"
        for row in rows:
            text += f"| {row.what} | {row.now} | {row.budget} | {row.of_budget} | {row.other} |\n"
        text += "\n"
    over = figures.missed(now)
    text += "Every budget for which there is a figure is met.\n" if not over else "Not met: " + "; ".join(over) + ".\n"
    versions = ", ".join(f"{name} {version}" for name, version in sorted(now.versions.items()))
    return text + _HOW + f"\nMeasured with {versions}.\n"
