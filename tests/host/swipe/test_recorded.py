"""Real recorded swipes, where there are any: ~/.cache/mpos/swipes holds copies of published ones, and none is committed.

Each folder there is one source. A file is to read in every track that it has, unless its name begins with `unread`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from boards.toolchain.places import cache_dir
from mpos.swipe import recording, report

FOLDER = cache_dir() / "swipes"
FILES = sorted(path for path in FOLDER.rglob("*") if path.suffix in (".wav", ".csv", ".txt"))


@pytest.mark.skipif(bool(FILES), reason="there are some")
def test_there_are_none():
    pytest.skip(f"no recorded swipes in {FOLDER}: copies of published ones (WAV, edge times) would be read here")


@pytest.mark.parametrize("path", FILES, ids=[f"{path.parent.name}-{path.stem}" for path in FILES])
def test_a_recorded_swipe_reads(decoder, path: Path):
    reasons = [report.read(decoder, track).decoded.reason for swipe in recording.load(path) for track in swipe.tracks]
    assert reasons
    assert all(reasons) if path.stem.startswith("unread") else not any(reasons)
