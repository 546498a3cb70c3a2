"""Pass-through: how a card is found, what it may be asked, and how it ends; the link and the cards are stand-ins."""

import asyncio

from ring_memory import RingMemory

from reader.app.pass_through import PassThrough, rehearse
from reader.errors import (
    E_CANCELLED,
    E_CARD_ACCESS,
    E_CARD_KEY,
    E_CARD_KIND,
    E_CARD_PROTOCOL,
    E_CARD_REMOVED,
    E_CARD_TIMEOUT,
    E_LINK_BODY,
    E_LINK_BUSY,
    E_LINK_STATE,
    E_NFC_SILENT,
    E_NFC_STATUS,
    E_NO_CARD,
    E_PASS_PAYMENT,
    E_TWO_CARDS,
    ReaderError,
)
from reader.link import protocol
from reader.storage.card_keys import CardKeys
from reader.util import ber_tlv, modules
from testing import FakeClock, ScriptedCard, cases, h

ASYNC_LIMIT_S = 10

_CLASSIC = "0004 08"
_ULTRALIGHT = "0044 00"
_ISODEP = "0004 20 0578807002"
_IDM = "012E3D23BA075C45"
_VALUE_8 = "64000000 9BFFFFFF 64000000 08F708F7"  # 100 at address 8
_VALUE_5 = "5F000000 A0FFFFFF 5F000000 08F708F7"  # 95


class _Card(ScriptedCard):
    """A card of the driver's, with a conversation."""

    def __init__(self, script, says=_CLASSIC, uid="3C5D7E9F", technology=protocol.TECHNOLOGY_A):
        super().__init__(script)
        self.says = h(says)
        self.uid = h(uid)
        self.technology = technology
        self.is_isodep = len(self.says) > 3 and technology == protocol.TECHNOLOGY_A
        self.raw = self.transmit
        self.is_there = True
        self.activations = 0
        self.speed = 0  # or why it cannot be raised

    async def speed_up(self):
        if self.speed >= 100:
            raise ReaderError(self.speed)
        self.speed = 2
        return 2

    async def is_present(self):
        self.activations += 1
        return self.is_there


class _Contactless:
    """Hands out `cards` one look after the other; an error is raised, None is an empty field."""

    def __init__(self, clock, cards):
        self.clock = clock
        self.cards = cards
        self.on = False
        self.looks = []

    async def start(self):
        self.on = True

    async def look(self, technologies, system_code=0xFFFF):
        self.looks.append((technologies, system_code))
        self.clock.advance(100)
        found = self.cards.pop(0) if self.cards else None
        if isinstance(found, int):
            raise ReaderError(found)
        return found

    async def stop(self):
        self.on = False


class _Reader:
    """What of the supervisor pass-through uses; it is the link and the board too."""

    def __init__(self, *cards):
        self.clock = FakeClock()
        self.contactless = _Contactless(self.clock, list(cards))
        self.link = self.board = self
        self.parameters = self  # contactless: whatever, a test that asks for it puts it in
        self.ring = RingMemory()
        self.said = []
        self.news = asyncio.Event()
        self.writer = protocol.Writer()
        self.kept = modules.loaded()
        self.pass_through = PassThrough(self, self.kept)
        self.number = 0

    async def send(self, build):
        self.said.append(bytes(build(self.writer).message()))
        self.news.set()
        return True

    async def ask(self, opcode, body="", number=0):
        """The response's objects."""
        self.number = number or self.number + 1
        write = await self.pass_through.handle(opcode, self.number, h(body))
        return _objects(bytes(write(self.writer.begin(protocol.RESPONSE, opcode, self.number)).message()))

    async def event(self):
        """The next event: opcode, objects."""
        while not self.said:
            self.news.clear()
            await self.news.wait()
        message = self.said.pop(0)
        assert message[0] == protocol.EVENT
        return message[1], _objects(message)

    async def open(self, body=""):
        assert await self.ask(protocol.CARD_OPEN, body) == {protocol.ERROR: b"\x00\x00"}
        opcode, found = await self.event()
        assert opcode == protocol.CARD_FOUND
        return found

    async def close(self):
        if self.pass_through is not None:
            assert _error(await self.ask(protocol.CARD_CLOSE)) == 0
        assert self.pass_through is None and not self.contactless.on


