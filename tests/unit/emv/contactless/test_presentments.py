"""More than one presentment in a transaction: a card that left too early, issuer update, and what is unloaded between."""

import sys

from reader import outcome
from reader.emv.contactless.entry_point import EntryPoint
from reader.emv.data import DataStore
from reader.errors import (
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_NOT_PAYMENT,
    E_ODA,
    E_SEE_PHONE,
    E_STATUS_WORD,
    E_TLV,
    E_TORN,
    ReaderError,
)
from testing import FixedEntropy, ScriptedCard, cases, h, raises, requirement

_TIME = (2026, 3, 14, 15, 9, 26)
_QUICKPASS = "A000000333010101"
_VISA = "A0000000031010"
_PPSE = "00A404000E325041592E5359532E444446303100"
_TRACK = "6212340000000018D301220100000000000F"
_GET_ATC = "80CA9F3600"
_GET_BALANCE = "80CA9F7900"
_FIRST = "00B2010C00"
_LAST = "00B2020C00"


class _Row:
    transaction_limit = None
    cvm_limit = None
    floor_limit = 20000
    status_check = False
    zero_amount = True
    extended_selection = False
    pan_ranges = None
    application_version = b"\x00\x30"

    def __init__(self, aid, kernel, ttq):
        self.aid = h(aid)
        self.kernel = kernel
        self.ttq = h(ttq)


class _Terminal:
    country = currency = 156
    exponent = 2
    type = 22
    category = 5999
    capabilities = b"\xe0\xf8\xc8"
    additional_capabilities = bytes(5)
    merchant = "104110058120001"
    id = serial = "00000001"
    name = "X"


class _Parameters:
    terminal = _Terminal
    contactless = (_Row(_QUICKPASS, 7, "26004080"), _Row(_VISA, 3, "2200C000"))


def _t(tag, value):
    value = h(value)
    n = len(value)
    return h(tag) + (bytes((n,)) if n < 128 else bytes((0x81, n))) + value


def _ok(response):
    return response + h("9000")


def _select(aid):
    return f"00A40400{len(aid) // 2:02X}{aid}00"


def _directory(*aids):
    return _ok(_t("6F", _t("A5", _t("BF0C", b"".join([_t("61", _t("4F", aid)) for aid in aids])))))


def _fci(aid):
    return _ok(_t("6F", _t("84", aid) + _t("A5", _t("9F38", "9F6604 9F3704"))))


def _gpo(ttq, number):
    return "80A80000 0A 8308" + ttq + number + "00"


def _answer(kind, iad, atc="0007", more=b""):
    body = _t("82", "0000") + _t("94", "08010200") + _t("9F36", atc) + _t("9F26", "0011223344556677")
    return _ok(_t("77", body + _t("9F10", iad) + _t("9F27", kind) + more))


_ONE = _ok(_t("70", _t("57", _TRACK)))
_TWO = _ok(_t("70", _t("5A", "6212340000000018") + _t("5F24", "301231")))
_TC = _answer("40", "0701010390000001", more=_t("9F5D", "000000001000"))
_ARQC = _answer("80", "07010103A0000001", "0008")


def _begin(aid=_QUICKPASS, ttq="22004080", answer=_TC, number="00000001"):
    return [(_PPSE, _directory(aid)), (_select(aid), _fci(aid)), (_gpo(ttq, number), answer)]


class _NoKeys:
    """Tables that nobody asks for a key: what the signature is worth is said below."""

    def is_excepted(self, pan, sequence):
        return False


class _World:
    """One transaction, each presentment with a script of its own. The card's signature holds: it is not looked at."""

    def __init__(self, amount=1234, entropy="00000001 00000002 00000003"):
        self.entry = EntryPoint(_Parameters, FixedEntropy(h(entropy)), _NoKeys())
        self.tx = self.entry.pre_process(amount, 156, _TIME, 42)
        self.data = DataStore(1536)
        self.holds = True

    async def present(self, script):
        from reader.emv.contactless import fdda

        fdda.verify = lambda s, with_version_0: self.holds
        card = ScriptedCard(script)
        try:
            return await self.entry.run(card.transmit, self.tx, self.data)
        finally:
            card.done()

    async def tear(self, script, code=E_CARD_REMOVED):
        with raises(code):
            await self.present(script)
        assert self.data.used == 0


async def test_whole():
    world = _World()
    result = await world.present(_begin() + [(_FIRST, _ONE), (_LAST, _TWO)])
    assert (result.code, result.ui[0]) == (outcome.APPROVED, outcome.MESSAGE_APPROVED)
    assert world.data.get(0x57) == h(_TRACK) and world.data.get(0x9F5D) == h("000000001000")
    assert not world.entry.is_torn and world.entry.torn_atc == -1


