"""The issuer's commands to its card, under secure messaging. PBOC 3.0 part 5; EMV 4.4 Book 2, 9, format 2; Book 3, 6.5.

The MAC has four bytes and covers header, ATC, ARQC and data: ISO 9797-1 algorithm 3, padding method 2.
"""

from __future__ import annotations

import hmac
from typing import Protocol

from psec import des
from pyemv import mac

from mpos.bench.cards import status
from mpos.bench.cards.contact.electronic_cash import Purse
from mpos.bench.cards.contact.pin import ReferencePin
from mpos.bench.cards.status import StatusError, command_data

_MAC = 4
_CASH_BALANCE = 0x9F79
# What PUT DATA may write, with its length
_WRITABLE = {_CASH_BALANCE: 6, 0x9F58: 1, 0x9F59: 1}


class Files(Protocol):
    """records: (short file identifier, number) -> record."""

    @property
    def records(self) -> dict[tuple[int, int], bytes]: ...


class Application(Protocol):
    """What a script may change, and what its MAC covers. key_half: what a changed PIN is hidden with."""

    atc: int
    arqc: bytes
    blocked: bool
    card_blocked: bool
    pin: ReferencePin
    cash: Purse
    put: dict[int, bytes]

    @property
    def files(self) -> Files: ...

    @property
    def key_half(self) -> bytes: ...


def execute(application: Application, command: bytes, mac_key: bytes, data_key: bytes) -> None:
    """Raises StatusError; the card is changed only when none is raised."""
    data = _checked(application, command, mac_key)
    cla, ins, p1, p2 = command[:4]
    if (cla, ins) == (0x84, 0x1E):
        _needs_nothing(p1, p2, data)
        application.blocked = True
    elif (cla, ins) == (0x84, 0x18):
        _needs_nothing(p1, p2, data)
        application.blocked = False
    elif (cla, ins) == (0x84, 0x16):
        _needs_nothing(p1, p2, data)
        application.card_blocked = True
    elif (cla, ins) == (0x84, 0x24):
        _change_pin(application, p1, p2, data, data_key)
    elif (cla, ins) == (0x04, 0xDA):
        _put_data(application, p1 << 8 | p2, data)
    elif (cla, ins) == (0x04, 0xDC):
        _update_record(application, p1, p2, data)
    else:
        raise StatusError(status.WRONG_INS)


def _checked(application: Application, command: bytes, key: bytes) -> bytes:
    """The command's data without their MAC. EMV 4.4 Book 2, 9.2.3."""
    body = command_data(command)
    if len(command) == 6 + len(body):
        raise StatusError(status.WRONG_LENGTH)  # these commands have no answer to wait for
    if len(body) < _MAC:
        raise StatusError(status.SM_MISSING)
    data, given = body[:-_MAC], body[-_MAC:]
    covered = command[:5] + application.atc.to_bytes(2, "big") + application.arqc + data
    wanted = mac.mac_iso9797_3(key[:8], key[8:], covered, 2, _MAC)
    if not hmac.compare_digest(wanted, given):
        raise StatusError(status.SM_WRONG)
    return data


def _needs_nothing(p1: int, p2: int, data: bytes) -> None:
    if p1 or p2:
        raise StatusError(status.WRONG_P1P2)
    if data:
        raise StatusError(status.WRONG_LENGTH)


# Book 3, 6.5.10: P2 00 unblocks, 01 changes with the current PIN as part of the block, 02 without
def _change_pin(application: Application, p1: int, p2: int, data: bytes, key: bytes) -> None:
    if p1 or p2 > 2:
        raise StatusError(status.WRONG_P1P2)
    if not application.pin.digits:
        raise StatusError(status.DATA_NOT_FOUND)
    if p2 == 0:
        _needs_nothing(p1, p2, data)
        application.pin.unblock()
        return
    if len(data) != 16:
        raise StatusError(status.WRONG_LENGTH)
    clear = des.decrypt_tdes_ecb(key, data)
    # Length of the block, block, padding method 2
    if clear[0] != 8 or clear[9:] != b"\x80" + bytes(6):
        raise StatusError(status.WRONG_DATA)
    mask = int.from_bytes(application.key_half[4:8], "big")
    if p2 == 1:
        mask ^= int(application.pin.digits.ljust(16, "0"), 16)
    block = f"{int.from_bytes(clear[1:9], 'big') ^ mask:016X}"
    n = int(block[:2], 16)
    if n > 12 or block[2 + n :].strip("F"):
        raise StatusError(status.WRONG_DATA)
    application.pin.change(block[2 : 2 + n])


def _put_data(application: Application, tag: int, data: bytes) -> None:
    if tag not in _WRITABLE:
        raise StatusError(status.DATA_NOT_FOUND)
    if len(data) != _WRITABLE[tag]:
        raise StatusError(status.WRONG_LENGTH)
    if tag == _CASH_BALANCE:
        application.cash.load(data)
    else:
        application.put[tag] = data


def _update_record(application: Application, number: int, p2: int, data: bytes) -> None:
    if p2 & 0x07 != 0x04 or not number:
        raise StatusError(status.WRONG_P1P2)
    place = (p2 >> 3, number)
    if place not in application.files.records:
        raise StatusError(status.RECORD_NOT_FOUND)
    if len(data) != len(application.files.records[place]):
        raise StatusError(status.WRONG_LENGTH)
    application.files.records[place] = data
