"""ISO/IEC 7811-2, clause 9, and ISO/IEC 7813, clause 7: characters, sentinels, parity, LRC, and what is refused."""

from stripes import Chance, alone, character, flip, framed, invert, packed, reverse

from reader.iso7811.characters import ALONE, BACKWARD, COMPARE, read_into
from reader.iso7811.reasons import (
    ALL_ONES,
    AMBIGUOUS,
    EMPTY,
    LRC,
    NO_END,
    NO_START,
    PARITY,
    TOO_LONG,
    TWO_STARTS,
)
from testing import cases

TEXT = "6212340000000018=29122010000"
# The standard's tables: b1 to b4 and parity of the numeric set (also printed in Card-O-Rama, Phrack 37, 1992)
NUMERIC = (
    ("0", "00001"), ("1", "10000"), ("2", "01000"), ("3", "11001"), ("4", "00100"), ("5", "10101"), ("6", "01101"),
    ("7", "11100"), ("8", "00010"), ("9", "10011"), (":", "01011"), (";", "11010"), ("<", "00111"), ("=", "10110"),
    (">", "01110"), ("?", "11111"),
)  # fmt: skip
# b1 to b6 and parity of some of the alphanumeric set
ALPHANUMERIC = (
    (" ", "0000001"), ("%", "1010001"), ("/", "1111001"), ("0", "0000100"), ("9", "1001100"), ("?", "1111100"),
    ("A", "1000011"), ("B", "0100011"), ("Z", "0101111"), ("^", "0111110"), ("_", "1111111"),
)  # fmt: skip


def read(bits: str, width: int = 5, most: int = 104, how: int = 0):
    """(characters, is it backward) or the reason. What was refused leaves the buffer alone."""
    out = bytearray(b"\xee" * 107)
    n = read_into(packed(bits), len(bits), width, out, most, how)
    length = max(n, 0) & ~BACKWARD
    assert out[length:] == b"\xee" * (107 - length)
    return (out[:length].decode(), n > BACKWARD) if n > 0 else -n


@cases(*[(letter, bits, 5) for letter, bits in NUMERIC] + [(letter, bits, 7) for letter, bits in ALPHANUMERIC])
def test_the_character_sets(letter, bits, width):
    # Here the encoder of these tests is checked, too
    assert character(ord(letter) - {5: 0x30, 7: 0x20}[width], width) == bits


@cases(
    # A published unit test (BinaryDecoderTest of hereliesaz/magnom)
    ("000000 11010 10000 11111 10101 00000", 5, "1"),
    # An access fob whose track 2 comes inverted, 130 bits (tests of magstripe_rs)
    (
        "111111111111111111111111 10010111 11011110 11110110 11111101 10111110 10001101 11110111 00000111 01111111"
        " 11111111 11111111 11111111 11111111 11",
        5,
        "0004048712",
    ),
)
def test_published(bits, width, text):
    assert read(bits.replace(" ", ""), width) == (text, False)


@cases((5, "0"), (5, TEXT), (5, "0123456789:<>="), (7, "B6212340000000018^A/B^29122010"), (7, "!\"#$&'()*+,-./[]\\^_"))
def test_either_way(width, text):
    bits = framed(text, width)
    for how in (0, ALONE):
        assert read(alone(bits), width, 104, how) == (text, False)
        assert read(reverse(alone(bits)), width, 104, how) == (text, True)


@cases(5, 7)
def test_every_lrc(width):
    # With a head's bits, a track ends with its last one-bit: zeros at the end of an LRC are missing
    for letter in range(1 << (width - 1)):
        text = "12" + chr((0x30 if width == 5 else 0x20) + letter)
        if letter in ((0x0B, 0x0F) if width == 5 else (0x05, 0x1F)):
            continue
        bits = framed(text, width)
        assert read(bits.rstrip("0"), width) == (text, False)
        assert read(reverse(bits).lstrip("0"), width) == (text, True)
        assert read(reverse(bits).lstrip("0") + "0" * 300, width) == (text, True)


@cases(5, 7)
def test_spurious_bits(width):
    bits = framed("1234", width)
    zeros = "0" * (2 * width - 1)
    for head, tail in (("1", ""), ("", "1"), ("101", "11"), ("1" + zeros + "11", "1" + zeros + "1")):
        for how in (0, ALONE):
            row = zeros + head + zeros + bits + zeros + tail + zeros
            assert read(row, width, 104, how) == ("1234", False)
            assert read(reverse(row), width, 104, how) == ("1234", True)


@cases(5, 7)
def test_stands_alone(width):
    bits = framed("1234", width)
    zeros = "0" * (2 * width - 1)
    assert read(zeros + "1" + zeros[1:] + bits + zeros, width) == NO_START
    assert read(zeros + bits + zeros[1:] + "1" + zeros, width) == NO_END
    # The end of the bits stands for zeros, unless it may not
    assert read(bits, width) == ("1234", False)
    assert read(bits + zeros, width, 104, ALONE) == NO_START  # backward, where zeros are
    assert read(zeros[1:] + bits + zeros, width, 104, ALONE) == NO_START
    assert read(zeros + bits + zeros[1:], width, 104, ALONE) == NO_END
    assert read(zeros + bits + zeros, width, 104, ALONE) == ("1234", False)


@cases(5, 7)
def test_inverted(width):
    bits = alone(framed("1234", width))
    assert read(invert(bits), width) == ("1234", False)
    assert read(invert(reverse(bits)), width) == ("1234", True)
    # Times tell a one from a zero
    assert isinstance(read(invert(bits), width, 104, ALONE), int)


