"""The host on TCP: connections, bounds, and each way of going wrong."""

import asyncio
import random

import pytest

from mpos.acquirer import FAULTS, Acquirer, server
from mpos.bench.cards import make_card
from tests.host.acquirer.other_schemes import SessionTerminal
from tests.host.acquirer.pos_terminal import NOW, Terminal, decode

APPROVED_PAN = "6212340000000019"
LIMIT_S = 10


async def exchange(acquirer: Acquirer, request: bytes) -> bytes:
    """Send on a connection of its own; everything that comes back until a whole frame or the end."""
    reader, writer = await asyncio.open_connection(acquirer.host, acquirer.port)
    try:
        writer.write(request)
        await writer.drain()
        return await read_frame(reader)
    finally:
        writer.close()


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    async with asyncio.timeout(LIMIT_S):
        length = await reader.readexactly(2)
        return length + await reader.readexactly(int.from_bytes(length, "big"))


async def test_one_sale_over_tcp(terminal):
    async with Acquirer(now=lambda: NOW) as acquirer:
        assert acquirer.port > 0 and acquirer.address == f"127.0.0.1:{acquirer.port}"
        heard = []
        acquirer.on_log = heard.append
        assert terminal.read(await exchange(acquirer, terminal.sale()))["39"] == "00"
        assert any("approved: 12.34 CNY" in text for text in heard)
        assert [text for _, text in acquirer.log] == heard
        times = [t for t, _ in acquirer.log]
        assert times == sorted(times)


async def test_several_requests_on_one_connection_in_small_pieces(terminal):
    card = make_card("approved")[0]
    async with Acquirer(now=lambda: NOW) as acquirer:
        reader, writer = await asyncio.open_connection(acquirer.host, acquirer.port)
        for _ in range(3):
            for byte in terminal.sale(card):
                writer.write(bytes([byte]))
            assert terminal.read(await read_frame(reader))["39"] == "00"
        writer.close()
    assert acquirer.balance(APPROVED_PAN) == 1_000_000 - 3 * 1234


async def test_the_balance_is_debited_once_however_many_send_the_same_packet(terminal):
    async with Acquirer(now=lambda: NOW) as acquirer:
        request = terminal.sale()
        answers = await asyncio.gather(*(exchange(acquirer, request) for _ in range(20)))
        codes = sorted(decode(answer)["39"] for answer in answers)
        assert codes == ["00"] + ["94"] * 19
        assert acquirer.balance(APPROVED_PAN) == 1_000_000 - 1234


async def test_many_readers_at_once_never_overdraw():
    card = make_card("approved")[0]
    requests, terminals = [], []
    for i in range(30):
        terminal = Terminal(ksn_base=bytes.fromhex(f"FFFF98765432{2 * i + 16:02X}E00000"), batch=f"{i:06d}")
        requests.append(terminal.sale(card, amount=50_000))
        terminals.append(terminal)
    async with Acquirer(now=lambda: NOW) as acquirer:
        # In order, because the card's counter has one; each on its own open connection
        answers = await asyncio.gather(*(exchange(acquirer, request) for request in requests))
        codes = [t.read(answer)["39"] for t, answer in zip(terminals, answers, strict=True)]
        approved = codes.count("00")
        assert acquirer.balance(APPROVED_PAN) == 1_000_000 - approved * 50_000
        assert 1 <= approved <= 20
        assert set(codes) <= {"00", "51", "59"}


async def test_a_frame_for_somebody_else_gets_silence_and_the_line_stays_open(terminal):
    async with Acquirer(now=lambda: NOW) as acquirer:
        reader, writer = await asyncio.open_connection(acquirer.host, acquirer.port)
        request = terminal.sale()
        writer.write(request[:2] + b"\x61" + request[3:])
        writer.write(request)
        # The first frame that comes back answers the second request
        assert terminal.read(await read_frame(reader))["39"] == "00"
        writer.close()


@pytest.mark.parametrize("length", [0, 1, 20, 1501, 0xFFFF])
async def test_impossible_lengths_close_the_connection(length):
    async with Acquirer() as acquirer:
        reader, writer = await asyncio.open_connection(acquirer.host, acquirer.port)
        writer.write(length.to_bytes(2, "big") + b"\x60")
        async with asyncio.timeout(LIMIT_S):
            assert await reader.read() == b""
        writer.close()
        assert any("closed the connection" in text for _, text in acquirer.log)


async def test_a_phone_that_hangs_up_halfway_harms_nobody(terminal):
    async with Acquirer(now=lambda: NOW) as acquirer:
        request = terminal.sale()
        _, writer = await asyncio.open_connection(acquirer.host, acquirer.port)
        writer.write(request[:100])
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert terminal.read(await exchange(acquirer, request))["39"] == "00"


async def test_a_silent_connection_is_closed(monkeypatch):
    monkeypatch.setattr(server, "IDLE_TIMEOUT_S", 0.01)
    async with Acquirer() as acquirer:
        reader, writer = await asyncio.open_connection(acquirer.host, acquirer.port)
        async with asyncio.timeout(LIMIT_S):
            assert await reader.read() == b""
        writer.close()
        assert any("said nothing" in text for _, text in acquirer.log)


async def test_too_many_connections(monkeypatch, terminal):
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", 1)
    async with Acquirer(now=lambda: NOW) as acquirer:
        reader, writer = await asyncio.open_connection(acquirer.host, acquirer.port)
        writer.write(terminal.sale())
        await read_frame(reader)
        second, other = await asyncio.open_connection(acquirer.host, acquirer.port)
        async with asyncio.timeout(LIMIT_S):
            assert await second.read() == b""
        writer.close()
        other.close()


