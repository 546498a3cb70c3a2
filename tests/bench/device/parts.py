"""A board whose other ends are here on the device: a PN532 with a card in its field, stores, clock, entropy, link.

What these do instead of hardware is left out of the count.
"""

import asyncio
import io
import json

from micropython import const

_POLL_READ = const(1)
_POLL_WRITE = const(4)
_IOCTL_POLL = const(3)

_ACK = b"\x00\x00\xff\x00\xff\x00"
_IN_DATA_EXCHANGE = const(0x40)
_IN_LIST_PASSIVE_TARGET = const(0x4A)
_ANSWERS = {
    0x02: b"\x32\x01\x06\x07",  # GetFirmwareVersion
    0x12: b"",  # SetParameters
    0x14: b"",  # SAMConfiguration
    0x16: b"\x00",  # PowerDown
    0x32: b"",  # RFConfiguration
    0x52: b"\x00",  # InRelease
}


class ChipLine(io.IOBase):
    """The serial line of a PN532 (UM0701-02, 6.2) that answers at once. `hold` puts a card into its field."""

    def __init__(self, meter):
        self._meter = meter
        self._target = b""
        self._card = {}
        self._out = bytearray()
        self.tapped = None  # called when the card's activation is answered

    def hold(self, name: str) -> None:
        """One at a time: all of them would not fit into the heap beside the firmware."""
        self._card = {}
        card = script(name)
        self._target = bytes.fromhex(card["target"])
        for command, answer in card["answers"]:
            self._card[bytes.fromhex(command)] = bytes.fromhex(answer)

    def write(self, buf) -> int:
        self._meter.pause()
        at = bytes(buf).find(b"\x00\xff")
        if at >= 0:
            at += 2
            at += 5 if buf[at] == 0xFF and buf[at + 1] == 0xFF else 2
            if at < len(buf) and buf[at] == 0xD4:
                self._answer(buf[at + 1], bytes(buf[at + 2 : -2]))
        self._meter.resume()
        return len(buf)

    def readinto(self, buf) -> "int | None":
        self._meter.pause()
        n = min(len(buf), len(self._out))
        buf[:n] = self._out[:n]
        self._out = self._out[n:]
        self._meter.resume()
        return n or None

    def ioctl(self, request: int, argument: int) -> int:
        self._meter.pause()
        ready = _POLL_WRITE | (_POLL_READ if self._out else 0)
        self._meter.resume()
        return argument & ready if request == _IOCTL_POLL else 0

    def _answer(self, code: int, data: bytes) -> None:
        self._out += _ACK
        if code == _IN_DATA_EXCHANGE:
            self._frame(code, b"\x00" + self._card[data[1:6]])
        elif code == _IN_LIST_PASSIVE_TARGET:
            if data[1]:  # 7.3.5: not type A
                self._frame(code, b"\x00")
                return
            self._frame(code, self._target)
            if self.tapped:
                self.tapped()
        else:
            self._frame(code, _ANSWERS.get(code, data))  # Diagnose 0 echoes

    def _frame(self, code: int, data: bytes) -> None:
        body = bytes((0xD5, code + 1)) + data
        n = len(body)
        head = bytes((n, -n & 0xFF))
        if n > 255:
            head = bytes((0xFF, 0xFF, n >> 8, n & 0xFF, -((n >> 8) + (n & 0xFF)) & 0xFF))
        self._out += b"\x00\x00\xff" + head + body + bytes((-sum(body) & 0xFF, 0))


class Slot:
    """A chip slot with a card in it, at the level of APDUs; `script`: (first bytes of a command, answer), in order."""

    def __init__(self, meter, script):
        self._meter = meter
        self._script = [(bytes.fromhex(k), bytes.fromhex(v)) for k, v in script]
        self._at = 0
        self._buffer = bytearray(258)
        self.atr = b""
        self.protocol = 0
        self.inserted = None  # called when the card is activated
        self._is_there = False  # from when it is waited for until it is switched off

    async def start(self) -> None:
        self._at = 0
        self._is_there = True

    async def is_present(self) -> bool:
        return self._is_there

    async def wait_for_insertion(self, timeout_ms: int) -> None:
        pass

    async def activate(self):
        if self.inserted:
            self.inserted()
        return self

    async def transmit(self, c_apdu) -> memoryview:
        self._meter.pause()
        begins, answer = self._script[self._at]
        if bytes(c_apdu[: len(begins)]) != begins:
            raise ValueError("not the command number " + str(self._at))
        self._at += 1
        n = len(answer)
        self._buffer[:n] = answer
        view = memoryview(self._buffer)[:n]
        self._meter.resume()
        return view

    async def stop(self) -> None:
        self._is_there = False

    def take_away(self) -> None:
        """The card, and what it says, for good."""
        self._script = []


class Clock:
    """Stands still at a day of the test card's life."""

    def ticks_ms(self) -> int:
        return 0

    def now(self):
        return 2026, 11, 23, 12, 34, 56


class Entropy:
    def fill(self, buf) -> None:
        for i in range(len(buf)):
            buf[i] = 17 * i + 1 & 0xFF


class MemoryStore:
    """A store without the flash behind it."""

    def __init__(self):
        self.kept = None

    def load(self):
        return None if self.kept is None else bytearray(self.kept)

    def save(self, data) -> None:
        self.kept = bytes(data)


class MemoryRing:
    """A key ring of one section without the flash behind it."""

    def __init__(self):
        self.kept = b""

    def size(self, section) -> int:
        return len(self.kept)

    def load(self, section) -> bytearray:
        return bytearray(self.kept)

    def write(self, changes) -> None:
        self.kept = bytes(changes[0][1])


def leave_waiting_out(meter) -> None:
    """From now on the event loop's sleep, when nothing is ready, counts as waiting for somebody."""
    loop = asyncio.core.IOQueue
    wait = loop.wait_io_event

    def wait_io_event(queue, ms):
        wait(queue, 0)
        task = asyncio.core._task_queue.peek()
        if ms and (task is None or asyncio.core.ticks_diff(task.ph_key, asyncio.core.ticks()) > 0):
            meter.pause()
            wait(queue, ms)
            meter.resume()

    loop.wait_io_event = wait_io_event


def script(name: str):
    """What the bench put into the image beside the firmware about one card."""
    with open("/rom/" + name + ".json") as file:
        return json.load(file)
