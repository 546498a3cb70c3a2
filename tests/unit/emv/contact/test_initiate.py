"""Initiate application processing: EMV 4.4 Book 3, 10.1 and 6.5.8. The numbered cases are those of openemv emv-utils,
tests/emv_initiate_application_processing_test.c."""

from contact_session import VISA, Application, session, t

from reader.emv.contact import initiate
from reader.errors import (
    E_CARD_REMOVED,
    E_DATA_FULL,
    E_DOL,
    E_ENTROPY,
    E_STATUS_WORD,
    E_TAG_DUPLICATE,
    E_TAG_FORMAT,
    E_TAG_MISSING,
    E_TLV,
    ReaderError,
)
from reader.outcome import END_APPLICATION, SELECT_NEXT
from testing import FixedEntropy, cases, h, raises, requirement

_LABEL = "5005 4465626974"
_EMPTY = "80A80000 02 8300 00"
_FORMAT_1 = "800E 7800 080202001001040018010201"
_FORMAT_2 = "770E 82023900 94081801020120020400"


def _selected(script, fci=_LABEL, **more):
    s, card = session(script, **more)
    s.application = Application(VISA)
    s.fci = h(fci)
    return s, card


async def _run(script, fci=_LABEL, **more):
    s, card = _selected(script, fci, **more)
    outcome = await initiate.run(s)
    card.done()
    return s, outcome


@requirement("Book 3", "10.1", "A card without a PDOL gets a command template with nothing in it.")
@requirement("Book 3", "6.5.8.4", "Format 1 has the profile in its first two bytes and the file locator after them.")
async def test_1_no_pdol_and_format_1():
    s, outcome = await _run([(_EMPTY, _FORMAT_1 + "9000")])
    assert outcome is None and s.pdol_values == b""
    assert s.data.get(0x82) == h("7800") and s.data.get(0x94) == h("080202001001040018010201")


@requirement("Book 3", "6.5.8.4", "Format 2 is a template with profile and file locator among its data objects.")
async def test_2_no_pdol_and_format_2():
    s, outcome = await _run([(_EMPTY, _FORMAT_2 + "9000")])
    assert outcome is None
    assert s.data.get(0x82) == h("3900") and s.data.get(0x94) == h("1801020120020400")


@requirement("Book 3", "10.1", "Status 6985 means: not this application, and the selection goes on without it.")
async def test_3_status_6985():
    s, outcome = await _run([("80A80000 05 8303 E0F8C8 00", "6985")], _LABEL + "9F38039F3303")
    assert (outcome.code, outcome.reason, outcome.detail) == (SELECT_NEXT, E_STATUS_WORD, 0x6985)
    assert s.data.get(0x82) is None


@requirement("Book 3", "10.1", "The values that the PDOL asks for go into the command template 83.")
async def test_4_pdol_and_format_1():
    s, outcome = await _run([("80A80000 05 8303 E0F8C8 00", _FORMAT_1 + "9000")], _LABEL + "9F38039F3303")
    assert outcome is None and s.pdol_values == h("E0F8C8") and s.data.get(0x82) == h("7800")


async def test_5_a_length_in_the_pdol_that_is_none():
    with raises(E_DOL):
        await _run([], _LABEL + "9F38039F33FF")


@requirement("Book 3", "10.1", "Any status word but 9000 and 6985 ends the transaction.")
@cases("6A81", "6983", "6984", "6300", "6283", "6D00", "9001")
async def test_6_other_status_words(sw):
    s, outcome = await _run([("80A80000 05 8303 E0F8C8 00", sw)], _LABEL + "9F38039F3303")
    assert (outcome.code, outcome.reason, outcome.detail) == (END_APPLICATION, E_STATUS_WORD, int(sw, 16))
    assert s.data.get(0x82) is None


async def test_an_empty_pdol():
    s, outcome = await _run([(_EMPTY, _FORMAT_1 + "9000")], _LABEL + "9F3800")
    assert outcome is None and s.pdol_values == b""


@requirement("Book 3", "10.1", "All bits of TVR and TSI are 0 when a transaction begins.")
async def test_the_readers_data_objects():
    s, _ = await _run([(_EMPTY, _FORMAT_1 + "9000")])
    assert s.tvr == bytes(5) and s.tsi == bytes(2)
    for tag, value in (
        (0x9F02, "000000012345"),
        (0x9F03, "000000000000"),
        (0x81, "00003039"),
        (0x9F04, "00000000"),
        (0x9F06, "A0000000031010"),
        (0x9F09, "0030"),
        (0x9F1B, "00002710"),
        (0x9F33, "E0F8C8"),
        (0x9F37, "A1B2C3D4"),
        (0x9F39, "05"),
        (0x9F7A, "01"),
        (0x9F7B, "000000100000"),
    ):
        assert s.data.get(tag) == h(value), hex(tag)
    assert s.data.get(0x9F66) is None


