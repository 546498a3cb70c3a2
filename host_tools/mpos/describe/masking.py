"""What keeps account numbers out of everything that is printed. There is no way to switch it off.

Fields that hold card data are masked because of what they are. Whatever else is printed goes through `scrub`, which
looks for anything that could be an account number, wherever and however it stands there.
"""

import re

_SHOWN_FIRST = 6
_SHOWN_LAST = 4
_LEAST, _MOST = 13, 19
_LONG_RUN = re.compile(rf"\d{{{_LEAST},}}")
# ISO/IEC 7812-1: the first digit of every card that pays
_FIRST_DIGITS = frozenset("2345689")


def mask(digits: str) -> str:
    """First six and last four; of a number too short for that, nothing."""
    if len(digits) < _LEAST - 1:
        return "*" * len(digits)
    return digits[:_SHOWN_FIRST] + "*" * (len(digits) - _SHOWN_FIRST - _SHOWN_LAST) + digits[-_SHOWN_LAST:]


def scrub(text: str) -> str:
    """`text` with everything masked that has length, first digit and check digit of an account number."""
    return _LONG_RUN.sub(lambda run: _scrub_run(run[0]), text)


def scrub_hex(data: bytes) -> str:
    """`data` in hex; account numbers in packed digits or in characters are masked."""
    characters = data.decode("latin-1")
    clean = _LONG_RUN.sub(lambda run: _scrub_run(run[0]), characters)
    pairs = [f"{byte:02X}" if new != "*" or byte == 0x2A else "**" for byte, new in zip(data, clean, strict=True)]
    return scrub("".join(pairs))


def _scrub_run(run: str) -> str:
    out = list(run)
    for start in range(len(run) - _LEAST + 1):
        if run[start] not in _FIRST_DIGITS:
            continue
        for length in range(_LEAST, min(_MOST, len(run) - start) + 1):
            if _luhn(run[start : start + length]):
                end = start + length
                out[start + _SHOWN_FIRST : end - _SHOWN_LAST] = "*" * (length - _SHOWN_FIRST - _SHOWN_LAST)
    return "".join(out)


def _luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) << (place & 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
