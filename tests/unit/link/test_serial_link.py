"""The link on a serial line: SLIP frames with a CRC, and what is refused (docs/link.md)."""

import asyncio

from reader.errors import E_LINE_CLOSED, E_LINK_FRAGMENT, E_LINK_LENGTH
from reader.link import protocol
from reader.link.serial_link import Decoder, SerialLink
from reader.util.edc import crc16
from testing import Pipe, cases, h, raises

_MESSAGE = h("01 10 0007 0004 AAC0DBDD")


def _frame(message):
    crc = crc16(message)
    body = bytearray()
    for byte in bytes(message) + bytes((crc & 0xFF, crc >> 8)):
        body += b"\xdb\xdc" if byte == 0xC0 else b"\xdb\xdd" if byte == 0xDB else bytes((byte,))
    return b"\xc0" + bytes(body) + b"\xc0"


def _feed(decoder, data):
    messages = []
    for byte in data:
        message = decoder.feed(byte)
        if message is not None:
            messages.append(bytes(message))
    return messages


def test_frames_one_after_the_other():
    assert _feed(Decoder(), _frame(_MESSAGE) + _frame(_MESSAGE)) == [_MESSAGE, _MESSAGE]


def test_one_end_may_serve_two_frames():
    assert _feed(Decoder(), _frame(_MESSAGE) + _frame(_MESSAGE)[1:]) == [_MESSAGE, _MESSAGE]


def test_noise_before_the_first_frame_is_dropped():
    assert _feed(Decoder(), b"\x00\xff\xdb\x01" + _frame(_MESSAGE)) == [_MESSAGE]


def test_every_changed_bit_is_refused():
    frame = _frame(h("01 10 0007 0004 01020304"))
    for at in range(1, len(frame) - 1):
        for bit in range(8):
            changed = bytearray(frame)
            changed[at] ^= 1 << bit
            try:
                assert _feed(Decoder(), changed) == []
            except Exception as error:
                assert error.code in (E_LINK_FRAGMENT, E_LINK_LENGTH)


@cases(
    (b"\xc0\x01\x02\xc0", E_LINK_LENGTH),  # no room for a header and a CRC
    (b"\xc0" + _frame(_MESSAGE)[1:-3] + b"\xc0", E_LINK_FRAGMENT),  # cut off
    (b"\xc0\xdb\x00", E_LINK_FRAGMENT),  # no such escape
    (_frame(_MESSAGE)[:-1] + b"\xdb\xc0", E_LINK_FRAGMENT),  # an escape of nothing
    (b"\xc0" + bytes(1027), E_LINK_LENGTH),
    (_frame(_MESSAGE[:-1]), E_LINK_LENGTH),  # a right CRC over a message that is shorter than it says
)
def test_refused(data, error):
    decoder = Decoder()
    with raises(error):
        _feed(decoder, data)
    assert _feed(decoder, b"\xc0" + _frame(_MESSAGE)) == [_MESSAGE]


def test_the_longest_message():
    message = h("01 10 0001 03FA") + bytes(1018)
    assert _feed(Decoder(), _frame(message)) == [message]


async def test_there_and_back():
    ours, theirs = Pipe(4096)
    link = SerialLink(ours)
    heard = []

    async def handle(message):
        heard.append(bytes(message))
        # The second is for nobody: there is no session
        for in_clear in (True, False):
            sent = await link.send(lambda w: w.begin(2, 0x10, 7).put(0x89, b"\xc0\xdb" * 100), in_clear)
            assert sent == in_clear

    server = asyncio.create_task(link.serve(handle, None))
    theirs.write(b"\xc0\x00\xc0" + _frame(_MESSAGE))
    answers = []
    decoder = Decoder()
    while len(answers) < 2:
        answers += _feed(decoder, theirs.read() or b"")
        await asyncio.sleep_ms(1)
    server.cancel()
    assert heard == [_MESSAGE]
    assert answers[0][:2] == bytes((protocol.EVENT, protocol.FAULT))
    assert answers[1][:4] == h("02 10 0007") and b"\xc0\xdb" * 100 in answers[1]


async def test_a_closed_line_ends_it():
    ours, theirs = Pipe()
    theirs.close()
    with raises(E_LINE_CLOSED):
        await SerialLink(ours).serve(None, None)
