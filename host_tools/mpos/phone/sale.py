"""A sale as the phone app leads it: the deck's eight steps, told to a story as they happen."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from mpos.describe import stripe, user_interface
from mpos.describe.reader_errors import ERRORS
from mpos.link.client import ReaderClient, ReaderGone, ReaderRefused
from mpos.link.messages import CardEvent, Interface, LinkError, Message, Notice, Opcode, Prompt, State, Tag
from mpos.phone import host
from mpos.phone.sign_in import E_SIGN_IN, SignInFailed, sign_in

E_STRIPE = 109
E_NO_ANSWER = 802
E_UNREACHABLE = 803
EVENT_TIMEOUT_S = 90.0

OUTCOMES = {3: "approved", 4: "declined"}
CVM = {
    0: "none",
    1: "signature",
    2: "online PIN",
    3: "on the cardholder's device",
    4: "not applicable",
    5: "PIN checked by the card",
    6: "PIN checked by the card, and signature",
    7: "failed",
}
SIGNATURE = (CVM[1], CVM[6])
CARD_TEXT = {
    CardEvent.PRESENT: "there is a card",
    CardEvent.REMOVED: "the card was taken away too early: present it again",
    CardEvent.TWO: "there are two cards in the field: present one only",
    CardEvent.READ: "card read, it may be taken away",
    CardEvent.TRY_AGAIN: "the card could not be read: present it again",
    CardEvent.EARLY: "a card was swiped too early, which does not count: swipe it now",
    CardEvent.USE_CHIP: "the card has a chip: insert it",
    CardEvent.GONE: "the card was taken out of the slot",
    CardEvent.SEE_PHONE: "there is something to do on the phone; then present it again",
}
PROMPT_TEXT = {
    Prompt.INSERT: "insert the card",
    Prompt.DO_NOT_REMOVE: "do not remove the card",
    Prompt.ENTER_PIN: "enter the PIN on the reader",
    Prompt.WRONG_PIN: "wrong PIN: enter it again",
    Prompt.LAST_TRY: "enter the PIN: this is the last try",
    Prompt.REMOVE: "remove the card",
    Prompt.CHOOSE: "choose an application",
    Prompt.CONFIRM: "is this application right?",
    Prompt.SWIPE: "swipe the card",
    Prompt.ANY: "present the card",
}
NOTICE_TEXT = {
    Notice.REVERSAL: "a reversal is due",
    Notice.SCRIPTS: "results of the issuer's scripts",
    Notice.OFFLINE: "a sale approved offline, to be cleared",
}
NOBODY = 0xFF
STATE_TEXT = {
    State.IDLE: "idle",
    State.WAIT_CARD: "waiting for a card",
    State.READING: "reading the card",
    State.ONLINE: "waiting for the host's answer",
    State.OUT_OF_SERVICE: "out of service",
}


@dataclass
class Said:
    """One line of the story: `t` in seconds of time.monotonic, `step` of the deck's eight or 0."""

    t: float
    who: str
    text: str
    step: int = 0
    packet: bytes = b""


class Story:
    """Who said what, when. The printing is somebody else's."""

    def __init__(self) -> None:
        self.lines: list[Said] = []

    def say(self, who: str, text: str, step: int = 0, packet: bytes = b"") -> None:
        self.lines.append(Said(time.monotonic(), who, text, step, packet))


@dataclass
class Record:
    """The receipt: one record of one transaction, without anything that could not be printed on paper."""

    outcome: str = "error"
    amount: str = ""
    currency: str = ""
    masked_pan: str = ""
    response_code: str = ""
    authorisation_code: str = ""
    rrn: str = ""
    stan: int = 0
    ksn: str = ""
    cvm: str = ""
    error: int = 0
    error_detail: int = 0
    error_text: str = ""
    issuer_data: str = ""
    interface: str = ""  # that the card came by
    entry_mode: str = ""  # DE22
    fallback: bool = False  # the chip failed, and the reader took the stripe
    torn: bool = False  # the card was once taken away after it had decided
    tvr: str = ""
    tsi: str = ""
    cvm_results: str = ""
    script_results: str = ""
    signed_in: bool = False  # before the sale: the reader had no working keys
    balance: str = ""  # of electronic cash, after the sale
    notices: list[dict[str, str]] = field(default_factory=list)  # for the host, taken over from the reader
    reader: str = ""
    firmware: str = ""
    aioble: str = ""
    heap_idle: int = 0
    heap_peak: int = 0
    times_ms: dict[str, float] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)


