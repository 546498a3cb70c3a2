"""Application selection: EMV 4.4 Book 1, 12. The conversations with openemv's names are those of emv-utils,
tests/emv_build_candidate_list_test.c and tests/emv_select_application_test.c, without their GET RESPONSE."""

from contact_session import (
    AIDS,
    ELECTRON,
    MAESTRO,
    MASTERCARD,
    NOT_FOUND,
    PSE,
    V_PAY,
    VISA,
    Cardholder,
    ok,
    select,
    session,
    t,
)

from reader.emv.contact import application_selection
from reader.errors import (
    E_APPLICATION_BLOCKED,
    E_CANCELLED,
    E_CARD_BLOCKED,
    E_CARD_REMOVED,
    E_NOT_PAYMENT,
)
from reader.outcome import END_APPLICATION, TRY_ANOTHER_INTERFACE
from testing import cases, h, raises, requirement

_PSE_NAME = b"1PAY.SYS.DDF01"
_PSE_FCI = "6F20 840E 315041592E5359532E4444463031 A50E 880101 5F2D04 6E6C656E 9F110101"
_NO_MORE = "6A83"


def _read(number, sfi=1):
    return bytes((0, 0xB2, number, sfi << 3 | 4, 0))


def _directory(*records):
    """The card's whole directory, record by record."""
    script = [(PSE, ok(_PSE_FCI))]
    for i in range(len(records)):
        script.append((_read(i + 1), ok(records[i])))
    script.append((_read(len(records) + 1), _NO_MORE))
    return script


def _entry(name, label=b"APP", priority=None, more=b""):
    parts = [t("4F", name), t("50", label)]
    if priority is not None:
        parts.append(t("87", priority))
    return t("61", *(parts + [more]))


def _nothing_by_aids(*found):
    """The conversation of the list of AIDs; `found`: (aid, response)."""
    script = []
    for aid, _ in AIDS:
        response = NOT_FOUND
        for name, answer in found:
            if name == aid:
                response = answer
        script.append((select(aid), response))
    return script


def _fci(name, *parts):
    return ok(t("6F", t("84", name), t("A5", *parts)))


async def _build(script, **more):
    s, card = session(script, **more)
    candidates = await application_selection.build(s)
    card.done()
    return candidates


async def _outcome(script, cardholder=None):
    s, card = session(script, cardholder)
    outcome = await application_selection.select(s, await application_selection.build(s))
    card.done()
    return None if outcome is None else (outcome.code, outcome.reason, outcome.detail)


def _names(candidates):
    return [name for _, name, _ in candidates.list]


def _labels(candidates):
    return [label for _, _, label in candidates.list]


# --- 12.3.2: the card's directory


@requirement("Book 1", "12.3.2", "Status 6A81 on the directory: the card is blocked, the session ends.")
async def test_openemv_pse_card_blocked():
    assert await _outcome([(PSE, "6A81")]) == (END_APPLICATION, E_CARD_BLOCKED, 0x6A81)


@requirement("Book 1", "12.3.2", "A card without a directory (6A82) is asked for each AID of the reader.")
@requirement("Book 1", "12.4", "Without an application in common the transaction does not go on.")
async def test_openemv_nothing_found():
    script = [(PSE, NOT_FOUND)] + _nothing_by_aids()
    assert await _outcome(script) == (TRY_ANOTHER_INTERFACE, E_NOT_PAYMENT, 0)


@requirement("Book 1", "12.3.2", "A blocked directory (6283) is not read: the reader asks for its AIDs.")
async def test_openemv_pse_blocked():
    script = [(PSE, h(_PSE_FCI) + h("6283"))] + _nothing_by_aids()
    assert await _outcome(script) == (TRY_ANOTHER_INTERFACE, E_NOT_PAYMENT, 0)


@requirement("Book 1", "12.3.2", "Any other status word on the directory leads to the reader's AIDs.")
@cases("6283", "6D00", "6A86", "6985", "6300", "9001")
async def test_a_directory_that_does_not_answer(sw):
    candidates = await _build([(PSE, sw)] + _nothing_by_aids((V_PAY, _fci(V_PAY, t("50", b"V PAY")))))
    assert _names(candidates) == [V_PAY]


