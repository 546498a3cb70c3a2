"""What the bench measures, what each figure may cost, and how it compares with the committed ones."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INSTRUCTIONS = "instructions"
BYTES = "bytes"
WALL = "x wall time"
COUNT = "tracks or swipes"
MS = "ms on the line"

# The layout of the heap and of MicroPython's dictionaries moves a count by less than that
TOLERANCE = 0.03
SLACK = {INSTRUCTIONS: 600, BYTES: 64, COUNT: 0, MS: 0}  # and a small one by not much more
LEFT_MOST = 1024  # bytes of heap that a thousand sales may leave behind

FORMAT = 1

_KB = 1024


@dataclass(frozen=True)
class Row:
    """One line of the table. `other`: name of the figure that a user would otherwise get, `other_most`: how many
    times that one it may be."""

    name: str
    what: str
    unit: str = INSTRUCTIONS
    budget: int | None = None
    other: str = ""
    other_most: float | None = None


@dataclass(frozen=True)
class Group:
    title: str
    rows: tuple[Row, ...]


GROUPS = (
    Group(
        "Primitives",
        (
            Row("crypto.des_schedule", "DES key schedule", other="c.crypto.des_schedule"),
            Row("crypto.des_block", "DES block", other="c.crypto.des_block"),
            Row("crypto.tdes_schedule", "triple DES key schedule", other="c.crypto.tdes_schedule"),
            Row("crypto.tdes_block", "triple DES block", other="c.crypto.tdes_block"),
            Row("crypto.x919_512", "X9.19 MAC over 512 bytes", INSTRUCTIONS, 600_000, "c.crypto.x919_512", 9),
            Row("dukpt.next", "DUKPT: next keys, mean of 64 counters", INSTRUCTIONS, 300_000, "c.dukpt.next", 12),
            Row(
                "dukpt.next_worst",
                "DUKPT: next keys, worst counter",
                INSTRUCTIONS,
                1_600_000,
                "c.dukpt.next_worst",
                12,
            ),
            Row("dukpt.next_aes_128", "AES DUKPT, 128 bits: next keys, mean of 64 counters"),
            Row("dukpt.next_worst_aes_128", "the same, worst counter"),
            Row("dukpt.next_aes_192", "192 bits (AES of our own)"),
            Row("dukpt.next_worst_aes_192", "the same, worst counter"),
            Row("dukpt.next_aes_256", "256 bits"),
            Row("dukpt.next_worst_aes_256", "the same, worst counter"),
            Row("ring.write", "key store: a change of a state of 1.2 KB, on flash, read back"),
            Row("ring.read", "key store: a section read, the whole authenticated"),
            Row("ring.check", "key store: checked"),
            Row("ring.write_bytes", "heap that a change takes, garbage included", BYTES),
            Row("ring.read_bytes", "heap that reading takes", BYTES),
            Row("crypto.cmac_512_aes_128", "AES-CMAC over 512 bytes, 128 bits"),
            Row("crypto.cmac_512_aes_192", "192 bits"),
            Row("crypto.cmac_512_aes_256", "256 bits"),
            Row("rsa.1024_3", "RSA public operation, 1,024 bits, exponent 3"),
            Row("rsa.1984_3", "RSA public operation, 1,984 bits, exponent 3"),
            Row("rsa.1984_65537", "RSA public operation, 1,984 bits, exponent 65537"),
            Row("oda.dda_1984", "ODA: DDA with 1,984-bit keys, exponent 3", INSTRUCTIONS, 6_000_000),
            Row("tables.application", "EMV tables: the last of 13 applications"),
            Row("tables.capk", "EMV tables: the last of 23 keys, checksum verified"),
            Row("tlv.check_fci_255", "BER-TLV: read a directory of 255 bytes"),
            Row("tlv.candidates_255", "Entry Point: candidates out of it"),
            Row("tlv.build_de55", "BER-TLV: build field 55"),
            Row("iso8583.request.pack", "ISO 8583: pack the sale's request, 17 fields", INSTRUCTIONS, 400_000),
            Row("iso8583.request.unpack", "ISO 8583: unpack it", INSTRUCTIONS, 400_000),
            Row("iso8583.all_fields.pack", "ISO 8583: pack all 21 fields of the dialect", INSTRUCTIONS, 400_000),
            Row("iso8583.all_fields.unpack", "ISO 8583: unpack them", INSTRUCTIONS, 400_000),
            Row("wall.iso8583.pack", "the same pack on a PC, beside pyiso8583", WALL),
            Row("wall.iso8583.unpack", "the same unpack on a PC, beside pyiso8583", WALL),
            Row("pn532.build_255", "PN532: build a frame of 255 bytes"),
            Row("pn532.parse_255", "PN532: take one apart"),
            Row("session.seal_1006", "session: secure the longest message, 1,006 bytes and 18 around it"),
            Row("session.open_1006", "session: open it"),
            Row("session.seal_24", "session: secure a message of 24 bytes"),
            Row("session.open_24", "session: open it"),
            Row("session.prove", "session: the reader's cryptogram, after OPEN_SESSION"),
            Row("session.admit", "session: the other side's verified, and the session's keys, after AUTHENTICATE"),
            Row("stripe.bits", "magnetic stripe: three full tracks from an ASIC's bits", INSTRUCTIONS, 2_000_000),
            Row("stripe.edges", "magnetic stripe: three full tracks from flux reversals", INSTRUCTIONS, 6_000_000),
        ),
    ),
    Group(
        "The whole firmware",
        (
            Row("boot.idle", "power-on to idle"),
            Row("sale.before", "a sale, before the tap: command, limits, STAN stored, chip woken"),
            Row("sale.activation", "tap: activation of the card"),
            Row("sale.entry_point", "Entry Point: directory, candidates, selection"),
            Row("sale.kernel", "kernel 7: options, records, outcome"),
            Row("sale.release", "card let go, carrier off, buffers wiped, events"),
            Row("sale.dukpt", "DUKPT: next keys, stored on flash"),
            Row("sale.account", "track encrypted, number masked"),
            Row("sale.field_55", "field 55"),
            Row("sale.packet", "packet and MAC"),
            Row("sale.send", "online request written"),
            Row("sale.tap_to_packet", "tap to packet, the reader's own work", INSTRUCTIONS, 24_000_000),
            Row("sale.answer", "the host's answer checked"),
            Row("sale.after", "the rest: result, wiping, idle again"),
            Row("insert.before", "a sale by insert, before the card answers the reset"),
            Row(
                "insert.tap_to_packet", "card to packet: selection, records, DDA with 1,984-bit keys, first cryptogram"
            ),
            Row("insert.after", "the host's answer, issuer authentication, second cryptogram, result, idle again"),
        ),
    ),
    Group(
        "Taps with cards that sign (fDDA): the reader's own work",
        (
            Row("signed.entry_point", "kernel 7, online. Entry Point: directory, candidates, selection"),
            Row("signed.kernel", "options, records, outcome"),
            Row("signed.fdda", "fDDA: its modules loaded, two certificates and the signature verified"),
            Row("signed.tap_to_packet", "tap to packet"),
            Row("offline.kernel", "kernel 7, the card approves. Options, records, outcome"),
            Row("offline.fdda", "fDDA"),
            Row("offline.tap_to_result", "tap to result, the notice for the host stored"),
            Row("visa.kernel", "kernel 3, online. Options, records, outcome"),
            Row("visa.fdda", "fDDA"),
            Row("visa.tap_to_packet", "tap to packet"),
            Row("visa_offline.kernel", "kernel 3, the card approves. Options, records, outcome"),
            Row("visa_offline.fdda", "fDDA"),
            Row("visa_offline.tap_to_result", "tap to result, the notice for the host stored"),
        ),
    ),
    Group(
        "The line to the PN532 in a tap with a card that signs",
        (
            Row("line.apdus", "APDUs of the tap", COUNT),
            Row("line.bytes", "bytes of their frames, both ways, ACKs too", BYTES),
            Row("line.overhead", "of them around each APDU and its answer", BYTES),
            Row("line.overhead_ms_115200", "the same at 115,200 baud, computed from the bytes", MS),
            Row("line.overhead_ms_460800", "at 460,800 baud", MS),
            Row("line.ms_115200", "all of the tap's frames at 115,200 baud", MS),
            Row("line.ms_460800", "at 460,800 baud", MS),
        ),
    ),
    Group(
        "Reading swipes, from flux reversals and from an ASIC's bits",
        (
            Row("swipes.tracks", "tracks generated within what ISO/IEC 7811 permits of a card, and a hand", COUNT),
            Row("swipes.refused", "of them, not read", COUNT, 0),
            Row("swipes.wrong", "read as something else than what is recorded, from reversals, any swipe", COUNT, 0),
            Row("swipes.wrong_inside", "the same from bits, within what ISO/IEC 7811 permits", COUNT, 0),
            Row("swipes.all", "tracks generated in all, most of them past it", COUNT),
            Row("swipes.wrong_bits", "of them, read as something else from bits that an ASIC got wrong", COUNT),
            Row("swipes.judged", "swipes of three tracks generated in all", COUNT),
            Row("swipes.accepted", "of them, accepted by the reader as a whole, from reversals", COUNT),
            Row("swipes.wrongly", "of those, accepted wrongly: what goes to the host is not on the card", COUNT, 0),
            Row("swipes.accepted_bits", "accepted from an ASIC's bits", COUNT),
            Row("swipes.wrongly_bits", "of those, accepted wrongly, all of them past the standard", COUNT),
        ),
    ),
    Group(
        "Heap",
        (
            Row("heap.boot", "after boot, firmware frozen", BYTES, 56 * _KB),
            Row("heap.peak", "most at a step of a sale, firmware frozen", BYTES, 104 * _KB),
            Row("heap.peak_insert", "most at a step of a sale by insert, firmware frozen", BYTES, 104 * _KB),
            Row("heap.peak_swipe", "most at a step of a sale by swipe, firmware frozen", BYTES, 104 * _KB),
            Row("heap.after", "after 1,000 sales in a row, firmware frozen", BYTES),
            Row("heap.after_insert", "after 100 sales by insert in a row, firmware frozen", BYTES),
            Row("heap.boot_rom", "after boot, firmware in a ROM image", BYTES),
            Row("heap.peak_rom", "most at a step of a sale, firmware in a ROM image", BYTES, 104 * _KB),
            Row(
                "heap.peak_insert_rom", "most at a step of a sale by insert, firmware in a ROM image", BYTES, 104 * _KB
            ),
            Row("heap.peak_swipe_rom", "most at a step of a sale by swipe, firmware in a ROM image", BYTES, 104 * _KB),
            Row("heap.sale.entry_point", "above idle in a sale: when Entry Point begins", BYTES),
            Row("heap.sale.kernel", "when the kernel begins", BYTES),
            Row("heap.sale.dukpt", "when DUKPT begins", BYTES),
            Row("heap.sale.packet", "when the packet is made", BYTES),
            Row("heap.sale.send", "when the packet is sent", BYTES),
            Row("heap.sale.answer", "when the answer is checked", BYTES),
        ),
    ),
)

ROWS = {row.name: row for group in GROUPS for row in group.rows}


class FiguresError(ValueError):
    """A file of figures that is none."""


@dataclass
class Figures:
    """Values by name. `spread`: (least, most) of those whose two runs differ. `versions`: what it was measured with.
    `curve`: by jitter in percent, the part of tracks 1, 2 and 3 that was read."""

    values: dict[str, float] = field(default_factory=dict)
    spread: dict[str, tuple[float, float]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    curve: dict[str, list[float]] = field(default_factory=dict)

    def add_runs(self, first: dict[str, float], second: dict[str, float]) -> None:
        """Take the figures of two runs: equal ones as they are, others as unstable, with the worse one as value.

        Raises FiguresError when a run has a figure that the other one lacks.
        """
        if set(first) != set(second):
            raise FiguresError(f"only one of two runs has {', '.join(sorted(set(first) ^ set(second)))}")
        for name, value in first.items():
            low, high = sorted((value, second[name]))
            self.values[name] = high
            if low != high:
                self.spread[name] = (low, high)

    def as_json(self) -> str:
        document: dict[str, Any] = {
            "format": FORMAT,
            "versions": dict(sorted(self.versions.items())),
            "figures": {name: _short(value) for name, value in sorted(self.values.items())},
            "unstable": {name: [_short(value) for value in pair] for name, pair in sorted(self.spread.items())},
        }
        if self.curve:
            document["curve"] = self.curve
        return json.dumps(document, indent=2) + "\n"


def _short(value: float) -> float:
    return int(value) if value == int(value) else round(value, 2)


def load(path: Path) -> Figures:
    """The committed figures; none where there is no file. Raises FiguresError."""
    try:
        document: Any = json.loads(path.read_text())
    except FileNotFoundError:
        return Figures()
    except ValueError as error:
        raise FiguresError(f"{path} is no JSON ({error}); `make bench UPDATE=1` writes it anew") from None
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise FiguresError(f"{path} has another format than {FORMAT}; `make bench UPDATE=1` writes it anew")
    try:
        values = {str(name): float(value) for name, value in document["figures"].items()}
        spread = {str(name): (float(low), float(high)) for name, (low, high) in document["unstable"].items()}
        versions = {str(name): str(text) for name, text in document["versions"].items()}
        curve = {str(name): [float(part) for part in parts] for name, parts in document.get("curve", {}).items()}
    except (KeyError, AttributeError, TypeError, ValueError):
        raise FiguresError(f"{path} is incomplete; `make bench UPDATE=1` writes it anew") from None
    return Figures(values, spread, versions, curve)


def change(name: str, now: Figures, committed: Figures) -> float | None:
    """How much more the figure is now, as a fraction; None when one of the two lacks it or they do not compare."""
    if name not in now.values or name not in committed.values or not _comparable(name, now, committed):
        return None
    before = committed.values[name]
    if not before:
        return 0.0 if not now.values[name] else float("inf")
    return now.values[name] / before - 1


def worse(now: Figures, committed: Figures) -> list[str]:
    """A sentence for each figure that is past the tolerance, or gone. Wall times and other people's are not judged."""
    found = []
    for name, row in ROWS.items():
        if row.unit == WALL or name not in committed.values or not _comparable(name, now, committed):
            continue
        grown = change(name, now, committed)
        if grown is None:
            found.append(f"{name}: committed, and not measured any more")
        elif now.values[name] > committed.values[name] * (1 + TOLERANCE) + SLACK[row.unit]:
            found.append(
                f"{name}: {shown(now.values[name], row.unit)}, {grown:+.1%} against "
                f"{shown(committed.values[name], row.unit)} committed"
            )
    return found


