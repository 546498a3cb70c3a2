"""What the firmware uses of aioble, on the stand-in and on the real one: the same tests, the same outcome."""

from __future__ import annotations

import asyncio

import pytest
from bumble import att
from bumble.core import UUID
from bumble.device import Peer
from bumble.hci import HCI_Error
from bumble.keys import PairingKeys

from mpos.bench.radio import Radio
from mpos.link.pairing import Pairing
from tests.contract.ble.firmware import DeviceError, Firmware
from tests.contract.ble.test_bluetooth import hear

SERVICE = "8f1d0001-6d70-4f53-9a3c-52c5a1b7e0d1"
SCENE = f"""
import aioble, bluetooth
from bluetooth import UUID
async def outcome(awaitable):
    try:
        return await awaitable
    except asyncio.TimeoutError:
        return 'time-out'
    except aioble.DeviceDisconnectedError:
        return 'disconnected'
    except aioble.GattError:
        return 'gatt error'
aioble.config(mtu=247)
service = aioble.Service(UUID('{SERVICE}'))
"""
ADVERTISE = (
    "async def advertise(**k):\n"
    "    global connection\n"
    "    connection = await aioble.advertise(20000, **k)\n"
    "advertising = asyncio.create_task(advertise())"
)


class Scene:
    def __init__(self, radio: Radio, firmware: Firmware):
        self.radio = radio
        self.firmware = firmware
        self.do = firmware.do

    async def begin(self, *characteristics: str) -> None:
        await self.do(SCENE)
        for number, arguments in enumerate(characteristics):
            kind = "BufferedCharacteristic" if "max_len" in arguments else "Characteristic"
            await self.do(f"c{number} = aioble.{kind}(service, UUID({0xAA00 + number}), {arguments})")
        await self.do("aioble.register_services(service)")
        self.phone = await self.radio.central("phone")
        await self.connect()

    async def connect(self) -> None:
        await self.do(ADVERTISE)
        self.connection = await self.phone.connect(self.radio.reader_address, timeout=10)
        await self.do("outcome(advertising)")
        self.peer = Peer(self.connection)
        await self.peer.request_mtu(247)
        await self.peer.discover_service(UUID(SERVICE))
        await self.peer.discover_characteristics()
        self.characteristics = self.peer.services[0].characteristics

    async def write(self, number: int, value: bytes, with_response: bool = True) -> None:
        await self.characteristics[number].write_value(value, with_response=with_response)


@pytest.fixture
async def scene(radio: Radio, aioble: str):
    async with Firmware(radio.address, path=aioble) as firmware:
        yield Scene(radio, firmware)


async def test_it_is_the_one_that_the_name_of_the_test_says(scene: Scene, request: pytest.FixtureRequest):
    await scene.do(SCENE)
    version = await scene.do("getattr(aioble, '__version__', 'real')")
    assert version == ("stand-in" if "stand-in" in request.node.callspec.id else "real")


async def test_a_connection_has_address_and_mtu(scene: Scene):
    await scene.begin("read=True")
    assert await scene.do("(connection.device.addr_type, connection.device.addr)") == (
        1,
        bytes(scene.phone.random_address)[::-1],
    )
    assert await scene.do("connection.device.addr_hex()") == str(scene.phone.random_address).split("/")[0].lower()
    assert await scene.do("(connection.is_connected(), connection.mtu)") == (True, 247)


async def test_the_mtu_is_unknown_until_exchanged_and_may_be_exchanged_from_here(scene: Scene):
    await scene.do(SCENE)
    await scene.do(ADVERTISE)
    await (await scene.radio.central("phone")).connect(scene.radio.reader_address, timeout=10)
    await scene.do("outcome(advertising)")
    assert await scene.do("connection.mtu") is None
    assert await scene.do("connection.exchange_mtu(185)") == 185
    await scene.do("connection.disconnect()")
    with pytest.raises(DeviceError, match="ValueError"):
        await scene.do("connection.exchange_mtu()")


