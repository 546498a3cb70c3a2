"""The unix board's bluetooth module behaves as MicroPython's with NimBLE does, seen from a phone over the air."""

from __future__ import annotations

import asyncio

import pytest
from bumble import att
from bumble.core import UUID
from bumble.core import TimeoutError as LinkTimeout
from bumble.device import Connection, Device, Peer
from bumble.gatt_client import CharacteristicProxy

from mpos.bench.radio import TO_PHONE, Radio
from tests.contract.ble.firmware import BLUETOOTH, DeviceError, Firmware

CONNECT, DISCONNECT, WRITE, READ_REQUEST, INDICATE_DONE, MTU_EXCHANGED = 1, 2, 3, 4, 20, 21
SERVICE = "8f1d0001-6d70-4f53-9a3c-52c5a1b7e0d1"


class Scene:
    """A reader with one service of the given characteristics, and a phone that is connected to it."""

    def __init__(self, radio: Radio, firmware: Firmware):
        self.radio = radio
        self.do = firmware.do
        self.firmware = firmware
        self.pdus: list[tuple[str, bytes]] = []
        radio.on_air(lambda direction, pdu: self.pdus.append((direction, pdu)))

    async def begin(self, characteristics: str) -> None:
        await self.do(BLUETOOTH)
        await self.do("ble.active(True)")
        self.handles = (await self.do(f"ble.gatts_register_services(((UUID('{SERVICE}'), {characteristics}),))"))[0]
        await self.connect()

    async def connect(self) -> None:
        await self.do("ble.gap_advertise(20000, b'\\x02\\x01\\x06')")
        self.phone: Device = await self.radio.central("phone")
        self.connection: Connection = await self.phone.connect(self.radio.reader_address, timeout=10)
        self.handle, *_ = await self.do(f"event({CONNECT})")
        self.peer = Peer(self.connection)
        await self.peer.discover_service(UUID(SERVICE))
        await self.peer.discover_characteristics()
        self.characteristics: list[CharacteristicProxy] = self.peer.services[0].characteristics

    def sent(self, opcode: int) -> list[bytes]:
        return [pdu for direction, pdu in self.pdus if direction == TO_PHONE and pdu[0] == opcode]


@pytest.fixture
async def scene(radio: Radio):
    async with Firmware(radio.address) as firmware:
        yield Scene(radio, firmware)


# -- values


async def test_a_value_holds_20_bytes_and_longer_writes_are_cut(scene: Scene):
    await scene.begin("((UUID(0xAA01), R | W),)")
    await scene.peer.request_mtu(247)
    await scene.characteristics[0].write_value(bytes(range(30)), with_response=True)
    assert await scene.do(f"ble.gatts_read({scene.handles[0]})") == bytes(range(20))
    assert await scene.characteristics[0].read_value() == bytes(range(20))


async def test_a_buffer_is_longer_and_setting_it_clears_the_value(scene: Scene):
    await scene.begin("((UUID(0xAA01), R | W),)")
    value = scene.handles[0]
    await scene.peer.request_mtu(247)
    await scene.do(f"ble.gatts_write({value}, b'before')")
    await scene.do(f"ble.gatts_set_buffer({value}, 100)")
    assert await scene.do(f"ble.gatts_read({value})") == b""
    await scene.characteristics[0].write_value(bytes(range(101)), with_response=True)
    assert await scene.do(f"ble.gatts_read({value})") == bytes(range(100))


async def test_a_local_write_makes_room_for_itself(scene: Scene):
    await scene.begin("((UUID(0xAA01), R | W),)")
    assert await scene.do(f"ble.gatts_write({scene.handles[0]}, b'x' * 40)") == 40
    await scene.peer.request_mtu(247)
    assert await scene.characteristics[0].read_value() == b"x" * 40
    await scene.characteristics[0].write_value(b"y" * 41, with_response=True)
    assert await scene.do(f"ble.gatts_read({scene.handles[0]})") == b"y" * 40