@requirement("PBOC 12", "Annex F", "A card that left at its last record gives its records again, and pays once.")
@cases(("9F3602 0007 9000", "9F7906 000000001000 9000"), ("9F3602 0007 9000", "6A88"))
async def test_torn_at_the_last_record(counter, balance):
    world = _World()
    await world.tear(_begin() + [(_FIRST, _ONE), (_LAST, None)])
    assert world.entry.is_torn and world.entry.torn_atc == 7
    # no GET PROCESSING OPTIONS, and no new number
    result = await world.present(
        [
            (_select(_QUICKPASS), _fci(_QUICKPASS)),
            (_GET_ATC, counter),
            (_GET_BALANCE, balance),
            (_FIRST, _ONE),
            (_LAST, _TWO),
        ]
    )
    assert result.code == outcome.APPROVED
    assert world.entry.torn_atc == -1
    data = world.data
    assert data.get(0x9F36) == h("0007") and data.get(0x9F26) == h("0011223344556677")
    assert data.get(0x9F37) == h("00000001") and data.get(0x9F02) == h("000000001234")
    assert data.get(0x5A) == h("6212340000000018")


@requirement("PBOC 12", "Annex F", "A card whose balance says that nothing was booked begins anew.")
async def test_torn_before_anything_was_booked():
    world = _World()
    await world.tear(_begin() + [(_FIRST, None)], E_CARD_REMOVED)
    assert world.entry.is_torn
    again = _begin(answer=_answer("40", "0701010390000001", "0008"), number="00000002")
    result = await world.present(
        [again[1], (_GET_ATC, "9F3602 0007 9000"), (_GET_BALANCE, "9F7906 000000002234 9000")]
        + again
        + [(_FIRST, _ONE), (_LAST, _TWO)]
    )
    assert result.code == outcome.APPROVED
    assert world.data.get(0x9F36) == h("0008")
    assert world.entry.torn_atc == -1


async def test_torn_before_the_last_record_of_a_card_without_balance():
    world = _World()
    await world.tear(_begin() + [(_FIRST, E_CARD_TIMEOUT)], E_CARD_TIMEOUT)
    again = _begin(answer=_ARQC, number="00000002")
    script = (
        again[1:2] + [(_GET_ATC, "9F3602 0007 9000"), (_GET_BALANCE, "6A88")] + again + [(_FIRST, _ONE), (_LAST, _TWO)]
    )
    assert (await world.present(script)).code == outcome.ONLINE_REQUEST


@requirement("PBOC 12", "Annex F", "While a card that may have paid is waited for, no other card pays.")
@cases("9F3602 0008 9000", "6A88", "9F3601 07 9000", "9F36 9000")
async def test_another_card(counter):
    world = _World()
    await world.tear(_begin() + [(_FIRST, _ONE), (_LAST, None)])
    script = [(_select(_QUICKPASS), _fci(_QUICKPASS)), (_GET_ATC, counter)]
    if counter == "9F3601 07 9000":
        script.append((_GET_BALANCE, "6A88"))
        script += [(_FIRST, _ONE), (_LAST, _TWO)]
        # the same number in fewer bytes is the same number
        assert (await world.present(script)).code == outcome.APPROVED
        return
    result = await world.present(script)
    assert (result.code, result.start, result.reason, result.detail) == (outcome.TRY_AGAIN, outcome.START_B, E_TORN, 7)
    assert result.ui_restart[0] == outcome.MESSAGE_PRESENT_AGAIN
    # one that does not even have the application
    result = await world.present([(_select(_QUICKPASS), "6A82")])
    assert (result.code, result.reason) == (outcome.TRY_AGAIN, E_TORN)
    assert world.entry.is_torn
    world.entry.wipe()
    assert world.entry.torn_atc == -1


async def test_torn_twice():
    world = _World()
    await world.tear(_begin() + [(_FIRST, _ONE), (_LAST, None)])
    again = [(_select(_QUICKPASS), _fci(_QUICKPASS))]
    again += [(_GET_ATC, "9F3602 0007 9000"), (_GET_BALANCE, "9F7906 000000001000 9000")]
    for at in range(1, 4):
        await world.tear(again[: at - 1] + [(again[at - 1][0], None)])
        assert world.entry.torn_atc == 7
    await world.tear(again + [(_FIRST, _ONE), (_LAST, None)])
    assert world.entry.torn_atc == 7
    assert (await world.present(again + [(_FIRST, _ONE), (_LAST, _TWO)])).code == outcome.APPROVED


