"""EMV 4.4 Book 3, 10.8, 6.5.5 and 9.3; Book 2, 6.6: the first GENERATE AC."""

from hashlib import sha1

from step_session import session, told

from reader import outcome
from reader.emv.contact import offline_data_authentication
from reader.emv.contact.card_action_analysis import run
from reader.errors import (
    E_CARD_DECLINED,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_CDA,
    E_DOL,
    E_EMV_DATA,
    E_STATUS_WORD,
    E_TAG_DUPLICATE,
    E_TAG_FORMAT,
    E_TAG_MISSING,
    E_TERMINAL_DECLINED,
    E_TLV,
)
from testing import ScriptedCard, cases, h, hexed, raises, requirement

_AAC = 0
_TC = 1
_ARQC = 2

_CDOL1 = "9F0206 9F3704 9505"
_VALUES = "000000005000 01020304 0000000000"
_AC = "1122334455667788"
_IAD = "07010103A00000"


def _command(p1, values=_VALUES):
    values = h(values)
    return h("80AE" + p1 + "00") + bytes((len(values),)) + values + b"\x00"


def _format1(cid, rest=_AC + _IAD):
    value = h(cid + "0007" + rest)
    return b"\x80" + bytes((len(value),)) + value + h("9000")


def _format2(*objects):
    value = h("".join(objects))
    return b"\x77" + bytes((len(value),)) + value + h("9000")


_CID = "9F2701"
_ATC = "9F36020007"
_AC_OBJECT = "9F2608" + _AC
_IAD_OBJECT = "9F1007" + _IAD
_SIGNED = "9F4B04DEADBEEF"


async def _run(asked, script, data=None, cda=False, **changes):
    values = {0x8C: _CDOL1, 0x8D: "8A02 9505"}
    values.update(data or {})
    s, card = session(script, values, **changes)
    s.cda = cda
    s.cvm = outcome.CVM_SIGNATURE
    result = await run(s, asked)
    card.done()
    return s, result


@requirement("Book 3", "6.5.5", "GENERATE AC asks for an AAC with P1 00, for a TC with 40, for an ARQC with 80.")
@requirement("Book 3", "10.8", "The first GENERATE AC carries the values of CDOL1.")
@requirement("Book 3", "10.8", "An AAC that answers it declines, a TC approves offline, an ARQC wants to go online.")
@requirement("Book 3", "10.8", "The first GENERATE AC sets 'card risk management was performed' in the TSI.")
@cases(
    (_AAC, "00", "00", outcome.DECLINED, E_TERMINAL_DECLINED),
    (_TC, "40", "00", outcome.DECLINED, E_CARD_DECLINED),
    (_TC, "40", "40", outcome.APPROVED, 0),
    (_TC, "40", "80", None, 0),
    (_ARQC, "80", "00", outcome.DECLINED, E_CARD_DECLINED),
    (_ARQC, "80", "80", None, 0),
)
async def test_asked_and_answered(asked, p1, cid, code, reason):
    s, result = await _run(asked, [(_command(p1), _format1(cid))])
    if code is None:
        assert result is None
    else:
        assert (result.code, result.reason, result.detail, result.cvm) == (code, reason, 0, outcome.CVM_SIGNATURE)
    assert s.first_ac == h(cid)[0] >> 6
    assert told(s) == "0000000000 2000"


@requirement("Book 3", "9.3", "A card that answers more than it was asked for ends the transaction.")
@requirement("Book 3", "9.3", "A cryptogram of the reserved type ends the transaction.")
@cases(
    (_AAC, "00", "40"),
    (_AAC, "00", "80"),
    (_AAC, "00", "C0"),
    (_TC, "40", "C0"),
    (_ARQC, "80", "40"),
    (_ARQC, "80", "C0"),
)
async def test_more_than_asked(asked, p1, cid):
    with raises(E_EMV_DATA, 0x9F27):
        await _run(asked, [(_command(p1), _format1(cid))])


@requirement("Book 3", "6.5.5", "Format 1 is CID, ATC, cryptogram and up to 32 bytes of issuer application data.")
@cases("", _IAD, "00" * 32)
async def test_format_1(issuer_data):
    s, _ = await _run(_ARQC, [(_command("80"), _format1("80", _AC + issuer_data))], {0x9F10: "FF"})
    get = s.data.get
    assert (hexed(get(0x9F27)), hexed(get(0x9F36)), hexed(get(0x9F26))) == ("80", "0007", _AC)
    # nothing of what was there before stays beside the new cryptogram
    assert get(0x9F10) == (h(issuer_data) if issuer_data else None)


