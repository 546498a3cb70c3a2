"""A reader with a part missing: out of service, with the number that says why, and nothing else answered."""

from __future__ import annotations

import hashlib

import pytest

from mpos.bench.provisioned import bench_vault, card_keys
from mpos.bench.test_keys import READER_ID
from mpos.bench.world import PARAMETERS
from mpos.link.client import ReaderRefused
from mpos.link.messages import Opcode, State, Tag
from mpos.provision.factory import load_keys
from tests.e2e.conftest import AMOUNT, CARD_TIMEOUT_S, CNY, sale, world

E_OUT_OF_SERVICE, E_NO_KEY, E_STORE, E_PARAMETERS, E_NO_SESSION, E_IMAGE = 807, 501, 506, 805, 707, 512
SECTOR = 4096


async def out_of_service(there, secure: bool = False) -> int:
    """The reason that the reader gives; a sale is refused. secure: the keys are there, and a session is opened."""
    async with await there.connect(secure=secure) as reader:
        info = await reader.command(Opcode.GET_INFO)
        assert info.number_of(Tag.READER_STATE) == State.OUT_OF_SERVICE
        with pytest.raises(ReaderRefused) as refused:
            await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
        if secure:
            assert (refused.value.code, refused.value.detail) == (E_OUT_OF_SERVICE, info.number_of(Tag.DETAIL))
        else:
            assert refused.value.code == E_NO_SESSION
        return info.number_of(Tag.DETAIL)


async def restarted(there):
    await there.stop_reader()
    await there.start_reader()
    return there


async def test_blank():
    async with world(blank=True, serial=True) as there:
        assert await out_of_service(there) == E_NO_KEY


async def test_the_key_store_is_gone():
    async with world() as there:
        (there.state / "ring").unlink()
        assert await out_of_service(await restarted(there)) == E_STORE


async def test_the_key_store_was_changed():
    async with world() as there:
        path = there.state / "ring"
        data = bytearray(path.read_bytes())
        for at in range(100, len(data), SECTOR):
            data[at] ^= 1
        path.write_bytes(data)
        assert await out_of_service(await restarted(there)) == E_STORE


async def test_an_older_key_store_was_put_back():
    async with world() as there:
        older = (there.state / "ring").read_bytes()
        async with await there.connect() as reader:
            await load_keys(reader, bench_vault(), lambda: None, READER_ID, card_keys()[:1])
        (there.state / "ring").write_bytes(older)
        assert await out_of_service(await restarted(there)) == E_STORE


async def test_the_counters_were_changed():
    async with world() as there:
        path = there.state / "counters"
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        assert await out_of_service(await restarted(there), secure=True) == E_STORE


async def test_a_bit_of_the_firmware_was_changed(tmp_path):
    """What runs may be whole, and is not believed. The certificate of the factory has the hash of the right one."""
    async with world() as there, await there.connect() as reader:
        information = await reader.command(Opcode.GET_INFO)
        image = there.device.image.read_bytes()
    assert information.body[Tag.IMAGE_HASH] == image[-32:] == hashlib.sha256(image[:-32]).digest()
    changed = tmp_path / "changed.img"
    changed.write_bytes(image[:-1] + bytes([image[-1] ^ 1]))
    async with world() as there:
        there.device.environment["MPOS_ROM"] = str(changed)
        assert await out_of_service(await restarted(there), secure=True) == E_IMAGE


async def test_parameters_that_are_none(tmp_path):
    path = tmp_path / "parameters.json"
    path.write_text(PARAMETERS.read_text().replace('"version": 1', '"version": 99'))
    async with world(parameters=path) as there:
        assert await out_of_service(there, secure=True) == E_PARAMETERS


async def test_switched_off_in_the_middle_and_on_again():
    """What a packet used is never used again: the next sale has another STAN and another KSN."""
    async with world() as there:
        async with await there.connect() as reader:
            await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
            while (await reader.event(5)).opcode != Opcode.ONLINE_REQUEST:
                pass
            await there.stop_reader()
        await there.start_reader()
        async with await there.connect() as reader:
            record = await sale(there, reader)
        assert record.outcome == "approved"
        assert record.stan == 2 and int(record.ksn[-5:], 16) & 0x1FFFFF == 2
