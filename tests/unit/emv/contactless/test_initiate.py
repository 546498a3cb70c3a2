"""FCI, PDOL and GET PROCESSING OPTIONS: EMV 4.4 Book 1, 11.3; Book 3, 6.5.8."""

from contactless_session import session

from reader.emv.contactless import initiate
from reader.emv.data import DataStore
from reader.errors import (
    E_CARD_REMOVED,
    E_DOL,
    E_EMV_DATA,
    E_SEE_PHONE,
    E_STATUS_WORD,
    E_TAG_DUPLICATE,
    E_TAG_FORMAT,
    E_TAG_MISSING,
    E_TLV,
    ReaderError,
)
from reader.outcome import END_APPLICATION, SELECT_NEXT, START_B, TRY_AGAIN, TRY_ANOTHER_INTERFACE
from testing import ScriptedCard, cases, h, raises, requirement

_AID = h("A000000333010101")
_PDOL = "9F6604 9F0206 9F3704"
_GPO = "80A80000 10 830E 22804000 000000012345 A1B2C3D4 00"
_FORMAT_2 = "8202 2000 9F3602 0001 9F2608 0011223344556677 9F1008 07010103A0000001 5F3401 01"


def _t(tag, value):
    value = h(value)
    n = len(value)
    return h(tag) + (bytes((n,)) if n < 128 else bytes((0x81, n))) + value


def _fci(pdol=_PDOL, more="", name=_AID):
    inner = (_t("9F38", pdol) if pdol is not None else b"") + h(more)
    return _t("6F", _t("84", name) + _t("A5", inner))


def _data():
    data = DataStore(512)
    data.put(0x9F66, h("22804000"))
    data.put(0x9F02, h("000000012345"))
    data.put(0x9F37, h("A1B2C3D4"))
    return data


async def _run(script, fci, data=None):
    card = ScriptedCard(script)
    outcome = await initiate.run(session(card, data or _data(), name=_AID, fci=fci))
    card.done()
    return outcome


async def test_format_2():
    data = _data()
    script = [(_GPO, _t("77", _FORMAT_2) + h("9000"))]
    assert await _run(script, _fci(more="5003515042"), data) is None
    assert data.get(0x82) == h("2000")
    assert data.get(0x9F26) == h("0011223344556677")
    assert data.get(0x84) == _AID and data.get(0x50) == b"QPB"


@requirement("Book 3", "6.5.8.4", "Processing options come in format 1 or 2.")
async def test_format_1():
    data = _data()
    assert await _run([(_GPO, "800A 2000 08010100 10020401 9000")], _fci(), data) is None
    assert data.get(0x82) == h("2000") and data.get(0x94) == h("0801010010020401")


async def test_format_1_without_a_file_locator():
    data = _data()
    assert await _run([(_GPO, "8002 2000 9000")], _fci(), data) is None
    assert data.get(0x94) is None


@cases("8000", "800120", "80032000FF", "8009 2000 0801010010 0204")
async def test_format_1_of_the_wrong_length(text):
    with raises(E_TAG_FORMAT, 0x80):
        await _run([(_GPO, h(text) + h("9000"))], _fci())


@cases("", "00", "7000", "77", "7701", "770282", "7703820120 00 77", "8002200000FF", "6F00")
async def test_no_format_at_all(text):
    with raises(E_TLV):
        await _run([(_GPO, h(text) + h("9000"))], _fci())


async def test_an_unknown_and_a_reader_data_object_are_ignored():
    data = _data()
    response = _t("77", "82022000 9F7D0155 9F0206000000000001 9F370400000000") + h("9000")
    assert await _run([(_GPO, response)], _fci(), data) is None
    assert data.get(0x9F02) == h("000000012345") and data.get(0x9F37) == h("A1B2C3D4")
    assert data.get(0x9F7D) is None


async def test_twice_the_same():
    with raises(E_TAG_DUPLICATE, 0x82):
        await _run([(_GPO, _t("77", "82022000 82022000") + h("9000"))], _fci())


async def test_a_format_that_is_not_the_tags():
    with raises(E_TAG_FORMAT, 0x9F36):
        await _run([(_GPO, _t("77", "82022000 9F360101") + h("9000"))], _fci())


