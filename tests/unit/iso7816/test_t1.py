"""T=1 without errors: ISO/IEC 7816-3, 11; EMV 4.4 Book 1, 9.2.4. Errors: test_t1_errors.py.

The scenarios are those of ISO/IEC 7816-3, annex A, as the unit tests of Infineon's libt1prime (MIT licence) number them.
"""

from t1_blocks import card, converse, frame, sealed

from reader.errors import E_CARD_PROTOCOL, E_CARD_TIMEOUT
from reader.iso7816.atr import parse
from reader.iso7816.t1 import T1
from testing import cases, h, raises, requirement

A = "00A40400"  # commands
B = "00B00000"
C = "00DA000001AA"  # six bytes: a chain of three blocks for IFSC 2
OK = "9000"


@requirement(
    "Book 1", "9.2.4.2.1", "Right after the answer to reset the terminal tells its IFSD, 254, by S(IFS request)."
)
async def test_start():
    line, t1 = card([(h("00 C1 01 FE 3E"), h("00 E1 01 FE 1E"))], start=True)
    await t1.start()
    line.done()


@requirement(
    "ISO 7816-3", "11.3", "A block is NAD, PCB, LEN, INF and EDC, and the LRC is the exclusive-or of all others."
)
async def test_a_block():
    line, t1 = card([(h("00 00 05 00 B2 01 0C 00 BA"), h("00 00 04 70 00 90 00 E4"))])
    await t1.start()
    assert bytes(await t1.transmit(h("00 B2 01 0C 00"))) == h("7000 9000")
    line.done()


@requirement(
    "ISO 7816-3", "11.4.4", "With TC3 bit 1 the EDC is the CRC of ISO/IEC 13239, two bytes, the high one first."
)
async def test_crc():
    assert sealed(b"123456789", True)[-2:] == h("906E")  # the check value of catalogues: CRC-16/X-25
    assert await converse([("I(0,0) " + A, "I(0,0) " + OK), ("I(1,0) " + B, "I(1,0) 6A82")], A, B, crc=True) == [
        h(OK),
        h("6A82"),
    ]


@requirement(
    "ISO 7816-3", "11.6.2", "Annex A, scenario 1: I-blocks acknowledge each other, and N(S) alternates between 0 and 1."
)
async def test_scenario_1():
    script = [("I(0,0) " + A, "I(0,0) F1" + OK), ("I(1,0) " + B, "I(1,0) F2" + OK), ("I(0,0) " + A, "I(0,0) " + OK)]
    assert await converse(script, A, B, A) == [h("F1" + OK), h("F2" + OK), h(OK)]


@requirement(
    "ISO 7816-3", "11.6.2", "Annex A, scenario 2: S(WTX request) is answered with the same INF, and the card goes on."
)
async def test_scenario_2():
    script = [
        ("I(0,0) " + A, "S(WTX-request) 10"),
        ("S(WTX-response) 10", "I(0,0) " + OK),
    ]
    assert await converse(script, A) == [h(OK)]


@requirement(
    "ISO 7816-3",
    "11.6.2",
    "Annex A, scenario 3: the card's S(IFS request) is answered with the same INF, and sets IFSC.",
)
async def test_scenario_3():
    script = [
        ("I(0,1) 00A4", "S(IFS-request) 79"),
        ("S(IFS-response) 79", "R(1)"),
        ("I(1,0) 0400", "I(0,0) " + OK),
        ("I(0,0) " + B, "I(1,0) " + OK),  # no chain any more
    ]
    assert await converse(script, A, B, ifsc=2) == [h(OK), h(OK)]


@requirement("ISO 7816-3", "11.6.2", "Annex A, scenario 4: S(IFS response) repeats the IFSD that it acknowledges.")
async def test_scenario_4():
    ifs = ("S(IFS-request) FE", "S(IFS-response) FE")
    line, t1 = card([("I(0,0) " + A, "I(0,0) " + OK), ifs, ("I(1,0) " + B, "I(1,0) F1" + OK)])
    await t1.start()
    assert bytes(await t1.transmit(h(A))) == h(OK)
    await t1.start()
    assert bytes(await t1.transmit(h(B))) == h("F1" + OK)
    line.done()


@requirement(
    "ISO 7816-3",
    "11.6.2",
    "Annex A, scenario 5: a command longer than IFSC goes as a chain, each block acknowledged by R(N + 1).",
)
async def test_scenario_5():
    script = [
        ("I(0,1) 00DA", "R(1)"),
        ("I(1,1) 0000", "R(0)"),
        ("I(0,0) 01AA", "I(0,0) " + OK),
    ]
    assert await converse(script, C, ifsc=2) == [h(OK)]


