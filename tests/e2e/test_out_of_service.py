"""A reader with a part missing: out of service, with the number that says why, and nothing else answered."""

from __future__ import annotations

import pytest

from mpos.bench.device import FirmwareDied
from mpos.bench.world import PARAMETERS
from mpos.link.client import ReaderRefused
from mpos.link.messages import Opcode, State, Tag
from tests.e2e.conftest import AMOUNT, CARD_TIMEOUT_S, CNY, sale, world

E_OUT_OF_SERVICE, E_NO_KEY, E_STORE, E_PARAMETERS, E_NFC_SILENT = 807, 501, 506, 805, 201


async def out_of_service(there) -> int:
    """The reason that the reader gives; it must refuse a sale with the same one."""
    async with await there.connect() as reader:
        info = await reader.command(Opcode.GET_INFO)
        assert info.number_of(Tag.READER_STATE) == State.OUT_OF_SERVICE
        with pytest.raises(ReaderRefused) as refused:
            await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
        assert refused.value.code == E_OUT_OF_SERVICE
        assert refused.value.detail == info.number_of(Tag.DETAIL)
        return refused.value.detail


async def restarted(there):
    await there.stop_reader()
    await there.start_reader()
    return there


async def test_not_personalised():
    async with world() as there:
        (there.state / "keys").unlink()
        assert await out_of_service(await restarted(there)) == E_NO_KEY


@pytest.mark.parametrize("name", ["keys", "counters"])
async def test_a_store_that_was_changed(name):
    async with world() as there:
        path = there.state / name
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        assert await out_of_service(await restarted(there)) == E_STORE


async def test_parameters_that_are_none(tmp_path):
    path = tmp_path / "parameters.json"
    path.write_text(PARAMETERS.read_text().replace('"version": 1', '"version": 99'))
    async with world(parameters=path) as there:
        assert await out_of_service(there) == E_PARAMETERS


async def test_a_second_initial_key_is_refused():
    async with world() as there:
        await there.stop_reader()
        with pytest.raises(FirmwareDied, match="502"):
            await there.personalise()
        await there.start_reader()
        async with await there.connect() as reader:
            assert (await sale(there, reader)).outcome == "approved"


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
