"""What the application does with a stripe: app/swipe.py and app/account.py, with a cipher that changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace as Parts
from typing import Any
from unittest.mock import patch

from tests.fuzz import device

device.install()
from reader.app import account
from reader.app import swipe as app_swipe
from reader.dukpt import tdes_keys
from reader.errors import E_NOT_PAYMENT, E_SERVICE_CODE, E_STRIPE, E_STRIPE_DATA, E_TAG_FORMAT, E_USE_CHIP, ReaderError
from reader.link.protocol import INTERFACE_CONTACT

_BLOCK = 8
_REFUSALS = (E_STRIPE, E_STRIPE_DATA, E_NOT_PAYMENT, E_USE_CHIP, E_SERVICE_CODE, E_TAG_FORMAT)
_MASKED = re.compile(r"\d{6}\*{2,9}\d{4}")


class _Copy:
    """In the place of triple DES."""

    clear: list[memoryview] = []

    def __init__(self, _key: bytes):
        pass

    def cbc_encrypt_into(self, iv: bytes, data: memoryview, out: bytearray) -> None:
        assert not any(iv) and len(out) == len(data)
        out[:] = data
        self.clear.append(data)

    def wipe(self) -> None:
        pass


@contextmanager
def copied() -> Iterator[None]:
    """Whatever is encrypted meanwhile stays what it is; afterwards nothing of it is left where it came from."""
    _Copy.clear = []
    with patch.object(tdes_keys, "Des3", _Copy):
        yield
    assert not any(any(data) for data in _Copy.clear)


def _padded(digits: str) -> bytes:
    """Packed, F to a whole byte, and padding method 2 of ISO 9797-1."""
    data = bytes.fromhex(digits + "F" * (len(digits) % 2)) + b"\x80"
    return data + bytes(-len(data) % _BLOCK)


def check_taken(stripe: Any, pan: str, second: str, third: str) -> None:
    """The account of `stripe` is `pan`, and its tracks, in digits, are these."""
    with copied():
        taken = device.attempt(account.take_stripe, stripe, _keys())
    assert taken.masked == pan[:6] + "*" * (len(pan) - 10) + pan[-4:]
    assert taken.track2 == _padded(second) and taken.track3 == (_padded(third) if third else b"")
    assert taken.number.hex() == pan[-13:-1].rjust(16, "0") and taken.pin_block == b""
    taken.wipe()
    assert not any(taken.number)


def _keys() -> tdes_keys.TdesKeys:
    return tdes_keys.TdesKeys(1, b"", *(bytearray(b"\x01" * 16) for _ in range(4)))


class _Transaction:
    def __init__(self, head: Any, reads_chips: bool):
        board = Parts(pin_pad=None, head=head)
        self.parts = Parts(board=board, interfaces=lambda: INTERFACE_CONTACT * reads_chips)
        self.result = Parts(is_fallback=False)

    def next_keys(self) -> tdes_keys.TdesKeys:
        return _keys()

    async def state(self, _state: int) -> None:
        pass

    async def card(self, _event: int) -> None:
        pass


def sell(head: Any, reads_chips: bool, is_fallback: bool, head_error: int) -> None:
    """A whole reading of the swipe that waits in `head`. What is refused has one of a stripe's errors, or `head_error`."""
    swipe = app_swipe.Swipe(_Transaction(head, reads_chips), is_fallback)
    with copied():
        try:
            device.drive(swipe.read(Parts(is_fallback=False)))
            taken = swipe.account(swipe.keys)
            assert _MASKED.fullmatch(taken.masked) and 16 <= len(taken.track2) <= 24 and len(taken.track3) <= 56
        except ReaderError as error:
            assert error.code in (*_REFUSALS, head_error), error
        finally:
            device.drive(swipe.stop())
    assert swipe.keys is None or not any(swipe.keys.data)
    assert swipe._taken is None or not any(swipe._taken.number)
