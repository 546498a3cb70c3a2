"""Terminal action analysis: EMV 4.4 Book 3, 10.7; for electronic cash PBOC 3.0 part 13, 7.4.4."""

from micropython import const

from . import action_codes
from .get_data import cash_is_low

_AAC = const(0)
_TC = const(1)
_ARQC = const(2)


def decide(s) -> int:
    """What the first GENERATE AC asks for: 0 AAC, 1 TC, 2 ARQC.

    Takes electronic cash back (`s.electronic_cash`) when the sale is not to be approved offline.
    """
    asked = _decide(s)
    # PBOC 13, 7.4.4: a sale that leaves less than the threshold goes online, where the balance is put back
    if s.electronic_cash and asked == _TC and not action_codes.is_offline_only(s.terminal) and cash_is_low(s):
        asked = _ARQC
    if asked != _TC:
        s.electronic_cash = False
    return asked


def _decide(s) -> int:
    # 10.7: what is to be declined is so before anything else
    if action_codes.denial(s):
        return _AAC
    if action_codes.is_online_only(s.terminal):
        return _ARQC
    # 10.7: who cannot go online takes the default codes in place of the online ones
    if action_codes.is_offline_only(s.terminal):
        return _AAC if action_codes.default(s) else _TC
    return _ARQC if action_codes.online(s) else _TC
