"""Builds of the firmware: what is in them, that they repeat byte for byte, and why one can fail."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mpos.cli_flash import app
from mpos.provision import firmware, manifest, rom, toolchain
from mpos.provision.device import Code
from mpos.provision.firmware import TOP, Board, FirmwareError
from tests.host.provision.bench_device import SOURCES

# Those whose compiler every set-up has
BOARDS = ("m35", "d200")
_WHAT_A_BUILD_READS = ("boards", "firmware", "host_tools")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a small firmware and a board of its own."""
    for name, text in SOURCES.items():
        path = tmp_path / "top/firmware" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "top/firmware/boot.py").write_text("")
    (tmp_path / "top/firmware/reader/app/version.py").write_text('VERSION = "7.8.9"\n')
    for name in ("bench", "loader", "unix"):
        (tmp_path / "top/boards" / name).mkdir(parents=True)
    (tmp_path / "top/boards/loader/main.py").write_text("")
    (tmp_path / "top/boards/unix/parameters.json").write_text("{}")
    (tmp_path / "top/boards/bench/pins.py").write_text("import micropython\n\n@micropython.viper\ndef f(): pass\n")
    monkeypatch.setattr(firmware, "TOP", tmp_path / "top")
    monkeypatch.setitem(firmware.BOARDS, "bench", Board("bench", "x86", "linux", (), ("boards/bench",), ble=False))
    return tmp_path / "top"


@pytest.mark.parametrize("name", BOARDS)
def test_a_build(name: str, tmp_path: Path) -> None:
    built = firmware.build(name, tmp_path / "out")
    assert manifest.load(tmp_path / "out") == built
    modules = built.below("mpy")
    assert {"main.mpy", "board.mpy", "esp32_parts.mpy", "reader/app/reader.mpy", "build.txt"} <= modules.keys()
    assert not {"boot.mpy", "manifest.mpy", "reader/ports.mpy"} & modules.keys()
    assert built.below("root").keys() == {"boot.py", "emv.tlv", "main.py", "parameters.json"}
    assert (built.board, built.arch, built.mpy) == (name, "xtensawin", "6.3")
    assert b"E_CARD_REMOVED" not in (tmp_path / "out/mpy/reader/errors.mpy").read_bytes()  # provision/constants.py
    image = (tmp_path / "out/romfs.img").read_bytes()
    assert image == rom.image(tmp_path / "out/mpy")
    assert (tmp_path / "out/mpy/build.txt").read_text() == built.build
    # The stand-in is for the simulated radio, and for no device
    found = toolchain.aioble()[1]
    assert built.aioble == (None if found == "stand-in" else found)
    assert ("aioble/peripheral.mpy" in modules) == (built.aioble is not None)
    assert "aioble/central.mpy" not in modules


