"""The driver's side of the contract tests: the real driver over sockets, on MicroPython. Run by test_*.py beside it.

    micropython device.py sessions WHERE...        one session for each, all at once, then another one on the same chip
    micropython device.py cancel WHERE EVENT N     cancel a session at its Nth write or read, then use the chip again
    micropython device.py act WHERE/STEP/STEP...   for each of these: the steps, whatever becomes of them

WHERE: BUS@ADDRESS; BUS: plain (the bytes of a UART and nothing else), hsu, spi, i2c; with +irq the IRQ line is wired.
STEP: start, stop, release; look:TECHNOLOGIES; send:HEX or raw:HEX to the card; present; removal:MS; speed; wait:MS

`sessions` and `cancel` print one line per session: its number, "first" or "again", then "ok" and the responses in hex, or the
step that failed, the error's number and its detail. `act` prints the number, "did", and a word for each step: "-", hex, or
E, the error's number and detail.
"""

import asyncio
import io
import select
import socket
import sys
from binascii import hexlify, unhexlify

from reader.drivers.contactless import ContactlessReader
from reader.drivers.pn532.chip import Pn532
from reader.drivers.pn532.hsu import Hsu
from reader.errors import E_LINE_CLOSED, E_NO_CARD, ReaderError

APDUS = (bytes((0, 0xA4, 4, 0, 0)), bytes((0x80, 0xA8, 0, 0)) + bytes(300), bytes((0, 0xB2, 1, 0x0C, 0)))
ACK_MS = 700
FRAME_MS = 60
EXCHANGE_MS = 900

_MP_STREAM_POLL = 3
_MP_STREAM_CLOSE = 4
_TCP = 6
_NODELAY = 1


def connected(where):
    host, port = where.split("@")[1].split(":")
    line = socket.socket()
    line.connect(socket.getaddrinfo(host, int(port))[0][-1])
    line.setsockopt(_TCP, _NODELAY, 1)
    line.setblocking(False)
    return line


def bus_of(where, line, watched=lambda part: part):
    """The driver's bus on a connected socket. `watched` makes another part of the one that is read and written."""
    name, _, wired = where.split("@")[0].partition("+")
    if name == "plain":
        return Hsu(watched(line), ACK_MS, FRAME_MS)
    import nfc_line

    if name == "hsu":
        return Hsu(nfc_line.SerialLine(line), ACK_MS, FRAME_MS)
    if name == "spi":
        from reader.drivers.pn532.spi import Spi

        part = nfc_line.SpiBus(line)
        return Spi(watched(part), part, part if wired else None, ACK_MS, FRAME_MS)
    from reader.drivers.pn532.i2c import I2c

    part = nfc_line.I2cBus(line)
    return I2c(watched(part), part if wired else None, ACK_MS, FRAME_MS)


def made(bus):
    chip = Pn532(bus, EXCHANGE_MS)
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


async def twice(number, where):
    line = connected(where)
    _, reader = made(bus_of(where, line))
    if await report(number, "first", reader) == E_LINE_CLOSED:
        line.close()
        line = connected(where)
        _, reader = made(bus_of(where, line))
    await report(number, "again", reader)
    line.close()


async def sessions(*places):
    await asyncio.gather(*[twice(i, where) for i, where in enumerate(places)])


class Count:
    """Sets `reached` when something is done the nth time."""

    def __init__(self, event, n):
        self._left = {"write": 0, "read": 0}
        self._left[event] = n
        self.reached = asyncio.Event()

    def __call__(self, event):
        if self._left[event]:
            self._left[event] -= 1
            if not self._left[event]:
                self.reached.set()


class WatchedLine(io.IOBase):
    """A byte line that counts its use."""

    def __init__(self, line, count):
        self._line = line
        self._poll = select.poll()
        self._poll.register(line, select.POLLIN)
        self._count = count

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


class WatchedBus:
    """SPI or I2C that counts its use."""

    def __init__(self, part, count):
        self._part = part
        self._count = count

    def write(self, buf):
        self._count("write")
        self._part.write(buf)

    def readinto(self, buf, write=0):
        self._part.readinto(buf, write)
        self._count("read")

    def writeto(self, address, buf):
        self._count("write")
        return self._part.writeto(address, buf)

    def readfrom_into(self, address, buf):
        self._part.readfrom_into(address, buf)
        self._count("read")


async def cancel(where, event, n):
    line = connected(where)
    count = Count(event, int(n))
    watched = WatchedLine if where.startswith("plain") else WatchedBus
    chip, reader = made(bus_of(where, line, lambda part: watched(part, count)))
    steps = Steps()
    task = asyncio.create_task(session(reader, steps))
    end = asyncio.create_task(count.reached.wait())
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
    if steps.name in ("start", "release"):
        await reader.start()  # the chip may be asleep
    version = await chip.get_firmware_version()  # the next command, whatever was under way
    print(0, "next", "ok", "{}.{}".format(*version[:2]))
    await report(0, "again", reader)
    line.close()


class Act:
    """One reader and the card that it holds."""

    def __init__(self, where):
        self._reader = made(bus_of(where, connected(where)))[1]
        self._card = None

    async def step(self, name, argument):
        """The word for what came of it."""
        if name == "start":
            await self._reader.start()
        elif name == "stop":
            await self._reader.stop()
        elif name == "wait":
            await asyncio.sleep_ms(int(argument))
        elif name == "look":
            self._card = card = await self._reader.look(int(argument))
            if card is None:
                return "nobody"
            words = (str(card.technology), hexlify(card.uid).decode(), hexlify(card.says).decode())
            return ":".join(words)
        elif name == "send":
            return hexlify(await self._card.transmit(unhexlify(argument))).decode() or "empty"
        elif name == "raw":
            return hexlify(await self._card.raw(unhexlify(argument))).decode() or "empty"
        elif name == "present":
            return str(await self._card.is_present())
        elif name == "removal":
            return str(await self._card.wait_for_removal(int(argument)))
        elif name == "speed":
            return str(await self._card.speed_up())
        elif name == "release":
            await self._card.release()
        else:
            raise ValueError(name)
        return "-"


async def one_act(number, script):
    where, *steps = script.split("/")
    act = Act(where)
    words = []
    for step in steps:
        name, _, argument = step.partition(":")
        try:
            words.append(await act.step(name, argument))
        except ReaderError as error:
            words.append(f"E{error.code}.{error.detail}")
    print(number, "did", *words)


async def acts(*scripts):
    await asyncio.gather(*[one_act(i, script) for i, script in enumerate(scripts)])


asyncio.run({"sessions": sessions, "cancel": cancel, "act": acts}[sys.argv[1]](*sys.argv[2:]))