@requirement("Book 3", "6.5.5", "Format 2 has CID, ATC and cryptogram as data objects in any order.")
async def test_format_2():
    for objects in (
        (_CID + "80", _ATC, _AC_OBJECT, _IAD_OBJECT),
        (_IAD_OBJECT, _AC_OBJECT, _ATC, "DF0102FFFF", _CID + "80"),
    ):
        s, result = await _run(_ARQC, [(_command("80"), _format2(*objects))])
        assert result is None
        get = s.data.get
        assert (hexed(get(0x9F27)), hexed(get(0x9F36)), hexed(get(0x9F26))) == ("80", "0007", _AC)
        assert hexed(get(0x9F10)) == _IAD


@requirement("Book 3", "7.5", "A GENERATE AC answered without CID, ATC or cryptogram ends the transaction.")
@cases(
    (0x9F27, (_ATC, _AC_OBJECT)),
    (0x9F36, (_CID + "80", _AC_OBJECT)),
    (0x9F26, (_CID + "80", _ATC)),
    (0x9F27, (_IAD_OBJECT,)),
)
async def test_mandatory_data(tag, objects):
    with raises(E_TAG_MISSING, tag):
        await _run(_ARQC, [(_command("80"), _format2(*objects))])


@requirement("Book 3", "7.5", "A GENERATE AC answered with malformed data ends the transaction.")
@cases(
    (_format1("80", _AC[2:]), E_TAG_FORMAT, 0x80),
    (_format1("80", _AC + "00" * 33), E_TAG_FORMAT, 0x80),
    (_format2("9F27028000", _ATC, _AC_OBJECT), E_TAG_FORMAT, 0x9F27),
    (_format2(_CID + "80", "9F3603000007", _AC_OBJECT), E_TAG_FORMAT, 0x9F36),
    (_format2(_CID + "80", _ATC, "9F2607" + _AC[2:]), E_TAG_FORMAT, 0x9F26),
    (_format2(_CID + "80", _ATC, _AC_OBJECT, "9F1021" + "00" * 33), E_TAG_FORMAT, 0x9F10),
    (_format2(_CID + "80", _CID + "80", _ATC, _AC_OBJECT), E_TAG_DUPLICATE, 0x9F27),
    ("7003 9F2700 9000", E_TLV, None),
    ("7705 9F270180 9000", E_TLV, None),
    ("770C 9F270180 9F36020007 9F2600 9000", E_TAG_FORMAT, 0x9F26),
    ("9000", E_TLV, None),
    (_format1("80")[:-2] + h("01 9000"), E_TLV, None),
)
async def test_malformed(response, code, detail):
    with raises(code, detail):
        await _run(_ARQC, [(_command("80"), response)])


@requirement("Book 3", "10.8", "Another status word than 9000 to GENERATE AC ends the transaction.")
@cases(0x6985, 0x6A80, 0x6283, 0x6700)
async def test_status_word(sw):
    _, result = await _run(_ARQC, [(_command("80"), sw.to_bytes(2, "big"))])
    assert (result.code, result.reason, result.detail) == (outcome.END_APPLICATION, E_STATUS_WORD, sw)


async def test_the_card_leaves():
    with raises(E_CARD_REMOVED):
        await _run(_ARQC, [(_command("80"), None)])


@requirement("Book 3", "6.5.5", "The CID's advice bit and reason code are handed on with the decline.")
@requirement("Book 4", "6.3.7", "'Service not allowed' in the CID ends the transaction whatever the cryptogram is.")
@cases(
    (_ARQC, "80", "08", 8),
    (_ARQC, "80", "02", 2),
    (_ARQC, "80", "0B", 11),
    (_ARQC, "80", "01", 1),
    (_ARQC, "80", "81", 1),
    (_TC, "40", "41", 1),
    (_TC, "40", "49", 9),
)
async def test_reason(asked, p1, cid, detail):
    _, result = await _run(asked, [(_command(p1), _format1(cid))])
    assert (result.code, result.reason, result.detail) == (outcome.DECLINED, E_CARD_DECLINED, detail)


async def test_advice_of_an_online_request():
    _, result = await _run(_ARQC, [(_command("80"), _format1("88"))])
    assert result is None


