"""T=1, errors and what follows on them: ISO/IEC 7816-3, 11.6.3; EMV 4.4 Book 1, 9.2.5.

The scenarios are those of ISO/IEC 7816-3, annex A, as the unit tests of Infineon's libt1prime (MIT licence) number them.
In a script `!` marks a block that arrives with a wrong EDC; what the card did not get right shows in its answer.
"""

from t1_blocks import card, converse, frame, sealed

from reader.errors import E_CARD_FAULT, E_CARD_PROTOCOL, E_CARD_REMOVED, E_CARD_TIMEOUT
from testing import cases, h, raises, requirement

A = "00A40400"  # commands
C = "00DA000001AA"  # six bytes: a chain of three blocks for IFSC 2
OK = "9000"
IA = "I(0,0) " + A
GOOD = "I(0,0) " + OK


async def fails(script, code: int, emv: bool = True, command: str = A, ifsc: int = 32) -> None:
    """The command ends with this error, after exactly this script."""
    line, t1 = card(script, ifsc, emv=emv)
    await t1.start()
    with raises(code):
        await t1.transmit(h(command))
    line.done()


# Annex A, scenarios 8 to 24


@requirement("ISO 7816-3", "11.6.3", "Annex A, scenario 8: R(N) of the I-block just sent has it sent again.")
async def test_scenario_8():
    assert await converse([(IA, "R(0)/1"), (IA, GOOD)], A) == [h(OK)]


@requirement(
    "ISO 7816-3", "11.6.3", "Annex A, scenario 9: an I-block with a wrong EDC is asked for again by R(N), N its number."
)
async def test_scenario_9():
    assert await converse([(IA, "!" + GOOD), ("R(0)/1", GOOD)], A) == [h(OK)]


@requirement("ISO 7816-3", "11.6.3", "Annex A, scenario 10: a garbled R-block is asked for again, and then obeyed.")
async def test_scenario_10():
    assert await converse([(IA, "!R(0)/1"), ("R(0)/1", "R(0)/1"), (IA, GOOD)], A) == [h(OK)]


@requirement("ISO 7816-3", "11.6.3", "Annex A, scenario 11: R(N + 1) in answer to our R-block has that sent again.")
async def test_scenario_11():
    script = [(IA, "!" + GOOD), ("R(0)/1", "R(1)/1"), ("R(0)", GOOD)]
    assert await converse(script, A) == [h(OK)]


@requirement("ISO 7816-3", "11.6.3", "Annex A, scenario 12: an R-block without a valid answer is sent once more.")
async def test_scenario_12():
    script = [(IA, "!" + GOOD), ("R(0)/1", "!R(1)/1"), ("R(0)/1", GOOD)]
    assert await converse(script, A) == [h(OK)]


@requirement(
    "ISO 7816-3", "11.6.3", "Annex A, scenario 13: two lost R-blocks, and the third that the card asks for again."
)
async def test_scenario_13():
    script = [(IA, "!" + GOOD), ("R(0)/1", "!R(1)/1"), ("R(0)/1", "R(1)/1"), ("R(0)", GOOD)]
    assert await converse(script, A) == [h(OK)]


@requirement("ISO 7816-3", "11.6.3", "Annex A, scenarios 14 and 15: a garbled S(WTX request) comes again after R(N).")
async def test_scenario_14():
    script = [
        (IA, "!S(WTX-request) 10"),
        ("R(0)/1", "S(WTX-request) 10"),
        ("S(WTX-response) 10", GOOD),
    ]
    assert await converse(script, A) == [h(OK)]


@requirement("ISO 7816-3", "11.6.3", "Annex A, scenarios 16 and 17: a garbled S(IFS request) comes again after R(N).")
async def test_scenario_16():
    script = [
        (IA, "!S(IFS-request) 79"),
        ("R(0)/1", "S(IFS-request) 79"),
        ("S(IFS-response) 79", GOOD),
    ]
    assert await converse(script, A) == [h(OK)]


@requirement("ISO 7816-3", "11.6.3", "Annex A, scenario 18: a repeated S(IFS request) is answered again.")
async def test_scenario_18():
    script = [
        (IA, "S(IFS-request) 79"),
        ("S(IFS-response) 79", "S(IFS-request) 79"),
        ("S(IFS-response) 79", GOOD),
    ]
    assert await converse(script, A) == [h(OK)]


