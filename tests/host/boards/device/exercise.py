"""On the device: a board's parts, all of them, on a machine that only records.

    micropython exercise.py MACHINE-NAME STEP...     e.g. "mPOS M35 with ESP32" entropy clock link contactless contact swipe

Prints one line per step.
"""

import asyncio
import os
import sys
import time
from binascii import hexlify

import esp32_parts
from recorder import Recorded

from reader.drivers import clock as clock_driver
from reader.drivers import entropy as entropy_driver
from reader.errors import ReaderError

NOW = (2026, 1, 2, 3, 4, 5, 4, 2)


class _Implementation:
    _machine = sys.argv[1]


class _Sys:
    implementation = _Implementation


def there(path):
    raise OSError(17)


STUCK = {
    "same": ("urandom", lambda n: b"12345678"[:n]),
    "flat": ("urandom", bytes),
    "unset": ("localtime", lambda: (2000, 1, 1, 0, 0, 9, 5, 1)),
    "there": ("mkdir", there),
}


def entropy(parts):
    for _ in range(2):
        buf = bytearray(4)
        parts.entropy.fill(buf)
    return len(buf)


def clock(parts):
    parts.clock.ticks_ms()
    return parts.clock.now()


def link(parts):
    pipe = parts.link("1.2.3")
    return pipe.name, pipe.stack


def keys(parts):
    from reader.storage.key_ring import KeyRing

    ring = KeyRing(parts.keys, parts.journal, parts.secret)
    ring.create(parts.entropy)
    ring.write([(3, bytes(range(16)))])
    out = bytearray(16)
    return KeyRing(parts.keys, parts.journal, parts.secret).read_into(3, out), out == bytes(range(16))


def factory(parts):
    line = parts.link("1.2.3", True)
    return line.is_factory, line.stack


def contactless(parts):
    async def session():
        await parts.contactless.start()
        await parts.contactless.stop()

    return asyncio.run(session())


def contact(parts):
    async def session():
        slot = parts.contact
        slot._line.late_ms = 400  # the far end is a process, on a machine that may be busy
        await slot.start()
        await slot.wait_for_insertion(1000)
        card = await slot.activate()
        answer = bytes(await card.transmit(bytes((0, 0xB2, 1, 0x0C, 0))))
        await slot.stop()
        return hexlify(card.atr).decode(), card.protocol, hexlify(answer).decode()

    return asyncio.run(session())


def swipe(parts):
    async def session():
        head = parts.head
        head._watchdog_ms = 600  # as above
        end = time.ticks_add(time.ticks_ms(), 5000)
        while not head.is_swiped():
            if time.ticks_diff(end, time.ticks_ms()) <= 0:
                return "nobody swipes"
            await asyncio.sleep_ms(5)
        got = await head.read()
        said = bytes(got.track(2)).decode(), got.is_backward
        got.wipe()
        return said

    return asyncio.run(session())


def shape(parts):
    return sorted([name for name in dir(parts) if not name.startswith("_")])


instead = {"mkdir": lambda path: None, "localtime": lambda: NOW}
for step in sys.argv[2:]:
    if step in STUCK:
        name, function = STUCK[step]
        instead[name] = function
esp32_parts.sys = _Sys
esp32_parts.os = entropy_driver.os = Recorded(os, instead)
esp32_parts.time = clock_driver.time = Recorded(time, instead)
try:
    import board

    parts = board.peripherals()
except ValueError as error:
    print("refused:", error)
    sys.exit(0)
for step in sys.argv[2:]:
    if step not in STUCK:
        try:
            print(step, globals()[step](parts))
        except ReaderError as error:
            print(step, "error", error.code)
