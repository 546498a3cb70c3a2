"""Keys and files over the session, into a reader in the field: taken once, refused without a trace, whole after any cut."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from mpos.bench import provisioned, test_keys
from mpos.bench.device import FirmwareDied, UnixDevice
from mpos.bench.world import PARAMETERS, World, bench_tables
from mpos.describe import log_events
from mpos.link.client import ReaderClient, ReaderGone, ReaderRefused
from mpos.link.messages import FileName, Opcode, State, Tag
from mpos.provision import factory, keys
from tests.e2e.conftest import AMOUNT, CARD_TIMEOUT_S, CNY

_ID = test_keys.READER_ID
_KEY_EXISTS, _KEY_BLOCK, _KEY_REPLAY, _BUSY, _STATE, _PARAMETERS = 502, 508, 509, 703, 706, 805
_LOG_LOADED, _LOG_REFUSED, _MASTER_KEY = 11, 12, 8
_BACK_S = 20.0
_NEW_KEY = bytes(range(16))  # a TMK
_NEW = keys.Load("master-session", "K0", "T", "D", _NEW_KEY, keys.tdes_check_value(_NEW_KEY))
_OLD = keys.terminal_master(test_keys.MASTER_MASTER, _ID)


def _saved() -> None:
    """The vault is nobody's."""


def _keys(there: World) -> tuple[bytes, bytes]:
    """The key store's flash. That a key was refused is in the log, which is elsewhere."""
    return (there.state / "ring").read_bytes(), (there.state / "secret").read_bytes()


async def _refused(there: World, command, code: int, detail: int | None = None) -> None:
    """It is, and not a bit of the key store has changed."""
    before = _keys(there)
    with pytest.raises(ReaderRefused) as refused:
        await command
    assert refused.value.code == code and detail in (None, refused.value.detail)
    assert _keys(there) == before


async def _master_check(reader: ReaderClient) -> str:
    return next(info.check for info in await factory.key_status(reader) if info.section == "MASTER_KEY")


async def test_keys_in_the_field() -> None:
    """Later keys come as the first ones came, but over the session of the field."""
    vault = provisioned.bench_vault()
    protection = vault.block_key(_ID)
    async with World() as there, await there.connect() as reader:

        def load(block: str):
            return reader.command(Opcode.KEY_LOAD, {Tag.KEY_BLOCK: block.encode()})

        assert await _master_check(reader) == _OLD.check.hex().upper()
        await factory.load_keys(reader, vault, _saved, _ID, [_NEW])
        assert await _master_check(reader) == _NEW.check.hex().upper()
        serial = vault.next_serial(_ID)
        await _refused(there, load(_OLD.block(protection, serial - 1)), _KEY_REPLAY)
        await _refused(there, load(_OLD.block(bytes(32), serial)), _KEY_BLOCK, 5)
        await _refused(there, load(keys.tdes_dukpt(test_keys.BDK, _ID).block(protection, serial)), _KEY_EXISTS)
        await _refused(there, load(keys.aes_dukpt(test_keys.AES_BDK, _ID).block(protection, serial)), _KEY_EXISTS)
        wrong = keys.Load("bdk", "B0", "T", "X", _NEW_KEY, b"")
        await _refused(there, load(wrong.block(protection, serial)), _KEY_BLOCK, 10)
        await load(_OLD.block(protection, serial))  # none of them used the number up
        assert await _master_check(reader) == _OLD.check.hex().upper()
        log = await reader.command(Opcode.LOG, {Tag.LOG_NUMBER: bytes(4)})
        events = {(event.event, event.detail) for event in log_events.parse(log.body[Tag.LOG_RECORDS])}
        assert {(_LOG_LOADED, _MASTER_KEY), (_LOG_REFUSED, _KEY_REPLAY << 16)} <= events
        assert not there.output


async def test_parameters_over_the_session() -> None:
    vault = provisioned.bench_vault()
    content = PARAMETERS.read_bytes().replace(b'"MPOS0001"', b'"MPOS0002"')
    async with World() as there:
        async with await there.connect() as reader:
            number = await factory.put_file(reader, vault, _saved, _ID, FileName.PARAMETERS, content)
        assert (await factory.until_back(there.pipe, _BACK_S)).number_of(Tag.READER_STATE) == State.IDLE
        assert there.device.restarts == 1
        assert (there.state / "parameters.json").read_bytes() == content
        async with await there.connect() as reader:
            begin = {Tag.FILE_NAME: bytes([FileName.PARAMETERS]), Tag.FILE_SIZE: bytes([0, 0, 8, 0])}
            for old in (number, number - 1, 0):
                again = reader.command(Opcode.FILE_BEGIN, {**begin, Tag.FILE_NUMBER: old.to_bytes(4, "big")})
                await _refused(there, again, _KEY_REPLAY)
            bad = content.replace(b'"version": 1', b'"version": 2')
            refused = factory.put_file(reader, vault, _saved, _ID, FileName.PARAMETERS, bad)
            await _refused(there, refused, _PARAMETERS, 3)
            assert (there.state / "parameters.json").read_bytes() == content
        assert not there.output


