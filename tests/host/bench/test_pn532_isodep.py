"""Blocks of ISO/IEC 14443-4 between the bench's coupler and card: the exchanges of the standard's clause 7 and annex B."""

from __future__ import annotations

import math

import pytest

from mpos.bench.field import ANSWER_GARBLED, ANSWER_LOST, ANSWER_PULLED, GARBLED, LOST, PULLED, Field
from mpos.bench.isodep import Failed, Hung, Limits, Pcd, Picc, frame_waiting_ms, rates_of_ats, read
from tests.harness.requirements import requirement

FATES = {"!": LOST, "?": ANSWER_LOST, "~": ANSWER_GARBLED}


class Card:
    uid, atqa, sak = b"\1\2\3\4", b"\0\4", 0x20
    ats: bytes | None = bytes.fromhex("0578807002")

    def __init__(self, *answers: bytes | None):
        self.answers = list(answers)
        self.got: list[bytes] = []
        self.delay_ms = 0.0

    def power_on(self) -> None: ...

    def exchange(self, command: bytes) -> bytes | None:
        self.got.append(command)
        return self.answers[len(self.got) - 1] if len(self.got) <= len(self.answers) else command


class Air:
    """A coupler and a card with frames of `size` bytes; log: "I(0)1" from the coupler, what came back behind it."""

    def __init__(
        self, *answers: bytes | None, size: int = 16, retries: int = 3, cid: int | None = None, fates: str = ""
    ):
        self.card = Card(*answers)
        self.field = Field(self.card)
        self.field.set_carrier(True)
        for n, fate in enumerate(fates):
            if fate in FATES:
                self.field.on_air[n] = FATES[fate]
        limits = Limits(size, frame_waiting_ms(4), cid is not None)
        self.cid = cid
        self.spent = 0.0
        self.log: list[str] = []
        self.picc = Picc(
            limits, size, lambda apdu: self.field.exchange(self.card, apdu), lambda: self.card.delay_ms, cid
        )
        self.pcd = Pcd(limits, size, self._send, self._spend, cid)
        self.pcd.retries = retries

    def _spend(self, ms: float) -> None:
        self.spent += ms

    def _send(self, frame: bytes) -> bytes | None:
        answer = self.field.block(self.card, frame, self.picc.receive)
        said = "-" if answer is None else "~" if answer == GARBLED else self.name(answer)
        self.log.append(f"{self.name(frame)} {said}")
        return answer

    def name(self, frame: bytes) -> str:
        """As annex B writes blocks: I(more)number, R(ACK)number, S(WTX)."""
        block = read(frame, self.cid, 300)
        assert block is not None, frame.hex()
        if block.kind == "I":
            return f"I({int(block.chaining)}){block.number}"
        if block.kind == "R":
            return f"R({'NAK' if block.nak else 'ACK'}){block.number}"
        return "S(DESELECT)" if block.pcb == 0xC2 else "S(WTX)"

    def exchange(self, command: bytes) -> bytes:
        self.pcd.transmit(command)
        whole = b""
        more = True
        while more:
            part, more = self.pcd.fetch(262)
            whole += part
        return whole


def told(*lines: str) -> list[str]:
    return list(lines)


@requirement(
    "ISO 14443-4", "7.5.3", "Block numbers: the coupler begins with 0, the card answers with the same, each toggles."
)
def test_exchange_of_i_blocks() -> None:
    # Annex B, scenario 1
    air = Air(b"\x90\x00")
    assert air.exchange(b"\x00") == b"\x90\x00"
    assert air.exchange(b"\x01") == b"\x01"
    assert air.exchange(b"\x02") == b"\x02"
    assert air.log == told("I(0)0 I(0)0", "I(0)1 I(0)1", "I(0)0 I(0)0")


@requirement(
    "ISO 14443-4", "7.3", "A card that needs more time asks by S(WTX), which the coupler confirms with the same number."
)
def test_request_for_waiting_time_extension() -> None:
    # Annex B, scenario 2
    air = Air(b"\x90\x00")
    air.card.delay_ms = 100
    assert air.exchange(b"\x00") == b"\x90\x00"
    assert air.log == told("I(0)0 S(WTX)", "S(WTX) I(0)0")
    assert air.spent == pytest.approx(math.ceil(100 / frame_waiting_ms(4)) * frame_waiting_ms(4))
    air.card.delay_ms = 1000
    assert air.exchange(b"\x00\x01") == b"\x00\x01"
    assert air.log[2:] == told("I(0)1 S(WTX)", *["S(WTX) S(WTX)"] * 3, "S(WTX) I(0)1")  # 59 times 4.8 ms each


