"""The same endings as on the unix port, on the emulated 32-bit board; there every file gets a machine of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.emulator import EmulatedBoard, Loop
from harness.scratch import Result, Scratch

from tests.host.harness.processes import processes_with

_EVERY_ENDING = """\
import asyncio
import sys

import machine
import micropython
from reader.errors import E_TLV, ReaderError
from testing import cases, path

ASYNC_LIMIT_S = 0.2


def test_passes():
    print("a test's own print")


def test_fails():
    total = 1
    assert total == 2, "one too few"


def test_error():
    raise ReaderError(E_TLV, 7)


@cases((1, b"ok"), (2, b"\\xab\\xcd"), (3, b"ok"))
def test_cases(number, data):
    assert data == b"ok", number


def test_exits():
    sys.exit(0)


def test_memory():
    return [bytes(1000) for _ in range(1000)]


async def test_async_late():
    await asyncio.sleep(1000)


def test_forged_result():
    print("\\x1eforged pass\\x1f\\x04>\\x04")
    assert 1 in (2, 3)


@micropython.viper
def _store_where_nothing_is():
    ptr32(0x40)[0] = 1


def test_crashes():
    print("said before")
    _store_where_nothing_is()


def test_restarts():
    machine.reset()


def test_ends_the_runner():
    import runner

    runner._say = None
    raise ValueError


def test_runs_on_the_processor():
    assert sys.implementation._mpy >> 10 == 11
    assert sys.platform == "qemu"


def test_a_file_of_the_repository():
    with open(path("boards/unix/parameters.json")) as file:
        assert file.read(1) == "{"


def test_passes_after_all_that():
    print("\\x1f\\x1e", end="")


async def test_passes_async():
    await asyncio.sleep_ms(1)