@requirement(
    "Book 4", "A6", "The response code of an offline decision is Y1 or Z1, and none stays when the issuer decides."
)
async def test_response_code():
    s, _ = await _run(_TC, [(_command("40"), _format1("40"))], {0x8A: "5931"})
    assert s.data.get(0x8A) == b"Y1"
    s, _ = await _run(_TC, [(_command("40"), _format1("00"))], {0x8A: "5931"})
    assert s.data.get(0x8A) == b"Z1"
    s, _ = await _run(_TC, [(_command("40"), _format1("80"))], {0x8A: "5931"})
    assert s.data.get(0x8A) is None


async def test_a_list_that_is_none():
    with raises(E_DOL):
        await _run(_ARQC, [], {0x8C: "9F02"})
    with raises(E_TAG_MISSING, 0x8C):
        await _run(_ARQC, [], {0x8C: None})
    with raises(E_DOL):
        await _run(_ARQC, [], {0x8C: "9F027F 9F027F 9F0202"})


# The hash: 9F02, 9C of the card's list; 9F02 of the acquirer's
@requirement("Book 3", "9.2.2", "A CDOL that asks for 98 gets SHA-1 over the values of the card's TDOL.")
@requirement("Book 3", "9.2.2", "A card without TDOL takes the acquirer's default, and TVR byte 5 bit 8 says so.")
@requirement("Book 3", "9.2.2", "Without a TDOL anywhere the hash is over nothing.")
@cases(
    ("9F0206 9F3702", "9F0206", "000000005000 0102", "0000000000"),
    (None, "9F0206", "000000005000", "0000000080"),
    (None, "", "", "0000000080"),
    ("", "9F0206", "", "0000000000"),
)
async def test_tc_hash(tdol, default, hashed, tvr):
    values = sha1(h(hashed)).digest() + h(tvr)
    script = [(_command("80", values), _format1("80"))]
    s, _ = await _run(_ARQC, script, {0x8C: "9814 9505", 0x97: tdol}, default_tdol=default)
    assert told(s)[:10] == tvr


@requirement("Book 3", "9.2.2", "No TDOL is looked at for a CDOL that does not ask for 98.")
async def test_no_tc_hash():
    s, _ = await _run(_ARQC, [(_command("80"), _format1("80"))], {0x97: "9F"})
    assert told(s) == "0000000000 2000"
    with raises(E_DOL):
        await _run(_ARQC, [], {0x8C: "9814", 0x97: "9F"})
    with raises(E_DOL):
        await _run(_ARQC, [], {0x8C: "9814", 0x97: "9F027F 9F027F 9F0202"})


class _Verified:
    """In place of verify_cda: says what it is told to, and keeps what it got."""

    def __init__(self, good):
        self._good = good
        self.calls = []

    def __call__(self, s, cdol1_values, cdol2_values, response, cid):
        self.calls.append((hexed(cdol1_values), hexed(cdol2_values), hexed(response), cid))
        if self._good:
            s.data.set(0x9F26, h(_AC))
        return self._good

    def __enter__(self):
        self._kept = offline_data_authentication.verify_cda
        offline_data_authentication.verify_cda = self
        return self

    def __exit__(self, *_):
        offline_data_authentication.verify_cda = self._kept


@requirement("Book 2", "6.6", "For CDA the reader sets bit 5 of P1 when it asks for a TC or an ARQC.")
@requirement("Book 2", "6.6.1", "With CDA the cryptogram is taken from the signed data, which the answer has to have.")
@cases((_TC, "50", "40"), (_TC, "50", "80"), (_ARQC, "90", "80"))
async def test_cda(asked, p1, cid):
    objects = (_CID + cid, _ATC, _SIGNED, _IAD_OBJECT)
    with _Verified(True) as verified:
        s, result = await _run(asked, [(_command(p1), _format2(*objects))], cda=True)
    assert verified.calls == [(hexed(h(_VALUES)), "", hexed(h("".join(objects))), h(cid)[0])]
    assert (result and result.code) == (outcome.APPROVED if cid == "40" else None)
    assert (told(s), hexed(s.data.get(0x9F26))) == ("0000000000 A000", _AC)
    assert hexed(s.cdol1_values) == hexed(h(_VALUES))


