"""What pytest's users select is what runs on the device, in any order and any distribution."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from harness.scratch import Scratch

# Each function leaves its name in a module-level list: what a later one prints is what ran in this process.
_NAMES = ("alpha", "beta", "gamma", "delta")
_FILE = "ran = []\n" + "".join(
    f"\n\ndef test_{name}():\n    ran.append('{name}')\n    print('ran', ran)\n    assert '{name}' != 'gamma'\n"
    for name in _NAMES
)
_FILES = {"test_a.py": _FILE, "test_b.py": _FILE.replace("test_", "test_b_")}
_PASSED = {"alpha": "passed", "beta": "passed", "gamma": "failed", "delta": "passed"}


def _expected(prefix: str, names: tuple[str, ...] = _NAMES) -> dict[str, str]:
    return {prefix + name: _PASSED[name] for name in names}


def test_everything(scratch: Scratch) -> None:
    result = scratch.run(_FILES, "-v")
    assert result.outcomes == _expected("test_") | _expected("test_b_")
    assert "test_a.py::test_alpha PASSED" in result.text
    assert "ran ['alpha', 'beta', 'gamma']" in result.output("test_gamma")
    assert "ran ['alpha', 'beta', 'gamma', 'delta']" in result.output("test_b_delta")


def test_by_keyword(scratch: Scratch) -> None:
    result = scratch.run(_FILES, "-k", "alpha or delta")
    assert result.outcomes == _expected("test_", ("alpha", "delta")) | _expected("test_b_", ("alpha", "delta"))
    assert "ran ['alpha', 'delta']" in result.output("test_delta")


def test_by_node_id(scratch: Scratch) -> None:
    result = scratch.run(_FILES, "test_a.py::test_delta", "test_a.py::test_alpha", "test_b.py::test_b_beta")
    assert result.outcomes == _expected("test_", ("delta", "alpha")) | _expected("test_b_", ("beta",))
    assert "ran ['delta', 'alpha']" in result.output("test_alpha")


def test_an_unknown_node_id(scratch: Scratch) -> None:
    result = scratch.run(_FILES, "test_a.py::test_absent")
    assert result.code == 4
    assert "not found" in result.text


@pytest.mark.parametrize("option", ["-x", "--maxfail=1"])
def test_stop_at_the_first_failure(scratch: Scratch, option: str) -> None:
    result = scratch.run(_FILES, option)
    assert result.outcomes == _expected("test_", ("alpha", "beta", "gamma"))


def test_last_failed(scratch: Scratch) -> None:
    scratch.run(_FILES)
    result = scratch.run(_FILES, "--lf")
    assert result.outcomes == {"test_gamma": "failed", "test_b_gamma": "failed"}


def test_collect_only(scratch: Scratch) -> None:
    result = scratch.run(_FILES, "--collect-only", "-q")
    assert result.text.splitlines()[:8] == [f"test_a.py::test_{n}" for n in _NAMES] + [
        f"test_b.py::test_b_{n}" for n in _NAMES
    ]


@pytest.mark.parametrize("distribution", ["load", "loadfile", "worksteal"])
def test_in_parallel(scratch: Scratch, distribution: str) -> None:
    result = scratch.run(_FILES, "-p", "xdist.plugin", "-n", "2", "--dist", distribution)
    assert "2 failed, 6 passed" in result.text
    assert result.outcomes == _expected("test_") | _expected("test_b_")
    assert "test_a.py:19: in test_gamma" in result.failure("test_gamma")


def test_the_report_in_junit_xml(scratch: Scratch) -> None:
    result = scratch.run({"test_a.py": _FILE})
    (suite,) = result.junit.iter("testsuite")
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors"), suite.get("skipped")) == (
        "4",
        "1",
        "0",
        "0",
    )
    (case,) = [case for case in suite.iter("testcase") if case.get("name") == "test_gamma"]
    assert (case.get("classname"), case.get("file"), case.get("line")) == ("test_a", "test_a.py", "15")
    (failure,) = case.iter("failure")
    assert failure.get("message") == "AssertionError: 'gamma' != 'gamma'"


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ("native", '  File "'),
        ("line", "test_a.py:19: AssertionError: 'gamma' != 'gamma'"),
        ("short", "E   AssertionError: 'gamma' != 'gamma'"),
        ("long", "E   AssertionError: 'gamma' != 'gamma'"),
    ],
)
def test_styles_of_traceback(scratch: Scratch, style: str, expected: str) -> None:
    assert expected in scratch.run({"test_a.py": _FILE}, f"--tb={style}").text


def test_prints_are_shown_at_once_when_nothing_is_captured(scratch: Scratch) -> None:
    assert "ran ['alpha', 'beta']" in scratch.run({"test_a.py": _FILE}, "-s", "-k", "alpha or beta").text


def test_a_file_stays_on_one_worker(scratch: Scratch) -> None:
    result = scratch.run(_FILES, "-p", "xdist.plugin", "-n", "2", "-v")
    workers = {name: set(re.findall(rf"\[(gw\d)\].*(?:PASSED|FAILED) {name}::", result.text)) for name in _FILES}
    assert [len(found) for found in workers.values()] == [1, 1]


def _processes_below(folder: Path) -> list[str]:
    """The MicroPython processes that have a module of `folder` on their path."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"MICROPYPATH={folder}".encode() in (process / "environ").read_bytes():
                found.append(process.name)
        except OSError:  # not ours, or gone
            continue
    return found


def _wait_for(condition, limit_s: float = 20) -> None:  # type: ignore[no-untyped-def]
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_interrupt_leaves_no_process_behind(scratch: Scratch) -> None:
    scratch.write({"test_endless.py": "def test_endless():\n    while True:\n        pass\n"})
    environment = {**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    # A shell that runs tests in the background may have switched the signal off for all below it.
    code = (
        "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(pytest.main())"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, f"--rootdir={scratch.folder}"],
        cwd=scratch.folder,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        _wait_for(lambda: _processes_below(scratch.folder))
        run.send_signal(signal.SIGINT)
        text, _ = run.communicate(timeout=20)
    finally:
        run.kill()
    assert run.returncode == 2
    assert "KeyboardInterrupt" in text
    assert _processes_below(scratch.folder) == []
