"""ISO/IEC 7811-2, clauses 8 to 10; ISO/IEC 7813, clause 7: whole tracks from a head's bits and from times."""

from array import array

from stripes import Chance, alone, between, framed, invert, packed, reversals, reverse, times

from reader.iso7811.characters import BACKWARD
from reader.iso7811.reasons import (
    ALL_ONES,
    AMBIGUOUS,
    CLOCK,
    EMPTY,
    LRC,
    NO_END,
    NO_START,
    PARITY,
    TOO_LONG,
    TWO_STARTS,
)
from reader.iso7811.track import LENGTH, SCRATCH, read_bits_into, read_times_into
from testing import cases

FILE_LIMIT_S = 120

T1 = "B6212340000000018^TEST/CARD^29122010000000000000"
T2 = "6212340000000018=29122010000000000"
T3 = "996212340000000018=1561560500050000000014000000=0000="
# AAMVA: an alphanumeric third track
LICENCE = "%" + "T123456789^" + "X" * 60


def by_bits(bits: str, number: int):
    """(characters, is it backward) or the reason. What was refused leaves the buffer alone."""
    out = bytearray(b"\xee" * 107)
    n = read_bits_into(packed(bits), len(bits), number, out)
    return _said(n, out)


def by_times(recorded, number: int):
    out = bytearray(b"\xee" * 107)
    scratch = bytearray(b"\xee" * SCRATCH)
    n = read_times_into(recorded, len(recorded), number, out, scratch)
    assert scratch == bytes(SCRATCH), "the scratch is not wiped"
    return _said(n, out)


def _said(n: int, out):
    length = n & LENGTH if n > 0 else 0
    rest = bytes(out[length:])
    # What one end had read and the other had not was in the buffer for a moment
    was = len(rest) - len(rest.lstrip(b"\0")) if n < 0 else 0
    assert rest == bytes(was) + b"\xee" * (107 - length - was) and (not was or n in (-AMBIGUOUS, -CLOCK))
    return (out[:length].decode(), n & BACKWARD == BACKWARD) if n > 0 else -n


@cases((1, 7, T1), (2, 5, T2), (3, 5, T3), (3, 7, LICENCE[1:]), (1, 7, "A"), (2, 5, "1="))
def test_each_track(number, width, text):
    bits = alone(framed(text, width))
    for head in (bits, bits.strip("0"), bits.strip("0") + "0" * 300, "1" + bits):
        assert by_bits(head, number) == (text, False)
        assert by_bits(reverse(head), number) == (text, True)
    assert by_bits(invert(bits), number) == (text, False)
    for end in (0.2, 1.0, 5.0):
        assert by_times(times(bits, 900, end), number) == (text, False)
        assert by_times(times(reverse(bits), 900, end), number) == (text, True)


@cases((1, 7, 79), (2, 5, 37), (3, 5, 104), (3, 7, 79))
def test_the_longest_of_each_track(number, width, most):
    # 7811-2, 10.1 to 10.3: 79 (AAMVA 82), 40 and 107 characters with the sentinels and the LRC
    text = ("7" if width == 5 else "M") * most
    bits = alone(framed(text, width))
    assert by_bits(bits, number) == (text, False)
    assert by_times(times(reverse(bits), 500), number) == (text, True)
    longer = alone(framed(text + "1", width))
    assert by_bits(longer, number) == by_bits(reverse(longer), number) == TOO_LONG
    assert by_times(times(longer), number) == TOO_LONG


@cases(
    ("0" * 250, EMPTY),
    ("1" * 250, EMPTY),
    ("0" * 60 + "1" * 100 + "0" * 60, ALL_ONES),
    (alone(framed(T2, 5)[:-10]), NO_END),
    (alone(framed("5" + T2, 5)[5:]), NO_START),
    (alone(framed(T2, 5, 1)), LRC),
    (alone("11010" + "10000" * 9 + "10001" + "10000" * 9), PARITY),
    (alone(framed("12;34", 5)), TWO_STARTS),
    (alone(framed("", 5)), EMPTY),
    (alone(framed("12", 5)) + alone(framed("34", 5)), AMBIGUOUS),
    (invert(alone(framed(T2, 5))), CLOCK),
)
def test_malformed(bits, reason):
    # A track of ones only, and an inverted one, have no zeros to set the clock by; ones alone look like shorter zeros
    for recorded in (times(bits), times(reverse(bits))):
        said = by_times(recorded, 2)
        assert said == reason or (reason == CLOCK and isinstance(said, int))


