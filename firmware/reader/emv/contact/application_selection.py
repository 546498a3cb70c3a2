"""Application selection: EMV 4.4 Book 1, 12.

candidates = await build(session)             12.3: what card and reader have in common
outcome = await select(session, candidates)   12.4: one of them; again after SELECT_NEXT of a later step
"""

from micropython import const

from ...errors import (
    E_APPLICATION_BLOCKED,
    E_CANCELLED,
    E_CARD_BLOCKED,
    E_NOT_PAYMENT,
    ReaderError,
)
from ...outcome import END_APPLICATION, TRY_ANOTHER_INTERFACE, Outcome
from ...util import ber_tlv
from .. import fci as file_control_information
from ..commands import SW_OK
from .candidates import Candidates, is_name, matches, shown, to_be_confirmed

_PSE = b"1PAY.SYS.DDF01"

_TAG_4F_APPLICATION_DEDICATED_FILE_NAME = const(0x4F)
_TAG_50_APPLICATION_LABEL = const(0x50)
_TAG_61_APPLICATION_TEMPLATE = const(0x61)
_TAG_70_RECORD_TEMPLATE = const(0x70)
_TAG_84_DF_NAME = const(0x84)
_TAG_87_APPLICATION_PRIORITY_INDICATOR = const(0x87)
_TAG_88_SHORT_FILE_IDENTIFIER = const(0x88)
_TAG_5F2D_LANGUAGE_PREFERENCE = const(0x5F2D)
_TAG_9F11_ISSUER_CODE_TABLE_INDEX = const(0x9F11)
_TAG_9F12_APPLICATION_PREFERRED_NAME = const(0x9F12)
_TAG_9F38_PDOL = const(0x9F38)
# What the FCI of an application has outside its issuer's discretionary data (11.3.4, table 8)
_KEPT = (
    _TAG_50_APPLICATION_LABEL,
    _TAG_87_APPLICATION_PRIORITY_INDICATOR,
    _TAG_5F2D_LANGUAGE_PREFERENCE,
    _TAG_9F11_ISSUER_CODE_TABLE_INDEX,
    _TAG_9F12_APPLICATION_PREFERRED_NAME,
    _TAG_9F38_PDOL,
)

_SFI_MOST = const(10)
_RECORDS_MOST = const(32)  # of the directory
_OCCURRENCES_MOST = const(10)  # of one AID
_SW_BLOCKED = const(0x6283)
_SW_NOT_SUPPORTED = const(0x6A81)
_SW_RECORD_NOT_FOUND = const(0x6A83)
_SW_CONDITIONS = const(0x6985)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from .session import Session


async def build(s: "Session") -> Candidates:
    """The candidates, by the card's directory, and if that gives none, by asking for each of the reader's AIDs.

    Raises E_PARAMETERS, and what `transmit` raises: what the card answers is no reason to.
    """
    candidates = Candidates()
    aids = list(s.tables.aids())
    await _by_directory(s, candidates, aids)
    if not candidates.list and not candidates.card_blocked:
        await _by_aids(s, candidates, aids)
    candidates.tried = len(candidates.list) > 0
    return candidates


async def _by_directory(s, candidates: Candidates, aids) -> None:
    """12.3.2: the payment system environment. The list stays empty when there is none, or anything is wrong with it."""
    fci, sw = await s.commands.select(_PSE)
    if sw == _SW_NOT_SUPPORTED:
        # step 1: the card is blocked, or knows no SELECT
        candidates.card_blocked = True
    # step 1: not found, blocked, or whatever else: by the reader's AIDs
    if sw != SW_OK:
        return
    sfi, code_table = _directory_file(fci)
    for number in range(1, _RECORDS_MOST + 1) if sfi else ():
        record, sw = await s.commands.read_record(number, sfi)
        if sw == _SW_RECORD_NOT_FOUND:
            # step 2: that was all
            return
        if sw != SW_OK or not _add_entries(record, code_table, s.terminal, candidates, aids):
            break
    candidates.list.clear()


def _directory_file(fci) -> tuple:
    """Number of the directory's file, and its code table (9F11) or None; (0, None) for a malformed FCI (12.2.2)."""
    try:
        template = file_control_information.proprietary(fci)
        sfi = ber_tlv.need(template, _TAG_88_SHORT_FILE_IDENTIFIER)
        table = ber_tlv.find(template, _TAG_9F11_ISSUER_CODE_TABLE_INDEX)
        if file_control_information.df_name(fci) == _PSE and len(sfi) == 1 and 1 <= sfi[0] <= _SFI_MOST:
            # the view is gone with the next command
            return sfi[0], None if table is None else bytes(table)
    except ReaderError:
        pass  # not well-formed
    return 0, None


def _add_entries(record, code_table, terminal, candidates: Candidates, aids) -> bool:
    """12.2.3: a record is a template 70 with application templates 61. False when it is malformed."""
    try:
        for tag, entry in ber_tlv.objects(ber_tlv.only(record, _TAG_70_RECORD_TEMPLATE)):
            # what else there may be is ignored, directories within the directory too (12.2.3)
            if tag == _TAG_61_APPLICATION_TEMPLATE:
                _add_entry(entry, code_table, terminal, candidates, aids)
    except ReaderError:
        return False
    return True


def _add_entry(entry, code_table, terminal, candidates: Candidates, aids) -> None:
    name = ber_tlv.find(entry, _TAG_4F_APPLICATION_DEDICATED_FILE_NAME)
    # 12.3.2, step 3: one that the reader has as well becomes a candidate
    for aid, partial in aids if is_name(name) else ():
        if matches(name, aid, partial):
            _add(entry, name, code_table, terminal, candidates)
            return


