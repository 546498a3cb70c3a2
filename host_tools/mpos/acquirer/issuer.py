"""The issuer behind the host: its accounts, its key, the cryptograms of its cards.

PBOC 3.0 part 5 and 7, cryptogram version 01; ARPC by method 1 (EMV 4.4 Book 2, 8.2.1).
"""

import hmac
from dataclasses import dataclass

from pyemv import ac, kd, tools

from mpos.bench import test_keys

# What the cryptogram covers, in this order; the CVR out of 9F10 ends it
_COVERED = (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, 0x9F36)


@dataclass(frozen=True)
class Account:
    """One account as it is opened. `id` is what books and logs call it; amounts in fen; expiry YYMM.

    status: "active", "lost", "stolen" or "blocked". limit: the most one sale may take.
    """

    id: str
    pan: str
    balance: int
    expiry: str = "4912"
    status: str = "active"
    limit: int = 5_000_000


# The bench's accounts: what its cards find at the issuer. 6212340000000126 has none.
ACCOUNTS = (
    Account("A01", "6212340000000019", 1_000_000),
    Account("A02", "6212340000000027", 1),
    Account("A03", "6212340000000035", 1_000_000, expiry="1912"),
    Account("A04", "6212340000000043", 1_000_000, status="blocked"),
    Account("A05", "6212340000000050", 1_000_000, status="stolen"),
    Account("A06", "6212340000000068", 1_000_000),
    Account("A07", "6212340000000076", 1_000_000),
    Account("A08", "6212340000000084", 1_000_000),
    Account("A09", "6212340000000092", 1_000_000),
    Account("A10", "6212340000000100", 1_000_000),
    Account("A11", "6212340000000118", 1_000_000, status="lost"),
    Account("A12", "6212340000000000194", 1_000_000),
)


@dataclass(frozen=True)
class Issuer:
    """iin: the digits that its account numbers begin with."""

    iin: str = test_keys.ISSUER_IIN
    master_key: bytes = test_keys.ISSUER_MASTER_KEY
    accounts: tuple[Account, ...] = ACCOUNTS

    def account(self, pan: str) -> Account | None:
        return next((account for account in self.accounts if account.pan == pan), None)

    def session_key(self, pan: str, sequence: int, atc: bytes) -> bytes:
        """Of one card's one transaction: master key by option A, then each half from the counter."""
        card = kd.derive_icc_mk_a(self.master_key, pan, f"{sequence:02d}")
        inverted = tools.xor(atc, b"\xff\xff")
        return tools.encrypt_tdes_ecb(card, bytes(6) + atc + bytes(6) + inverted)

    def is_genuine(self, session_key: bytes, chip: dict[int, bytes]) -> bool:
        """Whether 9F26 is what the card's key makes of the other objects."""
        data = b"".join(chip[tag] for tag in _COVERED) + chip[0x9F10][3:7]
        return hmac.compare_digest(ac.generate_ac(session_key, data, ac.PaddingType.EMV), chip[0x9F26])

    def answer(self, session_key: bytes, chip: dict[int, bytes], response_code: str) -> bytes:
        """DE55 of the answer: tag 91, the ARPC (8 bytes) and the response code it was made with (2)."""
        code = response_code.encode("ascii")
        arpc = ac.generate_arpc_1(session_key, chip[0x9F26], code)
        return bytes([0x91, len(arpc) + len(code)]) + arpc + code