def _comparable(name: str, now: Figures, committed: Figures) -> bool:
    """Heap on the unix port has another size with another aioble."""
    return not name.startswith("heap.") or now.versions.get("aioble") == committed.versions.get("aioble")


def missed(now: Figures) -> list[str]:
    """A sentence for each budget that is not met."""
    found = []
    for name, row in ROWS.items():
        value = now.values.get(name)
        if value is None:
            continue
        if row.budget is not None and value > row.budget:
            found.append(f"{name}: {shown(value, row.unit)}, the budget is {shown(row.budget, row.unit)}")
        other = now.values.get(row.other)
        if row.other_most is not None and other and value / other > row.other_most:
            found.append(f"{name}: {value / other:.1f} times C, the budget is {row.other_most:g} times")
    left = now.values.get("heap.after", 0) - now.values.get("heap.boot", 0)
    if "heap.after" in now.values and abs(left) > LEFT_MOST:
        found.append(f"heap.after: {left:+,.0f} against after boot, the budget is {LEFT_MOST:,} either way")
    return found


def shown(value: float, unit: str) -> str:
    return f"{value:.2f}" if unit in (WALL, MS) else f"{value:,.0f}"


@dataclass(frozen=True)
class Line:
    """A row of the table as text. `bad`: over its budget, or worse than committed past the tolerance."""

    what: str
    now: str
    budget: str
    of_budget: str
    change: str
    other: str
    bad: bool