@requirement("Book 1", "12.3.2", "A directory without an application in common leads to the reader's AIDs.")
async def test_openemv_pse_app_not_supported():
    record = "7029 6127 4F07A0000000033030 500B 56495341 20 435245444954 870101 9F120B 56495341 20 435245444954"
    script = _directory(record) + _nothing_by_aids()
    assert await _outcome(script) == (TRY_ANOTHER_INTERFACE, E_NOT_PAYMENT, 0)


@requirement("Book 1", "12.3.2", "The directory is read from record 1 until the card says 6A83.")
@requirement("Book 1", "12.3.2", "An entry of the directory that the reader has as well becomes a candidate.")
async def test_openemv_pse_app_supported():
    record = "7029 6127 4F07A0000000031010 500B 56495341 20 435245444954 870101 9F120B 56495341 20 435245444954"
    candidates = await _build(_directory(record))
    assert candidates.list == [(1, VISA, b"VISA CREDIT")]


@requirement("Book 1", "12.2.3", "A record of the directory may have several entries.")
async def test_openemv_pse_multi_app_supported():
    record = (
        "7044 6120 4F07A0000000032020 5005 5620504159 870101 730B 9F0A08 0001050100000000"
        "6120 4F07A0000000032010 5005 5620504159 870102 730B 9F0A08 0001050100000000"
    )
    candidates = await _build(_directory(record))
    assert _names(candidates) == [V_PAY, ELECTRON]


_OPENEMV_SORTED = (
    "7046 6121 4F08A000000003101005 5005 4150502035 870105 730B 9F0A08 0001050100000000"
    "6121 4F08A000000003101003 5005 4150502033 870104 730B 9F0A08 0001050100000000",
    # without priorities, and one that the reader has not
    "7036 6119 4F07A0000000051010 5005 4150502038 7307 9F0A04 00010104"
    "6119 4F07A0000000041010 5005 4150502037 7307 9F0A04 00010104",
    "7046 6121 4F08A000000003101001 5005 4150502031 870101 730B 9F0A08 0001050100000000"
    "6121 4F08A000000003101006 5005 4150502036 870107 730B 9F0A08 0001050100000000",
    "7046 6121 4F08A000000003101002 5005 4150502032 870101 730B 9F0A08 0001050100000000"
    "6121 4F08A000000003101004 5005 4150502034 870104 730B 9F0A08 0001050100000000",
)


async def test_openemv_sorted_app_priority():
    candidates = await _build(_directory(*_OPENEMV_SORTED))
    assert _labels(candidates) == [b"APP %d" % i for i in range(1, 8)]


@requirement("Book 1", "12.2.3", "What is no application template is ignored in a record of the directory.")
async def test_other_things_in_the_directory():
    record = t("70", t("9F7D", "00"), t("9D", b"ADDF1"), _entry(VISA), t("73", t("9F0A", "00")), t("61"))
    entries_without_a_name = t("70", t("61", t("50", b"NONE")), _entry(h("A0000003")), _entry(bytes(17)))
    assert _names(await _build(_directory(t("70"), entries_without_a_name, record))) == [VISA]


@requirement("Book 1", "12.3.2", "A malformed record ends the use of the directory.")
@cases("", "61094F07A0000000031010", "70", "7002", "700261", "70036102 4F", "7003610150 00FF", "70006100")
async def test_a_malformed_record(record):
    good = _directory(t("70", _entry(MASTERCARD)))[:2]
    script = good + [(_read(2), ok(record))] + _nothing_by_aids((VISA, _fci(VISA)))
    assert _names(await _build(script)) == [VISA]


async def test_an_entry_that_says_something_twice():
    twice = t("70", t("61", t("4F", VISA), t("4F", MASTERCARD)))
    script = [(PSE, ok(_PSE_FCI)), (_read(1), ok(twice))] + _nothing_by_aids()
    assert _names(await _build(script)) == []


@requirement("Book 1", "12.3.2", "A status word other than 9000 and 6A83 ends the use of the directory.")
@cases("6A82", "6985", "6283", "6700", "6982")
async def test_a_record_that_cannot_be_read(sw):
    script = _directory(t("70", _entry(MASTERCARD)))[:2] + [(_read(2), sw)] + _nothing_by_aids()
    assert _names(await _build(script)) == []


