"""A sale by chip, inserted or tapped: DE55 is held against the message, its cryptogram against the issuer's key."""

from __future__ import annotations

from mpos.acquirer import chip_data, pin, tracks
from mpos.acquirer.accounts import Account
from mpos.acquirer.books import Books
from mpos.acquirer.entry import CONDITION, FALLBACK, Entry
from mpos.acquirer.issuer import Issuer
from mpos.acquirer.packet_keys import PacketKeys
from mpos.acquirer.refusals import RefusedError

_CONTACT = "05"
_HIGHEST_SEQUENCE = 99


class ChipCard:
    """Track 2 (tag 57) and chip data, which agree with the message."""

    story = "DE55 agrees with the message"

    def __init__(self, fields: dict[str, str], keys: PacketKeys):
        track = tracks.chip_track2(bytes.fromhex(fields["35"]), keys)
        self.pan, self.expiry = track.pan, track.expiry
        self.sequence = int(fields.get("23", "0"))
        self.is_tapped = not fields["22"].startswith(_CONTACT)
        self._has_pin = "52" in fields
        self.chip = chip_data.parse(bytes.fromhex(fields["55"]))
        chip_data.compare(self.chip, fields, self.is_tapped)
        if self.is_tapped:
            pin.check_tap(self.chip, fields)
        else:
            pin.check_results(self.chip, fields)

    def prove(self, account: Account, issuer: Issuer, books: Books) -> str:
        chip_data.check_version(self.chip, is_visa=account.pan.startswith(issuer.visa_iin))
        if not issuer.is_genuine(self.pan, self.sequence, self.chip):
            raise RefusedError("cryptogram")
        chip_data.check_kind(self.chip)
        atc = int.from_bytes(self.chip[0x9F36], "big")
        cryptogram = self.chip[0x9F26]
        if not books.note_atc(account.id, self.sequence, atc):
            # The same tap once more, because the issuer has asked for the PIN
            if not (self._has_pin and books.asked_for_pin(account.id, self.sequence, atc, cryptogram)):
                raise RefusedError("atc")
        elif account.asks_pin and self.is_tapped and not self._has_pin:
            books.ask_for_pin(account.id, self.sequence, atc, cryptogram)
            raise RefusedError("pin-demanded")
        return f"cryptogram genuine, card's counter {atc}"

    def answer_data(self, account: Account, issuer: Issuer, code: str) -> bytes:
        return issuer.answer(self.chip, code, account, self.sequence)


def _check(fields: dict[str, str]) -> None:
    if int(fields.get("23", "0")) > _HIGHEST_SEQUENCE:
        raise RefusedError("field", "DE23.")
    if fields["60"][CONDITION] == FALLBACK:
        raise RefusedError("field", "DE60.5: the chip was read.")


ENTRY = Entry(needed=("35", "55"), optional=("23",), check=_check, read=ChipCard)
