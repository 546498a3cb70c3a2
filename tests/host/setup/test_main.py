"""The order of the set-up: warm it does nothing, cold it waits for another one, failures are sentences."""

import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from boards.toolchain import __main__ as program
from boards.toolchain import places
from boards.toolchain.places import CLONE


def test_warm_it_only_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "is_warm", lambda cache: True)
    monkeypatch.setattr(program.qemu, "is_warm", lambda cache: True)
    monkeypatch.setattr(program, "private_apt", lambda cache: pytest.fail("work was begun"))
    for wanted in (False, True):
        monkeypatch.setattr(program.qemu, "is_wanted", lambda wanted=wanted: wanted)
        assert program.main([]) == 0


def test_the_emulated_board_is_made_only_when_it_is_wanted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    monkeypatch.setenv("MPOS_CACHE", str(tmp_path))
    monkeypatch.setattr(program, "is_warm", lambda cache: bool(made))
    monkeypatch.setattr(program, "_make_all", lambda cache, apt: made.append("all"))
    monkeypatch.setattr(program.qemu, "is_warm", lambda cache: False)
    monkeypatch.setattr(program.qemu, "ensure", lambda cache, apt: made.append("qemu"))
    for wanted, then in ((False, ["all"]), (True, ["all", "qemu"])):
        made.clear()
        monkeypatch.setattr(program.qemu, "is_wanted", lambda wanted=wanted: wanted)
        assert program.main([]) == 0
        assert made == then
    assert program.main([]) == 0
    assert made == ["all", "qemu", "qemu"]


@pytest.mark.parametrize("missing", ["micropython", "mpy_cross"])
def test_what_was_deleted_makes_it_cold(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = {"micropython": {"32": sys.executable}, "mpy_cross": sys.executable}
    gone = {"micropython": {"32": str(tmp_path / "gone")}, "mpy_cross": str(tmp_path / "gone")}
    monkeypatch.setattr(places, "NOTE", tmp_path / "toolchain.json")
    monkeypatch.setattr(program.venv, "is_ready", lambda: True)
    monkeypatch.setattr(program.aioble, "is_settled", lambda cache, version: version == "stand-in")
    note = {"key": program.key(tmp_path), **there, "aioble": {"version": "stand-in"}}
    places.write_json(places.NOTE, note)
    assert program.is_warm(tmp_path)
    places.write_json(places.NOTE, {**note, missing: gone[missing]})
    assert not program.is_warm(tmp_path)
    places.write_json(places.NOTE, {**note, "key": "of another recipe"})
    assert not program.is_warm(tmp_path)
    places.write_json(places.NOTE, {**note, "aioble": {"version": "0.6.2"}})
    assert not program.is_warm(tmp_path)


def test_second_set_up_waits_for_the_first(tmp_path: Path) -> None:
    """The second one, as a process, says that it waits, and ends once the first has let go of the lock."""
    env = {**os.environ, "MPOS_CACHE": str(tmp_path)}
    script = (
        "from boards.toolchain import __main__ as program\n"
        "answers = iter([False, True])\n"  # cold when first asked; the other one has done the work when asked again
        "program.is_warm = lambda cache: next(answers)\n"
        "program.qemu.is_wanted = lambda: False\n"
        "raise SystemExit(program.main([]))\n"
    )
    with (tmp_path / "setup.lock").open("w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        second = subprocess.Popen([sys.executable, "-c", script], cwd=CLONE, env=env, stderr=subprocess.PIPE, text=True)
        assert second.stderr is not None
        assert "waiting for it" in second.stderr.readline()
        assert second.poll() is None
        fcntl.flock(guard, fcntl.LOCK_UN)
        assert second.wait(timeout=30) == 0
        second.stderr.close()


def test_failure_is_a_sentence_and_an_exit_code(tmp_path: Path) -> None:
    env = {**os.environ, "MICROPYTHON_SRC": str(tmp_path), "MPOS_CACHE": str(tmp_path / "cache")}
    ended = subprocess.run(
        [sys.executable, "-m", "boards.toolchain"], cwd=CLONE, env=env, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "The set-up stopped." in ended.stderr
    assert "What to do: name the top folder of a MicroPython tree" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_named_source_tree_is_remembered() -> None:
    note = json.loads('{"micropython_src": "/the/tree"}')
    env: dict[str, str] = {}
    program.remember_source_tree(env, note)
    assert env == {"MICROPYTHON_SRC": "/the/tree"}
    for said in ("", "/another"):
        env = {"MICROPYTHON_SRC": said}
        program.remember_source_tree(env, note)
        assert env == {"MICROPYTHON_SRC": said}
    env = {}
    program.remember_source_tree(env, {})
    assert env == {}