def test_two_clones_build_the_same(tmp_path: Path) -> None:
    """Elsewhere, at another time, by another process: the same bytes. No path of either is in them."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"]}
    for clone in ("one", "another/place"):
        top = tmp_path / clone
        for folder in _WHAT_A_BUILD_READS:
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(TOP / folder, top / folder, ignore=ignored, copy_function=shutil.copyfile)
        (top / "build").mkdir()
        shutil.copyfile(toolchain.NOTE, top / "build" / toolchain.NOTE.name)
        code = "import sys; from mpos.provision.firmware import build; [build(name) for name in sys.argv[1:]]"
        command = [sys.executable, "-c", code, *BOARDS]
        environment["PYTHONPATH"] = str(top / "host_tools")
        subprocess.run(command, cwd=top, env=environment, check=True, timeout=120)
    for name in BOARDS:
        first, second = (tmp_path / clone / "build/firmware" / name for clone in ("one", "another/place"))
        files = manifest.files_below(first)
        assert len(files) > 60
        assert files == manifest.files_below(second)
        assert (first / "manifest.json").read_bytes() == (second / "manifest.json").read_bytes()
        for path in first.rglob("*"):
            assert not path.is_file() or str(tmp_path).encode() not in path.read_bytes(), path


def test_a_build_is_replaced_and_nothing_else_is(small: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = firmware.build("bench", out)
    (small / "firmware/board.py").unlink()
    second = firmware.build("bench", out)
    assert first.build != second.build
    assert "mpy/board.mpy" not in second.files
    assert manifest.load(out) == second
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".out")] == []
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").touch()
    with pytest.raises(FirmwareError, match="holds no firmware build"):
        firmware.build("bench", other)
    assert [path.name for path in other.iterdir()] == ["letter.txt"]


def test_a_failed_build_leaves_the_one_before(small: Path, tmp_path: Path) -> None:
    before = firmware.build("bench", tmp_path / "out")
    (small / "firmware/main.py").write_text("x = = 1\n")
    with pytest.raises(FirmwareError, match=r"(?s)firmware/main.py does not compile.*SyntaxError"):
        firmware.build("bench", tmp_path / "out")
    (small / "firmware/main.py").write_text("ONE = const(1)\nprint(ONE)\ndef f(ONE): pass\n")
    with pytest.raises(FirmwareError, match=r"firmware/main.py does not compile: line 3: ONE is"):
        firmware.build("bench", tmp_path / "out")
    assert manifest.load(tmp_path / "out") == before


def test_what_cannot_be_built(small: Path, tmp_path: Path) -> None:
    with pytest.raises(FirmwareError, match="no board 'none': one of m35, d200, qemu_rv32"):
        firmware.build("none", tmp_path / "out")
    (small / "boards/bench/main.py").write_text("")
    with pytest.raises(FirmwareError, match=r"two sources want to be main\.mpy"):
        firmware.build("bench", tmp_path / "out")
    (small / "boards/bench/main.py").unlink()
    (small / "firmware/reader/app/version.py").write_text("")
    with pytest.raises(FirmwareError, match="names no VERSION"):
        firmware.build("bench", tmp_path / "out")
    shutil.rmtree(small / "boards/bench")
    with pytest.raises(FirmwareError, match="boards/bench is not there"):
        firmware.build("bench", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_native_code_for_another_processor(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(firmware.ARCH_NUMBERS, "x86", 11)  # as if the compiler had taken another
    with pytest.raises(FirmwareError, match=r"pins\.mpy came out for another processor than x86"):
        firmware.build("bench", tmp_path / "out")


def test_a_board_of_its_own_parameters(small: Path, tmp_path: Path) -> None:
    firmware.build("bench", tmp_path / "out")
    assert (tmp_path / "out/root/parameters.json").read_text() == "{}"
    (small / "boards/bench/parameters.json").write_text('{"version": 1}')
    firmware.build("bench", tmp_path / "out")
    assert (tmp_path / "out/root/parameters.json").read_text() == '{"version": 1}'


# --- the commands


def test_the_command_firmware(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["firmware", "m35", "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "m35: firmware " in done.output
    assert "aioble" in done.output
    done = CliRunner().invoke(app, ["firmware", "m36"])
    assert (done.exit_code, "no board 'm36'" in done.output) == (Code.BUILD, True)


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--board", "m36", "--port", "x"], Code.BUILD, "no board 'm36'"),
        (["--board", "m35"], Code.PORT, "which port is the device at?"),
        (["--board", "m35", "--port", "/dev/ttyNONE"], Code.PORT, "there is no port /dev/ttyNONE"),
        (["--board", "m35", "--port", "x", "--parameters", "/none"], Code.BUILD, "No such file"),
        (["--board", "m35", "--port", "x", "--tables", "/none"], Code.BUILD, "No such file"),
        (["--board", "m35", "--port", "x", "--tables", __file__], Code.BUILD, "no file of applications and keys"),
        (["--board", "m35", "--port", "x", "--tables", os.devnull], Code.BUILD, "names no application"),
    ],
)
def test_the_command_flash_refuses(arguments: list[str], code: Code, text: str) -> None:
    done = CliRunner().invoke(app, ["flash", *arguments])
    assert (done.exit_code, text in done.output) == (code, True), done.output


def test_the_command_flash_with_a_damaged_build(tmp_path: Path) -> None:
    board, port = os.openpty()
    try:
        arguments = ["--board", "m35", "--port", os.ttyname(port), "--build", str(tmp_path)]
        done = CliRunner().invoke(app, ["flash", *arguments])
    finally:
        os.close(board)
        os.close(port)
    assert (done.exit_code, "holds no firmware build" in done.output) == (Code.BUILD, True), done.output


def test_the_manifest_is_stable_text() -> None:
    built = manifest.Manifest(
        "b", "x86", "1", "1.25.0", "6.3", None, False, "00", {"b": manifest.entry_of(b""), "a": manifest.entry_of(b"x")}
    )
    record = json.loads(built.to_json())
    assert record["format"] == manifest.FORMAT
    assert list(record["files"]) == ["a", "b"]


def test_what_a_frozen_build_takes() -> None:
    """firmware/manifest.py names only what is there; MicroPython's build supplies its functions."""
    named: list[str] = []

    def names(path: str, base_path: str, **options: object) -> None:
        named.append(path)
        assert (Path(base_path) / path).exists()

    text = (TOP / "firmware/manifest.py").read_text()
    with contextlib.chdir(TOP / "firmware"):
        exec(compile(text, "firmware/manifest.py", "exec"), {"package": names, "module": names})
    assert named == ["reader", "boot.py", "main.py"]
    tree = TOP / "build" / "frozen" / "reader"
    assert "E_TLV" not in (tree / "errors.py").read_text() and not (tree.parent / "board.py").exists()