async def test_appended_writes_are_joined_until_read_and_cut_at_the_end(scene: Scene):
    await scene.begin("((UUID(0xAA01), W | WNR),)")
    value = scene.handles[0]
    await scene.do(f"ble.gatts_set_buffer({value}, 25, True)")
    await scene.characteristics[0].write_value(b"0123456789", with_response=True)
    await scene.characteristics[0].write_value(b"abcdefghij", with_response=True)
    assert await scene.do(f"ble.gatts_read({value})") == b"0123456789abcdefghij"
    assert await scene.do(f"ble.gatts_read({value})") == b""
    for _ in range(3):
        await scene.characteristics[0].write_value(b"0123456789", with_response=True)
    assert await scene.do(f"ble.gatts_read({value})") == b"0123456789012345678901234"


async def test_a_second_registration_replaces_the_first(scene: Scene):
    await scene.begin("((UUID(0xAA01), R),)")
    await scene.do("ble.gatts_register_services(((UUID(0x180A), ((UUID(0x2A24), R), (UUID(0x2A26), R))),))")
    await scene.do("ble.gap_advertise(20000, b'')")
    peer = Peer(await (await scene.radio.central("another")).connect(scene.radio.reader_address, timeout=10))
    await peer.discover_services()
    assert [service.uuid for service in peer.services][2:] == [UUID(0x180A)]


async def test_unknown_handles_are_refused(scene: Scene):
    await scene.begin("((UUID(0xAA01), R),)")
    for call in (
        "gatts_read(99)",
        "gatts_write(99, b'')",
        "gatts_set_buffer(99, 5)",
        f"gatts_notify({scene.handle}, 99)",
    ):
        with pytest.raises(DeviceError, match="EINVAL"):
            await scene.do("ble." + call)
    with pytest.raises(DeviceError, match="ENOTCONN"):
        await scene.do(f"ble.gatts_notify(77, {scene.handles[0]})")
    assert await scene.do("ble.gap_disconnect(77)") is False


# -- the attribute table


async def test_the_cccd_follows_the_value_before_other_descriptors(scene: Scene):
    await scene.begin("((UUID(0xAA01), R | N, ((UUID(0x2901), R),)), (UUID(0xAA02), R))")
    value, described, second = scene.handles
    assert (described, second) == (value + 2, value + 4)
    found = await scene.peer.discover_descriptors(scene.characteristics[0])
    assert [(d.handle, d.type) for d in found] == [(value + 1, UUID(0x2902)), (value + 2, UUID(0x2901))]


async def test_aiobles_own_flag_does_not_reach_the_table(scene: Scene):
    await scene.begin("((UUID(0xAA01), W | 0x10000),)")
    assert int(scene.characteristics[0].properties) == 0x08


@pytest.mark.parametrize(
    ("flags", "refused_read", "refused_write"),
    [
        ("R", None, att.ErrorCode.WRITE_NOT_PERMITTED),
        ("W", att.ErrorCode.READ_NOT_PERMITTED, None),
        ("WNR", att.ErrorCode.READ_NOT_PERMITTED, None),  # NimBLE: writable is writable, either way
        (
            "R | W | 0x0200 | 0x1000",
            att.ErrorCode.INSUFFICIENT_AUTHENTICATION,
            att.ErrorCode.INSUFFICIENT_AUTHENTICATION,
        ),
        (
            "R | W | 0x0400 | 0x2000",
            att.ErrorCode.INSUFFICIENT_AUTHENTICATION,
            att.ErrorCode.INSUFFICIENT_AUTHENTICATION,
        ),
    ],
)
async def test_flags_are_enforced(scene: Scene, flags, refused_read, refused_write):
    await scene.begin(f"((UUID(0xAA01), {flags}),)")

    async def refusal(action) -> int | None:
        try:
            await action
        except att.ATT_Error as error:
            return error.error_code
        return None

    characteristic = scene.characteristics[0]
    assert await refusal(characteristic.read_value()) == refused_read
    assert await refusal(characteristic.write_value(b"x", with_response=True)) == refused_write
    assert await scene.do(f"ble.gatts_read({scene.handles[0]})") == (b"" if refused_write else b"x")


# -- reads and writes meet the handler


