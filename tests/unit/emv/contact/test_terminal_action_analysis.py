"""EMV 4.4 Book 3, 10.7."""

from step_session import session

from reader.emv.contact.terminal_action_analysis import decide
from testing import cases, h, requirement

_AAC = 0
_TC = 1
_ARQC = 2
_ALL = "FFFFFFFFFF"
_NONE = "0000000000"
# A card whose codes say nothing, so that the reader's decide alone
_SILENT = {0x9F0D: _NONE, 0x9F0E: _NONE, 0x9F0F: _NONE}


def _decide(tvr, data=None, **changes):
    s, _ = session(data=data, **changes)
    s.tvr[:] = h(tvr)
    return decide(s)


@requirement("Book 3", "10.7", "No bit of the TVR: the transaction may be approved offline.")
@requirement("Book 3", "10.7", "A bit that the card's denial code has asks for an AAC.")
@requirement("Book 3", "10.7", "A bit that the reader's denial code has asks for an AAC.")
@requirement("Book 3", "10.7", "A bit that the card's online code has asks for an ARQC.")
@requirement("Book 3", "10.7", "A bit that the reader's online code has asks for an ARQC.")
@requirement("Book 3", "10.7", "A bit that neither code has is no reason to decline or to go online.")
def test_each_bit():
    for byte in range(5):
        for bit in range(8):
            one = bytearray(5)
            one[byte] = 1 << bit
            other = bytes([0xFF ^ value for value in one])
            one = bytes(one)
            assert _decide(_NONE, {0x9F0D: _ALL, 0x9F0E: _ALL, 0x9F0F: _ALL}) == _TC
            assert _decide(one, {0x9F0E: one, 0x9F0F: _NONE}) == _AAC
            assert _decide(one, _SILENT, tac_denial=one) == _AAC
            assert _decide(one, {0x9F0E: other, 0x9F0F: one}) == _ARQC
            assert _decide(one, _SILENT, tac_online=one) == _ARQC
            assert _decide(one, {0x9F0E: other, 0x9F0F: other}, tac_online=other, tac_denial=other) == _TC


@requirement("Book 3", "10.7", "Denial comes before online.")
def test_denial_first():
    assert _decide("8000000000", {0x9F0E: "8000000000", 0x9F0F: _ALL}, tac_online=_ALL) == _AAC


@requirement("Book 3", "10.7", "A card without a denial code denies nothing.")
@requirement("Book 3", "10.7", "A card without an online code goes online for every bit.")
@requirement("Book 3", "10.7", "A card without a default code has every bit declined when there is no way online.")
def test_codes_that_are_not_there():
    assert _decide("0000000001") == _ARQC
    assert _decide("0000000001", type=23) == _AAC
    assert _decide(_NONE) == _TC


@requirement("Book 3", "10.7", "A terminal that is always online asks for an ARQC unless it denies.")
@cases(21, 24, 11, 14)
def test_online_only(kind):
    assert _decide(_NONE, _SILENT, type=kind) == _ARQC
    assert _decide("8000000000", _SILENT, type=kind, tac_denial="8000000000") == _AAC


@requirement(
    "Book 3", "10.7", "A terminal that is never online decides by the default codes in place of the online ones."
)
@cases(23, 26, 36, 13)
def test_offline_only(kind):
    silent = dict(_SILENT)
    assert _decide("8000000000", silent, type=kind, tac_online=_ALL) == _TC
    assert _decide("8000000000", silent, type=kind, tac_default="8000000000") == _AAC
    silent[0x9F0D] = "8000000000"
    assert _decide("8000000000", silent, type=kind) == _AAC
    assert _decide("8000000000", silent, type=kind, tac_denial=_ALL) == _AAC


@requirement("Book 3", "10.7", "A terminal that can be online does not look at the default codes yet.")
@cases(22, 25, 12)
def test_default_codes_wait(kind):
    assert _decide("8000000000", {0x9F0D: _ALL, 0x9F0F: _NONE}, type=kind, tac_default=_ALL) == _TC


# Balance, threshold, amount: what is left has to be the threshold at least
@requirement("PBOC 13", "7.4.4", "Electronic cash that would fall below its reset threshold goes online.")
@requirement(
    "PBOC 13", "7.4.4", "A terminal that is never online spends electronic cash down to the threshold and below."
)
@cases(
    (10000, 2000, 8000, 22, _TC),
    (10000, 2000, 8001, 22, _ARQC),
    (10000, 0, 10000, 22, _TC),
    (5000, 0, 6000, 22, _ARQC),
    (10000, 2000, 8001, 23, _TC),
)
def test_electronic_cash(balance, threshold, amount, kind, asked):
    data = {0x9F79: f"{balance:012}", 0x9F6D: f"{threshold:012}"}
    s, _ = session(data=data, amount=amount, type=kind)
    s.electronic_cash = True
    assert decide(s) == asked
    assert s.electronic_cash == (asked == _TC)


@requirement("PBOC 13", "7.4.4", "A sale that the action codes decline or send online does not spend electronic cash.")
@cases(("8000000000", _AAC), ("0000000001", _ARQC))
def test_no_electronic_cash(tvr, asked):
    s, _ = session(data={0x9F79: "000000010000", 0x9F6D: "000000000000"}, tac_denial="8000000000")
    s.electronic_cash = True
    s.tvr[:] = h(tvr)
    assert decide(s) == asked
    assert not s.electronic_cash
