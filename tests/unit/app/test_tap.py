"""The contactless side of a transaction: when a PIN is asked for after the tap, and what of the card is kept until then."""

from reader import outcome
from reader.app.tap import Tap
from reader.emv.data import DataStore
from reader.errors import (
    E_CANCELLED,
    E_CARD_REMOVED,
    E_HOST_TIMEOUT,
    E_NFC_SILENT,
    E_NO_PIN,
    E_NOT_PAYMENT,
    E_SEE_PHONE,
    E_TWO_CARDS,
    ReaderError,
)
from reader.link import protocol
from reader.outcome import Outcome
from testing import FakeClock, cases, h, raises, requirement

_TRACK = h("621234 0000000019 D49122200000 0F")
_PIN = b"\x01\x02\x03\x04"


class _Parameters:
    """And their host section."""

    contactless = ()

    def __init__(self, codes):
        self.host = self
        self.pin_codes = codes


class _Parts:
    """The board too."""

    has_tables = False
    contact = None
    entropy = None
    room = None

    def __init__(self, pin=_PIN, codes="1A,70", has_pad=True):
        self.board = self
        self.parameters = _Parameters(codes)
        self.contactless = _Field()
        self.pin_pad = self if has_pad else None
        self.pin = pin

    async def enter(self, kind, timeout_ms):
        return bytearray(self.pin) if isinstance(self.pin, bytes) else self.pin


class _Result:
    cvm = outcome.CVM_NONE
    chip = b""


class _Transaction:
    def __init__(self, parts, ttq="26000000"):
        self.parts = parts
        self.data = DataStore(200)
        self.data.put(0x9F66, h(ttq))
        self.data.put(0x57, _TRACK)
        self.result = _Result()
        self.shown = []

    async def ui(self, *request):
        self.shown.append(request)

    async def state(self, state):
        pass

    async def emit(self, opcode, build):
        return True


class _Answer:
    def __init__(self, response_code):
        self.response_code = response_code


class _Card:
    is_isodep = True
    released = False
    waited = 0
    transmit = None

    async def wait_for_removal(self, ms):
        self.waited = ms
        return True

    async def release(self):
        self.released = True


class _Field:
    """What the looks into the field give, one after another: a card, None, an error's number."""

    def __init__(self, *found, fault=0):
        self.found = list(found)
        self.fault = fault
        self.on = False

    async def start(self):
        if self.fault:
            raise ReaderError(self.fault)
        self.on = True

    async def look(self, *_):
        found = self.found.pop(0) if self.found else None
        if isinstance(found, int):
            raise ReaderError(found)
        return found

    async def stop(self):
        self.on = False


class _Entry:
    """Entry Point, with its answer in hand."""

    wants_update = True
    script_results = b""
    heard = b""
    fault = 0

    async def update(self, transmit, tx, data, issuer_data):
        self.heard = issuer_data
        if self.fault:
            raise ReaderError(self.fault)

    def __init__(self, final):
        self.final = final

    async def run(self, transmit, tx, data, card_done):
        return self.final

    def wipe(self):
        pass


def _tap(ttq="26000000", **options):
    return Tap(_Transaction(_Parts(**options), ttq))


@requirement(
    "Book A", "6.2", "A host that wants a PIN gets it without a second tap: one response code of the parameters."
)
@cases(("1A", True), ("70", True), ("00", False), ("51", False), ("", False))
def test_the_host_asks_for_a_pin(code, expected):
    assert _tap().wants_pin(code) == expected


@cases(
    (_tap(codes=""), "no code means it"),
    (_tap(has_pad=False), "nobody can type one"),
    (_tap("22000000"), "the card was told that there is no online PIN"),
)
def test_no_pin_is_asked_for(tap, why):
    assert not tap.wants_pin("1A")
    tap.packed()
    assert tap._t.data.get(0x57) is None, why


async def test_the_card_is_kept_for_one_more_packet_and_no_longer():
    tap = _tap()
    data = tap._t.data
    tap.packed()
    assert bytes(data.need(0x57)) == _TRACK
    await tap.ask_pin()
    assert tap._t.shown == [(outcome.MESSAGE_ENTER_PIN, outcome.UI_PROCESSING)]
    assert bytes(data.need(0x9F34)) == h("020000")
    assert not tap.wants_pin("1A")  # once
    tap.packed()
    assert data.get(0x57) is None


@cases((outcome.PIN_CANCELLED, E_CANCELLED), (outcome.PIN_BYPASSED, E_NO_PIN), (outcome.PIN_TIMEOUT, E_NO_PIN))
async def test_no_pin_comes(entered, code):
    tap = _tap(pin=entered)
    with raises(code):
        await tap.ask_pin()


async def test_a_pin_that_is_not_needed_is_wiped():
    tap = _tap()
    await tap.ask_pin()
    pin = tap._pin
    assert bytes(pin) == _PIN
    await tap.stop()
    assert not any(pin)


