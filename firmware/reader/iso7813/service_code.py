"""What a card's service code asks for and forbids: ISO/IEC 7813:2006, 8; GB/T 19584, 6.7.

First digit: where, and whether there is a chip; second: who authorises, which a reader that asks the host for
everything need not look at; third: what for, and the PIN. A rule's number is the detail of E_SERVICE_CODE. A digit
that is reserved forbids nothing: the issuer knows it. Nor does no code (-1), whose third digit is 9.
"""

from micropython import const

ALLOWED = const(0)
TEST = const(1)  # first digit 9
PRIVATE = const(2)  # 7: not for interchange
ATM_ONLY = const(3)  # third digit 3
CASH_ONLY = const(4)  # 4: no goods and services
PIN_NEEDED = const(5)  # 0 and 5, where there is no PIN pad


def has_chip(code: int) -> bool:
    """2 international, 6 national: with a chip, which is to be used where it can."""
    return code // 100 in (2, 6)


def needs_pin(code: int) -> bool:
    """0 anything, 3 cash machines, 5 goods and services: with PIN."""
    return code % 10 in (0, 3, 5)


def prompts_pin(code: int) -> bool:
    """6 anything, 7 goods and services: with PIN where there is a PIN pad."""
    return code % 10 in (6, 7)


def check(code: int, has_pad: bool = True) -> int:
    """ALLOWED, or the number of the first rule that forbids to sell for it."""
    if code < 0:
        return ALLOWED
    first = code // 100
    third = code % 10
    if first == 9:
        return TEST
    if first == 7:
        return PRIVATE
    if third == 3:
        return ATM_ONLY
    if third == 4:
        return CASH_ONLY
    return PIN_NEEDED if needs_pin(code) and not has_pad else ALLOWED
