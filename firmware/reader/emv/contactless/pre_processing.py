"""Entry Point pre-processing: EMV Contactless Book B, 3.1.1; JR/T 0025.12, 6.2.

Done before the field is on: which combinations may be used for this amount, and what their terminal transaction
qualifiers (9F66) say to the card.
"""

from micropython import const

from ...errors import E_AMOUNT, E_CONTACTLESS_LIMIT, ReaderError
from ...outcome import TRY_ANOTHER_INTERFACE, Outcome

_AMOUNT_MOST = const(999999999999)  # 9F02: n 12
_TTQ_SIZE = const(4)
_TTQ1_OFFLINE_ONLY = const(0x08)
# Byte 1: online PIN, contact chip, offline data authentication for online authorisations
_NEEDS = b"\x04\x10\x01"
_KEYS = const(2)
_TTQ2_ONLINE_CRYPTOGRAM = const(0x80)
_TTQ2_CVM = const(0x40)


class Preprocessed:
    """One transaction: amount (minor units), currency (ISO 4217 number), time (year, month, day, hour, minute,
    second), sequence, transaction_type (first two digits of the processing code), and per combination of
    Parameters.contactless whether it is allowed and its qualifiers."""

    def __init__(self, amount: int, currency: int, time: tuple, sequence: int, transaction_type: int, count: int):
        self.amount = amount
        self.currency = currency
        self.time = time
        self.sequence = sequence
        self.transaction_type = transaction_type
        self._allowed = bytearray(count)
        self._ttq = bytearray(_TTQ_SIZE * count)

    def allow(self, index: int, ttq) -> None:
        """Combination `index` may be used, with these qualifiers (4 bytes)."""
        self._allowed[index] = 1
        self._ttq[_TTQ_SIZE * index : _TTQ_SIZE * (index + 1)] = ttq

    def allowed(self, index: int) -> bool:
        return self._allowed[index] != 0

    def ttq(self, index: int) -> memoryview:
        """The qualifiers for combination `index`."""
        return memoryview(self._ttq)[_TTQ_SIZE * index : _TTQ_SIZE * (index + 1)]

    def any_allowed(self) -> bool:
        return any(self._allowed)


def pre_process(
    parameters, kept: tuple, amount: int, currency: int, time: tuple, sequence: int, transaction_type: int
) -> "Preprocessed | Outcome":
    """Preprocessed, or the outcome TRY_ANOTHER_INTERFACE (E_CONTACTLESS_LIMIT) when no combination is left.

    `kept`: whether there is a PIN pad, a contact slot, and a table of keys: the qualifiers promise nothing else.
    Raises E_AMOUNT: the amount has more than 12 digits or a sign, or another currency than the limits have.
    """
    if not 0 <= amount <= _AMOUNT_MOST or currency != parameters.terminal.currency:
        raise ReaderError(E_AMOUNT)
    combinations = parameters.contactless
    tx = Preprocessed(amount, currency, time, sequence, transaction_type, len(combinations))
    unit = 10**parameters.terminal.exponent
    ttq = bytearray(_TTQ_SIZE)
    for i in range(len(combinations)):
        if _qualify(combinations[i], amount, unit, ttq, kept):
            tx.allow(i, ttq)
    if tx.any_allowed():
        return tx
    # Book B, 3.1.1: contactless application not allowed for every combination
    return Outcome(TRY_ANOTHER_INTERFACE, reason=E_CONTACTLESS_LIMIT)


def _qualify(combination, amount: int, unit: int, ttq: bytearray, kept: tuple) -> bool:
    """Write the qualifiers of one combination into `ttq`; False when it is not allowed. Limits of None are absent."""
    ttq[:] = combination.ttq
    # Book A, 5.7: a qualifier is a promise, and this board keeps it or does not make it
    for i in range(len(kept)):
        if not kept[i]:
            ttq[0] &= 0xFF ^ _NEEDS[i]
    # Book B, 3.1.1: both requirements start from zero, whatever the configuration holds
    ttq[1] &= 0xFF ^ (_TTQ2_ONLINE_CRYPTOGRAM | _TTQ2_CVM)
    # Without keys no card can be believed that approves by itself
    if not kept[_KEYS]:
        ttq[1] |= _TTQ2_ONLINE_CRYPTOGRAM
    # status check: one single unit of the currency asks for nothing but an online answer
    if combination.status_check and amount == unit:
        ttq[1] |= _TTQ2_ONLINE_CRYPTOGRAM
    # a zero amount: only where it is allowed, and only online
    if amount == 0:
        if not combination.zero_amount or ttq[0] & _TTQ1_OFFLINE_ONLY:
            return False
        ttq[1] |= _TTQ2_ONLINE_CRYPTOGRAM
    limit = combination.transaction_limit
    if limit is not None and amount >= limit:
        return False
    limit = combination.floor_limit
    if limit is not None and amount > limit:
        ttq[1] |= _TTQ2_ONLINE_CRYPTOGRAM
    limit = combination.cvm_limit
    if limit is not None and amount >= limit:
        ttq[1] |= _TTQ2_CVM
    return True