@requirement(
    "ISO 7816-3", "11.6.3", "Annex A, scenario 19: a garbled block after our S(IFS response) is asked for by R(N)."
)
async def test_scenario_19():
    script = [
        (IA, "S(IFS-request) 79"),
        ("S(IFS-response) 79", "!" + GOOD),
        ("R(0)/1", GOOD),
    ]
    assert await converse(script, A) == [h(OK)]


@requirement("ISO 7816-3", "11.6.3", "Annex A, scenario 20: that R(N) is lost, and the card asks for it by R(N + 1).")
async def test_scenario_20():
    script = [
        (IA, "S(IFS-request) 79"),
        ("S(IFS-response) 79", "!" + GOOD),
        ("R(0)/1", "R(1)/1"),
        ("R(0)", GOOD),
    ]
    assert await converse(script, A) == [h(OK)]


@requirement(
    "ISO 7816-3", "11.6.3", "Annex A, scenarios 21 and 22: R(N) asks for a garbled acknowledgement within our chain."
)
async def test_scenario_21():
    script = [
        ("I(0,1) 00DA", "!R(1)"),
        ("R(0)/1", "R(1)"),
        ("I(1,1) 0000", "R(0)"),
        ("I(0,0) 01AA", GOOD),
    ]
    assert await converse(script, C, ifsc=2) == [h(OK)]


@requirement(
    "ISO 7816-3", "11.6.3", "Annex A, scenario 23: the card asks for our acknowledgement within its chain again."
)
async def test_scenario_23():
    script = [(IA, "I(0,1) F1F2"), ("R(1)", "R(1)/1"), ("R(1)", "I(1,0) " + OK)]
    assert await converse(script, A) == [h("F1F2" + OK)]


@requirement(
    "ISO 7816-3", "11.6.3", "Annex A, scenario 24: that request is garbled, and our R-block is sent once more."
)
async def test_scenario_24():
    script = [(IA, "I(0,1) F1F2"), ("R(1)", "!R(1)/1"), ("R(1)/1", "I(1,0) " + OK)]
    assert await converse(script, A) == [h("F1F2" + OK)]


async def test_a_block_within_our_chain_is_sent_again():
    script = [
        ("I(0,1) 00DA", "R(1)"),
        ("I(1,1) 0000", "R(1)/1"),
        ("I(1,1) 0000", "!R(0)"),
        ("R(0)/1", "R(0)"),
        ("I(0,0) 01AA", "R(0)/2"),
        ("I(0,0) 01AA", GOOD),
    ]
    assert await converse(script, C, ifsc=2) == [h(OK)]


async def test_a_block_within_its_chain_is_asked_for_again():
    script = [
        (IA, "I(0,1) F1"),
        ("R(1)", "!I(1,1) F2"),
        ("R(1)/1", "I(1,1) F2"),
        ("R(0)", ""),
        ("R(0)/2", GOOD),
    ]
    assert await converse(script, A) == [h("F1F2" + OK)]


async def test_numbers_go_on_after_errors():
    script = [
        (IA, "R(0)/1"),
        (IA, "!" + GOOD),
        ("R(0)/1", GOOD),
        ("I(1,0) " + A, "I(1,0) 6A82"),
        (IA, GOOD),
    ]
    assert await converse(script, A, A, A) == [h(OK), h("6A82"), h(OK)]


# ABORT and RESYNCH


@requirement("Book 1", "9.2.5.1", "An S(ABORT request) of the card ends the session; the terminal sends none itself.")
@cases(
    ([(IA, "S(ABORT-request)")], A),
    ([(IA, "I(0,1) F1F2"), ("R(1)", "S(ABORT-request)")], A),
    ([("I(0,1) 00DA", "R(1)"), ("I(1,1) 0000", "S(ABORT-request)")], C),
)
async def test_abort(script, command):
    await fails(script, E_CARD_PROTOCOL, command=command, ifsc=4 if command == A else 2)


@requirement(
    "ISO 7816-3",
    "11.6.3",
    "Annex A, scenario 26: the card aborts its own chain, is answered, and gives the right to send back.",
)
async def test_scenario_26():
    script = [
        (IA, "I(0,1) F1F2"),
        ("R(1)", "S(ABORT-request)"),
        ("S(ABORT-response)", "R(1)"),
        ("I(1,0) " + A, "I(1,0) " + OK),
    ]
    line, t1 = card(script, emv=False)
    await t1.start()
    with raises(E_CARD_PROTOCOL):
        await t1.transmit(h(A))
    assert bytes(await t1.transmit(h(A))) == h(OK)
    line.done()


