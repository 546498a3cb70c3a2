"""A sale by chip, inserted or tapped: DE55 is held against the message, its cryptogram against the issuer's key."""

from __future__ import annotations

from mpos.acquirer import chip_data, pin, tracks
from mpos.acquirer.accounts import Account
from mpos.acquirer.books import Books
from mpos.acquirer.entry import CONDITION, FALLBACK, Entry
from mpos.acquirer.issuer import Issuer
from mpos.acquirer.refusals import RefusedError

_CONTACT = "05"
_HIGHEST_SEQUENCE = 99


class ChipCard:
    """Track 2 (tag 57) and chip data, which agree with the message."""

    story = "DE55 agrees with the message"

    def __init__(self, fields: dict[str, str], data_key: bytes):
        track = tracks.chip_track2(bytes.fromhex(fields["35"]), data_key)
        self.pan, self.expiry = track.pan, track.expiry
        self.sequence = int(fields.get("23", "0"))
        self.chip = chip_data.parse(bytes.fromhex(fields["55"]))
        chip_data.compare(self.chip, fields)
        if fields["22"].startswith(_CONTACT):
            pin.check_results(self.chip, fields)

    def prove(self, account: Account, issuer: Issuer, books: Books) -> str:
        if not issuer.is_genuine(self._session_key(issuer), self.chip):
            raise RefusedError("cryptogram")
        atc = int.from_bytes(self.chip[0x9F36], "big")
        if not books.note_atc(account.id, self.sequence, atc):
            raise RefusedError("atc")
        return f"cryptogram genuine, card's counter {atc}"

    def answer_data(self, account: Account, issuer: Issuer, code: str) -> bytes:
        return issuer.answer(self._session_key(issuer), self.chip, code, account, self.sequence)

    def _session_key(self, issuer: Issuer) -> bytes:
        return issuer.session_key(self.pan, self.sequence, self.chip[0x9F36])


def _check(fields: dict[str, str]) -> None:
    if int(fields.get("23", "0")) > _HIGHEST_SEQUENCE:
        raise RefusedError("field", "DE23.")
    if fields["60"][CONDITION] == FALLBACK:
        raise RefusedError("field", "DE60.5: the chip was read.")


ENTRY = Entry(needed=("35", "55"), optional=("23",), check=_check, read=ChipCard)
