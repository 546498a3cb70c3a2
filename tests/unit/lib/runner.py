"""Runs the test functions of one module, one at a time, as the host asks for them on standard input.

    micropython -m runner MARK MODULE TOP

TOP is where the machine has the repository's files.

Reports by lines of their own on standard output, each "\\x1e MARK word \\x1f": "ready" once the module is imported,
then for each function named on a line of standard input "pass" or "fail", preceded on failure by "case" and "trace",
after which come the case's values and the traceback. Everything else on standard output is the test's own.
"""

import asyncio
import builtins
import gc
import sys

import testing
from testing import Cases, hexed

_ASYNC_LIMIT_S = 5  # a module may say ASYNC_LIMIT_S = n
_SETTLE_LIMIT_S = 1  # for the tasks that a test leaves behind

_BYTES = (bytes, bytearray, memoryview)

_create_task = asyncio.core.create_task
_tasks = []  # tasks a test has started and that have not finished
_unretrieved = []  # (task, exception) of those that died with nobody waiting
_failed = None  # (left, operator, right) of the comparison that failed last


def _nothing():
    yield


_GENERATOR = type(_nothing())


def _say(mark, word):
    print("\x1e", mark, " ", word, "\x1f", sep="")


def main():
    mark, name, testing.top = sys.argv[1:4]
    _track_tasks()
    # What rewritten assertions call (tests/harness/assertions.py).
    builtins._compared = _compared
    builtins._sides = _sides
    try:
        module = __import__(name)
    except BaseException as error:
        gc.collect()
        _say(mark, "trace")
        sys.print_exception(error)
        _say(mark, "fail")
        return
    _say(mark, "ready")
    while True:
        line = sys.stdin.readline()
        if not line:
            return
        _say(mark, "pass" if _passes(mark, module, line.strip()) else "fail")


def _passes(mark, module, name):
    gc.collect()
    function = getattr(module, name, None)
    rows = function.rows if isinstance(function, Cases) else None
    index = 0
    try:
        if rows is None:
            _run(module, function())
        else:
            while index < len(rows):
                _run(module, function.function(*rows[index]))
                index += 1
        return True
    except BaseException as error:  # whatever ends a test is its result
        gc.collect()
        if rows is not None:
            _say(mark, "case")
            print("case", index, "of", len(rows))
            for value in rows[index]:
                print(" ", _shown(value))
        _say(mark, "trace")
        sys.print_exception(error)
        return False


def _shown(value):
    if isinstance(value, _BYTES):
        return 'h("' + hexed(value) + '")'
    text = repr(value)
    return text if len(text) <= 200 else text[:200] + "..."


def _compared(operator, left, right):
    global _failed
    if operator == "==":
        holds = left == right
    elif operator == "!=":
        holds = left != right
    elif operator == "<":
        holds = left < right
    elif operator == "<=":
        holds = left <= right
    elif operator == ">":
        holds = left > right
    elif operator == ">=":
        holds = left >= right
    elif operator == "in":
        holds = left in right
    elif operator == "not in":
        holds = left not in right
    elif operator == "is":
        holds = left is right
    else:
        holds = left is not right
    if not holds:
        _failed = (left, operator, right)
    return holds


def _sides(*message):
    """What a failed comparison says: its message, both sides, and where two byte strings part."""
    global _failed
    left, operator, right = _failed
    _failed = None
    text = str(message[0]) + "\n" if message else ""
    text += _shown(left) + " " + operator + " " + _shown(right)
    if operator == "==" and isinstance(left, _BYTES) and isinstance(right, _BYTES):
        n = min(len(left), len(right))
        at = 0
        while at < n and left[at] == right[at]:
            at += 1
        text += f"\nlengths {len(left)} and {len(right)}, equal up to byte {at}"
        if at > 24:
            text += ": " + _shown(left[at:]) + ", " + _shown(right[at:])
    return text


def _run(module, result):
    """Finishes what calling a test has begun: nothing for a plain function, a bounded run for a coroutine."""
    if not isinstance(result, _GENERATOR):
        return
    limit = getattr(module, "ASYNC_LIMIT_S", _ASYNC_LIMIT_S)
    asyncio.new_event_loop()
    asyncio.get_event_loop().set_exception_handler(_keep_unretrieved)
    guard = _Guard(result)
    lost, settled = [], False
    try:
        # The timer that bounds the test also keeps the loop from ending early when every task waits for another.
        _loop(guard.run(), limit)
    except asyncio.TimeoutError:
        if not guard.cancelled:
            raise
        # Shown in place of the TimeoutError, for its traceback says where the test was waiting.
        raise guard.cancelled
    finally:
        lost = [error for task, error in _unretrieved if task.state is None]
        settled = _cancel_leftovers()
    if not guard.finished:
        raise AssertionError("the event loop ended before the test did")
    if lost:
        raise lost[0]
    if not settled:
        raise AssertionError("a task that the test left running did not end when it was cancelled")


def _loop(coroutine, limit):
    # The main task is not tracked: it is the one task that asyncio never marks as done.
    asyncio.core.run_until_complete(_create_task(asyncio.wait_for(coroutine, limit)))


class _Guard:
    def __init__(self, coroutine):
        self._coroutine = coroutine
        self.finished = False
        self.cancelled = None

    async def run(self):
        try:
            await self._coroutine
            self.finished = True
        except asyncio.CancelledError as error:
            self.cancelled = error
            raise


def _keep_unretrieved(_loop, context):
    _unretrieved.append((context["future"], context["exception"]))


def _track_tasks():
    core = asyncio.core

    def create_task(coroutine):
        task = _create_task(coroutine)
        _tasks[:] = [t for t in _tasks if not t.done()]
        _tasks.append(task)
        return task

    core.create_task = asyncio.create_task = create_task


async def _settle(tasks):
    for task in tasks:
        task.cancel()
    for task in tasks:
        while not task.done():
            await asyncio.sleep_ms(1)


def _cancel_leftovers():
    """Lets what the test left running clean up, and leaves no trace of it to the next test. False: it would not end."""
    leftovers = [task for task in _tasks if not task.done()]
    try:
        if leftovers:
            _loop(_settle(leftovers), _SETTLE_LIMIT_S)
        return True
    except asyncio.TimeoutError:
        return False
    finally:
        _tasks.clear()
        _unretrieved.clear()
        asyncio.new_event_loop()


if __name__ == "__main__":
    main()
