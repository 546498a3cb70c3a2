"""A contactless UnionPay card (quick PBOC, quICS): PBOC 3.0 part 12, EMV Contactless Book C-7.

Cryptogram version 01, fDDA of version 00 (the reader's number) or 01 (number, amount, currency and the card's
qualifiers), electronic cash.
"""

from mpos.bench.cards import cryptogram
from mpos.bench.cards.contactless.application import TTQ2_ONLINE, TTQ4_FDDA_1, ContactlessApplication
from mpos.bench.cards.contactless.card import PPSE, ContactlessCard
from mpos.bench.cards.cryptogram import ARQC, TC
from mpos.bench.cards.profile import Profile

__all__ = ["PPSE", "QpbocApplication", "QpbocCard"]

_CURRENCY = bytes.fromhex("0156")


class QpbocApplication(ContactlessApplication):
    """See ContactlessApplication. An approval that was cut off can be read to its end: JR/T 0025.12, annex F."""

    RESUMES = True

    # EMV 4.4 Book 3, annex C1: cardholder verification, terminal risk management, issuer authentication
    def interchange_profile(self) -> bytes:
        return bytes.fromhex("7C00" if self.profile.oda else "1C00")

    def decide(self, ttq: bytes, terminal: dict[int, bytes]) -> int:
        if self.profile.cash is None:
            return self.by_profile(ttq)
        # PBOC 3.0 parts 12 and 13: in the card's currency, within the balance, and the reader does not insist on the host
        pays = terminal.get(0x5F2A) == _CURRENCY and self.cash.covers(terminal.get(0x9F02, b""))
        return TC if pays and not ttq[1] & TTQ2_ONLINE else ARQC

    def cryptogram(self, kind: int, terminal: dict[int, bytes], results: bytes) -> tuple[bytes, bytes]:
        iad = cryptogram.issuer_application_data(kind, None, results)
        return iad, cryptogram.compute(self.key, terminal, self.files.aip, self.atc, iad)

    def own_objects(self, kind: int) -> list[tuple[int, bytes]]:
        if not self.profile.available or self.cash.balance is None:
            return []
        left = self.cash.balance - (int(self._amount.hex()) if kind == TC else 0)
        return [(0x9F5D, bytes.fromhex(f"{left:012d}"))]

    # The card has the version it was made with, and the reader says which it knows
    def fdda_version(self, ttq: bytes) -> int:
        return self.profile.fdda_version if ttq[3] & TTQ4_FDDA_1 else 0


class QpbocCard(ContactlessCard):
    """A card with one UnionPay application; `atc` is the counter before the next transaction."""

    def __init__(self, profile: Profile, atc: int = 0, uid: bytes = bytes.fromhex("08A1B2C3")):
        super().__init__(QpbocApplication(profile, atc), uid=uid)
