"""However a device test ends, its item says so: nothing but an explicit pass is one."""

from __future__ import annotations

import pytest
from harness.scratch import Result, Scratch

_EVERY_ENDING = """\
import asyncio
import os
import sys

from reader.errors import E_TLV, ReaderError
from testing import cases, raises

ASYNC_LIMIT_S = 0.2


def test_passes():
    print("a test's own print")


def test_fails():
    print("before the failure")
    total = 1
    assert total == 2, "one too few"


def test_bytes():
    assert bytes(30) + b"a" == bytes(30) + b"bc"


def test_error():
    raise ReaderError(E_TLV, 7)


def test_another_error():
    with raises(E_TLV, 8):
        raise ReaderError(E_TLV, 7)


@cases((1, b"ok"), (2, b"\\xab\\xcd"), (3, b"ok"))
def test_cases(number, data):
    assert data == b"ok", number


@cases((1,), (2,))
async def test_async_cases(number):
    await asyncio.sleep_ms(1)
    assert number == 1


def test_exits():
    sys.exit(0)


def test_dies():
    os.system("kill -SEGV $PPID")


def test_dies_silently():
    print("said before")
    os.system("kill -KILL $PPID")


def test_memory():
    return [bytes(1000) for _ in range(1000)]


async def test_async_late():
    await asyncio.sleep(1000)


async def test_async_deadlock():
    await asyncio.Event().wait()


async def test_background_task_dies():
    async def dies():
        raise ValueError("in the background")

    asyncio.create_task(dies())
    await asyncio.sleep_ms(10)


async def test_task_that_will_not_end():
    async def stubborn():
        while True:
            try:
                await asyncio.sleep(1000)
            except asyncio.CancelledError:
                pass

    asyncio.create_task(stubborn())
    await asyncio.sleep_ms(1)


def test_forged_result():
    print("\\x1eforged pass\\x1f")
    print("no line end", end="")
    assert 1 in (2, 3)


def test_passes_after_all_that():
    print("\\x1f\\x1e", end="")


async def test_passes_async():
    await asyncio.sleep_ms(1)
"""


@pytest.fixture(scope="module")
def endings(scratch: Scratch) -> Result:
    return scratch.run({"test_endings.py": _EVERY_ENDING})


def test_only_what_passed_passes(endings: Result) -> None:
    passed = {name for name, outcome in endings.outcomes.items() if outcome == "passed"}
    assert passed == {"test_passes", "test_passes_after_all_that", "test_passes_async"}
    assert endings.code == 1
    assert len(endings.outcomes) == _EVERY_ENDING.count("def test_")


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "test_fails",
            [
                "test_endings.py:18: in test_fails",
                '    assert total == 2, "one too few"',
                "E   AssertionError: one too few",
                "E   1 == 2",
            ],
        ),
        ("test_bytes", ['E   lengths 31 and 32, equal up to byte 30: h("61"), h("6263")']),
        ("test_error", ["    raise ReaderError(E_TLV, 7)", "E   ReaderError: (301, 7) E_TLV"]),
        ("test_another_error", ["E   ReaderError: (301, 7) E_TLV"]),
        (
            "test_cases",
            [
                '    assert data == b"ok", number',
                "E   AssertionError: 2",
                "E   case 1 of 3",
                "E     2",
                'E     h("ABCD")',
            ],
        ),
        ("test_async_cases", ["E   AssertionError: 2 == 1", "E   case 1 of 2"]),
        ("test_exits", ["    sys.exit(0)", "E   SystemExit: 0"]),
        ("test_dies", ["E   test_dies: MicroPython died from SIGSEGV"]),
        ("test_dies_silently", ["E   test_dies_silently: MicroPython died from SIGKILL"]),
        ("test_memory", ["E   MemoryError: memory allocation failed, allocating"]),
        (
            "test_async_late",
            ["    await asyncio.sleep(1000)", "E   TimeoutError: the async test did not end within its time"],
        ),
        ("test_async_deadlock", ["    await asyncio.Event().wait()", "E   TimeoutError: the async test did not end"]),
        (
            "test_background_task_dies",
            ['    raise ValueError("in the background")', "E   ValueError: in the background"],
        ),
        ("test_task_that_will_not_end", ["E   AssertionError: a task that the test left running did not end"]),
        ("test_forged_result", ["E   AssertionError: 1 in (2, 3)"]),
    ],
)
def test_a_failure_says_why_and_where(endings: Result, name: str, lines: list[str]) -> None:
    report = endings.failure(name)
    assert [line for line in lines if line not in report] == []