@requirement("ISO 14443-4", "8", "S(DESELECT) is answered by S(DESELECT), after which the card is silent.")
def test_deselect() -> None:
    # Annex B, scenario 3
    air = Air(retries=0)
    air.exchange(b"\x00")
    assert air.pcd.deselect()
    with pytest.raises(Failed, match="silent"):
        air.exchange(b"\x01")
    assert not air.pcd.deselect()
    assert air.log == told("I(0)0 I(0)0", "S(DESELECT) S(DESELECT)", "I(0)1 -", "S(DESELECT) -")


@requirement(
    "ISO 14443-4", "7.5.2", "A command longer than a frame goes in chained I-blocks, each acknowledged by R(ACK)."
)
def test_coupler_chains() -> None:
    # Annex B, scenario 4: 16 bytes of frame leave 13 of information
    air = Air(b"\x90\x00")
    assert air.exchange(bytes(30)) == b"\x90\x00"
    assert air.log == told("I(1)0 R(ACK)0", "I(1)1 R(ACK)1", "I(0)0 I(0)0")
    assert air.card.got == [bytes(30)]


@requirement(
    "ISO 14443-4", "7.5.2", "An answer longer than a frame comes in chained I-blocks, each acknowledged by R(ACK)."
)
def test_card_chains() -> None:
    # Annex B, scenario 5
    air = Air(bytes(range(30)))
    assert air.exchange(b"\x00") == bytes(range(30))
    assert air.log == told("I(0)0 I(1)0", "R(ACK)1 I(1)1", "R(ACK)0 I(0)0")
    assert air.exchange(b"\x01") == b"\x01"


# What is lost at which block ("!" on the way to the card, "?" on the way back, "~" damaged on the way back), and what passes.
# Annex B, error handling: exchange of I-blocks (scenarios 6 to 8), WTX (9 to 13), chaining by the coupler (15 to 17), by the
# card (18, 19)
ERRORS = [
    ("I lost", "!", 0, 0, told("I(0)0 -", "R(NAK)0 R(ACK)1", "I(0)0 I(0)0")),
    ("I and R lost", "!!", 0, 0, told("I(0)0 -", "R(NAK)0 -", "R(NAK)0 R(ACK)1", "I(0)0 I(0)0")),
    ("answer lost", "?", 0, 0, told("I(0)0 -", "R(NAK)0 I(0)0")),
    ("answer damaged", "~", 0, 0, told("I(0)0 ~", "R(NAK)0 I(0)0")),
    ("answer and its repetition", "??", 0, 0, told("I(0)0 -", "R(NAK)0 -", "R(NAK)0 I(0)0")),
    ("R(ACK) damaged", "!~", 0, 0, told("I(0)0 -", "R(NAK)0 ~", "R(NAK)0 R(ACK)1", "I(0)0 I(0)0")),
    ("request for time lost", "?", 0, 100, told("I(0)0 -", "R(NAK)0 S(WTX)", "S(WTX) I(0)0")),
    ("its confirmation lost", ".!", 0, 100, told("I(0)0 S(WTX)", "S(WTX) -", "R(NAK)0 S(WTX)", "S(WTX) I(0)0")),
    ("answer after it lost", ".?", 0, 100, told("I(0)0 S(WTX)", "S(WTX) -", "R(NAK)0 I(0)0")),
    ("answer after it damaged", ".~", 0, 100, told("I(0)0 S(WTX)", "S(WTX) ~", "R(NAK)0 I(0)0")),
    (
        "first of a chain lost",
        "!",
        30,
        0,
        told("I(1)0 -", "R(NAK)0 R(ACK)1", "I(1)0 R(ACK)0", "I(1)1 R(ACK)1", "I(0)0 I(0)0"),
    ),
    ("its R(ACK) lost", "?", 30, 0, told("I(1)0 -", "R(NAK)0 R(ACK)0", "I(1)1 R(ACK)1", "I(0)0 I(0)0")),
    (
        "second of a chain lost",
        ".!",
        30,
        0,
        told("I(1)0 R(ACK)0", "I(1)1 -", "R(NAK)1 R(ACK)0", "I(1)1 R(ACK)1", "I(0)0 I(0)0"),
    ),
    (
        "last of a chain lost",
        "..!",
        30,
        0,
        told("I(1)0 R(ACK)0", "I(1)1 R(ACK)1", "I(0)0 -", "R(NAK)0 R(ACK)1", "I(0)0 I(0)0"),
    ),
]


