"""Sales under each key scheme, the sign-in before those under working keys, and hosts that go wrong at either."""

from __future__ import annotations

from contextlib import AsyncExitStack
from pathlib import Path

import iso8583
import pytest
import pytest_asyncio

from mpos.acquirer import Acquirer, working_keys
from mpos.bench import test_keys
from mpos.bench.cards import make_card
from mpos.bench.customer import Customer
from mpos.bench.keypad import Typist
from mpos.bench.radio import Radio
from mpos.bench.run import Options, run_sale
from mpos.bench.world import World
from mpos.describe.iso8583_spec import SPEC
from mpos.link.client import ReaderClient, ReaderRefused
from mpos.link.messages import Interface, Opcode, State
from mpos.phone import host as phone_host
from mpos.phone.sale import Record, Story
from tests.e2e.conftest import AMOUNT, CARD_TIMEOUT_S, CNY, customer_sale, sale, state
from tests.e2e.shared import Hands, shared

TAP, INSERT, SWIPE = "tap-pin", "online-pin", "stripe-pin"
TERMINAL = "MPOS0001"
E_SIGN_IN, E_KEY_CHECK, E_MAC, E_MISMATCH, E_BUSY, E_PARAMETERS = 510, 511, 605, 604, 703, 805
KEY_SCHEME = 36  # detail of 805
KSN_DIGITS = {"dukpt-tdes": 20, "dukpt-aes": 24, "master-session": 0}

SCHEMES = [("dukpt-tdes", None), ("dukpt-aes", None), ("master-session", "x919"), ("master-session", "ecb")]
every = pytest.mark.parametrize(("scheme", "mac"), SCHEMES, ids=["tdes", "aes", "session-x919", "session-ecb"])
SESSION = {"scheme": "master-session", "mac": "ecb"}


def world(scheme: str, mac: str | None, **options) -> World:
    options = {"acquirer": Acquirer(mac=mac or "x919"), "typist": Typist("1357"), **options}
    return World(scheme=scheme, mac=mac, **options)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tills():
    """tills(scheme, mac): (world, reader) that the tests of a scheme share, with nobody at the PIN pad yet."""
    opened: dict[tuple[str, str | None], tuple[World, ReaderClient]] = {}
    async with AsyncExitStack() as stack:

        async def till(scheme: str, mac: str | None = None) -> tuple[World, ReaderClient]:
            if (scheme, mac) not in opened:
                there = await stack.enter_async_context(world(scheme, mac, typist=Hands()))
                opened[scheme, mac] = there, await stack.enter_async_context(await there.connect())
            there, reader = opened[scheme, mac]
            there.acquirer.fault = None
            there.typist.at_pad = Typist("1357")
            return there, reader

        yield till


async def signed_out(there: World, reader: ReaderClient) -> None:
    """The reader has no working keys."""
    there.acquirer.fault = "mac-refused"
    assert (await sells(there, reader, SWIPE)).response_code == "A0"
    there.acquirer.fault = None


async def sells(there: World, reader, card: str, **options) -> Record:
    """One sale with the named card, of whose interface it is."""
    there.field.clear()
    there.slot.remove()
    return await customer_sale(there, reader, Customer(there.field, there.slot, there.head, card), **options)


@every
async def test_a_tap_an_insert_and_a_swipe(scheme, mac):
    """Each with the PIN at the host, which has it in the clear after its own cryptography, and the account's track."""
    async with world(scheme, mac) as there, await there.connect() as reader:
        story = Story()
        records = [await sells(there, reader, card, story=story) for card in (TAP, INSERT, SWIPE)]
        for record in records:
            assert (record.outcome, record.response_code, record.cvm) == ("approved", "00", "online PIN"), record
            assert len(record.ksn) == KSN_DIGITS[scheme]
        assert [record.signed_in for record in records] == [scheme == "master-session", False, False]
        log = [text for _, text in there.acquirer.log]
        assert log.count("PIN right") == 3 and sum("MAC right" in text for text in log) == 3
        ksns = [record.ksn for record in records]
        assert ksns == sorted(ksns) and len(set(ksns)) == (3 if KSN_DIGITS[scheme] else 1)
        assert there.output == ""


@shared
@every
async def test_a_wrong_pin_is_one(scheme, mac, tills):
    there, reader = await tills(scheme, mac)
    there.typist.at_pad = Typist("1358")
    record = await sells(there, reader, SWIPE)
    assert (record.outcome, record.response_code) == ("declined", "55"), record


@shared
@every
async def test_a_wrong_mac_from_the_host(scheme, mac, tills):
    """Not believed, a reversal is due; and working keys are thrown away, so that the next sale signs in."""
    there, reader = await tills(scheme, mac)
    assert (await sells(there, reader, SWIPE)).outcome == "approved"
    there.acquirer.fault = "wrong-mac"
    record = await sells(there, reader, SWIPE)
    assert (record.outcome, record.error, record.signed_in) == ("error", E_MAC, False), record
    assert [notice["reason"] for notice in record.notices] == ["A0"]
    there.acquirer.fault = None
    record = await sells(there, reader, SWIPE)
    assert (record.outcome, record.signed_in) == ("approved", scheme == "master-session"), record


