"""Cardholder verification: EMV 4.4 Book 3, 10.5 and Annex C3; Book 4, 6.3.4.

The CVM list rule by rule, until a method succeeds, one that must not fail does, or the list ends. What the reader knows
are the methods of Annex C3 up to the enciphered PIN with signature, the signature, and none: biometrics, a cardholder's
own device and everything later are unrecognised.
"""

from micropython import const

from ...errors import E_STATUS_WORD, E_TAG_FORMAT, ReaderError
from ...outcome import (
    CVM_FAILED,
    CVM_NONE,
    CVM_NOT_APPLICABLE,
    CVM_OFFLINE_PIN,
    CVM_ONLINE_PIN,
    CVM_PIN_AND_SIGNATURE,
    CVM_SIGNATURE,
    END_APPLICATION,
    Outcome,
)
from ...util.bcd import to_int
from . import get_data, pin
from .action_codes import is_attended
from .session import TSI_CVM

_TAG_82_APPLICATION_INTERCHANGE_PROFILE = const(0x82)
_TAG_8E_CVM_LIST = const(0x8E)
_TAG_9F34_CVM_RESULTS = const(0x9F34)
_TAG_9F42_APPLICATION_CURRENCY_CODE = const(0x9F42)

_AIP1_CARDHOLDER_VERIFICATION = const(0x10)

# TVR: Book 3, Annex C5
_1_ICC_DATA_MISSING = const(0x20)
_3_NOT_SUCCESSFUL = const(0x80)
_3_UNRECOGNISED = const(0x40)
_3_NO_PIN_PAD = const(0x10)

# The CVM list: amounts X and Y, then rules of two bytes (10.5)
_AMOUNTS = const(8)
_X = const(0)
_Y = const(4)
_RULE = const(2)
_GO_ON = const(0x40)  # byte 1: apply the next rule when this one is unsuccessful
_METHOD = const(0x3F)

# Methods: Annex C3
_FAIL = const(0x00)
_PLAINTEXT_PIN = const(0x01)
_ONLINE_PIN = const(0x02)
_PLAINTEXT_PIN_AND_SIGNATURE = const(0x03)
_ENCIPHERED_PIN = const(0x04)
_ENCIPHERED_PIN_AND_SIGNATURE = const(0x05)
_SIGNATURE = const(0x1E)
_NO_CVM = const(0x1F)

# Conditions: Annex C3
_ALWAYS = const(0)
_UNATTENDED_CASH = const(1)
_NO_CASH = const(2)
_SUPPORTED = const(3)
_MANUAL_CASH = const(4)
_CASHBACK = const(5)
_UNDER_X = const(6)
_OVER_X = const(7)
_UNDER_Y = const(8)
_OVER_Y = const(9)

_TYPE_CASH = const(1)
_TYPE_CASHBACK = const(9)
_TYPE_CASH_ADVANCE = const(17)

# Terminal capabilities, byte 2: Book 4, Annex A2
_CAN_PLAINTEXT_PIN = const(0x80)
_CAN_ONLINE_PIN = const(0x40)
_CAN_SIGNATURE = const(0x20)
_CAN_ENCIPHERED_PIN = const(0x10)
_CAN_NO_CVM = const(0x08)

# CVM results: Book 4, 6.3.4.5
_NOT_PERFORMED = b"\x3f\x00\x00"
_NONE_SUITED = b"\x3f\x00\x01"
_UNKNOWN = const(0)
_FAILED = const(1)
_SUCCESSFUL = const(2)


