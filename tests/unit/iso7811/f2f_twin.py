"""The plain twin of reader.iso7811.f2f: the same clock, written down with names and whole numbers only."""

SYNC = 4


def decode(times, direction: int = 1, skip: int = 0, room: int = 4095) -> str:
    """The bits of the longest stretch."""
    times = list(times)[:4095]
    if direction < 0:
        times.reverse()
    longest = ""
    at = skip
    while at < len(times) and room:
        at, bits = stretch(times, at, room)
        if len(bits) > len(longest):
            longest = bits
    return longest


def stretch(times, at: int, room: int):
    """(where it ends, bits) of the first stretch from `at` on."""
    while not is_steady(times[at : at + SYNC]):
        at += 1
        if at + SYNC > len(times):
            return len(times), ""
    period = 4 * sum(times[at : at + SYNC])  # in sixteenths
    at += SYNC
    bits = "0" * SYNC
    late = 0
    drift = 0
    while at < len(times) and len(bits) < room:
        first = 16 * times[at]
        second = 0
        used = 1
        place = late + first
        if 16 * place < 12 * period:
            used = 2
            second = 16 * times[at + 1] if at + 1 < len(times) else 0
            place += second
            good = 3 * period <= 16 * min(first, second) and 16 * second <= 12 * period
            good = good and 11 * period <= 16 * place <= 21 * period
        else:
            good = 16 * place <= 22 * period
        at = min(at + used, len(times))
        if not good:
            break
        bits += "0" if used == 1 else "1"
        error = place - period
        drift += error
        period += (3 * error >> 3) + (drift >> 5)
        late = error >> 3
    return at, bits


def is_steady(few) -> bool:
    """So many, and each within 3/10 of their mean."""
    if len(few) < SYNC:
        return False
    total = sum(few)
    good = True
    for time in few:
        good = good and 7 * total <= 10 * SYNC * time <= 13 * total and time != 65535
    return good
