"""The steps of kernel 7 in a row, where one ends the application and where data are missing."""

from contactless_session import session

from reader import outcome
from reader.emv.contactless.kernel7 import kernel
from reader.emv.data import DataStore
from reader.errors import E_STATUS_WORD, E_TAG_MISSING
from testing import ScriptedCard, cases, h, raises

_AID = h("A000000333010101")
_GPO = "80A80000 06 8304 22804000 00"
_READ = "00B2010C00"

_OBJECTS = (
    (0x82, "8202 2000"),
    (0x9F36, "9F3602 0001"),
    (0x9F26, "9F2608 0011223344556677"),
    (0x9F10, "9F1008 07010103A0000001"),
    (0x57, "5712 6212340000000018D301220100000000000F"),
)


def _fci():
    inner = h("9F3803 9F6604")
    body = h("8408A000000333010101") + h("A5") + bytes((len(inner),)) + inner
    return h("6F") + bytes((len(body),)) + body


def _template(tag, without=0, more=""):
    body = b"".join([h(text) for t, text in _OBJECTS if t != without]) + h(more)
    return bytes((tag, len(body))) + body + h("9000")


async def _run(script):
    data = DataStore(512)
    data.put(0x9F66, h("22804000"))
    card = ScriptedCard(script)
    result = await kernel.run(session(card, data, name=_AID, fci=_fci()))
    card.done()
    return result


async def test_everything_in_one_answer():
    result = await _run([(_GPO, _template(0x77))])
    assert (result.code, result.cvm) == (outcome.ONLINE_REQUEST, outcome.CVM_NONE)


@cases(0x82, 0x9F36, 0x9F26, 0x9F10, 0x57)
async def test_mandatory_data_in_one_answer(tag):
    with raises(E_TAG_MISSING, tag):
        await _run([(_GPO, _template(0x77, tag))])


@cases(0x9F36, 0x9F26, 0x9F10, 0x57)
async def test_mandatory_data_in_format_1_and_a_record(tag):
    gpo = (_GPO, "8006 2000 08010100 9000")
    assert (await _run([gpo, (_READ, _template(0x70, 0x82))])).code == outcome.ONLINE_REQUEST
    record = b"".join([h(text) for t, text in _OBJECTS if t not in (0x82, tag)])
    with raises(E_TAG_MISSING, tag):
        await _run([gpo, (_READ, bytes((0x70, len(record))) + record + h("9000"))])


async def test_a_card_of_contactless_standard_pboc():
    # AIP and AFL only, static data in the records: there is no cryptogram without GENERATE AC
    with raises(E_TAG_MISSING, 0x9F36):
        await _run(
            [
                (_GPO, "8006 3C00 08010100 9000"),
                (_READ, "7014 5712 6212340000000018D301220100000000000F 9000"),
            ]
        )


async def test_a_step_that_ends_the_application():
    result = await _run([(_GPO, "6985")])
    assert (result.code, result.reason) == (outcome.SELECT_NEXT, E_STATUS_WORD)
    result = await _run([(_GPO, _template(0x77, more="9404 08010100")), (_READ, "6A83")])
    assert (result.code, result.detail) == (outcome.END_APPLICATION, 0x6A83)
