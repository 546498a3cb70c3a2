"""EMV 4.4 Book 3, 10.10; Book 4, 12.2.4 and A5: the issuer's scripts."""

from step_session import session, told

from reader.emv.contact.script_processing import run
from reader.errors import E_CARD_REMOVED
from testing import cases, h, hexed, raises, requirement

_BEFORE = 0x71
_AFTER = 0x72
_ID = "9F180401020304"
# PIN CHANGE/UNBLOCK and APPLICATION BLOCK with their MACs, as Book 3, 6.5 has them
_UNBLOCK = "8424000004AABBCCDD"
_BLOCK = "841E000004AABBCCDD"


def _command(apdu):
    apdu = h(apdu)
    return b"\x86" + bytes((len(apdu),)) + apdu


def _script(template, *parts):
    value = b"".join([h(part) for part in parts])
    return bytes((template, len(value))) + value


async def _run(template, answer, script=()):
    s, card = session(script)
    s.answer_data = answer
    await run(s, template)
    card.done()
    return s


def _told(s):
    return (told(s), hexed(s.script_results))


@requirement("Book 3", "10.10", "Scripts 71 are performed before the second GENERATE AC and scripts 72 after it.")
@requirement("Book 3", "10.10", "The commands of a script go to the card as they are, in their order.")
@requirement("Book 3", "10.10", "A script that was performed sets 'script processing was performed' in the TSI.")
@requirement("Book 4", "A5", "A script whose commands all succeeded is told by 20 and its identifier.")
async def test_both_kinds():
    answer = _script(_AFTER, _ID, _command(_BLOCK)) + _script(
        _BEFORE, "9F180455667788", _command(_UNBLOCK), _command(_BLOCK)
    )
    s = await _run(_BEFORE, answer, [(_UNBLOCK, "9000"), (_BLOCK, "9000")])
    assert _told(s) == ("0000000000 0400", "2055667788")
    s = await _run(_AFTER, answer, [(_BLOCK, "9000")])
    assert _told(s) == ("0000000000 0400", "2001020304")


@requirement("Book 3", "10.10", "An answer without a script of the kind leaves TSI and TVR as they are.")
async def test_none():
    for answer in (b"", h("910891A2A3A4A5A6A7A8"), _script(_AFTER, _command(_BLOCK))):
        s = await _run(_BEFORE, answer)
        assert _told(s) == ("0000000000 0000", "")


@requirement("Book 4", "A5", "A script without an identifier has zeros in its place.")
async def test_no_identifier():
    s = await _run(_BEFORE, _script(_BEFORE, _command(_UNBLOCK)), [(_UNBLOCK, "9000")])
    assert _told(s) == ("0000000000 0400", "2000000000")


@requirement("Book 3", "10.10", "A command answered with a warning (62xx, 63xx) has not failed.")
@cases("9000", "6200", "6283", "63C2", "6300", "9001")
async def test_warnings(sw):
    answer = _script(_BEFORE, _ID, _command(_UNBLOCK), _command(_BLOCK))
    s = await _run(_BEFORE, answer, [(_UNBLOCK, sw), (_BLOCK, "9000")])
    assert _told(s) == ("0000000000 0400", "2001020304")


@requirement("Book 3", "10.10", "A script ends with its first command that fails.")
@requirement("Book 3", "10.10", "A script that fails before the second GENERATE AC sets TVR byte 5 bit 6.")
@requirement("Book 3", "10.10", "A script that fails after it sets TVR byte 5 bit 5.")
@requirement("Book 4", "A5", "A failed script is told by 1 and the number of the command that failed.")
@cases("6985", "6A80", "6400", "6581", "6D00")
async def test_failed(sw):
    for template, tvr in ((_BEFORE, "0000000020"), (_AFTER, "0000000010")):
        answer = _script(template, _ID, _command(_UNBLOCK), _command(_BLOCK), _command(_UNBLOCK))
        s = await _run(template, answer, [(_UNBLOCK, sw)])
        assert _told(s) == (tvr + " 0400", "1101020304")
        s = await _run(template, answer, [(_UNBLOCK, "9000"), (_BLOCK, sw)])
        assert _told(s) == (tvr + " 0400", "1201020304")


@requirement("Book 4", "A5", "The fifteenth command and all after it are told by the number 15.")
@cases((14, "1E"), (15, "1F"), (16, "1F"), (17, "1F"))
async def test_number(failing, result):
    answer = _script(_BEFORE, *[_command("80000000")] * 18)
    script = [("80000000", "9000")] * (failing - 1) + [("80000000", "6985")]
    s = await _run(_BEFORE, answer, script)
    assert _told(s) == ("0000000020 0400", result + "00000000")


@requirement(
    "Book 3", "10.10", "Several scripts are performed one after the other, and one that fails does not stop the next."
)
async def test_several():
    answer = b"".join(
        [
            _script(_BEFORE, "9F180400000001", _command(_UNBLOCK)),
            _script(_AFTER, "9F180400000002", _command(_BLOCK)),
            _script(_BEFORE, "9F180400000003", _command(_UNBLOCK), _command(_BLOCK)),
            _script(_BEFORE, "9F180400000004", _command(_BLOCK)),
        ]
    )
    script = [(_UNBLOCK, "9000"), (_UNBLOCK, "6985"), (_BLOCK, "9000")]
    s = await _run(_BEFORE, answer, script)
    assert _told(s) == ("0000000020 0400", "200000000111000000032000000004")
    # and those after the cryptogram are told behind them
    s.commands = session([(_BLOCK, "6985")])[0].commands
    await run(s, _AFTER)
    assert _told(s) == ("0000000030 0400", "2000000001110000000320000000041100000002")


