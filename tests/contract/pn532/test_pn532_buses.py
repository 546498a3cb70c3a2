"""The real driver against the bench's chip on each of its buses: sessions, faults, power-down and wake-up, speeds, IRQ line."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from mpos.bench.pn532_chip import (
    IN_DATA_EXCHANGE,
    POWER_DOWN,
    SET_PARAMETERS,
    SET_SERIAL_BAUD_RATE,
    WAKE_HSU,
    WAKE_I2C,
    WAKE_SPI,
)
from mpos.bench.pn532_faults import ANSWER_KINDS, KINDS, Fault, Faults
from tests.contract.pn532.bench import (
    FRAME,
    GOOD,
    ONCE,
    SILENT,
    Card,
    act,
    chip,
    commands,
    device,
    run,
    serve_on,
)
from tests.harness.requirements import requirement

BUSES = ["hsu", "spi", "i2c", "spi+irq", "i2c+irq"]
WAKE = {"hsu": WAKE_HSU, "spi": WAKE_SPI, "i2c": WAKE_I2C}
SESSION = "14 00 {speed} 02 12 32 32 32 32 32 32 4A 4A 40 40 40 40 52 32 {slow} 16"


def session_on(bus: str) -> list[int]:
    """The commands of a session."""
    speed, slow = ("10 00", "10") if bus == "hsu" else ("", "")  # up, with a line test; down
    return [int(code, 16) for code in SESSION.format(speed=speed, slow=slow).split()]


@pytest.mark.parametrize("bus", BUSES)
@requirement(
    "UM0701-02",
    "6.2",
    "A session goes over HSU, SPI and I2C alike, long frames included, with the IRQ line or without.",
)
async def test_a_session(bus: str) -> None:
    card = Card()
    one = chip(card)
    found = await run(one, bus=bus)
    assert found[0, "first"] == found[0, "again"] == GOOD
    assert commands(one.trace) == session_on(bus) * 2
    assert [len(command) for command in card.got] == [5, 304, 5]
    assert not one.awake
    assert not one.field.carrier
    assert one.drives_irq == ("irq" in bus)


@pytest.mark.parametrize("bus", ["hsu", "spi", "i2c"])
async def test_each_fault(bus: str) -> None:
    assert set(ONCE) == set(KINDS)
    cases = [(kind, code) for kind in KINDS for code in (SET_PARAMETERS, IN_DATA_EXCHANGE)]
    chips = [chip(faults=Faults(Fault(kind, command=code))) for kind, code in cases]
    found = await run(*chips, bus=bus)
    wrong = []
    for n, (kind, code) in enumerate(cases):
        expected = ONCE[kind][code == IN_DATA_EXCHANGE]
        if (kind, code) == ("garbage-before-ack", IN_DATA_EXCHANGE) and bus != "hsu":
            expected = SILENT
        first = found[n, "first"]
        good = first[1:2] == [str(expected)] if expected else first == GOOD
        if not good or found[n, "again"] != GOOD or chips[n].faults.hits != 1:
            wrong.append((kind, f"{code:02X}h", first[:3], found[n, "again"][:3], chips[n].faults.hits))
    assert not wrong


@pytest.mark.parametrize("bus", ["spi", "i2c"])
async def test_an_answer_that_stays_broken(bus: str) -> None:
    kinds = ["short", "bad-lcs", "bad-dcs", "bad-tfi"]
    assert set(kinds) <= set(ANSWER_KINDS)
    chips = [chip(faults=Faults(Fault(kind, command=IN_DATA_EXCHANGE, times=99))) for kind in kinds]
    found = await run(*chips, bus=bus)
    for n, kind in enumerate(kinds):
        assert found[n, "first"] == ["apdu0", str(FRAME), "0"], kind
        assert found[n, "again"] == GOOD, kind


@requirement("UM0701-02", "7.2.11", "The driver names its own bus as the one that wakes the chip, and that bus does.")
async def test_power_down_and_wake() -> None:
    for bus, bit in WAKE.items():
        one = chip()
        (said,) = await act((one, "look:1 release stop wait:5 start look:1 stop"), bus=bus)
        found = "1:04112233445566:034420067577810280"
        assert said == [found, "-", "-", "-", "-", found, "-"], bus
        told = [data[7] for way, data, _ in one.trace if way == ">" and data[6:7] == bytes([POWER_DOWN])]
        assert told == [bit, bit], bus
        assert not one.awake


@pytest.mark.parametrize("bus", ["hsu", "spi", "i2c"])
async def test_a_reader_that_begins_anew_before_a_chip_that_does_not(bus: str) -> None:
    """The reader was pulled out in the middle; the chip is awake, and on the HSU at the high speed."""
    one = chip()
    async with AsyncExitStack() as stack:
        where = await serve_on(stack, one, bus)
        await device("act", f"{where}/start/look:1")
        assert one.awake
        if bus == "hsu":
            assert one.speed == 460_800
        found = await device("sessions", where)
    assert found[0, "first"] == found[0, "again"] == GOOD


@requirement(
    "UM0701-02", "7.2.8", "The HSU goes up to 460,800 baud after wake-up and back to 115,200 before power-down."
)
async def test_speeds() -> None:
    one = chip()
    speeds = []
    one.field.before_exchange = lambda target, command, n: speeds.append(one.speed)
    await run(one, bus="hsu")
    assert set(speeds) == {460_800}
    assert one.speed == 115_200
    assert commands(one.trace).count(SET_SERIAL_BAUD_RATE) == 4


async def test_a_chip_that_does_not_change_its_speed() -> None:
    """Its answer is lost, or it says that it does not know the command: then all goes on at 115,200 or is over in order."""
    chips = [
        chip(faults=Faults(Fault(kind, command=SET_SERIAL_BAUD_RATE)))
        for kind in ("no-ack", "lost-ack", "short", "silence", "error-frame")
    ]
    found = await run(*chips, bus="hsu")
    for n, one in enumerate(chips):
        assert found[n, "first"] == GOOD or found[n, "first"][0] == "start", one.faults.rules
        assert found[n, "again"] == GOOD, one.faults.rules


@pytest.mark.parametrize("event", ["write", "read"])
@pytest.mark.parametrize("bus", ["spi", "i2c"])
async def test_cancel(bus: str, event: str) -> None:
    numbers = range(1, 60, 8)
    reached = set()
    together = 6
    for at in range(0, len(numbers), together):
        some = numbers[at : at + together]
        async with AsyncExitStack() as stack:
            places = [await serve_on(stack, chip(), bus) for _ in some]
            runs = [device("cancel", where, event, str(n)) for n, where in zip(some, places, strict=True)]
            all_found = await asyncio.gather(*runs)
        for n, found in zip(some, all_found, strict=True):
            if found[0, "first"] != ["ok", "ended", "before"]:
                assert found[0, "next"] == ["ok", "1.6"], (n, found)
                assert found[0, "again"] == GOOD, (n, found)
                reached.add(found[0, "first"][0])
    # A bus's transaction is not to be interrupted: it is cancelled where the driver waits next
    assert "wait" in reached


@requirement(
    "UM0701-02", "6.2", "With the IRQ line wired the chip drives it, and the driver does not ask for the status."
)
@pytest.mark.parametrize("bus", ["spi", "i2c"])
async def test_the_irq_line(bus: str) -> None:
    for wired in (False, True):
        card = Card()
        one = chip(card)
        one.field.real_ms = card.delay_ms = 40
        (said,) = await act((one, "look:1 send:00A4040000 release stop"), bus=f"{bus}+irq" if wired else bus)
        assert said[1:] == ["6f009000", "-", "-"]
        assert one.drives_irq == wired
        # Some 40 times, a millisecond each, is asked without the line; with it only until it has been seen to move
        assert (one.asked_in_vain < 10) == wired, one.asked_in_vain