async def test_initial_values_reads_and_writes(scene: Scene):
    await scene.begin("read=True, initial=b'of the beginning'", "read=True, write=True")
    assert await scene.characteristics[0].read_value() == b"of the beginning"
    assert await scene.do("c0.read()") == b"of the beginning"
    await scene.do("c0.write(b'changed')")
    assert await scene.characteristics[0].read_value() == b"changed"
    await scene.write(1, b"from the phone")
    assert await scene.do("c1.read()") == b"from the phone"


async def test_written_returns_who_wrote_or_times_out(scene: Scene):
    await scene.begin("write=True", "read=True")
    scene.firmware.start("outcome(c0.written(10000))")
    await scene.write(0, b"x")
    assert "DeviceConnection" in await scene.firmware.result()
    # Many writes before it is asked are one.
    await scene.write(0, b"y")
    await scene.write(0, b"z")
    assert await scene.do("outcome(c0.written(1000)) is not None") is True
    await scene.do("outcome(c0.written(1000))")
    assert await scene.do("outcome(c0.written(20))") == "time-out"
    assert await scene.do("c1.written()") is None


async def test_captured_writes_come_one_by_one_with_their_data(scene: Scene):
    await scene.begin("write=True, write_no_response=True, capture=True", "write=True, capture=True")
    await scene.do("async def take(c):\n    k, data = await c.written(5000)\n    return k is connection, data")
    for value in (b"one", b"two"):
        await scene.write(0, value)
    await scene.write(1, b"three")
    assert await scene.do("take(c0)") == (True, b"one")
    assert await scene.do("take(c0)") == (True, b"two")
    assert await scene.do("take(c1)") == (True, b"three")
    assert await scene.do("outcome(c0.written(20))") == "time-out"


async def test_of_too_many_captured_writes_the_oldest_are_dropped_without_a_word(scene: Scene):
    await scene.begin("write=True, capture=True")
    await scene.do("async def take(c):\n    return (await c.written(100))[1][0]")
    for number in range(30):
        await scene.write(0, bytes((number,)))
    taken = []
    while (number := await scene.do("outcome(take(c0))")) != "time-out":
        taken.append(number)
    # The real one has one in hand besides its queue of ten.
    newest = list(range(20, 30))
    assert taken in (newest, [0, *newest])


async def test_a_buffered_characteristic_appends(scene: Scene):
    await scene.begin("write=True, write_no_response=True, max_len=1200, append=True")
    for number in range(5):
        await scene.write(0, bytes([number]) * 200, with_response=False)
    await scene.write(0, b"the end")
    assert await scene.do("c0.read()") == b"".join(bytes([n]) * 200 for n in range(5)) + b"the end"
    assert await scene.do("c0.read()") == b""


async def test_notify(scene: Scene):
    await scene.begin("read=True, notify=True, initial=b'value'", "read=True")
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    await scene.characteristics[0].subscribe(arrived.put_nowait)
    await scene.do("c0.notify(connection)")
    await scene.do("c0.notify(connection, b'other')")
    await scene.do("c0.write(b'update', send_update=True)")
    assert [await asyncio.wait_for(arrived.get(), 10) for _ in range(3)] == [b"value", b"other", b"update"]
    with pytest.raises(DeviceError, match="ValueError"):
        await scene.do("c1.notify(connection)")


async def test_indicate(scene: Scene):
    await scene.begin("read=True, indicate=True", "read=True")
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    await scene.characteristics[0].subscribe(arrived.put_nowait, prefer_notify=False)
    assert await scene.do("outcome(c0.indicate(connection, b'confirm', timeout_ms=5000))") is None
    assert await asyncio.wait_for(arrived.get(), 10) == b"confirm"
    with pytest.raises(DeviceError, match="ValueError"):
        await scene.do("c1.indicate(connection)")
    await scene.connection.disconnect()
    await scene.do("outcome(connection.disconnected())")
    with pytest.raises(DeviceError, match="ValueError"):
        await scene.do("c0.indicate(connection)")


