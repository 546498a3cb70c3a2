"""Pairing as the bluetooth module gives it to the firmware: questions, secrets, and what a link may do then."""

from __future__ import annotations

import asyncio
import struct

import pytest
from bumble import att
from bumble.core import ProtocolError
from bumble.hci import HCI_Error

from mpos.bench.radio import Radio
from mpos.link.pairing import Pairing
from tests.contract.ble.firmware import DeviceError, Firmware
from tests.contract.ble.test_bluetooth import DISCONNECT, Scene

ENCRYPTION_UPDATE, GET_SECRET, SET_SECRET, PASSKEY_ACTION = 28, 29, 30, 31
OURS, THEIRS = 1, 2
# A firmware that keeps every secret, as the documentation of `bluetooth` has it. `say`: its answer to a number.
KEEPER = """
secrets = {}
say = None
def hook(event, data):
    if event == 29:
        kind, index, key = data
        if key is None:
            found = [v for (k, _), v in secrets.items() if k == kind]
            return found[index] if index < len(found) else None
        return secrets.get((kind, bytes(key)))
    if event == 30:
        kind, key, value = data
        if value is None:
            return secrets.pop((kind, bytes(key)), None) is not None
        secrets[kind, bytes(key)] = bytes(value)
        return True
    if event == 31 and say is not None:
        ble.gap_passkey(data[0], data[1], say)
"""
AUTHENTICATED = "((UUID(0xAA01), R | W | N | 0x0600 | 0x3000),)"


@pytest.fixture
async def scene(radio: Radio):
    async with Firmware(radio.address) as firmware:
        yield Scene(radio, firmware)


async def begin(scene: Scene, pairing: Pairing, io: int, say: int | None, le_secure: bool = True) -> None:
    await scene.do(f"import bluetooth\nbluetooth.BLE().config(bond=True, mitm=True, le_secure={le_secure}, io={io})")
    await scene.begin(AUTHENTICATED)
    await scene.do(KEEPER + f"say = {say}")
    pairing.attach(scene.phone)


async def refusal(action) -> int | None:
    try:
        await action
    except att.ATT_Error as error:
        return error.error_code
    return None


async def typed(number: int) -> int:
    return number


async def yes(_number: int) -> bool:
    return True


@pytest.mark.parametrize(
    ("io", "says", "pairing", "action", "authenticated"),
    [
        (0, 123456, Pairing(passkey=lambda: typed(123456)), 3, True),  # the reader displays
        (2, 4711, Pairing(compare=yes), 2, True),  # the reader's keypad; what the phone shows is not known here
        (1, 1, Pairing(compare=yes), 4, True),
        (1, None, Pairing(), None, False),  # Just Works: the phone has neither screen nor keys
        (3, None, Pairing(compare=yes), None, False),  # nor has the reader
    ],
    ids=["passkey", "input", "comparison", "just-works-phone", "just-works-reader"],
)
async def test_pairing(scene: Scene, io, says, pairing, action, authenticated):
    await begin(scene, pairing, io, says)
    if action == 2:
        shown: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        config = scene.phone.pairing_config_factory(scene.connection)

        async def display_number(number: int, digits: int) -> None:
            shown.set_result(number)

        config.delegate.display_number = display_number  # type: ignore[method-assign]
        scene.phone.pairing_config_factory = lambda _connection: config
        await scene.do("say = None")
        task = asyncio.create_task(scene.connection.pair())
        asked = await scene.do(f"event({PASSKEY_ACTION})")
        await scene.do(f"ble.gap_passkey({scene.handle}, 2, {await asyncio.wait_for(shown, 10)})")
        await asyncio.wait_for(task, 10)
    else:
        await asyncio.wait_for(scene.connection.pair(), 10)
        asked = await scene.do(f"event({PASSKEY_ACTION})") if action else None
    if action:
        assert asked[:2] == (scene.handle, action)
    assert await scene.do(f"event({ENCRYPTION_UPDATE})") == (scene.handle, True, authenticated, True, 16)
    value = scene.characteristics[0]
    expected = None if authenticated else att.ErrorCode.INSUFFICIENT_AUTHENTICATION
    assert await refusal(value.read_value()) == expected
    assert await refusal(value.write_value(b"x", with_response=True)) == expected
    assert await refusal(value.subscribe(lambda _value: None)) == expected


async def test_numbers_are_the_same_on_both_sides(scene: Scene):
    seen: list[int] = []

    async def compare(number: int) -> bool:
        seen.append(number)
        return True

    await begin(scene, Pairing(compare=compare), 1, 1)
    await asyncio.wait_for(scene.connection.pair(), 10)
    assert (await scene.do(f"event({PASSKEY_ACTION})"))[2] == seen[0]