async def test_a_card_that_does_not_give_its_records_again():
    world = _World()
    await world.tear(_begin() + [(_FIRST, _ONE), (_LAST, None)])
    again = [(_select(_QUICKPASS), _fci(_QUICKPASS))]
    again += [(_GET_ATC, "9F3602 0007 9000"), (_GET_BALANCE, "9F7906 000000001000 9000"), (_FIRST, "6985")]
    result = await world.present(again)
    assert (result.code, result.reason, result.detail) == (outcome.TRY_AGAIN, E_TORN, 7)
    assert world.entry.is_torn


async def test_what_comes_again_is_judged_like_any_other():
    world = _World()
    await world.tear(_begin() + [(_FIRST, _ONE), (_LAST, None)])
    world.holds = False
    again = [(_select(_QUICKPASS), _fci(_QUICKPASS))]
    again += [(_GET_ATC, "9F3602 0007 9000"), (_GET_BALANCE, "9F7906 000000001000 9000"), (_FIRST, _ONE), (_LAST, _TWO)]
    result = await world.present(again)
    assert (result.code, result.reason) == (outcome.DECLINED, E_ODA)
    assert world.entry.torn_atc == -1


# Before the answer, or without an approval in it, nothing can have been booked that the reader would have to ask about
@cases(
    [(_PPSE, None)],
    _begin()[:1] + [(_select(_QUICKPASS), None)],
    _begin()[:2] + [(_gpo("22004080", "00000001"), None)],
    _begin(answer=_ARQC) + [(_FIRST, None)],
    _begin(answer=_answer("00", "0701010380000001")) + [(_FIRST, None)],
)
async def test_nothing_to_wait_for(*script):
    world = _World()
    await world.tear(list(script))
    assert world.entry.torn_atc == -1
    # that a request to the issuer was cut off is told, and no more
    assert world.entry.is_torn is (len(script) == 4 and script[2][1] == _ARQC)


async def test_a_card_that_stays_and_talks_nonsense_is_not_torn():
    world = _World()
    await world.tear(_begin() + [(_FIRST, "7005 9000")], E_TLV)
    assert world.entry.torn_atc == -1


async def test_the_torn_card_of_kernel_3_begins_anew():
    world = _World()
    first = _begin(_VISA, "2200C000", _answer("40", "06010A03900000"))
    await world.tear(first + [(_FIRST, _ONE), (_LAST, None)])
    assert world.entry.torn_atc == 7
    second = _begin(_VISA, "2200C000", _answer("80", "06010A03A00000", "0008"), "00000002")
    script = (
        second[1:2]
        + [(_GET_ATC, "9F3602 0007 9000"), (_GET_BALANCE, "6A88")]
        + second
        + [(_FIRST, _ONE), (_LAST, _TWO)]
    )
    assert (await world.present(script)).code == outcome.ONLINE_REQUEST
    assert world.entry.torn_atc == -1


# --- the two kernels beside each other


@requirement("Book B", "3.4", "The kernels that the parameters name are loaded, and no other.")
async def test_only_the_kernels_that_the_parameters_name():
    names = ["reader.emv.contactless.kernel" + n + ".kernel" for n in ("3", "7")]
    for name in names:
        sys.modules.pop(name, None)

    class Visa:
        terminal = _Parameters.terminal
        contactless = [row for row in _Parameters.contactless if row.kernel == 3]

    entry = EntryPoint(Visa, FixedEntropy(h("00000001 00000002")), _NoKeys())
    assert [name in sys.modules for name in names] == [True, False]
    script = _begin(_VISA, "2200C000", _answer("80", "06010A03A00000")) + [(_FIRST, _ONE), (_LAST, _TWO)]
    card = ScriptedCard(script)
    tx = entry.pre_process(1234, 156, _TIME, 42)
    assert (await entry.run(card.transmit, tx, DataStore(1536))).code == outcome.ONLINE_REQUEST
    # While the host is asked it is gone too, with all that went before
    assert not any(name in sys.modules for name in names)
    assert "reader.emv.contactless.decision" not in sys.modules
    assert "reader.emv.contactless.initiate" not in sys.modules


@requirement("Book B", "3.5", "Select Next goes on with the next candidate, of whichever kernel.")
async def test_select_next_goes_to_the_other_kernel():
    world = _World()
    visa = _begin(_VISA, "2200C000", _answer("80", "06010A03A00000"), "00000002")
    script = (
        [(_PPSE, _directory(_QUICKPASS, _VISA))]
        + _begin(answer="6985")[1:]
        + visa[1:]
        + [(_FIRST, _ONE), (_LAST, _TWO)]
    )
    assert (await world.present(script)).code == outcome.ONLINE_REQUEST
    assert world.data.get(0x84) == h(_VISA)
    assert world.data.get(0x9F06) == h(_VISA)