@cases(
    ("6984", TRY_ANOTHER_INTERFACE),
    ("6985", SELECT_NEXT),
    ("6986", TRY_AGAIN),
    ("6300", END_APPLICATION),
    ("6A81", END_APPLICATION),
    ("6D00", END_APPLICATION),
    ("9001", END_APPLICATION),
    ("6100", END_APPLICATION),
)
async def test_status_words(sw, code):
    outcome = await _run([(_GPO, sw)], _fci())
    reason = E_SEE_PHONE if code == TRY_AGAIN else E_STATUS_WORD
    assert (outcome.code, outcome.reason, outcome.detail) == (code, reason, int(sw, 16))
    assert outcome.start == (START_B if code == TRY_AGAIN else 0)


async def test_data_beside_a_warning_do_not_count():
    data = _data()
    await _run([(_GPO, _t("77", _FORMAT_2) + h("6300"))], _fci(), data)
    assert data.get(0x82) is None


@cases((None, 0x9F38), ("", 0x9F66), ("9F0206", 0x9F66))
async def test_an_application_without_qpboc(pdol, missing):
    outcome = await _run([], _fci(pdol))
    assert (outcome.code, outcome.reason, outcome.detail) == (SELECT_NEXT, E_TAG_MISSING, missing)


@cases("9F66", "9F6604 9F", "9F66FD", "9F6604" + "5F2A7F" * 2)
async def test_a_malformed_pdol(pdol):
    with raises(E_DOL):
        await _run([], _fci(pdol))


async def test_the_longest_pdol():
    card_data = h("22804000") + bytes(248)
    script = [(h("80A80000FF8381FC") + card_data + b"\0", "6985")]
    assert (await _run(script, _fci("9F6604 9F7D7C 9F7D7C"))).code == SELECT_NEXT
    assert (await _run(script, _fci("9F6604 9F7DF8"))).code == SELECT_NEXT
    with raises(E_DOL):
        await _run([], _fci("9F6604 9F7D7C 9F7D7D"))


async def test_another_application_answers():
    with raises(E_EMV_DATA, 0x84):
        await _run([], _fci(name=h("A000000333010102")))
    with raises(E_EMV_DATA, 0x84):
        await _run([], _fci(name=_AID[:-1]))


@cases(("6F00", E_TAG_MISSING, 0x84), ("6F0A 8408A000000333010101", E_TAG_MISSING, 0xA5))
async def test_what_an_fci_must_have(text, code, tag):
    with raises(code, tag):
        await _run([], h(text))


@cases("7700", "", "6F", "6F01 84")
async def test_no_fci(text):
    with raises(E_TLV):
        await _run([], h(text))


async def test_twice_the_pdol():
    with raises(E_TAG_DUPLICATE, 0x9F38):
        await _run([], _fci(more="9F3803 9F6604"))


async def test_an_fci_cut_at_every_byte():
    fci = _fci(more="5003515042")
    for n in range(len(fci)):
        with raises(E_TLV):
            await _run([], fci[:n])


async def test_a_response_cut_at_every_byte():
    for response in (_t("77", _FORMAT_2), h("800A20000801010010020401")):
        for n in range(len(response)):
            with raises(E_TLV):
                await _run([(_GPO, response[:n] + h("9000"))], _fci())


async def test_the_card_leaves():
    with raises(E_CARD_REMOVED):
        await _run([(_GPO, None)], _fci())


class _Answering:
    def __init__(self, transmit):
        self.transmit = transmit


async def test_whatever_the_card_answers():
    response = _t("77", _FORMAT_2)
    fci = _fci()
    state = 0xC0FFEE11
    good = 0
    box = [b""]

    async def transmit(c_apdu):
        return memoryview(box[0])

    card = _Answering(transmit)
    data = DataStore(512)
    for i in range(2000):
        answer = bytearray(response + h("9000"))
        changed = bytearray(fci)
        for _ in range(1 + (state & 3)):
            state ^= state << 13 & 0xFFFFFFFF
            state ^= state >> 17
            state = (state ^ state << 5) & 0xFFFFFFFF
            target = changed if i & 1 else answer
            target[(state >> 3) % (len(target) - 2 + 2 * (i & 1))] = state >> 16 & 0xFF
        box[0] = answer
        data.wipe()
        data.put(0x9F66, h("22804000"))
        try:
            await initiate.run(session(card, data, name=_AID, fci=changed))
            good += 1
        except ReaderError as error:
            assert error.code // 100 == 3 or error.code == E_EMV_DATA, error.code
    assert 100 < good < 1900, good