@requirement("Book 1", "12.2.2", "The directory is a file from 1 to 10.")
@cases(
    "6F20 840E 315041592E5359532E4444463031 A50E 880100 5F2D04 6E6C656E 9F110101",
    "6F20 840E 315041592E5359532E4444463031 A50E 88010B 5F2D04 6E6C656E 9F110101",
    "6F15 840E 315041592E5359532E4444463031 A503 8801 FF",
    "6F16 840E 315041592E5359532E4444463031 A504 88020101",
    "6F13 840E 315041592E5359532E4444463031 A501 88",
    "6F12 840E 315041592E5359532E4444463031 A500",
    "6F15 840E 325041592E5359532E4444463031 A503 880101",
    "6F10 840E 315041592E5359532E4444463031",
    "6F05 A503 880101",
    "A503 880101",
    "",
)
async def test_a_malformed_directory_fci(fci):
    assert _names(await _build([(PSE, ok(fci))] + _nothing_by_aids())) == []


async def test_the_directory_may_be_in_any_file():
    fci = t("6F", t("84", _PSE_NAME), t("A5", t("88", "0A")))
    script = [(PSE, ok(fci)), (_read(1, 10), ok(t("70", _entry(VISA)))), (_read(2, 10), _NO_MORE)]
    candidates = await _build(script)
    assert _names(candidates) == [VISA]


async def test_a_directory_without_end():
    script = [(PSE, ok(_PSE_FCI))]
    for number in range(1, 33):
        script.append((_read(number), ok(t("70", _entry(VISA)))))
    assert _names(await _build(script + _nothing_by_aids())) == []


@requirement("Book 1", "12.2.2", "The code table of the directory is that of its preferred names.")
@cases(("01", b"Mein Konto"), ("02", b"APP"))
async def test_the_code_table_of_the_directory(table, label):
    fci = t("6F", t("84", _PSE_NAME), t("A5", t("88", "01"), t("9F11", table)))
    record = t("70", _entry(VISA, more=t("9F12", b"Mein Konto")))
    script = [(PSE, ok(fci)), (_read(1), ok(record)), (_read(2), _NO_MORE)]
    assert _labels(await _build(script)) == [label]


# --- 12.3.3: the reader's AIDs


@requirement("Book 1", "12.3.3", "Status 6A81 on an AID: the card is blocked, the session ends.")
async def test_openemv_aid_card_blocked():
    script = [(PSE, NOT_FOUND), (select(VISA), "6A81")]
    assert await _outcome(script) == (END_APPLICATION, E_CARD_BLOCKED, 0x6A81)
    # whatever was found before
    found = [(select(aid), _fci(aid)) for aid in (VISA, ELECTRON)]
    script = [(PSE, NOT_FOUND)] + found + [(select(V_PAY), "6A81")]
    assert await _outcome(script) == (END_APPLICATION, E_CARD_BLOCKED, 0x6A81)


@requirement("Book 1", "12.3.3", "An application that is blocked (6283) is no candidate.")
async def test_openemv_aid_blocked():
    fci = (
        "6F2F 8407A0000000032020 A524 5005 5620504159 870101 5F2D04 6E6C656E BF0C10 9F4D020B05 9F0A08 0001050100000000"
    )
    script = [(PSE, NOT_FOUND)] + _nothing_by_aids((V_PAY, h(fci) + h("6283")))
    assert await _outcome(script) == (END_APPLICATION, E_APPLICATION_BLOCKED, 0x6283)


@requirement("Book 1", "12.3.3", "The reader asks for each of its AIDs, whatever the card answered to those before.")
async def test_openemv_aid_multi_exact_match_app_supported():
    fci = (
        "6F2F 8407A00000000320%s A524 5005 5620504159 8701%s 5F2D04 6E6C656E BF0C10 9F4D020B05 9F0A08 0001050100000000"
    )
    script = [(PSE, NOT_FOUND)] + _nothing_by_aids((ELECTRON, ok(fci % ("10", "02"))), (V_PAY, ok(fci % ("20", "01"))))
    candidates = await _build(script)
    assert candidates.list == [(1, V_PAY, b"V PAY"), (2, ELECTRON, b"V PAY")]


_OPENEMV_PARTIAL = (
    "6F45 8408A0000000041010%s A539 5009 4D4320435245444954 5F2D04 6E6C656E 8701%s 9F110101 9F120A 4D415354455243415244"
    "BF0C10 9F4D020B0A 9F0A08 0001050200000000"
)