async def test_a_handler_may_refresh_or_refuse_a_read(scene: Scene):
    await scene.begin("((UUID(0xAA01), R),)")
    value = scene.handles[0]
    await scene.do(f"def hook(event, data):\n    if event == {READ_REQUEST}: ble.gatts_write(data[1], b'fresh')")
    assert await scene.characteristics[0].read_value() == b"fresh"
    await scene.do(f"def hook(event, data):\n    return 0x08 if event == {READ_REQUEST} else None")
    with pytest.raises(att.ATT_Error) as refused:
        await scene.characteristics[0].read_value()
    assert refused.value.error_code == att.ErrorCode.INSUFFICIENT_AUTHORIZATION
    assert await scene.do(f"event({READ_REQUEST})") == (scene.handle, value)


async def test_a_write_is_answered_after_the_handler_has_returned(scene: Scene):
    await scene.begin("((UUID(0xAA01), W), (UUID(0xAA02), N))")
    await scene.do(
        f"def hook(event, data):\n    if event == {WRITE}: ble.gatts_notify(data[0], {scene.handles[1]}, b'!')"
    )
    await scene.characteristics[0].write_value(b"x", with_response=True)
    # What the handler notifies is on the air before the response, so the response waited for the handler.
    order = [pdu[0] for direction, pdu in scene.pdus if direction == TO_PHONE][-2:]
    assert order == [att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION, att.Opcode.ATT_WRITE_RESPONSE]


async def test_a_notification_does_not_overtake_a_write_response(scene: Scene):
    await scene.begin("((UUID(0xAA01), W), (UUID(0xAA02), N))")
    await scene.do(
        "woken = asyncio.Event()\n"
        f"def hook(event, data):\n    if event == {WRITE}: woken.set()\n"
        "async def answer():\n"
        "    while True:\n"
        "        await woken.wait()\n"
        "        woken.clear()\n"
        f"        ble.gatts_notify({scene.handle}, {scene.handles[1]}, b'!')\n"
        "t = asyncio.create_task(answer())"
    )
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    await scene.characteristics[1].subscribe(arrived.put_nowait)
    del scene.pdus[:]
    for _ in range(20):
        await scene.characteristics[0].write_value(b"x", with_response=True)
        await asyncio.wait_for(arrived.get(), 10)
    order = [pdu[0] for direction, pdu in scene.pdus if direction == TO_PHONE]
    assert order == [att.Opcode.ATT_WRITE_RESPONSE, att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION] * 20


async def test_a_handler_that_raises_is_disabled_and_the_phone_is_answered(scene: Scene):
    await scene.begin("((UUID(0xAA01), W),)")
    await scene.do("calls = []\ndef hook(event, data):\n    calls.append(event)\n    raise RuntimeError('handler')")
    await scene.characteristics[0].write_value(b"one", with_response=True)
    await scene.characteristics[0].write_value(b"two", with_response=True)
    assert await scene.do("calls") == [WRITE]
    assert await scene.do(f"ble.gatts_read({scene.handles[0]})") == b"two"
    assert "Unhandled exception in IRQ callback handler" in scene.firmware.errors
    assert "RuntimeError: handler" in scene.firmware.errors


async def test_addresses_are_big_endian_and_lent_only_for_the_call(scene: Scene):
    await scene.do(BLUETOOTH)
    await scene.do("kept = []\ndef hook(event, data):\n    if event == 1: kept.append((data[2], bytes(data[2])))")
    await scene.do("ble.active(True)")
    await scene.do("ble.gap_advertise(20000, b'')")
    phone = await scene.radio.central("phone", "C1:22:33:44:55:66")
    await phone.connect(scene.radio.reader_address, timeout=10)
    _handle, kind, address = await scene.do(f"event({CONNECT})")
    assert (kind, address) == (1, bytes.fromhex("C12233445566"))
    assert await scene.do("bytes(kept[0][0])") == b"\xdd" * 6
    mac = await scene.do("ble.config('mac')")
    assert mac == (1, bytes.fromhex(scene.radio.reader_address.replace(":", "")))


# -- notifications and indications


