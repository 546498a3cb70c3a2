"""Whole conversations with a card: EMV Contactless Book B, 3.3 to 3.5, with kernel 7."""

import asyncio

from reader import outcome
from reader.emv.contactless.entry_point import EntryPoint
from reader.emv.data import DataStore
from reader.emv.icc_data import icc_data_into
from reader.errors import (
    E_AMOUNT,
    E_CARD_DECLINED,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CONTACTLESS_LIMIT,
    E_CVM,
    E_DATA_FULL,
    E_ENTROPY,
    E_INTERNAL,
    E_NOT_PAYMENT,
    E_OFFLINE_APPROVED,
    E_SEE_PHONE,
    E_STATUS_WORD,
    E_TAG_MISSING,
    ReaderError,
)
from reader.storage.parameters_file import load
from testing import FixedEntropy, ScriptedCard, cases, h, path, raises, requirement

_TIME = (2026, 3, 14, 15, 9, 26)
_DEBIT = "A000000333010101"
_CREDIT = "A000000333010102"
_PPSE = "00A404000E325041592E5359532E444446303100"
_PDOL = "9F6604 9F0206 9F0306 9F1A02 9505 5F2A02 9A03 9C01 9F3704"
_UN = "A1B2C3D4"
_TRACK = "6212340000000018D301220100000000000F"


def _t(tag, value):
    value = h(value)
    n = len(value)
    return h(tag) + (bytes((n,)) if n < 128 else bytes((0x81, n))) + value


def _ok(response):
    return response + h("9000")


def _directory(*entries):
    body = b""
    for aid, priority in entries:
        body += _t("61", _t("4F", aid) + _t("87", f"{priority:02X}"))
    return _ok(_t("6F", _t("84", b"2PAY.SYS.DDF01") + _t("A5", _t("BF0C", body))))


def _select(aid):
    return "00A4040008" + aid + "00"


def _fci(aid, pdol=_PDOL):
    return _ok(_t("6F", _t("84", aid) + _t("A5", _t("50", b"UnionPay") + _t("9F38", pdol))))


def _gpo(ttq="22804000", amount="000000012345", number=_UN):
    return "80A80000 23 8321" + ttq + amount + "000000000000 0156 0000000000 0156 260314 00" + number + "00"


def _answer(kind="80", iad="07010103A0000001", ctq="0000"):
    body = _t("82", "2000") + _t("94", "08010100") + _t("9F36", "0001") + _t("9F26", "0011223344556677")
    body += _t("9F10", iad) + _t("9F27", kind) + _t("9F6C", ctq) + _t("5F34", "01")
    return _ok(_t("77", body))


_RECORD = _ok(_t("70", _t("57", _TRACK) + _t("5A", "6212340000000018") + _t("5F24", "301231")))


def _script(answer=None, ttq="22804000", amount="000000012345"):
    return [
        (_PPSE, _directory((_DEBIT, 1))),
        (_select(_DEBIT), _fci(_DEBIT)),
        (_gpo(ttq, amount), answer or _answer()),
        ("00B2010C00", _RECORD),
    ]


def _parameters():
    """The unix board's, of a reader of one scheme that is always online, without keys and without PIN."""
    parameters = load(path("boards/unix/parameters.json"))
    parameters.contactless = parameters.contactless[:3]
    for row in parameters.contactless:
        row.ttq = h("22004000")
        row.floor_limit = 0
    return parameters


_PARAMETERS = _parameters()


async def _run(script, data=None, amount=12345, entropy=_UN):
    entry = EntryPoint(_PARAMETERS, FixedEntropy(h(entropy)))
    tx = entry.pre_process(amount, 156, _TIME, 42)
    card = ScriptedCard(script)
    data = data or DataStore(1536)
    result = await entry.run(card.transmit, tx, data)
    card.done()
    return result


def _is_wiped(data):
    return data.used == 0 and not any(bytes(data._view))


async def test_an_online_request():
    data = DataStore(1536)
    result = await _run(_script(), data)
    assert (result.code, result.cvm, result.reason) == (outcome.ONLINE_REQUEST, outcome.CVM_NONE, 0)
    out = bytearray(255)
    n = icc_data_into(data, out)
    assert bytes(out[:n]) == h(
        "9F2608 0011223344556677 9F2701 80 9F1008 07010103A0000001 9F3704 A1B2C3D4 9F3602 0001 9505 0000000000"
        "9A03 260314 9C01 00 9F0206 000000012345 5F2A02 0156 8202 2000 9F1A02 0156 9F0306 000000000000"
        "9F3303 E0F8C8 9F3403 1F0002 9F3501 22 9F1E08 3030303030303031 8408 A000000333010101 9F0902 0030"
        "9F4104 00000042"
    )
    assert data.get(0x57) == h(_TRACK)
    assert data.get(0x5A) == h("6212340000000018")
    assert data.get(0x5F24) == h("301231") and data.get(0x5F34) == h("01")
    # a transaction fits with room to spare: the bound is 1,536 bytes
    assert data.used < 500, data.used


