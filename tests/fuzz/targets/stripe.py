"""A swipe: times between flux reversals, and a head's bits, to the characters of a track (ISO/IEC 7811-2).

Nothing here may be written outside of the buffers, nothing may stay in the scratch, and what is read must be a track:
recorded anew it gives the same bits. `mag_head` and `stripe_fields` have what comes before and after.
"""

from __future__ import annotations

from array import array

from tests.fuzz import device
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from reader.iso7811 import characters, f2f, reasons, track

_MOST = {1: (79,), 2: (37,), 3: (104, 79)}
_WIDTHS = {1: (7,), 2: (5,), 3: (5, 7)}
_START = {5: 0x0B, 7: 0x05}
_END = {5: 0x0F, 7: 0x1F}
_BASE = {5: 0x30, 7: 0x20}
_GUARD = b"\xee" * 8
_CELL = 64


def _bits(data: bytes, n: int) -> str:
    return "".join(f"{byte:08b}" for byte in data)[:n]


def _character(value: int, width: int) -> str:
    bits = f"{value:0{width - 1}b}"[::-1]
    return bits + str(1 - bits.count("1") % 2)


def _recorded(text: bytes, width: int) -> str:
    """From the start sentinel to the LRC."""
    values = [_START[width], *(letter - _BASE[width] for letter in text), _END[width]]
    check = 0
    for value in values:
        check ^= value
    return "".join(_character(value, width) for value in [*values, check])


def _judge(said: int, number: int, out: bytearray, rows: list[str]) -> None:
    """What `said` and `out` claim is in one of the rows of bits, alone, in the direction it says."""
    assert out[-8:] == _GUARD
    if said <= 0:
        assert reasons.EMPTY <= -said <= reasons.AMBIGUOUS
        return
    length = said & track.LENGTH
    assert 1 <= length <= max(_MOST[number])
    text = bytes(out[:length])
    for width in _WIDTHS[number]:
        if all(_BASE[width] <= letter < _BASE[width] + (1 << (width - 1)) for letter in text):
            bits = _recorded(text, width).rstrip("0")
            if any((bits[::-1] if said & characters.BACKWARD else bits) in row for row in rows):
                return
    raise AssertionError("a track that is not there")


@target("stripe-bits", longest=120)
def stripe_bits(data: bytes) -> None:
    feed = Feed(data)
    number = 1 + feed.below(3)
    bits = feed.rest()
    out = bytearray(b"\xee" * 107) + _GUARD
    view = memoryview(out)[:107]
    for n in (8 * len(bits), 8 * len(bits) - 3):
        said = track.read_bits_into(bits, n, number, view)
        row = _bits(bits, max(n, 0))
        _judge(said, number, out, [row, "".join("10"[int(bit)] for bit in row)])


@target("stripe-characters", longest=120)
def stripe_characters(data: bytes) -> None:
    """A track of the feed's characters, with up to three bits behind its start sentinel turned over: it is refused."""
    feed = Feed(data)
    number = 1 + feed.below(3)
    width = _WIDTHS[number][0]
    places = [feed.byte() for _ in range(feed.below(4))]
    values = [byte % (1 << (width - 1)) for byte in feed.rest()[: _MOST[number][0]]]
    text = bytes(value + _BASE[width] for value in values if value not in (_START[width], _END[width]))
    bits = list(_recorded(text, width))
    for place in places:
        at = width + place % (len(bits) - width)
        bits[at] = "10"[int(bits[at])]
    row = "0" * 24 + "".join(bits) + "0" * 24
    backward = feed.position & 1
    packed = int((row[::-1] if backward else row).ljust(8 * len(row), "0"), 2).to_bytes(len(row), "big")
    out = bytearray(107)
    said = track.read_bits_into(packed, len(row), number, out)
    is_whole = "".join(bits) == _recorded(text, width)
    if is_whole and text:
        assert said == len(text) + (characters.BACKWARD if backward else 0)
    if said > 0:
        assert is_whole and bytes(out[: said & track.LENGTH]) == text


@target("stripe-times", longest=400)
def stripe_times(data: bytes) -> None:
    """Times that are anything, or those of the feed's bits, each a little off."""
    feed = Feed(data)
    number = 1 + feed.below(3)
    times = array("H")
    if feed.byte() & 1:
        while feed.left and len(times) < 400:
            times.append(feed.byte() << 8 | feed.byte() if feed.byte() & 128 else _CELL + feed.below(_CELL))
    else:
        for byte in feed.rest()[:100]:
            for i in range(7):
                halves = (_CELL // 2, _CELL // 2) if byte >> (7 - i) & 1 else (_CELL,)
                times.extend(half + (byte & 1) * (i - 3) for half in halves)
    rows = []
    for direction in (1, -1):
        bits = bytearray(track.SCRATCH + 8)
        n = f2f.decode_into(times, len(times), memoryview(bits)[: track.SCRATCH], direction)
        assert 0 <= n <= min(len(times), 8 * track.SCRATCH)
        assert bits[track.SCRATCH :] == bytes(8)
        rows.append(_bits(bits, n)[::direction])
    out = bytearray(b"\xee" * 107) + _GUARD
    scratch = bytearray(track.SCRATCH)
    said = track.read_times_into(times, len(times), number, memoryview(out)[:107], scratch)
    assert scratch == bytes(track.SCRATCH)
    _judge(said, number, out, rows)
    if said > 0:
        # From either end
        for row in rows:
            _judge(said, number, out, [row])
