"""The lock and the environment made from it."""

import re
import tomllib
from pathlib import Path

import pytest

from boards.toolchain import venv
from boards.toolchain.places import CLONE, write_json


def test_newest_pip_is_chosen(tmp_path: Path) -> None:
    for name in ("pip-9.0.1-py2.py3-none-any.whl", "pip-23.0.1-py3-none-any.whl", "pip-23.0-py3-none-any.whl"):
        (tmp_path / name).touch()
    found = venv.newest_wheel([tmp_path / "missing", tmp_path])
    assert found is not None
    assert found.name == "pip-23.0.1-py3-none-any.whl"
    assert venv.newest_wheel([tmp_path / "missing"]) is None


def test_lock_pins_everything_with_hashes() -> None:
    entries = re.split(r"\n(?=\S)", venv.LOCK.read_text().strip())
    entries = [entry for entry in entries if not entry.startswith("#")]
    assert len(entries) > 20
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+==[\w.]+ \\\n +--hash=sha256:[0-9a-f]{64}", entry), entry


def test_lock_has_what_pyproject_asks_for() -> None:
    project = tomllib.loads((CLONE / "pyproject.toml").read_text())["project"]
    locked = dict(re.findall(r"^([a-z0-9-]+)==([\w.]+)", venv.LOCK.read_text(), re.MULTILINE))
    for wanted in project["dependencies"] + project["optional-dependencies"]["dev"]:
        match = re.fullmatch(r"([\w-]+)(?:(==|>=)([\w.]+))?", wanted)
        assert match, wanted
        assert match[1] in locked, f"{match[1]} is not in the lock: run `make lock`"
        if match[2] == "==":
            assert locked[match[1]] == match[3], f"{match[1]}: run `make lock`"


def test_interrupted_environment_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The stamp is written last: without it, or with one of another lock, the packages are installed again."""
    monkeypatch.setattr(venv, "_STAMP", tmp_path / "stamp.json")
    assert not venv.is_ready()
    write_json(tmp_path / "stamp.json", {"key": "of another lock"})
    assert not venv.is_ready()
    write_json(tmp_path / "stamp.json", {"key": venv.key()})
    assert venv.is_ready()