async def test_closing_the_host_closes_open_connections(terminal):
    async with Acquirer(now=lambda: NOW) as acquirer:
        reader, writer = await asyncio.open_connection(acquirer.host, acquirer.port)
        writer.write(terminal.sale())
        await read_frame(reader)
    async with asyncio.timeout(LIMIT_S):
        assert await reader.read() == b""
    writer.close()


# Faults


def broken(name: str, **more: float) -> Acquirer:
    return Acquirer(fault=name, now=lambda: NOW, **more)


async def test_silent(terminal):
    async with broken("silent") as acquirer:
        reader, writer = await asyncio.open_connection(acquirer.host, acquirer.port)
        writer.write(terminal.sale())
        async with asyncio.timeout(LIMIT_S):
            while acquirer.balance(APPROVED_PAN) == 1_000_000:
                await asyncio.sleep(0)
        assert not reader.at_eof()
        # The next request is heard, so the first was left without an answer
        acquirer.fault = None
        writer.write(terminal.sale())
        assert terminal.read(await read_frame(reader))["11"] == "000002"
        writer.close()


async def test_slow(terminal, monkeypatch):
    waited = []
    real_sleep = asyncio.sleep

    async def sleep(seconds):
        if seconds == 7.5:
            waited.append(seconds)
            seconds = 0
        await real_sleep(seconds)

    monkeypatch.setattr(server.asyncio, "sleep", sleep)
    async with broken("slow", slow_s=7.5) as acquirer:
        assert terminal.read(await exchange(acquirer, terminal.sale()))["39"] == "00"
    assert waited == [7.5]


async def test_close(terminal):
    async with broken("close") as acquirer:
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await exchange(acquirer, terminal.sale())
        assert caught.value.partial == b""
        assert acquirer.balance(APPROVED_PAN) == 1_000_000 - 1234


async def test_refuse():
    async with broken("refuse") as acquirer:
        assert acquirer.port > 0
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(acquirer.host, acquirer.port)


async def test_wrong_mac(terminal):
    async with broken("wrong-mac") as acquirer:
        answer = await exchange(acquirer, terminal.sale())
        fields = decode(answer)
        assert fields["39"] == "00"
        with pytest.raises(AssertionError):
            terminal.read(answer)
        # One bit
        assert terminal.read(answer[:-1] + bytes([answer[-1] ^ 1])) | {"64": ""} == fields | {"64": ""}


async def test_wrong_stan_under_a_right_mac(terminal):
    async with broken("wrong-stan") as acquirer:
        assert terminal.read(await exchange(acquirer, terminal.sale()))["11"] == "000002"
        assert terminal.read(await exchange(acquirer, terminal.sale(stan=999_999)))["11"] == "000000"
        # And where there is no MAC to be made
        stale = Terminal()
        assert decode(await exchange(acquirer, stale.sale()))["11"] == "000002"


async def test_wrong_stan_of_an_answer_without_one(terminal):
    def nothing(fields):
        fields.clear()

    async with broken("wrong-stan") as acquirer:
        assert decode(await exchange(acquirer, terminal.sale(change=nothing)))["39"] == "30"


async def test_mac_refused(terminal):
    async with broken("mac-refused") as acquirer:
        fields = terminal.read(await exchange(acquirer, terminal.sale()))
        assert fields["39"] == "A0" and "38" not in fields


async def test_wrong_check_value():
    terminal = SessionTerminal()
    async with broken("wrong-check-value") as acquirer:
        fields = decode(await exchange(acquirer, terminal.sign_in()))
        assert fields["39"] == "00" and "64" not in fields
        with pytest.raises(AssertionError):
            terminal.take(bytes.fromhex(fields["62"]))


async def test_no_track_key():
    async with broken("no-track-key") as acquirer:
        fields = decode(await exchange(acquirer, SessionTerminal().sign_in()))
        assert fields["39"] == "00" and len(bytes.fromhex(fields["62"])) == 40


async def test_truncated(terminal):
    async with broken("truncated") as acquirer:
        answer = await exchange(acquirer, terminal.sale())
        assert int.from_bytes(answer[:2], "big") == len(answer) - 2
        with pytest.raises(ValueError):
            decode(answer)


async def test_cut_off(terminal):
    async with broken("cut-off") as acquirer:
        with pytest.raises(asyncio.IncompleteReadError) as caught:
            await exchange(acquirer, terminal.sale())
        assert 0 < len(caught.value.partial) < caught.value.expected


async def test_garbage(terminal):
    async with broken("garbage") as acquirer:
        answer = await exchange(acquirer, terminal.sale())
        assert len(answer) > 20
        with pytest.raises(AssertionError):
            decode(answer)


def test_unknown_fault_is_named():
    with pytest.raises(ValueError, match="silent"):
        Acquirer(fault="grumpy")


def test_all_faults_are_tested_here():
    source = __import__("pathlib").Path(__file__).read_text()
    assert all(f'broken("{name}"' in source for name in FAULTS)


async def test_rubbish_never_stops_the_host(terminal):
    """Changed, shortened and lengthened frames: an answer, silence or a closed line, and then business as usual."""
    dice = random.Random(8583)
    good = terminal.sale()
    async with Acquirer(now=lambda: NOW) as acquirer:
        for _ in range(300):
            body = bytearray(good[2:])
            for _ in range(dice.randrange(1, 4)):
                body[dice.randrange(11, len(body))] = dice.randrange(256)
            if dice.randrange(2):
                body = body[: dice.randrange(21, len(body))]
            answer = acquirer.authoriser.handle(bytes(body))
            assert answer is not None and decode(answer)["39"] != "00"
        assert terminal.read(await exchange(acquirer, terminal.sale()))["39"] == "00"
