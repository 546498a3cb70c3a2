"""What a contact card sends before and around its APDUs: ATR, PPS, T=0, T=1."""

from __future__ import annotations

from tests.fuzz import device
from tests.fuzz.feed import Feed
from tests.fuzz.lines import AnsweredLine, Removed
from tests.fuzz.targets import target

device.install()
from reader.iso7816 import acceptance, atr, pps
from reader.iso7816.t0 import T0
from reader.iso7816.t1 import T1

_COMMANDS = tuple(
    bytes.fromhex(text)
    for text in (
        "00A4040007A000000333010100",  # case 4
        "00B2010C00",  # case 2
        "0082000008" + "11" * 8,  # case 3
        "801E0000",  # case 1
        "80AE800042" + "22" * 66 + "00",
        "80CA9F3604",
        "00880000FF" + "33" * 255 + "00",  # chained by T=1
    )
)
_RESPONSE_MOST = 258


def _command(feed: Feed) -> bytes:
    """One of the usual ones, or anything: an issuer's script may hold any bytes."""
    choice = feed.byte()
    return _COMMANDS[choice] if choice < len(_COMMANDS) else _COMMANDS[choice % 7] if choice < 0xE0 else feed.block()


def _talk(protocol, feed: Feed) -> None:
    for command in [_command(feed) for _ in range(1 + feed.below(4))]:
        response = device.attempt(protocol.transmit, memoryview(command))
        if response is None:
            break  # a session ends with its first error
        assert 2 <= len(response) <= _RESPONSE_MOST
    protocol.wipe()
    assert not any(protocol._response)


@target("atr", longest=40, runs=600)
def answer_to_reset(data: bytes) -> None:
    """Read as a driver reads it, piece by piece; then what can be made of it."""
    have = 0
    while True:
        wanted = device.attempt(atr.expected, data[:have], have)
        if wanted is None or wanted > len(data):
            break
        assert have <= wanted <= 33
        if wanted == have:
            break
        have = wanted
    parsed = device.attempt(atr.parse, data)
    if parsed is None:
        return
    # Whoever reads as `expected` says has all of what can be parsed, and no more
    assert have == len(data) == device.attempt(atr.expected, data, len(data))
    assert parsed.protocol in parsed.protocols and len(parsed.history) == data[1] & 15
    assert parsed.f >= 372 and 1 <= parsed.d <= 64 and 0 <= parsed.guard <= 255
    assert 1 <= parsed.ifsc <= 254 and 0 <= parsed.bwi <= 9 and 0 <= parsed.cwi <= 15
    rule = acceptance.check(parsed)
    assert isinstance(rule, int) and rule >= 0


@target("pps", longest=32)
def protocol_selection(data: bytes) -> None:
    feed = Feed(data)
    protocol = feed.below(2)
    ta1 = feed.byte()
    line = AnsweredLine(lambda sent: feed.take(1 + feed.below(8)))
    device.attempt(pps.negotiate, line, protocol, ta1 or None)


class _Ending:
    """What the card does when the feed is used up: silence, or what it did last once more, for ever."""

    def __init__(self, feed: Feed):
        self._feed = feed
        self._repeats = feed.byte() & 1
        self._last = b""

    def __call__(self, sent: bytes) -> bytes:
        if self._feed.left:
            start = self._feed.position
            answer = self.answer(sent)
            self._last = self._feed.since(start)
            return answer
        if not self._repeats:
            return b""
        feed, self._feed = self._feed, Feed(self._last)
        answer = self.answer(sent)
        self._feed = feed
        return answer

    def answer(self, sent: bytes) -> bytes:
        raise NotImplementedError


