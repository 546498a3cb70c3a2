"""A runner behind a raw REPL, as the conversation sees it; the board is only its words."""

from __future__ import annotations

import re

import pytest
from harness.board import BoardRun
from harness.conversation import Conversation
from harness.raw_repl import RawRepl

from tests.host.harness.fake_board import FakeBoard

_LIMIT_S = 0.2


class _Machine:
    def __init__(self) -> None:
        self.end = ""
        self.released = 0

    def ending(self) -> str:
        return self.end

    def release(self) -> None:
        self.released += 1


class _Bench:
    """A conversation with a runner whose words are given."""

    def __init__(self, chunk: int = 0):
        self.board = FakeBoard(self._start, chunk=chunk)
        self.machine = _Machine()
        self.program = ""
        self.mark = ""
        repl = RawRepl(self.board)
        repl.enter(_LIMIT_S)

        def begin(mark: str) -> BoardRun:
            self.mark = mark
            return BoardRun(repl, self.machine, mark, "test_x", "/rom/tests/unit/x")

        self.conversation = Conversation("test_x", begin)

    def _start(self, program: str) -> tuple[str, str]:
        self.program = program
        self.board.running = True
        return "", ""

    def says(self, text: str) -> None:
        """`<word>` is a marker of the runner, and "\\n" the end of a line on a console."""
        text = re.sub(r"<(\w+)>", lambda word: f"\x1e{self.mark} {word[1]}\x1f\n", text)
        self.board.said += text.replace("\n", "\r\n").encode()


@pytest.fixture(params=[0, 1, 7])
def bench(request: pytest.FixtureRequest) -> _Bench:
    return _Bench(request.param)


def test_the_program_that_starts_it(bench: _Bench) -> None:
    assert "'/rom/tests/unit/x', '/rom/tests/unit/lib', '/rom/firmware'" in bench.program
    assert f"['runner', '{bench.mark}', 'test_x', '/rom']" in bench.program
    compile(bench.program, "program", "exec")


def test_pass_and_fail_with_what_was_printed(bench: _Bench) -> None:
    bench.says("on import\n<ready>one\ntwo\n<pass>")
    assert bench.conversation.run("test_a", _LIMIT_S) == ("on import\none\ntwo\n", None)
    bench.says("three\n<trace>Traceback:\nValueError: 4\n<fail>")
    output, failure = bench.conversation.run("test_b", _LIMIT_S)
    assert output == "three\n"
    assert failure is not None
    assert failure.sections == {"trace": "Traceback:\nValueError: 4\n"}
    assert bench.board.lines == [b"test_a\n", b"test_b\n"]
    assert not bench.conversation.ended
    bench.conversation.close()
    assert bench.machine.released == 1


def _reason(bench: _Bench) -> str:
    output, failure = bench.conversation.run("test_a", _LIMIT_S)
    assert failure is not None
    assert output == "said\n"
    assert bench.conversation.ended
    return failure.reason


def test_a_runner_that_ends(bench: _Bench) -> None:
    bench.says("<ready>said\n<over>\x04Traceback (most recent call last):\nMemoryError: 1\n\x04>")
    assert _reason(bench) == "test_a: the runner ended: MemoryError: 1"


def test_a_runner_that_ends_without_a_word(bench: _Bench) -> None:
    bench.says("<ready>said\n<over>")
    assert _reason(bench) == "test_a: the runner ended: without a word"


def test_a_board_that_restarts(bench: _Bench) -> None:
    bench.says(
        '<ready>said\nMicroPython v1.25.0 on 2025-04-15; board with C3\nType "help()" for more information.\n>>> '
    )
    _, failure = bench.conversation.run("test_a", _LIMIT_S)
    assert failure is not None
    assert failure.reason == "test_a: the board has restarted"


def test_a_machine_that_stops(bench: _Bench) -> None:
    bench.says("<ready>said\n")
    bench.board.gone, bench.machine.end = True, "the machine stopped"
    assert _reason(bench) == "test_a: the machine stopped"


def test_a_cable_that_is_pulled(bench: _Bench) -> None:
    bench.says("<ready>said\n")
    bench.board.gone = True
    assert _reason(bench) == "test_a: the serial port is gone"


def test_a_board_that_says_no_more(bench: _Bench) -> None:
    bench.says("<ready>said\n")
    assert _reason(bench) == "test_a did not end within the file's time (FILE_LIMIT_S)"
    assert bench.conversation.given_up == "test_a had used up the file's time (FILE_LIMIT_S)"
