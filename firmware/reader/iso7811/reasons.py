"""Why a track could not be read; the detail of E_STRIPE."""

from micropython import const

OK = const(0)
EMPTY = const(1)  # no bits, too few of them, or only zeros
CLOCK = const(2)  # a bit cell that is neither a zero nor a one
NO_START = const(3)  # the first one-bit begins no start sentinel
NO_END = const(4)  # the characters stop, and none was an end sentinel
PARITY = const(5)  # a character with an even number of ones
LRC = const(6)  # the longitudinal redundancy check does not fit
TOO_LONG = const(7)  # more characters than the track may have
TWO_STARTS = const(8)  # a start sentinel among the characters
ALL_ONES = const(9)
AMBIGUOUS = const(10)  # it reads in more than one way