def _add(template, name, code_table, terminal, candidates: Candidates) -> None:
    label = ber_tlv.find(template, _TAG_50_APPLICATION_LABEL)
    preferred = ber_tlv.find(template, _TAG_9F12_APPLICATION_PREFERRED_NAME)
    candidates.add(
        ber_tlv.find(template, _TAG_87_APPLICATION_PRIORITY_INDICATOR),
        name,
        shown(name, label, preferred, code_table, terminal),
    )


async def _by_aids(s, candidates: Candidates, aids) -> None:
    """12.3.3: each AID of the reader, and where it may be a part of a name, each occurrence."""
    for aid, partial in aids:
        again = False
        for _ in range(_OCCURRENCES_MOST):
            fci, sw = await s.commands.select(aid, again)
            if sw == _SW_NOT_SUPPORTED and not again:
                # step 2: the card is blocked, or knows no SELECT
                candidates.card_blocked = True
                candidates.list.clear()
                return
            again = _add_selected(fci, sw, aid, partial, s.terminal, candidates)
            if not again:
                break


def _add_selected(fci, sw: int, aid: bytes, partial: bool, terminal, candidates: Candidates) -> bool:
    """12.3.3, steps 3 to 7. Whether the next occurrence of the AID is to be asked for."""
    if sw not in (SW_OK, _SW_BLOCKED):
        return False
    if sw == _SW_BLOCKED and not len(fci):
        # by T=0 a warning may come without data: then it is not known what is blocked
        candidates.blocked = True
        return True
    try:
        name = file_control_information.df_name(fci)
        if not is_name(name) or not matches(name, aid, True):
            return False
        # step 6: a longer name where all of it has to be the AID is none for this reader; the next may be (step 7)
        if not matches(name, aid, partial):
            return True
        if sw == _SW_BLOCKED:
            candidates.blocked = True
        else:
            template = file_control_information.proprietary(fci)
            table = ber_tlv.find(template, _TAG_9F11_ISSUER_CODE_TABLE_INDEX)
            _add(template, name, table, terminal, candidates)
    except ReaderError:
        return False  # not well-formed: as if it were not there
    # step 4: the whole name was the AID, so there is no other; step 7: it was the beginning
    return len(name) > len(aid)


async def select(s: "Session", candidates: Candidates) -> "Outcome | None":
    """The application that the rules and the cardholder choose; it is no candidate any more afterwards.

    None: it is selected, `s.application` and `s.fci` are set, and `s.data`, empty before, has what its FCI says. Else
    TRY_ANOTHER_INTERFACE (E_NOT_PAYMENT: nothing in common), or END_APPLICATION (E_CARD_BLOCKED, E_APPLICATION_BLOCKED,
    E_CANCELLED, and E_NOT_PAYMENT with the last status word when none could be used). Raises E_PARAMETERS, and what
    `transmit` and the cardholder's port raise.
    """
    while candidates.list and not candidates.card_blocked:
        index = await _choose(s, candidates.list)
        if index < 0:
            return Outcome(END_APPLICATION, reason=E_CANCELLED)
        name = candidates.list.pop(index)[1]
        fci, sw = await s.commands.select(name)
        candidates.status = sw
        if sw == _SW_NOT_SUPPORTED:
            candidates.card_blocked = True
        elif sw == _SW_BLOCKED:
            candidates.blocked = True
        elif sw == SW_OK and _keep(s, name, fci):
            # whoever comes back does so because the card has refused its processing options
            candidates.status = _SW_CONDITIONS
            return None
        # 12.4: an application that cannot be selected is taken off the list, and the rest is looked at again
    return _nothing(candidates)


async def _choose(s, candidates: list) -> int:
    """12.4, steps 2 to 4: index of the application to select; -1: the cardholder does not want any."""
    if len(candidates) > 1:
        labels = []
        for candidate in candidates:
            labels.append(candidate[2])
        return await s.cardholder.choose(labels)
    if to_be_confirmed(candidates[0]) and not await s.cardholder.confirm(candidates[0][2]):
        return -1
    return 0


def _keep(s, name: bytes, fci) -> bool:
    """Take over the FCI of what was selected. False: it is malformed, or another application's."""
    s.application = s.tables.application(name)
    good = s.application is not None
    try:
        # 12.4: the DF name is that of the command
        good = good and file_control_information.df_name(fci) == name
        template = file_control_information.proprietary(fci)
        s.data.put_card(_TAG_84_DF_NAME, name)
        for tag, value in ber_tlv.objects(template):
            if tag in _KEPT:
                s.data.put_card(tag, value)
        s.fci = bytes(template)
    except ReaderError:
        good = False
    if not good:
        s.data.wipe()
    return good


def _nothing(candidates: Candidates) -> Outcome:
    if candidates.card_blocked:
        return Outcome(END_APPLICATION, reason=E_CARD_BLOCKED, detail=_SW_NOT_SUPPORTED)
    if candidates.blocked:
        return Outcome(END_APPLICATION, reason=E_APPLICATION_BLOCKED, detail=_SW_BLOCKED)
    if candidates.tried:
        return Outcome(END_APPLICATION, reason=E_NOT_PAYMENT, detail=candidates.status)
    # 12.4, step 1: nothing in common
    return Outcome(TRY_ANOTHER_INTERFACE, reason=E_NOT_PAYMENT)
