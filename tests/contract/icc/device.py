"""The driver's side of the contract tests: the real slot drivers over sockets, on MicroPython. Run by test_*.py beside it.

    micropython device.py KIND sessions ADDRESS...       a session per address, all at once, then another on the same slot
    micropython device.py KIND sweep COUNT ADDRESS...    COUNT sessions one after another on each address, all at once
    micropython device.py KIND cancel ADDRESS N          a session cancelled when the line is used the Nth time, then another

KIND: slot (IccSlot behind chip_line) or coupler (Tda8029). Prints one line per session: number of the address, number of the
session, then "ok", ATR, protocol and the responses in hex; or the step that failed, the error's number and its detail.
"""

import asyncio
import gc
import io
import select
import socket
import sys
from binascii import hexlify

from chip_line import ChipLine

from reader.drivers.icc_slot import IccSlot
from reader.drivers.tda8029.coupler import Tda8029
from reader.errors import E_LINE_CLOSED, ReaderError

LATE_MS = 150
ANSWER_MS = 600
FRAME_MS = 80
EXCHANGE_MS = 900

_MP_STREAM_POLL = 3
_MP_STREAM_CLOSE = 4

SELECT = bytes((0, 0xA4, 4, 0, 5)) + b"\xa0\x00\x00\x03\x33" + b"\x00"  # case 4
READ_RECORD = bytes((0, 0xB2, 1, 0x0C, 0))  # case 2
PUT_DATA = bytes((0, 0xDA, 0x9F, 0x36, 200)) + bytes(range(200))  # case 3
BLOCK = bytes((0x84, 0x1E, 0, 0))  # case 1
APDUS = (SELECT, READ_RECORD, PUT_DATA, BLOCK)
SWEPT = (SELECT, READ_RECORD)


class Steps:
    """Where a session is."""

    name = ""


class Counted(io.IOBase):
    """A socket that says when it is used the nth time: bytes written, or bytes that were there to be read."""

    def __init__(self, line):
        self._line = line
        self._poll = select.poll()
        self._poll.register(line, select.POLLIN)
        self.left = 0
        self.reached = asyncio.Event()

    def _count(self):
        if self.left:
            self.left -= 1
            if not self.left:
                self.reached.set()

    def write(self, buf):
        self._count()
        return self._line.write(buf)

    def readinto(self, buf):
        n = self._line.readinto(buf)
        if n:
            self._count()
        return n

    def ioctl(self, request, flags):
        if request == _MP_STREAM_POLL:
            ready = flags & select.POLLOUT
            for _, event in self._poll.ipoll(0):
                ready |= event
            return ready & (flags | select.POLLHUP | select.POLLERR)
        return 0 if request == _MP_STREAM_CLOSE else -1


def connected(address):
    host, port = address.split(":")
    line = socket.socket()
    line.connect(socket.getaddrinfo(host, int(port))[0][-1])
    line.setsockopt(6, 1, 1)
    line.setblocking(False)
    return line


def made(kind, line):
    if kind == "coupler":
        return Tda8029(line, answer_ms=ANSWER_MS, frame_ms=FRAME_MS, exchange_ms=EXCHANGE_MS)
    chip = ChipLine(line)
    return IccSlot(chip, chip.power, chip.reset, chip.off, late_ms=LATE_MS)


async def session(slot, steps, apdus):
    """One whole session; returns what came of it."""
    steps.name = "start"
    await slot.start()
    steps.name = "wait"
    await slot.wait_for_insertion(1500)
    steps.name = "activate"
    card = await slot.activate()
    responses = [hexlify(card.atr).decode(), str(card.protocol)]
    for i, apdu in enumerate(apdus):
        steps.name = f"apdu{i}"
        responses.append(hexlify(await card.transmit(apdu)).decode())
    steps.name = "release"
    await card.release()
    return " ".join(responses)


async def report(number, which, slot, apdus):
    """Print what becomes of a session; returns the number of its error, or 0."""
    steps = Steps()
    try:
        print(number, which, "ok", await session(slot, steps, apdus))
    except ReaderError as error:
        print(number, which, steps.name, error.code, error.detail)
        return error.code
    return 0


async def twice(kind, number, address):
    line = connected(address)
    slot = made(kind, line)
    if await report(number, 0, slot, APDUS) == E_LINE_CLOSED:
        line.close()
        line = connected(address)
        slot = made(kind, line)
    await report(number, 1, slot, APDUS)
    line.close()


async def sessions(kind, *addresses):
    await asyncio.gather(*[twice(kind, i, address) for i, address in enumerate(addresses)])


async def many(kind, number, count, address):
    line = connected(address)
    slot = made(kind, line)
    for i in range(count):
        await report(number, i, slot, SWEPT)
        gc.collect()
    line.close()


async def sweep(kind, count, *addresses):
    await asyncio.gather(*[many(kind, i, int(count), address) for i, address in enumerate(addresses)])


async def cancel(kind, address, n):
    line = connected(address)
    counted = Counted(line)
    slot = made(kind, counted)
    counted.left = int(n)
    steps = Steps()
    task = asyncio.create_task(session(slot, steps, APDUS))
    end = asyncio.create_task(counted.reached.wait())
    while not end.done() and not task.done():
        await asyncio.sleep_ms(0)
    if task.done():
        print(0, 0, "ok", "ended before")
    else:
        task.cancel()
        try:
            await task
            print(0, 0, steps.name, "was not cancelled")
        except asyncio.CancelledError:
            print(0, 0, steps.name, "cancelled")
    end.cancel()
    await slot.stop()  # by another task than the one that was cancelled
    await report(0, 1, slot, APDUS)
    line.close()


asyncio.run({"sessions": sessions, "sweep": sweep, "cancel": cancel}[sys.argv[2]](sys.argv[1], *sys.argv[3:]))
