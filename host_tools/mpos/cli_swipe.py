"""`mpos swipe`: decode a recorded swipe with the firmware's own decoder, say what is on it masked, draw it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from mpos.cli_console import fail, out

READ, UNREAD, FAILED = 0, 1, 2

app = typer.Typer(no_args_is_help=True, add_completion=False)


@app.command(
    "swipe", epilog="Example: mpos swipe recording.wav --png swipe.png. Exit codes: 0 read; 1 not read; 2 error."
)
def swipe_command(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="WAV of a head's signal, or times between reversals in us.")
    ],
    track: Annotated[
        int | None, typer.Option(min=1, max=3, help="Only this track, or which one a recording of one track is.")
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Draw wave, bit cells, bits and characters into this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one record and nothing else.")] = False,
) -> None:
    """Decode a recorded swipe with the reader's own firmware. Card data are masked, in the drawing too."""
    from mpos.provision.compile import CompileError
    from mpos.provision.toolchain import ToolchainMissing
    from mpos.swipe import recording, report
    from mpos.swipe.decoder import Decoder, DecoderFailed

    try:
        swipes = recording.load(file)
        with Decoder() as decoder:
            read = [
                (
                    swipe,
                    [
                        report.read(decoder, part, track)
                        for part in swipe.tracks
                        if track in (None, part.number) or part.number is None
                    ],
                )
                for swipe in swipes
            ]
        readings = [reading for _, of_swipe in read for reading in of_swipe]
        if not readings:
            raise recording.RecordingError(f"{file}: there is no track {track} in it")
        if png is not None:
            from mpos.swipe.drawing import draw

            draw(readings, png, title=file.name)
    except (recording.RecordingError, CompileError, DecoderFailed, ToolchainMissing, OSError) as error:
        raise fail(str(error), FAILED) from None
    if as_json:
        records = [{"at_s": round(s.at_s, 3), "tracks": [report.record(r) for r in of_swipe]} for s, of_swipe in read]
        print(json.dumps({"file": file.name, "swipes": records}))
    else:
        for swipe, of_swipe in read:
            if len(read) > 1:
                out.print(f"swipe at {swipe.at_s:.2f} s")
            for reading in of_swipe:
                for line in report.lines(reading):
                    out.print(line, markup=False, soft_wrap=True)
    raise typer.Exit(READ if all(reading.decoded.ok for reading in readings) else UNREAD)
