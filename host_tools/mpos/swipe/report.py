"""What a recorded track says, masked: as lines, as a record for JSON, and character by character for the drawing.

Nothing that a cardholder would miss leaves this module: of an account number six and four digits are shown, of names
and of the issuer's own data the length, of cards that do not pay nothing at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mpos.describe.masking import mask
from mpos.describe.stripe import AMBIGUOUS, detail, service_code, unreadable
from mpos.swipe import cells as cell
from mpos.swipe.decoder import Decoded, Decoder, Fields
from mpos.swipe.recording import Track

HIDDEN = "*"
_SEPARATORS = "=^"
_DATES = 7  # expiry and service code
_TRACKS_IN_TURN = (2, 1, 3)  # for a recording that does not say which it is
_LONG = 350  # bits: more than 85.6 mm of track 2 have
PAYMENT = 1
E_NOT_PAYMENT = 105


@dataclass(frozen=True)
class Reading:
    """One track as the firmware read it. masked: its characters with everything hidden that is not shown; cells: in
    the order in which they were read, of times that were turned round when the card was swiped back."""

    number: int
    decoded: Decoded
    kind: int
    fields: Fields | None
    masked: str
    cells: list[cell.Cell]
    track: Track

    @property
    def speed(self) -> cell.Speed | None:
        return cell.speed(self.cells, self.number)


def read(decoder: Decoder, track: Track, number: int | None = None) -> Reading:
    """Decode one track. number: which it is; without it, what the recording says, or the first that reads."""
    number = number or track.number
    tried = [
        (candidate, n, decoder.times(n, candidate.times))
        for candidate in (track, *track.others)
        for n in ((number,) if number else _TRACKS_IN_TURN)
    ]
    good = [attempt for attempt in tried if attempt[2].ok]
    if good:
        track, number, decoded = good[0]
        same = {(n, other.characters) for _, n, other in good if n == number}
        if len(same) > 1:
            decoded = Decoded("", AMBIGUOUS, False)
    else:
        number = number or (1 if len(decoder.clock(track.times)) > _LONG else 2)
        decoded = next(decoded for _, n, decoded in tried if n == number)
    kind, fields = decoder.fields(number, decoded.characters) if decoded.ok else (0, None)
    bits = decoder.clock(track.times)
    found = cell.cells(bits, track.times)
    return Reading(number, decoded, kind, fields, masked(decoded.characters, number, kind, fields), found, track)


def masked(characters: str, number: int, kind: int, fields: Fields | None) -> str:
    """As many characters, those that are not shown replaced by `*`."""
    out = [c if c in _SEPARATORS else HIDDEN for c in characters]
    if kind == PAYMENT and fields is not None:
        end = fields.pan_at + fields.pan_digits
        out[: fields.pan_at] = characters[: fields.pan_at]  # the format code
        out[fields.pan_at : end] = mask(characters[fields.pan_at : end])
        if number != 3:
            dates = max(fields.discretionary_at - _DATES, end)
            out[dates : fields.discretionary_at] = characters[dates : fields.discretionary_at]
    return "".join(out)


def lines(reading: Reading) -> list[str]:
    """For people."""
    way = "backward" if reading.decoded.is_backward else "forward"
    out = []
    if not reading.decoded.ok:
        out.append(f"track {reading.number}: not read: {unreadable(reading.decoded.reason)}")
    else:
        out.append(f"track {reading.number}: read {way}, {len(reading.decoded.characters)} characters")
        out += [f"  {name}: {value}" for name, value in _said(reading)]
    speed = reading.speed
    if speed is not None:
        out.append(
            f"  speed: {speed.mean:.0f} cm/s, {speed.least:.0f} to {speed.most:.0f}, "
            f"{speed.change:+.0%} from beginning to end"
        )
        worst = max(abs(c.off) for c in reading.cells)
        out.append(f"  bits: {len(reading.cells)}; worst reversal {worst:.0%} of a bit off its place")
    else:
        out.append(f"  reversals: {len(reading.track.times) + 1}")
    return out


def record(reading: Reading) -> dict[str, Any]:
    """For programs; masked as well."""
    speed = reading.speed
    return {
        "track": reading.number,
        "ok": reading.decoded.ok,
        "reason": reading.decoded.reason,
        "reason_text": "" if reading.decoded.ok else unreadable(reading.decoded.reason),
        "direction": ("back" if reading.decoded.is_backward else "forward") if reading.decoded.ok else None,
        "characters": reading.masked,
        "kind": detail(E_NOT_PAYMENT, reading.kind) if reading.decoded.ok else None,
        "fields": dict(_said(reading)) if reading.decoded.ok else {},
        "bits": len(reading.cells),
        "reversals": len(reading.track.times) + 1,
        "speed_cm_s": None if speed is None else round(speed.mean, 1),
        "speed_change": None if speed is None else round(speed.change, 3),
    }


def _said(reading: Reading) -> list[tuple[str, str]]:
    fields, characters = reading.fields, reading.decoded.characters
    said = [("kind", detail(E_NOT_PAYMENT, reading.kind))]
    if fields is None or reading.kind != PAYMENT:
        return said
    right = "right" if fields.check_digit_is_right else "WRONG"
    said.append(
        ("account", f"{mask(characters[fields.pan_at : fields.pan_at + fields.pan_digits])}, check digit {right}")
    )
    if fields.name_length:
        said.append(("name", f"{fields.name_length} characters, not shown"))
    if fields.expiry >= 0:
        said.append(("expires", f"20{fields.expiry // 100:02}-{fields.expiry % 100:02}"))
    if fields.service_code >= 0:
        words = ", ".join(service_code(fields.service_code))
        said.append(("service code", f"{fields.service_code:03} ({words})"))
    if 0 < fields.discretionary_at < len(characters):
        said.append(("discretionary data", f"{len(characters) - fields.discretionary_at} characters, not shown"))
    return said