@cases((), (1000,), (100, 200, 300, 400))
def test_no_times(*few):
    assert by_times(array("H", few), 2) == EMPTY


def test_what_is_around_a_swipe():
    recorded = array("H", [90, 2500, 30, 700, 45, 20000])
    recorded.extend(times(alone(framed(T2, 5))))
    recorded.extend(array("H", [9000, 400, 30]))
    assert by_times(recorded, 2) == (T2, False)


def test_part_of_a_card():
    # Nothing of a swipe that begins or ends inside the track is read; what ends in the zeros around it is
    bits = alone(framed(T2, 5))
    whole = times(bits)
    for first in range(0, len(whole), 7):
        for part in (whole[first:], whole[: len(whole) - first]):
            said = by_times(part, 2)
            assert said == (T2, False) if first < 12 else isinstance(said, int)


@cases(1, 2)
def test_a_scratch_is_never_read_wrong(lost):
    # Each reversal of a track, or two that follow one another, cannot be seen
    text = "0931="
    whole = reversals(alone(framed(text, 5)))
    refused = 0
    for at in range(len(whole) - lost):
        places = whole[:at] + whole[at + lost :]
        said = by_times(between(places), 2)
        assert isinstance(said, int) or said == (text, False)
        refused += isinstance(said, int)
        # Three times in one are no bit cell, and a good part of the track is on the other side
        if lost == 2 and 40 < at < len(whole) - 40:
            assert said == CLOCK
    assert refused > 50


def test_a_reversal_too_many_is_never_read_wrong():
    text = "0931="
    whole = reversals(alone(framed(text, 5)))
    chance = Chance(11)
    for _ in range(150):
        places = sorted(whole + [chance.below(7200) / 100 for _ in range(1 + chance.below(3))])
        said = by_times(between(places), 2)
        assert isinstance(said, int) or said == (text, False)


def test_jitter_is_read_or_refused():
    chance = Chance(7811)
    read = [0, 0, 0]
    for i, percent in enumerate((10, 24, 45)):
        for _ in range(40):
            text = chance.digits(3 + chance.below(6))
            places = chance.shaken(reversals(alone(framed(text, 5))), percent)
            said = by_times(between(places, 1000, 0.4), 2)
            assert isinstance(said, int) or said == (text, False)
            read[i] += said == (text, False)
    assert read[0] == 40 and read[2] == 0


def test_both_ends_must_agree():
    # The clock that comes from one end is misled at most, so that only one of them has a track
    chance = Chance(2)
    for _ in range(60):
        places = chance.shaken(reversals(alone(framed("931", 5))), 28)
        forward, back = between(places), between([places[-1] - p for p in reversed(places)])
        said = [by_times(forward, 2), by_times(back, 2)]
        assert said in ([("931", False), ("931", True)],) or all(isinstance(s, int) for s in said)


def test_the_scratch_bounds_the_bits():
    # As many as 85.6 mm can have; of a longer stretch only zeros are missing
    recorded = times("0" * 600 + framed(T2, 5) + "0" * 600)
    assert isinstance(by_times(recorded, 2), int)
    recorded = times("0" * 300 + framed(T2, 5) + "0" * 600)
    assert isinstance(by_times(recorded, 2), int)


def test_a_view_as_the_buffer():
    whole = bytearray(3 * 107)
    bits = alone(framed(T2, 5))
    recorded = times(bits)
    view = memoryview(whole)[107:214]
    assert read_times_into(recorded, len(recorded), 2, view, bytearray(SCRATCH)) == len(T2)
    assert whole[107 : 107 + len(T2)] == T2.encode()
    assert whole[:107] == whole[214:] == bytes(107)