async def test_a_card_without_apdus_is_none_for_payment():
    tap = _tap()
    card = _Card()
    card.is_isodep = False
    tap.card = card
    final = await tap.read(None)
    assert (final.code, final.reason) == (outcome.END_APPLICATION, E_NOT_PAYMENT)


@requirement(
    "Book A", "6.2", "Try Again with something to do on the device: the field is off for as long as the kernel says."
)
async def test_see_phone():
    tap = _tap()
    final = Outcome(outcome.TRY_AGAIN, reason=E_SEE_PHONE, detail=0x6986)
    final.field_off_ms = 1300
    tap._entry = _Entry(final)
    card = _Card()
    tap.card = card
    with raises(E_SEE_PHONE, 0x6986):
        await tap.read(None)
    assert card.released and tap.field_off_ms == 1300


@requirement(
    "Book A", "6.2", "The removal time-out of an outcome: the card has so long to leave before the field goes off."
)
async def test_removal_time_out():
    tap = _tap()
    tap._entry = _Entry(Outcome(outcome.ONLINE_REQUEST))
    tap._entry.final.removal_ms = 500
    card = _Card()
    tap.card = card
    assert (await tap.read(None)).code == outcome.ONLINE_REQUEST
    assert card.waited == 500 and card.released


async def test_what_is_left_for_sales_without_the_host_is_told():
    tap = _tap()
    tap._entry = _Entry(Outcome(outcome.APPROVED))

    class Filling(_Entry):
        async def run(self, transmit, tx, data, card_done):
            data.put(0x9F5D, h("000000001000"))
            return self.final

    tap._entry = Filling(Outcome(outcome.APPROVED))
    tap.card = _Card()
    await tap.read(None)
    tap.packed()
    result = _Result()
    tap.report(result)
    assert result.chip == h("C8 06 000000001000")


@requirement("Book A", "9.4", "What is shown when the host has answered: approved, sign, not authorised.")
@cases(
    ("00", outcome.CVM_NONE, outcome.MESSAGE_APPROVED),
    ("00", outcome.CVM_SIGNATURE, outcome.MESSAGE_APPROVED_SIGN),
    ("51", outcome.CVM_NONE, outcome.MESSAGE_NOT_AUTHORISED),
)
async def test_shown_at_the_end(code, cvm, message):
    tap = _tap()
    tap._t.result.cvm = cvm
    final = await tap.conclude(_Answer(code), None, False)
    assert final.code == (outcome.APPROVED if code == "00" else outcome.DECLINED)
    assert tap._t.shown == [(message, outcome.UI_CARD_READ, 13)]


async def test_no_answer_is_shown_as_an_error_and_stays_one():
    tap = _tap()
    with raises(E_HOST_TIMEOUT):
        await tap.conclude(None, ReaderError(E_HOST_TIMEOUT), True)
    assert tap._t.shown[0][0] == outcome.MESSAGE_PROCESSING_ERROR


class _Approval:
    response_code = "00"
    icc_data = h("910A 0102030405060708 3030")


async def _epilogue(field, answer=_Approval, fault=0):
    tap = _tap()
    parts = tap._t.parts
    parts.contactless = field
    parts.clock = FakeClock()
    tap._t.events = []

    async def card(event, detail=0):
        tap._t.events.append(event)

    tap._t.card = card
    tap._entry = _Entry(None)
    tap._entry.fault = fault
    # Nobody waits for real: the clock goes on with each look
    look = field.look

    async def looked(*_):
        parts.clock.advance(1000)
        return await look()

    field.look = looked
    await tap.epilogue(answer)
    assert not field.on
    return tap


@requirement("Book C-3", "5.8", "Issuer update: the card is presented once more, and hears what its issuer has said.")
async def test_issuer_update():
    card = _Card()
    tap = await _epilogue(_Field(None, E_TWO_CARDS, card))
    assert tap._entry.heard == _Approval.icc_data and card.released
    assert tap._t.shown == [(outcome.MESSAGE_PRESENT_AGAIN, outcome.UI_READY_TO_READ)]
    assert tap._t.events == [protocol.CARD_READ]


@cases(
    (_Field(), 0, "nobody presents it again"),
    (_Field(fault=E_NFC_SILENT), 0, "the chip has died"),
    (_Field(E_NFC_SILENT), 0, "the chip dies while it looks"),
    (_Field(_Card()), E_CARD_REMOVED, "the card is taken away again"),
)
async def test_an_update_that_comes_to_nothing_changes_nothing(field, fault, why):
    tap = await _epilogue(field, fault=fault)
    assert tap._t.events == [], why


async def test_no_update_is_wanted():
    class Bare:
        response_code = "00"
        icc_data = b""

    assert (await _epilogue(_Field(_Card()), Bare))._t.shown == []
