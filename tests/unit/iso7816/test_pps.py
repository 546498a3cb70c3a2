"""ISO/IEC 7816-3, 9: protocol and parameters selection."""

from scripted_characters import ScriptedCharacters

from reader.errors import E_CARD_PROTOCOL, E_CARD_REMOVED, E_CARD_TIMEOUT
from reader.iso7816.pps import negotiate
from testing import cases, raises, requirement


@requirement("ISO 7816-3", "9.2", "A PPS request is FF, PPS0 with the protocol, PPS1 coded as TA1, and a check byte.")
async def test_the_rate_is_taken():
    line = ScriptedCharacters([("FF 11 13 FD", "FF 11 13 FD")])
    assert await negotiate(line, 1, 0x13)
    line.done()


@cases((0, "FF 00 FF"), (1, "FF 01 FE"))
async def test_the_protocol_alone(protocol, sent):
    line = ScriptedCharacters([(sent, sent)])
    assert not await negotiate(line, protocol)
    line.done()


@requirement("ISO 7816-3", "9.3", "A PPS response without PPS1 takes the protocol and leaves F 372 and D 1 in use.")
async def test_the_rate_is_not_taken():
    line = ScriptedCharacters([("FF 10 18 F7", "FF 00 FF")])
    assert not await negotiate(line, 0, 0x18)
    line.done()


@requirement(
    "ISO 7816-3", "9.3", "A PPS response with another protocol, another rate, or anything not proposed is a failure."
)
@cases(
    "FE 11 13 FC",  # not PPSS
    "FF 10 13 FC",  # another protocol
    "FF 11 12 FC",  # another rate
    "FF 11 13 FC",  # the check byte
    "FF 01 FF",  # the check byte
    "FF 31 13 00 DD",  # PPS2
    "FF 51 13 00 BD",  # PPS3
    "FF 91 13 7D",  # reserved bit
    "3B 60 00 00",  # the card has started anew
)
async def test_refuses(answer):
    line = ScriptedCharacters([("FF 11 13 FD", answer)])
    with raises(E_CARD_PROTOCOL):
        await negotiate(line, 1, 0x13)


async def test_a_rate_that_was_not_proposed():
    line = ScriptedCharacters([("FF 00 FF", "FF 10 11 FE")])
    with raises(E_CARD_PROTOCOL):
        await negotiate(line, 0)


@cases("", "FF", "FF 11", "FF 11 13")
async def test_the_card_falls_silent(answer):
    line = ScriptedCharacters([("FF 11 13 FD", answer)])
    with raises(E_CARD_TIMEOUT):
        await negotiate(line, 1, 0x13)


async def test_the_card_leaves():
    line = ScriptedCharacters([("FF 11 13 FD", None)])
    with raises(E_CARD_REMOVED):
        await negotiate(line, 1, 0x13)


@requirement("ISO 7816-3", "9.1", "During PPS two characters may be 9600 etu apart.")
async def test_waiting_time():
    line = ScriptedCharacters([("FF 11 13 FD", "FF 11 13 FD")])
    await negotiate(line, 1, 0x13)
    assert set(line.waits) == {(9600, 9600)}
