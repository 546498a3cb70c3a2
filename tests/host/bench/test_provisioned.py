"""The provisioned state is made once, whoever wants it at the same time, and again when the firmware is another one."""

from __future__ import annotations

import asyncio
import time

import pytest

from mpos.bench import provisioned, test_keys
from mpos.bench.device import FirmwareDied
from mpos.bench.device_qemu import CONNECT_TIMEOUT_S
from mpos.bench.world import PARAMETERS, bench_tables
from mpos.provision import keys, rom, toolchain


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(provisioned, "FOLDER", tmp_path / "provisioned")
    return tmp_path / "provisioned"


@pytest.fixture
def made(monkeypatch) -> list[float]:
    """When a reader went through the factory."""
    times: list[float] = []
    real = provisioned.provision_bench

    async def counted(line) -> None:
        times.append(time.monotonic())
        await real(line)

    monkeypatch.setattr(provisioned, "provision_bench", counted)
    return times


async def test_it_is_made_once(folder, made):
    states = await asyncio.gather(*(provisioned.unix_state(PARAMETERS, bench_tables()) for _ in range(3)))
    assert len(set(states)) == 1 and len(made) == 1
    assert sorted(path.name for path in states[0].iterdir()) == sorted(provisioned.UNIX_FILES)
    assert [path.name for path in folder.iterdir() if path.is_dir()] == [states[0].name]
    await provisioned.unix_state(PARAMETERS, bench_tables())
    assert len(made) == 1


async def test_another_firmware_has_another(folder, made, tmp_path):
    image = tmp_path / "image"
    image.write_bytes(rom.build(32, toolchain.aioble()[0]).read_bytes())
    first = await provisioned.unix_state(PARAMETERS, bench_tables(), image)
    image.write_bytes(image.read_bytes() + b"\0")
    assert await provisioned.unix_state(PARAMETERS, bench_tables(), image) != first
    assert len(made) == 2


async def test_what_fails_leaves_nothing(folder, monkeypatch):
    async def fails(line) -> None:
        raise FirmwareDied("it did")

    monkeypatch.setattr(provisioned, "provision_bench", fails)
    with pytest.raises(FirmwareDied, match="it did"):
        await provisioned.unix_state(PARAMETERS, bench_tables())
    assert [path for path in folder.iterdir() if path.is_dir()] == []


async def test_a_firmware_that_ends_at_once(folder, tmp_path, monkeypatch):
    """It is told with what it printed, and nobody waits for a time-out."""
    monkeypatch.setattr(provisioned, "HEAP", "20K")
    began = time.monotonic()
    with pytest.raises(FirmwareDied, match=r"(?s)ended in the factory; it printed: .*Error"):
        await provisioned.unix_state(PARAMETERS, bench_tables())
    assert time.monotonic() - began < CONNECT_TIMEOUT_S


async def test_no_key_is_readable_in_it(folder):
    """The flash, its journal and the stores hold none of the keys that went in; the secret is the ring's own."""
    state = await provisioned.unix_state(PARAMETERS, bench_tables())
    vault = provisioned.bench_vault()
    inside = b"".join((state / name).read_bytes() for name in provisioned.UNIX_FILES)
    reader_id = test_keys.READER_ID
    secret = [*vault.keys.values(), vault.block_key(reader_id), vault.session_root(reader_id), test_keys.MASTER_KEY]
    secret += [keys.tdes_initial_key(test_keys.BDK, test_keys.KSN_BASE), test_keys.CARD_KEY_A]
    secret.append(keys.aes_initial_key(test_keys.AES_BDK, reader_id))
    for key in secret:
        assert key not in inside and key[:8] not in inside


def test_the_numbers_of_the_bench_go_up():
    first = provisioned.bench_vault().entry(test_keys.READER_ID)
    assert 1000 < first.serial < 1 << 31 and first.files["parameters"] == first.serial