@requirement(
    "ISO 7816-3",
    "11.6.3",
    "Annex A, scenario 27: the card aborts our chain, is answered, and says which I-block comes next.",
)
async def test_scenario_27():
    script = [
        ("I(0,1) 00DA", "R(1)"),
        ("I(1,1) 0000", "S(ABORT-request)"),
        ("S(ABORT-response)", "R(0)"),
        ("I(0,1) 00A4", "R(1)"),
        ("I(1,0) 0400", GOOD),
    ]
    line, t1 = card(script, 2, emv=False)
    await t1.start()
    with raises(E_CARD_PROTOCOL):
        await t1.transmit(h(C))
    assert bytes(await t1.transmit(h(A))) == h(OK)
    line.done()


async def test_nothing_after_the_abort():
    await fails([(IA, "S(ABORT-request)"), ("S(ABORT-response)", "")], E_CARD_PROTOCOL, emv=False)


THREE = [(IA, ""), ("R(0)/2", "!" + GOOD), ("R(0)/1", "")]
AFTER = [("S(IFS-request) FE", "S(IFS-response) FE")]


@requirement(
    "ISO 7816-3", "11.6.3", "Annex A, scenario 29: after three vain tries S(RESYNCH request) has both sides begin anew."
)
async def test_scenario_29():
    script = [("I(0,1) 00DA", "R(1)"), ("I(1,1) 0000", "S(IFS-request) 20"), ("S(IFS-response) 20", "")]
    script += [("R(0)/2", ""), ("R(0)/2", ""), ("S(RESYNCH-request)", "S(RESYNCH-response)")]
    # N(S) and IFSC are those after the reset; IFSD is told again
    script += AFTER + [("I(0,1) 00DA", "R(1)"), ("I(1,1) 0000", "R(0)"), ("I(0,0) 01AA", GOOD)]
    assert await converse(script, C, ifsc=2, emv=False) == [h(OK)]


@requirement(
    "ISO 7816-3",
    "11.6.3",
    "Annex A, scenarios 30 to 32: S(RESYNCH request) is sent again on anything but its response.",
)
@cases("!S(RESYNCH-response)", "R(0)/1", "!R(0)/1", "", "S(IFS-response) FE", GOOD)
async def test_scenario_30(answer):
    script = THREE + [("S(RESYNCH-request)", answer), ("S(RESYNCH-request)", "S(RESYNCH-response)")]
    assert await converse(script + AFTER + [(IA, GOOD)], A, emv=False) == [h(OK)]


@requirement("ISO 7816-3", "11.6.3", "After three vain S(RESYNCH request) the card is given up.")
async def test_resynchronisation_in_vain():
    await fails(THREE + 3 * [("S(RESYNCH-request)", "")], E_CARD_TIMEOUT, emv=False)
    await fails(THREE + 3 * [("S(RESYNCH-request)", "R(0)")], E_CARD_PROTOCOL, emv=False)


async def test_resynchronised_for_ever():
    resynch = THREE + [("S(RESYNCH-request)", "S(RESYNCH-response)")] + AFTER
    await fails(resynch + resynch + THREE, E_CARD_TIMEOUT, emv=False)


async def test_the_card_may_not_ask_for_resynchronisation():
    for emv in (True, False):
        line, t1 = card([(IA, "S(RESYNCH-request)"), ("R(0)/2", GOOD)], emv=emv)
        await t1.start()
        assert bytes(await t1.transmit(h(A))) == h(OK)
        line.done()


# Three tries


@requirement("Book 1", "9.2.5.1", "Three blocks in a row without a valid answer end the session.")
@cases(
    ([(IA, ""), ("R(0)/2", ""), ("R(0)/2", "")], E_CARD_TIMEOUT),
    ([(IA, "!" + GOOD), ("R(0)/1", "!" + GOOD), ("R(0)/1", "!" + GOOD)], E_CARD_PROTOCOL),
    ([(IA, "!" + GOOD), ("R(0)/1", ""), ("R(0)/2", "R(0)/3")], E_CARD_PROTOCOL),
    ([(IA, "I(0,1) F1"), ("R(1)", ""), ("R(1)/2", "!I(1,0)"), ("R(1)/1", "")], E_CARD_TIMEOUT),
    ([(IA, "S(WTX-request) 02"), ("S(WTX-response) 02", ""), ("R(0)/2", ""), ("R(0)/2", "")], E_CARD_TIMEOUT),
)
async def test_three_tries(script, code):
    await fails(script, code)


