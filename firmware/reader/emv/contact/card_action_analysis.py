"""Card action analysis: EMV 4.4 Book 3, 10.8; Book 4, 6.3.7. The first GENERATE AC and what the card makes of it."""

from micropython import const

from ...errors import E_CARD_DECLINED, E_CDA, E_EMV_DATA, E_STATUS_WORD, E_TERMINAL_DECLINED, ReaderError
from ...outcome import APPROVED, DECLINED, END_APPLICATION, Outcome
from ...util.bcd import from_int
from .generate_ac import AAC, ARQC, CDA_FAILED, NOT_ALLOWED, TC, ask

_TAG_8A_AUTHORISATION_RESPONSE_CODE = const(0x8A)
_TAG_8C_CDOL1 = const(0x8C)
_TAG_8D_CDOL2 = const(0x8D)
_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA = const(0x9F27)
_TAG_9F79_ELECTRONIC_CASH_BALANCE = const(0x9F79)

_TVR1_ODA_NOT_PERFORMED = const(0x80)
_TVR1_CDA_FAILED = const(0x04)

# CID, bits 4 to 1: advice required, reason code (Book 3, table 14)
_ADVICE_AND_REASON = const(0x0F)
_REASON = const(0x07)
_SERVICE_NOT_ALLOWED = const(0x01)

_OFFLINE_DECLINED = b"Z1"
_AMOUNT = const(6)

# 9.3: what may answer to AAC, TC, ARQC: never more than was asked for
_ALLOWED = ((AAC,), (AAC, TC, ARQC), (AAC, ARQC))


async def run(s, asked: int) -> "Outcome | None":
    """`asked`: 0 AAC, 1 TC, 2 ARQC. None when the card wants the issuer's word (an ARQC). Where electronic cash was
    spent (`s.electronic_cash` is still set) `s.data` has the balance that is left (9F79), if the card gives it.

    APPROVED; DECLINED with E_CARD_DECLINED, E_TERMINAL_DECLINED or E_CDA; the detail of the first two is the lower half
    of the CID: 8 advice required, 1 service not allowed, 2 PIN try limit exceeded, 3 issuer authentication failed.
    END_APPLICATION for a status word. Raises E_EMV_DATA (detail 9F27) when the card answers more than it was asked for,
    and as `generate_ac.ask`.
    """
    outcome = await _ask(s, asked)
    # PBOC 13, 7.4.5: only a TC spends electronic cash
    s.electronic_cash = s.electronic_cash and outcome is not None and outcome.code == APPROVED
    await _note_balance(s)
    return outcome


async def _ask(s, asked: int) -> "Outcome | None":
    # Book 2, 6.6: CDA was to be done with a cryptogram that is now not asked for
    if s.cda and asked == AAC:
        s.set_tvr(1, _TVR1_ODA_NOT_PERFORMED)
    kind = await ask(s, asked, _TAG_8C_CDOL1, _ALLOWED[asked])
    if kind < 0:
        return Outcome(END_APPLICATION, reason=E_STATUS_WORD, detail=-kind)
    if kind == NOT_ALLOWED:
        raise ReaderError(E_EMV_DATA, _TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)
    failed = kind & CDA_FAILED
    kind &= ~CDA_FAILED
    s.first_ac = kind
    if failed:
        return await _cda_failed(s, kind)
    low = s.data.need(_TAG_9F27_CRYPTOGRAM_INFORMATION_DATA)[0] & _ADVICE_AND_REASON
    # Book 4, 6.3.7: then the transaction ends, whatever the cryptogram says
    if kind == AAC or low & _REASON == _SERVICE_NOT_ALLOWED:
        s.data.set(_TAG_8A_AUTHORISATION_RESPONSE_CODE, _OFFLINE_DECLINED)
        reason = E_TERMINAL_DECLINED if asked == AAC else E_CARD_DECLINED
        return Outcome(DECLINED, s.cvm, reason, low)
    if kind == TC:
        return Outcome(APPROVED, s.cvm)
    s.data.drop(_TAG_8A_AUTHORISATION_RESPONSE_CODE)
    return None


async def _cda_failed(s, kind: int) -> Outcome:
    """Book 2, 6.6.2; Book 4, 6.3.2.1: declined; a card that wanted to go online is told so at once."""
    s.set_tvr(1, _TVR1_CDA_FAILED)
    s.data.set(_TAG_8A_AUTHORISATION_RESPONSE_CODE, _OFFLINE_DECLINED)
    if kind == ARQC:
        await ask(s, AAC, _TAG_8D_CDOL2, (AAC,))
    return Outcome(DECLINED, s.cvm, E_CDA)


async def _note_balance(s) -> None:
    """PBOC 13, 7.4.6: for the receipt, what is left after a sale by electronic cash; else there is no balance to tell."""
    left = None
    if s.electronic_cash:
        from .electronic_cash import balance

        try:
            left = await balance(s)
        except ReaderError:
            pass  # the sale is approved: a card that leaves now changes nothing
    if left is None:
        s.data.drop(_TAG_9F79_ELECTRONIC_CASH_BALANCE)
    else:
        s.data.set(_TAG_9F79_ELECTRONIC_CASH_BALANCE, from_int(left, _AMOUNT))