@requirement(
    "ISO 7816-3",
    "11.6.2",
    "Annex A, scenario 6: a response comes as a chain, each block but the last acknowledged by R(N + 1).",
)
async def test_scenario_6():
    script = [
        ("I(0,0) " + A, "I(0,1) F1F2"),
        ("R(1)", "I(1,0) F3" + OK),
        ("I(1,0) " + B, "I(0,0) " + OK),
    ]
    assert await converse(script, A, B) == [h("F1F2F3" + OK), h(OK)]


@requirement("ISO 7816-3", "11.6.2", "Annex A, scenario 7: the last block of a chain may be empty.")
async def test_scenario_7():
    script = [
        ("I(0,0) " + A, "I(0,1) F1" + OK),
        ("R(1)", "I(1,0)"),
        ("I(1,0) " + B, "I(0,0) " + OK),
    ]
    assert await converse(script, A, B) == [h("F1" + OK), h(OK)]


async def test_chains_both_ways():
    script = [
        ("I(0,1) 00DA", "R(1)"),
        ("I(1,1) 0000", "R(0)"),
        ("I(0,0) 01AA", "I(0,1) 01"),
        ("R(1)", "I(1,1) 02"),
        ("R(0)", "I(0,0) 03" + OK),
        ("I(1,1) 00A4", "R(0)"),
        ("I(0,0) 0400", "I(1,0) " + OK),
    ]
    assert await converse(script, C, A, ifsc=2) == [h("010203" + OK), h(OK)]


@requirement("Book 1", "9.2.4.2.1", "No I-block to the card is longer than its IFSC.")
@cases(16, 32, 254)
async def test_ifsc(ifsc):
    data = bytes(range(255))
    command = h("00 D6 00 00 FF") + data + h("00")
    script = []
    ns = 0
    for at in range(0, len(command), ifsc):
        part = command[at : at + ifsc]
        more = at + ifsc < len(command)
        block = sealed(bytes((0, ns << 6 | more << 5, len(part))) + part)
        ns ^= 1
        script.append((block, f"R({ns})" if more else "I(0,0) " + OK))
    line, t1 = card(script, ifsc)
    await t1.start()
    assert bytes(await t1.transmit(command)) == h(OK)
    line.done()


@requirement(
    "Book 1", "9.2.4.2.1", "Blocks of the card hold 254 bytes at most, those of the longest response 254 and 4."
)
async def test_the_longest_response():
    first = bytes(range(254))
    script = [
        ("I(0,0) 00B0000000", sealed(h("00 20 FE") + first)),
        ("R(1)", "I(1,0) FEFF" + OK),
    ]
    assert await converse(script, "00B0000000") == [first + h("FEFF" + OK)]


@requirement("ISO 7816-4", "5.1", "A chain of more than 256 bytes of response data breaks the protocol.")
async def test_too_long_a_response():
    script = [
        ("I(0,0) 00B0000000", sealed(h("00 20 FE") + bytes(254))),
        ("R(1)", "I(1,0) FEFF00" + OK),
    ]
    line, t1 = card(script)
    await t1.start()
    with raises(E_CARD_PROTOCOL):
        await t1.transmit(h("00B0000000"))
    line.done()


async def test_a_chain_without_end():
    for inf in ("", "11"):
        line, t1 = card([("I(0,0) " + A, ("I(0,1) " + inf).strip())] + ([("R(1)", "I(1,1)")] if inf else []))
        await t1.start()
        with raises(E_CARD_PROTOCOL):
            await t1.transmit(h(A))
        line.done()


@cases("I(0,0)", "I(0,0) 90")
async def test_no_status_word(answer):
    _line, t1 = card([("I(0,0) " + A, answer)])
    await t1.start()
    with raises(E_CARD_PROTOCOL):
        await t1.transmit(h(A))


@cases("", "00", "00A404", "00A4040002A0", "00B00000000100", 300 * "00")
async def test_no_command_at_all(command):
    line, t1 = card([])
    await t1.start()
    assert bytes(await t1.transmit(h(command))) == h("6700")
    line.done()


# Time


@requirement(
    "Book 1",
    "9.2.4.2.2",
    "The terminal waits BWT = 2^BWI * 960 * D + 11 etu, and D * 960 etu more, for the first character.",
)
@cases(
    # TB3, D, BWT, CWT
    (0x00, 1, 960 + 11, 12),
    (0x15, 1, 1920 + 11, 43),
    (0x45, 1, 15360 + 11, 43),
    (0x41, 2, 2 * 15360 + 11, 13),
    (0x41, 4, 4 * 15360 + 11, 13),
)
async def test_waiting_times(tb3, d, bwt, cwt):
    from atrs import with_check

    line, _ = card([("I(0,0) " + A, "I(0,0) " + OK)])
    atr = parse(with_check(f"3B E0 00 FF 81 31 20 {tb3:02X}"))
    atr.d_now = d
    t1 = T1(line, atr)
    await t1.start()
    await t1.transmit(h(A))
    assert set(line.waits) == {(bwt + d * 960, cwt + 4), (cwt + 4, cwt + 4)}


