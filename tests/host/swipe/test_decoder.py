"""The firmware's decoder as a server: what it answers, and what happens when it dies."""

from __future__ import annotations

import pytest

from mpos.bench import f2f
from mpos.describe.stripe import KINDS, UNREADABLE
from mpos.swipe import decoder as server
from mpos.swipe.decoder import Decoded, Decoder, DecoderFailed, Judged
from mpos.swipe.report import PAYMENT
from tests.host.swipe.tracks import TRACK_1, TRACK_2, TRACK_3

STRIPE = f2f.Stripe(TRACK_1, TRACK_2, TRACK_3)


def as_text(bits) -> str:
    return "".join(map(str, bits))


@pytest.mark.parametrize("direction", ["forward", "back"])
@pytest.mark.parametrize("track", [1, 2, 3])
def test_a_track_either_way(decoder, track, direction):
    times = f2f.swipe(STRIPE, direction=direction)[track]
    for decoded in (decoder.times(track, times.tolist()), decoder.bits(track, f2f.bits(times))):
        assert decoded.ok and decoded.characters == STRIPE.text(track)
        assert decoded.is_backward == (direction == "back")


@pytest.mark.parametrize(
    ("flaw", "reasons"),
    [
        ({"end": False}, {4, 5}),
        ({"bad_lrc": True}, {6}),
        ({"bad_parity": 5}, {5}),
        ({"start": False}, {3, 5}),
        ({"invert": True}, {2, 3, 4, 5}),
    ],
)
def test_what_is_wrong_is_told(decoder, flaw, reasons):
    stripe = f2f.Stripe(track2=TRACK_2, flaws={2: flaw})
    decoded = decoder.times(2, f2f.swipe(stripe)[2].tolist())
    assert not decoded.ok and decoded.characters == ""
    assert decoded.reason in reasons and decoded.reason in UNREADABLE


@pytest.mark.parametrize("times", [[], [1], [0] * 300, [65535] * 300, [1000] * 300, list(range(1, 4001))])
def test_what_is_no_swipe(decoder, times):
    assert not decoder.times(2, times).ok
    assert not decoder.bits(2, [time & 1 for time in times][:700]).ok


def test_times_that_are_too_long_are_cut(decoder):
    times = [70_000, *f2f.swipe(STRIPE)[2].tolist(), 10_000_000]
    assert decoder.times(2, times).characters == TRACK_2


def test_more_times_than_the_server_has_room_for(decoder):
    with pytest.raises(ValueError, match="at the most"):
        decoder.times(2, [1000] * (server.TIMES_MOST + 1))
    assert decoder.times(2, f2f.swipe(STRIPE)[2].tolist()).ok


def test_clock_recovery_alone(decoder):
    times = f2f.swipe(STRIPE)[2].tolist()
    bits = decoder.clock(times)
    assert as_text(bits).strip("0") == as_text(f2f.bits(times)).strip("0") == as_text(STRIPE.bits(2)).strip("0")
    assert len(decoder.clock(times, skip=100)) < len(bits)
    assert sum(decoder.clock(times, backward=True)) == sum(bits)


def test_fields(decoder):
    kind, fields = decoder.fields(2, TRACK_2)
    assert kind == PAYMENT and fields is not None
    assert (fields.pan_at, fields.pan_digits, fields.expiry, fields.service_code) == (0, 19, 3012, 120)
    assert fields.discretionary_at == len("6212340000000005003=3012120")
    assert fields.check_digit_is_right
    kind, fields = decoder.fields(1, TRACK_1)
    assert fields is not None and TRACK_1[fields.name_at :][: fields.name_length] == "TEST/CARD"


def test_tracks_that_pay_nothing(decoder):
    for characters in ("0102030405", "123", "=", "7=2"):
        kind, fields = decoder.fields(2, characters)
        assert kind != PAYMENT and kind in KINDS
        assert fields is None or kind != PAYMENT


def test_a_decoder_that_died_says_so():
    with Decoder() as decoder:
        decoder._process.kill()
        decoder._process.wait()
        with pytest.raises(DecoderFailed, match="has ended"):
            decoder.times(2, [1000] * 100)


def test_a_decoder_that_hangs_is_ended(monkeypatch):
    monkeypatch.setattr(server, "_ANSWER_LIMIT_S", 0.05)
    with Decoder() as decoder:
        decoder._process.stdin.write(b"T")  # and no more of the request
        with pytest.raises(DecoderFailed, match="has said nothing"):
            decoder._read(1)
        assert decoder._process.poll() is not None


def test_closing_twice_is_closing_once():
    decoder = Decoder()
    decoder.close()
    decoder.close()


@pytest.mark.parametrize(
    ("tracks", "judged"),
    [
        (("", "6212340000005000=4912101000000000", ""), Judged(0, 2, "6212340000005000D4912101000000000")),
        (
            ("B6212340000005000^CARDHOLDER/TEST^4912101000000000", "", ""),
            Judged(0, 1, "6212340000005000D4912101000000000"),
        ),
        (("", "6212340000005001=4912101000000000", ""), Judged(112)),
        (("B6212340000005018^CARDHOLDER/TEST^4912101000000000", "6212340000005000=4912101000000000", ""), Judged(112)),
        (("", "", ""), Judged(105)),
    ],
)
def test_what_a_sale_would_be_made_of(decoder, tracks, judged):
    read = {number: Decoded(text, 0 if text else 1, False) for number, text in enumerate(tracks, 1)}
    assert decoder.judge(read) == judged


def test_a_card_goes_one_way(decoder):
    read = {
        1: Decoded("B6212340000005000^CARDHOLDER/TEST^4912101000000000", 0, True),
        2: Decoded("6212340000005000=4912101000000000", 0, False),
    }
    assert decoder.judge(read).error == 105