async def test_notifications_ignore_subscription_and_are_cut_at_the_mtu(scene: Scene):
    await scene.begin("((UUID(0xAA01), N),)")
    value = scene.handles[0]
    await scene.do(f"ble.gatts_notify({scene.handle}, {value}, bytes(range(40)))")
    assert await scene.peer.request_mtu(247) == 247
    assert await scene.do(f"event({MTU_EXCHANGED})") == (scene.handle, 247)
    await scene.do(f"ble.gatts_notify({scene.handle}, {value}, bytes(300))")
    await scene.do(f"ble.gatts_write({value}, b'the value')")
    await scene.do(f"ble.gatts_notify({scene.handle}, {value})")
    # A round trip: what was sent before it has crossed the air.
    await scene.peer.discover_service(UUID(SERVICE))
    payloads = [pdu[3:] for pdu in scene.sent(att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION)]
    assert payloads == [bytes(range(20)), bytes(244), b"the value"]


async def test_notifications_run_out_of_buffers_and_get_them_back(scene: Scene):
    await scene.begin("((UUID(0xAA01), N),)")
    await scene.do(
        f"def fill(n):\n    for i in range(n): ble.gatts_notify({scene.handle}, {scene.handles[0]}, bytes([i]))"
    )
    with pytest.raises(DeviceError, match="ENOMEM"):
        await scene.do("fill(13)")
    # The phone's round trip lets the air take them all.
    await scene.peer.discover_service(UUID(SERVICE))
    assert [pdu[3] for pdu in scene.sent(att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION)] == list(range(12))
    await scene.do("asyncio.sleep_ms(0)")
    await scene.do("fill(1)")


async def test_an_update_goes_to_subscribers_only(scene: Scene):
    await scene.begin("((UUID(0xAA01), R | N),)")
    await scene.do(f"ble.gatts_write({scene.handles[0]}, b'unheard', True)")
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    await scene.characteristics[0].subscribe(arrived.put_nowait)
    await scene.do(f"ble.gatts_write({scene.handles[0]}, b'heard', True)")
    assert await asyncio.wait_for(arrived.get(), 10) == b"heard"
    assert len(scene.sent(att.Opcode.ATT_HANDLE_VALUE_NOTIFICATION)) == 1


async def test_an_indication_is_confirmed(scene: Scene):
    await scene.begin("((UUID(0xAA01), I),)")
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    await scene.characteristics[0].subscribe(arrived.put_nowait, prefer_notify=False)
    await scene.do(f"ble.gatts_indicate({scene.handle}, {scene.handles[0]}, b'please confirm')")
    assert await asyncio.wait_for(arrived.get(), 10) == b"please confirm"
    assert await scene.do(f"event({INDICATE_DONE})") == (scene.handle, scene.handles[0], 0)


async def test_the_reader_may_begin_the_mtu_exchange(scene: Scene):
    await scene.begin("((UUID(0xAA01), R),)")
    await scene.do("ble.config(mtu=185)")
    await scene.do(f"ble.gattc_exchange_mtu({scene.handle})")
    assert await scene.do(f"event({MTU_EXCHANGED})") == (scene.handle, 185)


# -- advertising and links


async def hear(phone: Device, expected: bytes, active: bool = True) -> None:
    """Until the phone hears exactly that; an active scan joins advertisement and scan response."""
    found: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_advertisement(heard) -> None:
        if bytes(heard.data) == expected and not found.done():
            found.set_result(None)

    phone.on("advertisement", on_advertisement)
    await phone.start_scanning(active=active, filter_duplicates=False)
    try:
        await asyncio.wait_for(found, 10)
    finally:
        phone.remove_listener("advertisement", on_advertisement)
        await phone.stop_scanning()


async def test_payloads_are_kept_until_they_are_replaced(scene: Scene):
    await scene.do(BLUETOOTH)
    await scene.do("ble.active(True)")
    phone = await scene.radio.central("phone")
    await scene.do("ble.gap_advertise(20000, b'\\x02\\x01\\x06', resp_data=b'\\x04\\x09abc')")
    await hear(phone, b"\x02\x01\x06", active=False)
    await hear(phone, b"\x02\x01\x06\x04\x09abc")
    await scene.do("ble.gap_advertise(None)")
    await scene.do("ble.gap_advertise(20000)")
    await hear(phone, b"\x02\x01\x06\x04\x09abc")
    await scene.do("ble.gap_advertise(20000, resp_data=b'')")
    await hear(phone, b"\x02\x01\x06")
    for payload in ("adv_data", "resp_data"):
        with pytest.raises(DeviceError, match="EINVAL"):
            await scene.do(f"ble.gap_advertise(20000, {payload}=bytes(32))")


