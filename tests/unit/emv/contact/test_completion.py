"""EMV 4.4 Book 3, 10.11; Book 4, 6.3.8, 12.1 and A6: the second GENERATE AC."""

from step_session import session, told

from reader import outcome
from reader.emv.contact import offline_data_authentication
from reader.emv.contact.completion import run
from reader.errors import (
    E_CARD_DECLINED,
    E_CARD_REFUSED,
    E_CARD_REMOVED,
    E_CDA,
    E_STATUS_WORD,
    E_TAG_MISSING,
    E_TERMINAL_DECLINED,
    E_TLV,
)
from testing import cases, h, hexed, raises, requirement

_CDOL2 = "8A02 9505 910A"
_ARPC = "A1A2A3A4A5A6A7A83030"
_NO_ARPC = "00" * 10
_AC = "8877665544332211"
_SILENT = {0x9F0D: "0000000000"}


def _command(p1, code, tvr="0000000000", arpc=_ARPC):
    values = code + h(tvr + arpc)
    return h("80AE" + p1 + "00") + bytes((len(values),)) + values + b"\x00"


def _answer(cid):
    return h("800E" + cid + "0007" + _AC + "060701" + "9000")


async def _complete(code, script, data=None, tvr="0000000000", **changes):
    """`code` None: no answer came."""
    values = {0x8D: _CDOL2, 0x9F26: "1122334455667788", 0x9F27: "80", 0x9F36: "0007", 0x9F10: "07010103A00000"}
    if code is not None:
        values[0x8A] = code
        values[0x91] = _ARPC
    values.update(data or {})
    s, card = session(script, values, **changes)
    s.cvm = outcome.CVM_ONLINE_PIN
    s.tvr[:] = h(tvr)
    s.online_failed = code is None
    s.answer_code = code or b""
    return s, card


async def _run(code, script, data=None, tvr="0000000000", **changes):
    s, card = await _complete(code, script, data, tvr, **changes)
    result = await run(s)
    card.done()
    return s, result


@requirement("Book 3", "10.11", "After an approval the second GENERATE AC asks for a TC with the values of CDOL2.")
@requirement("Book 3", "10.11", "A TC of the card completes an approval.")
@requirement("Book 4", "A6", "Response code 00 is the host's approval.")
async def test_approved():
    s, result = await _run(b"00", [(_command("40", b"00"), _answer("40"))])
    assert (result.code, result.reason, result.cvm) == (outcome.APPROVED, 0, outcome.CVM_ONLINE_PIN)
    assert not s.reversal
    get = s.data.get
    assert (hexed(get(0x9F27)), hexed(get(0x9F26)), hexed(get(0x9F10))) == ("40", _AC, "060701")
    assert told(s) == "0000000000 2000"


@requirement("Book 4", "12.1", "After a decline, a referral or any other code the second GENERATE AC asks for an AAC.")
@cases(b"01", b"02", b"05", b"51", b"55", b"91", b"10", b"11", b"Y1", b"  ")
async def test_declined_by_the_host(code):
    s, result = await _run(code, [(_command("00", code), _answer("00"))])
    assert (result.code, result.reason, s.reversal) == (outcome.DECLINED, 0, False)


@requirement("Book 3", "10.11", "A card that answers an approval with an AAC refuses it, and the host is to be told.")
@requirement("Book 3", "9.3", "A second cryptogram that is neither TC nor AAC counts as an AAC.")
@cases(("00", 0), ("03", 3), ("80", 0), ("C0", 0))
async def test_refused_by_the_card(cid, detail):
    s, result = await _run(b"00", [(_command("40", b"00"), _answer(cid))])
    assert (result.code, result.reason, result.detail) == (outcome.DECLINED, E_CARD_REFUSED, detail)
    assert s.reversal


@requirement("Book 3", "10.11", "Another status word than 9000 to the second GENERATE AC is no approval.")
async def test_a_status_word():
    s, result = await _run(b"00", [(_command("40", b"00"), "6985")])
    assert (result.code, result.reason, result.detail) == (outcome.DECLINED, E_CARD_REFUSED, 0x6985)
    assert s.reversal
    s, result = await _run(b"51", [(_command("00", b"51"), "6985")])
    assert (result.code, result.reason, s.reversal) == (outcome.DECLINED, 0, False)


async def test_a_tc_after_a_decline():
    s, result = await _run(b"51", [(_command("00", b"51"), _answer("40"))])
    assert (result.code, result.reason, s.reversal) == (outcome.DECLINED, 0, False)


@requirement("Book 4", "12.1", "When the answer and the issuer's data in it disagree, the reader declines.")
async def test_two_codes():
    s, result = await _run(b"00", [(_command("00", b"05"), _answer("00"))], {0x8A: b"05"})
    assert (result.code, result.reason, s.reversal) == (outcome.DECLINED, 0, True)
    s, result = await _run(b"05", [(_command("00", b"00"), _answer("00"))], {0x8A: b"00"})
    assert (result.code, result.reason, s.reversal) == (outcome.DECLINED, 0, False)


@requirement("Book 3", "10.11", "A card that leaves or fails after an approval leaves a reversal due.")
@cases(
    (None, E_CARD_REMOVED), ("9000", E_TLV), ("7706 9F270140 9F36 9000", E_TLV), ("7704 9F270140 9000", E_TAG_MISSING)
)
async def test_the_card_fails(response, error):
    for code, p1, due in ((b"00", "40", True), (b"51", "00", False)):
        s, _ = await _complete(code, [(_command(p1, code), response)])
        with raises(error):
            await run(s)
        assert s.reversal == due


