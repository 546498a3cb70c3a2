"""`make bench`: measure, compare with the committed figures, show the table.

python -m tests.bench [--json] [--check] [--update] [--sales N] [--no-swipes]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from boards.toolchain.say import SetupError
from mpos.bench.device import FirmwareDied
from mpos.bench.qemu import MachineError
from mpos.provision.compile import CompileError
from mpos.provision.frozen import FreezeError
from mpos.provision.rom import RomError
from mpos.provision.toolchain import ToolchainMissing
from mpos.swipe.decoder import DecoderFailed
from tests.bench import curve, figures, run, table
from tests.bench.emulator import EmulatorFailed
from tests.bench.exchange import TapFailed
from tests.bench.figures import Figures, FiguresError
from tests.bench.heap import SaleFailed
from tests.bench.reference import ReferenceFailed

_DOCS = Path(__file__).resolve().parents[2] / "docs"
COMMITTED = _DOCS / "bench.json"
PAGE = _DOCS / "bench.md"
CURVE = _DOCS / "swipe-jitter.png"

OK, WORSE, FAILED = 0, 1, 2


def main(arguments: list[str] | None = None) -> int:
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.sales < 0 or (options.update and (options.sales != run.SALES or options.no_swipes)):
        parser.error(f"--sales is 0 or more, and --update writes figures of {run.SALES} sales and all swipes only")
    errors = Console(stderr=True)
    try:
        committed = figures.load(COMMITTED)
        # Left out on purpose
        if not options.sales:
            committed.values.pop("heap.after", None)
        if options.no_swipes:
            committed.values = {key: value for key, value in committed.values.items() if not key.startswith("swipes.")}
        with errors.status("measuring") as status:
            now = run.measure(options.sales, status.update, not options.no_swipes)
    except (
        *(
            CompileError,
            DecoderFailed,
            EmulatorFailed,
            FiguresError,
            FirmwareDied,
            FreezeError,
            MachineError,
            ReferenceFailed,
        ),
        *(RomError, SaleFailed, SetupError, TapFailed, ToolchainMissing),
    ) as error:
        print(f"make bench: {error}", file=sys.stderr)
        return FAILED
    return finish(now, committed, options, Console(width=None if sys.stdout.isatty() else 170))


def finish(now: Figures, committed: Figures, options: argparse.Namespace, console: Console) -> int:
    """Show what was measured, write it if asked to; the exit code."""
    if options.json:
        print(now.as_json(), end="")
    else:
        table.show(now, committed, console)
    if options.update:
        COMMITTED.write_text(now.as_json())
        PAGE.write_text(table.page(figures.load(COMMITTED)))
        if now.curve:
            curve.draw(now.curve, CURVE)
        return OK
    worse = figures.worse(now, committed)
    for text in worse:
        print(f"worse: {text}", file=sys.stderr)
    return WORSE if worse and options.check else OK


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print the figures as JSON instead of the table")
    parser.add_argument("--check", action="store_true", help="exit 1 when a figure is past 3 %% worse than committed")
    parser.add_argument(
        "--update", action="store_true", help="write docs/bench.json, docs/bench.md and docs/swipe-jitter.png"
    )
    parser.add_argument(
        "--sales", type=int, default=run.SALES, help="sales in a row for the heap (default %(default)s)"
    )
    parser.add_argument("--no-swipes", action="store_true", help="leave out the thousands of generated swipes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
