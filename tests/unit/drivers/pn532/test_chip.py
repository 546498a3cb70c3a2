"""The chip's commands as bytes.

Vectors: nfcpy, tests/test_clf_pn532.py and base_clf_pn53x.py (commands and answers from the code on); AN10609_3,
table 2 (InListPassiveTarget).
"""

import sys

from testing import ScriptedLine, cases, h, path, raises, requirement

sys.path.append(path("tests/unit/drivers/pn532"))
from pn532_script import ACK, ERROR, WAKE, cmd, said, sync

from reader.drivers.pn532 import status
from reader.drivers.pn532.chip import FELICA_212, FELICA_424, MAX_DATA_OUT, TYPE_B, Pn532
from reader.drivers.pn532.hsu import Hsu
from reader.errors import (
    E_CARD_PROTOCOL,
    E_LINE_CLOSED,
    E_NFC_FRAME,
    E_NFC_SILENT,
    E_NFC_STATUS,
    E_NFC_VERSION,
)


def chip(line):
    return Pn532(Hsu(line, ack_ms=40, frame_ms=20), exchange_ms=60)


def scripted(command, answer):
    line = ScriptedLine([said(command, answer)])
    return line, chip(line)


async def test_wake():
    # AN10609_3: SAMConfiguration leads out of low battery mode; nfcpy: 14 010000
    line = ScriptedLine([(WAKE, b""), (ACK, b""), said("14010000", "15")] + sync())
    await chip(line).wake()
    line.done()


async def test_wake_of_a_chip_that_is_not_there():
    line = ScriptedLine([(WAKE, b""), (ACK, b"")] + 3 * [(cmd("14010000"), b"")] + [(ACK, b"")])
    with raises(E_NFC_SILENT):
        await chip(line).wake()
    line.done()


class SpeedLine(ScriptedLine):
    """A UART. speeds: what it was set to, and after which step of the conversation."""

    def __init__(self, steps):
        super().__init__(steps)
        self.speeds = []

    def init(self, baudrate):
        self.speeds.append((self.position, baudrate))


AWAKE = [(WAKE, b""), (ACK, b""), said("14010000", "15")]
SILENT = [(WAKE, b""), (ACK, b"")] + 3 * [(cmd("14010000"), b"")] + [(ACK, b"")]
TO_FAST = [said("1006", "11"), (ACK, b"")]
TO_SLOW = [said("1004", "11"), (ACK, b"")]


@requirement(
    "UM0701-02", "7.2.8", "The serial line goes to 460,800 baud when the answer is acknowledged, and is tested there."
)
async def test_wake_on_a_line_that_can_be_faster():
    # nfcpy, tests/test_clf_pn532.py: 10 06, 11, ACK
    line = SpeedLine(AWAKE + sync(1) + TO_FAST + sync(2))
    await chip(line).wake()
    line.done()
    assert line.speeds == [(0, 115200), (7, 460800)]


async def test_wake_of_a_chip_that_was_left_at_the_other_speed():
    # A reader that was restarted while the chip kept its power
    line = SpeedLine(SILENT + AWAKE + sync(1))
    await chip(line).wake()
    line.done()
    assert line.speeds == [(0, 115200), (6, 460800)]


async def test_wake_of_a_chip_that_is_silent_at_both_speeds():
    line = SpeedLine(SILENT + SILENT)
    pn532 = chip(line)
    with raises(E_NFC_SILENT):
        await pn532.wake()
    line.done()


async def test_a_line_that_does_not_carry_the_higher_speed():
    lost = [(ACK, b""), (cmd("000002"), b""), (ACK, b""), (cmd("000003"), b""), (ACK, b""), (cmd("000004"), b"")]
    back = [(cmd("1004"), b""), (ACK, b"")]
    line = SpeedLine(AWAKE + sync(1) + TO_FAST + lost + back + sync(5))
    await chip(line).wake()
    line.done()
    assert line.speeds == [(0, 115200), (7, 460800), (15, 115200)]


async def test_a_closed_line_while_the_higher_speed_is_tried():
    line = SpeedLine(AWAKE + sync(1) + TO_FAST + [(ACK, None)])
    with raises(E_LINE_CLOSED):
        await chip(line).wake()


