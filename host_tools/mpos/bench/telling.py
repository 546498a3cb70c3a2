"""One run told in the order it happened: what phone, reader, card and acquirer said, from their own records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mpos.bench.field import Field
from mpos.describe import apdu as describe_apdu
from mpos.describe import iso8583 as describe_iso8583
from mpos.phone.sale import Record, Story

STEPS = {
    1: "the app chooses the transaction",
    2: "the card is tapped, the reader assembles the packet",
    3: "the app forwards the packet to the server",
    4: "the server verifies it and forwards it to the host",
    5: "the host answers",
    6: "the server records the answer and passes it back",
    7: "the app confirms; the cardholder signs if the card asks for it",
    8: "the receipt is stored",
}


@dataclass
class Line:
    t: float
    who: str
    text: str
    step: int = 0
    packet: bytes = b""


def collect(story: Story, field: Field, acquirer_log: list[tuple[float, str]]) -> list[Line]:
    """All lines of a run in the order of time."""
    lines = [Line(said.t, said.who, said.text, said.step, said.packet) for said in story.lines]
    lines += _card_lines(field)
    for i, (t, text) in enumerate(acquirer_log):
        step = 4 if i == 0 else 5 if i == len(acquirer_log) - 1 else 0
        lines.append(Line(t, "acquirer", text, step))
    return sorted(lines, key=lambda line: line.t)


def _card_lines(field: Field) -> Iterator[Line]:
    for direction, data, t in field.trace:
        who = "reader" if direction == ">" else "card"
        yield Line(t, who, ("to card: " if who == "reader" else "") + describe_apdu.headline(data, direction == ">"))


def show(console: Console, lines: list[Line], record: Record, packets: bool = True) -> None:
    """Print the run for a person to follow; the packets decoded and masked."""
    began = lines[0].t if lines else 0.0
    width = max((len(line.who) for line in lines), default=0)
    for line in lines:
        if line.step:
            console.print(f"\n[bold cyan]{line.step}. {STEPS[line.step]}[/]")
        console.print(
            f"[dim]{(line.t - began) * 1000:8.1f} ms[/]  [bold]{line.who:<{width}}[/]  {escape(line.text)}",
            soft_wrap=True,
            highlight=False,
        )
        if line.packet and packets:
            console.print(packet_table(line.packet))
    console.print()
    console.print(summary(record))


def packet_table(frame: bytes) -> Table:
    """A decoded ISO 8583 frame, masked."""
    table = Table(show_header=False, box=None, padding=(0, 1), pad_edge=False)
    table.add_column(style="dim", justify="right", min_width=20)
    table.add_column()
    table.add_column()
    for label, name, value in describe_iso8583.rows(frame):
        table.add_row(label, name, escape(value))
    return table


def summary(record: Record) -> str:
    """The outcome in one paragraph."""
    colour = {"approved": "green", "declined": "yellow"}.get(record.outcome, "red")
    parts = [f"[bold {colour}]{record.outcome.upper()}[/]  {record.amount} {record.currency}"]
    if record.masked_pan:
        parts.append(f"card {record.masked_pan}")
    if record.response_code:
        parts.append(f"response {record.response_code}")
    if record.authorisation_code:
        parts.append(f"authorisation {record.authorisation_code}")
    if record.rrn:
        parts.append(f"RRN {record.rrn}")
    lines = [", ".join(parts)]
    if record.error_text:
        lines.append(f"why: {record.error} {escape(record.error_text)}")
    lines.append(
        f"KSN {record.ksn or '-'}  STAN {record.stan}  heap {record.heap_idle} idle, {record.heap_peak} at the most"
        f"  aioble: {record.aioble}"
    )
    return "\n".join(lines)
