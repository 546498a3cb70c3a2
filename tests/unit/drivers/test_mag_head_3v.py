"""The 3 V ASIC's own mode at its pins: the order of a reset, one that does not let go, and what becomes of a card."""

from reader.drivers import mag_head_3v
from reader.errors import E_HEAD
from testing import raises

TRACK_2 = "11010" + "10000" + "10110" + "11111" + "00010"  # ;1=? and its LRC
RESET = "S1 D0 S0 S1 S0 D1 S1 S0"
ARM = "S1 S0"


class _Pin:
    def __init__(self, name, head):
        self._name = name
        self._head = head

    def value(self, level=None):
        if level is None:
            return self._head.data
        return self._head.drive(self._name, level)


class _Head:
    """What the pins are driven to, and DATA: bits in turn once there is a card and STROBE falls."""

    def __init__(self, bits=""):
        self.log = []
        self.falls = 0  # of STROBE
        self.data = 1
        self._bits = bits

    def driver(self):
        return mag_head_3v.MagHead3V(_Pin("S", self), _Pin("D", self))

    def drive(self, name, level):
        self.log.append(f"{name}{level}")
        del self.log[:-10]
        if name == "S" and not level:
            if self.falls < len(self._bits):
                self.data = 1 ^ (self._bits[self.falls] == "1")
            self.falls += 1

    def said(self):
        """What was driven since this was asked last, the end of it."""
        said, self.log = " ".join(self.log), []
        return said


async def test_start_resets_and_arms():
    head = _Head()
    mag = head.driver()
    assert await mag.start() is False
    assert head.said() == RESET + " " + ARM
    await mag.stop()
    assert head.said() == RESET


async def test_a_card_is_answered_once():
    head = _Head()
    mag = head.driver()
    assert not mag.is_swiped() and head.said() == ""
    head.data = 0  # it passes
    head._bits = "0"  # DATA rises with the answer
    assert not mag.is_swiped() and head.said() == "S1 S0"
    assert not mag.is_swiped() and head.said() == ""
    head.data = 0  # it has gone
    assert mag.is_swiped() and mag.is_swiped() and head.said() == ""


async def test_a_card_that_is_gone_when_it_is_seen():
    head = _Head("1")
    mag = head.driver()
    head.data = 0
    assert mag.is_swiped()


async def test_read():
    preamble = "0" * 14 + "11"
    zeros = "0" * 704
    head = _Head("1" + preamble + zeros + TRACK_2 + "0" * (704 - len(TRACK_2)) + zeros + "000")
    mag = head.driver()
    head.data = 0
    assert mag.is_swiped()
    swipe = await mag.read()
    assert bytes(swipe.track(2)) == b"1=" and [swipe.reason(number) for number in (1, 2, 3)] == [1, 0, 1]
    assert head.said().endswith(RESET) and head.falls == 1 + 16 + 3 * 704 + 3
    assert not sum(mag._stored)


async def test_a_part_without_this_mode():
    head = _Head("1" + "0" * 14 + "10" + "0" * 9)
    mag = head.driver()
    head.data = 0
    assert mag.is_swiped()
    with raises(E_HEAD, 0x4000):
        await mag.read()
    assert head.said().endswith(RESET)


async def test_data_that_is_not_let_go_of():
    head = _Head()
    head.data = 0
    mag = head.driver()
    with raises(E_HEAD):
        await mag.start()
    with raises(E_HEAD):
        await mag.stop()