@requirement(
    "Book 1",
    "9.2.5.1",
    "In answer to an I-block silence and a missing character are answered by an R-block with error 2.",
)
@cases(1, 2, 3, 4, 5)
async def test_missing_characters(count):
    script = [(IA, frame(GOOD)[:count]), ("R(0)/2", GOOD)]
    assert await converse(script, A) == [h(OK)]
    assert await converse([(IA, ""), ("R(0)/2", GOOD)], A) == [h(OK)]


@requirement("Book 1", "9.2.5.1", "In answer to an R-block anything invalid has the R-block sent again.")
async def test_invalid_after_r_block():
    script = [(IA, ""), ("R(0)/2", frame(GOOD)[:3]), ("R(0)/2", GOOD)]
    assert await converse(script, A) == [h(OK)]


@requirement("Book 1", "9.2.5.1", "In answer to S(IFS request) anything but its response has the request sent again.")
@cases(
    "", "!S(IFS-response) FE", "S(IFS-response) 20", "R(0)/1", "R(1)", GOOD, "S(WTX-request) 01", "S(IFS-request) FE"
)
async def test_start_again(answer):
    ifs = "S(IFS-request) FE"
    line, t1 = card([(ifs, answer), (ifs, answer), (ifs, "S(IFS-response) FE"), (IA, GOOD)], start=True)
    await t1.start()
    assert bytes(await t1.transmit(h(A))) == h(OK)
    line.done()


@requirement(
    "ISO 7816-3", "11.6.3", "A card that gives no valid block at the start, three times, is reset or deactivated."
)
async def test_no_start():
    for answer, code in (("", E_CARD_TIMEOUT), ("R(0)/1", E_CARD_PROTOCOL), ("!S(IFS-response) FE", E_CARD_PROTOCOL)):
        line, t1 = card(3 * [("S(IFS-request) FE", answer)], start=True)
        with raises(code):
            await t1.start()
        line.done()


@requirement("Book 1", "9.2.5.1", "In answer to an S-block response anything invalid is answered by an R-block.")
async def test_invalid_after_s_response():
    for request, response in (("S(WTX-request) 02", "S(WTX-response) 02"), ("S(IFS-request) 20", "S(IFS-response) 20")):
        assert await converse([(IA, request), (response, "!" + GOOD), ("R(0)/1", GOOD)], A) == [h(OK)]
        assert await converse([(IA, request), (response, ""), ("R(0)/2", request), (response, GOOD)], A) == [h(OK)]


async def test_a_block_is_sent_three_times_at_most():
    await fails([(IA, "R(0)/1"), (IA, "R(0)/1"), (IA, "R(0)/1")], E_CARD_PROTOCOL)
    script = [(IA, "!" + GOOD), ("R(0)/1", "R(1)"), ("R(0)", "R(1)"), ("R(0)", "R(1)")]
    await fails(script, E_CARD_PROTOCOL)
    # Valid and invalid blocks in turn do not make it more
    script = [(IA, "R(0)/1"), (IA, "!" + GOOD), ("R(0)/1", "R(1)"), ("R(0)", ""), ("R(0)/2", "R(1)")]
    await fails(script, E_CARD_PROTOCOL)


async def test_s_ifs_for_ever():
    ifs = ("S(IFS-response) 20", "S(IFS-request) 20")
    await fails([(IA, "S(IFS-request) 20"), ifs, ifs], E_CARD_PROTOCOL)


# Blocks that are none


@requirement("ISO 7816-3", "11.3.2", "A block is invalid whose NAD, PCB and LEN do not fit together.")
@cases(
    "01 00 02 90 00",  # node addresses
    "10 00 02 90 00",
    "FF 00 02 90 00",
    "00 01 02 90 00",  # reserved bits of an I-block
    "00 10 02 90 00",
    "00 80 01 00",  # an R-block with INF
    "00 83 00",  # reserved error
    "00 84 00",
    "00 A0 00",
    "00 C0 01 00",  # S(RESYNCH) with INF
    "00 C1 00",  # S(IFS) without
    "00 C1 02 20 20",
    "00 C2 01 00",
    "00 C3 00",
    "00 C3 02 01 01",
    "00 C4 00",  # reserved
    "00 E4 00",  # once the error on Vpp
    "00 D0 00",
    "00 FF 00",
    "00 E1 01 20",  # a response without a request
    "00 E0 00",
    "00 E2 00",
    "00 E3 01 01",
    "00 C1 01 00",  # IFS 0
    "00 C1 01 FF",
    "00 C3 01 00",  # no time at all
    "00 90 00",  # R-block that acknowledges what is no chain
    "00 40 02 90 00",  # not its turn
    "00 60 02 90 00",
)
async def test_invalid_blocks(block):
    assert await converse([(IA, sealed(h(block))), ("R(0)/2", GOOD)], A) == [h(OK)]


