"""ISO/IEC 7811-2, clause 8 (two-frequency coherent phase): bits from times between flux reversals."""

from array import array

import f2f_twin
from stripes import LEAD, Chance, alone, between, framed, packed, reversals, reverse, times, unpacked

from reader.iso7811.f2f import COUNT, MASK, decode_into, stretch_into
from testing import cases

# The clause's own figure shows how such a row of bits is recorded
DATA = "1011001110001111010000101"
BITS = alone(DATA)


def decode(recorded, direction: int = 1, skip: int = 0, room: int = 300) -> str:
    """By the firmware; its plain twin must say the same."""
    out = bytearray(room)
    n = decode_into(recorded, len(recorded), out, direction, skip)
    bits = unpacked(out, n)
    assert out == packed(bits) + bytes(room - (n + 7) // 8), "nothing but its bits is written"
    assert bits == f2f_twin.decode(recorded, direction, skip, 8 * room)
    return bits


def test_zeros_are_long_and_ones_two_halves():
    recorded = array("H", [100] * 6 + [50, 50] + [100] + [50] * 4 + [100] * 2)
    assert decode(recorded) == "000000101100"


@cases((1, "a us"), (16, "16 ticks"), (4000, "8 cm/s on track 2"), (60000, "as slow as can be told"))
def test_any_unit(scale, why):
    cell = max(scale, 20)
    assert decode(times(BITS, cell)) == BITS


def test_from_the_end():
    assert decode(times(BITS), -1) == reverse(BITS)
    assert decode(times(reverse(BITS)), -1) == BITS


def test_skip():
    assert decode(times(BITS), 1, 5) == BITS[5:]
    assert decode(times(BITS), -1, 5) == reverse(BITS)[5:]
    assert decode(times(BITS), 1, len(times(BITS)) - 3) == ""
    out = bytearray(96)
    after = memoryview(times("0000" + BITS))[4:]  # with times before it, which are somebody else's
    assert decode_into(after, len(after), out, 1, -4) == len(BITS)
    assert decode_into(times(BITS), len(times(BITS)), out, 1, 5000) == 0


@cases(0.2, 0.33, 0.5, 0.8, 1.25, 2.0, 3.0, 5.0)
def test_the_speed_of_a_hand_changes(end):
    recorded = times(alone(DATA * 6), 1000, end)
    assert decode(recorded) == alone(DATA * 6)
    assert decode(recorded, -1) == reverse(alone(DATA * 6))


@cases(2, 5, 10, 15, 20)
def test_jitter(percent):
    # 7811-2, clause 10: half of a one may be 20 % off, which is 10 % of a bit cell. Twice that is read
    chance = Chance(percent)
    for _ in range(6):
        recorded = between(chance.shaken(reversals(BITS), percent))
        assert decode(recorded) == BITS


@cases((), (1000,), (1000, 1000, 1000), (65535,) * 20, (0,) * 3, (1000, 100, 2500, 700, 90))
def test_nothing(*few):
    assert decode(array("H", few)) == ""


def test_times_of_nothing():
    # Reversals at the same place are the noise of an edge: zeros of no length, which no characters follow
    assert "1" not in decode(array("H", bytes(2 * 40)))


def test_the_twin_says_the_same_of_noise():
    chance = Chance(7811)
    for most in (10, 400, 3000, 65536):
        for _ in range(12):
            recorded = array("H", [chance.below(most) for _ in range(120)])
            for direction in (1, -1):
                decode(recorded, direction, chance.below(20))


def test_the_twin_says_the_same_of_damage():
    chance = Chance(3)
    for percent in (0, 10, 22, 26, 30, 40):
        for _ in range(6):
            places = chance.shaken(reversals(alone(DATA * 2)), percent)
            for _ in range(chance.below(3)):
                del places[chance.below(len(places) - 1)]
            recorded = between(places, 800, 0.5)
            decode(recorded)
            decode(recorded, -1)


@cases("10", "01", "00", "11")
def test_a_lost_reversal_between_cells_ends_the_stretch(pair):
    bits = "0" * 30 + pair + DATA + "0" * 9
    places = reversals(bits)
    places.remove(31.0)
    assert decode(between(places)) in (bits[:30], bits[32:], bits[31:])


def test_a_reversal_too_many_ends_the_stretch():
    for place in (40.05, 40.1, 40.9, 40.97):
        places = sorted(reversals("0" * 60) + [place])
        assert len(decode(between(places))) <= 41


def test_the_longest_stretch_is_taken():
    # A head that wakes up, the track, a scratch, and what is behind it
    recorded = array("H", [90, 2500, 30, 30, 700, 120, 120, 120, 120, 45, 20000])
    recorded.extend(times(BITS))
    recorded.extend(array("H", [9000, 400, 30]))
    recorded.extend(times("0" * 30))
    assert decode(recorded) == BITS
    assert decode(recorded, -1) == reverse(BITS)


def test_how_many_times_were_used():
    out = bytearray(96)
    recorded = times(BITS)
    assert stretch_into(recorded, len(recorded), out) == len(recorded) << COUNT | len(BITS)
    recorded.append(60000)
    recorded.append(20)
    found = stretch_into(recorded, len(recorded), out)
    assert found & MASK == len(BITS) and found >> COUNT in (len(recorded) - 2, len(recorded) - 1)


def test_room_is_kept_to():
    # More bits than there is room for: the first ones
    for room in (0, 1, 3, 9):
        assert decode(times(BITS), 1, 0, room) == BITS[: 8 * room]
    out = bytearray(12)
    view = memoryview(out)[4:8]
    assert decode_into(times(BITS), len(times(BITS)), view) == 32
    assert out[:4] == out[8:] == bytes(4)


def test_n_is_kept_to():
    recorded = times(BITS)
    out = bytearray(96)
    assert decode_into(recorded, LEAD - 2, out) == LEAD - 2
    assert decode_into(recorded, len(recorded) + 1000, out) == len(BITS)
    assert decode_into(recorded, 0, out) == decode_into(recorded, -1, out) == 0


def test_more_times_than_any_card_has():
    recorded = array("H", [100] * 4200)
    assert decode_into(recorded, 4200, bytearray(512)) == 4095


def test_a_full_track():
    bits = alone(framed("B6212340000000018^" + "TEST/CARD OF MPOS " * 3 + "^29", 7))
    assert decode(times(bits, 300, 0.4)) == bits