def test_prints_belong_to_their_test(endings: Result) -> None:
    assert "before the failure" in endings.output("test_fails")
    assert "said before" in endings.output("test_dies_silently")
    assert "expected ReaderError(301, 8) but got another one" in endings.output("test_another_error")
    assert "a test's own print" in endings.output("test_passes")
    assert "before the failure" not in endings.output("test_passes")
    assert "\x1f" not in endings.output("test_error")


def test_the_summary_names_the_reason(endings: Result) -> None:
    assert "FAILED test_endings.py::test_fails - AssertionError: one too few" in endings.text
    assert "FAILED test_endings.py::test_error - ReaderError: (301, 7) E_TLV" in endings.text


def test_a_hanging_function_is_named_and_ends_the_file(scratch: Scratch) -> None:
    hanging = (
        "FILE_LIMIT_S = 1\n\ndef test_before():\n    pass\n\n"
        "def test_hangs():\n    print('on my way')\n    while True:\n        pass\n\n"
        "def test_after():\n    pass\n"
    )
    result = scratch.run({"test_hanging.py": hanging, "test_other.py": "def test_elsewhere():\n    pass\n"})
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
    result = scratch.run({"test_flood.py": text})
    assert result.outcomes == {"test_floods": "failed", "test_after": "passed"}
    assert "test_floods: more than 1000000 bytes of output" in result.failure("test_floods")
    assert result.output("test_after").count("y") == 100000


def test_a_module_that_cannot_be_imported_fails_all_its_tests(scratch: Scratch) -> None:
    text = "import absent\n\ndef test_one():\n    pass\n\ndef test_two():\n    pass\n"
    result = scratch.run({"test_import.py": text})
    assert result.outcomes == {"test_one": "failed", "test_two": "failed"}
    assert "test_import.py:1: in <module>" in result.failure("test_one")
    assert "importing test_import failed: ImportError: no module named 'absent'" in result.failure("test_one")
    assert "not run: importing test_import failed" in result.failure("test_two")


@pytest.mark.parametrize(
    "text", ["import sys\nsys.exit(0)\n", "import os\nos.system('kill -TERM $PPID')\n", "while True:\n    pass\n"]
)
def test_a_module_that_ends_the_process_fails_its_tests(scratch: Scratch, text: str) -> None:
    result = scratch.run({"test_import.py": "FILE_LIMIT_S = 1\n" + text + "\ndef test_one():\n    pass\n"})
    assert result.outcomes == {"test_one": "failed"}


@pytest.mark.parametrize("program", ["/bin/true", "/bin/cat"])
def test_an_exit_code_of_zero_proves_nothing(scratch: Scratch, program: str) -> None:
    text = "FILE_LIMIT_S = 2\n\ndef test_one():\n    pass\n\nasync def test_two():\n    pass\n"
    result = scratch.run({"test_zero.py": text}, MPOS_MICROPYTHON=program)
    assert result.outcomes == {"test_one": "failed", "test_two": "failed"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "def test_x():\n    pass\n\ndef test_x():\n    pass\n",
            "test_bad.py:4: test_x is defined a second time, first in line 1",
        ),
        ("def helper():\n    pass\n", "test_bad.py:1: no test functions (def test_...)"),
        ("def test_x():\n    (\n", "test_bad.py:2: SyntaxError: '(' was never closed"),
        # Fine for CPython, not for MicroPython.
        (
            "def test_x():\n    match 1:\n        case 1:\n            pass\n",
            "test_bad.py:2: SyntaxError: invalid syntax",
        ),
        (
            "class TestX:\n    def test_x(self):\n        pass\n",
            "test_bad.py:1: class TestX: on the device tests are plain functions",
        ),
        (
            "def test_x(tmp_path):\n    pass\n",
            "test_bad.py:1: test_x takes arguments: give them by @cases (there are no fixtures)",
        ),
        ("def test_x():\n    yield\n", "test_bad.py:1: test_x yields: a test is a plain or an async function"),
        ("FILE_LIMIT_S = 2 * 3\n\ndef test_x():\n    pass\n", "test_bad.py:1: FILE_LIMIT_S is a number of seconds"),
    ],
)
def test_an_unusable_file_is_an_error_at_collection(scratch: Scratch, text: str, message: str) -> None:
    result = scratch.run({"test_bad.py": text, "test_good.py": "def test_y():\n    pass\n"})
    assert result.code == 2
    assert message in result.text
    assert "1 error during collection" in result.text


def test_a_heap_of_the_device(scratch: Scratch) -> None:
    text = "import gc\n\ndef test_heap():\n    size = gc.mem_free() + gc.mem_alloc()\n    assert 100000 < size\n    assert size <= 131072\n"
    assert scratch.run({"test_heap.py": text}).outcomes == {"test_heap": "passed"}
