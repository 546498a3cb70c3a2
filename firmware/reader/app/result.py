"""How a transaction ended: what the RESULT event says, kept until the next one begins."""

from micropython import const

from .. import outcome
from ..errors import ReaderError
from ..link import protocol
from ..util import bcd

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any


class Result:
    """`code`, `detail`: an errors.E_* number, 0 none. Texts and bytes are empty where there is nothing to say."""

    def __init__(self, number: int, amount: int, currency: int):
        self.number = number
        self.amount = amount
        self.currency = currency
        self.stan = 0
        self.outcome = outcome.END_APPLICATION
        self.cvm = outcome.CVM_NOT_APPLICABLE
        self.code = 0
        self.detail = 0
        self.interface = 0  # protocol.INTERFACE_* that the card came by; 0: there was none
        self.entry_mode = ""
        self.is_fallback = False
        self.is_torn = False  # a presentment was cut off after the card had decided
        self.response_code = ""
        self.auth_code = ""
        self.rrn = ""
        self.masked = ""
        self.ksn = b""
        self.issuer_data = b""
        self.chip = b""  # further objects of a chip, as they go into the message (Interface.report)
        self.notices = 0  # that wait for the phone
        self.heap_peak = 0

    def failed(self, error: ReaderError) -> None:
        self.outcome = outcome.END_APPLICATION
        self.code = error.code
        self.detail = error.detail

    def end(self, final: outcome.Outcome) -> None:
        """As a kernel ended it."""
        self.outcome = final.code
        self.cvm = final.cvm
        self.code = final.reason
        self.detail = final.detail

    def write(self, writer) -> "Any":
        """The body of the RESULT event and of the answer to LAST_RESULT."""
        writer.put_int(protocol.OUTCOME, self.outcome, 1).put_int(protocol.CVM, self.cvm, 1)
        writer.put_int(protocol.ERROR, self.code, 2).put_int(protocol.DETAIL, self.detail & 0xFFFFFFFF, 4)
        writer.put_int(protocol.TRANSACTION, self.number, 2).put_int(protocol.STAN, self.stan, 4)
        writer.put(protocol.AMOUNT, bcd.from_int(self.amount, 6))
        writer.put(protocol.CURRENCY, bcd.from_int(self.currency, 2))
        if self.interface:
            writer.put_int(protocol.INTERFACES, self.interface, 1)
        if self.is_fallback:
            writer.put_int(protocol.FALLBACK, 1, 1)
        if self.is_torn:
            writer.put_int(protocol.TORN, 1, 1)
        for tag, value in (
            (protocol.ENTRY_MODE, self.entry_mode),
            (protocol.RESPONSE_CODE, self.response_code),
            (protocol.AUTH_CODE, self.auth_code),
            (protocol.RRN, self.rrn),
            (protocol.MASKED_PAN, self.masked),
            (protocol.KSN, self.ksn),
            (protocol.ISSUER_DATA, self.issuer_data),
        ):
            if value:
                writer.put(tag, value)
        writer.put_objects(self.chip)
        if self.notices:
            writer.put_int(protocol.NOTICES, self.notices, 1)
        return writer.put_int(protocol.HEAP_PEAK, self.heap_peak, 4)