@cases((True, "1006"), (False, "1004"))
async def test_set_serial_baud_rate(fast, command):
    line = SpeedLine([said(command, "11"), (ACK, b"")])
    await chip(line).set_serial_baud_rate(fast)
    line.done()
    assert line.speeds[1:] == [(2, 460800 if fast else 115200)]


@requirement("UM0701-02", "7.2.11", "Asleep, the serial line is at 115,200 baud again: the chip keeps its speed.")
async def test_power_down():
    # nfcpy: 10 04, ACK, 16
    line = SpeedLine(AWAKE + sync(1) + TO_FAST + sync(2) + TO_SLOW + [said("1610", "1700")])
    pn532 = chip(line)
    await pn532.wake()
    await pn532.power_down()
    line.done()
    assert line.speeds[2:] == [(11, 115200)]


@cases(
    [(cmd("1610"), ACK), (ACK, b"")],  # asleep before it could say so
    [(cmd("1610"), b""), (ACK, b"")],
    [(cmd("1610"), ACK + ERROR), (ACK, b"")],
)
async def test_power_down_needs_no_answer(*steps):
    line = ScriptedLine(steps)
    pn532 = Pn532(Hsu(line, ack_ms=40, frame_ms=20))
    await pn532.power_down()
    line.done()


async def test_power_down_on_a_closed_line():
    with raises(E_LINE_CLOSED):
        await chip(ScriptedLine([(cmd("1610"), None)])).power_down()


async def test_set_parameters():
    line, pn532 = scripted("12 00", "13")  # nfcpy
    await pn532.set_parameters(0x00)
    line.done()


async def test_get_firmware_version():
    line, pn532 = scripted("02", "03 32010607")
    assert await pn532.get_firmware_version() == (1, 6, 7)
    line.done()


async def test_get_firmware_version_of_another_chip():
    _, pn532 = scripted("02", "03 33010607")
    with raises(E_NFC_VERSION, 0x33):
        await pn532.get_firmware_version()


@cases("03 3201", "03 3201060700", "03")
async def test_get_firmware_version_of_a_wrong_length(answer):
    _, pn532 = scripted("02", answer)
    with raises(E_NFC_FRAME):
        await pn532.get_firmware_version()


@cases((True, "32 0101"), (False, "32 0100"))
async def test_rf_configuration_field(on, command):
    line, pn532 = scripted(command, "33")
    await pn532.rf_configuration_field(on)
    line.done()


async def test_rf_configuration_timings():
    line, pn532 = scripted("32 02000b0a", "33")
    await pn532.rf_configuration_timings(0x0B, 0x0A)
    line.done()


async def test_rf_configuration_retries():
    line = ScriptedLine([said("32 0400", "33"), said("32 05000102", "33")])
    await chip(line).rf_configuration_retries(0, 2)
    line.done()


async def test_in_list_passive_target():
    # AN10609_3, table 2: two targets
    found = "02 01 0004 08 04 12675832 02 4400 00 08 8804B6E400000000"
    line, pn532 = scripted("4A 0200", "4B" + found)
    assert bytes(await pn532.in_list_passive_target(2)) == h(found)
    line.done()


@cases(
    # nfcpy, base_clf_pn53x.py: test_sense_ttb_target_found, test_sense_ttf_target_found, test_in_list_passive_target
    (1, TYPE_B, "00", "4A 010300", "01 01 50E8253EEC00000011008185 0100"),
    (1, FELICA_212, "00FFFF0100", "4A 010100FFFF0100", "01 01 14 01 0102030405060708 F1F2F3F4F5F6F7F8 AABB"),
    (1, FELICA_424, "31", "4A010231", "01 01 32"),
)
@requirement("UM0701-02", "7.3.5", "InListPassiveTarget for type B with an AFI, for FeliCa with a Polling.")
async def test_in_list_passive_target_of_other_kinds(most, kind, data, command, found):
    line, pn532 = scripted(command, "4B" + found)
    assert bytes(await pn532.in_list_passive_target(most, kind, h(data))) == h(found)
    line.done()


