"""What the cardholder is told of an outcome: EMV Contactless Book B, 3.5; Book A, 6.2 and 9.4; Book C-3, 5.2 to 5.8.

A kernel has said what it wants; here stands what each outcome shows where it has not.
"""

from micropython import const

from ...errors import E_SEE_PHONE
from ...outcome import (
    APPROVED,
    CVM_SIGNATURE,
    MESSAGE_APPROVED_SIGN,
    MESSAGE_SEE_PHONE,
    TRY_AGAIN,
    TRY_ANOTHER_INTERFACE,
    UI_CARD_READ,
    UI_HOLD,
    UI_PROCESSING_ERROR,
    UI_READY_TO_READ,
    Outcome,
)

_UNIT_MS = const(100)

# Outcome, message, status
_SHOWN = (
    b"\x02\x21\x05"  # try again: present card again, processing error
    b"\x03\x03\x04"  # approved: approved, card read
    b"\x04\x07\x04"  # declined: not authorised, card read
    b"\x05\x1b\x04"  # online request: authorising, card read
    b"\x06\x1d\x05"  # try another interface: insert card, processing error
    b"\x07\x1c\x05"  # end application: insert, swipe or try another card, processing error
)
_ROW = const(3)


def finish(outcome: Outcome) -> Outcome:
    """The outcome, completed."""
    code = outcome.code
    if outcome.ui is None:
        if code == TRY_AGAIN and outcome.reason == E_SEE_PHONE:
            # Book C-3, 5.2.2.2: the message stays when the reader is ready for the device again
            outcome.ui = (MESSAGE_SEE_PHONE, UI_PROCESSING_ERROR, UI_HOLD)
            outcome.ui_restart = (MESSAGE_SEE_PHONE, UI_READY_TO_READ, 0)
        elif code == APPROVED and outcome.cvm == CVM_SIGNATURE:
            outcome.ui = (MESSAGE_APPROVED_SIGN, UI_CARD_READ, 0)
        else:
            outcome.ui = _shown(code)
    if code == TRY_AGAIN:
        if outcome.ui_restart is None:
            outcome.ui_restart = (outcome.ui[0], UI_READY_TO_READ, 0)
        # As long as the message stays: out of the field for a while, so that the device begins anew (Book B, 3.5.1)
        outcome.field_off_ms = UI_HOLD * _UNIT_MS
    elif code == TRY_ANOTHER_INTERFACE:
        outcome.alternate = 1
    # A signature is written on paper (Book A, 6.2)
    outcome.receipt = outcome.receipt or outcome.cvm == CVM_SIGNATURE
    return outcome


def _shown(code: int) -> "tuple[int, int, int] | None":
    for at in range(0, len(_SHOWN), _ROW):
        if _SHOWN[at] == code:
            return _SHOWN[at + 1], _SHOWN[at + 2], 0
    return None
