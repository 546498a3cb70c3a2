"""A reader's way from the factory into the field, with a vault of its own: once, whatever happens on the way."""

from __future__ import annotations

import json

import pytest

from mpos.acquirer import Acquirer
from mpos.bench.serve import key_sets
from mpos.link.client import ReaderClient, ReaderGone, ReaderRefused
from mpos.link.messages import FileName, Opcode, State, Tag
from mpos.link.secure import open_session
from mpos.provision import factory, keys, vault
from mpos.provision.factory import ProvisionError, StaysOpen, key_service, key_status, load_keys, put_file
from tests.e2e.conftest import sale, world

E_NO_KEY, E_KEY_EXISTS, E_KEY_BLOCK, E_REPLAY, E_ROLE = 501, 502, 508, 509, 709
BACK_S = 20


class Kept:
    """A vault in memory, and what a file of it would hold at each moment."""

    def __init__(self):
        self.vault = vault.new()
        self.saved: list[tuple[int, ...]] = []

    def save(self) -> None:
        self.saved.append(tuple(entry.serial for entry in self.vault.readers.values()))

    async def provision(self, there, **options):
        return await factory.provision(await there.pipe(), self.vault, self.save, **options)

    async def session(self, there) -> ReaderClient:
        secure = await open_session(StaysOpen(await there.pipe()), key_service(self.vault))
        return ReaderClient(secure)


@pytest.fixture
def kept() -> Kept:
    return Kept()


def blank(**options):
    return world(blank=True, serial=True, **options)


async def in_the_field(there) -> bytes:
    """The id of the reader, once it is back and idle."""
    info = await factory.until_back(there.pipe, BACK_S)
    assert info.number_of(Tag.READER_STATE) == State.IDLE, info.number_of(Tag.DETAIL)
    return info.body[Tag.READER_ID]


async def test_from_the_factory_to_a_sale(kept):
    async with blank(acquirer=Acquirer(**key_sets(kept.vault))) as there:
        certificate = await kept.provision(there)
        reader_id = await in_the_field(there)
        assert certificate.reader_id == reader_id.hex().upper() and not certificate.problems and not certificate.resumed
        async with await kept.session(there) as reader:
            status = {info.section: info for info in await key_status(reader)}
            assert (
                status["SESSION_ROOT"].check
                == keys.aes_check_value(kept.vault.session_root(reader_id))[:4].hex().upper()
            )
            assert status["TDES"].serial == (keys.initial_ksn(reader_id)[:-1] + b"\x01").hex().upper()
            record = await sale(there, reader)
        assert record.outcome == "approved", record
        assert record.ksn == status["TDES"].serial
        assert there.output.strip() == ""


async def test_the_certificate_holds_no_key(kept):
    async with blank() as there:
        certificate = await kept.provision(there, schemes=("dukpt-tdes", "master-session"))
    text = json.dumps(certificate.record()).upper()
    reader_id = bytes.fromhex(certificate.reader_id)
    secret = [*kept.vault.keys.values(), kept.vault.block_key(reader_id), kept.vault.session_root(reader_id)]
    secret += [load.key for load in factory.loads(kept.vault, reader_id, factory.SCHEMES)]
    for key in secret:
        assert key.hex().upper() not in text and key[:4].hex().upper() not in text
    assert [entry["name"] for entry in certificate.keys] == ["session-root", "dukpt-tdes", "master-session"]


async def test_a_second_time_is_refused(kept):
    async with blank() as there:
        certificate = await kept.provision(there)
        await in_the_field(there)
        before = (there.state / "ring").read_bytes()
        with pytest.raises(ProvisionError, match=f"provisioned already.*{certificate.reader_id}"):
            await kept.provision(there)
        for opcode, body in (
            (Opcode.FACTORY_KEY, {Tag.KEY: bytes(16), Tag.READER_ID: bytes(8)}),
            (Opcode.OPEN_SESSION, {Tag.ROLE: b"\x02", Tag.NONCE: bytes(16)}),
        ):
            with pytest.raises(ReaderRefused) as refused:
                await factory.ask(await there.pipe(), opcode, body)
            assert refused.value.code in (E_ROLE, E_KEY_EXISTS)
        async with await kept.session(there) as reader:
            for load in factory.loads(kept.vault, bytes.fromhex(certificate.reader_id), ("dukpt-tdes", "dukpt-aes"))[
                1:
            ]:
                with pytest.raises(ReaderRefused) as refused:
                    await load_keys(reader, kept.vault, kept.save, bytes.fromhex(certificate.reader_id), [load])
                assert refused.value.code == E_KEY_EXISTS
        assert (there.state / "ring").read_bytes() == before
        assert len(kept.vault.readers) == 1


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
async def test_power_goes_between_two_steps(kept, after):
    """It goes on where it was: with the reader id it has, and with the keys that are missing."""
    async with blank() as there:

        class Cut(Exception):
            pass

        told = []

        def tell(text: str) -> None:
            told.append(text)
            if len(told) == after:
                raise Cut

        with pytest.raises(Cut):
            await kept.provision(there, tell=tell)
        await there.stop_reader()
        await there.start_reader()
        certificate = await kept.provision(there)
        assert certificate.resumed and not certificate.problems
        assert len(kept.vault.readers) == 1
        await in_the_field(there)
        async with await kept.session(there) as reader:
            assert {"TDES", "AES", "MASTER_KEY", "SESSION_ROOT", "IN_FIELD"} <= {
                i.section for i in await key_status(reader)
            }
    serials = [row[0] for row in kept.saved if row]
    assert serials == sorted(serials)