async def test_an_advertiser_that_is_not_connectable_is_only_seen(scene: Scene):
    await scene.do(BLUETOOTH)
    await scene.do("ble.active(True)")
    await scene.do("ble.gap_advertise(20000, b'\\x02\\x01\\x06', connectable=False)")
    phone = await scene.radio.central("phone")
    await hear(phone, b"\x02\x01\x06", active=False)
    with pytest.raises(LinkTimeout):
        await phone.connect(scene.radio.reader_address, timeout=0.3)


async def test_either_side_may_end_the_link(scene: Scene):
    await scene.begin("((UUID(0xAA01), R),)")
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    scene.connection.on("disconnection", gone.set_result)
    assert await scene.do(f"ble.gap_disconnect({scene.handle})") is True
    await asyncio.wait_for(gone, 10)
    assert (await scene.do(f"event({DISCONNECT})"))[0] == scene.handle
    await scene.connect()
    await scene.connection.disconnect()
    assert (await scene.do(f"event({DISCONNECT})"))[0] == scene.handle


async def test_radio_loss_ends_the_link_on_both_sides_and_a_new_one_can_be_made(scene: Scene):
    await scene.begin("((UUID(0xAA01), R),)")
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    scene.connection.on("disconnection", gone.set_result)
    scene.radio.drop()
    assert await asyncio.wait_for(gone, 10) == 0x08  # connection timeout
    handle, kind, address = await scene.do(f"event({DISCONNECT})")
    assert (handle, kind, address) == (scene.handle, 1, bytes(scene.phone.random_address)[::-1])
    await scene.connect()


async def test_two_phones_have_two_links(scene: Scene):
    await scene.begin("((UUID(0xAA01), N),)")
    first, connection = scene.handle, scene.connection
    await scene.connect()
    assert scene.handle != first
    arrived: list[bytes] = []
    await scene.characteristics[0].subscribe(arrived.append)
    await scene.do(f"ble.gatts_notify({first}, {scene.handles[0]}, b'first')")
    await scene.peer.discover_service(UUID(SERVICE))
    assert arrived == []
    await connection.disconnect()
    assert (await scene.do(f"event({DISCONNECT})"))[0] == first
    assert scene.connection.handle in scene.phone.connections


async def test_of_two_phones_at_once_one_gets_the_link(scene: Scene):
    await scene.do(BLUETOOTH)
    await scene.do("ble.active(True)")
    phones = [await scene.radio.central(name) for name in ("first", "second")]
    attempts = [asyncio.create_task(phone.connect(scene.radio.reader_address, timeout=10)) for phone in phones]
    lost: asyncio.Queue[int] = asyncio.Queue()
    for phone in phones:
        phone.on("connection", lambda connection: connection.on("disconnection", lost.put_nowait))
    await scene.do("ble.gap_advertise(20000, b'')")
    await asyncio.wait(attempts, timeout=10)
    assert await asyncio.wait_for(lost.get(), 10) == 0x3E  # connection failed to be established
    await scene.do(f"event({CONNECT})")
    assert await scene.do(f"[e for e in events if e[0] == {CONNECT}]") == []
    assert sum(len(phone.connections) for phone in phones) == 1


async def test_switching_off_drops_the_links_and_on_again_works_at_the_same_address(scene: Scene):
    await scene.begin("((UUID(0xAA01), R),)")
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    scene.connection.on("disconnection", gone.set_result)
    assert await scene.do("ble.active(False)") is False
    await asyncio.wait_for(gone, 10)
    assert await scene.do("events") == []
    with pytest.raises(DeviceError, match="ENODEV"):
        await scene.do("ble.gap_advertise(20000, b'')")
    assert await scene.do("ble.active(True)") is True
    await scene.do("ble.gap_advertise(20000, b'')")
    await scene.phone.connect(scene.radio.reader_address, timeout=10)


async def test_a_handler_may_switch_the_radio_off(scene: Scene):
    await scene.begin("((UUID(0xAA01), W),)")
    await scene.do(f"def hook(event, data):\n    if event == {WRITE}: ble.active(False)")
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    scene.connection.on("disconnection", gone.set_result)
    await scene.characteristics[0].write_value(b"off", with_response=False)
    await asyncio.wait_for(gone, 10)
    assert await scene.do("ble.active()") is False
    await scene.do("hook = None")
    assert await scene.do("ble.active(True)") is True
    await scene.do("ble.gap_advertise(20000, b'')")
    await scene.phone.connect(scene.radio.reader_address, timeout=10)


