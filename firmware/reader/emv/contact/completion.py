"""Completion: EMV 4.4 Book 3, 10.11; Book 4, 6.3.8, 12.1 and A6. The second GENERATE AC and what comes of it."""

from micropython import const

from ...errors import E_CARD_DECLINED, E_CARD_REFUSED, E_CDA, E_STATUS_WORD, E_TERMINAL_DECLINED
from ...outcome import APPROVED, DECLINED, END_APPLICATION, Outcome
from . import action_codes
from .generate_ac import AAC, CDA_FAILED, NOT_ALLOWED, TC, ask

_TAG_8A_AUTHORISATION_RESPONSE_CODE = const(0x8A)
_TAG_8D_CDOL2 = const(0x8D)
_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA = const(0x9F27)

_TVR1_CDA_FAILED = const(0x04)
_REASON = const(0x07)

# Authorisation response codes: Book 4, A6. Every other one of the host's declines; a referral (01, 02) does too, since
# nobody telephones here
_APPROVED = b"00"
_OFFLINE_APPROVED = b"Y1"
_OFFLINE_DECLINED = b"Z1"
_NOT_ONLINE_APPROVED = b"Y3"
_NOT_ONLINE_DECLINED = b"Z3"


async def run(s) -> Outcome:
    """After the host's answer, or after none came (`s.online_failed`; `s.answer_code` becomes the reader's own then).

    APPROVED. DECLINED: reason 0 when the host declined; E_CARD_REFUSED or E_CDA after it approved, `s.reversal` is set
    then; E_TERMINAL_DECLINED, E_CARD_DECLINED or E_CDA without the host. END_APPLICATION for a status word without the
    host. Raises as `generate_ac.ask`.
    """
    approved = False
    if s.online_failed:
        asked = _unable_to_go_online(s)
    else:
        # Two codes that disagree, of the answer and of the issuer's data in it, are no approval
        approved = s.answer_code == _APPROVED and bytes(s.data.need(_TAG_8A_AUTHORISATION_RESPONSE_CODE)) == _APPROVED
        asked = TC if approved else AAC
    # Until the card agrees the host has booked what is not sold, whatever happens here
    s.reversal = s.reversal or s.answer_code == _APPROVED
    kind = await ask(s, asked, _TAG_8D_CDOL2, (AAC, TC) if asked == TC else (AAC,))
    if kind == TC:
        s.reversal = False
        return Outcome(APPROVED, s.cvm)
    if kind == TC | CDA_FAILED:
        s.set_tvr(1, _TVR1_CDA_FAILED)
        return Outcome(DECLINED, s.cvm, E_CDA)
    return _declined(s, asked, approved, kind)


def _unable_to_go_online(s) -> int:
    """10.11: the default action codes decide; Book 4, A6: with what response code."""
    # A reader that is made to be online declines without (10.7)
    decline = s.must_decline or action_codes.is_online_only(s.terminal) or action_codes.default(s)
    if action_codes.is_offline_only(s.terminal):
        s.answer_code = _OFFLINE_DECLINED if decline else _OFFLINE_APPROVED
    else:
        s.answer_code = _NOT_ONLINE_DECLINED if decline else _NOT_ONLINE_APPROVED
    s.data.set(_TAG_8A_AUTHORISATION_RESPONSE_CODE, s.answer_code)
    return AAC if decline else TC


def _declined(s, asked: int, approved: bool, kind: int) -> Outcome:
    """An AAC, a cryptogram that is none (9.3: as good as an AAC), or a status word."""
    if kind < 0:
        detail = -kind
    else:
        detail = 0 if kind == NOT_ALLOWED else s.data.need(_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)[0] & _REASON
    if approved:
        return Outcome(DECLINED, s.cvm, E_CARD_REFUSED, detail)
    if not s.online_failed:
        return Outcome(DECLINED, s.cvm)
    if kind < 0:
        return Outcome(END_APPLICATION, s.cvm, E_STATUS_WORD, detail)
    return Outcome(DECLINED, s.cvm, E_TERMINAL_DECLINED if asked == AAC else E_CARD_DECLINED, detail)
