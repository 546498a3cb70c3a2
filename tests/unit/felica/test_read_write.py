"""FeliCa without encryption: frames, the lists of services and blocks, status flags."""

from reader.errors import E_CARD_ACCESS, E_CARD_PROTOCOL
from reader.felica import read_write
from testing import ScriptedCard, cases, h, raises, requirement

_IDM = "012E3D23BA075C45"


def _card(script):
    card = ScriptedCard(script)
    card.uid = h(_IDM)
    return card


def _frame(text):
    body = h(text)
    return bytes((len(body) + 1,)) + body


@requirement(
    "JIS X 6319-4", "Read", "Blocks of services that ask for no key are read; code and IDm of the answer are checked."
)
async def test_read():
    # East Wind EWTJ680H Technical Manual, 3.10.3: service 0009, block 0
    card = _card([("10 06 012E3D23BA075C45 01 0900 01 8000", "1D 07 012E3D23BA075C45 0000 01" + "00" * 16)])
    assert await read_write.read(card, h("0009"), h("0000")) == bytes(16)
    card.done()


@requirement("JIS X 6319-4", "Write", "Blocks of services that ask for no key are written.")
async def test_write():
    # the same, 3.10.4
    data = "1122334455667788" * 2
    card = _card([("20 08 012E3D23BA075C45 01 0900 01 8000" + data, "0C 09 012E3D23BA075C45 0000")])
    await read_write.write(card, h("0009"), h("0000"), h(data))
    card.done()


@requirement("JIS X 6319-4", "Block list", "Elements of two and of three bytes; the order of the service in each.")
async def test_block_list():
    # FeliCa Card User's Manual, Excerpted Edition, 4.2: elements of 2 bytes (block 3: 80 03, block 5: 80 05) and, past
    # block 255, of 3; the order of the service is in the low bits of the first byte
    sent = _frame("06" + _IDM + "02 0B10 4900 04 8003 8005 81FF 01 2C01")
    card = _card([(sent, _frame("07" + _IDM + "0000 04" + "33" * 16 + "55" * 16 + "66" * 16 + "77" * 16))])
    data = await read_write.read(card, h("100B 0049"), h("0003 0005 10FF 112C"))
    assert bytes(data) == h("33" * 16 + "55" * 16 + "66" * 16 + "77" * 16)


@cases(
    ("FF A1", 0xFFA1),  # 4.5: number of services
    ("FF A6", 0xFFA6),  # service code list
    ("01 A8", 0x01A8),  # block number, the first of the list
    ("02 A5", 0x02A5),  # access is not allowed, the second
    ("00 01", 0x0001),
)
@requirement("JIS X 6319-4", "Status flags", "A refusal is told with both status flags.")
async def test_status_flags(flags, detail):
    with raises(E_CARD_ACCESS, detail):
        await read_write.read(_refusing("06", "07" + _IDM + flags), h("100B"), h("0000"))
    with raises(E_CARD_ACCESS, detail):
        await read_write.write(_refusing("08", "09" + _IDM + flags), h("100B"), h("0000"), bytes(16))


def _refusing(command, answer):
    data = "" if command == "06" else "00" * 16
    return _card([(_frame(command + _IDM + "01 0B10 01 8000" + data), _frame(answer))])


@cases(
    ("07" + _IDM + "0000 02" + "00" * 32,),  # more blocks than asked for
    ("07" + _IDM + "0000 01" + "00" * 15,),
    ("07" + _IDM + "0000",),
    ("09" + _IDM + "0000",),
    ("07 012E3D23BA075C46 0000 01" + "00" * 16,),  # another card
    ("07" + _IDM + "00",),
    ("07",),
)
@requirement("JIS X 6319-4", "Read", "An answer of another card, command or length is none.")
async def test_malformed(answer):
    with raises(E_CARD_PROTOCOL):
        await read_write.read(_refusing("06", answer), h("100B"), h("0000"))


@cases(("",), ("1D",), ("1C 07 012E3D23BA075C45 0000 01" + "00" * 16,), ("1E 07 012E3D23BA075C45 0000 01" + "00" * 16,))
async def test_length_byte(answer):
    card = _card([("10 06 012E3D23BA075C45 01 0B10 01 8000", answer)])
    with raises(E_CARD_PROTOCOL):
        await read_write.read(card, h("100B"), h("0000"))


async def test_write_answered_with_more():
    with raises(E_CARD_PROTOCOL):
        await read_write.write(_refusing("08", "09" + _IDM + "0000 00"), h("100B"), h("0000"), bytes(16))
