"""The fields of a stripe: three tracks of characters, as the decoder lets them through, and what is made of them."""

from __future__ import annotations

from tests.fuzz import device
from tests.fuzz.feed import Feed
from tests.fuzz.swiped import check_taken
from tests.fuzz.targets import target

device.install()
from reader.errors import E_NOT_PAYMENT, E_STRIPE_DATA, ReaderError
from reader.iso7813 import kind, reasons, service_code, track1, track2, track3
from reader.iso7813.stripe import Stripe, judge

_MOST = (0, 82, 40, 107)
_RULES = (track1, track2, track3)
_LAST_REASON = reasons.NO_TRACK
_ROOM = 60
_DIGITS = b"0123456789"


def _characters(data: bytes, first: int, count: int) -> bytes:
    """`data` in the `count` characters from `first` on; those stay themselves."""
    return bytes(first + (byte - first) % count for byte in data)


def _tracks(feed: Feed) -> list[bytes]:
    """Each in the characters that 7 bits, or 5, can spell; sometimes longer than a card has them."""
    found = [_characters(feed.take(feed.below(_MOST[1] + 1)), 0x20, 64)]
    found.append(_characters(feed.take(feed.below(_MOST[2] + 1)), 0x30, 16))
    # An odd byte: read with 7 bits, as licences have it
    spelling = (0x20, 64) if feed.byte() & 1 else (0x30, 16)
    found.append(_characters(feed.take(feed.below(_MOST[3] + 1)), *spelling))
    return found


def _check_digit_fits(pan: bytes) -> bool:
    doubled = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
    values = [digit - 0x30 for digit in reversed(pan)]
    return sum(doubled[v] if i % 2 else v for i, v in enumerate(values)) % 10 == 0


def _check_fields(track: bytes, fields, number: int) -> None:
    """Places and numbers are what stands on the track."""
    pan = track[fields.pan_at : fields.pan_at + fields.pan_digits]
    assert all(digit in _DIGITS for digit in pan)
    assert len(pan) == fields.pan_digits and (12 <= len(pan) <= 19 or (number == 3 and not pan))
    assert fields.pan_at + fields.pan_digits < fields.discretionary_at <= len(track)
    assert fields.expiry == -1 or 1 <= fields.expiry % 100 <= 12
    assert -1 <= fields.service_code <= 999
    if number < 3 and fields.service_code >= 0:
        at = fields.discretionary_at
        assert track[at - 3 : at] == b"%03d" % fields.service_code
        assert fields.expiry < 0 or track[at - 7 : at - 3] == b"%04d" % fields.expiry
    if number == 1:
        assert 2 <= fields.name_length <= 26 and b"^" not in track[fields.name_at :][: fields.name_length]
    assert 0 <= service_code.check(fields.service_code) <= service_code.PIN_NEEDED


def _packed(card: Stripe, number: int) -> str:
    out = bytearray(b"\xee" * _ROOM)
    n = card.pack_into(number, out)
    text = out.hex().upper()
    assert text[n:] == "F" * (n % 2) + "EE" * (_ROOM - (n + 1) // 2)
    # One byte less is refused, and nothing is written over
    if n:
        assert device.attempt(card.pack_into, number, bytearray((n + 1) // 2 - 1)) is None
    return text[:n]


def _check_card(card: Stripe, tracks: list[bytes]) -> None:
    assert card.track is tracks[card.number - 1] and (card.number == 2 or not tracks[1])
    fields = card.fields
    pan = card.track[fields.pan_at : fields.pan_at + fields.pan_digits]
    assert _check_digit_fits(pan)
    second, third = _packed(card, 2), _packed(card, 3)
    assert second.startswith(pan.decode() + "D") and len(second) <= 37
    again = bytes(int(digit, 16) + 0x30 for digit in second)
    if card.number == 2:
        assert again == card.track
    # What was made of track 1 is a track 2 that says the same
    made = track2.fields(again)
    assert (made.pan_digits, made.expiry, made.service_code) == (len(pan), fields.expiry, fields.service_code)
    if card.track3 is None:
        assert not third
    else:
        assert bytes(int(digit, 16) + 0x30 for digit in third) == tracks[2] == card.track3
        assert third[2:].startswith(pan.decode() + "D") and len(third) <= 104
    check_taken(card, pan.decode(), second, third)


@target("stripe-fields", longest=240, runs=500)
def stripe_fields(data: bytes) -> None:
    tracks = _tracks(Feed(data))
    kinds = [kind.kind(track, number) for number, track in enumerate(tracks, 1)]
    for number, (track, rules) in enumerate(zip(tracks, _RULES, strict=True), 1):
        fields = device.attempt(rules.fields, track)
        if fields is not None:
            _check_fields(track, fields, number)
    try:
        _check_card(judge(*tracks), tracks)
    except ReaderError as error:
        if error.code == E_NOT_PAYMENT:
            assert error.detail in kinds and error.detail != kind.PAYMENT
        else:
            assert error.code == E_STRIPE_DATA and 1 <= error.detail <= _LAST_REASON