@cases("00", "01")
@requirement("UM0701-02", "7.3.7", "InPSL changes the bit rates of an ISO/IEC 14443-4 card.")
async def test_in_psl(found):
    line, pn532 = scripted("4E 01 02 01", "4F" + found)  # nfcpy: test_in_psl
    assert await pn532.in_psl(1, 2, 1) == int(found, 16)
    line.done()


@cases("4B", "4B 03", "4B 02 01")
async def test_in_list_passive_target_refuses(answer):
    _, pn532 = scripted("4A 0100", answer)
    with raises(E_NFC_FRAME):
        await pn532.in_list_passive_target(1)


async def test_in_data_exchange():
    line, pn532 = scripted("40 01 3132", "41 00 AABB")
    found, data = await pn532.in_data_exchange(1, h("3132"))
    assert (found, bytes(data)) == (0, h("AABB"))
    line.done()


async def test_in_data_exchange_of_the_most():
    line = ScriptedLine([said("4041" + MAX_DATA_OUT * "5A", "4100"), said("4001", "4140" + MAX_DATA_OUT * "A5")])
    pn532 = chip(line)
    found, data = await pn532.in_data_exchange(1, h(MAX_DATA_OUT * "5A"), True)
    assert (found, len(data)) == (0, 0)
    found, data = await pn532.in_data_exchange(1, b"")
    assert (found, bytes(data)) == (status.MORE_INFORMATION, h(MAX_DATA_OUT * "A5"))
    line.done()


async def test_more_than_the_most_is_refused():
    pn532 = chip(ScriptedLine([]))
    with raises(E_CARD_PROTOCOL):
        await pn532.in_data_exchange(1, bytes(MAX_DATA_OUT + 1))
    with raises(E_CARD_PROTOCOL):
        await pn532.in_communicate_thru(bytes(MAX_DATA_OUT + 1))


async def test_in_data_exchange_is_not_sent_twice():
    line = ScriptedLine([(cmd("40 01 3132"), b""), (ACK, b"")])
    with raises(E_NFC_SILENT):
        await chip(line).in_data_exchange(1, h("3132"))
    line.done()


async def test_in_communicate_thru():
    line, pn532 = scripted("42 3132", "43 00 AABB")
    found, data = await pn532.in_communicate_thru(h("3132"))
    assert (found, bytes(data)) == (0, h("AABB"))
    line.done()


async def test_an_exchange_without_status():
    _, pn532 = scripted("42 3132", "43")
    with raises(E_NFC_FRAME):
        await pn532.in_communicate_thru(h("3132"))
    _, pn532 = scripted("40 01", "41")
    with raises(E_NFC_FRAME):
        await pn532.in_data_exchange(1, b"")


@cases(("in_deselect", "44", "45"), ("in_release", "52", "53"), ("in_select", "54", "55"))
async def test_commands_with_a_status(method, code, answer):
    line, pn532 = scripted(code + "01", answer + "00")
    await getattr(pn532, method)(1)
    line.done()
    _, pn532 = scripted(code + "02", answer + "27")
    with raises(E_NFC_STATUS, 0x27):
        await getattr(pn532, method)(2)


@cases(("00", True), ("01", False), ("27", False))
async def test_diagnose_presence(answer, present):
    line, pn532 = scripted("00 06", "01" + answer)
    assert await pn532.diagnose_presence() == present
    line.done()


async def test_diagnose_presence_of_a_wrong_length():
    _, pn532 = scripted("00 06", "01 0000")
    with raises(E_NFC_FRAME):
        await pn532.diagnose_presence()


async def test_a_syntax_error():
    line = ScriptedLine([(cmd("32 0101"), ACK + ERROR), (ACK, b"")])
    with raises(E_NFC_STATUS, 0x7F):
        await chip(line).rf_configuration_field(True)
    line.done()


def test_status_bytes():
    # UM0701-02, 7.1
    assert [s for s in range(0x40) if status.is_garbled(s)] == [2, 3, 4, 5, 6, 0x0B, 0x13]
    assert [s for s in range(0x40) if status.is_gone(s)] == [0x29, 0x2A, 0x2B]
