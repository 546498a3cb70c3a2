"""The BLE link's own parts, without a radio: who may stay connected. The rest is tests/contract/ble and tests/e2e."""

import asyncio
import sys


class Radio:
    """aioble, aioble.core and its ble in one; bluetooth too."""

    def __init__(self):
        self.core = self.ble = self
        self.ended = []
        self.is_gone = False

    def gap_disconnect(self, link):
        if self.is_gone:
            raise OSError(107)
        self.ended.append(link)


sys.modules["aioble"] = sys.modules["bluetooth"] = Radio()
from reader.link.gatt_service import GattService  # noqa: E402


class Connection:
    _conn_handle = 3
    connected = True

    def is_connected(self):
        return self.connected


class Session:
    role = 0


class Service:
    def __init__(self):
        self.session = Session()


async def _looks(service, connection, count):
    """Watch for `count` looks; the pauses between them."""
    pauses = []
    sleep_ms = asyncio.sleep_ms

    async def hurried(ms):
        pauses.append(ms)
        if len(pauses) > count:
            await asyncio.Event().wait()
        await sleep_ms(0)

    asyncio.sleep_ms = hurried
    try:
        task = asyncio.create_task(GattService._watch(service, connection))
        while len(pauses) <= count:
            await sleep_ms(1)
    finally:
        asyncio.sleep_ms = sleep_ms
    task.cancel()
    return pauses


async def test_a_link_without_a_session_is_ended():
    radio = sys.modules["aioble"]
    radio.__init__()
    assert set(await _looks(Service(), Connection(), 1)) == {30_000}
    assert radio.ended == [3]


async def test_a_session_keeps_its_link():
    radio = sys.modules["aioble"]
    radio.__init__()
    service = Service()
    service.session.role = 1
    await _looks(service, Connection(), 3)
    assert radio.ended == []


async def test_a_link_that_has_gone_is_left_alone():
    radio = sys.modules["aioble"]
    radio.__init__()
    connection = Connection()
    connection.connected = False
    await _looks(Service(), connection, 2)
    assert radio.ended == []
    connection.connected = True
    radio.is_gone = True
    await _looks(Service(), connection, 2)