def _objects(message):
    return {tag: bytes(value) for tag, value in ber_tlv.objects(message[6:])}


def _error(objects):
    return int.from_bytes(objects[protocol.ERROR], "big")


def _detail(objects):
    return int.from_bytes(objects[protocol.DETAIL], "big")


def _opened(*cards):
    # the combinations of the parameters, of which only the AID is asked
    reader = _Reader(*cards)
    reader.pass_through.combinations = ()
    return reader


@cases(
    (_CLASSIC, protocol.TYPE_CLASSIC_1K),
    ("0004 88", protocol.TYPE_CLASSIC_1K),
    ("0002 18", protocol.TYPE_CLASSIC_4K),
    ("0004 09", protocol.TYPE_CLASSIC_MINI),
    ("0004 10", protocol.TYPE_OTHER),
    (_ISODEP, protocol.TYPE_ISODEP),
)
async def test_found(says, kind):
    reader = _opened(None, _Card([], says))
    found = await reader.open()
    assert found[protocol.CARD_TYPE] == bytes((kind,)) and found[protocol.TECHNOLOGY] == b"\x01"
    assert found[protocol.UID] == h("3C5D7E9F") and found[protocol.CARD_SAYS] == h(says)
    assert protocol.CARD_VERSION not in found
    assert reader.contactless.looks == [(7, 0xFFFF)] * 2
    await reader.close()


async def test_found_with_a_version():
    reader = _opened(_Card([("60", "0004040201000F03")], _ULTRALIGHT, "04A1B2C3D4E5F6"))
    found = await reader.open("D00101")
    assert found[protocol.CARD_VERSION] == h("0004040201000F03")
    assert reader.contactless.looks == [(1, 0xFFFF)]
    await reader.close()


async def test_found_without_a_version():
    # MF0ICU1 does not know GET_VERSION: it is activated once more
    card = _Card([("60", E_CARD_TIMEOUT), ("30 04", "04" * 16)], _ULTRALIGHT)
    reader = _opened(card)
    assert protocol.CARD_VERSION not in await reader.open()
    assert card.activations == 1
    assert (await reader.ask(protocol.CARD_FETCH, "D9020004"))[protocol.DATA] == b"\x04" * 4
    # and has no password
    assert _error(await reader.ask(protocol.CARD_AUTHENTICATE, "D70105")) == E_CARD_KIND
    await reader.close()


async def test_felica():
    idm = _IDM
    script = [
        ("10 06" + idm + "01 0B10 01 8000", "1D 07" + idm + "0000 01" + "AB" * 16),
        ("10 06" + idm + "01 0B10 01 8009", "0C 07" + idm + "01A8"),
        ("20 08" + idm + "01 0900 01 8001" + "CD" * 16, "0C 09" + idm + "0000"),
    ]
    card = _Card(script, "0100000000000000 12FC", idm, protocol.TECHNOLOGY_FELICA)
    reader = _opened(card)
    found = await reader.open("D00104 D50212FC")
    assert found[protocol.CARD_TYPE] == bytes((protocol.TYPE_FELICA,)) and found[protocol.UID] == h(idm)
    assert reader.contactless.looks == [(4, 0x12FC)]
    assert (await reader.ask(protocol.CARD_FETCH, "DB02100B D9020000"))[protocol.DATA] == b"\xab" * 16
    refused = await reader.ask(protocol.CARD_FETCH, "DB02100B D9020009")
    assert _error(refused) == E_CARD_ACCESS and _detail(refused) == 0x01A8
    assert _error(await reader.ask(protocol.CARD_STORE, "DB020009 D9020001 DC10" + "CD" * 16)) == 0
    for opcode in (protocol.CARD_AUTHENTICATE, protocol.CARD_VALUE, protocol.CARD_APDU):
        assert _error(await reader.ask(opcode, "D60400A40400")) == E_CARD_KIND
    for body in ("D9020000", "DB02100B", "DB01 10 D9020000", "DB02100B D90100", "DB00 D900", "DB12" + "00" * 18):
        assert _error(await reader.ask(protocol.CARD_FETCH, body)) == E_LINK_BODY
    card.done()
    await reader.close()


