"""A short run of the fuzzer on each target, and the fuzzer itself: does it see what it is to see?"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.fuzz.__main__ import command, corpus_of
from tests.fuzz.device import TOP
from tests.fuzz.targets import Target, targets

_LIMIT_S = 60
_SECONDS = 2  # a run ends then at the latest; `make fuzz` goes on for longer


@pytest.mark.parametrize("target", targets().values(), ids=lambda target: target.name)
def test_a_short_run_finds_nothing(target: Target, tmp_path: Path) -> None:
    found = tmp_path / "found"
    found.mkdir()
    options = [f"-artifact_prefix={tmp_path}/", "-seed=1", f"-runs={target.runs}", f"-max_total_time={_SECONDS}"]
    done = subprocess.run(
        command(target, *options, str(found), str(corpus_of(target))),
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    broken = [path.read_bytes().hex() for path in tmp_path.iterdir() if path.is_file()]
    assert done.returncode == 0, f"{broken}\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
    assert "Done " in done.stderr, done.stderr[-4000:]


_PROGRAM = """
import sys
from tests.fuzz import engine
from tests.fuzz.targets import target

@target("sample", longest=16)
def sample(data):
    from reader.errors import E_TLV, ReaderError
    from reader.util import ber_tlv
    from tests.fuzz import device
    def read():
        value = ber_tlv.find(data, 0x9F02)
        if value is not None and len(value) > 2:
            {misbehaviour}
    device.attempt(read)

engine.main("sample", sys.argv[1:])
"""


@pytest.mark.parametrize(
    ("misbehaviour", "said"),
    [
        ("raise ReaderError(E_TLV)", "Done "),
        ("raise IndexError('list index out of range')", "IndexError"),
        ("raise ReaderError(899)", "AssertionError"),
        ("while True: pass", "timeout"),
        ("data.append(1)", "AttributeError"),
    ],
)
def test_it_sees_what_a_target_does(misbehaviour: str, said: str, tmp_path: Path) -> None:
    """Two bytes and a length have to be found first, guided by nothing but what the firmware's code does with them."""
    arguments = [f"-artifact_prefix={tmp_path}/", "-seed=1", "-runs=200000", "-max_total_time=20", "-timeout=1"]
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM.format(misbehaviour=misbehaviour), *arguments],
        cwd=TOP,
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert said in done.stdout + done.stderr, done.stderr[-4000:]
    assert (done.returncode == 0) == (said == "Done ")
    assert bool(list(tmp_path.iterdir())) == (said != "Done ")
