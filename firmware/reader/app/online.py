"""From the card's data to the host and back: the packet, its answer, and what the host is to hear later.

Loaded when the card has been read. What makes the packet is unloaded again before the card hears the answer.
"""

import asyncio

from micropython import const

from .. import outcome
from ..dukpt.scheme import MASTER_SESSION
from ..emv import icc_data
from ..errors import E_CANCELLED, E_HOST_TIMEOUT, E_HOST_UNREACHABLE, E_ISO_MAC, E_NO_PIN, E_PHONE_GONE, ReaderError
from ..link import protocol
from ..util import ber_tlv
from ..util.bcd import from_int
from ..util.modules import keep_only, loaded

_FRAME_MOST = const(996)  # what a secured message has room for
_NOTICE_MOST = const(480)
_TAG_9F41_TRANSACTION_SEQUENCE_COUNTER = const(0x9F41)
_WITH_PIN = "1"
_WITHOUT_PIN = "2"
_APPROVED = "00"

# DE39 of a reversal: why it is due
_NO_ANSWER = "98"
_WRONG_MAC = "A0"
_BAD_ANSWER = "96"
_CARD_REFUSED = "06"

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from .transaction import Sale, Transaction


async def go(t: "Transaction", sale: "Sale") -> outcome.Outcome:
    """The packet out, the answer in, and what the card makes of it. Raises why there is no sale.

    That a reversal is due is stored before the packet leaves, and stands until the sale is whole or the host has said
    no: wherever the power goes, what the host may have booked and the reader has not sold is known.
    """
    answer, error = await _asked(t, sale)
    if answer is not None and t.interface.wants_pin(answer.response_code):
        # The card is not needed for it: what it said is asked for again, as another transaction, with the PIN
        _settle(t, sale, "")
        t.packet_left = False
        try:
            await t.interface.ask_pin()
        except ReaderError as no_pin:
            if no_pin.code not in (E_NO_PIN, E_CANCELLED):
                raise
            return outcome.Outcome(outcome.DECLINED, reason=no_pin.code, detail=no_pin.detail)
        t.result.cvm = outcome.CVM_ONLINE_PIN
        t.result.stan = sale.stan = t.parts.counters.next_stan()
        t.data.set(_TAG_9F41_TRANSACTION_SEQUENCE_COUNTER, from_int(sale.stan, 4))
        answer, error = await _asked(t, sale)
    final = None
    told = 0
    try:
        final = await t.interface.conclude(answer, error, error is not None and unanswered(error))
    finally:
        if answer is not None:
            told = len(t.interface.script_results)
            if told:
                _add(t, _notice(t, sale, protocol.NOTICE_SCRIPTS, ""))
            # Last: as long as anything can still fail the reversal stands
            sold = final is not None and final.code == outcome.APPROVED
            _settle(t, sale, _CARD_REFUSED if answer.response_code == _APPROVED and not sold else "")
    if answer is not None:
        await t.interface.epilogue(answer)
        if len(t.interface.script_results) > told:
            _add(t, _notice(t, sale, protocol.NOTICE_SCRIPTS, ""))
    elif final.code == outcome.APPROVED:
        _add(t, _notice(t, sale, protocol.NOTICE_OFFLINE, ""))
    return final


async def _asked(t: "Transaction", sale: "Sale") -> tuple:
    """As _exchange; what the answer says is in the result, and an answer that cannot be believed has left its notice."""
    kept = loaded()
    answer = None
    error: ReaderError | None = ReaderError(E_HOST_TIMEOUT)  # until there is something better to say
    try:
        answer, error = await _exchange(t, sale)
    finally:
        keep_only(kept)
        if t.reversal and error is not None:
            _settle(t, sale, _reversal(error))
    said = _WRONG_MAC if error is not None and error.code == E_ISO_MAC else answer and answer.response_code
    if said == _WRONG_MAC and t.parts.parameters.host.key_scheme == MASTER_SESSION:
        # One of the two has other keys than these, and without them there is no packet
        from ..dukpt import working

        working.forget(t.parts.ring)
    t.sample()
    if answer is not None:
        result = t.result
        result.response_code = answer.response_code
        result.auth_code = answer.auth_code
        result.rrn = answer.rrn
        result.issuer_data = answer.icc_data
    return answer, error


def _settle(t: "Transaction", sale: "Sale", reason: str) -> None:
    """The reversal that was stored before the packet left is due, for this reason (DE39), or "" is not."""
    notices = t.parts.notices
    if not reason:
        notices.take(t.reversal)
        t.reversal = 0
        return
    t.result.notices += 1
    if reason != _NO_ANSWER:
        notices.replace(t.reversal, _notice(t, sale, protocol.NOTICE_REVERSAL, reason))