async def test_classic():
    card = _Card(
        [
            ("60 08 A0A1A2A3A4A5 3C5D7E9F", ""),
            ("30 08", _VALUE_8),
            ("30 08", _VALUE_8),
            ("C0 08 05000000", ""),
            ("B0 08", ""),
            ("30 08", _VALUE_5),
            ("30 08", _VALUE_5),
            ("C2 08 00000000", ""),
            ("B0 09", ""),
            ("30 09", _VALUE_5),
            ("A0 0A" + "11" * 16, ""),
            ("30 0A", "11" * 16),
            ("30 0B", "A0A1A2A3A4A5 FF078069 FFFFFFFFFFFF"),
        ]
    )
    reader = _opened(card)
    CardKeys(reader.ring).put(1, protocol.KEY_A, h("A0A1A2A3A4A5"))
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_AUTHENTICATE, "D9020008 D70101 D80101")) == 0
    assert (await reader.ask(protocol.CARD_VALUE, "DD0104 D9020008"))[protocol.VALUE] == h("00000064")
    once = await reader.ask(protocol.CARD_VALUE, "DD0102 D9020008 DE0400000005", number=77)
    assert once[protocol.VALUE] == h("0000005F")
    # its answer was lost, its effect was not
    assert await reader.ask(protocol.CARD_VALUE, "DD0102 D9020008 DE0400000005", number=77) == once
    assert (await reader.ask(protocol.CARD_VALUE, "DD0103 D90400080009"))[protocol.VALUE] == h("0000005F")
    assert _error(await reader.ask(protocol.CARD_STORE, "D902000A DC10" + "11" * 16)) == 0
    read = await reader.ask(protocol.CARD_FETCH, "D902000A DA0102")
    assert read[protocol.DATA] == h("11" * 16 + "000000000000 FF078069 000000000000")
    card.done()
    await reader.close()


async def test_sector_trailer():
    card = _Card([("A0 07 A0A1A2A3A4A5 7F078800 B0B1B2B3B4B5", "")])
    reader = _opened(card)
    CardKeys(reader.ring).put(3, protocol.KEY_A, h("A0A1A2A3A4A5"))
    CardKeys(reader.ring).put(4, protocol.KEY_B, h("B0B1B2B3B4B5"))
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_STORE, "D9020007 D7020304 DC047F078800")) == 0
    card.done()
    # keys in the data; access bits that contradict themselves; slots of the wrong kind; the manufacturer's block
    refused = await reader.ask(protocol.CARD_STORE, "D9020007 D7020304 DC10" + "FF" * 16)
    assert _error(refused) == E_LINK_BODY and _detail(refused) == protocol.DATA
    refused = await reader.ask(protocol.CARD_STORE, "D9020007 D7020304 DC04FF068069")
    assert _error(refused) == E_LINK_BODY and _detail(refused) == protocol.DATA
    refused = await reader.ask(protocol.CARD_STORE, "D9020007 D7020403 DC04FF078069")
    assert _error(refused) == E_CARD_KEY and _detail(refused) == 4
    refused = await reader.ask(protocol.CARD_STORE, "D9020007 DC04FF078069")
    assert _error(refused) == E_LINK_BODY and _detail(refused) == protocol.KEY_SLOT
    refused = await reader.ask(protocol.CARD_STORE, "D9020000 DC10" + "00" * 16)
    assert _error(refused) == E_LINK_BODY and _detail(refused) == protocol.BLOCK
    await reader.close()


@cases((E_CARD_TIMEOUT,), (E_CARD_PROTOCOL,), (E_CARD_ACCESS,))
async def test_a_mifare_card_says_no(code):
    key = "60 08 FFFFFFFFFFFF 3C5D7E9F"
    card = _Card([(key, code), (key, ""), ("30 09", code), (key, None)])
    reader = _opened(card)
    CardKeys(reader.ring).put(1, protocol.KEY_A, h("FFFFFFFFFFFF"))
    await reader.open("D00101")
    refused = await reader.ask(protocol.CARD_AUTHENTICATE, "D9020008 D70101 D80101")
    assert _error(refused) == E_CARD_ACCESS and _detail(refused) == 8 and card.activations == 1
    assert _error(await reader.ask(protocol.CARD_AUTHENTICATE, "D9020008 D70101 D80101")) == 0
    refused = await reader.ask(protocol.CARD_FETCH, "D9020009")
    assert _error(refused) == E_CARD_ACCESS and _detail(refused) == 9 and card.activations == 2
    # and leaves
    assert _error(await reader.ask(protocol.CARD_AUTHENTICATE, "D9020008 D70101 D80101")) == E_CARD_REMOVED
    opcode, event = await reader.event()
    assert opcode == protocol.CARD and event[protocol.CARD_EVENT] == bytes((protocol.CARD_REMOVED,))
    assert _error(event) == E_CARD_REMOVED
    await reader.close()


