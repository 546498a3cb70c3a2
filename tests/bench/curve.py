"""The part of swipes that are read, against jitter, as a picture for docs/swipe.md."""

from __future__ import annotations

from pathlib import Path

from matplotlib.figure import Figure

from tests.bench.swipes import JITTER_PERCENT

_SIZE_IN = (7.0, 3.6)
_DPI = 110
_STYLES = (("#1f4e79", "-", "o"), ("#b26a00", "-", "s"), ("#4a7c3a", "--", "^"))


def draw(curve: dict[str, list[float]], path: Path) -> None:
    """`curve`: jitter in percent -> the part of tracks 1, 2 and 3 that was read."""
    figure = Figure(figsize=_SIZE_IN, dpi=_DPI, layout="constrained")
    axis = figure.subplots()
    axis.axvspan(0, JITTER_PERCENT, color="#eef2f5")
    axis.text(JITTER_PERCENT / 2, 8, "ISO/IEC 7811", ha="center", fontsize=8, color="#5b6670")
    jitters = [float(name) for name in curve]
    for track, (colour, line, mark) in enumerate(_STYLES):
        parts = [100 * parts[track] for parts in curve.values()]
        axis.plot(jitters, parts, line, marker=mark, markersize=3.5, color=colour, label=f"track {track + 1}")
    axis.set_xlabel("jitter: most that an interval is too long or too short, % of a bit cell", fontsize=8)
    axis.set_ylabel("tracks read, %", fontsize=8)
    axis.set_xlim(left=0)
    axis.set_ylim(-3, 103)
    axis.grid(color="#dde3e8", linewidth=0.6)
    axis.tick_params(labelsize=8)
    axis.legend(fontsize=8)
    figure.savefig(path, metadata={"Software": None})