"""


def _line_of(text: str) -> int:
    return _EVERY_ENDING[: _EVERY_ENDING.index(text)].count("\n") + 1


@pytest.fixture(scope="module")
def endings(scratch: Scratch) -> Result:
    return scratch.run({"test_endings.py": _EVERY_ENDING}, "--target=qemu")


def test_only_what_passed_passes(endings: Result) -> None:
    passed = {name for name, outcome in endings.outcomes.items() if outcome == "passed"}
    assert passed == {
        "test_passes",
        "test_runs_on_the_processor",
        "test_a_file_of_the_repository",
        "test_passes_after_all_that",
        "test_passes_async",
    }
    assert endings.code == 1
    assert len(endings.outcomes) == _EVERY_ENDING.count("def test_")
    assert "device tests: on the emulated board" in endings.text


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "test_fails",
            [
                f"test_endings.py:{_line_of('assert total')}: in test_fails",
                '    assert total == 2, "one too few"',
                "E   AssertionError: one too few",
                "E   1 == 2",
            ],
        ),
        ("test_error", ["E   ReaderError: (301, 7) E_TLV"]),
        ("test_cases", ["E   AssertionError: 2", "E   case 1 of 3", '    assert data == b"ok", number']),
        ("test_exits", ["    sys.exit(0)", "E   SystemExit: 0"]),
        ("test_memory", ["E   MemoryError: memory allocation failed, allocating"]),
        ("test_async_late", ["E   TimeoutError: the async test did not end within its time"]),
        ("test_forged_result", ["E   AssertionError: 1 in (2, 3)"]),
        ("test_crashes", ["E   test_crashes: the machine stopped"]),
        ("test_restarts", ["E   test_restarts: the board has restarted"]),
        (
            "test_ends_the_runner",
            ["E   test_ends_the_runner: the runner ended: TypeError: 'NoneType' object isn't callable"],
        ),
    ],
)
def test_a_failure_says_why_and_where(endings: Result, name: str, lines: list[str]) -> None:
    report = endings.failure(name)
    assert [line for line in lines if line not in report] == []


def test_prints_belong_to_their_test(endings: Result) -> None:
    assert "a test's own print\n" in endings.output("test_passes")
    crash = endings.output("test_crashes")
    assert "said before\n" in crash
    assert "exception:" in crash  # the processor's own account of it


def test_a_hanging_function_is_named_and_ends_the_file(scratch: Scratch) -> None:
    hanging = (
        "import micropython\n\nFILE_LIMIT_S = 1\n\ndef test_before():\n    pass\n\n"
        # Native code that nothing interrupts.
        "@micropython.viper\ndef _hang():\n    while True:\n        pass\n\n"
        "def test_hangs():\n    print('on my way')\n    _hang()\n\n"
        "def test_after():\n    pass\n"
    )
    files = {"test_hanging.py": hanging, "test_other.py": "def test_elsewhere():\n    pass\n"}
    result = scratch.run(files, "--target=qemu")
    assert result.outcomes == {
        "test_before": "passed",
        "test_hangs": "failed",
        "test_after": "failed",
        "test_elsewhere": "passed",
    }
    assert "test_hangs did not end within the file's time (FILE_LIMIT_S)" in result.failure("test_hangs")
    assert "on my way" in result.output("test_hangs")
    assert "not run: test_hangs had used up the file's time" in result.failure("test_after")


def test_a_flood_of_output_ends_the_function(scratch: Scratch) -> None:
    text = (
        "def test_floods():\n    while True:\n        print('x' * 1000)\n\ndef test_after():\n    print('y' * 100000)\n"
    )
    result = scratch.run({"test_flood.py": text}, "--target=qemu")
    assert result.outcomes == {"test_floods": "failed", "test_after": "passed"}
    assert "test_floods: more than 1000000 bytes of output" in result.failure("test_floods")
    assert result.output("test_after").count("y") == 100000


@pytest.mark.parametrize("text", ["import machine\nmachine.reset()\n", "while True:\n    pass\n"])
def test_a_module_that_does_not_get_through_its_import(scratch: Scratch, text: str) -> None:
    result = scratch.run(
        {"test_import.py": "FILE_LIMIT_S = 1\n" + text + "\ndef test_one():\n    pass\n"}, "--target=qemu"
    )
    assert result.outcomes == {"test_one": "failed"}
    assert "importing test_import" in result.failure("test_one")


def test_each_file_has_a_heap_and_a_folder_of_its_own(scratch: Scratch) -> None:
    text = (
        "import gc\nimport os\n\ndef test_heap():\n    gc.collect()\n    assert gc.mem_alloc() < 20000\n"
        "    size = gc.mem_free() + gc.mem_alloc()\n    assert 100000 < size\n    assert size <= 131072\n\n"
        "def test_folder():\n    assert os.listdir() == []\n    open('left_behind', 'w').close()\n\n"
    )
    files = {f"test_{name}.py": text.replace("def test_", f"def test_{name}_") for name in ("a", "b")}
    result = scratch.run(files, "--target=qemu")
    assert set(result.outcomes.values()) == {"passed"}
    assert len(result.outcomes) == 4


def test_in_parallel_and_nothing_is_left_running(scratch: Scratch) -> None:
    files = {
        f"test_{n}.py": f"def test_{n}():\n    assert {n} != 2\n\ndef test_{n}_too():\n    pass\n" for n in range(4)
    }
    result = scratch.run(files, "--target=qemu", "-p", "xdist.plugin", "-n", "2", MPOS_TEST_RUN=str(scratch.folder))
    assert "1 failed, 7 passed" in result.text
    assert result.outcomes["test_2"] == "failed"
    assert processes_with(f"MPOS_TEST_RUN={scratch.folder}") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_the_run_is_ended_the_machine_goes_too(scratch: Scratch, number: signal.Signals) -> None:
    scratch.write({"test_endless.py": "def test_endless():\n    while True:\n        pass\n"})
    setting = f"MPOS_TEST_RUN={scratch.folder}-{number}"
    environment = {**os.environ, "PYTEST_ADDOPTS": "", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    # A shell that runs tests in the background may have switched the signal off for all below it.
    code = (
        "import signal, sys, pytest; signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(pytest.main())"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", code, f"--rootdir={scratch.folder}", "--target=qemu"],
        cwd=scratch.folder,
        # What is killed leaves its folder behind: in ours.
        env={**environment, "TMPDIR": str(scratch.folder), **dict([setting.split("=", 1)])},
        stdout=subprocess.DEVNULL,
    )
    try:
        _wait_for(lambda: processes_with(setting, "qemu-system-riscv32"))
        run.send_signal(number)
        run.wait(20)
    finally:
        run.kill()
    _wait_for(lambda: not processes_with(setting))


def _wait_for(condition: Callable[[], object], limit_s: float = 20) -> None:
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_stop_at_the_first_failure(scratch: Scratch) -> None:
    text = "def test_a():\n    pass\n\ndef test_b():\n    assert 1 == 2\n\ndef test_c():\n    pass\n"
    result = scratch.run({"test_x.py": text}, "--target=qemu", "-x")
    assert result.outcomes == {"test_a": "passed", "test_b": "failed"}
    assert "1 failed, 1 passed" in result.text


@pytest.fixture
def board(tmp_path: Path) -> Iterator[EmulatedBoard]:
    """A board with nothing in its flash, for somebody else to use."""
    loop = Loop()
    try:
        board = EmulatedBoard(loop)
        try:
            yield board
        finally:
            board.release()
    finally:
        loop.close()


def test_a_board_on_a_serial_port(scratch: Scratch, board: EmulatedBoard) -> None:
    """Everything of --target=device but the cable: mpremote brings the image, each file begins with a soft reset."""
    port = board.let_go_of_console()
    files = {"test_a.py": _ON_A_PORT, "test_b.py": _ON_A_PORT.replace("test_", "test_b_")}
    result = scratch.run(files, "--target=device", f"--port={port}")
    expected = {"test_own_folder": "passed", "test_fails": "failed", "test_hangs": "failed", "test_after": "failed"}
    assert result.outcomes == expected | {name.replace("test_", "test_b_"): how for name, how in expected.items()}
    assert f"device tests: on the board on {port}" in result.text
    assert "E   AssertionError: 1 == 2" in result.failure("test_b_fails")
    assert "test_b_hangs did not end within the file's time" in result.failure("test_b_hangs")


_ON_A_PORT = """\
import os

FILE_LIMIT_S = 1


def test_own_folder():
    assert os.listdir() == []
    open("left_behind", "w").close()


def test_fails():
    assert 1 == 2


def test_hangs():
    while True:
        pass


def test_after():
    pass
"""
