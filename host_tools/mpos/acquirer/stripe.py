"""A sale by stripe: tracks, service code, card verification number, and whether a chip should have been read.

DE60.4 says what the terminal can read: 2 stripes and nothing else, 5 chips by contact too, 6 by radio too. DE60.5 says
why it was the stripe: 0 nothing said, 1 the chip was not tried or is well, 2 the chip has failed (fallback).
"""

from __future__ import annotations

import hmac

from mpos.acquirer import tracks
from mpos.acquirer.accounts import Account
from mpos.acquirer.books import Books
from mpos.acquirer.entry import CONDITION, FALLBACK, Entry
from mpos.acquirer.issuer import Issuer
from mpos.acquirer.packet_keys import PacketKeys
from mpos.acquirer.refusals import RefusedError

# DE60: type and batch, then network code (3 digits), what the terminal reads, chip condition code
_NETWORK, _READS = slice(8, 11), 11
_NO_NETWORK = "000"
_STRIPES_ONLY, _READINGS = "2", "256"
_CONDITIONS = "012"

# ISO/IEC 7813, table 3: the service code's first digit, and its third
_CHIP, _PRIVATE, _TEST = "26", "7", "9"
_NO_GOODS = "34"
_PIN_REQUIRED = "035"
# The issuer's own characters: key index of the PIN verification value, the value (four digits), then the CVN
_CVN = slice(5, 8)


class StripeCard:
    """What the tracks say; where both name an account it is one. expiry: of track 2, else of track 3."""

    def __init__(self, fields: dict[str, str], keys: PacketKeys):
        self._track2 = tracks.stripe_track2(bytes.fromhex(fields["35"]), keys) if "35" in fields else None
        track3 = tracks.stripe_track3(bytes.fromhex(fields["36"]), keys) if "36" in fields else None
        counts = self._track2 or track3
        assert counts is not None  # _check
        if track3 is not None and track3.pan not in ("", counts.pan):
            raise RefusedError("tracks")
        if not counts.pan:
            raise RefusedError("track-3", "It has no account number, and there is no track 2.")
        self.pan, self.expiry = counts.pan, counts.expiry
        self._has_pin = "52" in fields
        self._is_fallback = fields["60"][CONDITION] == FALLBACK
        self._reads_chips = fields["60"][_READS] != _STRIPES_ONLY
        self.story = "stripe, " + " and ".join(
            f"track {n}" for n, t in ((2, self._track2), (3, track3)) if t is not None
        )
        if self._is_fallback:
            self.story += ", fallback: the chip could not be read"

    def prove(self, account: Account, issuer: Issuer, books: Books) -> str:
        track = self._track2
        if track is None:
            # Neither CVN nor service code: what is left to prove is the cardholder
            if not self._has_pin:
                raise RefusedError("pin-required", "There is no track 2.")
            return "no track 2, so no CVN; the PIN decides"
        if not track.expiry:
            raise RefusedError("expired")
        if not track.service_code:
            raise RefusedError("cvn", "There is no service code.")
        expected = issuer.cvn(track.pan, track.expiry, track.service_code)
        if not hmac.compare_digest(track.discretionary[_CVN], expected):
            raise RefusedError("cvn")
        # Believed only now: the CVN covers it
        self._check_service_code(track.service_code, account)
        return "CVN right"

    def answer_data(self, account: Account, issuer: Issuer, code: str) -> bytes:
        return b""

    def _check_service_code(self, service_code: str, account: Account) -> None:
        interchange, services = service_code[0], service_code[2]
        if interchange in _CHIP:
            # A terminal for stripes alone does what it can
            if self._reads_chips and not (self._is_fallback and account.fallback):
                raise RefusedError("fallback")
        elif self._is_fallback:
            raise RefusedError("condition")
        if interchange in (_PRIVATE, _TEST) or services in _NO_GOODS:
            raise RefusedError("service-code")
        if services in _PIN_REQUIRED and not self._has_pin:
            raise RefusedError("pin-required")


def _check(fields: dict[str, str]) -> None:
    if "35" not in fields and "36" not in fields:
        raise RefusedError("field", "DE35 and DE36 are missing.")
    terminal = fields["60"]
    if terminal[_NETWORK] != _NO_NETWORK:
        raise RefusedError("field", "DE60.3.")
    if terminal[_READS] not in _READINGS:
        raise RefusedError("field", "DE60.4.")
    if terminal[CONDITION] not in _CONDITIONS:
        raise RefusedError("field", "DE60.5.")
    if terminal[CONDITION] == FALLBACK and terminal[_READS] == _STRIPES_ONLY:
        raise RefusedError("field", "DE60.4 and DE60.5 do not agree.")


ENTRY = Entry(needed=(), optional=("35", "36"), check=_check, read=StripeCard)
