"""SPI and I2C: ready by the status byte or the IRQ line, frames longer than what was read, waking up (UM0701-02, 6.2.4, 6.2.5)."""

import sys

from testing import cases, h, path, raises, requirement

sys.path.append(path("tests/unit/drivers/pn532"))
from pn532_script import ACK, ERROR, cmd, rsp
from polled_script import I2cChip, SpiChip

from reader.drivers.pn532.chip import Pn532
from reader.drivers.pn532.i2c import I2c
from reader.drivers.pn532.spi import Spi
from reader.drivers.pn532.transport import ACKNOWLEDGED, Transport
from reader.errors import E_NFC_FRAME, E_NFC_SILENT, E_NFC_STATUS

ASK = cmd("02")
VERSION = rsp("0332010607")
BUSES = (I2cChip, SpiChip)


def bus_of(chip, irq=None):
    if isinstance(chip, SpiChip):
        return Spi(chip, chip.select, irq, ack_ms=30, frame_ms=20)
    return I2c(chip, irq, ack_ms=30, frame_ms=20)


def made(kind, steps, asleep=0):
    chip = kind(steps, asleep)
    return chip, Transport(bus_of(chip))


async def ask(transport, twice=True):
    return bytes(await transport.command(0x02, 0, 60, twice))


@cases(*BUSES)
@requirement("UM0701-02", "6.2.4", "On I2C and SPI a frame is fetched when the status byte says that it is ready.")
async def test_a_command_and_its_answer(kind):
    chip, transport = made(kind, [(ASK, [ACK, VERSION])])
    chip.busy = 3
    assert await ask(transport) == h("32010607")
    assert chip.looks == 8  # three in vain and a good one, for each frame
    chip.done()


@cases(*BUSES)
@requirement("UM0701-02", "6.2.1.4", "A frame that was read in part is asked for again with a NACK, and read whole.")
async def test_a_long_answer(kind):
    data = bytes(i & 0xFF for i in range(263))
    chip, transport = made(kind, [(cmd(b"\x00" + data), [ACK, rsp(b"\x01" + data)])])
    transport._bus.data[:] = data
    assert bytes(await transport.command(0x00, len(data), 60)) == data
    assert len(chip.reads) == 3 and chip.reads[-1] == 274  # all but the postamble
    chip.done()


@cases(*BUSES)
async def test_the_longest_answer_that_needs_no_second_reading(kind):
    answer = "03" + 32 * "5A"  # with preamble, header, TFI, code and DCS: 40 bytes
    chip, transport = made(kind, [(ASK, [ACK, rsp(answer)])])
    assert await ask(transport) == h(32 * "5A")
    assert len(chip.reads) == 2
    chip, transport = made(kind, [(ASK, [ACK, rsp(answer + "5A")])])
    assert await ask(transport) == h(33 * "5A")
    assert len(chip.reads) == 3
    chip.done()


@cases((SpiChip, 164), (I2cChip, 167))
async def test_what_an_exchange_costs(kind, count):
    # The figures of docs/wiring.md: SELECT PPSE, an answer of 60 bytes, ready when it is first asked for
    select = "4001 00A40400 0E 325041592E5359532E4444463031 00"
    answer = "4100" + 60 * "5A"
    assert len(cmd(select)) + len(ACK) + len(rsp(answer)) == 106  # what HSU takes
    chip, transport = made(kind, [(cmd(select), [ACK, rsp(answer)])])
    transport._bus.data[:21] = h(select)[1:]
    await transport.command(0x40, 21, 60, False)
    assert chip.bytes == count
    chip.done()


@cases(*BUSES)
@requirement(
    "UM0701-02",
    "6.1.2",
    "Where the IRQ line is wired it says that a frame is ready, and SAMConfiguration switches it on.",
)
async def test_the_irq_line(kind):
    chip = kind([(cmd("14010001"), [ACK, rsp("15")])])
    bus = bus_of(chip, chip)
    await Pn532(bus).sam_configuration()
    assert chip.looks == 0
    chip.done()


@cases(*BUSES)
async def test_an_irq_line_that_is_not_driven_yet(kind):
    chip = kind([(ASK, [ACK, VERSION]), (ASK, [ACK, VERSION])])
    chip.drives_irq = False
    transport = Transport(bus_of(chip, chip))
    assert await ask(transport) == h("32010607")
    assert chip.looks == 2
    chip.drives_irq = True
    assert await ask(transport) == h("32010607")
    assert chip.looks == 2
    chip.done()