@shared
@every
async def test_the_answer_of_another_packet(scheme, mac, monkeypatch, tills):
    """Played back: under DUKPT its MAC is another key's; under working keys it is right, and says which packet it is of."""
    answers: list[bytes] = []
    forward = phone_host.forward

    async def kept(address: str, frame: bytes, timeout_s: float = 1) -> bytes:
        answers.append(await forward(address, frame, timeout_s))
        return answers[-1]

    there, reader = await tills(scheme, mac)
    monkeypatch.setattr(phone_host, "forward", kept)
    assert (await sells(there, reader, SWIPE)).outcome == "approved"
    old = answers[-1]

    async def played_back(address: str, frame: bytes, timeout_s: float = 1) -> bytes:
        await forward(address, frame, timeout_s)
        return old

    monkeypatch.setattr(phone_host, "forward", played_back)
    record = await sells(there, reader, SWIPE)
    wanted = (E_MISMATCH, 11) if scheme == "master-session" else (E_MAC, 0)
    assert (record.outcome, record.error, record.error_detail) == ("error", *wanted), record
    assert [notice["kind"] for notice in record.notices] == ["reversal"]
    monkeypatch.setattr(phone_host, "forward", forward)
    assert (await sells(there, reader, SWIPE)).outcome == "approved"


@shared
async def test_the_hosts_word_that_the_mac_was_wrong(tills):
    there, reader = await tills(**SESSION)
    there.acquirer.fault = "mac-refused"
    record = await sells(there, reader, SWIPE)
    assert (record.outcome, record.response_code) == ("declined", "A0"), record
    there.acquirer.fault = None
    with pytest.raises(ReaderRefused) as refused:
        await reader.start_sale(AMOUNT, CNY, CARD_TIMEOUT_S, Interface.SWIPE)
    assert refused.value.code == E_SIGN_IN
    assert (await sells(there, reader, SWIPE)).signed_in


@shared
async def test_working_keys_that_the_host_has_replaced(tills):
    there, reader = await tills(**SESSION)
    assert (await sells(there, reader, SWIPE)).outcome == "approved"
    other = working_keys.wrap(test_keys.MASTER_KEY, working_keys.make("ecb"))
    there.acquirer.authoriser.books.set_working_keys(TERMINAL, other)
    record = await sells(there, reader, SWIPE)
    assert (record.outcome, record.error) == ("error", E_MAC), record
    record = await sells(there, reader, SWIPE)
    assert (record.outcome, record.signed_in) == ("approved", True), record


@shared
@pytest.mark.parametrize(("fault", "detail"), [("wrong-check-value", 3), ("no-track-key", 4)])
async def test_a_sign_in_that_goes_wrong(fault, detail, tills):
    """Nothing is stored, nothing is sold, and the reason is told; then a good one."""
    there, reader = await tills(**SESSION)
    await signed_out(there, reader)
    there.acquirer.fault = fault
    for _ in range(2):
        record = await sells(there, reader, SWIPE)
        assert (record.outcome, record.error, record.error_detail) == ("error", E_KEY_CHECK, detail), record
        assert "Here:" in record.error_text and not record.ksn and not record.notices
        assert await state(reader) == State.IDLE
    there.acquirer.fault = None
    record = await sells(there, reader, SWIPE)
    assert (record.outcome, record.signed_in) == ("approved", True), record


@shared
@pytest.mark.parametrize(("fault", "errors"), [("silent", {802}), ("garbage", {606}), ("truncated", {602, 603})])
async def test_a_host_that_does_not_answer_a_sign_in(fault, errors, tills):
    there, reader = await tills(**SESSION)
    await signed_out(there, reader)
    there.acquirer.fault = fault
    record = await sells(there, reader, SWIPE, host_timeout_s=1)
    assert record.outcome == "error" and record.error in errors, record
    there.acquirer.fault = None
    assert (await sells(there, reader, SWIPE)).outcome == "approved"


@shared
async def test_a_failed_sign_in_leaves_the_keys_of_before(tills):
    there, reader = await tills(**SESSION)
    assert (await sells(there, reader, SWIPE)).outcome == "approved"
    before = there.acquirer.authoriser.books.working_keys(TERMINAL)
    there.acquirer.fault = "wrong-check-value"
    answer = await reader.command(Opcode.SIGN_IN)
    assert answer.body
    await _answered(there, reader)
    there.acquirer.fault = None
    # the host counts on the new ones, the reader has the old ones: so they must be given back to it
    there.acquirer.authoriser.books.set_working_keys(TERMINAL, before)
    record = await sells(there, reader, SWIPE)
    assert (record.outcome, record.signed_in) == ("approved", False), record


