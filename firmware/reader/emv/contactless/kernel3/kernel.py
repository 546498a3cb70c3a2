"""Kernel 3, Visa (qVSDC): EMV Contactless Book C-3. What it does not share with the other kernels.

The cryptogram version (byte 3 of 9F10: 10, 17, 18, or byte 2: 22) says what the issuer's cryptogram covers; all of that
goes to the host. The reader looks at the card's verification results alone, which stand in the same place in each.
"""

from micropython import const

from ....errors import E_CVM, E_TAG_FORMAT, ReaderError
from ....outcome import DECLINED, MESSAGE_PRESENT_AGAIN, START_B, UI_READY_TO_READ, Outcome
from .. import decision, verification

_TAG_9F6E_FORM_FACTOR_INDICATOR = const(0x9F6E)

_IAD_LEAST = const(7)  # byte 5 has the type of the cryptogram, in every format
_TYPE = const(4)

_TTQ3_ISSUER_UPDATE = const(0x80)
_CTQ2_ISSUER_UPDATE = const(0x40)
_FORM_FACTOR = const(4)

RECOVERS = False  # a presentment that was cut off is followed by a new transaction
SIGNS_NUMBER_ALONE = False  # version 01 of the signature only (annex on fDDA)
TC_MAY_GO_ONLINE = True  # 5.4.3.2


async def run(s) -> Outcome:
    """`s`: a Session. ONLINE_REQUEST and APPROVED with their CVM; DECLINED, SELECT_NEXT, TRY_AGAIN,
    TRY_ANOTHER_INTERFACE, END_APPLICATION with a reason. Raises as `EntryPoint.run`."""
    return await s.read() or finish(s)


def finish(s) -> Outcome:
    """What follows from what was read."""
    device = s.data.get(_TAG_9F6E_FORM_FACTOR_INDICATOR)
    if device is not None:
        if len(device) != _FORM_FACTOR:
            raise ReaderError(E_TAG_FORMAT, _TAG_9F6E_FORM_FACTOR_INDICATOR)
        # 4.1.1.1: the reader says in the low half by which technology it was presented: 0, ISO/IEC 14443
        device[3] &= 0xF0
    return decision.run(s)


def type_said(iad) -> int:
    """5.4.3.1, annex on 9F10: type of the cryptogram, -1: it does not say."""
    return iad[_TYPE] >> 4 & 3 if len(iad) >= _IAD_LEAST else -1


def unverified(s, why: int) -> "Outcome | None":
    """5.7.1.3: what only the card wishes for is not required."""
    return None if why == verification.WISHED else Outcome(DECLINED, reason=E_CVM)


def online(s, outcome: Outcome) -> Outcome:
    """5.8.1.2: where both can, the card comes once more for what the issuer has to say to it."""
    if s.ttq(3, _TTQ3_ISSUER_UPDATE) and s.ctq(2, _CTQ2_ISSUER_UPDATE):
        outcome.start = START_B
        outcome.ui_restart = (MESSAGE_PRESENT_AGAIN, UI_READY_TO_READ, 0)
    return outcome