async def run(s) -> "Outcome | None":
    """Verify the cardholder: `s.cvm`, 9F34, TVR byte 3, TSI; the digits of an online PIN stay in `s.pin`.

    None; END_APPLICATION for a status word that VERIFY does not have. Raises E_TAG_FORMAT (detail 8E) for a list that
    is none, E_CANCELLED (detail: outcome.PIN_CANCELLED or PIN_TIMEOUT), E_EMV_DATA (detail 9F17) for a card whose tries
    do not become fewer, and what the entropy source and `transmit` raise.
    """
    s.cvm = CVM_NOT_APPLICABLE
    s.data.set(_TAG_9F34_CVM_RESULTS, _NOT_PERFORMED)
    if not s.data.need(_TAG_82_APPLICATION_INTERCHANGE_PROFILE)[0] & _AIP1_CARDHOLDER_VERIFICATION:
        return None
    rules = s.data.get(_TAG_8E_CVM_LIST)
    # 10.5: a list without a rule is as none; 7.5: the card said that it has one
    if rules is None or len(rules) in (0, _AMOUNTS):
        s.set_tvr(1, _1_ICC_DATA_MISSING)
        return None
    # 7.5: half a rule, or not even the amounts
    if len(rules) < _AMOUNTS or len(rules) % _RULE:
        raise ReaderError(E_TAG_FORMAT, _TAG_8E_CVM_LIST)
    sw = await _Verification(s).run(rules)
    if sw:
        return Outcome(END_APPLICATION, s.cvm, E_STATUS_WORD, sw)
    s.set_tsi(TSI_CVM)
    return None