async def test_a_card_that_says_no_and_has_gone():
    card = _Card([("30 08", E_CARD_TIMEOUT)])
    card.is_there = False
    reader = _opened(card)
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_FETCH, "D9020008")) == E_CARD_REMOVED
    assert _error((await reader.event())[1]) == E_CARD_REMOVED
    await reader.close()


async def test_a_card_that_knows_a_key_is_left_alone():
    card = _Card([("60 08 FFFFFFFFFFFF 3C5D7E9F", ""), ("30 08", "08" * 16)])
    reader = _opened(card)
    CardKeys(reader.ring).put(1, protocol.KEY_A, h("FFFFFFFFFFFF"))
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_AUTHENTICATE, "D9020008 D70101 D80101")) == 0
    reader.clock.advance(5_000)
    await asyncio.sleep_ms(150)  # three looks at what goes on
    assert card.activations == 0
    assert (await reader.ask(protocol.CARD_FETCH, "D9020008"))[protocol.DATA] == b"\x08" * 16
    await reader.close()


@cases(
    (protocol.CARD_AUTHENTICATE, "D9020008 D70102 D80101", E_CARD_KEY, 2),
    (protocol.CARD_AUTHENTICATE, "D9020008 D70101 D80102", E_CARD_KEY, 1),
    (protocol.CARD_AUTHENTICATE, "D9020008 D70101 D80103", E_LINK_BODY, protocol.KEY_KIND),
    (protocol.CARD_AUTHENTICATE, "D9020008 D80101", E_LINK_BODY, protocol.KEY_SLOT),
    (protocol.CARD_AUTHENTICATE, "D70101 D80101", E_LINK_BODY, protocol.BLOCK),
    (protocol.CARD_FETCH, "D9020108", E_LINK_BODY, protocol.BLOCK),
    (protocol.CARD_FETCH, "D90108", E_LINK_BODY, protocol.BLOCK),
    (protocol.CARD_FETCH, "D9020008 DA0100", E_LINK_BODY, protocol.COUNT),
    (protocol.CARD_FETCH, "D9020008 DA013D", E_LINK_BODY, protocol.COUNT),
    (protocol.CARD_FETCH, "D90200FF DA0102", E_LINK_BODY, protocol.COUNT),
    (protocol.CARD_STORE, "D9020008 DC0F" + "00" * 15, E_LINK_BODY, protocol.DATA),
    (protocol.CARD_VALUE, "D9020008", E_LINK_BODY, protocol.OPERATION),
    (protocol.CARD_VALUE, "DD0105 D9020008", E_LINK_BODY, protocol.OPERATION),
    (protocol.CARD_VALUE, "DD0101 D9020008", E_LINK_BODY, protocol.VALUE),
    (protocol.CARD_VALUE, "DD0101 D9020008 DE0480000000", E_LINK_BODY, protocol.VALUE),
    (protocol.CARD_VALUE, "DD0101 D9020008 DE047FFFFFFF", E_LINK_BODY, protocol.VALUE),  # more than fits
    (protocol.CARD_VALUE, "DD0103 D90400080007", E_LINK_BODY, protocol.BLOCK),  # onto a trailer
    (protocol.CARD_VALUE, "DD0103 D90400080108", E_LINK_BODY, protocol.BLOCK),
    (protocol.CARD_APDU, "D60400A40400", E_CARD_KIND, 0),
)
async def test_refused_before_the_card_is_changed(opcode, body, code, detail):
    card = _Card([("30 08", _VALUE_8)])
    reader = _opened(card)
    CardKeys(reader.ring).put(1, protocol.KEY_A, h("FFFFFFFFFFFF"))
    await reader.open()
    refused = await reader.ask(opcode, body)
    assert _error(refused) == code and _detail(refused) == detail
    await reader.close()