@requirement("Book 4", "12.2.4", "Scripts of 128 bytes in one answer are performed.")
@requirement("Book 4", "12.2.4", "Of an answer with scripts of more than 128 bytes none is performed.")
async def test_length():
    # PUT DATA, the rest is padding, which counts too
    long = h("04DA9F586D") + bytes(0x6D)
    padding = 128 - len(_script(_BEFORE, _ID, _command(long)))
    for spare, performed in ((0, True), (1, False)):
        answer = _script(_BEFORE, _ID, _command(long), bytes(padding + spare))
        assert len(answer) == 128 + spare
        s = await _run(_BEFORE, answer, [(long, "9000")] if performed else [])
        expected = ("0000000000 0400", "2001020304") if performed else ("0000000020 0400", "0001020304")
        assert _told(s) == expected


async def test_length_of_both_kinds():
    apdu = h("04DA000032") + bytes(0x32)
    answer = _script(_BEFORE, _ID, _command(apdu)) + _script(_AFTER, _ID, _command(apdu))
    assert len(answer) == 132
    s = await _run(_BEFORE, answer)
    assert _told(s) == ("0000000020 0400", "0001020304")
    s = await _run(_AFTER, answer)
    assert _told(s) == ("0000000010 0400", "0001020304")


@requirement("Book 4", "A5", "A script that is malformed is not performed, and told by 00.")
@cases(
    (b"", "00000000"),
    (h(_ID), "01020304"),  # no command
    (h(_ID) + b"\x86\x05\x80\x00", "01020304"),  # cut off
    (h("9F18030102 03") + _command(_UNBLOCK), "00000000"),
    (h(_ID) + h(_ID) + _command(_UNBLOCK), "01020304"),
    (_command(_UNBLOCK) + h(_ID), "00000000"),
    (h(_ID) + h("DF0100") + _command(_UNBLOCK), "01020304"),  # something else
    (h("9F"), "00000000"),
)
async def test_malformed(value, identifier):
    answer = bytes((_BEFORE, len(value))) + value + _script(_BEFORE, _command(_BLOCK))
    s = await _run(_BEFORE, answer, [(_BLOCK, "9000")])
    assert _told(s) == ("0000000020 0400", "00" + identifier + "2000000000")


@requirement("ISO 7816-4", "5.1", "What is no short command APDU of any case does not reach the card.")
@cases("", "842400", "8424000004AABBCC", "8424000004AABBCCDD0000", "84240000000000", "8424000000AA")
async def test_no_command(apdu):
    s = await _run(_BEFORE, _script(_BEFORE, _ID, _command(_UNBLOCK), _command(apdu)), [(_UNBLOCK, "9000")])
    assert _told(s) == ("0000000020 0400", "1201020304")


@requirement("ISO 7816-4", "5.1", "A script's command may be of each of the four cases of a short command APDU.")
@cases("84240000", "8424000000", "8424000001AA", "8424000001AA00")
async def test_commands_of_every_case(apdu):
    s = await _run(_BEFORE, _script(_BEFORE, _command(apdu)), [(apdu, "9000")])
    assert _told(s) == ("0000000000 0400", "2000000000")


async def test_as_many_scripts_as_fit():
    answer = _script(_BEFORE, _command("80000000")) * 16
    assert len(answer) == 128
    s = await _run(_BEFORE, answer, [("80000000", "9000")] * 16)
    assert told(s) == "0000000000 0400"
    assert bytes(s.script_results) == h("2000000000") * 16


async def test_more_scripts_than_are_told():
    answer = _script(_BEFORE, _command("80000000")) * 15 + _script(_BEFORE) * 2
    assert len(answer) == 124
    s = await _run(_BEFORE, answer, [("80000000", "9000")] * 15)
    assert told(s) == "0000000020 0400"
    assert bytes(s.script_results) == h("2000000000") * 15 + bytes(5)


async def test_an_answer_that_is_malformed():
    s = await _run(_BEFORE, _script(_BEFORE, _command(_UNBLOCK)) + b"\x72")
    assert _told(s) == ("0000000000 0000", "")


@requirement(
    "Book 4", "A5", "When the card leaves, its script has failed and those after it are told as not performed."
)
@cases((_BEFORE, "0000000020"), (_AFTER, "0000000010"))
async def test_the_card_leaves(template, tvr):
    answer = b"".join([_script(template, "9F18040000000" + number, _command(_UNBLOCK)) for number in "123"])
    s, card = session([(_UNBLOCK, "9000"), (_UNBLOCK, None)])
    s.answer_data = answer
    with raises(E_CARD_REMOVED):
        await run(s, template)
    card.done()
    assert _told(s) == (tvr + " 0400", "200000000111000000020000000003")
