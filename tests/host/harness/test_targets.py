"""Which target a run has, and what it says when it cannot have it."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import on_board, targets
from harness.conversation import Failure
from harness.on_board import Attached
from harness.raw_repl import BoardError
from harness.scratch import Scratch

from mpos.provision import toolchain

_TEST = {"test_x.py": "def test_x():\n    pass\n"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--target=device"], "--target=device and --port=DEVICE go together"),
        (["--port=/dev/ttyUSB0"], "--target=device and --port=DEVICE go together"),
        (["--target=qemu", "--port=/dev/ttyUSB0"], "--target=device and --port=DEVICE go together"),
        (["--target=device", "--port=x", "-p", "xdist.plugin", "-n", "2"], "there is one board, so run without -n"),
        (["--target=esp32"], "invalid choice: 'esp32'"),
    ],
)
def test_options_that_make_no_sense(scratch: Scratch, options: list[str], message: str) -> None:
    result = scratch.run(_TEST, *options)
    assert result.code == 4
    assert message in result.text


class _Config:
    """As much of pytest's configuration as the choice of a target asks for."""

    def __init__(self, **options: str):
        self.stash = pytest.Stash()
        self._options = options

    def getoption(self, name: str, default: str = "") -> str:
        return self._options.get(name, default)


def test_without_the_set_up_of_the_emulated_board(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(toolchain, "QEMU_NOTE", tmp_path / "absent.json")
    with pytest.raises(pytest.UsageError, match="make setup TARGET=qemu"):
        targets.pytest_configure(_Config(target="qemu"))  # type: ignore[arg-type]


def test_the_unix_port_unless_told_otherwise() -> None:
    config = _Config(target="unix")
    targets.pytest_configure(config)  # type: ignore[arg-type]
    assert isinstance(targets.of(config), targets.Unix)  # type: ignore[arg-type]
    assert targets.pytest_report_header(config) == []  # type: ignore[arg-type]


def test_a_port_that_is_not_there(scratch: Scratch) -> None:
    port = scratch.folder / "ttyABSENT"
    result = scratch.run(_TEST, "--target=device", f"--port={port}")
    assert result.code == 2
    assert f"the board on {port} cannot run tests: {port} cannot be opened" in result.text


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("11 5 2 esp32", r"takes \.mpy files of version 5\.2, these are 6\.3: flash MicroPython 1\.\d+"),
        ("3 6 3 rp2", r"no compiler for its processor \(rp2, architecture 3\)"),
    ],
)
def test_a_board_that_cannot_run_this(monkeypatch: pytest.MonkeyPatch, said: str, message: str) -> None:
    class Repl:
        def run(self, program: str, limit_s: float) -> str:
            return said + "\n"

    board = Attached("/dev/ttyUSB0")
    monkeypatch.setattr(board, "_connected", Repl)
    with pytest.raises(Failure, match="the board on /dev/ttyUSB0 cannot run tests: .*" + message):
        board.compile(Path(__file__))


def test_an_image_that_does_not_arrive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    board = Attached("/dev/ttyUSB0")
    asked: list[tuple[str, ...]] = []

    def mpremote(*arguments: str) -> str:
        asked.append(arguments)
        return "mpremote: ROMFS is not enabled on this device"

    monkeypatch.setattr(board, "_identity", lambda: "another")
    monkeypatch.setattr(on_board, "_mpremote", mpremote)
    with pytest.raises(BoardError, match=r"did not arrive; mpremote said: mpremote: ROMFS is not enabled"):
        board._deploy(tmp_path / "rom.img", "this one")
    assert asked == [("connect", "/dev/ttyUSB0", "romfs", "deploy", str(tmp_path / "rom.img"))]
    monkeypatch.setattr(board, "_identity", lambda: "this one")
    board._deploy(tmp_path / "rom.img", "this one")
    assert len(asked) == 1  # what is there is not brought again
