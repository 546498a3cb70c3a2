"""Electronic cash: a balance in the card that small offline payments are taken from. PBOC 3.0 part 13."""

from __future__ import annotations

from mpos.bench.cards.status import DATA_NOT_FOUND, StatusError

_CURRENCY = bytes.fromhex("0156")
_BALANCE_LIMIT, _TRANSACTION_LIMIT = 100_000, 100_000  # fen


class Purse:
    """balance, reset: fen; balance None: the card has no electronic cash."""

    def __init__(self, balance: int | None, reset: int):
        self.balance = balance
        self.reset = reset

    def offers(self, terminal: dict[int, bytes]) -> bool:
        """At GET PROCESSING OPTIONS: the terminal pays so (9F7A), the currency is the card's, the balance covers it."""
        return (
            terminal.get(0x9F7A) == b"\x01"
            and terminal.get(0x5F2A) == _CURRENCY
            and self.covers(terminal.get(0x9F02, b""))
        )

    def covers(self, amount: bytes) -> bool:
        if self.balance is None or not amount:
            return False
        return int(amount.hex()) <= min(self.balance, _TRANSACTION_LIMIT)

    def spend(self, amount: bytes) -> None:
        assert self.balance is not None
        self.balance -= int(amount.hex())

    def load(self, balance: bytes) -> None:
        """What the issuer's script sets it to (9F79). Raises StatusError."""
        if self.balance is None:
            raise StatusError(DATA_NOT_FOUND)
        self.balance = int(balance.hex())

    def objects(self) -> dict[int, bytes]:
        """What GET DATA gives: amounts of twelve digits."""
        if self.balance is None:
            return {}
        return {
            0x9F79: _amount(self.balance),
            0x9F6D: _amount(self.reset),
            0x9F77: _amount(_BALANCE_LIMIT),
            0x9F78: _amount(_TRANSACTION_LIMIT),
        }


def _amount(fen: int) -> bytes:
    return bytes.fromhex(f"{fen:012d}")