@requirement(
    "PBOC 13", "7.4.2", "The reader offers electronic cash (9F7A) for a sale below its limit for one transaction."
)
@cases((99999, "01"), (100000, "00"))
async def test_electronic_cash_in_the_pdol(amount, offered):
    s, card = _selected(
        [(f"80A80000 0C 830A {offered} {amount:012d} 0156 00 00", _FORMAT_1 + "9000")],
        _LABEL + "9F380C 9F7A01 9F0206 5F2A02 DF6901",
    )
    s.tx.amount = amount
    await initiate.run(s)
    card.done()


async def test_an_application_without_electronic_cash():
    s, _ = _selected([(_EMPTY, _FORMAT_1 + "9000")])
    s.application.ec_limit = None
    await initiate.run(s)
    assert s.data.get(0x9F7A) == h("00") and s.data.get(0x9F7B) is None


async def test_an_amount_that_four_bytes_do_not_hold():
    for amount, value in ((0xFFFFFFFF, h("FFFFFFFF")), (0x100000000, None)):
        s, _ = _selected([(_EMPTY, _FORMAT_1 + "9000")])
        s.tx.amount = amount
        await initiate.run(s)
        assert s.data.get(0x81) == value


@requirement("Book 3", "6.5.8.4", "An answer without profile or file locator ends the transaction.")
@cases(
    ("7700", 0x82),
    ("7706 9404 08010100", 0x82),
    ("7704 82023900", 0x94),
    ("8002 3900", 0x94),
)
async def test_both_are_needed(response, tag):
    with raises(E_TAG_MISSING, tag):
        await _run([(_EMPTY, response + "9000")])


@cases(("8000", E_TAG_FORMAT), ("8001 39", E_TAG_FORMAT), ("8005 3900080101", E_TAG_FORMAT))
async def test_format_1_of_the_wrong_length(response, code):
    with raises(code, 0x80):
        await _run([(_EMPTY, response + "9000")])


@cases("", "70", "6F00", "7701", "770E 82023900", "8006 39000801 0100 80", "770482023900 00FF")
async def test_no_format_at_all(response):
    with raises(E_TLV):
        await _run([(_EMPTY, response + "9000")])


@requirement(
    "Book 3", "6.5.8.4", "What else the answer has is kept if it may come with the records, and ignored if not."
)
async def test_more_in_format_2():
    response = t(
        "77", "82023900", "940408010100", "5F340101", "9F2608 0011223344556677", "9F3602 0001", "9F02 06 000000000001"
    )
    s, outcome = await _run([(_EMPTY, response + h("9000"))])
    assert outcome is None and s.data.get(0x5F34) == h("01")
    assert s.data.get(0x9F26) is None and s.data.get(0x9F36) is None and s.data.get(0x9F02) == h("000000012345")


async def test_twice_the_same():
    with raises(E_TAG_DUPLICATE, 0x82):
        await _run([(_EMPTY, t("77", "82023900", "82023900") + h("9000"))])


@cases(("8201 39", 0x82), ("9403 080101", 0x94), ("8203 390000", 0x82))
async def test_of_the_wrong_format(inner, tag):
    with raises(E_TAG_FORMAT, tag):
        await _run([(_EMPTY, t("77", inner) + h("9000"))])


async def test_the_longest_pdol():
    script = [(h("80A80000FF8381FC") + bytes(252) + b"\0", "6985")]
    s, outcome = await _run(script, t("9F38", "9F7D7E 9F7D7E"))
    assert outcome.code == SELECT_NEXT and len(s.pdol_values) == 252
    with raises(E_DOL):
        await _run([], t("9F38", "9F7D7E 9F7D7F"))


async def test_the_card_leaves():
    with raises(E_CARD_REMOVED):
        await _run([(_EMPTY, None)])


async def test_no_entropy_no_transaction():
    s, card = _selected([])
    s.entropy = FixedEntropy(None)
    with raises(E_ENTROPY):
        await initiate.run(s)
    card.done()


async def test_too_small_a_store():
    with raises(E_DATA_FULL):
        await _run([], capacity=64)


async def test_whatever_the_card_answers():
    state = 0x6C078965
    good = 0
    for _ in range(1000):
        answer = bytearray(h(_FORMAT_2) + h("9000"))
        for _ in range(1 + (state & 1)):
            state ^= state << 13 & 0xFFFFFFFF
            state ^= state >> 17
            state = (state ^ state << 5) & 0xFFFFFFFF
            answer[(state >> 3) % (len(answer) - 2)] = state >> 16 & 0xFF
        s, _ = _selected([(_EMPTY, bytes(answer))])
        try:
            assert await initiate.run(s) is None
            good += 1
        except ReaderError as error:
            assert error.code // 100 == 3, error.code
    assert 50 < good < 950, good