async def test_no_value_block():
    reader = _opened(_Card([("30 08", "00" * 16)]))
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_VALUE, "DD0102 D9020008 DE0400000001")) == E_CARD_KIND
    await reader.close()


async def test_a_value_that_comes_out_wrong():
    script = [("30 08", _VALUE_8), ("C0 08 05000000", ""), ("B0 08", ""), ("30 08", _VALUE_8)]
    reader = _opened(_Card(script))
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_VALUE, "DD0102 D9020008 DE0400000005")) == E_CARD_PROTOCOL
    assert _error((await reader.event())[1]) == E_CARD_PROTOCOL
    await reader.close()


async def test_ntag():
    card = _Card(
        [
            ("60", "0004040201000F03"),
            ("1B 01020304", "ABCD"),
            ("30 06", "06" * 16),
            ("A2 06 01020304", ""),
            ("A2 27 01020304", ""),
        ],
        _ULTRALIGHT,
    )
    reader = _opened(card)
    CardKeys(reader.ring).put(5, protocol.KEY_PASSWORD, h("01020304 ABCD"))
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_AUTHENTICATE, "D70105")) == 0
    assert (await reader.ask(protocol.CARD_FETCH, "D9020006"))[protocol.DATA] == b"\x06" * 4
    assert _error(await reader.ask(protocol.CARD_STORE, "D9020006 DC0401020304")) == 0
    assert _error(await reader.ask(protocol.CARD_STORE, "D9020027 DC0401020304")) == 0
    for page in ("00", "02", "03", "28", "29", "2B", "2C", "FF"):  # NTAG213: serial, locks, CC; locks, CFG, PWD, PACK
        refused = await reader.ask(protocol.CARD_STORE, "D90200" + page + "DC0401020304")
        assert _error(refused) == E_LINK_BODY and _detail(refused) == protocol.BLOCK
    assert _error(await reader.ask(protocol.CARD_STORE, "D9020006 DC0301020304")) == E_LINK_BODY
    assert _error(await reader.ask(protocol.CARD_VALUE, "DD0104 D9020006")) == E_CARD_KIND
    card.done()
    await reader.close()


async def test_a_wrong_pack():
    script = [("60", "0004040201000F03"), ("1B 01020304", "ABCE")]
    reader = _opened(_Card(script, _ULTRALIGHT))
    CardKeys(reader.ring).put(5, protocol.KEY_PASSWORD, h("01020304 ABCD"))
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_AUTHENTICATE, "D70105")) == E_CARD_ACCESS
    await reader.close()


async def test_apdus():
    select = "00A40400 07 F0000000010203 00"
    card = _Card([(select, "9000"), ("00B00000 02", "00649000"), ("00B2010C 00", "7004 5A02 6212 9000")], _ISODEP)
    reader = _opened(card)
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_APDU, "D605 00B0000002")) == E_PASS_PAYMENT
    assert _error(await reader.ask(protocol.CARD_APDU, "D60A 00A4040005A000000333")) == E_PASS_PAYMENT
    assert (await reader.ask(protocol.CARD_APDU, "D60D" + select))[protocol.APDU] == h("9000")
    assert (await reader.ask(protocol.CARD_APDU, "D605 00B0000002"))[protocol.APDU] == h("00649000")
    assert _error(await reader.ask(protocol.CARD_APDU, "D605 00B2010C00")) == E_PASS_PAYMENT
    assert _error(await reader.ask(protocol.CARD_APDU, "D605 00B0000002")) == E_PASS_PAYMENT
    assert _error(await reader.ask(protocol.CARD_FETCH, "D9020000")) == E_CARD_KIND
    card.done()
    await reader.close()


