"""Outcomes: what the specification lets a session survive is a returned code, not an exception.

EMV Contactless Book A, 6.2 (final outcome and its parameters), as far as the reader uses them.
"""

from micropython import const

# The outcome itself
SELECT_NEXT = const(1)
TRY_AGAIN = const(2)
APPROVED = const(3)
DECLINED = const(4)
ONLINE_REQUEST = const(5)
TRY_ANOTHER_INTERFACE = const(6)
END_APPLICATION = const(7)

# Cardholder verification that the outcome asks for (Book A, table 6-2)
CVM_NONE = const(0)
CVM_SIGNATURE = const(1)
CVM_ONLINE_PIN = const(2)
CVM_CONFIRMATION_CODE = const(3)  # done on the cardholder's own device
CVM_NOT_APPLICABLE = const(4)
# and by contact, EMV 4.4 Book 3, 10.5
CVM_OFFLINE_PIN = const(5)
CVM_PIN_AND_SIGNATURE = const(6)
CVM_FAILED = const(7)

# What a PIN pad gives instead of digits
PIN_BYPASSED = const(1)
PIN_CANCELLED = const(2)
PIN_TIMEOUT = const(3)
PIN_PAD_FAILED = const(4)
# and what the PIN is for
PIN_OFFLINE_PLAINTEXT = const(1)
PIN_OFFLINE_ENCIPHERED = const(2)
PIN_ONLINE = const(3)


class Outcome:
    """`code` as above; `cvm` as above; `reason` an errors.E_* number (or 0) that says why, `detail` its detail."""

    def __init__(self, code: int, cvm: int = CVM_NOT_APPLICABLE, reason: int = 0, detail: int = 0):
        self.code = code
        self.cvm = cvm
        self.reason = reason
        self.detail = detail

    def __repr__(self) -> str:
        return f"Outcome({self.code}, cvm={self.cvm}, reason={self.reason}, detail={self.detail})"
