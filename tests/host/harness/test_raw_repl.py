"""The raw REPL's protocol, against a board that is only its words; and the serial port against a pseudo-terminal."""

from __future__ import annotations

import os
import tty
from pathlib import Path

import pytest
from harness.raw_repl import BoardError, RawRepl, SerialLine

from tests.host.harness.fake_board import FakeBoard

_LIMIT_S = 0.05  # the board answers at once, or never


def _echo(program: str) -> tuple[str, str]:
    """Runs prints of literals, and raises on request."""
    lines = program.splitlines()
    out = "".join(line[len("print('") : -len("')")] + "\n" for line in lines if line.startswith("print('"))
    trace = 'Traceback (most recent call last):\n  File "<stdin>", line 1\nOSError: 5\n' if "raise" in program else ""
    return out, trace


@pytest.mark.parametrize("chunk", [0, 1, 3])
def test_what_a_program_prints(chunk: int) -> None:
    repl = RawRepl(FakeBoard(_echo, chunk=chunk))
    repl.enter(_LIMIT_S)
    assert repl.run("print('one')\nprint('two')\n", _LIMIT_S) == "one\ntwo\n"
    assert repl.run("print('three')", _LIMIT_S) == "three\n"


@pytest.mark.parametrize("length", [31, 32, 33, 63, 64, 65, 1000])
def test_a_program_of_any_length_within_the_window(length: int) -> None:
    programs = []
    board = FakeBoard(lambda program: (programs.append(program) or "", ""), window=32)
    repl = RawRepl(board)
    repl.enter(_LIMIT_S)
    repl.execute("#" * length, _LIMIT_S)
    assert programs == ["#" * length]


def test_a_program_that_runs_is_interrupted() -> None:
    board = FakeBoard(_echo)
    board.busy = True
    repl = RawRepl(board)
    repl.enter(_LIMIT_S)
    assert repl.run("print('here')", _LIMIT_S) == "here\n"


def test_entering_twice_leaves_nothing_over() -> None:
    repl = RawRepl(FakeBoard(_echo, chunk=1))
    repl.enter(_LIMIT_S)
    repl.enter(_LIMIT_S)
    assert repl.run("print('here')", _LIMIT_S) == "here\n"


def test_a_soft_reset_whatever_boot_py_prints() -> None:
    board = FakeBoard(_echo)
    board.boot_says = b"mounting\r\n>>> raw REPL\r\n>"
    repl = RawRepl(board)
    repl.enter(_LIMIT_S, soft_reset=True)
    assert board.resets == 1
    assert repl.run("print('here')", _LIMIT_S) == "here\n"


def test_a_traceback_is_an_error_with_its_last_line() -> None:
    repl = RawRepl(FakeBoard(_echo))
    repl.enter(_LIMIT_S)
    with pytest.raises(BoardError, match=r"^OSError: 5$"):
        repl.run("raise OSError(5)", _LIMIT_S)
    assert repl.run("print('here')", _LIMIT_S) == "here\n"


def test_a_board_that_says_nothing() -> None:
    board = FakeBoard()
    board.deaf = True
    with pytest.raises(BoardError, match=r"^no answer$"):
        RawRepl(board).enter(_LIMIT_S)


def test_something_else_that_talks() -> None:
    board = FakeBoard()
    board.deaf, board.said = True, b"GPS,1,2,3\r\n"
    with pytest.raises(BoardError, match="no answer"):
        RawRepl(board).execute("pass", _LIMIT_S)
    board.said = b"$GPGGA,1,2,3\r\n"
    with pytest.raises(BoardError, match=r"no answer, only b'\$GPGGA"):
        RawRepl(board).execute("pass", _LIMIT_S)


def test_a_board_that_breaks_off_a_transfer() -> None:
    board = FakeBoard()
    board.breaks_off_after = 64
    repl = RawRepl(board)
    repl.enter(_LIMIT_S)
    with pytest.raises(BoardError, match="broke off"):
        repl.execute("#" * 200, _LIMIT_S)


def test_a_port_that_goes_away() -> None:
    board = FakeBoard()
    repl = RawRepl(board)
    repl.enter(_LIMIT_S)
    board.deaf = board.gone = True
    with pytest.raises(BoardError, match="the port is gone"):
        repl.run("pass", _LIMIT_S)


def test_a_port_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match="ttyABSENT cannot be opened"):
        SerialLine(str(tmp_path / "ttyABSENT"))
    (tmp_path / "file").touch()
    with pytest.raises(BoardError, match="file cannot be opened"):
        SerialLine(str(tmp_path / "file"))


def test_a_serial_port() -> None:
    host, device = os.openpty()
    tty.setraw(device)
    line = SerialLine(os.ttyname(device))
    os.close(device)
    try:
        assert line.read(0) is None
        line.write(b"\x03\r\n\x04")
        assert os.read(host, 100) == b"\x03\r\n\x04"
        os.write(host, b"\x04\r\n>")
        assert line.read(1) == b"\x04\r\n>"
        with pytest.raises(BoardError, match="cannot be opened"):
            SerialLine(os.ttyname(line._port.fileno()))  # somebody else has it
    finally:
        os.close(host)
    assert line.read(1) == b""
    with pytest.raises(BoardError, match="Input/output error"):
        line.write(b"x")
    line.close()