@requirement(
    "Book 1",
    "9.2.4.2.2",
    "Characters of one block come within CWT = 2^CWI + 11 etu, and the terminal waits 4 etu more.",
)
async def test_character_waiting_time():
    line, t1 = card([("I(0,0) " + A, "I(0,0) " + OK)], tb3=0x03)
    await t1.start()
    await t1.transmit(h(A))
    assert [after for _, after in line.waits] == 4 * [8 + 11 + 4]


@requirement("ISO 7816-3", "11.4.3", "BWT counts in units of 960 times 372 clocks, whatever the rate in use is.")
async def test_block_waiting_time_at_another_rate():
    from atrs import with_check

    line, _ = card([])
    atr = parse(with_check("3B E0 00 FF 81 31 20 45"))
    atr.f_now, atr.d_now = 512, 32
    t1 = T1(line, atr)
    await t1.start()
    first = max([first for first, _ in line.waits]) - 32 * 960
    # in etu of 512 / 32 clocks: at least as long, and not an etu of D too much
    assert 0 <= first - 11 - 15360 * 372 * 32 // 512 <= 32


@requirement(
    "Book 1", "9.2.4.3", "S(WTX) multiplies BWT for the answer to the terminal's response, and for that one only."
)
async def test_waiting_time_extension():
    script = [
        ("I(0,0) " + A, "S(WTX-request) 03"),
        ("S(WTX-response) 03", "S(WTX-request) 01"),
        ("S(WTX-response) 01", "I(0,1) F1"),
        ("R(1)", "I(1,0) " + OK),
    ]
    line, t1 = card(script, tb3=0x05)
    await t1.start()
    await t1.transmit(h(A))
    line.done()
    firsts = [first for first, after in line.waits if first > after]
    assert firsts == [971 + 960, 971 + 960, 3 * 971 + 960, 971 + 960, 971 + 960]


async def test_extensions_end():
    # BWT 15371 etu are 1598 ms; the card may have 60 s of them
    grant = "S(WTX-response) 25", "S(WTX-request) 01"  # 37 times
    line, t1 = card([("I(0,0) " + A, "S(WTX-request) 25"), grant])
    await t1.start()
    with raises(E_CARD_TIMEOUT):
        await t1.transmit(h(A))
    line.done()
    line, t1 = card([("I(0,0) " + A, "S(WTX-request) 26")])
    await t1.start()
    with raises(E_CARD_TIMEOUT):
        await t1.transmit(h(A))
    line.done()


async def test_extensions_begin_anew_with_each_command():
    script = []
    for ns in (0, 1):
        script.append((f"I({ns},0) " + A, "S(WTX-request) 25"))
        script.append(("S(WTX-response) 25", f"I({ns},0) " + OK))
    assert await converse(script, A, A) == [h(OK), h(OK)]


@requirement("Book 1", "9.2.4.3", "S(WTX) and S(IFS) may come within a chain, and the chain goes on after them.")
async def test_s_blocks_within_chains():
    script = [
        ("I(0,1) 00DA", "S(WTX-request) 02"),
        ("S(WTX-response) 02", "R(1)"),
        ("I(1,1) 0000", "S(IFS-request) 03"),
        ("S(IFS-response) 03", "R(0)"),
        ("I(0,0) 01AA", "I(0,1) 01"),
        ("R(1)", "S(WTX-request) 02"),
        ("S(WTX-response) 02", "I(1,0) " + OK),
    ]
    assert await converse(script, C, ifsc=2) == [h("01" + OK)]


async def test_nothing_is_left_behind():
    _line, t1 = card([("I(0,0) 0020008008241234FFFFFFFFFF", "I(0,0) " + OK)])
    await t1.start()
    response = await t1.transmit(h("0020008008241234FFFFFFFFFF"))
    t1.wipe()
    assert bytes(response) == bytes(2)
    assert not any(t1._block)


async def test_what_comes_too_late_is_dropped():
    line, t1 = card([("I(0,0) " + A, frame("I(0,0) " + OK) + b"\x00\x00"), ("I(1,0) " + A, "I(1,0) " + OK)])
    await t1.start()
    for _ in range(2):
        assert bytes(await t1.transmit(h(A))) == h(OK)
    assert line.discarded == 2