async def test_an_i_block_within_our_chain():
    script = [
        ("I(0,1) 00DA", GOOD),
        ("R(0)/2", "R(1)"),
        ("I(1,1) 0000", "R(0)"),
        ("I(0,0) 01AA", GOOD),
    ]
    assert await converse(script, C, ifsc=2) == [h(OK)]


async def test_it_asks_for_what_it_has_acknowledged():
    # The card's chain has begun, so it has our I(0,0)
    script = [(IA, "I(0,1) F1"), ("R(1)", "R(0)"), ("R(1)/2", "I(1,0) " + OK)]
    assert await converse(script, A) == [h("F1" + OK)]
    # R(1) asks for an R-block, but we sent an S-block last
    script = [
        (IA, "I(0,1) F1"),
        ("R(1)", "S(WTX-request) 01"),
        ("S(WTX-response) 01", "R(1)"),
        ("R(1)/2", "I(1,0) " + OK),
    ]
    assert await converse(script, A) == [h("F1" + OK)]


@requirement("Book 1", "9.2.4.2.1", "A block longer than the IFSD that the card was told is invalid.")
async def test_longer_than_ifsd():
    line, t1 = card([(IA, sealed(h("00 00 21") + bytes(31) + h(OK))), ("R(0)/2", GOOD)], start=True)
    # Nobody told the card of another IFSD than 32
    assert bytes(await t1.transmit(h(A))) == h(OK)
    line.done()


@requirement("ISO 7816-3", "11.3.2", "LEN FF is invalid.")
async def test_length_ff():
    block = h("00 00 FF") + bytes(256)
    assert await converse([(IA, block), ("R(0)/2", GOOD)], A) == [h(OK)]


@requirement(
    "Book 1", "9.2.5", "After a block with a wrong length the terminal waits until the line is quiet before it answers."
)
async def test_a_length_that_is_too_short():
    # LEN says 1, and there are 9 bytes more
    assert await converse([(IA, h("00 00 01" + 9 * "11")), ("R(0)/1", GOOD)], A) == [h(OK)]


async def test_a_line_that_never_becomes_quiet():
    await fails([(IA, h("00 00 01") + bytes(2 + 2 * 259))], E_CARD_PROTOCOL)


async def test_noise_that_ends():
    script = [(IA, b"\x55" * 500), ("R(0)/1", GOOD)]
    assert await converse(script, A) == [h(OK)]


async def test_a_wrong_crc():
    block = bytearray(frame(GOOD, True))
    for at in (-1, -2):
        block[at] ^= 0x80
        assert await converse([(IA, bytes(block)), ("R(0)/1", GOOD)], A, crc=True) == [h(OK)]
        block[at] ^= 0x80


# The card leaves


@cases(0, 1, 2, 3, 4, 5, 6)
async def test_the_card_leaves_after_any_block(step):
    script = [
        ("I(0,1) 00DA", "R(1)"),
        ("I(1,1) 0000", "!R(0)"),
        ("R(0)/1", "R(0)"),
        ("I(0,0) 01AA", "S(WTX-request) 01"),
        ("S(WTX-response) 01", "I(0,1) F1"),
        ("R(1)", "S(IFS-request) 02"),
        ("S(IFS-response) 02", "I(1,0) " + OK),
    ][: step + 1]
    script[step] = (script[step][0], None)
    await fails(script, E_CARD_REMOVED, command=C, ifsc=2)


async def test_the_slot_cuts_the_power():
    line, t1 = card([("S(IFS-request) FE", None)], start=True)
    with raises(E_CARD_REMOVED):
        await t1.start()
    line, t1 = card([])
    await t1.start()
    line.break_off(E_CARD_FAULT)
    with raises(E_CARD_FAULT):
        await t1.transmit(h(A))