@requirement("Book 1", "12.3.3", "After a match with the beginning of a name the next occurrence is asked for.")
async def test_openemv_aid_multi_partial_match_app_supported():
    script = [(PSE, NOT_FOUND)] + _nothing_by_aids((MASTERCARD, ok(_OPENEMV_PARTIAL % ("10", "01"))))
    script.insert(5, (select(MASTERCARD, True), ok(_OPENEMV_PARTIAL % ("20", "02"))))
    script.insert(6, (select(MASTERCARD, True), NOT_FOUND))
    candidates = await _build(script)
    assert candidates.list == [(1, MASTERCARD + b"\x10", b"MASTERCARD"), (2, MASTERCARD + b"\x20", b"MASTERCARD")]


@requirement("Book 1", "12.3.3", "After a blocked application with a longer name the next occurrence is asked for.")
@cases("data", "none")
async def test_a_blocked_one_among_several(kind):
    first = h(_OPENEMV_PARTIAL % ("10", "01")) if kind == "data" else b""
    script = [(PSE, NOT_FOUND)] + _nothing_by_aids((MASTERCARD, first + h("6283")))
    script.insert(5, (select(MASTERCARD, True), ok(_OPENEMV_PARTIAL % ("20", "02"))))
    script.insert(6, (select(MASTERCARD, True), NOT_FOUND))
    candidates = await _build(script)
    assert _names(candidates) == [MASTERCARD + b"\x20"] and candidates.blocked


def _then(script, name, *answers):
    """The script with these answers to SELECT of the next occurrences of `name`, behind the first."""
    at = [command for command, _ in script].index(select(name)) + 1
    return script[:at] + [(select(name, True), answer) for answer in answers] + script[at:]


@requirement("Book 1", "12.3.3", "A longer name is no candidate where the reader wants the whole of it.")
async def test_a_longer_name_that_is_not_wanted():
    script = [(PSE, NOT_FOUND)] + _nothing_by_aids((ELECTRON, _fci(ELECTRON + b"\1")))
    assert _names(await _build(_then(script, ELECTRON, NOT_FOUND))) == []
    script = [(PSE, NOT_FOUND)] + _nothing_by_aids((ELECTRON, _fci(ELECTRON + b"\1")[:-2] + h("6283")))
    assert not (await _build(_then(script, ELECTRON, NOT_FOUND))).blocked


@requirement("Book 1", "12.3.3", "Behind a longer name that is not wanted the next occurrence is asked for.")
async def test_the_whole_name_behind_a_longer_one():
    script = [(PSE, NOT_FOUND)] + _nothing_by_aids((ELECTRON, _fci(ELECTRON + b"\1")))
    assert _names(await _build(_then(script, ELECTRON, _fci(ELECTRON)))) == [ELECTRON]


@requirement("Book 1", "12.3.3", "An application with a malformed FCI is no candidate.")
@cases(
    "",
    "6F",
    "6F00",
    "6F09 8407 A0000000043060",
    "6F02A500",
    "6F0B 8407 A0000000041010 A500",
    "6F08 8404 A0000000 A500",
    "6F0D 8407 A0000000043060 A502 5001",
    "6F11 8407 A0000000043060 A506 500141 500142",
    "77098407A0000000043060",
)
async def test_a_malformed_fci(fci):
    assert _names(await _build([(PSE, NOT_FOUND)] + _nothing_by_aids((MAESTRO, ok(fci))))) == []


async def test_a_card_that_always_has_another_one():
    script = [(PSE, NOT_FOUND)] + _nothing_by_aids((VISA, _fci(VISA + b"\0")))
    for i in range(1, 10):
        script.insert(1 + i, (select(VISA, True), _fci(VISA + bytes((i,)))))
    assert len((await _build(script)).list) == 10


async def test_one_application_for_two_aids():
    aids = ((VISA[:5], True), (VISA, False))
    script = [
        (PSE, NOT_FOUND),
        (select(VISA[:5]), _fci(VISA)),
        (select(VISA[:5], True), "6A81"),  # a card that knows no next one
        (select(VISA), _fci(VISA)),
    ]
    assert _names(await _build(script, aids=aids)) == [VISA]


# --- 12.4: the choice, and the final selection


def _chosen(name):
    return (select(name), _fci(name, t("50", b"APP")))