async def test_see_phone_and_again():
    world = _World()
    result = await world.present(_begin(answer="6986"))
    assert (result.code, result.start, result.reason) == (outcome.TRY_AGAIN, outcome.START_B, E_SEE_PHONE)
    result = await world.present(_begin(answer=_ARQC, number="00000002") + [(_FIRST, _ONE), (_LAST, _TWO)])
    assert result.code == outcome.ONLINE_REQUEST


# --- issuer update

_UPDATE = h("8A023030 910A00112233445566773030 720B 8609 84DA000004AABBCCDD")
_PROOF = "00820000 0A 00112233445566773030"
_SCRIPT = "84DA000004AABBCCDD"


async def _world_with_update():
    world = _World()
    more = _t("9F6C", "0040")
    script = _begin(_VISA, "2200C000", _answer("80", "06010A03A00000", more=more)) + [(_FIRST, _ONE), (_LAST, _TWO)]
    result = await world.present(script)
    assert (result.code, result.start) == (outcome.ONLINE_REQUEST, outcome.START_B)
    assert world.entry.wants_update
    world.data.wipe()
    return world


async def _update(world, script, issuer_data=_UPDATE):
    card = ScriptedCard(script)
    result = await world.entry.update(card.transmit, world.tx, world.data, issuer_data)
    card.done()
    return result


@requirement("Book C-3", "5", "On its second presentment the card hears what its issuer has answered.")
async def test_issuer_update():
    world = await _world_with_update()
    result = await _update(world, [(_select(_VISA), _fci(_VISA)), (_PROOF, "9000"), (_SCRIPT, "9000")])
    assert result.code == outcome.APPROVED
    assert world.entry.script_results == h("20 00000000")
    assert not world.entry.wants_update


async def test_a_script_that_fails():
    world = await _world_with_update()
    await _update(world, [(_select(_VISA), _fci(_VISA)), (_PROOF, "9000"), (_SCRIPT, "6985")])
    assert world.entry.script_results == h("11 00000000")


async def test_an_issuer_that_the_card_does_not_believe():
    world = await _world_with_update()
    result = await _update(world, [(_select(_VISA), _fci(_VISA)), (_PROOF, "6300")])
    assert (result.code, result.reason, result.detail) == (outcome.END_APPLICATION, E_STATUS_WORD, 0x6300)
    assert world.entry.script_results == b""


async def test_another_card_instead():
    world = await _world_with_update()
    result = await _update(world, [(_select(_VISA), "6A82")])
    assert (result.code, result.reason) == (outcome.END_APPLICATION, E_NOT_PAYMENT)


@cases("", "8A023030", "72", "71")
async def test_an_answer_without_anything_for_the_card(issuer_data):
    world = await _world_with_update()
    assert await _update(world, [], h(issuer_data)) is None


async def test_two_proofs_are_none():
    world = await _world_with_update()
    proof = "9108 1122334455667788"
    script = [(_select(_VISA), _fci(_VISA)), (_SCRIPT, "9000")]
    result = await _update(world, script, h(proof) + h(proof) + h("710B 8609") + h(_SCRIPT))
    assert result.code == outcome.APPROVED


async def test_a_proof_of_the_wrong_length_is_not_sent():
    world = await _world_with_update()
    script = [(_select(_VISA), _fci(_VISA)), (_SCRIPT, "9000")]
    assert (await _update(world, script, h("910711223344556677 710B 8609") + h(_SCRIPT))).code == outcome.APPROVED


async def test_the_card_leaves_during_the_update():
    world = await _world_with_update()
    with raises(E_CARD_REMOVED):
        await _update(world, [(_select(_VISA), _fci(_VISA)), (_PROOF, "9000"), (_SCRIPT, None)])
    assert world.entry.script_results == h("11 00000000")
    assert not world.entry.wants_update


async def test_no_update_without_both_qualifiers():
    world = _World()
    script = _begin(_VISA, "2200C000", _answer("80", "06010A03A00000")) + [(_FIRST, _ONE), (_LAST, _TWO)]
    await world.present(script)
    assert not world.entry.wants_update


def test_the_kernels_of_the_table_are_there():
    from reader.emv.contactless import entry_point

    for number, _ in entry_point._KERNELS:
        module = entry_point._kernel(number)
        for name in ("run", "finish", "type_said", "unverified", "online", "RECOVERS", "SIGNS_NUMBER_ALONE"):
            assert hasattr(module, name), name
    with raises(899):
        entry_point._kernel(2)
    assert issubclass(ReaderError, Exception)
