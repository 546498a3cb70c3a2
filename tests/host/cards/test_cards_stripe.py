"""The bench's stripe cards: what stands on them. ISO/IEC 7813, 7 and 8; ISO/IEC 4909; GB/T 19584."""

from __future__ import annotations

import re

import pytest
from psec import cvv

from mpos.bench import test_keys
from mpos.bench.cards import CARDS, make_card
from mpos.bench.cards.registry import SWIPE, names
from mpos.bench.cards.stripe import StripeCard, StripeProfile
from mpos.bench.f2f import WIDTH, times
from tests.host.icc.reader import Reader

TRACK_1 = re.compile(r"B(\d{12,19})\^([A-Z /]{2,26})\^(\d{4}|\^)(\d{3}|\^)([0-9]*)")
TRACK_2 = re.compile(r"(\d{12,19})=(\d{4}|=)(\d{3}|=)(\d*)")
# ISO/IEC 4909: format, PAN; country, currency, exponent, amounts, cycle begin and length, tries; PIN parameters;
# interchange control, three types of account, expiry
TRACK_3 = re.compile(r"99(\d{12,19})=156156\d(\d{4}){2}\d{4}\d\d\d=\d\d{6}(\d{4})\d===")
MOST = {1: 79, 2: 40, 3: 107}
# Malformed on purpose, and whose kind is tested by what the reader says
ODD = {"stripe-too-long", "stripe-two-starts", "stripe-licence"}


def card(name: str) -> StripeCard:
    (made,) = make_card(name)
    assert isinstance(made, StripeCard)
    return made


@pytest.mark.parametrize(
    "profile",
    [
        StripeProfile("6212340000000019"),
        StripeProfile("6212340000000005094", service_code="120"),
        StripeProfile("6212340000000019", expiry=""),
        StripeProfile("6212340000000019", service_code=""),
    ],
    ids=["16", "19", "no-expiry", "no-code"],
)
def test_tracks_have_their_fields(profile):
    for match in (TRACK_1.fullmatch(profile.track1()), TRACK_2.fullmatch(profile.track2())):
        assert match is not None and match[1] == profile.pan
        *_, expiry, code, own = match.groups()
        assert (expiry, code) == (profile.expiry or expiry, profile.service_code or code)
        assert own[:5] == "00000" and len(own) == 8
    assert TRACK_1.fullmatch(profile.track1())[2] == profile.name
    assert len(profile.track1()) <= 76 and len(profile.track2()) <= 37
    if profile.expiry:
        match = TRACK_3.fullmatch(profile.track3())
        assert match is not None and (match[1], match[3]) == (profile.pan, profile.expiry)


def test_the_verification_number():
    good = StripeProfile("6212340000000019")
    assert good.cvn() == cvv.generate_cvv(test_keys.CARD_VERIFICATION_KEY, good.pan, "4912", "101")
    assert StripeProfile(good.pan, genuine=False).cvn() != good.cvn()
    assert StripeProfile(good.pan, service_code="201").cvn() != good.cvn()
    assert good.track1().endswith(good.cvn()) and good.track2().endswith(good.cvn())


@pytest.mark.parametrize("name", [name for name in names(SWIPE) if name not in ODD])
def test_no_track_is_longer_than_it_may_be(name):
    stripe = card(name).stripe
    for number in stripe.tracks():
        assert len(stripe.bits(number)) <= MOST[number] * WIDTH[number]


@pytest.mark.parametrize("name", names(SWIPE))
def test_each_card_can_be_swiped_and_is_alike_each_time(name):
    first, second = card(name), card(name)
    assert first is not second
    signals, again = (times(each.stripe, **CARDS[name].swipe) for each in (first, second))
    assert {number: when.tolist() for number, when in signals.items()} == {
        number: when.tolist() for number, when in again.items()
    }
    assert any(len(when) > 100 for when in signals.values()) == (name != "stripe-blank")
    assert "6212" not in repr(first)


def test_every_card_has_an_account_of_its_own():
    pans = [made.profile.pan for made in map(card, names(SWIPE)) if made.profile is not None]
    assert len(pans) == len(set(pans)) > 50


def test_a_dead_chip_does_not_answer():
    chip = card("stripe-fallback").chip
    assert chip is not None and chip.atr == b"" and chip.warm_atr is None
    chip.power_on()
    assert chip.exchange(bytes.fromhex("00A4040000")) is None


def test_a_swiped_chip_card_has_the_same_account_on_its_chip():
    for name in ("stripe-of-chip", "stripe-of-national-chip"):
        made = card(name)
        assert made.chip is not None and made.profile is not None
        assert made.chip.profile.pan == made.profile.pan  # type: ignore[attr-defined]
        assert made.profile.service_code[0] in "26"


def test_a_dead_chip_can_be_inserted():
    reader = Reader(card("stripe-fallback").chip)
    assert reader.levels[-1] == 1 and reader.activate() == b""
