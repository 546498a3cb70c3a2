"""The driver's side of the contract tests: the real head drivers over sockets, on MicroPython. Run by test_*.py beside it.

    micropython device.py KIND sessions COUNT ADDRESS...   COUNT swipes one after another on each address
    micropython device.py KIND early ADDRESS...            the same with a swipe that is there before `start`, then one more
    micropython device.py KIND stopped ADDRESS             the driver stopped when a swipe is there, then one more
    micropython device.py KIND late MS N ADDRESS           another task keeps the processor for MS at the reading's Nth wait, then one more
    micropython device.py KIND cancel N ADDRESS            a swipe whose reading is cancelled at its Nth wait, then one more

KIND: asic (MagHead), 3v (MagHead3V) or edges (EdgeHead), behind head_line. Prints a line per swipe: number of the
address, number of the swipe, then "ok", whether `start` threw one away, whether it was backward, and for each track its
characters in hex or the reason; or the step that failed, the error's number and its detail; or what is still there after
a wipe. All data are synthetic.
"""

import asyncio
import gc
import socket
import sys
import time
from binascii import hexlify

from head_line import EdgeLine, HeadLine

from reader.errors import E_LINE_CLOSED, ReaderError

LIMIT_MS = 8_000
WATCHDOG_MS = 600  # a busy host makes no swipe too late, unless a test wants it to


class Steps:
    """Where a session is."""

    name = ""


def connected(address):
    host, port = address.split(":")
    line = socket.socket()
    line.connect(socket.getaddrinfo(host, int(port))[0][-1])
    line.setsockopt(6, 1, 1)
    line.setblocking(False)
    return line


def made(kind, line, watchdog_ms=WATCHDOG_MS):
    if kind == "edges":
        from reader.drivers.mag_edges import EdgeHead

        return EdgeHead(EdgeLine(line))
    pins = HeadLine(line)
    if kind == "3v":
        from reader.drivers.mag_head_3v import MagHead3V

        return MagHead3V(pins.strobe, pins.data)
    from reader.drivers.mag_head import MagHead

    return MagHead(pins.strobe, pins.data, watchdog_ms)


def buffers(thing, known):
    """Every buffer that can be reached from it."""
    if isinstance(thing, (bytearray, bytes, memoryview)) or type(thing).__name__ == "array":
        yield thing
        return
    if thing in known or isinstance(thing, (str, int, float, type(None))):
        return
    known.append(thing)
    for inner in thing if isinstance(thing, (list, tuple)) else getattr(thing, "__dict__", {}).values():
        yield from buffers(inner, known)


def left(head):
    """How many of the bytes in the driver's buffers are not zero; HeadLine's are levels of pins."""
    known = [part for part in (getattr(head, "_strobe", None), getattr(head, "_data", None)) if part]
    return sum([sum([1 for value in buffer if value]) for buffer in buffers(head, known)])


async def swiped(head, steps):
    """Tell the bench (world.py) that a card may be swiped now, and wait for it."""
    steps.name = "wait"
    if hasattr(head, "_data"):
        head._data.value(1)
    end = time.ticks_add(time.ticks_ms(), LIMIT_MS)
    while not head.is_swiped():
        if time.ticks_diff(end, time.ticks_ms()) <= 0:
            raise ReaderError(106)
        await asyncio.sleep_ms(2)


def said(swipe, had):
    words = ["early" if had else "-", "back" if swipe.is_backward else "forward"]
    for number in (1, 2, 3):
        track = bytes(swipe.track(number))
        reason = swipe.reason(number)
        if bool(track) == bool(reason):
            words.append("both")
        else:
            words.append(hexlify(track).decode() if track else str(reason))
    return " ".join(words)


async def session(head, steps):
    """One swipe; returns what came of it."""
    steps.name = "start"
    had = await head.start()
    await swiped(head, steps)
    steps.name = "read"
    swipe = await head.read()
    words = said(swipe, had)
    swipe.wipe()
    steps.name = "stop"
    for what in ("wipe", "stop"):
        if left(head):
            return f"{left(head)} bytes are left after {what}"
        await head.stop()
    if any(len(swipe.track(number)) or swipe.reason(number) != 1 for number in (1, 2, 3)):
        return "a track is left"
    return "ok " + words


async def report(number, which, head):
    """Print what becomes of a swipe; returns the number of its error, or 0."""
    steps = Steps()
    try:
        print(number, which, await session(head, steps))
    except ReaderError as error:
        print(number, which, steps.name, error.code, error.detail, left(head))
        return error.code
    return 0


async def many(kind, number, count, address, before=None):
    line = connected(address)
    head = made(kind, line)
    if before:
        await before(head)
    for which in range(count):
        if await report(number, which, head) == E_LINE_CLOSED:
            line.close()
            line = connected(address)
            head = made(kind, line)
        gc.collect()
    line.close()


async def sessions(kind, count, *addresses):
    for i, address in enumerate(addresses):
        await many(kind, i, int(count), address)


async def early(kind, *addresses):
    async def before(head):
        await swiped(head, Steps())

    for i, address in enumerate(addresses):
        await many(kind, i, 1, address, before)


async def stopped(kind, address):
    async def before(head):
        await head.start()
        await swiped(head, Steps())
        await head.stop()
        print(0, -1, left(head), head.is_swiped())

    await many(kind, 0, 1, address, before)


async def late(kind, ms, n, address):
    line = connected(address)
    head = made(kind, line, 250)
    steps = Steps()

    async def busy():
        while steps.name != "read":
            await asyncio.sleep_ms(0)
        for _ in range(int(n) - 1):
            await asyncio.sleep_ms(0)
        time.sleep_ms(int(ms))

    task = asyncio.create_task(busy())
    try:
        print(0, 0, await session(head, steps))
    except ReaderError as error:
        print(0, 0, steps.name, error.code, error.detail, left(head))
    await task
    await report(0, 1, head)
    line.close()


async def cancel(kind, n, address):
    line = connected(address)
    head = made(kind, line)
    await head.start()
    await swiped(head, Steps())
    task = asyncio.create_task(head.read())
    for _ in range(int(n)):
        await asyncio.sleep_ms(0)
    if task.done():
        await task
        print(0, 0, "ended")
    else:
        task.cancel()
        try:
            await task
            print(0, 0, "was not cancelled")
        except asyncio.CancelledError:
            print(0, 0, "cancelled", left(head))
    await head.stop()  # by another task than the one that was cancelled
    await report(0, 1, head)
    line.close()


KNOWN = {"sessions": sessions, "early": early, "stopped": stopped, "late": late, "cancel": cancel}
asyncio.run(KNOWN[sys.argv[2]](sys.argv[1], *sys.argv[3:]))