async def test_a_new_reader_takes_the_place_of_one_that_died(radio: Radio):
    phone = await radio.central("phone")
    for _ in range(2):
        async with Firmware(radio.address) as firmware:
            await firmware.do(BLUETOOTH)
            await firmware.do("ble.active(True)")
            await firmware.do("ble.gap_advertise(20000, b'')")
            connection = await phone.connect(radio.reader_address, timeout=10)
            gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
            connection.on("disconnection", gone.set_result)
        await asyncio.wait_for(gone, 10)


# -- the interface around


async def test_what_is_not_there_says_so(scene: Scene):
    await scene.do(BLUETOOTH)
    await scene.do("ble.active(True)")
    for call in (
        "gap_scan(0)", "gap_connect(0, b'')", "gap_pair(1)", "gattc_read(1, 2)",
        "gattc_write(1, 2, b'')", "gattc_discover_services(1)", "gattc_discover_characteristics(1, 2, 3)",
        "gattc_discover_descriptors(1, 2, 3)", "l2cap_listen(1, 2)", "config(addr_mode=2)",
    ):  # fmt: skip
        with pytest.raises(DeviceError, match="EOPNOTSUPP"):
            await scene.do("ble." + call)


async def test_configuration(scene: Scene):
    await scene.do(BLUETOOTH)
    for call, error in (
        ("config('mtu')", "ENODEV"),
        ("config('mac')", "ENODEV"),
        ("config(mtu=100)", "ENODEV"),
        ("config('rxbuf')", "ValueError"),
        ("config(nonsense=1)", "ValueError"),
        ("config('mtu', 'mac')", "TypeError"),
        ("config('mtu', mtu=5)", "TypeError"),
    ):
        with pytest.raises(DeviceError, match=error):
            await scene.do("ble." + call)
    await scene.do("ble.config(gap_name='reader 7')")
    assert await scene.do("ble.config('gap_name')") == b"reader 7"
    await scene.begin("((UUID(0xAA01), R),)")
    assert await scene.do("ble.config('mtu')") == 256
    for mtu in (22, 528):
        with pytest.raises(DeviceError, match="EINVAL"):
            await scene.do(f"ble.config(mtu={mtu})")
    await scene.do("ble.config(mtu=185, gap_name='reader 8')")
    assert await scene.peer.request_mtu(247) == 185
    (name,) = await scene.peer.read_characteristics_by_uuid(UUID(0x2A00))
    assert name == b"reader 8"
    assert await scene.do("bluetooth.BLE() is ble") is True


async def test_uuids(scene: Scene):
    await scene.do(BLUETOOTH)
    assert await scene.do("bytes(UUID(0x180A))") == b"\x0a\x18"
    assert await scene.do("str(UUID(0x180A))") == "UUID(0x180a)"
    assert await scene.do(f"bytes(UUID('{SERVICE}'))") == bytes.fromhex(SERVICE.replace("-", ""))[::-1]
    assert await scene.do(f"str(UUID('{SERVICE}'))") == f"UUID('{SERVICE}')"
    assert await scene.do(f"UUID(memoryview(UUID('{SERVICE}'))) == UUID('{SERVICE}')") is True
    assert await scene.do("(UUID(1) == UUID(2), UUID(1) == b'\\x01\\x00', len(UUID(1)), hash(UUID(1)) == hash(UUID(1)))") == (
        False, False, 2, True,
    )  # fmt: skip
    for wrong in ("0x10000", "-1", "'8f1d0001'", f"'{SERVICE}00'", "b'123'", "'zz1d0001-6d70-4f53-9a3c-52c5a1b7e0d1'"):
        with pytest.raises(DeviceError, match="ValueError"):
            await scene.do(f"UUID({wrong})")
    await scene.do("ble.active(True)")
    with pytest.raises(DeviceError, match="ValueError"):
        await scene.do("ble.gatts_register_services(((0x180A, ()),))")