@cases((0, 0, 0), (E_NFC_STATUS, 1, 0), (E_CARD_REMOVED, 0, E_CARD_REMOVED))
async def test_as_fast_as_both_can(speed, activations, code):
    # ISO/IEC 14443-4, 5.3: PPS; a card that refuses what it has offered is activated again and stays slow
    card = _Card([], _ISODEP)
    card.speed = speed
    reader = _opened(card)
    if not code:
        await reader.open()
        assert card.speed == (speed or 2) and card.activations == activations
    else:
        assert _error(await reader.ask(protocol.CARD_OPEN)) == 0
        assert _error((await reader.event())[1]) == code
        await asyncio.sleep_ms(0)
    await reader.close()


async def test_own_applications_are_payment():
    class Combination:
        aid = h("F000000001")

    reader = _Reader(_Card([], _ISODEP))
    reader.pass_through.combinations = (Combination,)
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_APDU, "D60D 00A4040007F000000001020300")) == E_PASS_PAYMENT
    await reader.close()


@cases((E_CARD_TIMEOUT,), (E_CARD_PROTOCOL,), (E_NFC_SILENT,))
async def test_a_card_with_applications_breaks_off(code):
    reader = _opened(_Card([("00A40400 07 F0000000010203 00", code)], _ISODEP))
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_APDU, "D60D 00A4040007F000000001020300")) == code
    opcode, event = await reader.event()
    assert opcode == protocol.CARD and event[protocol.CARD_EVENT] == bytes((protocol.CARD_TRY_AGAIN,))
    assert _error(event) == code
    await reader.close()


@cases(
    ((), E_NO_CARD, protocol.CARD_NONE),
    ((None, E_TWO_CARDS), E_TWO_CARDS, protocol.CARD_TWO),
    ((E_CARD_PROTOCOL,), E_CARD_PROTOCOL, protocol.CARD_TRY_AGAIN),
    ((E_NFC_SILENT,), E_NFC_SILENT, protocol.CARD_TRY_AGAIN),
)
async def test_no_card(cards, code, what):
    reader = _opened(*cards)
    assert _error(await reader.ask(protocol.CARD_OPEN, "87020001")) == 0
    opcode, event = await reader.event()
    assert opcode == protocol.CARD and event[protocol.CARD_EVENT] == bytes((what,)) and _error(event) == code
    await asyncio.sleep_ms(0)
    await reader.close()


@cases(("D00100",), ("D00108",), ("D0020001",), ("87020000",), ("87020079",), ("D50112",))
async def test_malformed_open(body):
    reader = _opened(_Card([]))
    assert _error(await reader.ask(protocol.CARD_OPEN, body)) == E_LINK_BODY
    assert reader.pass_through is None and not reader.contactless.on


async def test_one_at_a_time():
    reader = _opened(_Card([]))
    await reader.open()
    assert _error(await reader.ask(protocol.CARD_OPEN)) == E_LINK_BUSY
    await reader.close()


async def test_before_the_card_is_there():
    reader = _opened(None, None)
    assert _error(await reader.ask(protocol.CARD_OPEN)) == 0
    assert _error(await reader.ask(protocol.CARD_FETCH, "D9020008")) == E_LINK_STATE
    await reader.close()


async def test_a_card_that_leaves_unasked():
    card = _Card([])
    reader = _opened(card)
    await reader.open()
    card.is_there = False
    reader.clock.advance(600)
    opcode, event = await reader.event()
    assert opcode == protocol.CARD and event[protocol.CARD_EVENT] == bytes((protocol.CARD_REMOVED,))
    await asyncio.sleep_ms(0)
    await reader.close()


async def test_unused():
    reader = _opened(_Card([]))
    await reader.open()
    reader.clock.advance(30_000)
    opcode, event = await reader.event()
    assert opcode == protocol.CARD and event[protocol.CARD_EVENT] == bytes((protocol.CARD_NONE,))
    assert _error(event) == E_CANCELLED
    await asyncio.sleep_ms(0)
    await reader.close()


async def test_the_phone_leaves():
    reader = _opened(_Card([]))
    await reader.open()
    reader.pass_through.close()
    while reader.pass_through is not None:
        await asyncio.sleep_ms(10)
    assert not reader.said and not reader.contactless.on


def test_nothing_stays_loaded():
    before = modules.loaded()
    rehearse()
    assert len(modules.loaded()) > len(before)
    modules.keep_only(before)
    assert len(modules.loaded()) == len(before)