class _T0Card(_Ending):
    _header = bytes(5)

    def answer(self, sent: bytes) -> bytes:
        if len(sent) == 5:
            self._header = sent
        feed, (_, ins, _, _, p3) = self._feed, self._header
        match feed.below(10):
            case 0:
                return bytes((ins,))
            case 1:
                return bytes((ins,)) + feed.take(1) * (p3 or 256) + b"\x90\x00"
            case 2:
                return bytes((ins ^ 0xFF,)) + feed.take(1)
            case 3:
                return b"\x60" * feed.byte()
            case 4:
                return bytes((0x61, feed.byte()))
            case 5:
                return bytes((0x6C, feed.byte()))
            case 6:
                return b"\x90\x00"
            case 7:
                return feed.take(2)
            case 8:
                return feed.block()
        if feed.byte() == 0xFF:
            raise Removed
        return b""


@target("t0", longest=1024)
def t0(data: bytes) -> None:
    feed = Feed(data)
    parsed = atr.parse(bytes.fromhex("3B6000") + b"\x00")
    parsed.wi = feed.byte()
    _talk(T0(AnsweredLine(_T0Card(feed)), parsed), feed)


_T1_ATRS = tuple(
    bytes.fromhex(text)
    for text in (
        "3BE000FF8131FE4515",  # IFSC 254, CWI 5, BWI 4
        "3BE000FF8131204500",
        "3BE000FF8171FE450100",  # CRC
    )
)


class _T1Card(_Ending):
    """Knows what a right block would be, and sends one if the feed says so."""

    def __init__(self, feed: Feed, crc: bool):
        super().__init__(feed)
        self._crc = crc
        self._heard = bytes(4)
        self._ns = 0

    def _block(self, pcb: int, inf: bytes, nad: int = 0, length: int = -1) -> bytes:
        block = bytes((nad, pcb, len(inf) if length < 0 else length)) + inf
        if not self._crc:
            check = 0
            for byte in block:
                check ^= byte
            return block + bytes((check,))
        crc = 0xFFFF
        for byte in block:
            crc ^= byte
            for _ in range(8):
                crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
        return block + (crc ^ 0xFFFF).to_bytes(2, "big")

    def answer(self, sent: bytes) -> bytes:
        if len(sent) > 3:
            self._heard = sent
        feed, heard = self._feed, self._heard[1]
        if not sent:  # the reader waits for the line to become quiet
            return feed.block() if feed.byte() > 0xF0 else b""
        kind = feed.byte()
        match kind % 12:
            case 0 | 1:  # a right I-block, the last of its chain or not
                pcb = self._ns << 6 | kind % 12 << 5
                self._ns ^= 1
                return self._block(pcb, feed.long_block()[:254])
            case 2:  # an acknowledgement of the reader's I-block
                return self._block(0x80 | (~heard >> 6 & 1) << 4, b"")
            case 3:  # it asks for the block again
                return self._block(0x80 | (heard >> 6 & 1) << 4 | feed.below(3), b"")
            case 4:  # the response to the reader's request
                return self._block(heard | 0x20, self._heard[3 : 3 + self._heard[2]])
            case 5:
                return self._block(0xC1 + feed.below(3), feed.take(1))
            case 6:
                return self._block(0xC0 | feed.byte() & 0x23, feed.take(feed.below(3)))
            case 7:
                return self._block(feed.byte(), feed.long_block()[:254], feed.byte() & feed.byte())
            case 8:
                block = self._block(self._ns << 6, feed.take(2))
                return block[:-1] + bytes((block[-1] ^ 1,))
            case 9:
                return self._block(self._ns << 6, feed.take(4), length=feed.byte())
            case 10:
                return feed.block()
        if feed.byte() == 0xFF:
            raise Removed
        return b""


@target("t1", longest=1024)
def t1(data: bytes) -> None:
    feed = Feed(data)
    choice = feed.byte()
    parsed = atr.parse(_with_check(_T1_ATRS[choice % len(_T1_ATRS)]))
    protocol = T1(AnsweredLine(_T1Card(feed, parsed.crc)), parsed, emv=not choice & 0x40)
    if choice & 0x80 or device.attempt(_started, protocol):
        _talk(protocol, feed)


async def _started(protocol: T1) -> bool:
    await protocol.start()
    return True


def _with_check(data: bytes) -> bytes:
    check = 0
    for byte in data[1:-1]:
        check ^= byte
    return data[:-1] + bytes((check,))