@requirement("Book 2", "6.6.1", "An AAC is not signed, also where CDA was asked for.")
async def test_cda_and_the_card_declines():
    with _Verified(False) as verified:
        s, result = await _run(_ARQC, [(_command("90"), _format1("00"))], cda=True)
        assert (result.code, result.reason) == (outcome.DECLINED, E_CARD_DECLINED)
        s, result = await _run(_ARQC, [(_command("90"), _format2(_CID + "00", _ATC, _AC_OBJECT))], cda=True)
        assert (result.code, result.reason) == (outcome.DECLINED, E_CARD_DECLINED)
    assert verified.calls == []
    assert told(s) == "0000000000 A000"


@requirement(
    "Book 2", "6.6", "CDA is not asked for with an AAC, and TVR byte 1 bit 8 says that nothing was authenticated."
)
async def test_cda_and_the_reader_declines():
    script = [(_command("00", "000000005000 01020304 8000000000"), _format1("00"))]
    s, result = await _run(_AAC, script, cda=True)
    assert (result.code, result.reason, told(s)) == (outcome.DECLINED, E_TERMINAL_DECLINED, "8000000000 2000")


@requirement("Book 2", "6.6.2", "A TC whose CDA fails is declined, and TVR byte 1 bit 3 is set.")
async def test_cda_fails_with_a_tc():
    with _Verified(False):
        data = {0x9F26: "0011223344556677"}  # of an earlier answer, or a card's own idea
        s, result = await _run(_TC, [(_command("50"), _format2(_CID + "40", _ATC, _SIGNED))], data, cda=True)
    assert (result.code, result.reason, told(s)) == (outcome.DECLINED, E_CDA, "0400000000 A000")
    assert s.data.get(0x8A) == b"Z1"
    assert s.data.get(0x9F26) is None


@requirement("Book 2", "6.6.2", "An ARQC whose CDA fails is declined at once by a second GENERATE AC for an AAC.")
@cases(_format1("00"), "6985", _format1("40"))
async def test_cda_fails_with_an_arqc(second):
    script = [
        (_command("90"), _format2(_CID + "80", _ATC, _SIGNED)),
        (_command("00", "5A31 0400000000"), second),
    ]
    with _Verified(False):
        s, result = await _run(_ARQC, script, cda=True)
    assert (result.code, result.reason, told(s)) == (outcome.DECLINED, E_CDA, "0400000000 A000")


@requirement("Book 2", "6.6.1", "An answer without signed data where CDA was asked for ends the transaction.")
@cases(_format1("40"), _format2(_CID + "40", _ATC, _AC_OBJECT))
async def test_cda_without_a_signature(response):
    with _Verified(True), raises(E_TAG_MISSING, 0x9F4B):
        await _run(_TC, [(_command("50"), response)], cda=True)


_BALANCE = "80CA9F7900"


@requirement("PBOC 13", "7.4.5", "Electronic cash is spent by a TC only.")
@requirement(
    "PBOC 13", "7.4.6", "After the TC of an electronic cash sale the card is asked for the balance that is left."
)
@cases(("40", True), ("80", False), ("00", False), ("41", False))
async def test_electronic_cash(cid, spent):
    script = [(_command("40"), _format1(cid))]
    if spent:
        script.append((_BALANCE, "9F7906 000000007000 9000"))
    s, card = session(script, {0x8C: _CDOL1, 0x9F79: "000000012000"})
    s.electronic_cash = True
    await run(s, _TC)
    card.done()
    assert s.electronic_cash == spent
    # the balance of before the sale is told to nobody
    assert s.data.get(0x9F79) == (h("000000007000") if spent else None)


@requirement("PBOC 13", "7.4.6", "A balance that cannot be read after an approved sale leaves it approved.")
@cases("6A88", None, E_CARD_TIMEOUT)
async def test_electronic_cash_without_a_balance(response):
    script = [(_command("40"), _format1("40")), (_BALANCE, response)]
    s, card = session(script, {0x8C: _CDOL1, 0x9F79: "000000012000"})
    s.electronic_cash = True
    result = await run(s, _TC)
    card.done()
    assert (result.code, s.electronic_cash, s.data.get(0x9F79)) == (outcome.APPROVED, True, None)


async def test_a_new_answer_takes_the_place_of_the_old_one():
    script = [(_command("80"), _format1("80")), (_command("80"), _format1("80", "8877665544332211" + _IAD))]
    s, _ = session(card=ScriptedCard(script), data={0x8C: _CDOL1})
    await run(s, _ARQC)
    used = s.data.used
    await run(s, _ARQC)
    assert (s.data.used, hexed(s.data.get(0x9F26))) == (used, "8877665544332211")