async def test_the_end_of_the_link_ends_what_waits_for_it(scene: Scene):
    await scene.begin("write=True")
    await scene.do(
        "async def bounded():\n"
        "    with connection.timeout(10000):\n"
        "        await c0.written()\n"
        "waiting = asyncio.create_task(outcome(bounded()))\n"
        "ending = asyncio.create_task(outcome(connection.disconnected()))\n"
        "async def wait(task): return await task"
    )
    await scene.connection.disconnect()
    assert await scene.do("wait(ending)") is None
    assert await scene.do("wait(waiting)") == "disconnected"
    assert await scene.do("connection.is_connected()") is False
    assert await scene.do("outcome(connection.disconnected())") is None


async def test_a_timeout_of_a_connection_bounds_by_time_too(scene: Scene):
    await scene.begin("write=True")
    await scene.do("async def bounded():\n    with connection.timeout(20):\n        await c0.written()")
    assert await scene.do("outcome(bounded())") == "time-out"
    assert await scene.do("connection.is_connected()") is True


async def test_the_reader_may_end_the_link(scene: Scene):
    await scene.begin("read=True")
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    scene.connection.on("disconnection", gone.set_result)
    await scene.do("async def use():\n    async with connection:\n        pass")
    await scene.do("use()")
    await asyncio.wait_for(gone, 10)
    assert await scene.do("connection.is_connected()") is False
    await scene.connect()


async def test_radio_loss(scene: Scene):
    await scene.begin("read=True")
    await scene.do("ending = asyncio.create_task(connection.disconnected())\nasync def wait(task): return await task")
    scene.radio.drop()
    await scene.do("wait(ending)")
    await scene.connect()


async def test_advertising_times_out_and_can_be_cancelled(scene: Scene):
    await scene.do(SCENE)
    assert await scene.do("outcome(aioble.advertise(20000, timeout_ms=20))") == "time-out"
    # A cancelled advertise() returns None: the caller has to look.
    await scene.do(
        "async def cancelled():\n"
        "    task = asyncio.create_task(aioble.advertise(20000))\n"
        "    await asyncio.sleep_ms(0)\n"
        "    task.cancel()\n"
        "    return await task"
    )
    assert await scene.do("cancelled()") is None


async def test_the_advertisement(scene: Scene):
    await scene.do(SCENE)
    phone = await scene.radio.central("phone")
    await scene.do(
        "t = asyncio.create_task(aioble.advertise(20000, name='mPOS-0001', services=[service.uuid], appearance=0x0340,"
        " manufacturer=(0xFFFF, b'12')))"
    )
    uuid = bytes.fromhex(SERVICE.replace("-", ""))[::-1]
    advertisement = b"\x02\x01\x06" + b"\x11\x07" + uuid + b"\x03\x19\x40\x03"
    response = b"\x0a\x09mPOS-0001" + b"\x05\xff\xff\xff12"
    await hear(phone, advertisement, active=False)
    await hear(phone, advertisement + response)
    await scene.do("async def wait(task): return await task\nt.cancel()")
    await scene.do("wait(t)")
    with pytest.raises(DeviceError, match="ValueError"):
        await scene.do("aioble.advertise(20000, name='x' * 29)")


async def test_twenty_reconnections_leave_the_heap_as_it_was(scene: Scene):
    await scene.begin("write=True, write_no_response=True, max_len=1200, append=True", "notify=True")
    await scene.do("import gc\ndef used():\n    gc.collect()\n    return gc.mem_alloc()")
    used = []
    for number in range(20):
        arrived: asyncio.Queue[bytes] = asyncio.Queue()
        await scene.characteristics[1].subscribe(arrived.put_nowait)
        await scene.write(0, bytes((number,)) * 200)
        await scene.do("c1.notify(connection, c0.read())")
        assert await asyncio.wait_for(arrived.get(), 10) == bytes((number,)) * 200
        await scene.connection.disconnect()
        await scene.do("outcome(connection.disconnected())")
        used.append(await scene.do("used()"))
        await scene.connect()
    assert max(used[5:]) - min(used[5:]) < 500, used