class Sale:
    """One sale over a connected reader. `on_event` sees every event first (tests cancel and disconnect from it).

    choice: what the cardholder answers when asked to choose an application (its number from 0) or to confirm one
    (anything but None is a yes); None: nothing is chosen.
    """

    def __init__(
        self,
        reader: ReaderClient,
        acquirer: str,
        story: Story | None = None,
        on_event: Callable[[Message], Awaitable[None]] | None = None,
        host_timeout_s: float = host.ANSWER_TIMEOUT_S,
        interfaces: Interface = Interface.CONTACTLESS,
        choice: int | None = 0,
    ):
        self.reader = reader
        self.acquirer = acquirer
        self.story = story or Story()
        self.on_event = on_event
        self.host_timeout_s = host_timeout_s
        self.interfaces = interfaces
        self.choice = choice
        self.record = Record()
        self._began = time.monotonic()

    async def run(self, amount: int, currency: int, card_timeout_s: int, receipts: Path | None = None) -> Record:
        """Lead the sale to its end. What goes wrong is in the record; nothing is raised for it."""
        record, story = self.record, self.story
        record.amount, record.currency = f"{amount / 100:.2f}", f"{currency:03d}"
        try:
            await self._info()
            story.say("phone", f"START sale, {record.amount}, currency {record.currency}", step=1)
            self._began = time.monotonic()
            number = await self._start(amount, currency, card_timeout_s)
            notices = await self._follow(number)
            await self.reader.acknowledge(number)
            if notices:
                await self._take_notices()
            self._confirm(receipts)
        except (ReaderRefused, SignInFailed) as error:
            self._failed(error.code, error.detail, str(error))
        except (ReaderGone, TimeoutError) as error:
            self._failed(0, 0, str(error) or "the reader did not answer in time")
        self._mark("total")
        return record

    async def _start(self, amount: int, currency: int, card_timeout_s: int) -> int:
        """Begin the sale; a reader without working keys signs in before it, once."""
        try:
            return await self.reader.start_sale(amount, currency, card_timeout_s, self.interfaces)
        except ReaderRefused as refused:
            if refused.code != E_SIGN_IN:
                raise
        self.story.say("reader", "has no working keys")
        self.story.say("phone", "SIGN_IN")
        await sign_in(self.reader, self._online, EVENT_TIMEOUT_S, self.on_event)
        self.record.signed_in = True
        self.story.say("reader", "signed in: the host's working keys are stored")
        return await self.reader.start_sale(amount, currency, card_timeout_s, self.interfaces)

    async def _info(self) -> None:
        info = await self.reader.command(Opcode.GET_INFO)
        self.record.reader = info.text_of(Tag.BOARD)
        self.record.firmware = info.text_of(Tag.VERSION)
        self.record.aioble = info.text_of(Tag.AIOBLE)
        self.record.heap_idle = info.number_of(Tag.HEAP)
        if info.number_of(Tag.READER_STATE) == State.OUT_OF_SERVICE:
            code = info.number_of(Tag.DETAIL)
            raise ReaderRefused(Opcode.GET_INFO, code, 0)
        if info.number_of(Tag.NOTICES):
            # Of a transaction whose phone left: a reader that is full of them sells nothing
            await self._take_notices()

    async def _follow(self, number: int) -> int:
        """To the result; how many notices it says there are."""
        while True:
            event = await self.reader.event(EVENT_TIMEOUT_S)
            if self.on_event is not None:
                await self.on_event(event)
            if event.opcode != Opcode.FAULT and event.number != number:
                continue  # of a transaction before this one
            if event.opcode == Opcode.STATE:
                self.story.say("reader", STATE_TEXT[State(event.number_of(Tag.READER_STATE))])
            elif event.opcode == Opcode.CARD:
                what = CardEvent(event.number_of(Tag.CARD_EVENT))
                reason = event.number_of(Tag.DETAIL)
                why = f" ({stripe.detail(E_STRIPE, reason)})" if reason else ""
                self.story.say("reader", CARD_TEXT[what] + why)
                if what in (CardEvent.PRESENT, CardEvent.READ):
                    self._mark("card_present" if what == CardEvent.PRESENT else "card_read")
            elif event.opcode == Opcode.UI_REQUEST:
                shown = user_interface.sentence(
                    event.number_of(Tag.MESSAGE_ID), event.number_of(Tag.UI_STATUS), event.number_of(Tag.HOLD_TIME)
                )
                self.story.say("reader", f"shows {shown}")
            elif event.opcode == Opcode.PROMPT:
                await self._prompt(number, event)
            elif event.opcode == Opcode.ONLINE_REQUEST:
                self._mark("packet")
                await self._online(number, event.body[Tag.PACKET])
            elif event.opcode == Opcode.RESULT:
                self._mark("result")
                self._result(event)
                return event.number_of(Tag.NOTICES)
            elif event.opcode == Opcode.FAULT:
                self.story.say("reader", f"did not understand: {_error_text(event.number_of(Tag.ERROR))}")

    async def _prompt(self, number: int, event: Message) -> None:
        code = Prompt(event.number_of(Tag.PROMPT_CODE))
        labels = _labels(event.body.get(Tag.LABELS, b""))
        tries = f" ({event.number_of(Tag.TRIES)} tries left)" if Tag.TRIES in event.body else ""
        ways = ""
        if code == Prompt.ANY:
            ways = f" ({ways_text(Interface(event.number_of(Tag.INTERFACES)))})"
        self.story.say("reader", f"prompt: {PROMPT_TEXT[code]}{ways}{tries}{': ' if labels else ''}{', '.join(labels)}")
        if code not in (Prompt.CHOOSE, Prompt.CONFIRM):
            return
        choice = NOBODY if self.choice is None else self.choice
        if code == Prompt.CONFIRM:
            choice = 0 if self.choice is None else 1
            self.story.say("phone", f"the cardholder says {'yes' if choice else 'no'}")
        else:
            self.story.say("phone", f"the cardholder chooses {labels[choice] if choice < len(labels) else 'none'}")
        await self.reader.answer_prompt(number, choice)

    async def _take_notices(self) -> None:
        async for notice in self.reader.notices():
            kind = Notice(notice.number_of(Tag.NOTICE_KIND))
            told = {
                "kind": kind.name.lower(),
                "stan": str(notice.number_of(Tag.STAN)),
                "amount": notice.body[Tag.AMOUNT].hex(),
                "masked_pan": notice.text_of(Tag.MASKED_PAN),
                "ksn": notice.body[Tag.KSN].hex().upper(),
            }
            for tag in (Tag.REASON, Tag.RRN):
                if tag in notice.body:
                    told[tag.name.lower()] = notice.text_of(tag)
            for tag in (Tag.SCRIPT_RESULTS, Tag.TRACK2, Tag.ICC_DATA):
                if tag in notice.body:
                    told[tag.name.lower()] = notice.body[tag].hex().upper()
            self.record.notices.append(told)
            why = f" (reason {told['reason']})" if "reason" in told else ""
            self.story.say("phone", f"takes over a notice for the host: {NOTICE_TEXT[kind]}{why}")

    async def _online(self, number: int, packet: bytes) -> None:
        story = self.story
        story.say("reader", f"ONLINE_REQUEST: an ISO 8583 packet of {len(packet)} bytes", packet=packet)
        story.say("phone", "forwards the packet to the acquirer as it is", step=3)
        try:
            answer = await host.forward(self.acquirer, packet, self.host_timeout_s)
        except host.HostUnreachable as error:
            story.say("phone", str(error))
            await self.reader.online_failed(number, E_UNREACHABLE)
            return
        except host.HostSilent as error:
            story.say("phone", str(error))
            await self.reader.online_failed(number, E_NO_ANSWER)
            return
        self._mark("answer")
        story.say("phone", f"has the answer, {len(answer)} bytes, and hands it to the reader", step=6, packet=answer)
        try:
            await self.reader.online_result(number, answer)
        except LinkError as error:  # an answer longer than the link takes
            story.say("phone", str(error))
            await self.reader.online_failed(number, E_NO_ANSWER)

    def _result(self, event: Message) -> None:
        record = self.record
        record.outcome = OUTCOMES.get(event.number_of(Tag.OUTCOME), "error")
        record.masked_pan = event.text_of(Tag.MASKED_PAN)
        record.interface = ways_text(Interface(event.number_of(Tag.INTERFACES)))
        record.entry_mode = event.text_of(Tag.ENTRY_MODE)
        record.fallback = bool(event.number_of(Tag.FALLBACK))
        record.torn = bool(event.number_of(Tag.TORN))
        record.response_code = event.text_of(Tag.RESPONSE_CODE)
        record.authorisation_code = event.text_of(Tag.AUTH_CODE)
        record.rrn = event.text_of(Tag.RRN)
        record.stan = event.number_of(Tag.STAN)
        record.ksn = event.body.get(Tag.KSN, b"").hex().upper()
        record.issuer_data = event.body.get(Tag.ISSUER_DATA, b"").hex().upper()
        record.cvm = CVM.get(event.number_of(Tag.CVM), "?")
        record.heap_peak = event.number_of(Tag.HEAP_PEAK)
        record.tvr = event.body.get(Tag.TVR, b"").hex().upper()
        record.tsi = event.body.get(Tag.TSI, b"").hex().upper()
        record.cvm_results = event.body.get(Tag.CVM_RESULTS, b"").hex().upper()
        record.script_results = event.body.get(Tag.SCRIPT_RESULTS, b"").hex().upper()
        if Tag.BALANCE in event.body:
            record.balance = f"{int(event.body[Tag.BALANCE].hex()) / 100:.2f}"
        code = event.number_of(Tag.ERROR)
        if code:
            record.error, record.error_detail = code, event.number_of(Tag.DETAIL)
            record.error_text = _error_text(code)
            if record.interface == ways_text(Interface.SWIPE):
                why = stripe.detail(code, record.error_detail)
                record.error_text += f" Here: {why}." if why else ""
        self.story.say("reader", f"RESULT {record.outcome}{': ' + record.error_text if code else ''}")

    def _confirm(self, receipts: Path | None) -> None:
        record = self.record
        if record.outcome != "approved":
            self.story.say("phone", f"shows {record.outcome.upper()} and keeps the record", step=7)
        elif record.cvm in SIGNATURE:
            self.story.say("phone", "shows APPROVED and asks the cardholder to sign", step=7)
        else:
            self.story.say("phone", f"shows APPROVED; no signature needed (CVM: {record.cvm})", step=7)
        if receipts is not None:
            receipts.mkdir(parents=True, exist_ok=True)
            path = receipts / f"{record.stan:06d}.json"
            path.write_text(record.to_json() + "\n")
            self.story.say("phone", f"stores the receipt {path.name}", step=8)

    def _failed(self, code: int, detail: int, text: str) -> None:
        self.record.error, self.record.error_detail, self.record.error_text = code, detail, text
        self.story.say("phone", text)

    def _mark(self, name: str) -> None:
        self.record.times_ms[name] = round((time.monotonic() - self._began) * 1000, 1)


def ways_text(interfaces: Interface) -> str:
    """ "contact, swipe" for these two."""
    return ", ".join(each.name.lower() for each in Interface if each in interfaces and each.name)


def _labels(data: bytes) -> list[str]:
    """Each text behind its length in one byte."""
    found: list[str] = []
    at = 0
    while at < len(data):
        found.append(data[at + 1 : at + 1 + data[at]].decode("latin-1"))
        at += 1 + data[at]
    return found


def _error_text(code: int) -> str:
    return ERRORS[code][1] if code in ERRORS else f"error {code}"
