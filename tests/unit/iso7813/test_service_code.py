"""ISO/IEC 7813:2006, 8, table 3, and GB/T 19584, 6.7: the digits of a service code, one after the other."""

from reader.iso7813 import service_code as rule
from reader.iso7813.service_code import check, has_chip, needs_pin, prompts_pin
from testing import cases


@cases(*[(first, first in (2, 6)) for first in range(10)])
def test_chip(first, chip):
    assert has_chip(100 * first + 1) == chip


@cases(
    (0, True, False),  # no restrictions, PIN
    (1, False, False),  # no restrictions
    (2, False, False),  # goods and services
    (3, True, False),  # cash machines, PIN
    (4, False, False),  # cash
    (5, True, False),  # goods and services, PIN
    (6, False, True),  # no restrictions, PIN where there is a PIN pad
    (7, False, True),  # goods and services, the same
    (8, False, False),  # reserved
    (9, False, False),
)
def test_pin(third, needs, prompts):
    for code in (100 + third, 620 + third):
        assert (needs_pin(code), prompts_pin(code)) == (needs, prompts)


@cases(
    (101, rule.ALLOWED),
    (120, rule.ALLOWED),
    (201, rule.ALLOWED),  # the chip is the caller's question
    (502, rule.ALLOWED),
    (606, rule.ALLOWED),
    (0, rule.ALLOWED),  # reserved digits: the issuer knows
    (338, rule.ALLOWED),
    (901, rule.TEST),
    (903, rule.TEST),
    (701, rule.PRIVATE),
    (103, rule.ATM_ONLY),
    (223, rule.ATM_ONLY),
    (104, rule.CASH_ONLY),
    (544, rule.CASH_ONLY),
)
def test_check(code, verdict):
    assert check(code) == verdict
    if verdict != rule.ALLOWED:
        assert check(code, has_pad=False) == verdict


@cases((100, rule.PIN_NEEDED), (525, rule.PIN_NEEDED), (106, rule.ALLOWED), (107, rule.ALLOWED), (101, rule.ALLOWED))
def test_check_without_a_pin_pad(code, verdict):
    assert check(code, has_pad=False) == verdict
    assert check(code) == rule.ALLOWED


def test_a_card_without_a_code():
    assert not has_chip(-1) and not needs_pin(-1) and not prompts_pin(-1)
    assert check(-1) == check(-1, False) == rule.ALLOWED
