# Runs in MicroPython: a reader that sends every message back. argv[1]: how it receives.
#
#   event    an event handler of its own takes each write as it comes: nothing is lost, fragments stay apart
#   buffer   an appending BufferedCharacteristic: nothing is lost while a message fits, fragments run together
#   capture  aioble's queue of ten, which drops what it has no room for: good for messages of at most ten fragments
#
# A message is length(2, big-endian) and data; fragments are up to MTU-3 bytes of that, in order.

import asyncio
import sys
from collections import deque

import aioble
import aioble.core
import bluetooth

_SERVICE = bluetooth.UUID("8f1d0001-6d70-4f53-9a3c-52c5a1b7e0d1")
_RECEIVE = bluetooth.UUID("8f1d0002-6d70-4f53-9a3c-52c5a1b7e0d1")
_SEND = bluetooth.UUID("8f1d0003-6d70-4f53-9a3c-52c5a1b7e0d1")
_LARGEST = 1100
_ENOMEM = 12
_IRQ_GATTS_WRITE = 3

how = sys.argv[1]
service = aioble.Service(_SERVICE)
rx = aioble.BufferedCharacteristic(
    service,
    _RECEIVE,
    write=True,
    write_no_response=True,
    max_len=2 + _LARGEST if how == "buffer" else 244,
    append=how == "buffer",
    capture=how == "capture",
)
tx = aioble.Characteristic(service, _SEND, notify=True)

# For "event": room for the fragments of one message at the smallest MTU. One more is an error, not a silent loss.
fragments = deque((), 2 + _LARGEST // 20 + 1, 1)
arrival = asyncio.ThreadSafeFlag()


def on_event(event, data):
    if event == _IRQ_GATTS_WRITE and data[1] == rx._value_handle:
        # The next write waits until this has returned.
        fragments.append(aioble.core.ble.gatts_read(data[1]))
        arrival.set()


if how == "event":
    aioble.core.register_irq_handler(on_event, None)


async def receive(connection):
    # First look, then wait: one waking may stand for many writes, or for data already taken.
    with connection.timeout(None):
        if how == "capture":
            return (await rx.written())[1]
        if how == "event":
            while not fragments:
                await arrival.wait()
            return fragments.popleft()
        while not (data := rx.read()):
            await rx.written()
        return data


async def send(connection, message):
    step = connection.mtu - 3
    for offset in range(0, len(message), step):
        while True:
            try:
                tx.notify(connection, message[offset : offset + step])
                break
            except OSError as error:
                # The stack has no buffer left; the air will give some back.
                if not connection.is_connected() or error.errno != _ENOMEM:
                    raise
                await asyncio.sleep_ms(5)


async def serve(connection):
    message = bytearray()
    while True:
        message += await receive(connection)
        while len(message) >= 2 and len(message) >= (end := 2 + (message[0] << 8 | message[1])):
            await send(connection, bytes(message[:end]))
            message = message[end:]


async def main():
    aioble.config(mtu=247)
    aioble.register_services(service)
    while True:
        connection = await aioble.advertise(20000, services=[_SERVICE], name="echo", timeout_ms=30000)
        try:
            await serve(connection)
        except aioble.DeviceDisconnectedError:
            print("left")


asyncio.run(main())
