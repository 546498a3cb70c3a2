from reader.emv.commands import Commands
from reader.errors import E_CARD_PROTOCOL, E_CARD_REMOVED, E_DOL
from testing import ScriptedCard, h, raises


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