MALFORMED = (
    ("", EMPTY),
    ("0", EMPTY),
    ("0" * 704, EMPTY),
    ("1" * 704, ALL_ONES),
    ("0" * 20 + "1" * 200 + "0" * 20, ALL_ONES),
    ("0" * 20 + "1" * 15 + "0" * 20, NO_START),
    (alone(framed("5" + TEXT, 5)[5:]), NO_START),
    (alone(flip(framed(TEXT, 5), 1)), NO_START),
    (alone(flip(framed(TEXT, 5), 4)), NO_START),
    (alone(framed(TEXT, 5)[:-10]), NO_END),
    (framed(TEXT, 5)[:-10], NO_END),
    (framed(TEXT, 5)[:-13], NO_END),
    (alone(framed(TEXT, 5)[:-5]), NO_END),
    (alone(framed(TEXT, 5, 1)), LRC),
    (alone(framed(TEXT, 5, 15)), LRC),
    (alone(flip(framed(TEXT, 5), 4 * 5)), PARITY),
    (alone(flip(framed(TEXT, 5), len(TEXT) * 5 + 9)), PARITY),
    (alone(flip(framed(TEXT, 5), len(TEXT) * 5 + 14)), PARITY),
    (alone(framed("1234;5678", 5)), TWO_STARTS),
    (alone(framed(";", 5)), TWO_STARTS),
    (alone(framed("", 5)), EMPTY),
    (alone(framed("1" * 105, 5)), TOO_LONG),
    (alone("11010" + "00001" * 200), TOO_LONG),
    (alone(framed("1234", 5)) + alone(framed("5678", 5)), AMBIGUOUS),
    (alone(framed("1234", 5)) + alone(framed("1234", 5)), AMBIGUOUS),
    (alone(framed("1234", 5)) + reverse(alone(framed("5678", 5))), AMBIGUOUS),
)


@cases(*MALFORMED)
def test_malformed(bits, reason):
    assert read(bits) == reason
    assert read(reverse(bits)) == reason
    assert read(bits, 5, 104, ALONE) in (reason, EMPTY)


@cases(
    (framed("B12%34", 7), TWO_STARTS), (framed("", 7), EMPTY), (framed("AB", 7, 3), LRC), ("1010001" + "1000011" * 9, NO_END)
)  # fmt: skip
def test_malformed_alphanumeric(bits, reason):
    assert read(alone(bits), 7) == read(reverse(alone(bits)), 7) == reason


def test_the_most_characters():
    bits = alone(framed("12345678", 5))
    assert read(bits, 5, 8) == ("12345678", False)
    assert read(bits, 5, 7) == TOO_LONG
    out = bytearray(7)
    assert read_into(packed(bits), len(bits), 5, out) == -TOO_LONG
    assert out == bytes(7)
    assert read_into(packed(bits), len(bits), 5, bytearray(8)) == 8
    assert read_into(packed(bits), len(bits), 5, bytearray(0)) == -TOO_LONG


def test_no_bit_beyond_n():
    bits = alone(framed("1234", 5))
    data = packed(bits + "1" * 20)
    out = bytearray(8)
    assert read_into(data, len(bits), 5, out) == 4
    # And none beyond the buffer
    assert read_into(packed(bits), 5000, 5, out) == 4
    assert read_into(packed(bits), -1, 5, out) == read_into(b"", 0, 5, out) == -EMPTY


def test_compare():
    bits = alone(framed("1234", 5))
    out = bytearray(b"1234rest")
    assert read_into(packed(bits), len(bits), 5, out, 8, COMPARE) == 4
    assert read_into(packed(reverse(bits)), len(bits), 5, out, 8, COMPARE) == 4 + BACKWARD
    out[3] += 1
    assert read_into(packed(bits), len(bits), 5, out, 8, COMPARE) == -AMBIGUOUS
    assert out == b"1235rest"


def test_ten_ones_at_the_end_of_times():
    # Its check character is ones, and so is the end sentinel: a clock that slipped there would find > and another end
    bits = framed("931", 5)
    assert bits.endswith("1" * 10)
    assert read(alone(bits), 5, 104, ALONE) == ("931", False)
    assert read(alone(framed("931>", 5)), 5, 104, ALONE) == AMBIGUOUS
    assert read(alone(framed("931>", 5))) == ("931>", False)


@cases((5, "=12"), (5, "0000"), (5, "931"), (7, "A0"))
def test_one_or_two_or_three_wrong_bits_are_never_read(width, text):
    bits = framed(text, width)
    n = len(bits)
    for how in (0, ALONE):
        for a in range(n):
            assert isinstance(read(alone(flip(bits, a)), width, 104, how), int)
            for b in range(a):
                assert isinstance(read(alone(flip(bits, a, b)), width, 104, how), int)
    chance = Chance(9)
    for _ in range(300):
        spoiled = flip(bits, chance.below(n), chance.below(n), chance.below(n))
        assert isinstance(read(alone(spoiled), width), int) or spoiled == bits


@cases((5, TEXT), (7, "B62123^TEST"))
def test_a_bit_lost_or_too_many_is_never_read_wrong(width, text):
    bits = framed(text, width)
    refused = 0
    for at in range(len(bits)):
        for spoiled in (bits[:at] + bits[at + 1 :], bits[:at] + "0" + bits[at:], bits[:at] + "1" + bits[at:]):
            said = read(alone(spoiled), width)
            # A zero among those at the ends is nothing
            assert isinstance(said, int) or said == (text, False)
            refused += isinstance(said, int)
    assert refused >= 3 * len(bits) - 2 * width


def test_noise_is_never_read():
    chance = Chance(1)
    for _ in range(400):
        noise = "".join(["01"[chance.below(2)] for _ in range(chance.below(120))])
        for width in (5, 7):
            assert isinstance(read(alone(noise), width), int)