def keep_offline(t: "Transaction", sale: "Sale") -> None:
    """The card approved by itself: what the sale is cleared with is kept for the host."""
    kept = loaded()
    keys = t.next_keys()
    try:
        _take_account(t, sale, keys)
    finally:
        keys.wipe()
        keep_only(kept)
    _add(t, _notice(t, sale, protocol.NOTICE_OFFLINE, ""))


def unanswered(error: ReaderError) -> bool:
    """Nothing came back, as against something that cannot be believed."""
    return error.code in (E_HOST_TIMEOUT, E_HOST_UNREACHABLE, E_PHONE_GONE)


def _take_account(t: "Transaction", sale: "Sale", keys) -> None:
    """Account, PIN and chip data of the card, which is wiped or goes on without the account."""
    result = t.result
    interface = t.interface
    taken = interface.account(keys)
    sale.track2 = taken.track2
    sale.track3 = taken.track3
    sale.pin_block = taken.pin_block
    sale.card_sequence = taken.card_sequence
    sale.entry_mode = result.entry_mode = interface.entry_mode + (_WITH_PIN if taken.pin_block else _WITHOUT_PIN)
    result.masked = taken.masked
    result.ksn = bytes(keys.ksn)
    sale.icc_data = memoryview(t.icc)[: icc_data.icc_data_into(t.data, t.icc)]
    interface.packed()


async def _exchange(t: "Transaction", sale: "Sale") -> tuple:
    """(the Answer, None), or (None, the ReaderError that says why there is none to believe)."""
    from ..iso8583 import messages

    host = t.parts.parameters.host
    keys = t.interface.keys or t.next_keys()
    try:
        _take_account(t, sale, keys)
        packet = memoryview(t.parts.room)[:_FRAME_MOST]
        n = messages.pack_sale(host, sale, keys, packet)
        t.sample()
        t.reversal = t.parts.notices.add(_notice(t, sale, protocol.NOTICE_REVERSAL, _NO_ANSWER))
        error = await ask_host(t, packet[:n], host.timeout_s)
        if error is not None:
            return None, error
        try:
            return messages.check_answer(host, sale, keys, t.frame), None
        except ReaderError as unbelievable:
            return None, unbelievable
    finally:
        keys.wipe()


async def ask_host(t: "Transaction", packet, timeout_s: int) -> "ReaderError | None":
    """Send the packet, wait for the answer's frame. Why there is none, or None."""
    t.answered.clear()
    t.frame = None
    t.waiting_online = True
    t.packet_left = True
    heard = await t.emit(protocol.ONLINE_REQUEST, lambda w: w.put(protocol.PACKET, packet))
    if not heard:
        t.waiting_online = False
        return ReaderError(E_PHONE_GONE)
    await t.state(protocol.STATE_ONLINE)
    try:
        await asyncio.wait_for(t.answered.wait(), timeout_s)
    except asyncio.TimeoutError:
        return ReaderError(E_HOST_TIMEOUT)
    finally:
        t.waiting_online = False
    return t.error


def _reversal(error: ReaderError) -> str:
    """DE39 of the reversal that is due because of `error`, or "". A packet whose last fragment never went out has
    been seen by no host."""
    if error.code == E_PHONE_GONE:
        return ""
    if unanswered(error):
        return _NO_ANSWER
    return _WRONG_MAC if error.code == E_ISO_MAC else _BAD_ANSWER


def _add(t: "Transaction", notice) -> None:
    t.parts.notices.add(notice)
    t.result.notices += 1


def _notice(t: "Transaction", sale: "Sale", kind: int, reason: str) -> memoryview:
    """What the host must hear of this transaction later (notices.py)."""
    result = t.result
    out = bytearray(_NOTICE_MOST)
    w = ber_tlv.Writer(out)
    w.put(protocol.NOTICE_KIND, bytes((kind,)))
    w.put(protocol.STAN, sale.stan.to_bytes(4, "big"))
    w.put(protocol.AMOUNT, from_int(sale.amount, 6))
    w.put(protocol.CURRENCY, from_int(sale.currency, 2))
    w.put(protocol.TIME, b"".join([from_int(part % 100, 1) for part in sale.time]))
    w.put(protocol.MASKED_PAN, result.masked.encode())
    w.put(protocol.KSN, result.ksn)
    if reason:
        w.put(protocol.REASON, reason.encode())
    if result.rrn:
        w.put(protocol.RRN, result.rrn.encode())
    if kind == protocol.NOTICE_SCRIPTS:
        w.put(protocol.SCRIPT_RESULTS, t.interface.script_results)
    if kind == protocol.NOTICE_OFFLINE:
        w.put(protocol.TRACK2, sale.track2)
        if t.interface.session is not None:  # the card has decided once more since the packet
            sale.icc_data = memoryview(t.icc)[: icc_data.icc_data_into(t.data, t.icc)]
        w.put(protocol.ICC_DATA, sale.icc_data)
    return memoryview(out)[: w.length]
