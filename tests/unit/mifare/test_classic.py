"""MIFARE Classic: commands as a PN532 takes them (UM0701-02, 7.3.8), values and trailers as NXP MF1S50yyX/V1 has them."""

from reader.errors import E_CARD_KIND, E_CARD_PROTOCOL, E_CARD_REMOVED, E_CARD_TIMEOUT
from reader.mifare import classic
from testing import ScriptedCard, cases, h, raises, requirement

# Table 4: the value 1234567 at address 17
_VALUE = "87D61200 7829EDFF 87D61200 11EE11EE"
# 8.7.3 and 8.6.3: the sector trailer of the transport configuration, as the card gives it
_TRAILER = "000000000000 FF0780 69 FFFFFFFFFFFF"


def _card(script, uid="3C5D7E9F"):
    card = ScriptedCard(script)
    card.uid = h(uid)
    return card


@cases(
    (False, "3C5D7E9F", "60 08 A0A1A2A3A4A5 3C5D7E9F"),
    (True, "3C5D7E9F", "61 08 A0A1A2A3A4A5 3C5D7E9F"),
    # AN10927: of seven bytes the last four
    (False, "04A1B2C3D4E5F6", "60 08 A0A1A2A3A4A5 C3D4E5F6"),
)
@requirement(
    "UM0701-02", "7.3.8", "MIFARE authentication: command, block, key, the last four bytes of the serial number."
)
async def test_authenticate(with_b, uid, command):
    card = _card([(command, "")], uid)
    await classic.authenticate(card, with_b, 8, h("A0A1A2A3A4A5"))
    card.done()


async def test_authenticate_refused():
    card = _card([("60 08 A0A1A2A3A4A5 3C5D7E9F", E_CARD_TIMEOUT)])
    with raises(E_CARD_TIMEOUT):
        await classic.authenticate(card, False, 8, h("A0A1A2A3A4A5"))


async def test_read():
    out = bytearray(16)
    card = _card([("30 05", _VALUE)])
    await classic.read_into(card, 5, out)
    assert out == h(_VALUE)


@cases((7,), (63,), (127,), (143,), (255,))
async def test_a_trailer_is_read_without_its_keys(block):
    out = bytearray(16)
    # key B may be readable, and is a key all the same (8.7.2)
    await classic.read_into(_card([(bytes((0x30, block)), _TRAILER)]), block, out)
    assert out == h("000000000000 FF0780 69 000000000000")


@cases(
    (0, False), (3, True), (4, False), (124, False), (127, True), (128, False), (131, False), (143, True), (255, True)
)
def test_is_trailer(block, expected):
    # MF1S70yyX/V1, 8.6: 32 sectors of 4 blocks, 8 of 16
    assert classic.is_trailer(block) == expected


@cases(("",), ("00" * 15,), ("00" * 17,))
async def test_read_of_another_length(answer):
    with raises(E_CARD_PROTOCOL):
        await classic.read_into(_card([("30 05", answer)]), 5, bytearray(16))


async def test_write():
    card = _card([("A0 05" + _VALUE, "")])
    await classic.write(card, 5, h(_VALUE))
    card.done()


@cases(
    (classic.INCREMENT, "C1 05 0A000000"),
    (classic.DECREMENT, "C0 05 0A000000"),
    (classic.RESTORE, "C2 05 0A000000"),
)
@requirement("UM0701-02", "7.3.8", "Increment, decrement and restore of MIFARE, then transfer.")
async def test_change(operation, command):
    card = _card([(command, ""), ("B0 06", "")])
    await classic.change(card, operation, 5, 6, 10)
    card.done()


async def test_a_card_that_leaves_before_the_transfer():
    card = _card([("C0 05 0A000000", ""), ("B0 05", None)])
    with raises(E_CARD_REMOVED):
        await classic.change(card, classic.DECREMENT, 5, 5, 10)


@cases(
    (_VALUE, 1234567),
    ("00000000 FFFFFFFF 00000000 00FF00FF", 0),
    ("FFFFFFFF 00000000 FFFFFFFF 04FB04FB", -1),
    ("00000080 FFFFFF7F 00000080 04FB04FB", -0x80000000),
    ("FFFFFF7F 00000080 FFFFFF7F 04FB04FB", 0x7FFFFFFF),
)
def test_value(block, value):
    assert classic.value_of(h(block)) == value


@cases(*[(i,) for i in range(16)])
def test_no_value(at):
    block = bytearray(h(_VALUE))
    block[at] ^= 0x10
    with raises(E_CARD_KIND):
        classic.value_of(block)


@cases(
    ("FF0780 69", True),  # transport configuration
    ("7F0788 00", True),  # trailer 011, data blocks 000, 000, 001
    ("08778F 00", True),  # trailer 011, data blocks 110
    ("FF0781 69", False),
    ("FE0780 69", False),
    ("FF0680 69", False),
    ("FF1780 69", False),
    ("EF0780 69", False),
    ("FF0790 69", False),
    ("000000 00", False),
)
def test_trailer(access, is_good):
    # 8.7.1, figure 10
    out = bytearray(16)
    assert classic.trailer_into(out, h("A0A1A2A3A4A5"), h(access), h("B0B1B2B3B4B5")) == is_good
    assert out == (h("A0A1A2A3A4A5" + access + "B0B1B2B3B4B5") if is_good else bytes(16))