async def test_a_store_at_its_bound():
    data = DataStore(1536)
    await _run(_script(), data)
    used = data.used
    exact = DataStore(used)
    assert (await _run(_script(), exact)).code == outcome.ONLINE_REQUEST
    for capacity in (used - 1, used - 30, used // 2, 1):
        entry = EntryPoint(_PARAMETERS, FixedEntropy(h(_UN)))
        tx = entry.pre_process(12345, 156, _TIME, 42)
        small = DataStore(capacity)
        with raises(E_DATA_FULL):
            await entry.run(ScriptedCard(_script()).transmit, tx, small)
        assert _is_wiped(small)


# At every APDU: what the card's leaving, a missing status word and a refusal come to
@cases(0, 1, 2, 3)
async def test_the_card_leaves(at):
    data = DataStore(1536)
    script = _script()[: at + 1]
    script[at] = (script[at][0], None)
    with raises(E_CARD_REMOVED):
        await _run(script, data)
    assert _is_wiped(data)


@cases(0, 1, 2, 3)
async def test_no_status_word(at):
    data = DataStore(1536)
    script = _script()[: at + 1]
    script[at] = (script[at][0], "90")
    with raises(E_CARD_PROTOCOL):
        await _run(script, data)
    assert _is_wiped(data)


@requirement(
    "Book C-3", "5.2.2.2", "A status word other than 9000 chooses the outcome: 6984, 6985, 6986 and all others."
)
@cases(
    (0, "6A82", outcome.END_APPLICATION, E_NOT_PAYMENT),
    (0, "6A81", outcome.END_APPLICATION, E_NOT_PAYMENT),
    (0, "6283", outcome.END_APPLICATION, E_NOT_PAYMENT),
    (1, "6A82", outcome.END_APPLICATION, E_NOT_PAYMENT),
    (1, "6283", outcome.END_APPLICATION, E_NOT_PAYMENT),
    (2, "6984", outcome.TRY_ANOTHER_INTERFACE, E_STATUS_WORD),
    (2, "6985", outcome.END_APPLICATION, E_STATUS_WORD),
    (2, "6986", outcome.TRY_AGAIN, E_SEE_PHONE),
    (2, "6700", outcome.END_APPLICATION, E_STATUS_WORD),
    (3, "6A83", outcome.END_APPLICATION, E_STATUS_WORD),
    (3, "6982", outcome.END_APPLICATION, E_STATUS_WORD),
)
async def test_status_words(at, sw, code, reason):
    data = DataStore(1536)
    script = _script()[: at + 1]
    script[at] = (script[at][0], sw)
    result = await _run(script, data)
    assert (result.code, result.reason, result.detail) == (code, reason, int(sw, 16))
    assert _is_wiped(data)


async def test_every_response_cut_at_every_byte():
    data = DataStore(1536)
    for at in range(4):
        whole = _script()[at][1][:-2]
        for n in range(len(whole)):
            script = _script()[: at + 1]
            script[at] = (script[at][0], _ok(whole[:n]))
            code = 0
            try:
                await _run(script, data)
            except ReaderError as error:
                code = error.code
            assert code // 100 == 3, (at, n, code)
            assert data.used == 0


async def test_a_card_without_an_application_for_us():
    for directory in (_directory(), _directory(("A0000000031010", 1))):
        result = await _run([(_PPSE, directory)])
        assert (result.code, result.reason, result.detail) == (outcome.END_APPLICATION, E_NOT_PAYMENT, 0)


@requirement("Book B", "3.3.3", "A candidate that cannot be selected makes room for the next one.")
async def test_the_next_candidate_when_the_first_cannot_be_selected():
    result = await _run(
        [
            (_PPSE, _directory((_CREDIT, 2), (_DEBIT, 1))),
            (_select(_DEBIT), "6A82"),
            (_select(_CREDIT), _fci(_CREDIT)),
            (_gpo(), _answer()),
            ("00B2010C00", _RECORD),
        ]
    )
    assert result.code == outcome.ONLINE_REQUEST


@requirement("Book B", "3.5", "After Select Next the next candidate is selected, with a number of its own.")
async def test_select_next_starts_over_with_the_next_application():
    data = DataStore(1536)
    result = await _run(
        [
            (_PPSE, _directory((_DEBIT, 1), (_CREDIT, 2))),
            (_select(_DEBIT), _fci(_DEBIT)),
            (_gpo(), "6985"),
            (_select(_CREDIT), _fci(_CREDIT)),
            (_gpo(number="00000001"), _answer()),
            ("00B2010C00", _RECORD),
        ],
        data,
        entropy=_UN + "00000001",
    )
    assert result.code == outcome.ONLINE_REQUEST
    # nothing of the first application is left, and the number is a new one
    assert data.get(0x84) == h(_CREDIT)
    assert data.get(0x9F06) == h(_CREDIT)
    assert data.get(0x9F37) == h("00000001")


async def test_select_next_with_nothing_left():
    data = DataStore(1536)
    result = await _run(
        [
            (_PPSE, _directory((_DEBIT, 1), (_CREDIT, 2))),
            (_select(_DEBIT), _fci(_DEBIT, "9F0206")),
            (_select(_CREDIT), _fci(_CREDIT, "9F0206")),
        ],
        data,
        entropy=_UN + _UN,
    )
    assert (result.code, result.reason, result.detail) == (outcome.END_APPLICATION, E_TAG_MISSING, 0x9F66)
    assert _is_wiped(data)


@cases(
    ("00", "0701010380000001", E_CARD_DECLINED),
    ("40", "0701010390000001", E_OFFLINE_APPROVED),
)
async def test_declined(kind, iad, reason):
    data = DataStore(1536)
    result = await _run(_script(_answer(kind, iad)), data)
    assert (result.code, result.reason) == (outcome.DECLINED, reason)
    assert _is_wiped(data)


@cases(
    (99999, "22804000", "0000", outcome.ONLINE_REQUEST, outcome.CVM_NONE),
    (100000, "22C04000", "4000", outcome.ONLINE_REQUEST, outcome.CVM_SIGNATURE),
    (100000, "22C04000", "0080", outcome.ONLINE_REQUEST, outcome.CVM_CONFIRMATION_CODE),
    (100000, "22C04000", "8000", outcome.END_APPLICATION, outcome.CVM_NOT_APPLICABLE),
    (0, "22804000", "0000", outcome.ONLINE_REQUEST, outcome.CVM_NONE),
)
async def test_amounts_and_verification(amount, ttq, ctq, code, cvm):
    result = await _run(_script(_answer(ctq=ctq), ttq, f"{amount:012d}"), amount=amount)
    assert (result.code, result.cvm) == (code, cvm)
    assert result.reason == (0 if code == outcome.ONLINE_REQUEST else E_CVM)


def test_an_amount_over_every_limit():
    entry = EntryPoint(_PARAMETERS, FixedEntropy(b""))
    result = entry.pre_process(5000000, 156, _TIME, 42)
    assert (result.code, result.reason) == (outcome.TRY_ANOTHER_INTERFACE, E_CONTACTLESS_LIMIT)
    with raises(E_AMOUNT):
        entry.pre_process(100, 840, _TIME, 42)


async def test_no_entropy():
    entry = EntryPoint(_PARAMETERS, FixedEntropy(None))
    tx = entry.pre_process(12345, 156, _TIME, 42)
    card = ScriptedCard(_script()[:2])
    data = DataStore(1536)
    with raises(E_ENTROPY):
        await entry.run(card.transmit, tx, data)
    card.done()
    assert _is_wiped(data)


async def test_a_kernel_that_is_not_in_the_firmware():
    parameters = _parameters()
    for row in parameters.contactless:
        row.kernel = 2
    # Known before a card is asked for
    with raises(E_INTERNAL):
        EntryPoint(parameters, FixedEntropy(h(_UN)))


async def test_cancelled_in_the_middle():
    data = DataStore(1536)
    card = ScriptedCard(_script())
    seen = []

    async def transmit(c_apdu):
        # the last command never comes back; what it is in is remembered
        seen.append(c_apdu)
        if len(seen) == 4:
            await asyncio.Event().wait()
        return await card.transmit(c_apdu)

    entry = EntryPoint(_PARAMETERS, FixedEntropy(h(_UN)))
    tx = entry.pre_process(12345, 156, _TIME, 42)
    task = asyncio.create_task(entry.run(transmit, tx, data))
    while len(seen) < 4:
        await asyncio.sleep(0)
    assert data.get(0x9F26) is not None
    task.cancel()
    try:
        await task
        raise AssertionError("the task went on")
    except asyncio.CancelledError:
        pass
    assert _is_wiped(data)
    assert not any(bytes(seen[0]))
