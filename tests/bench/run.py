"""Measure everything once over: the emulated core, the heap, what others need for the same."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from boards.toolchain import sources
from mpos.provision import frozen, toolchain
from tests.bench import emulator, exchange, heap, reference, swipes
from tests.bench.figures import ROWS, Figures, FiguresError

SALES = 1000
_AT_ONCE = 2

# What a program tells besides figures: it did the work, and this much of it
_EXPECTED = {
    "result.sale": 3,
    "result.insert": 3,
    "result.signed": 3,
    "result.offline": 3,
    "result.visa": 3,
    "result.visa_offline": 3,
    "iso8583.request.fields": 17,
    "iso8583.all_fields.fields": 21,
    "stripe.bits.characters": 76 + 37 + 104,
    "stripe.edges.characters": 76 + 37 + 104,
}
_RESULT = "result."
_C = "c."

Say = Callable[[str], None]


def measure(sales: int, say: Say, with_swipes: bool = True) -> Figures:
    """All figures. `say` is told what is being done. Raises EmulatorFailed, ReferenceFailed, SaleFailed, TapFailed,
    FiguresError."""
    found = Figures(versions=versions())
    with tempfile.TemporaryDirectory(prefix="mpos-bench-") as name:
        folder = Path(name)
        say("compiling the C reference")
        program = reference.build(folder)
        emulator.prepare(folder)
        say("counting instructions on the emulated core, in two boots each")
        # Side by side: what is counted are instructions, and no other work of the machine is among them
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            runs = list(pool.map(lambda _: _core(folder, program), range(2)))
        check(runs[0])
        found.add_runs(*[kept(run) for run in runs])
    if with_swipes:
        swept = swipes.sweep(swipes.SWIPES, say)
        found.values.update(swept.figures())
        found.curve = {f"{jitter:g}": [round(part, 4) for part in parts] for jitter, parts in swept.curve.items()}
    say("timing the codec beside pyiso8583")
    found.values.update(reference.wall_times())
    say("counting bytes on the line to the contactless chip")
    found.values.update(asyncio.run(exchange.tap()))
    say("freezing the whole firmware into the 32-bit unix port, and booting it")
    binary = frozen.build()
    with ProcessPoolExecutor(_AT_ONCE) as pool:
        in_a_row = [pool.submit(_many, *work) for work in ((binary, sales), (binary, sales, True)) if sales]
        booted = [pool.submit(_boot, binary) for _ in range(2)]
        found.add_runs(*[each.result() for each in booted])
        if sales:
            say(f"{sales} sales in a row, and {min(sales, heap.INSERTED_MOST)} by insert")
        for each in in_a_row:
            found.values.update(each.result())
    return found


def _boot(binary: Path) -> dict[str, float]:
    return asyncio.run(heap.boot(binary))


def _many(binary: Path, sales: int, inserted: bool = False) -> dict[str, float]:
    return asyncio.run(heap.many_inserted(binary, sales) if inserted else heap.many(binary, sales))


def _core(folder: Path, program: Path) -> dict[str, Any]:
    return {**emulator.firmware("single", folder), **emulator.firmware("whole", folder), **emulator.bare(program)}


def check(run: dict[str, Any]) -> None:
    """Raises FiguresError unless the programs did the work they were to do, and C's results are the firmware's."""
    for name, expected in _EXPECTED.items():
        if run.get(name) != expected:
            raise FiguresError(f"{name} is {run.get(name)} and not {expected}: other work was measured")
    compared = [name for name in run if name.startswith(_C + _RESULT)]
    if not compared:
        raise FiguresError("the C reference has told no result")
    for name in compared:
        if run.get(name.removeprefix(_C)) != run[name]:
            raise FiguresError(f"{name} is {run[name]}, the firmware's {run.get(name.removeprefix(_C))}")


def kept(run: dict[str, Any]) -> dict[str, float]:
    """The figures of the table, and what they are compared with."""
    others = {row.other for row in ROWS.values()}
    return {name: float(value) for name, value in run.items() if name in ROWS or name in others}


def versions() -> dict[str, str]:
    """What the figures depend on besides the firmware."""
    return {
        "MicroPython": toolchain.micropython_version(),
        "aioble": toolchain.aioble()[1],
        "QEMU": emulator.version(),
        "gcc": reference.compiler_version(),
        "mbed TLS": sources.MBEDTLS,
    }