def lines(group: Group, now: Figures, committed: Figures) -> list[Line]:
    """The rows of a group that were measured."""
    over = {text.split(":")[0] for text in missed(now) + worse(now, committed)}
    return [_line(row, now, committed, row.name in over) for row in group.rows if row.name in now.values]


def _line(row: Row, now: Figures, committed: Figures, bad: bool) -> Line:
    value = now.values[row.name]
    unit = {BYTES: " B", WALL: " x", MS: " ms"}.get(row.unit, "")
    text = shown(value, row.unit) + unit
    if row.name in now.spread:
        low, high = now.spread[row.name]
        text = f"{shown(low, row.unit)} to {shown(high, row.unit)}{unit} (unstable)"
    grown = change(row.name, now, committed)
    if grown is None:
        grown_text = "new"
    elif row.unit == WALL:
        grown_text = ""
    else:
        grown_text = f"{grown:+.1%}" if grown else "="
    return Line(
        what=row.what,
        now=text,
        budget=shown(row.budget, row.unit) if row.budget is not None else "",
        of_budget=f"{value / row.budget:.0%}" if row.budget else "",
        change=grown_text,
        other=_other(row, now),
        bad=bad,
    )


def _other(row: Row, now: Figures) -> str:
    if row.unit == WALL:
        return "pyiso8583 on CPython: 1"
    other = now.values.get(row.other)
    if not other:
        return ""
    most = f", budget {row.other_most:g} x" if row.other_most is not None else ""
    return f"mbed TLS in C: {shown(other, row.unit)} ({now.values[row.name] / other:.1f} x{most})"
