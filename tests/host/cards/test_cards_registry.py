"""The cards by name, and the ways in which any card can go wrong."""

import re

import pytest

from mpos.bench.cards import CARDS, Profile, QpbocCard, faulty, make_card
from mpos.bench.cards import faults as f
from mpos.bench.cards.contact import ContactCard
from mpos.bench.cards.contactless import ContactlessCard
from mpos.bench.cards.contactless import personalities as taps
from mpos.bench.cards.others import MifareClassic1K, TransitCard
from mpos.bench.cards.registry import CONTACT, CONTACTLESS, SWIPE, names
from mpos.bench.cards.stripe import StripeCard
from mpos.bench.field import Field, TargetRemoved
from mpos.describe.reader_errors import ERRORS
from mpos.describe.response_codes import RESPONSE_CODES

PPSE = bytes.fromhex("00A404000E325041592E5359532E444446303100")
SELECT = bytes.fromhex("00A4040008A00000033301010100")


def test_the_registry_tells_how_each_card_ends():
    assert set(CARDS) >= {
        "approved",
        "insufficient-funds",
        "unknown-bin",
        "expired",
        "removed-mid-read",
        "two-cards",
        "not-payment",
        "transit",
        "declined-by-card",
        "blocked",
        "stolen",
        "signature",
    }
    for name, entry in CARDS.items():
        assert entry.name == name and entry.story.endswith(".")
        assert entry.outcome in ("approved", "declined", "error")
        assert entry.response_code in RESPONSE_CODES or entry.response_code == ""
        assert entry.error in ERRORS or entry.error == 0
        assert entry.interface in ("contactless", "contact", "swipe")
        # Approved by nobody but the host or the card; and what is not approved says why
        assert (entry.outcome == "approved") <= (entry.error == 0 and (entry.response_code == "00" or entry.offline))
        assert (entry.outcome == "error") <= (entry.error != 0)
        assert bool(entry.error) or bool(entry.response_code) or entry.offline


def test_contact_cards_say_how_the_transaction_ends():
    entries = [CARDS[name] for name in names(CONTACT)]
    assert len(entries) >= 200 and not set(names(CONTACT)) & set(names(CONTACTLESS))
    for entry in entries:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name)
        assert re.fullmatch(r"\d+\.\d\d", entry.amount)
        if entry.outcome != "error":
            assert len(bytes.fromhex(entry.tvr)) == 5 and len(bytes.fromhex(entry.tsi)) == 2
    # Every bit of the TVR but the PIN pad that is missing, chance, and the merchant who forces it online
    seen = bytes(5)
    for entry in entries:
        seen = bytes(a | b for a, b in zip(seen, bytes.fromhex(entry.tvr or "0000000000"), strict=True))
    assert seen.hex().upper() == "FEF8ECE0F0"


def test_contactless_cards_say_how_the_sale_ends():
    assert len(taps.ENTRIES) >= 25 and {entry.name for entry in taps.ENTRIES} <= set(names(CONTACTLESS))
    for entry in taps.ENTRIES:
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name) and re.fullmatch(r"\d+\.\d\d", entry.amount)
        # What is approved says how the cardholder was verified; who comes back has left
        assert (entry.outcome == "approved") == bool(entry.cvm)
        assert not entry.returns or not entry.error
        assert entry.offline <= (not entry.response_code)
    # Why the kernels end one that is not approved, each at least once
    errors = {entry.error for entry in taps.ENTRIES}
    assert errors >= {0, 103, 303, 304, 305, 401, 402, 404, 405, 412, 413, 414, 415, 417, 418}


def test_stripe_cards_say_how_the_sale_ends():
    entries = [CARDS[name] for name in names(SWIPE)]
    assert len(entries) >= 55 and all(re.fullmatch(r"stripe(-[a-z0-9]+)+", entry.name) for entry in entries)
    assert {entry.error for entry in entries} == {0, 105, 106, 109, 110, 111, 112}
    for entry in entries:
        (card,) = make_card(entry.name)
        assert re.fullmatch(r"\d+\.\d\d", entry.amount)
        assert (entry.kind == "payment") == (card.profile is not None) or entry.error == 106
        assert not entry.detail or entry.outcome == "error"
        # What names a chip has one to insert
        assert (card.chip is not None) == any(word in entry.name for word in ("chip", "fallback"))


def test_unknown_names_list_the_known_ones():
    with pytest.raises(ValueError, match="approved"):
        make_card("golden")


