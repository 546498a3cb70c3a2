"""One run told in the order it happened: what phone, reader, card and acquirer said, from their own records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape

from mpos.bench.field import Field
from mpos.bench.icc_slot import IccSlot
from mpos.bench.mag_head import MagHead
from mpos.describe import apdu as describe_apdu
from mpos.describe import iso8583 as describe_iso8583
from mpos.phone.sale import Record, Story

STEPS = {
    1: "the app chooses the transaction",
    2: "the card is read, the reader assembles the packet",
    3: "the app forwards the packet to the server",
    4: "the server verifies it and asks the host (here the acquirer is both)",
    5: "the host answers",
    6: "the server's answer goes back to the app, and from there to the reader",
    7: "the app confirms; the cardholder signs if the card asks for it",
    8: "the receipt is stored",
}
ANSWERED = "answered in"  # how the acquirer's line on its answer begins
CURRENCIES = {"156": "CNY"}
_INDENT = " " * 14


@dataclass
class Line:
    t: float
    who: str
    text: str
    step: int = 0
    packet: bytes = b""


def collect(
    story: Story, field: Field, slot: IccSlot, head: MagHead, acquirer_log: list[tuple[float, str]]
) -> list[Line]:
    """All lines of a run in the order of time."""
    lines = [Line(said.t, said.who, said.text, said.step, said.packet) for said in story.lines]
    lines += _card_lines(field.trace)
    lines += _card_lines(slot.trace)
    lines += [Line(t, "card" if way == ">" else "reader", text, 2) for way, text, t in head.trace]
    for i, (t, text) in enumerate(acquirer_log):
        lines.append(Line(t, "acquirer", text, 4 if i == 0 else 5 if text.startswith(ANSWERED) else 0))
    return sorted(lines, key=lambda line: line.t)


def _card_lines(trace: list[tuple[str, bytes, float]]) -> Iterator[Line]:
    for i, (direction, data, t) in enumerate(trace):
        text = describe_apdu.headline(data, direction == ">")
        if direction == ">":
            yield Line(t, "reader", f"to card: {text}", 2 if i == 0 else 0)
        else:
            yield Line(t, "card", text)


def show(console: Console, lines: list[Line], record: Record, packets: bool = True) -> None:
    """Print the run for a person to follow; the packets decoded and masked."""
    began = lines[0].t if lines else 0.0
    width = max((len(line.who) for line in lines), default=0)
    told = set()
    for line in lines:
        if line.step and line.step not in told:
            told.add(line.step)
            _print(console, f"\n[bold cyan]{line.step}. {STEPS[line.step]}[/]")
        _print(
            console,
            f"[dim]{(line.t - began) * 1000:8.1f} ms[/]  [bold]{line.who:<{width}}[/]  {escape(line.text)}",
        )
        if line.packet and packets:
            for text in packet_lines(line.packet):
                _print(console, f"[dim]{_INDENT}{escape(text)}[/]")
    _print(console, "\n" + summary(record))


def packet_lines(frame: bytes) -> Iterator[str]:
    """A decoded ISO 8583 frame, masked; what is inside a field stands under it."""
    try:
        rows = describe_iso8583.rows(frame)
    except ValueError as error:
        yield f"not to be decoded: {error}"
        return
    for label, name, value in rows:
        yield f"{label:>5}  {name}: {value}" if label else f"         {value}"


def _print(console: Console, text: str) -> None:
    console.print(text, soft_wrap=True, highlight=False)


def summary(record: Record) -> str:
    """The outcome in one paragraph."""
    colour = {"approved": "green", "declined": "yellow"}.get(record.outcome, "red")
    parts = [
        f"[bold {colour}]{record.outcome.upper()}[/]  {CURRENCIES.get(record.currency, record.currency)} {record.amount}"
    ]
    if record.masked_pan:
        parts.append(f"card {record.masked_pan}")
    if record.response_code:
        parts.append(f"response {record.response_code}")
    if record.authorisation_code:
        parts.append(f"authorisation {record.authorisation_code}")
    if record.rrn:
        parts.append(f"RRN {record.rrn}")
    lines = [", ".join(parts)]
    if record.entry_mode:
        lines.append(
            f"by {record.interface}, DE22 {record.entry_mode}"
            + (", a fallback: the chip failed" if record.fallback else "")
            + (f", CVM {record.cvm}" if record.cvm else "")
        )
    if record.tvr:
        lines.append(f"TVR {record.tvr}  TSI {record.tsi}  CVM results {record.cvm_results or '-'}")
    if record.balance:
        lines.append(f"electronic cash left on the card: {record.balance}")
    if record.error_text:
        lines.append(f"why: {record.error} {escape(record.error_text)}")
    lines.append(
        f"KSN {record.ksn or '-'}  STAN {record.stan}  heap {record.heap_idle} idle, {record.heap_peak} at the most"
        f"  aioble: {record.aioble}"
    )
    return "\n".join(lines)