async def test_a_secret_is_what_nimble_gives(scene: Scene):
    """struct ble_store_value_sec; Core 5.4 Vol 3 Part H, 2.4.4: EDIV and Rand are zero for Secure Connections."""
    pairing = Pairing(compare=yes)
    await begin(scene, pairing, 1, 1)
    await asyncio.wait_for(scene.connection.pair(), 10)
    await scene.do(f"event({ENCRYPTION_UPDATE})")
    address = b"\x01" + bytes(scene.phone.random_address)
    ours, theirs = await scene.do(f"(secrets[{OURS}, {address!r}], secrets[{THEIRS}, {address!r}])")
    bond = await pairing.bonds.get(str(scene.connection.peer_address))
    assert bond is not None and bond.ltk is not None
    assert len(ours) == len(theirs) == 80
    assert ours[:8] == address + b"\x10"
    assert ours[8:24] == bytes(16)
    assert ours[24:41] == bond.ltk.value + b"\x01"
    assert ours[74] & 6 == 6
    assert struct.unpack_from("<16sB", theirs, 24) == (bond.ltk.value, 1)


async def test_a_legacy_key_has_a_random_rand(scene: Scene):
    await begin(scene, Pairing(passkey=lambda: typed(123456), secure=False), 0, 123456)
    await asyncio.wait_for(scene.connection.pair(), 10)
    # Nothing in the event tells it from Secure Connections; the secret does.
    assert await scene.do(f"event({ENCRYPTION_UPDATE})") == (scene.handle, True, True, True, 16)
    address = b"\x01" + bytes(scene.phone.random_address)
    ours = await scene.do(f"secrets[{OURS}, {address!r}]")
    assert any(ours[16:24]) and ours[40] == 1 and not ours[74] & 4


async def test_a_short_key_is_told(scene: Scene):
    await begin(scene, Pairing(compare=yes, key_size=7), 1, 1)
    await asyncio.wait_for(scene.connection.pair(), 10)
    assert (await scene.do(f"event({ENCRYPTION_UPDATE})"))[4] == 7


async def bond(scene: Scene) -> None:
    """Pair, and wait until the device has kept both secrets: the phone is done before that."""
    await asyncio.wait_for(scene.connection.pair(), 10)
    async with asyncio.timeout(10):
        while await scene.do("len(secrets)") < 2:
            pass


async def reconnect(scene: Scene) -> None:
    await scene.connection.disconnect()
    await scene.do(f"event({DISCONNECT})")
    await scene.do("events.clear()\nble.gap_advertise(20000, b'')")
    scene.connection = await scene.phone.connect(scene.radio.reader_address, timeout=10)
    scene.handle = (await scene.do("event(1)"))[0]


async def test_a_bond_encrypts_the_next_link(scene: Scene):
    await begin(scene, Pairing(compare=yes), 1, 1)
    await bond(scene)
    await reconnect(scene)
    await asyncio.wait_for(scene.connection.encrypt(), 10)
    assert await scene.do(f"event({ENCRYPTION_UPDATE})") == (scene.handle, True, True, True, 16)
    assert await scene.do(f"[d[0] for e, d in events if e == {PASSKEY_ACTION}]") == []


async def test_before_it_is_encrypted_a_bonded_link_says_so(scene: Scene):
    from bumble.core import UUID
    from bumble.device import Peer

    await begin(scene, Pairing(compare=yes), 1, 1)
    await bond(scene)
    await reconnect(scene)
    peer = Peer(scene.connection)
    await peer.discover_services()
    await peer.discover_characteristics()
    value = peer.get_characteristics_by_uuid(UUID.from_16_bits(0xAA01))[0]
    assert await refusal(value.read_value()) == att.ErrorCode.INSUFFICIENT_ENCRYPTION


async def test_a_bond_that_the_firmware_has_lost(scene: Scene):
    await begin(scene, Pairing(compare=yes), 1, 1)
    await bond(scene)
    await reconnect(scene)
    await scene.do("secrets.clear()")
    with pytest.raises(HCI_Error, match="PIN_OR_KEY_MISSING"):
        await asyncio.wait_for(scene.connection.encrypt(), 10)


async def test_who_is_bonded_and_pairs_anew_has_the_old_bond_forgotten(scene: Scene):
    """As MicroPython does on its own."""
    await begin(scene, Pairing(compare=yes), 1, 1)
    await bond(scene)
    await reconnect(scene)
    await asyncio.wait_for(scene.connection.pair(), 10)
    await scene.do(f"event({ENCRYPTION_UPDATE})")
    kinds = await scene.do(f"[(d[0], d[2] is None) for e, d in events if e == {SET_SECRET}]")
    assert kinds == [(OURS, True), (THEIRS, True), (OURS, False), (THEIRS, False)]


@pytest.mark.parametrize("said", [0, 1])
async def test_a_no_of_either_side_ends_it(scene: Scene, said):
    async def no(_number: int) -> bool:
        return False

    await begin(scene, Pairing(compare=no if said else yes), 1, said)
    with pytest.raises(ProtocolError):
        await asyncio.wait_for(scene.connection.pair(), 10)
    assert await scene.do(f"event({ENCRYPTION_UPDATE})") == (scene.handle, False, False, False, 0)
    assert await scene.do("secrets") == {}


async def test_an_answer_to_no_question_is_none(scene: Scene):
    await begin(scene, Pairing(compare=yes), 1, None)
    await scene.do(f"ble.gap_passkey({scene.handle}, 4, 1)")
    for call, error in ((f"{scene.handle}, 9, 1", "EINVAL"), ("77, 4, 1", "ENOTCONN")):
        with pytest.raises(DeviceError, match=error):
            await scene.do(f"ble.gap_passkey({call})")
