"""What pytest's users select is what runs on the device, in any order and any distribution."""

from __future__ import annotations

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
