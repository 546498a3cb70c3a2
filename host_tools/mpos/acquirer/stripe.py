"""A sale by stripe: tracks, service code, card verification number, and whether a chip should have been read.

DE60.4 says what the terminal can read, DE60.5 whether a chip was tried and failed before (fallback).
"""

from __future__ import annotations

import hmac

from mpos.acquirer import tracks
from mpos.acquirer.accounts import Account
from mpos.acquirer.books import Books
from mpos.acquirer.entry import Entry
from mpos.acquirer.issuer import Issuer
from mpos.acquirer.refusals import RefusedError

# DE60: type and batch, then network code (3 digits), what the terminal reads, chip condition code
_NETWORK, _READS, _CONDITION = slice(8, 11), 11, 12
_NO_NETWORK = "000"
_READS_STRIPE, _READS_CONTACT, _READS_CONTACTLESS = "2", "5", "6"
_NO_CHIP, _FALLBACK = "0", "2"

# ISO/IEC 7813, table 3: digits of a service code
_HAS_CHIP = "26"
_PRIVATE, _TEST = "7", "9"
_NO_GOODS = "34"
_NEEDS_PIN = "035"
# The issuer's own characters: key index of the PIN verification value, the value (four digits), then the CVN
_CVN = slice(5, 8)


class StripeCard:
    """What the tracks say, which agree with each other."""

    def __init__(self, fields: dict[str, str], data_key: bytes):
        self._has_pin = "52" in fields
        self._condition = fields["60"][_CONDITION]
        self._reads_chips = fields["60"][_READS] != _READS_STRIPE
        self._track2 = tracks.stripe_track2(bytes.fromhex(fields["35"]), data_key) if "35" in fields else None
        track3 = tracks.stripe_track3(bytes.fromhex(fields["36"]), data_key) if "36" in fields else None
        numbers = {track.pan for track in (self._track2, track3) if track is not None}
        if len(numbers) != 1:
            raise RefusedError("tracks")
        self.pan = numbers.pop()
        self.expiry = self._track2.expiry if self._track2 else ""
        names = [f"track {n}" for n, field in ((2, "35"), (3, "36")) if field in fields]
        self.story = f"stripe with {' and '.join(names)}"

    def prove(self, account: Account, issuer: Issuer, books: Books) -> str:
        track = self._track2
        if track is None:
            raise RefusedError("cvn", "It is in track 2, which did not come.")
        expected = issuer.cvn(track.pan, track.expiry, track.service_code)
        if not expected or not hmac.compare_digest(track.discretionary[_CVN], expected):
            raise RefusedError("cvn")
        self._check_service_code(track.service_code)
        return "CVN right" + (", fallback: the chip could not be read" if self._condition == _FALLBACK else "")

    def answer_data(self, account: Account, issuer: Issuer, code: str) -> bytes:
        return b""

    def _check_service_code(self, service_code: str) -> None:
        exchange, services = service_code[0], service_code[2]
        is_fallback = self._condition == _FALLBACK
        if exchange in _HAS_CHIP:
            if self._reads_chips and not is_fallback:
                raise RefusedError("fallback")
        elif is_fallback:
            raise RefusedError("condition")
        if exchange in _PRIVATE + _TEST or services in _NO_GOODS:
            raise RefusedError("service-code")
        if services in _NEEDS_PIN and not self._has_pin:
            raise RefusedError("pin-required")


def _check(fields: dict[str, str]) -> None:
    if "35" not in fields and "36" not in fields:
        raise RefusedError("field", "DE35 and DE36 are missing.")
    terminal = fields["60"]
    if terminal[_NETWORK] != _NO_NETWORK:
        raise RefusedError("field", "DE60.3.")
    if terminal[_READS] not in (_READS_STRIPE, _READS_CONTACT, _READS_CONTACTLESS):
        raise RefusedError("field", "DE60.4.")
    if terminal[_CONDITION] not in (_NO_CHIP, _FALLBACK):
        raise RefusedError("field", "DE60.5.")
    if terminal[_CONDITION] == _FALLBACK and terminal[_READS] == _READS_STRIPE:
        raise RefusedError("field", "DE60.4 and DE60.5 do not agree.")


ENTRY = Entry(needed=(), optional=("35", "36"), check=_check, read=StripeCard)