@pytest.mark.parametrize(("fates", "size", "delay", "log"), [row[1:] for row in ERRORS], ids=[row[0] for row in ERRORS])
@requirement(
    "ISO 14443-4", "7.5.4", "Lost and damaged blocks are asked for by R(NAK) and sent again; nothing is done twice."
)
def test_error_on_the_way(fates: str, size: int, delay: float, log: list[str]) -> None:
    air = Air(b"\x6f\x00", b"\x90\x00", fates=fates)
    air.card.delay_ms = delay
    assert air.exchange(bytes(size or 1)) == b"\x6f\x00"
    assert air.log == log
    assert air.card.got == [bytes(size or 1)]
    air.card.delay_ms = 0
    assert air.exchange(b"\x01") == b"\x90\x00", "and they go on as if nothing had been"


CARD_CHAIN = [
    ("first part lost", "?", told("I(0)0 -", "R(NAK)0 I(1)0", "R(ACK)1 I(1)1", "R(ACK)0 I(0)0")),
    ("R(ACK) lost", ".!", told("I(0)0 I(1)0", "R(ACK)1 -", "R(ACK)1 I(1)1", "R(ACK)0 I(0)0")),
    ("second part lost", ".?", told("I(0)0 I(1)0", "R(ACK)1 -", "R(ACK)1 I(1)1", "R(ACK)0 I(0)0")),
    ("second part damaged", ".~", told("I(0)0 I(1)0", "R(ACK)1 ~", "R(ACK)1 I(1)1", "R(ACK)0 I(0)0")),
    ("last part lost", "..?", told("I(0)0 I(1)0", "R(ACK)1 I(1)1", "R(ACK)0 -", "R(ACK)0 I(0)0")),
]


@pytest.mark.parametrize(("fates", "log"), [row[1:] for row in CARD_CHAIN], ids=[row[0] for row in CARD_CHAIN])
@requirement("ISO 14443-4", "7.5.4", "Rule 5: while the card chains, a lost block is asked for by R(ACK).")
def test_error_while_the_card_chains(fates: str, log: list[str]) -> None:
    air = Air(bytes(range(30)), fates=fates)
    assert air.exchange(b"\x00") == bytes(range(30))
    assert air.log == log
    assert air.card.got == [b"\x00"]


@pytest.mark.parametrize(
    ("fates", "why"), [("!!!!", "silent"), ("????", "silent"), ("~~~~", "garbled"), ("!!!~", "garbled")]
)
def test_given_up_after_as_many_repetitions_as_allowed(fates: str, why: str) -> None:
    air = Air(fates=fates, retries=3)
    with pytest.raises(Failed, match=why):
        air.exchange(b"\x00")
    assert len(air.log) == 4
    air = Air(fates=fates[:1], retries=0)
    with pytest.raises(Failed):
        air.exchange(b"\x00")
    assert len(air.log) == 1


def test_a_card_that_is_never_done() -> None:
    air = Air()
    air.card.delay_ms = math.inf
    with pytest.raises(Hung):
        air.exchange(b"\x00")
    assert air.card.got == []


def test_a_command_that_is_swallowed() -> None:
    air = Air(None, b"\x90\x00", retries=2)
    with pytest.raises(Failed, match="silent"):
        air.exchange(b"\x00")
    # The card's blocks live on; it does not take the repeated command for a new one
    assert air.log == told("I(0)0 -", "R(NAK)0 R(ACK)1") * 3
    assert air.card.got == [b"\x00"]
    assert air.pcd.is_present()
    assert air.exchange(b"\x01") == b"\x90\x00"


def test_presence_changes_nothing() -> None:
    air = Air()
    for n in range(3):
        assert air.pcd.is_present()
        assert air.exchange(bytes([n])) == bytes([n])
        assert air.pcd.is_present()
    air.field.clear()
    assert not air.pcd.is_present()


@pytest.mark.parametrize("fate", [PULLED, ANSWER_PULLED])
@pytest.mark.parametrize("at", range(5))
def test_pulled_at_each_block(at: int, fate: str) -> None:
    """Three blocks of a command, two more of the answer."""
    air = Air(bytes(30))
    air.field.on_air[at] = fate
    with pytest.raises(Failed, match="silent"):
        air.exchange(bytes(30))
    assert not air.field.holds(air.card)
    has_acted = at > 2 or (at == 2 and fate == ANSWER_PULLED)
    assert air.card.got == ([bytes(30)] if has_acted else [])


