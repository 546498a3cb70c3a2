"""Answers to reset of openemv's emv-utils, tests/emv_atr_parse_test.c; and the check character for those made here."""

from testing import h

BASIC_T0 = "3B 60 00 00"
BASIC_T1 = "3B E0 00 FF 81 31 7C 41 92"
COMPLEX_T0 = "3B F4 13 00 FF D0 00 0A 3F 03 00 DE AD BE EF DC"
COMPLEX_T1 = "3B F4 13 00 FF 91 01 71 7C 41 00 DE AD BE EF E6"
JAVA_CARD = "3B DA 18 FF 81 B1 FE 75 1F 03 00 31 F5 73 C7 8A 40 00 90 00 B0"  # non_emv_atr there


def with_check(text: str) -> bytes:
    """The ATR with its TCK."""
    data = h(text)
    check = 0
    for byte in data[1:]:
        check ^= byte
    return data + bytes((check,))
