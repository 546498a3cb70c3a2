"""The driver's side of the contract tests: the real driver over sockets, on MicroPython. Run by test_*.py beside it.

    micropython device.py sessions ADDRESS...      one session per address, all at once, then another one on the same chip
    micropython device.py cancel ADDRESS EVENT N   cancel a session at its Nth write or read, then use the chip again

Prints one line per session: its number, "first" or "again", then "ok" and the responses in hex, or the step that failed,
the error's number and its detail.
"""

import asyncio
import io
import select
import socket
import sys
from binascii import hexlify

from reader.drivers.contactless import ContactlessReader
from reader.drivers.pn532.chip import Pn532
from reader.drivers.pn532.hsu import Hsu
from reader.errors import E_LINE_CLOSED, E_NO_CARD, ReaderError

APDUS = (bytes((0, 0xA4, 4, 0, 0)), bytes((0x80, 0xA8, 0, 0)) + bytes(300), bytes((0, 0xB2, 1, 0x0C, 0)))
ACK_MS = 600
FRAME_MS = 60
EXCHANGE_MS = 900

_MP_STREAM_POLL = 3
_MP_STREAM_CLOSE = 4


def connected(address):
    host, port = address.split(":")
    line = socket.socket()
    line.connect(socket.getaddrinfo(host, int(port))[0][-1])
    line.setblocking(False)
    return line


def made(line):
    chip = Pn532(Hsu(line, ACK_MS, FRAME_MS), EXCHANGE_MS)
    return chip, ContactlessReader(chip)


class Steps:
    """Where a session is."""

    name = ""


async def session(reader, steps):
    """One whole session; returns the card's responses in hex."""
    responses = []
    steps.name = "start"
    await reader.start()
    steps.name = "wait"
    card = await reader.look()
    if card is None:
        raise ReaderError(E_NO_CARD)
    responses.append(card.uid)
    for i, apdu in enumerate(APDUS):
        steps.name = f"apdu{i}"
        responses.append(bytes(await card.transmit(apdu)))
    steps.name = "release"
    await card.release()
    await reader.stop()
    return " ".join([hexlify(r).decode() for r in responses])


async def report(number, which, reader):
    """Print what becomes of a session; returns the number of its error, or 0."""
    steps = Steps()
    try:
        print(number, which, "ok", await session(reader, steps))
    except ReaderError as error:
        print(number, which, steps.name, error.code, error.detail)
        return error.code
    return 0


async def twice(number, address):
    line = connected(address)
    _, reader = made(line)
    if await report(number, "first", reader) == E_LINE_CLOSED:
        line.close()
        line = connected(address)
        _, reader = made(line)
    await report(number, "again", reader)
    line.close()


async def sessions(*addresses):
    await asyncio.gather(*[twice(i, address) for i, address in enumerate(addresses)])


class WatchedLine(io.IOBase):
    """A line that tells when it is used the nth time."""

    def __init__(self, line, event, n):
        self._line = line
        self._poll = select.poll()
        self._poll.register(line, select.POLLIN)
        self._left = {"write": 0, "read": 0}
        self._left[event] = n
        self.reached = asyncio.Event()

    def _count(self, event):
        if self._left[event]:
            self._left[event] -= 1
            if not self._left[event]:
                self.reached.set()

    def write(self, buf):
        self._count("write")
        return self._line.write(buf)

    def readinto(self, buf):
        n = self._line.readinto(buf)
        self._count("read")
        return n

    def ioctl(self, request, flags):
        if request == _MP_STREAM_POLL:
            ready = flags & select.POLLOUT
            for _, event in self._poll.ipoll(0):
                ready |= event
            return ready & (flags | select.POLLHUP | select.POLLERR)
        return 0 if request == _MP_STREAM_CLOSE else -1


async def cancel(address, event, n):
    line = connected(address)
    watched = WatchedLine(line, event, int(n))
    chip, reader = made(watched)
    steps = Steps()
    task = asyncio.create_task(session(reader, steps))
    end = asyncio.create_task(watched.reached.wait())
    while not end.done() and not task.done():
        await asyncio.sleep_ms(0)
    if task.done():
        print(0, "first", "ok", "ended before")
        end.cancel()
        return
    task.cancel()
    try:
        await task
        print(0, "first", steps.name, "was not cancelled")
    except asyncio.CancelledError:
        print(0, "first", steps.name, "cancelled")
    if steps.name == "start":
        await reader.start()
    version = await chip.get_firmware_version()  # the next command, whatever was under way
    print(0, "next", "ok", "{}.{}".format(*version[:2]))
    await report(0, "again", reader)
    line.close()


asyncio.run({"sessions": sessions, "cancel": cancel}[sys.argv[1]](*sys.argv[2:]))
