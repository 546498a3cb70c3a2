"""Outcomes: what the specification lets a session survive is a returned code, not an exception.

EMV Contactless Book A, 6.2 (final outcome and its parameters).
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

# Where Entry Point begins again (Book B, 2.1 and 3.5): `Outcome.start`; 0: it does not
START_A = const(1)  # pre-processing
START_B = const(2)  # protocol activation
START_C = const(3)  # combination selection
START_D = const(4)  # kernel activation

# What the cardholder is told (Book A, 9.4): message identifier
MESSAGE_APPROVED = const(0x03)
MESSAGE_NOT_AUTHORISED = const(0x07)
MESSAGE_ENTER_PIN = const(0x09)
MESSAGE_PROCESSING_ERROR = const(0x0F)
MESSAGE_REMOVE_CARD = const(0x10)
MESSAGE_WELCOME = const(0x14)
MESSAGE_PRESENT_CARD = const(0x15)
MESSAGE_PROCESSING = const(0x16)
MESSAGE_CARD_READ_OK = const(0x17)
MESSAGE_INSERT_OR_SWIPE = const(0x18)
MESSAGE_ONE_CARD_ONLY = const(0x19)
MESSAGE_APPROVED_SIGN = const(0x1A)
MESSAGE_AUTHORISING = const(0x1B)
MESSAGE_TRY_ANOTHER_CARD = const(0x1C)  # insert, swipe or try another card
MESSAGE_INSERT = const(0x1D)
MESSAGE_NONE = const(0x1E)
MESSAGE_SEE_PHONE = const(0x20)
MESSAGE_PRESENT_AGAIN = const(0x21)
# and the reader's status that goes with it (Book A, 7)
UI_NOT_READY = const(0)
UI_IDLE = const(1)
UI_READY_TO_READ = const(2)
UI_PROCESSING = const(3)
UI_CARD_READ = const(4)
UI_PROCESSING_ERROR = const(5)
UI_HOLD = const(13)  # in 100 ms: how long a message stays at least, where nothing else is said (Book A, 9.4)

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
    """`code` as above; `cvm` as above; `reason` an errors.E_* number (or 0) that says why, `detail` its detail.

    start: where Entry Point begins again (START_*). ui: what is shown with the outcome, ui_restart: when it begins
    again; None, or message, status, hold time in 100 ms. alternate: the interface to try instead is the contact chip.
    receipt: one is wanted. removal_ms: how long the card may take to leave. field_off_ms: before the next card.
    """

    start = 0
    ui: "tuple[int, int, int] | None" = None
    ui_restart: "tuple[int, int, int] | None" = None
    alternate = 0
    receipt = False
    removal_ms = 0
    field_off_ms = 0

    def __init__(self, code: int, cvm: int = CVM_NOT_APPLICABLE, reason: int = 0, detail: int = 0):
        self.code = code
        self.cvm = cvm
        self.reason = reason
        self.detail = detail

    def __repr__(self) -> str:
        return f"Outcome({self.code}, cvm={self.cvm}, reason={self.reason}, detail={self.detail})"