CUTS = 40  # more flash operations than the way through the factory has


async def test_power_goes_at_flash_operations(kept):
    """At every fourth of them, in one reader after the other: afterwards the work is finished, or the reader is blank again."""
    finished = 0
    for cut in range(1, CUTS, 4):
        async with blank() as there:
            there.device.environment["MPOS_POWER_CUT"] = str(cut)
            await there.stop_reader()
            await there.start_reader()
            try:
                await kept.provision(there)
                finished += 1
            except (ReaderGone, TimeoutError, ReaderRefused):
                pass
            await there.stop_reader()
            del there.device.environment["MPOS_POWER_CUT"]
            await there.start_reader()
            info = await factory.until_back(there.pipe, BACK_S)
            if info.number_of(Tag.READER_STATE) != State.IDLE:
                assert info.number_of(Tag.DETAIL) == E_NO_KEY, (cut, info.number_of(Tag.DETAIL))
                certificate = await kept.provision(there)
                assert not certificate.problems
            await in_the_field(there)
    assert finished < len(range(1, CUTS, 4)), "no cut fell into the factory's work"


async def test_not_by_radio(kept):
    """A blank reader takes no key over BLE, and no reader id is used up by trying."""
    async with world(blank=True) as there:
        with pytest.raises(ProvisionError, match="not the reader's factory line"):
            await kept.provision(there)
    assert not kept.vault.readers and not kept.saved


async def test_what_a_vault_may_not_do(kept):
    async with blank() as there:
        with pytest.raises(ProvisionError, match="no key scheme"):
            await kept.provision(there, schemes=("dukpt-des",))
        certificate = await kept.provision(there)
        await in_the_field(there)
        other = Kept()
        other.vault.new_reader(bytes.fromhex(certificate.reader_id))
        with pytest.raises(Exception, match="does not have its key"):
            await other.session(there)


async def test_later_keys_and_files_over_the_session(kept):
    async with blank() as there:
        certificate = await kept.provision(there, schemes=("dukpt-tdes",))
        reader_id = await in_the_field(there)
        assert [entry["name"] for entry in certificate.keys] == ["session-root", "dukpt-tdes"]
        async with await kept.session(there) as reader:
            later = factory.loads(kept.vault, reader_id, ("dukpt-aes", "master-session"))[1:]
            card = keys.card_key(3, "a", bytes.fromhex("A0A1A2A3A4A5"))
            await load_keys(reader, kept.vault, kept.save, reader_id, [*later, card])
            status = {info.section: info for info in await key_status(reader)}
            assert status["CARD_KEYS"].shown == "slots 3" and {"AES", "MASTER_KEY"} <= status.keys()
            # A block that the reader has taken is not taken again, nor one with its number
            block = card.block(kept.vault.block_key(reader_id), kept.vault.entry(reader_id).serial)
            with pytest.raises(ReaderRefused) as refused:
                await reader.command(Opcode.KEY_LOAD, {Tag.KEY_BLOCK: block.encode()})
            assert refused.value.code == E_REPLAY
            # Nor one under another key
            with pytest.raises(ReaderRefused) as refused:
                await load_keys(reader, kept.vault, kept.save, reader_id, [card], protection=bytes(32))
            assert refused.value.code == E_KEY_BLOCK
            document = json.loads((there.state / "parameters.json").read_text())
            document["terminal"]["name"] = "PUT OVER THE LINK"
            content = json.dumps(document).encode()
            await put_file(reader, kept.vault, kept.save, reader_id, FileName.PARAMETERS, content)
        await in_the_field(there)
        assert (there.state / "parameters.json").read_bytes() == content


async def test_another_aes_key_over_the_session(kept):
    """X9.24-3:2017, 6.5.3: under the update key; the same one does not come twice."""
    async with blank() as there:
        await kept.provision(there, schemes=("dukpt-tdes", "dukpt-aes"))
        reader_id = await in_the_field(there)
        async with await kept.session(there) as reader:
            for _ in range(2):
                before = {info.section: info for info in await key_status(reader)}["AES"].serial
                load = await factory.renew_aes(reader, kept.vault, kept.save, reader_id)
                after = {info.section: info for info in await key_status(reader)}["AES"].serial
                assert after != before and after == load.blocks[0][1] + "00000001"
        assert len(kept.vault.readers) == 3 and len({entry.of for entry in kept.vault.readers.values()}) == 2
