"""The issuer behind the host: its accounts, its keys, the cryptograms of its cards (cryptograms.py).

It has two ranges of account numbers: one of UnionPay cards, one of Visa cards that have no contacts.
"""

import hmac
from dataclasses import dataclass

from psec import cvv

from mpos.acquirer import cryptograms, scripts
from mpos.acquirer.accounts import ACCOUNTS, Account
from mpos.bench import test_keys

_VERSION = 2  # of 9F10: the cryptogram version


@dataclass(frozen=True)
class Issuer:
    """iin, visa_iin: the digits that its account numbers begin with."""

    iin: str = test_keys.ISSUER_IIN
    master_key: bytes = test_keys.ISSUER_MASTER_KEY
    card_verification_key: bytes = test_keys.CARD_VERIFICATION_KEY
    accounts: tuple[Account, ...] = ACCOUNTS
    visa_iin: str = test_keys.VISA_IIN
    visa_master_key: bytes = test_keys.VISA_MASTER_KEY

    def serves(self, pan: str) -> bool:
        """Whether the number is of one of its ranges."""
        return pan.startswith((self.iin, self.visa_iin))

    def account(self, pan: str) -> Account | None:
        return next((account for account in self.accounts if account.pan == pan), None)

    def cvn(self, pan: str, expiry: str, service_code: str) -> str:
        """The three digits that prove a stripe. pan: digits; expiry: YYMM; service_code: three digits."""
        return cvv.generate_cvv(self.card_verification_key, pan, expiry, service_code)

    def is_genuine(self, pan: str, sequence: int, chip: dict[int, bytes]) -> bool:
        """Whether 9F26 is what the card's key makes of the other objects."""
        return hmac.compare_digest(self._method(pan, sequence, chip).cryptogram(chip), chip[0x9F26])

    def answer(self, chip: dict[int, bytes], response_code: str, account: Account, sequence: int) -> bytes:
        """DE55 of the answer: tag 91, the ARPC and what it was made with; then scripts."""
        proof = self._method(account.pan, sequence, chip).proof(chip, response_code)
        if account.wrong_arpc:
            proof = bytes([proof[0] ^ 0x01]) + proof[1:]
        answer = bytes([0x91, len(proof)]) + proof
        if account.scripts:
            make = scripts.visa_keys_of if self._is_visa(account.pan) else scripts.keys_of
            key = self.visa_master_key if self._is_visa(account.pan) else self.master_key
            keys = make(key, account.pan, sequence, chip[0x9F36])
            answer += b"".join(scripts.encode(s, keys, chip[0x9F36], chip[0x9F26]) for s in account.scripts)
        return answer

    def _is_visa(self, pan: str) -> bool:
        return pan.startswith(self.visa_iin)

    def _method(self, pan: str, sequence: int, chip: dict[int, bytes]) -> cryptograms.Method:
        if not self._is_visa(pan):
            return cryptograms.Pboc(self.master_key, pan, sequence)
        return cryptograms.VISA[chip[0x9F10][_VERSION]](self.visa_master_key, pan, sequence)


def cvn(pan: str, expiry: str, service_code: str) -> str:
    """What the bench's issuer writes on its stripes (`Issuer.cvn`)."""
    return Issuer().cvn(pan, expiry, service_code)