@requirement("Book 1", "12.4", "The only candidate is selected without asking.")
@requirement("Book 1", "12.4", "The application is selected by its whole name.")
async def test_the_only_candidate():
    name = VISA + b"\1"
    fci = _fci(name, t("50", b"VISA"), t("9F38", "9F0206"), t("BF0C", t("9F4D", "0B0A")), t("9F12", b"Visa"))
    s, card = session(_directory(t("70", _entry(name))) + [(select(name), fci)])
    candidates = await application_selection.build(s)
    assert await application_selection.select(s, candidates) is None
    card.done()
    assert s.application.aid == VISA
    assert s.data.get(0x84) == name and s.data.get(0x50) == b"VISA" and s.data.get(0x9F12) == b"Visa"
    assert s.data.get(0x9F38) == h("9F0206") and s.data.get(0x9F4D) is None
    assert s.fci[:6] == h("5004") + b"VISA"
    # 6985 of the processing options, and nothing is left
    outcome = await application_selection.select(s, candidates)
    assert (outcome.code, outcome.reason, outcome.detail) == (END_APPLICATION, E_NOT_PAYMENT, 0x6985)


@requirement("Book 1", "12.4", "The only candidate that wants a confirmation is selected after it.")
@requirement("Book 1", "12.4", "The session ends when the cardholder does not confirm the only candidate.")
async def test_openemv_app_cardholder_confirmation():
    record = "7029 6127 4F07A0000000031010 500B 56495341 20 435245444954 870181 9F120B 56495341 20 435245444954"
    yes = Cardholder(True)
    assert await _outcome(_directory(record) + [_chosen(VISA)], yes) is None
    assert yes.asked == [b"VISA CREDIT"]
    assert await _outcome(_directory(record), Cardholder(False)) == (END_APPLICATION, E_CANCELLED, 0)


@requirement("Book 1", "12.4", "The cardholder chooses among several candidates, which stand in their order.")
@requirement("Book 1", "12.4", "The session ends when the cardholder chooses none.")
async def test_the_choice():
    names = [VISA + bytes((i,)) for i in (1, 2, 3)]
    record = t("70", _entry(names[2], b"C", "03"), _entry(names[0], b"A", "81"), _entry(names[1], b"B", "02"))
    second = Cardholder(1)
    assert await _outcome(_directory(record) + [_chosen(names[1])], second) is None
    assert second.asked == [[b"A", b"B", b"C"]]
    # who chooses has confirmed
    assert await _outcome(_directory(record) + [_chosen(names[0])], Cardholder(0)) is None
    assert await _outcome(_directory(record), Cardholder(-1)) == (END_APPLICATION, E_CANCELLED, 0)


@requirement(
    "Book 1", "12.4", "An application that cannot be selected is taken off the list, and the choice comes again."
)
@requirement("Book 1", "12.4", "An application whose FCI is malformed or names another one is taken off the list.")
async def test_openemv_failures_of_the_final_selection():
    name = [VISA + bytes((i,)) for i in range(7)]
    invalid = "6F1D 8508 A000000003101005 A511 5005 5620504159 870101 5F2D04 6E6C656E"
    other = "6F1D 8408 A000000003101005 A511 5005 5620504159 870101 5F2D04 6E6C656E"
    blocked = (
        "6F5D 8407A0000000041010 A552 5010 4445424954204D415354455243415244 9F1210 4465626974204D617374657243617264"
        "870101 9F110101 5F2D04 6E6C656E BF0C1C 9F5D03010000 9F0A0400010101 9F4D020B0A 9F6E07 05280000303000"
    )
    script = _directory(*_OPENEMV_SORTED) + [
        (select(name[1]), NOT_FOUND),
        (select(MASTERCARD), h(blocked) + h("6283")),
        (select(name[5]), ok(invalid)),
        (select(name[2]), ok(other)),
        (select(name[6]), ok(other)),
        (select(name[4]), "6985"),
        (select(name[3]), _fci(name[3])),
    ]
    # 1, then 7 of 2 to 7, then 5 of 2 to 6, then 2, then 6 of 3 4 6, then 4; the last one needs no choice
    cardholder = Cardholder(0, 5, 3, 0, 2, 1)
    assert await _outcome(script, cardholder) is None
    assert [len(labels) for labels in cardholder.asked] == [7, 6, 5, 4, 3, 2]


