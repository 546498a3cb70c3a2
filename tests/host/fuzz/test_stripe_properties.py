"""What holds for every stripe: the bench's cards, recorded and judged. Tracks are made by code that is not the device's."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mpos.acquirer.tracks import check_digit_ok
from mpos.bench import f2f
from mpos.bench.cards.stripe import StripeProfile
from tests.fuzz import device
from tests.fuzz.properties import EVERY
from tests.fuzz.swiped import check_taken

device.install()
from reader.errors import E_STRIPE_DATA, ReaderError
from reader.iso7813 import kind, reasons, track1, track2, track3
from reader.iso7813.stripe import judge
from tests.unit.drivers.mag_pins import Head

_BITS = 608  # of a track, in the ASIC


def _with_check_digit(digits: str) -> str:
    return next(digits + last for last in "0123456789" if check_digit_ok(digits + last))


_PANS = st.text("0123456789", min_size=5, max_size=12).map(lambda digits: _with_check_digit("621234" + digits))
_EXPIRIES = st.one_of(st.just(""), st.builds("{:02d}{:02d}".format, st.integers(0, 99), st.integers(1, 12)))
_CODES = st.one_of(st.just(""), st.integers(0, 999).map("{:03d}".format))
# Of ISO/IEC 7811-2's 64 characters, without the sentinels and the separator
_NAMES = st.text([chr(code) for code in range(0x20, 0x60) if chr(code) not in "%?^;"], min_size=2, max_size=26)
_CARDS = st.builds(StripeProfile, _PANS, _EXPIRIES, _CODES, st.booleans(), _NAMES)
_OWN = st.text("0123456789=", max_size=30)


def _number(digits: str) -> int:
    return int(digits) if digits else -1


def _tracks(card: StripeProfile) -> list[bytes]:
    return [card.track1().encode(), card.track2().encode(), card.track3().encode()]


def _check(fields, card: StripeProfile, pan_at: int) -> None:
    assert (fields.pan_at, fields.pan_digits) == (pan_at, len(card.pan))
    assert (fields.expiry, fields.service_code) == (_number(card.expiry), _number(card.service_code))


def _refused(*tracks: bytes) -> int:
    """With which reason."""
    with pytest.raises(ReaderError) as caught:
        judge(*tracks)
    assert caught.value.code == E_STRIPE_DATA
    return caught.value.detail


@EVERY
@given(_CARDS)
def test_a_card_is_judged_with_what_was_recorded(card: StripeProfile) -> None:
    tracks = _tracks(card)
    assert [kind.kind(track, number) for number, track in enumerate(tracks, 1)] == [kind.PAYMENT] * 3
    first, third = track1.fields(tracks[0]), track3.fields(tracks[2])
    _check(first, card, 1)
    assert card.track1()[first.name_at : first.name_at + first.name_length] == card.name
    assert (third.pan_at, third.pan_digits, third.expiry) == (2, len(card.pan), _number(card.expiry))
    _check(track2.fields(tracks[1]), card, 0)
    packed = card.track2().replace("=", "D"), card.track3().replace("=", "D")
    # With and without tracks 2 and 3: what goes to the host is the same
    for has_2, has_3 in ((True, True), (True, False), (False, True), (False, False)):
        stripe = judge(tracks[0], tracks[1] if has_2 else b"", tracks[2] if has_3 else b"")
        _check(stripe.fields, card, 0 if has_2 else 1)
        check_taken(stripe, card.pan, packed[0], packed[1] if has_3 else "")


@EVERY
@given(_CARDS, st.data())
def test_a_wrong_digit_of_the_account_number_is_refused(card: StripeProfile, data: st.DataObject) -> None:
    """ISO/IEC 7812-1, Annex B finds each single one; where one track only has it, the tracks differ."""
    tracks = _tracks(card)
    at = data.draw(st.integers(1, len(card.pan) - 1))
    digit = data.draw(st.sampled_from("0123456789").filter(lambda digit: digit != card.pan[at]))
    wrong = card.pan[:at] + digit + card.pan[at + 1 :]
    others = [track.replace(card.pan.encode(), wrong.encode(), 1) for track in tracks]
    assert _refused(b"", others[1], b"") == reasons.CHECK_DIGIT
    assert _refused(others[0], b"", b"") == reasons.CHECK_DIGIT
    assert _refused(*others) == reasons.CHECK_DIGIT
    assert _refused(tracks[0], others[1], tracks[2]) == reasons.CHECK_DIGIT
    assert _refused(others[0], tracks[1], b"") == reasons.PAN_DIFFERS
    assert _refused(b"", tracks[1], others[2]) == reasons.PAN_DIFFERS
    assert _refused(tracks[0], b"", others[2]) == reasons.PAN_DIFFERS


@EVERY
@given(_CARDS, _CARDS)
def test_tracks_of_two_cards_are_refused(card: StripeProfile, other: StripeProfile) -> None:
    assume(card.pan != other.pan)
    mine, others = _tracks(card), _tracks(other)
    assert _refused(others[0], mine[1], mine[2]) == reasons.PAN_DIFFERS
    assert _refused(mine[0], mine[1], others[2]) == reasons.PAN_DIFFERS


@EVERY
@given(_PANS, _EXPIRIES, _CODES, _OWN)
def test_track_2_is_what_the_standard_draws(pan: str, expiry: str, code: str, own: str) -> None:
    """ISO/IEC 7813, 7.2, as an expression of its own; 37 characters at the most."""
    text = f"{pan}={expiry or '='}{code or '='}{own}"
    drawn = re.fullmatch(r"(\d{12,19})=(=|\d\d(?:0[1-9]|1[0-2]))(=|\d{3})([0-9=]*)", text)
    fields = device.attempt(track2.fields, text.encode())
    if len(text) > 37:
        assert fields is None
        return
    assert drawn is not None and fields is not None
    assert fields.discretionary_at == drawn.start(4)
    assert (fields.expiry, fields.service_code) == (_number(expiry), _number(code))


@EVERY
@given(_CARDS, st.booleans(), st.integers(0, 20))
def test_a_card_goes_through_the_head(card: StripeProfile, is_backward: bool, zeros: int) -> None:
    """From the bits that the bench records, by the ASIC's two lines, to the same card; or refused, and never another."""
    recorded = []
    for text, width in ((card.track1(), 7), (card.track2(), 5), (card.track3(), 5)):
        bits = "0" * zeros + "".join(str(bit) for bit in f2f.encode(text, width)) + "0" * zeros
        bits = (bits[::-1] if is_backward else bits).lstrip("0")
        recorded.append(bits[:_BITS])
    head = Head(*recorded)
    mag = head.driver()
    swipe = device.drive(mag.read())
    for number, track in enumerate(_tracks(card), 1):
        assert bytes(swipe.track(number)) == track and swipe.reason(number) == 0
    assert swipe.is_backward == is_backward
    stripe = judge(swipe.track(1), swipe.track(2), swipe.track(3))
    _check(stripe.fields, card, 0)
    assert (head.cleared, head.stray) == (1, 0)
    swipe.wipe()
    assert not any(stripe.track) and not any(stripe.track3)
