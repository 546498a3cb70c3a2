"""The bench's magnetic head: its socket with an ASIC and with bare edges, and what it keeps a record of."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import numpy as np
import pytest

from mpos.bench.f2f import Stripe, swipe
from mpos.bench.mag_asic import BITS, STROBES
from mpos.bench.mag_head import ARMED, COMPLETE, LET_GO, PULL, STROBE_HIGH, STROBE_LOW, TELL, MagHead, serve_head

STRIPE = Stripe("B6212340000000019^CARDHOLDER/TEST^4912101", "6212340000000019=4912101")
PULSE = bytes((STROBE_LOW, STROBE_HIGH))
LOOK = bytes((STROBE_LOW, TELL, STROBE_HIGH))
LOW, HIGH = b"\x20", b"\x21"  # said without being asked


@asynccontextmanager
async def connected(head: MagHead):
    async with serve_head(head) as address, asyncio.timeout(10):
        host, port = address.split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            yield reader, writer
        finally:
            writer.close()
            await writer.wait_closed()


async def test_a_swipe_through_the_socket():
    head = MagHead("21006529")
    async with connected(head) as (reader, writer):
        assert await reader.readexactly(1) == HIGH
        assert head.swipe(STRIPE, direction="back", speed_cm_s=25)
        assert await reader.readexactly(1) == LOW
        writer.write(PULSE + PULSE + bytes((TELL,)) + LOOK * (16 + 3 * BITS))
        answers = await reader.readexactly(1 + 16 + 3 * BITS)
        assert set(answers) <= {0x10, 0x11} and answers[0] == 0x10
        bits = [1 - (answer & 1) for answer in answers[1:]]
        assert sum(bit << place for place, bit in enumerate(bits[:16])) == 0x8000
        track = bits[16 : 16 + BITS]
        back = STRIPE.bits(1)[::-1].tolist()
        back = back[back.index(1) :]
        assert track == back + [0] * (BITS - len(back))
        assert head.reads == 1
        writer.write(PULSE * (STROBES - 2 - 16 - 3 * BITS))
        assert await reader.readexactly(1) == LOW
        # Nobody asks: the head says that it has armed itself
        assert await reader.readexactly(1) == HIGH
    assert head.violations == [] and head.swipes == 1 and head.unseen == 0
    assert [(direction, what) for direction, what, _ in head.trace] == [
        (">", "swiped backward at 25 cm/s"),
        ("<", "a swipe was read"),
        ("<", "its memory was cleared"),
    ]
    assert all(a[2] <= b[2] for a, b in zip(head.trace, head.trace[1:], strict=False))


async def test_a_card_that_takes_its_time():
    head = MagHead()
    async with connected(head) as (reader, _):
        assert await reader.readexactly(1) == HIGH
        loop = asyncio.get_running_loop()
        began = loop.time()
        assert head.swipe(STRIPE, speed_cm_s=60, paced=True)
        assert await reader.readexactly(1) == LOW
        assert loop.time() - began > 0.05


async def test_a_reader_that_connects_has_switched_the_asic_on():
    head = MagHead()
    for _ in range(2):
        async with connected(head) as (reader, _):
            assert await reader.readexactly(1) == HIGH
            assert head.swipe(STRIPE)
            assert await reader.readexactly(1) == LOW


async def test_the_new_mode_through_the_socket():
    head = MagHead("21006540")
    assert head.asic is not None
    async with connected(head) as (reader, writer):
        assert await reader.readexactly(1) == HIGH
        writer.write(bytes((STROBE_HIGH, PULL, 0, 1, 0, LET_GO, 1, 0, 1, 0, TELL)))
        assert await reader.readexactly(1) == b"\x11"
        assert head.asic.is_new
        assert head.swipe(STRIPE)
        assert await reader.readexactly(1) == LOW


async def test_what_no_reader_says_ends_the_line():
    for asic in ("21006536", None):
        async with connected(MagHead(asic)) as (reader, writer):
            if asic:
                await reader.readexactly(1)
            writer.write(b"\x7f")
            assert await reader.read() == b""


# Edges


def parsed(data: bytes) -> dict[int, list[int]]:
    assert data[-1] == COMPLETE
    tracks, at = {}, 0
    while at < len(data) - 1:
        count = int.from_bytes(data[at + 1 : at + 3], "big")
        tracks[data[at]] = np.frombuffer(data[at + 3 : at + 3 + 2 * count], ">u2").tolist()
        at += 3 + 2 * count
    return tracks


def test_edges_go_to_a_reader_that_is_armed():
    head = MagHead(None)
    sent: list[bytes] = []
    head.output = sent.append
    head.connected()
    assert not head.swipe(STRIPE) and (head.unseen, sent) == (1, [])
    head.receive(bytes((ARMED,)))
    assert head.swipe(STRIPE, jitter_percent=5, seed=3)
    assert parsed(b"".join(sent)) == {
        number: intervals.tolist() for number, intervals in swipe(STRIPE, jitter_percent=5, seed=3).items()
    }
    # Once
    assert not head.swipe(STRIPE) and head.reads == 1
    assert [what for _, what, _ in head.trace][1:3] == ["armed", "swiped forward at 40 cm/s"]
    assert head.violations == [] and head.due() == float("inf")
    head.tick()


def test_a_blank_card_sends_no_edges():
    head = MagHead(None)
    head.receive(bytes((ARMED,)))
    assert not head.swipe(Stripe()) and head.is_armed


async def test_edges_through_the_socket():
    head = MagHead(None)
    swiped = asyncio.Event()
    head.listen(swiped.set)
    async with connected(head) as (reader, writer):
        writer.write(bytes((ARMED,)))
        await swiped.wait()
        assert head.swipe(STRIPE)
        expected = swipe(STRIPE)
        length = sum(3 + 2 * len(intervals) for intervals in expected.values()) + 1
        assert parsed(await reader.readexactly(length)).keys() == {1, 2}


# Records


def test_no_track_is_told():
    head = MagHead()
    head.swipe(STRIPE)
    assert "6212" not in repr(head.trace) and "6212" not in repr(head)


@pytest.mark.parametrize("options", [{"speed_cm_s": -1}, {"direction": "up"}, {"unheard": 1}])
def test_a_wrong_swipe_is_an_error_of_the_script(options):
    head = MagHead()
    with pytest.raises((ValueError, TypeError)):
        head.swipe(STRIPE, **options)
    assert head.swipes == 0 and head.trace == []