@cases(
    "0000FF 06FB D5 03 32010607 E800",  # LCS
    "0000FF 06FA D5 03 32010607 E900",  # DCS
    "0000FF 06FA D4 03 32010607 E900",  # TFI
    "000000000000",  # no start code
    "0000FF FFFF 010AF5 D503",  # longer than any frame
)
async def test_a_broken_answer_is_asked_for_again(broken):
    for kind in BUSES:
        chip, transport = made(kind, [(ASK, [ACK, h(broken)])])
        chip.again = VERSION
        assert await ask(transport) == h("32010607")
        chip.done()


@cases(*BUSES)
async def test_an_answer_that_stays_broken(kind):
    chip, transport = made(kind, [(ASK, [ACK, h("0000FF 06FA D5 03 32010607 E900")]), (ACK, [])])
    with raises(E_NFC_FRAME):
        await ask(transport)
    chip.done()


@cases(*BUSES)
async def test_the_error_frame(kind):
    chip, transport = made(kind, [(ASK, [ACK, ERROR]), (ACK, [])])
    with raises(E_NFC_STATUS, 0x7F):
        await ask(transport)
    chip.done()


@cases(*BUSES)
async def test_silence(kind):
    chip, transport = made(kind, [(ASK, []), (ACK, [])])
    with raises(E_NFC_SILENT, 0):
        await ask(transport, twice=False)
    chip.done()
    chip, transport = made(kind, [(ASK, [ACK]), (ACK, [])])
    with raises(E_NFC_SILENT, ACKNOWLEDGED):
        await ask(transport)
    chip.done()


@cases(*BUSES)
async def test_an_old_answer_in_place_of_the_ack(kind):
    # It is longer than an ACK: it is asked for again, read whole, and dropped
    chip, transport = made(kind, [(ASK, [rsp("4B" + 60 * "11"), ACK, VERSION])])
    assert await ask(transport) == h("32010607")
    chip.done()


@cases(*BUSES)
async def test_the_line_test_after_a_fault(kind):
    steps = [(ASK, [ACK]), (ACK, []), (ACK, []), (cmd("000001"), [ACK, rsp("010001")]), (ASK, [ACK, VERSION])]
    chip, transport = made(kind, steps)
    with raises(E_NFC_SILENT):
        await ask(transport)
    assert await ask(transport) == h("32010607")
    chip.done()


@cases((SpiChip, 1), (I2cChip, 1), (I2cChip, 4))
@requirement(
    "UM0701-02", "7.2.11", "The bus wakes the chip from power-down; what it does not hear meanwhile is said again."
)
async def test_wake(kind, asleep):
    chip, transport = made(kind, [(ACK, [])], asleep)
    await transport.wake()
    chip.done()


async def test_wake_of_a_chip_that_is_awake():
    chip, transport = made(SpiChip, [(ACK, [])])
    await transport.wake()
    chip.done()
    chip, transport = made(I2cChip, [(ACK, []), (ACK, [])])
    await transport.wake()
    chip.done()


async def test_an_i2c_address_that_nobody_acknowledges():
    _, transport = made(I2cChip, [], 1000)
    with raises(E_NFC_SILENT):
        await transport.wake()
    with raises(E_NFC_SILENT):
        await ask(transport)


async def test_an_i2c_read_that_is_not_acknowledged():
    chip, transport = made(I2cChip, [(ASK, [ACK, VERSION])])
    read = chip.readfrom_into
    failed = []

    def fails_once(address, buf):
        if len(buf) > 1 and not failed:
            failed.append(1)
            raise OSError(19)
        read(address, buf)

    chip.readfrom_into = fails_once
    assert await ask(transport) == h("32010607")
    chip.done()


@cases((SpiChip, "1620"), (I2cChip, "1680"))
@requirement("UM0701-02", "7.2.11", "PowerDown names the bus that wakes the chip again.")
async def test_power_down(kind, command):
    # nfcpy, tests/test_clf_pn532.py: 16 20 SPI, 16 80 I2C
    chip = kind([(cmd(command), [ACK, rsp("1700")])])
    await Pn532(bus_of(chip)).power_down()
    chip.done()


@cases(*BUSES)
async def test_wipe(kind):
    _, transport = made(kind, [(cmd("4001A5A5"), [ACK, rsp("4100A5A5")])])
    bus = transport._bus
    bus.data[:3] = h("01A5A5")
    answer = await transport.command(0x40, 3, 60)
    assert bytes(answer) == h("00A5A5")
    bus.wipe()
    assert bytes(answer) == bytes(3)
    assert bytes(bus.data) == bytes(len(bus.data))
