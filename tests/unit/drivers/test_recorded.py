"""Conversations of real cards with a PN532 in a reader of another make, as its maker prints them: ACS, ACR122L Communication
Protocol, version 1.03, and ACR122U Application Programming Interface, version 1.0. The frames around them are put on here."""

import sys

from testing import ScriptedLine, h, path

sys.path.append(path("tests/unit/drivers/pn532"))
from pn532_script import NOBODY_B, RESET, said

from reader.drivers.contactless import FELICA, ContactlessReader
from reader.drivers.pn532.chip import Pn532
from reader.drivers.pn532.hsu import Hsu
from reader.felica import read_write
from reader.iso14443.activation import TYPE_A, TYPE_B
from reader.iso14443.type_b import Atqb, AttribAnswer
from reader.mifare import classic


async def _found(steps, technologies):
    line = ScriptedLine(RESET + steps)
    device = ContactlessReader(Pn532(Hsu(line, ack_ms=40, frame_ms=20), exchange_ms=60))
    return line, await device.look(technologies)


async def test_type_b_and_get_challenge():
    # ACR122L, pages 23 and 42: polling for an ISO 14443-4 type B tag, then APDU 00 84 00 00 08
    listed = said("4A020300", "4B0101 50000132F400000000338181 0121")
    challenge = said("4001 0084000008", "4100 628999EDC057692B9000")
    line, card = await _found([listed, challenge], TYPE_B)
    assert (card.technology, card.uid, card.is_isodep) == (TYPE_B, h("000132F4"), True)
    assert bytes(await card.transmit(h("0084000008"))) == h("628999EDC057692B9000")
    line.done()


def test_what_that_card_says():
    atqb = Atqb(h("50000132F400000000338181"))
    assert (atqb.frame_size, atqb.waiting_time, atqb.takes_cid, atqb.takes_nad) == (256, 8, True, False)
    # 212 and 424 kbit/s each way
    assert (atqb.rates, atqb.same_rate_only) == (0x33, False)
    answer = AttribAnswer(h("21"), atqb.frame_size)
    assert (answer.cid, answer.buffer_size) == (1, 512)


async def test_mifare_4k():
    # ACR122U, page 12, and ACR122L, page 43: polling, authentication of block 4 with key A, reading of it
    listed = said("4A0200", "4B0101 0002 18 04 F68E2A99")
    steps = [
        listed,
        said("4001 6004 FFFFFFFFFFFF F68E2A99", "4100"),
        said("4001 3004", "4100 01020304050607080910111213141516"),
    ]
    line, card = await _found(steps, TYPE_A)
    assert (card.uid, card.is_isodep, card.says) == (h("F68E2A99"), False, h("000218"))
    await classic.authenticate(card, False, 4, h("FFFFFFFFFFFF"))
    block = bytearray(16)
    await classic.read_into(card, 4, block)
    assert block == h("01020304050607080910111213141516")
    line.done()


async def test_nobody():
    # ACR122U, page 12
    _, card = await _found([NOBODY_B, said("4A0200", "4B00")], TYPE_A | TYPE_B)
    assert card is None


_IDM = "0101050186040202"
_BLOCK = "00" + "AA55" * 7 + "AA"


async def test_felica():
    # ACR122L, pages 21 to 23: polling at 212 kbit/s, a block written, and read back
    steps = [
        said("4A020100FFFF0103", "4B0101 1401" + _IDM + "03004B024F498A8A 8008"),
        said("42 2008" + _IDM + "010901018000" + _BLOCK, "4300 0C09" + _IDM + "0000"),
        said("42 1006" + _IDM + "010901018000", "4300 1D07" + _IDM + "000001" + _BLOCK),
    ]
    line, card = await _found(steps, FELICA)
    assert (card.technology, card.uid, card.says) == (FELICA, h(_IDM), h("03004B024F498A8A8008"))
    await read_write.write(card, h("0109"), h("0000"), h(_BLOCK))
    assert bytes(await read_write.read(card, h("0109"), h("0000"))) == h(_BLOCK)
    line.done()
