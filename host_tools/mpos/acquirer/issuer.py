"""The issuer behind the host: its accounts, its key, the cryptograms of its cards.

PBOC 3.0 part 5 and 7, cryptogram version 01; ARPC by method 1 (EMV 4.4 Book 2, 8.2.1).
"""

import hmac
from dataclasses import dataclass

from psec import cvv
from pyemv import ac, kd, tools

from mpos.acquirer import scripts
from mpos.acquirer.accounts import ACCOUNTS, Account
from mpos.bench import test_keys

# What the cryptogram covers, in this order; the CVR out of 9F10 ends it
_COVERED = (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, 0x9F36)


@dataclass(frozen=True)
class Issuer:
    """iin: the digits that its account numbers begin with."""

    iin: str = test_keys.ISSUER_IIN
    master_key: bytes = test_keys.ISSUER_MASTER_KEY
    card_verification_key: bytes = test_keys.CARD_VERIFICATION_KEY
    accounts: tuple[Account, ...] = ACCOUNTS

    def account(self, pan: str) -> Account | None:
        return next((account for account in self.accounts if account.pan == pan), None)

    def cvn(self, pan: str, expiry: str, service_code: str) -> str:
        """The three digits that prove a stripe. pan: digits; expiry: YYMM; service_code: three digits."""
        return cvv.generate_cvv(self.card_verification_key, pan, expiry, service_code)

    def session_key(self, pan: str, sequence: int, atc: bytes) -> bytes:
        """Of one card's one transaction: master key by option A, then each half from the counter."""
        card = kd.derive_icc_mk_a(self.master_key, pan, f"{sequence:02d}")
        inverted = tools.xor(atc, b"\xff\xff")
        return tools.encrypt_tdes_ecb(card, bytes(6) + atc + bytes(6) + inverted)

    def is_genuine(self, session_key: bytes, chip: dict[int, bytes]) -> bool:
        """Whether 9F26 is what the card's key makes of the other objects."""
        data = b"".join(chip[tag] for tag in _COVERED) + chip[0x9F10][3:7]
        return hmac.compare_digest(ac.generate_ac(session_key, data, ac.PaddingType.EMV), chip[0x9F26])

    def answer(
        self, session_key: bytes, chip: dict[int, bytes], response_code: str, account: Account, sequence: int
    ) -> bytes:
        """DE55 of the answer: tag 91, the ARPC (8 bytes) and the response code it was made with (2); then scripts."""
        code = response_code.encode("ascii")
        arpc = ac.generate_arpc_1(session_key, chip[0x9F26], code)
        if account.wrong_arpc:
            arpc = bytes([arpc[0] ^ 0x01]) + arpc[1:]
        answer = bytes([0x91, len(arpc) + len(code)]) + arpc + code
        if account.scripts:
            keys = scripts.keys_of(self.master_key, account.pan, sequence, chip[0x9F36])
            answer += b"".join(scripts.encode(s, keys, chip[0x9F36], chip[0x9F26]) for s in account.scripts)
        return answer


def cvn(pan: str, expiry: str, service_code: str) -> str:
    """What the bench's issuer writes on its stripes (`Issuer.cvn`)."""
    return Issuer().cvn(pan, expiry, service_code)