def test_hooks_count_blocks_and_apdus() -> None:
    air = Air(bytes(30))
    seen: list[tuple[str, int]] = []
    air.field.before_block = lambda target, block, n: seen.append(("block", n))
    air.field.after_block = lambda target, block, n: seen.append(("acted", n))
    air.field.before_exchange = lambda target, apdu, n: seen.append(("apdu", n))
    air.field.after_exchange = lambda target, apdu, n: seen.append(("done", n))
    air.exchange(bytes(20))
    assert seen == [
        ("block", 0),
        ("acted", 0),
        ("block", 1),
        ("apdu", 0),
        ("done", 0),
        ("acted", 1),
        ("block", 2),
        ("acted", 2),
        ("block", 3),
        ("acted", 3),
    ]
    assert (air.field.blocks, air.field.exchanges) == (4, 1)


@requirement("ISO 14443-4", "7.1.1", "With a CID every block has it, and a block with another one is not answered.")
def test_cid() -> None:
    air = Air(bytes(20), cid=1)
    assert air.exchange(bytes(20)) == bytes(20)
    assert air.log == told("I(1)0 R(ACK)0", "I(0)1 I(1)1", "R(ACK)0 I(0)0")
    for frame in ("0A0200", "0200", "0A", "C2", "CA02"):
        assert air.picc.receive(bytes.fromhex(frame)) is None, frame
    assert air.picc.receive(bytes.fromhex("CA01")) == bytes.fromhex("CA01")


@pytest.mark.parametrize(
    "frame", ["", "E2", "06AA", "A200", "C200", "F2", "F200", "F23C", "F20101", "02" + 14 * "00", "D011"]
)
@requirement("ISO 14443-4", "7.5.4.3", "A card does not answer a block that is none.")
def test_what_is_no_block(frame: str) -> None:
    air = Air()
    assert air.picc.receive(bytes.fromhex(frame)) is None
    assert air.exchange(b"\x00") == b"\x00"


def test_a_confirmation_that_was_not_asked_for() -> None:
    air = Air()
    assert air.picc.receive(bytes.fromhex("F201")) is None
    assert air.picc.receive(bytes.fromhex("A20000")) is None
    assert air.picc.receive(bytes.fromhex("A2")) is None, "R(ACK), and nothing is chained"


@pytest.mark.parametrize("answer", ["0300", "A3", "B2", "C2", "1200"])
def test_a_card_that_breaks_the_rules(answer: str) -> None:
    """Another number, R(ACK) or a chain where none is, R(NAK), which only couplers send, S(DESELECT)."""
    pcd = Pcd(Limits(16, 1), 16, lambda frame: bytes.fromhex(answer))
    if answer == "1200":
        pcd.transmit(b"\x00")
        with pytest.raises(Failed, match="protocol"):
            pcd.fetch(262)
    else:
        with pytest.raises(Failed, match="protocol"):
            pcd.transmit(b"\x00")


@requirement("ISO 14443-4", "5.2", "FSC and FWT are read from the ATS, with the defaults where it does not say.")
def test_limits() -> None:
    assert Limits.of_ats(bytes.fromhex("01")) == Limits(32, frame_waiting_ms(4))
    assert Limits.of_ats(bytes.fromhex("0200")) == Limits(16, frame_waiting_ms(4))
    assert Limits.of_ats(bytes.fromhex("067577810280")) == Limits(64, frame_waiting_ms(8))
    assert Limits.of_ats(bytes.fromhex("0328E0")) == Limits(256, frame_waiting_ms(14))
    assert Limits.of_ats(bytes.fromhex("032FF0")) == Limits(256, frame_waiting_ms(4))
    assert Limits.of_ats(bytes.fromhex("0570")) == Limits(16, frame_waiting_ms(4))
    assert Limits.of_protocol_info(bytes.fromhex("008185")) == Limits(256, frame_waiting_ms(8), cid=True)
    assert frame_waiting_ms(14) == pytest.approx(4949, abs=2)
    assert frame_waiting_ms(15) == frame_waiting_ms(4)
    assert rates_of_ats(bytes.fromhex("067577810280")) == (7, 7, False)
    assert rates_of_ats(bytes.fromhex("037591")) == (1, 1, True)
    assert rates_of_ats(bytes.fromhex("0205")) == (0, 0, False)