@requirement("Book 1", "12.4", "Status 6A81 on the final selection: the card is blocked, the session ends.")
async def test_openemv_card_blocked_at_the_final_selection():
    script = _directory(*_OPENEMV_SORTED) + [(select(VISA + b"\3"), "6A81")]
    assert await _outcome(script, Cardholder(2)) == (END_APPLICATION, E_CARD_BLOCKED, 0x6A81)


@requirement("Book 1", "12.4", "The transaction ends when no candidate can be selected.")
@cases((NOT_FOUND, E_NOT_PAYMENT, 0x6A82), ("6283", E_APPLICATION_BLOCKED, 0x6283), ("6F009000", E_NOT_PAYMENT, 0x9000))
async def test_no_candidate_left(response, reason, detail):
    script = _directory(t("70", _entry(VISA))) + [(select(VISA), response)]
    assert await _outcome(script) == (END_APPLICATION, reason, detail)


@cases("50025041 500141", "870200", "9F1101AA", "9F1200", "5F2D01", "9F38")
async def test_data_objects_of_the_wrong_format(inner):
    s, card = session(_directory(t("70", _entry(VISA))) + [(select(VISA), _fci(VISA, inner))])
    outcome = await application_selection.select(s, await application_selection.build(s))
    card.done()
    assert outcome.reason == E_NOT_PAYMENT and s.data.used == 0


async def test_after_a_successful_selection_the_others_are_left():
    s, card = session(_directory(*_OPENEMV_SORTED) + [_chosen(VISA + b"\3"), _chosen(VISA + b"\4")], Cardholder(2, 2))
    candidates = await application_selection.build(s)
    assert await application_selection.select(s, candidates) is None
    assert _labels(candidates) == [b"APP %d" % i for i in (1, 2, 4, 5, 6, 7)]
    s.data.wipe()
    assert await application_selection.select(s, candidates) is None
    assert _labels(candidates) == [b"APP %d" % i for i in (1, 2, 5, 6, 7)]
    assert s.data.get(0x84) == VISA + b"\4"
    card.done()


async def test_an_application_that_the_tables_have_no_more():
    s, card = session(_directory(t("70", _entry(VISA))) + [_chosen(VISA)])
    candidates = await application_selection.build(s)
    s.tables.application = lambda name: None
    outcome = await application_selection.select(s, candidates)
    card.done()
    assert outcome.reason == E_NOT_PAYMENT and s.data.used == 0


@cases(0, 1, 2, 3)
async def test_the_card_leaves(at):
    script = _directory(t("70", _entry(VISA))) + [_chosen(VISA)]
    script = script[:at] + [(script[at][0], None)]
    with raises(E_CARD_REMOVED):
        await _outcome(script)


async def test_whatever_the_card_answers():
    names = (VISA, MASTERCARD + b"\x10")
    answers = {
        h(PSE): ok(_PSE_FCI),
        _read(1): ok(t("70", _entry(VISA, b"V", "81"), _entry(names[1], b"M", "02"))),
        select(VISA): _fci(VISA, t("50", b"V"), t("87", "81"), t("9F38", "9F0206")),
        select(names[1]): _fci(names[1], t("50", b"M")),
        select(MASTERCARD): ok(_OPENEMV_PARTIAL % ("10", "01")),
    }
    state = 0x2545F491
    good = 0
    sent = [0]
    changed: dict = {}

    async def transmit(c_apdu):
        command = bytes(c_apdu)
        sent[0] += 1
        assert sent[0] < 100, "no end"
        return memoryview(changed.get(command, h("6A83" if command[1] == 0xB2 else NOT_FOUND)))

    for _ in range(500):
        for command in answers:
            answer = bytearray(answers[command])
            state ^= state << 13 & 0xFFFFFFFF
            state ^= state >> 17
            state = (state ^ state << 5) & 0xFFFFFFFF
            answer[(state >> 3) % len(answer)] = state >> 16 & 0xFF
            changed[command] = answer
        sent[0] = 0
        s, _ = session([], Cardholder(*([True] * 4)))
        s.commands._transmit = transmit
        # whatever it is, it is an outcome and no exception
        outcome = await application_selection.select(s, await application_selection.build(s))
        if outcome is None:
            good += 1
            assert s.application is not None and len(s.data.get(0x84)) >= 7
    assert 50 < good < 450, good
