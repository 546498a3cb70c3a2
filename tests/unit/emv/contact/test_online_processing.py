"""EMV 4.4 Book 3, 10.9 and 6.5.4: the issuer's answer and its authentication."""

from step_session import session, told

from reader.emv.contact.online_processing import run
from reader.errors import E_CARD_REMOVED
from testing import cases, h, hexed, raises, requirement

_ARPC = "A1A2A3A4A5A6A7A83030"
_EXTERNAL = "00820000 0A" + _ARPC
_SUPPORTED = "7C00"
_NOT_SUPPORTED = "F900"


async def _run(answer, script=(), code=b"00", profile=_SUPPORTED, cdol2="8A02"):
    s, card = session(script, {0x82: profile, 0x8D: cdol2})
    s.answer_code = code
    s.answer_data = h(answer)
    await run(s)
    card.done()
    return s


@requirement("Book 3", "10.9", "A card that supports issuer authentication gets 91 by EXTERNAL AUTHENTICATE.")
@requirement("Book 3", "10.9", "EXTERNAL AUTHENTICATE sets 'issuer authentication was performed' in the TSI.")
async def test_authenticated():
    s = await _run("910A" + _ARPC, [(_EXTERNAL, "9000")])
    assert (told(s), hexed(s.data.get(0x91)), s.arpc_done) == ("0000000000 1000", _ARPC, True)


@requirement(
    "Book 3", "10.9", "Another status word than 9000 to EXTERNAL AUTHENTICATE sets TVR byte 5 bit 7, once and for all."
)
@cases("6300", "6985", "6A80", "6283")
async def test_failed(sw):
    s = await _run("910A" + _ARPC, [(_EXTERNAL, sw)])
    assert (told(s), s.arpc_done) == ("0000000040 1000", True)


@requirement("Book 3", "6.5.4", "Issuer authentication data have 8 to 16 bytes.")
@cases(8, 9, 15, 16)
async def test_lengths(length):
    proof = bytes(range(length))
    script = [(h("00820000") + bytes((length,)) + proof, "9000")]
    s = await _run(b"\x91" + bytes((length,)) + proof, script)
    assert told(s) == "0000000000 1000"


@requirement("Book 3", "10.9", "Issuer authentication data of another length fail, and the card never sees them.")
@cases(0, 7, 17, 32)
async def test_wrong_lengths(length):
    s = await _run(b"\x91" + bytes((length,)) + bytes(length))
    assert (told(s), s.data.get(0x91), s.arpc_done) == ("0000000040 0000", None, False)


@requirement("Book 3", "10.9", "Without 91 in the answer no issuer authentication takes place.")
@cases("", "72039F1800", "8A023030")
async def test_nothing_to_authenticate(answer):
    s = await _run(answer)
    assert (told(s), s.data.get(0x91), s.arpc_done) == ("0000000000 0000", None, False)


@requirement(
    "Book 3", "10.9", "A card that does not support EXTERNAL AUTHENTICATE gets 91 within the second GENERATE AC."
)
@cases(("8A02 910A", True), ("8A02", False))
async def test_within_the_second_cryptogram(cdol2, carried):
    s = await _run("910A" + _ARPC, profile=_NOT_SUPPORTED, cdol2=cdol2)
    assert (told(s), hexed(s.data.get(0x91)), s.arpc_done) == ("0000000000 0000", _ARPC, carried)


@requirement("Book 4", "12.1", "The authorisation response code of the answer is data object 8A.")
@cases(
    (b"00", "", "3030"),
    (b"51", "", "3531"),
    (b"00", "8A023035", "3035"),  # the one inside field 55 is the issuer's own
    (b"00", "8A0130", "3030"),
)
async def test_response_code(code, answer, stored):
    s = await _run(answer, code=code)
    assert hexed(s.data.get(0x8A)) == stored


async def test_authorisation_code():
    s = await _run("8906313233343536")
    assert s.data.get(0x89) == b"123456"
    s = await _run("89053132333435")
    assert s.data.get(0x89) is None


@requirement("Book 3", "10.9", "An answer's field 55 that is not BER-TLV fails the issuer authentication.")
@cases("91", "910AA1A2", "9180", "910A" + _ARPC + "910A" + _ARPC)
async def test_malformed(answer):
    s = await _run(answer)
    assert (told(s), s.data.get(0x91)) == ("0000000040 0000", None)
    assert s.data.get(0x8A) == b"00"


async def test_the_card_leaves():
    with raises(E_CARD_REMOVED):
        await _run("910A" + _ARPC, [(_EXTERNAL, None)])
