"""Cards that go wrong at a chosen command, so that a test can walk through every exchange of a transaction.

`faulty(card, at=2, what=REMOVED)` vanishes at the third command after each activation;
`faulty(card, at=1, what=status(0x6A82))` answers the second with that status word and nothing else.
"""

from collections.abc import Callable
from typing import Any

from mpos.bench.field import Target, TargetRemoved

# From the genuine answer to what the reader gets; None: silence
Fault = Callable[[bytes], bytes | None]


def REMOVED(answer: bytes) -> bytes | None:
    """The card leaves the field in the middle of the exchange."""
    raise TargetRemoved


def MUTE(answer: bytes) -> bytes | None:
    """The card never answers."""
    return None


def EMPTY(answer: bytes) -> bytes | None:
    """Not even a status word."""
    return b""


def HALF_STATUS(answer: bytes) -> bytes | None:
    """One byte only."""
    return answer[-2:-1]


def NO_DATA(answer: bytes) -> bytes | None:
    """The status word says that all is well, and the data are missing."""
    return answer[-2:]


def TRUNCATED(answer: bytes) -> bytes | None:
    """The last third of the data is missing, so that lengths point behind the end."""
    data = answer[:-2]
    return data[: len(data) * 2 // 3] + answer[-2:]


def BAD_LENGTH(answer: bytes) -> bytes | None:
    """The outermost length says more than there is."""
    return answer[:1] + b"\x84\x7f\xff\xff\xff" + answer[2:]


def BAD_TAG(answer: bytes) -> bytes | None:
    """The data start with a tag that never ends."""
    return b"\x1f" + b"\xff" * 8 + answer[-2:]


def TRAILING(answer: bytes) -> bytes | None:
    """Bytes behind the outermost object."""
    return answer[:-2] + b"\xde\xad" + answer[-2:]


def status(word: int) -> Fault:
    """This status word instead of the answer."""
    return lambda answer: word.to_bytes(2, "big")


def instead(data: bytes) -> Fault:
    """These data with 9000 instead of the answer."""
    return lambda answer: data + b"\x90\x00"


class Faulty:
    """A target that behaves as another one except at one command, counted from 0 after each activation."""

    def __init__(self, card: Target, at: int, what: Fault):
        self.card = card
        self.uid = card.uid
        self._at = at
        self._what = what
        self._count = 0

    def __getattr__(self, name: str) -> Any:
        """Whatever else its technology says of a card."""
        return getattr(self.card, name)

    def power_on(self) -> None:
        self._count = 0
        self.card.power_on()

    def exchange(self, command: bytes) -> bytes | None:
        number = self._count
        self._count += 1
        answer = self.card.exchange(command)
        if number != self._at or answer is None:
            return answer
        return self._what(answer)


def faulty(card: Target, at: int, what: Fault) -> Faulty:
    """`card`, going wrong in the way of `what` at its command number `at`."""
    return Faulty(card, at, what)
