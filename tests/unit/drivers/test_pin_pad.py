"""The PIN pad: digits, corrections, and every way to end without a PIN."""

from byte_lines import Pipe

from reader.drivers.pin_pad import PinPad
from reader.outcome import PIN_BYPASSED, PIN_CANCELLED, PIN_ONLINE, PIN_PAD_FAILED, PIN_TIMEOUT
from testing import ScriptedLine, cases, requirement


async def entered(keys, timeout_ms=1000):
    line = ScriptedLine([("50330A", keys)])
    got = await PinPad(line).enter(PIN_ONLINE, timeout_ms)
    return bytes(got) if isinstance(got, bytearray) else got


@requirement("ISO 9564-1", "9.1", "The pad takes 4 to 12 digits: fewer are not entered, further ones not taken.")
@cases(
    (b"1234E", b"\x01\x02\x03\x04"),
    (b"123456789012E", b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00\x01\x02"),
    (b"1234567890123E", b"\x01\x02\x03\x04\x05\x06\x07\x08\x09\x00\x01\x02"),
    (b"12E34E", b"\x01\x02\x03\x04"),
    (b"129D34E", b"\x01\x02\x03\x04"),
    (b"DD1234E", b"\x01\x02\x03\x04"),
    (b"1x2?34E", b"\x01\x02\x03\x04"),
)
async def test_digits(keys, expected):
    assert await entered(keys) == expected


@cases((b"E", PIN_BYPASSED), (b"1DE", PIN_BYPASSED), (b"12C", PIN_CANCELLED), (b"C", PIN_CANCELLED))
async def test_no_pin(keys, expected):
    assert await entered(keys) == expected


async def test_nobody_types():
    assert await entered(b"123", 30) == PIN_TIMEOUT


async def test_the_pad_is_gone():
    assert await entered(None) == PIN_PAD_FAILED


async def test_keys_before_the_question_do_not_count():
    ours, theirs = Pipe()
    theirs.write(b"99C")
    pad = PinPad(ours)
    assert await pad.enter(PIN_ONLINE, 20) == PIN_TIMEOUT
    room = bytearray(8)
    n = theirs.readinto(room)
    assert bytes(room[:n]) == b"P3\n"


async def test_no_digit_stays_in_the_driver():
    # what was typed after the key that ended it is dropped as well
    line = ScriptedLine([("50330A", b"12C34")])
    pad = PinPad(line)
    assert await pad.enter(PIN_ONLINE, 1000) == PIN_CANCELLED
    assert bytes(pad._key) == b"\x00"
    line.done()