async def test_after_stop_everything_begins_anew(scene: Scene):
    await scene.begin("read=True, initial=b'first'")
    await scene.do("aioble.stop()")
    await scene.do(
        "aioble.config(mtu=247)\n"
        f"service = aioble.Service(UUID('{SERVICE}'))\n"
        "c = aioble.Characteristic(service, UUID(0xAA00), read=True, initial=b'second')\n"
        "aioble.register_services(service)"
    )
    await scene.connect()
    assert await scene.characteristics[0].read_value() == b"second"


# -- pairing, as link/pairing.py does it: a handler of its own for the events, flags that aioble has no names for

PAIRING = """
from aioble import core
secrets = {}
seen = []
def pairing(event, data):
    if event == 29:
        seen.append(event)
        return secrets.get((data[0], bytes(data[2]))) if data[2] is not None else None
    if event == 30:
        secrets[data[0], bytes(data[1])] = bytes(data[2]) if data[2] is not None else None
        return True
    if event == 31:
        core.ble.gap_passkey(data[0], data[1], 1)
    if event == 28:
        seen.append(tuple(data[1:]))
core.register_irq_handler(pairing, None)
core.ble.config(bond=True, mitm=True, le_secure=True, io=1)
"""


async def _yes(_number: int) -> bool:
    return True


async def test_pairing_by_a_handler_of_the_firmwares_own(scene: Scene):
    await scene.do(PAIRING)
    await scene.do(SCENE)
    await scene.do(
        f"c0 = aioble.Characteristic(service, UUID({0xAA00}), read=True, notify=True, initial=b'for friends')"
    )
    await scene.do("c0.flags |= 0x0600")
    await scene.do("aioble.register_services(service)")
    scene.phone = await scene.radio.central("phone")
    pairing = Pairing(compare=_yes)
    pairing.attach(scene.phone)
    await scene.connect()
    with pytest.raises(att.ATT_Error) as refused:
        await scene.characteristics[0].read_value()
    assert refused.value.error_code == att.ErrorCode.INSUFFICIENT_AUTHENTICATION
    await asyncio.wait_for(scene.connection.pair(), 10)
    assert await scene.characteristics[0].read_value() == b"for friends"
    assert await scene.do("(seen[-1], sorted([kind for kind, _ in secrets]))") == ((True, True, True, 16), [1, 2])
    # The bond, on the next link
    await scene.connection.disconnect()
    await scene.do("outcome(connection.disconnected())")
    await scene.do("seen.clear()")
    await scene.connect()
    await asyncio.wait_for(scene.connection.encrypt(), 10)
    assert await scene.characteristics[0].read_value() == b"for friends"
    assert await scene.do("seen[-1]") == (True, True, True, 16)


async def test_the_first_handler_that_answers_a_question_answers_it(scene: Scene):
    """aioble's own module for secrets, where it is loaded, is asked only when an earlier handler returns None."""
    await scene.do(
        "from aioble import core\n"
        "asked = []\n"
        "def first(event, data):\n"
        "    if event == 29:\n"
        "        asked.append(1)\n"
        "        return b''\n"
        "def second(event, data):\n"
        "    if event == 29:\n"
        "        asked.append(2)\n"
        "        return bytes(80)\n"
        "core.register_irq_handler(first, None)\n"
        "core.register_irq_handler(second, None)"
    )
    await scene.begin("read=True")
    pairing = Pairing(compare=_yes)
    pairing.attach(scene.phone)
    await pairing.bonds.update(str(scene.connection.peer_address), PairingKeys(ltk=PairingKeys.Key(bytes(16))))
    with pytest.raises(HCI_Error, match="PIN_OR_KEY_MISSING"):
        await asyncio.wait_for(scene.connection.encrypt(), 10)
    assert set(await scene.do("asked")) == {1}
