from reader.emv.commands import Commands
from reader.errors import E_CARD_PROTOCOL, E_CARD_REMOVED, E_DOL, E_TAG_FORMAT
from testing import ScriptedCard, cases, h, raises, requirement


async def test_select():
    # EMV Contactless Book B, 3.3.2: SELECT PPSE
    card = ScriptedCard([("00A40400 0E 325041592E5359532E4444463031 00", "6F009000")])
    data, sw = await Commands(card.transmit).select(b"2PAY.SYS.DDF01")
    assert (bytes(data), sw) == (h("6F00"), 0x9000)
    card.done()


async def test_get_processing_options():
    # EMV 4.4 Book 3, 6.5.8; an empty PDOL is 83 00
    card = ScriptedCard([("80A80000 02 8300 00", "6985"), ("80A80000 04 8302 A1B2 00", "9000")])
    commands = Commands(card.transmit)
    data, sw = await commands.get_processing_options(0)
    assert (bytes(data), sw) == (b"", 0x6985)
    commands.template(2)[:] = h("A1B2")
    await commands.get_processing_options(2)
    card.done()


async def test_processing_options_at_the_bounds():
    long = bytes(range(252))
    card = ScriptedCard(
        [
            (h("80A80000 81 837F") + long[:127] + b"\0", "9000"),
            (h("80A80000 83 838180") + long[:128] + b"\0", "9000"),
            (h("80A80000 FF 8381FC") + long + b"\0", "9000"),
        ]
    )
    commands = Commands(card.transmit)
    for n in (127, 128, 252):
        commands.template(n)[:] = long[:n]
        await commands.get_processing_options(n)
    card.done()
    with raises(E_DOL):
        commands.template(253)


async def test_read_record():
    # EMV 4.4 Book 3, 6.5.11: P2 is the SFI in bits 8 to 4, and 100
    card = ScriptedCard([("00B2 01 0C 00", "70009000"), ("00B2 FF F4 00", "6A83")])
    commands = Commands(card.transmit)
    data, sw = await commands.read_record(1, 1)
    assert (bytes(data), sw) == (h("7000"), 0x9000)
    assert (await commands.read_record(255, 30))[1] == 0x6A83
    card.done()


@requirement("Book 1", "11.3.2", "SELECT of the next occurrence has P2 02, of the first or only one P2 00.")
async def test_select_the_next_one():
    card = ScriptedCard([("00A40402 05 A000000333 00", "6A82")])
    assert (await Commands(card.transmit).select(h("A000000333"), True))[1] == 0x6A82
    card.done()


@requirement(
    "Book 3", "6.5.5.2", "GENERATE AC names the type of cryptogram in P1, its data are the values of the CDOL."
)
async def test_generate_ac():
    card = ScriptedCard([("80AE9000 02 A1B2 00", "80 00 9000"), (h("80AE4000FF") + bytes(256), "6985")])
    commands = Commands(card.transmit)
    commands.field(2)[:] = h("A1B2")
    data, sw = await commands.generate_ac(0x90, 2)
    assert (bytes(data), sw) == (h("8000"), 0x9000)
    commands.field(255)[:] = bytes(255)
    assert (await commands.generate_ac(0x40, 255))[1] == 0x6985
    card.done()
    with raises(E_DOL):
        commands.field(256)


@requirement("Book 3", "6.5.9.2", "INTERNAL AUTHENTICATE carries the values of the DDOL.")
async def test_internal_authenticate():
    card = ScriptedCard([("00880000 04 01020304 00", "9000")])
    commands = Commands(card.transmit)
    commands.field(4)[:] = h("01020304")
    await commands.internal_authenticate(4)
    card.done()


@requirement("Book 3", "6.5.4.2", "EXTERNAL AUTHENTICATE carries the issuer authentication data, and no Le.")
async def test_external_authenticate():
    card = ScriptedCard([("00820000 0A 00112233445566773030", "6300")])
    assert (await Commands(card.transmit).external_authenticate(h("00112233445566773030")))[1] == 0x6300
    card.done()


@requirement("Book 3", "6.5.6.2", "GET CHALLENGE asks for a number with P1, P2 and Le 00.")
async def test_get_challenge():
    card = ScriptedCard([("0084000000", "0011223344556677 9000")])
    assert bytes((await Commands(card.transmit).get_challenge())[0]) == h("0011223344556677")
    card.done()


@requirement("Book 3", "6.5.7.2", "GET DATA has the tag of the data object in P1 and P2.")
@cases((0x9F36, "80CA9F3600"), (0x9F13, "80CA9F1300"), (0x9F17, "80CA9F1700"), (0x9F4F, "80CA9F4F00"))
async def test_get_data(tag, command):
    card = ScriptedCard([(command, "6A88")])
    assert (await Commands(card.transmit).get_data(tag))[1] == 0x6A88
    card.done()


@requirement("Book 3", "6.5.12.2", "VERIFY has 80 in P2 for a plain PIN block, 88 for an enciphered one, and no Le.")
async def test_verify():
    block = h("241234FFFFFFFFFF")
    seen = []

    async def transmit(c_apdu):
        seen.append(bytes(c_apdu))
        seen.append(c_apdu)
        return memoryview(h("63C2"))

    commands = Commands(transmit)
    assert (await commands.verify(0x80, block))[1] == 0x63C2
    assert seen[0] == h("00200080 08") + block
    # the PIN does not stay in the buffer
    assert bytes(seen[1]) == h("00200080 08") + bytes(8)
    await commands.verify(0x88, bytes(range(248)))
    assert seen[2] == h("00200088 F8") + bytes(range(248))


async def test_a_pin_does_not_stay_when_the_card_leaves():
    seen = []

    async def transmit(c_apdu):
        seen.append(c_apdu)
        return memoryview(b"")

    with raises(E_CARD_PROTOCOL):
        await Commands(transmit).verify(0x80, h("241234FFFFFFFFFF"))
    assert bytes(seen[0][5:]) == bytes(8)


@requirement("Book 3", "10.10", "A command of the issuer's script goes to the card as it came.")
async def test_a_script_command():
    longest = h("8424000100") + bytes(256)
    card = ScriptedCard([("8418000000", "9000"), ("00840000", "6D00"), (longest, "9000")])
    commands = Commands(card.transmit)
    assert (await commands.script(h("8418000000")))[1] == 0x9000
    await commands.script(h("00840000"))
    await commands.script(longest)
    card.done()
    for command in (b"", h("841800"), longest + b"\0"):
        with raises(E_TAG_FORMAT, 0x86):
            await commands.script(command)


async def test_no_status_word():
    for response in ("", "90"):
        card = ScriptedCard([("00B2010C00", response)])
        with raises(E_CARD_PROTOCOL):
            await Commands(card.transmit).read_record(1, 1)


async def test_the_card_leaves():
    card = ScriptedCard([("00B2010C00", None)])
    with raises(E_CARD_REMOVED):
        await Commands(card.transmit).read_record(1, 1)


async def test_a_wiped_buffer_holds_no_command():
    seen = []

    async def transmit(c_apdu):
        seen.append(c_apdu)
        return memoryview(h("9000"))

    commands = Commands(transmit)
    await commands.select(b"2PAY.SYS.DDF01")
    assert b"2PAY" in bytes(seen[0])
    commands.wipe()
    assert bytes(seen[0]) == bytes(20)
