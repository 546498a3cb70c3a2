"""The file locator and the records: EMV 4.4 Book 3, 10.2."""

from contactless_session import session

from reader.emv.contactless import read_data
from reader.emv.data import DataStore
from reader.errors import (
    E_CARD_REMOVED,
    E_DATA_FULL,
    E_STATUS_WORD,
    E_TAG_DUPLICATE,
    E_TAG_FORMAT,
    E_TLV,
    ReaderError,
)
from reader.outcome import END_APPLICATION
from testing import ScriptedCard, cases, h, raises, requirement


def _record(text):
    body = h(text)
    return h("70") + bytes((len(body),)) + body


_TRACK = _record("5712 6212340000000018D30122010000000000 0F")
_PAN = _record("5A08 6212340000000018 5F2403 301231 5F3401 01")


async def _run(afl, script, data=None):
    data = data or DataStore(512)
    if afl is not None:
        data.put_card(0x94, h(afl))
    card = ScriptedCard(script)
    outcome = await read_data.run(session(card, data))
    card.done()
    return outcome


@requirement("Book 3", "10.2", "All records of the file locator are read.")
async def test_the_records_of_two_files():
    data = DataStore(512)
    script = [
        ("00B2010C00", _TRACK + h("9000")),
        ("00B2021400", _PAN + h("9000")),
        ("00B2031400", _record("9F63 10 00112233445566778899AABBCCDDEEFF") + h("9000")),
    ]
    assert await _run("08010101 10020300", script, data) is None
    assert data.get(0x57) == h("6212340000000018D301220100000000000F")
    assert data.get(0x5A) == h("6212340000000018")
    assert data.get(0x5F24) == h("301231") and data.get(0x5F34) == h("01")
    assert len(data.get(0x9F63)) == 16


async def test_no_file_locator_nothing_to_read():
    assert await _run(None, []) is None


async def test_a_bad_locator_reads_nothing():
    with raises(E_TAG_FORMAT, 0x94):
        await _run("08010100 00010100", [])


@cases("6A83", "6300", "6982", "6985", "9001", "6C10")
async def test_status_words(sw):
    outcome = await _run("08010200", [("00B2010C00", _TRACK + h("9000")), ("00B2020C00", sw)])
    assert (outcome.code, outcome.reason, outcome.detail) == (END_APPLICATION, E_STATUS_WORD, int(sw, 16))


@cases(0, 1)
async def test_the_card_leaves(at):
    script = [("00B2010C00", _TRACK + h("9000")), ("00B2020C00", _PAN + h("9000"))]
    script = script[:at] + [(script[at][0], None)]
    with raises(E_CARD_REMOVED):
        await _run("08010200", script)


@cases("", "00", "77028200", "5F340101", "7003820120 00 FF", "7004820120", "70", "700382012082")
async def test_not_a_record(text):
    with raises(E_TLV):
        await _run("08010100", [("00B2010C00", h(text) + h("9000"))])


async def test_a_record_cut_at_every_byte():
    for n in range(len(_PAN)):
        with raises(E_TLV):
            await _run("08010100", [("00B2010C00", _PAN[:n] + h("9000"))])


@requirement("Book C-3", "5.4.2.2", "A data object that comes twice ends the application.")
async def test_twice_in_one_record_and_in_two():
    with raises(E_TAG_DUPLICATE, 0x5F34):
        await _run("08010100", [("00B2010C00", _record("5F340101 5F340101") + h("9000"))])
    script = [("00B2010C00", _PAN + h("9000")), ("00B2020C00", _PAN + h("9000"))]
    with raises(E_TAG_DUPLICATE, 0x5A):
        await _run("08010200", script)


async def test_a_value_of_the_wrong_format():
    with raises(E_TAG_FORMAT, 0x5F24):
        await _run("08010100", [("00B2010C00", _record("5F2402 3012") + h("9000"))])


async def test_what_no_contactless_kernel_has_a_use_for_is_passed_over():
    data = DataStore(32)
    record = h("7081F7 9381F0") + bytes(240) + h("5F340101")
    assert await _run("08010100", [("00B2010C00", record + h("9000"))], data) is None
    assert data.get(0x93) is None and data.get(0x5F34) == h("01")


async def test_more_than_a_transaction_may_hold():
    with raises(E_DATA_FULL, 0x5F34):
        await _run("08010100", [("00B2010C00", _PAN + h("9000"))], DataStore(7 + 11 + 6 + 3))


# Book 3, 5.3.2.2: files 11 to 30 are not EMV's; a record there need not be a template
async def test_a_proprietary_file():
    data = DataStore(512)
    script = [("00B2015C00", "DEADBEEF9000"), ("00B2025C00", "9000"), ("00B2035C00", _PAN + h("9000"))]
    assert await _run("58010300", script, data) is None
    assert data.get(0x5F34) == h("01")


class _Answering:
    def __init__(self, transmit):
        self.transmit = transmit


async def test_whatever_a_record_holds():
    state = 0x51ED270B
    good = 0
    box = [b""]

    async def transmit(c_apdu):
        return memoryview(box[0])

    card = _Answering(transmit)
    data = DataStore(512)
    for _ in range(2000):
        record = bytearray(_PAN + h("9000"))
        for _ in range(1 + (state & 3)):
            state ^= state << 13 & 0xFFFFFFFF
            state ^= state >> 17
            state = (state ^ state << 5) & 0xFFFFFFFF
            record[(state >> 3) % len(_PAN)] = state >> 16 & 0xFF
        box[0] = record
        data.wipe()
        data.put_card(0x94, h("08010100"))
        try:
            assert await read_data.run(session(card, data)) is None
            good += 1
        except ReaderError as error:
            assert error.code // 100 == 3, error.code
    assert 100 < good < 1900, good