# Unable to go online. The online codes are for a terminal that can be online, so they are not asked any more.
@requirement("Book 3", "10.7", "When going online is impossible the default action codes decide.")
@requirement("Book 4", "A6", "Unable to go online, the response code is Y3 for an approval and Z3 for a decline.")
@cases(
    ("0000000000", _SILENT, "0000000000", 22, "40", b"Y3"),
    ("0000008000", _SILENT, "0000000000", 22, "40", b"Y3"),
    ("0000008000", _SILENT, "0000008000", 22, "00", b"Z3"),
    ("0000008000", {0x9F0D: "0000008000"}, "0000000000", 22, "00", b"Z3"),
    ("0000008000", {}, "0000000000", 22, "00", b"Z3"),  # no code of the issuer: all bits
    ("0000000000", {}, "FFFFFFFFFF", 22, "40", b"Y3"),
    ("0000008000", _SILENT, "0000008000", 25, "00", b"Z3"),
    ("0000000000", _SILENT, "0000000000", 23, "40", b"Y1"),
    ("0000008000", _SILENT, "0000008000", 23, "00", b"Z1"),
)
async def test_unable_to_go_online(tvr, data, default, kind, p1, code):
    script = [(_command(p1, code, tvr, _NO_ARPC), _answer(p1))]
    s, result = await _run(None, script, data, tvr, tac_default=default, type=kind, tac_online="FFFFFFFFFF")
    if p1 == "40":
        assert (result.code, result.reason) == (outcome.APPROVED, 0)
    else:
        assert (result.code, result.reason) == (outcome.DECLINED, E_TERMINAL_DECLINED)
    assert (s.answer_code, s.reversal) == (code, False)


@requirement("Book 3", "10.7", "A terminal that is always online declines when it cannot be.")
@cases(21, 24)
async def test_online_only(kind):
    s, result = await _run(None, [(_command("00", b"Z3", arpc=_NO_ARPC), _answer("00"))], _SILENT, type=kind)
    assert (result.code, result.reason, s.answer_code) == (outcome.DECLINED, E_TERMINAL_DECLINED, b"Z3")


@requirement("Book 4", "12.1", "An answer that cannot be believed is declined, whatever the action codes say.")
async def test_must_decline():
    s, card = await _complete(None, [(_command("00", b"Z3", arpc=_NO_ARPC), _answer("00"))], _SILENT)
    s.must_decline = True
    result = await run(s)
    card.done()
    assert (result.code, result.reason, s.answer_code) == (outcome.DECLINED, E_TERMINAL_DECLINED, b"Z3")


@requirement("Book 3", "10.11", "Unable to go online, an AAC where a TC was asked for is the card's decline.")
async def test_unable_to_go_online_and_the_card():
    command = _command("40", b"Y3", arpc=_NO_ARPC)
    _, result = await _run(None, [(command, _answer("02"))], _SILENT)
    assert (result.code, result.reason, result.detail) == (outcome.DECLINED, E_CARD_DECLINED, 2)
    _, result = await _run(None, [(command, _answer("80"))], _SILENT)
    assert (result.code, result.reason) == (outcome.DECLINED, E_CARD_DECLINED)
    s, result = await _run(None, [(command, "6985")], _SILENT)
    assert (result.code, result.reason, result.detail) == (outcome.END_APPLICATION, E_STATUS_WORD, 0x6985)
    assert not s.reversal


class _Verified:
    def __init__(self, good):
        self._good = good
        self.calls = []

    def __call__(self, s, cdol1_values, cdol2_values, response, cid):
        self.calls.append((cdol1_values, bytes(cdol2_values), hexed(response), cid))
        return self._good

    def __enter__(self):
        self._kept = offline_data_authentication.verify_cda
        offline_data_authentication.verify_cda = self
        return self

    def __exit__(self, *_):
        offline_data_authentication.verify_cda = self._kept


_SIGNED = h("9F270140 9F36020007 9F4B04DEADBEEF")
_SIGNED_ANSWER = b"\x77" + bytes((len(_SIGNED),)) + _SIGNED + h("9000")


@requirement("Book 2", "6.6.2", "The second cryptogram's signature covers what both GENERATE ACs sent.")
async def test_cda():
    s, card = await _complete(b"00", [(_command("50", b"00"), _SIGNED_ANSWER)])
    s.cda = True
    s.cdol1_values = b"first"
    with _Verified(True) as verified:
        result = await run(s)
    card.done()
    assert result.code == outcome.APPROVED
    assert verified.calls == [(b"first", b"00" + h("0000000000" + _ARPC), hexed(_SIGNED), 0x40)]
    assert told(s) == "0000000000 A000"


@requirement("Book 2", "6.6.2", "A TC whose CDA fails after an approval is declined, and the host is to be told.")
async def test_cda_fails():
    s, card = await _complete(b"00", [(_command("50", b"00"), _SIGNED_ANSWER)])
    s.cda = True
    with _Verified(False):
        result = await run(s)
    card.done()
    assert (result.code, result.reason, s.reversal) == (outcome.DECLINED, E_CDA, True)
    assert told(s) == "0400000000 A000"


@requirement("Book 2", "6.6", "An AAC is asked for without CDA.")
async def test_cda_not_for_an_aac():
    s, card = await _complete(b"51", [(_command("00", b"51"), _answer("00"))])
    s.cda = True
    assert (await run(s)).code == outcome.DECLINED
    card.done()