@pytest.mark.parametrize("name", names(CONTACTLESS))
def test_targets_are_whole_and_alike_each_time(name):
    targets = make_card(name)
    assert [t.uid for t in targets] == [t.uid for t in make_card(name)]
    assert all(a is not b for a, b in zip(targets, make_card(name), strict=True))
    assert len({t.uid for t in targets}) == len(targets) == (2 if name == "two-cards" else 1)
    for target in targets:
        assert len(target.atqa) == 2 and len(target.uid) in (4, 7, 10)
        assert bool(target.sak & 0x20) == (target.ats is not None)
        if target.ats is not None:
            assert target.ats[0] == len(target.ats)


def luhn(digits: str) -> bool:
    """ISO/IEC 7812-1, annex B."""
    values = [int(digit) << (place & 1) for place, digit in enumerate(reversed(digits))]
    return sum(value - 9 if value > 9 else value for value in values) % 10 == 0


def test_account_numbers_are_of_the_test_range_and_have_check_digits():
    numbers = []
    for name in CARDS:
        for target in make_card(name):
            target = getattr(target, "card", target)
            if isinstance(target, ContactlessCard | ContactCard):
                numbers += [application.profile.pan for application in target.applications]
            elif isinstance(target, StripeCard) and target.profile is not None and name != "stripe-check-digit":
                numbers.append(target.profile.pan)
    assert len(numbers) > 280
    for pan in numbers:
        assert pan.startswith(("621234", "999999")) and luhn(pan)
    assert not luhn("6212340000000018")


def test_a_mifare_card_has_no_answer_for_anybody():
    card = MifareClassic1K()
    card.power_on()
    assert card.sak == 0x08 and card.ats is None
    assert card.exchange(bytes.fromhex("3000")) is None


@pytest.mark.parametrize(
    "command, answer", [(PPSE.hex(), "6a82"), ("00B2010C00", "6d00"), ("80A80000", "6e00"), ("00A4", "6700")]
)
def test_a_transit_card_has_no_payment_application(command, answer):
    card = TransitCard()
    card.power_on()
    assert card.exchange(bytes.fromhex(command)).hex() == answer


def test_removed_mid_read_leaves_at_the_first_record():
    card = make_card("removed-mid-read")[0]
    field = Field(card)
    field.set_carrier(True)
    terminal = "26000080 000000001234 000000000000 0156 0000000000 0156 261123 00 A1B2C3D4"
    gpo = bytes.fromhex("80A80000238321" + terminal + "00")
    for command in (PPSE, SELECT, gpo):
        assert field.exchange(card, command)[-2:] == b"\x90\x00"
    assert field.exchange(card, bytes.fromhex("00B2010C00")) is None
    assert field.targets == []


# Faults


def test_a_fault_strikes_at_its_command_only_and_again_after_each_activation():
    card = faulty(QpbocCard(Profile("6212340000000019")), at=1, what=f.status(0x6A82))
    good = QpbocCard(Profile("6212340000000019"))
    good.power_on()
    for _ in range(2):
        card.power_on()
        assert card.exchange(PPSE) == good.exchange(PPSE)
        assert card.exchange(SELECT).hex() == "6a82"
        assert card.exchange(SELECT) == good.exchange(SELECT)
    assert (card.uid, card.sak, card.atqa, card.ats) == (good.uid, good.sak, good.atqa, good.ats)


def strike(what) -> bytes | None:
    card = faulty(QpbocCard(Profile("6212340000000019")), at=0, what=what)
    card.power_on()
    return card.exchange(PPSE)


def test_what_can_go_wrong():
    good = QpbocCard(Profile("6212340000000019"))
    good.power_on()
    answer = good.exchange(PPSE)
    assert strike(f.MUTE) is None
    assert strike(f.EMPTY) == b""
    assert strike(f.HALF_STATUS) == b"\x90"
    assert strike(f.NO_DATA) == b"\x90\x00"
    assert strike(f.TRAILING) == answer[:-2] + b"\xde\xad\x90\x00"
    truncated = strike(f.TRUNCATED)
    assert truncated[-2:] == b"\x90\x00" and 2 < len(truncated) < len(answer)
    assert answer.startswith(truncated[:-2])
    assert strike(f.BAD_LENGTH)[:6] == bytes.fromhex("6F847FFFFFFF")
    assert strike(f.BAD_TAG)[:2] == b"\x1f\xff"
    assert strike(f.instead(b"\x6f\x00")) == bytes.fromhex("6F009000")
    with pytest.raises(TargetRemoved):
        strike(f.REMOVED)


def test_a_mute_card_stays_mute_through_a_fault():
    card = faulty(MifareClassic1K(), at=0, what=f.EMPTY)
    card.power_on()
    assert card.exchange(b"\x30\x00") is None
