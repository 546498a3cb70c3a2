"""MIFARE Ultralight and NTAG: the data sheets' commands; a read that would go on at page 0 is found out."""

from reader.errors import E_CARD_ACCESS, E_CARD_PROTOCOL, E_CARD_TIMEOUT
from reader.mifare import ultralight
from testing import ScriptedCard, cases, h, raises, requirement

# NFC Forum Type 2 Tag Operation, and NTAG213_215_216, 8.5.7: a capability container and an empty NDEF message
_PAGES_3 = "E1101200 0300FE00 00000000 00000000"


def _card(script):
    card = ScriptedCard(script)
    card.raw = card.transmit
    return card


@cases(
    # GET_VERSION of the data sheets: MF0UL11, MF0UL21 (table 16), NTAG213, 215, 216 (table 28)
    ("0004030101000B03", 0x0F),
    ("0004030101000E03", 0x23),
    ("0004040201000F03", 0x27),
    ("0004040201001103", 0x81),
    ("0004040201001303", 0xE1),
    ("0004040201007F03", 0x0F),  # something newer: what all of them have
    ("", 0x0F),
)
async def test_version(answer, last):
    found = b""
    if answer:
        found = await ultralight.version(_card([("60", answer)]))
        assert found == h(answer)
    assert ultralight.last_page(found) == last


@cases(("",), ("00040402010011",), ("000404020100110300",))
async def test_version_of_another_length(answer):
    with raises(E_CARD_PROTOCOL):
        await ultralight.version(_card([("60", answer)]))


async def test_no_version():
    with raises(E_CARD_TIMEOUT):
        await ultralight.version(_card([("60", E_CARD_TIMEOUT)]))


async def test_read():
    out = bytearray(24)
    card = _card([("30 03", _PAGES_3), ("30 07", "07" * 16), ("30 08", "08" * 16)])
    await ultralight.read_into(card, 3, out)
    assert out == h(_PAGES_3 + "07070707 08080808")
    card.done()


async def test_read_one():
    out = bytearray(4)
    card = _card([("30 03", _PAGES_3)])
    await ultralight.read_into(card, 3, out)
    assert out == h("E1101200")
    card.done()


async def test_read_past_the_end():
    # NTAG213_215_216, 10.2: READ of page 0Eh of 16 would give 0E, 0F, 00, 01
    card = _card([("30 0E", "0E0E0E0E 0F0F0F0F 0404A0A0 A0A0A0A0"), ("30 11", E_CARD_TIMEOUT)])
    with raises(E_CARD_TIMEOUT):
        await ultralight.read_into(card, 14, bytearray(16))


@cases(("",), ("00",), ("00" * 15,), ("00" * 18,))
async def test_read_of_another_length(answer):
    with raises(E_CARD_PROTOCOL):
        await ultralight.read_into(_card([("30 04", answer)]), 4, bytearray(4))


async def test_write():
    card = _card([("A2 04 01020304", "")])
    await ultralight.write(card, 4, h("01020304"))
    card.done()


@requirement(
    "UM0701-02", "7.3.9", "Commands that the chip does not know go through as they are: GET_VERSION, PWD_AUTH."
)
async def test_password():
    # NTAG213_215_216, 8.5.6: PWD and PACK at delivery
    card = _card([("1B FFFFFFFF", "0000")])
    await ultralight.authenticate(card, h("FFFFFFFF 0000"))
    card.done()


@cases(("0001",), ("8000",), ("",), ("00",), ("000000",))
async def test_a_card_that_does_not_know_the_password_either(pack):
    with raises(E_CARD_ACCESS):
        await ultralight.authenticate(_card([("1B FFFFFFFF", pack)]), h("FFFFFFFF 0000"))