async def _answered(there: World, reader) -> None:
    """The sign-in that has begun, to its end."""
    while True:
        event = await reader.event(5)
        if event.opcode == Opcode.ONLINE_REQUEST:
            answer = await phone_host.forward(there.acquirer_address, event.body[0x89])
            await reader.online_result(event.number, answer)
        elif event.opcode == Opcode.RESULT:
            return


@shared
@pytest.mark.parametrize("scheme", ["dukpt-tdes", "dukpt-aes"])
async def test_no_sign_in_under_dukpt(scheme, tills):
    there, reader = await tills(scheme)
    with pytest.raises(ReaderRefused) as refused:
        await reader.command(Opcode.SIGN_IN)
    assert (refused.value.code, refused.value.detail) == (E_PARAMETERS, KEY_SCHEME)
    assert (await sells(there, reader, SWIPE)).outcome == "approved"


@shared
async def test_one_thing_at_a_time(tills):
    there, reader = await tills(**SESSION)
    first = await reader.command_as(7, Opcode.SIGN_IN)
    again = await reader.command_as(7, Opcode.SIGN_IN)
    assert first.body == again.body  # its answer was lost: it is not done twice
    for opcode in (Opcode.SIGN_IN, Opcode.CARD_OPEN):
        with pytest.raises(ReaderRefused) as refused:
            await reader.command(opcode)
        assert refused.value.code in (E_BUSY, 706)
    await _answered(there, reader)
    assert (await sells(there, reader, SWIPE)).outcome == "approved"


async def test_working_keys_survive_the_power():
    async with world(**SESSION) as there:
        async with await there.connect() as reader:
            assert (await sells(there, reader, SWIPE)).signed_in
        await there.stop_reader()
        await there.start_reader()
        async with await there.connect() as reader:
            record = await sells(there, reader, SWIPE)
        assert (record.outcome, record.signed_in) == ("approved", False), record


@pytest.mark.parametrize(("scheme", "mac"), SCHEMES[1:], ids=["aes", "session-x919", "session-ecb"])
async def test_no_key_is_ever_seen(scheme, mac, tmp_path: Path):
    """Working keys and the master key too: on the air, in the packets, in logs, in the host's books, in the flash."""
    air: list[bytes] = []
    story = Story()
    radio = Radio()
    radio.on_air(lambda direction, pdu: air.append(bytes(pdu)))
    acquirer = Acquirer(state=tmp_path / "acquirer.json", mac=mac or "x919")
    async with world(scheme, mac, acquirer=acquirer, state=tmp_path / "reader", radio=radio) as there:
        async with await there.connect() as reader:
            assert (await sells(there, reader, SWIPE, story=story)).outcome == "approved"
        seen = {
            "on the air": b"".join(air),
            "put together": b"".join(pdu[4:] for pdu in air),
            "printed": there.output.encode(),
            "logged": "\n".join(text for _, text in acquirer.log).encode(),
            "told": repr(story.lines).encode(),
            "packets": b"".join(line.packet for line in story.lines),
        }
        seen |= {path.name: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    secrets = {"master key": test_keys.MASTER_KEY, "AES BDK": test_keys.AES_BDK}
    if scheme == "master-session":
        keys = acquirer.authoriser.schemes.working_keys(TERMINAL)
        secrets |= {"PIN key": keys.pin, "MAC key": keys.mac, "track key": keys.track}
        assert acquirer.authoriser.books.working_keys(TERMINAL) in seen["packets"]  # that is how they came
    for name, key in secrets.items():
        for where, data in seen.items():
            for form in (key, key[:8], key[-8:], key.hex().encode(), key.hex().upper().encode()):
                assert form not in data, f"{name} {where}"


async def test_mpos_run(tmp_path: Path):
    """The reader and the host remember their working keys from run to run."""
    for n in range(2):
        options = Options(card="stripe-approved", amount=AMOUNT, currency=CNY, state=tmp_path, **SESSION)
        done = await run_sale(options)
        assert (done.record.outcome, done.record.signed_in) == ("approved", n == 0), done.record


async def test_mpos_run_refuses_a_mac_of_another_scheme():
    with pytest.raises(ValueError, match="master-session"):
        await run_sale(Options(card="approved", amount=AMOUNT, currency=CNY, scheme="dukpt-aes", mac="ecb"))


@shared
@every
async def test_two_taps_of_one_card_do_not_look_alike(scheme, mac, tills):
    """The same track twice: nothing of its ciphertext comes again."""
    there, reader = await tills(scheme, mac)
    story = Story()
    for atc in (1, 20):
        there.field.clear()
        there.field.present(make_card("approved", atc=atc)[0])
        assert (await sale(there, reader, story=story)).outcome == "approved"
    packets = [line.packet[13:] for line in story.lines if line.packet[13:15] == b"\x02\x00"]
    tracks = [bytes.fromhex(iso8583.decode(packet, SPEC)[0]["35"]) for packet in packets]
    blocks = [track[at : at + 8] for track in tracks for at in range(0, len(track), 8)]
    assert len(tracks) == 2 and len(blocks) == len(set(blocks)) == 4
