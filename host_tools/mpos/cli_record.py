"""`mpos card record`: a swipe of one of the bench's stripe cards as a recorder beside a head would have it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mpos.cli_console import fail, out

RATE = 96_000  # samples a second

app = typer.Typer(no_args_is_help=True, add_completion=False)


class Direction(StrEnum):
    forward = "forward"
    back = "back"


@app.command("record", epilog="Example: mpos card record stripe-pin swipe.wav --speed 60 --jitter 8")
def record(
    card: Annotated[str, typer.Argument(metavar="CARD", help="A name of `mpos card list --interface swipe`.")],
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="A head's signal (.wav), or times between reversals in us (.txt, .csv)."),
    ],
    speed: Annotated[float, typer.Option(min=1, max=500, help="In cm/s.")] = 40.0,
    acceleration: Annotated[float, typer.Option(help="In cm/s each second.")] = 0.0,
    jitter: Annotated[float, typer.Option(min=0, max=100, help="In percent of a bit.")] = 0.0,
    noise: Annotated[float, typer.Option(min=0, max=1, help="Of the signal, as a part of a peak.")] = 0.0,
    direction: Annotated[Direction, typer.Option(help="Which way the card passes.")] = Direction.forward,
    seed: Annotated[int, typer.Option(help="The same one gives the same swipe.")] = 1,
) -> None:
    """Record a swipe of a card of the bench, for `mpos swipe` and for tools that read a head's signal."""
    from mpos.bench import head_signal
    from mpos.bench.cards import CARDS, make_card
    from mpos.bench.cards.entry import SWIPE

    if card not in CARDS or CARDS[card].interface != SWIPE:
        raise fail(f"{card!r} is no card to swipe; `mpos card list --interface swipe` has them")
    options: dict[str, Any] = {
        "speed_cm_s": speed,
        "acceleration": acceleration,
        "jitter_percent": jitter,
        "direction": direction.value,
        "seed": seed,
    }
    (made,) = make_card(card)
    try:
        if file.suffix == ".wav":
            head_signal.write(file, head_signal.swiped(made.stripe, RATE, noise=noise, **options), RATE)
        elif file.suffix in (".txt", ".csv"):
            head_signal.edges(file, made.stripe, **options)
        else:
            raise fail(f"{file.name}: what shall it be? Name it .wav (a signal), .txt or .csv (times)")
    except (ValueError, OSError) as error:
        raise fail(str(error)) from None
    out.print(f"{file}: {card}, {direction.value} at {speed:g} cm/s; now `mpos swipe {file}`", markup=False)
