"""What the steps of one contact transaction share: EMV 4.4 Book 3, chapter 10.

A step is a function `run(session)` that returns None to go on, or the Outcome that ends the transaction.
"""

from micropython import const

from ...util.wipe import wipe

_TAG_95_TERMINAL_VERIFICATION_RESULTS = const(0x95)
_TAG_9B_TRANSACTION_STATUS_INFORMATION = const(0x9B)

# TSI, byte 1: EMV 4.4 Book 3, Annex C6
TSI_ODA = const(0x80)
TSI_CVM = const(0x40)
TSI_CARD_RISK = const(0x20)
TSI_ISSUER_AUTHENTICATION = const(0x10)
TSI_TERMINAL_RISK = const(0x08)
TSI_SCRIPT = const(0x04)

STATIC_DATA_MOST = const(2048)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from ...ports import Cardholder, Entropy, Tables
    from ..commands import Commands
    from ..data import DataStore


class Session:
    """`room`: STATIC_DATA_MOST bytes for the static data, or None. `tx`: amount, amount_other, currency, time, sequence, transaction_type. The TVR and TSI stand in `data` once
    `begin` was called, so that a data object list takes them from there."""

    def __init__(
        self,
        commands: "Commands",
        data: "DataStore",
        terminal,
        tables: "Tables",
        cardholder: "Cardholder",
        entropy: "Entropy",
        tx,
        room=None,
    ):
        self.commands = commands
        self.data = data
        self.terminal = terminal
        self.tables = tables
        self.cardholder = cardholder
        self.entropy = entropy
        self.tx = tx
        self._room = memoryview(room or bytearray(STATIC_DATA_MOST))
        self.application: Any = None  # the acquirer's data for the AID (storage/emv_tables.Application)
        self.fci = b""  # FCI of the application selected: proprietary template A5, a copy
        self.pdol_values = b""  # what GET PROCESSING OPTIONS sent, for CDA
        self.cdol1_values = b""
        self.static_data = memoryview(b"")  # records for offline data authentication (10.3)
        self.static_data_bad = False  # a record for it was no template 70 (10.3)
        self.issuer_key: Any = None  # certificates.Key, once recovered
        self.icc_key: Any = None
        self.cda = False  # the card does CDA and the reader asks for it
        self.first_ac = -1  # 0 AAC, 1 TC, 2 ARQC: what the card answered first
        self.cvm = 0  # outcome.CVM_*
        self.pin: Any = None  # digits of an online PIN, to be wiped
        self.electronic_cash = False  # PBOC 3.0 part 13: the transaction runs as electronic cash
        self.answer_code = b""  # 8A: two characters
        self.answer_data = b""  # field 55 of the host's answer
        self.online_failed = False  # no answer came
        self.must_decline = False  # an answer came that cannot be believed: the second GENERATE AC asks for an AAC
        self.arpc_done = False  # EXTERNAL AUTHENTICATE was sent, or the second AC carries 91
        self.script_results = bytearray()  # five bytes for each script (Book 4, A5)
        self.reversal = False  # the host approved, card or reader refused

    @property
    def tvr(self) -> memoryview:
        return self.data.need(_TAG_95_TERMINAL_VERIFICATION_RESULTS)

    @property
    def tsi(self) -> memoryview:
        return self.data.need(_TAG_9B_TRANSACTION_STATUS_INFORMATION)

    def set_tvr(self, byte: int, mask: int) -> None:
        """Set bits of byte 1 to 5 of the terminal verification results (Book 3, Annex C5)."""
        self.tvr[byte - 1] |= mask

    def set_tsi(self, mask: int) -> None:
        """Set bits of byte 1 of the transaction status information (Annex C6)."""
        self.tsi[0] |= mask

    def add_static_data(self, data) -> None:
        """Put `data` behind the static data to be authenticated; without room for it the authentication fails."""
        n = len(self.static_data)
        end = n + len(data)
        if end > STATIC_DATA_MOST:
            self.static_data_bad = True
            return
        self._room[n:end] = data
        self.static_data = self._room[:end]

    def spare(self) -> None:
        """Give back what no step after the cardholder's verification needs."""
        wipe(self.static_data)
        self.static_data = self._room[:0]
        self.issuer_key = None
        if not self.cda:
            self.icc_key = None

    def wipe(self) -> None:
        """Overwrite what must not stay: the records, the PIN."""
        wipe(self._room[: len(self.static_data)])
        if self.pin is not None:
            wipe(self.pin)
            self.pin = None