class _Verification:
    """What one walk through the list has to remember."""

    def __init__(self, s):
        self._s = s
        self._capabilities = s.terminal.capabilities[1]
        self._bypassed = False
        self._limit_exceeded = False
        self._sw = 0

    async def run(self, rules) -> int:
        """0, or the status word that ends the transaction."""
        s = self._s
        results = _NONE_SUITED
        s.cvm = CVM_FAILED
        for at in range(_AMOUNTS, len(rules), _RULE):
            code = rules[at]
            method = code & _METHOD
            if not self._condition_met(rules, rules[at + 1], method):
                continue
            if not _is_recognised(method):
                s.set_tvr(3, _3_UNRECOGNISED)
            elif not self._supports(method):
                self._note_unsupported(method)
            else:
                result = await self._perform(method)
                # The last one performed is what is told (Book 4, 6.3.4.5)
                results = bytes((code, rules[at + 1], result))
                if result != _FAILED:
                    s.cvm = _outcome(method)
                    break
            # 10.5: 'fail' ends it whatever its bit 7 says
            if self._sw or method == _FAIL or not code & _GO_ON:
                break
        if s.cvm == CVM_FAILED:
            s.set_tvr(3, _3_NOT_SUCCESSFUL)
        s.data.set(_TAG_9F34_CVM_RESULTS, results)
        if s.electronic_cash and not self._sw:
            await self._reset_pin()
        return self._sw

    async def _reset_pin(self) -> None:
        """PBOC 13, 7.4.4: electronic cash that has to go online does so with the PIN, on top of the card's list."""
        s = self._s
        if s.pin is None and get_data.cash_is_low(s) and self._supports(_ONLINE_PIN):
            result = await self._online_pin()
            if result != _FAILED:
                s.cvm = CVM_ONLINE_PIN

    def _condition_met(self, rules, condition: int, method: int) -> bool:
        """One that is not in Annex C3 is not met."""
        if condition == _ALWAYS:
            return True
        if condition == _SUPPORTED:
            return _is_recognised(method) and self._supports(method)
        s = self._s
        kind = s.tx.transaction_type
        cash = kind in (_TYPE_CASH, _TYPE_CASH_ADVANCE)
        attended = is_attended(s.terminal)
        cashback = kind == _TYPE_CASHBACK or (not cash and s.tx.amount_other > 0)
        if condition == _UNATTENDED_CASH:
            return cash and not attended
        if condition == _NO_CASH:
            return not cash and not cashback
        if condition == _MANUAL_CASH:
            return cash and attended
        if condition == _CASHBACK:
            return cashback
        currency = s.data.get(_TAG_9F42_APPLICATION_CURRENCY_CODE)
        if currency is None or to_int(currency) != s.tx.currency:
            return False
        # Amounts X and Y are binary, in the smallest unit of the application currency; neither under nor over is equal
        if condition == _UNDER_X:
            return s.tx.amount < _amount(rules, _X)
        if condition == _OVER_X:
            return s.tx.amount > _amount(rules, _X)
        if condition == _UNDER_Y:
            return s.tx.amount < _amount(rules, _Y)
        if condition == _OVER_Y:
            return s.tx.amount > _amount(rules, _Y)
        return False

    def _supports(self, method: int) -> bool:
        """Whether the terminal capabilities have all that the (recognised) method takes."""
        needed = 0
        if method in (_PLAINTEXT_PIN, _PLAINTEXT_PIN_AND_SIGNATURE):
            needed = _CAN_PLAINTEXT_PIN
        elif method in (_ENCIPHERED_PIN, _ENCIPHERED_PIN_AND_SIGNATURE):
            needed = _CAN_ENCIPHERED_PIN
        elif method == _ONLINE_PIN:
            # The acquirer says of each application whether its host takes a PIN
            return self._s.application.online_pin and self._capabilities & _CAN_ONLINE_PIN != 0
        elif method == _NO_CVM:
            needed = _CAN_NO_CVM
        if method in (_PLAINTEXT_PIN_AND_SIGNATURE, _ENCIPHERED_PIN_AND_SIGNATURE, _SIGNATURE):
            needed |= _CAN_SIGNATURE
        return self._capabilities & needed == needed

    def _note_unsupported(self, method: int) -> None:
        # 10.5.1, 10.5.2: only a reader that can do neither offline PIN is without a PIN pad for one of them
        offline = method in (
            _PLAINTEXT_PIN,
            _PLAINTEXT_PIN_AND_SIGNATURE,
            _ENCIPHERED_PIN,
            _ENCIPHERED_PIN_AND_SIGNATURE,
        )
        can = self._capabilities & (_CAN_PLAINTEXT_PIN | _CAN_ENCIPHERED_PIN)
        if method == _ONLINE_PIN or (offline and not can):
            self._s.set_tvr(3, _3_NO_PIN_PAD)

    async def _perform(self, method: int) -> int:
        """_FAILED, _SUCCESSFUL, or _UNKNOWN, where it is for somebody else to say."""
        if method == _NO_CVM:
            return _SUCCESSFUL
        if method == _SIGNATURE:
            return _UNKNOWN
        if method == _FAIL:
            return _FAILED
        if method == _ONLINE_PIN:
            return await self._online_pin()
        if not await self._offline_pin(method in (_ENCIPHERED_PIN, _ENCIPHERED_PIN_AND_SIGNATURE)):
            return _FAILED
        # 10.5.4: all parts must be good, and the signature is still to come
        return _SUCCESSFUL if method in (_PLAINTEXT_PIN, _ENCIPHERED_PIN) else _UNKNOWN

    async def _online_pin(self) -> int:
        # Book 4, 6.3.4.3: bypassed once is bypassed for the whole transaction
        if self._bypassed:
            return _FAILED
        result = await pin.online(self._s)
        self._bypassed = result == pin.BYPASSED
        return _UNKNOWN if result == pin.GOOD else _FAILED

    async def _offline_pin(self, enciphered: bool) -> bool:
        if self._bypassed or self._limit_exceeded:
            return False
        result = await pin.offline(self._s, enciphered)
        self._bypassed = result == pin.BYPASSED
        self._limit_exceeded = result == pin.LIMIT_EXCEEDED
        if result < 0:
            self._sw = -result
        return result == pin.GOOD


def _is_recognised(method: int) -> bool:
    return method <= _ENCIPHERED_PIN_AND_SIGNATURE or method in (_SIGNATURE, _NO_CVM)


def _outcome(method: int) -> int:
    if method == _ONLINE_PIN:
        return CVM_ONLINE_PIN
    if method == _SIGNATURE:
        return CVM_SIGNATURE
    if method == _NO_CVM:
        return CVM_NONE
    return CVM_OFFLINE_PIN if method in (_PLAINTEXT_PIN, _ENCIPHERED_PIN) else CVM_PIN_AND_SIGNATURE


def _amount(rules, at: int) -> int:
    return int.from_bytes(rules[at : at + 4], "big")