async def test_parameters_that_are_none_are_replaced(tmp_path: Path) -> None:
    """A reader that is out of service for its parameters still takes others."""
    broken = tmp_path / "broken.json"
    broken.write_bytes(PARAMETERS.read_bytes().replace(b'"version": 1', b'"version": 2'))
    async with World(parameters=broken) as there:
        async with await there.connect() as reader:
            information = await reader.command(Opcode.GET_INFO)
            assert information.number_of(Tag.READER_STATE) == State.OUT_OF_SERVICE
            assert information.number_of(Tag.DETAIL) == _PARAMETERS
            vault = provisioned.bench_vault()
            await factory.put_file(reader, vault, _saved, _ID, FileName.PARAMETERS, PARAMETERS.read_bytes())
        assert (await factory.until_back(there.pipe, _BACK_S)).number_of(Tag.READER_STATE) == State.IDLE


async def test_tables_over_the_session() -> None:
    vault = provisioned.bench_vault()
    content = bench_tables() + bytes.fromhex("E309A000000333FF000001")
    async with World() as there:
        async with await there.connect() as reader:
            await factory.put_file(reader, vault, _saved, _ID, FileName.TABLES, content)
        assert (await factory.until_back(there.pipe, _BACK_S)).number_of(Tag.READER_STATE) == State.IDLE
        assert (there.state / "emv.tlv").read_bytes() == content


async def test_a_file_that_is_open() -> None:
    """No sale begins meanwhile; who leaves drops it."""
    begin = {Tag.FILE_NAME: bytes([FileName.TABLES]), Tag.FILE_NUMBER: b"\xff" * 4, Tag.FILE_SIZE: bytes([0, 0, 0, 9])}
    piece = {Tag.FILE_OFFSET: bytes(4), Tag.DATA: b"x"}
    async with World() as there:
        async with await there.connect() as reader:
            await reader.command(Opcode.FILE_BEGIN, begin)
            await reader.command(Opcode.FILE_DATA, piece)
            with pytest.raises(ReaderRefused) as refused:
                await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)
            assert refused.value.code == _BUSY
        async with await there.connect() as reader:
            with pytest.raises(ReaderRefused) as refused:
                await reader.command(Opcode.FILE_DATA, piece)
            assert refused.value.code == _STATE
            assert await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S)


async def test_the_plug_is_pulled_while_a_key_is_loaded() -> None:
    """At each program and erase of a key load (boards/unix/flash_file.py cuts), and of the start before it: the old key or
    the new one, and a reader that works. The same on flash whose bits are cut is tests/unit/app/test_key_load.py."""
    vault = provisioned.bench_vault()
    seen = []
    async with World() as there:
        assert isinstance(there.device, UnixDevice)
        for cut in range(1, 40):
            wanted, other = (_NEW, _OLD) if cut % 2 else (_OLD, _NEW)
            await there.stop_reader()
            there.device.environment["MPOS_POWER_CUT"] = str(cut)
            loaded = False
            with contextlib.suppress(ReaderGone, FirmwareDied, TimeoutError):
                await there.start_reader()
                async with await there.connect() as reader:
                    await factory.load_keys(reader, vault, _saved, _ID, [wanted])
                    loaded = True
            await there.stop_reader()
            del there.device.environment["MPOS_POWER_CUT"]
            await there.start_reader()
            async with await there.connect() as reader:
                assert (await reader.command(Opcode.GET_INFO)).number_of(Tag.READER_STATE) == State.IDLE
                check = await _master_check(reader)
                assert check in (wanted.check.hex().upper(), other.check.hex().upper())
                seen.append(check == wanted.check.hex().upper())
                if not seen[-1]:
                    await factory.load_keys(reader, vault, _saved, _ID, [wanted])
            if loaded:
                break
        assert loaded and set(seen) == {False, True}
        assert len(seen) > 5
