"""Every input that is kept, those that once broke something among them, against its target."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fuzz.__main__ import CORPUS, corpus_of
from tests.fuzz.targets import Target, targets

_TARGETS = list(targets().values())
_LONGEST_CORPUS = 200_000  # bytes, all files of a target


def _inputs(target: Target) -> list[Path]:
    return sorted(path for path in corpus_of(target).iterdir() if path.is_file())


@pytest.mark.parametrize("target", _TARGETS, ids=lambda target: target.name)
def test_nothing_breaks(target: Target) -> None:
    inputs = _inputs(target)
    assert inputs, f"no seeds in {corpus_of(target)}"
    for path in inputs:
        data = path.read_bytes()
        assert len(data) <= target.longest, path
        try:
            target.function(data)
        except BaseException as error:
            error.add_note(f"python -m tests.fuzz {target.name} --replay {path}")
            raise
    assert sum(path.stat().st_size for path in inputs) <= _LONGEST_CORPUS


@pytest.mark.parametrize("target", _TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("data", [b"", b"\x00", b"\xff"])
def test_the_shortest(target: Target, data: bytes) -> None:
    target.function(data)


@pytest.mark.parametrize("target", _TARGETS, ids=lambda target: target.name)
@pytest.mark.parametrize("byte", [0x00, 0x7F, 0xFF])
def test_the_longest(target: Target, byte: int) -> None:
    target.function(bytes((byte,)) * target.longest)


def test_no_corpus_without_a_target() -> None:
    assert {path.name for path in CORPUS.iterdir() if path.is_dir()} == {target.name for target in _TARGETS}
