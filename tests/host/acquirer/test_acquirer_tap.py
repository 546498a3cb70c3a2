"""Sales by tap at the host: both schemes, PIN, a PIN that is asked for, proofs and updates; each wrong in one thing."""

from __future__ import annotations

import pytest
from pyemv import ac, kd

from mpos.acquirer import REFUSALS, Acquirer
from mpos.acquirer.accounts import tap_number, visa_number
from mpos.bench.cards.contactless.personalities import ENTRIES
from tests.host.acquirer.pos_terminal import NOW, Terminal, objects
from tests.host.cards.host_answer import Answer
from tests.host.cards.tap_terminal import TapTerminal

PIN = "1357"
BY_NAME = {entry.name: entry for entry in ENTRIES}


class Stop(Exception):
    """The terminal has all that the host is to be asked with."""


def tapped(name: str, atc: int = 0) -> TapTerminal:
    """The terminal with the named card, at the moment when it would ask the host."""

    def ask(terminal: TapTerminal) -> Answer:
        raise Stop

    entry = BY_NAME[name]
    pins = entry.pin.split(",") if entry.pin is not None else []
    terminal = TapTerminal(entry.build(atc)[0], ask, pins=pins)
    with pytest.raises(Stop):
        terminal.run()
    return terminal


def asked(host: Acquirer, pos: Terminal, at: TapTerminal, pin: str | None = None, **more) -> dict[str, str]:
    frame = pos.tap({**at.known, **at.terminal}, pin=at.pin if pin is None else pin, **more)
    return pos.read(host.authoriser.handle(frame[2:]))


@pytest.fixture
def ask(acquirer, terminal):
    return lambda name, **more: asked(acquirer, terminal, tapped(name), **more)


def put(tag: str, value: str):
    return lambda known: known.__setitem__(tag, bytes.fromhex(value))


@pytest.mark.parametrize(
    "name, account, code",
    [
        ("tap-online", tap_number(600), "00"),
        ("visa", visa_number(1), "00"),
        ("visa-cvn-17", visa_number(3), "00"),
        ("visa-cvn-18", visa_number(4), "00"),
        ("visa-electron", visa_number(6), "00"),
        ("visa-insufficient-funds", visa_number(2), "51"),
        ("visa-counterfeit", visa_number(16), "05"),
        ("tap-pin", tap_number(610), "00"),
        ("visa-pin", visa_number(10), "00"),
        ("tap-pin-wrong", tap_number(611), "55"),
    ],
)
def test_sales(ask, acquirer, name, account, code):
    before = acquirer.balance(account)
    assert ask(name)["39"] == code
    assert acquirer.balance(account) == before - (1234 if code == "00" else 0)


# An approval of the card's own that goes online, because the reader believes it to be wrong
def test_a_card_that_had_approved(acquirer, terminal):
    at = tapped("fdda-wrong-online")
    assert at.known["9F27"] == b"\x40"
    assert asked(acquirer, terminal, at)["39"] == "00"
    assert asked(acquirer, terminal, tapped("visa-fdda-wrong-online"))["39"] == "00"


CHIP = [
    ("visa", put("9F10", "06010B03A00000"), "chip-data"),  # no version of this issuer
    ("visa", put("9F10", "07010A03A0000000"), "chip-data"),
    ("visa", put("9F10", "06010A04A00000"), "chip-data"),
    ("visa", put("9F10", "06010A03A0000002AA"), "chip-data"),  # the issuer's own data, shorter than they say
    ("visa", put("9F10", "06011203A00000"), "cryptogram"),  # another version than it was made with
    ("visa-cvn-17", put("9F37", "00000000"), "cryptogram"),
    ("visa-cvn-18", put("9A", "261124"), "contradiction"),
    ("tap-online", put("9F10", "06010A03A00000"), "chip-data"),  # another scheme's
    ("visa", put("84", "A000000333010101"), "application"),
    ("tap-online", put("84", "A0000000031010"), "application"),
    ("visa", put("84", "A0000000033010"), "application"),
    ("tap-online", put("9F27", "00"), "contradiction"),
    ("tap-online", put("9F27", "40"), "contradiction"),
    ("tap-online", put("9F34", "0200"), "chip-data"),
    ("tap-online", put("9F34", "020000"), "pin-missing"),
    ("tap-online", put("9F34", "010002"), "contradiction"),  # a device that the card knows nothing of
    ("visa", put("9F34", "010002"), "contradiction"),
]


@pytest.mark.parametrize("name, chip, why", CHIP)
def test_chip_data(ask, acquirer, name, chip, why):
    assert ask(name, chip=chip)["39"] == REFUSALS[why][0]
    assert any(REFUSALS[why][1] in text for _, text in acquirer.log)


def test_without_results_of_the_cardholders_verification(ask):
    assert ask("tap-online", chip=lambda known: known.pop("9F34"))["39"] == "00"


def test_a_visa_card_by_contact_is_none_of_this_hosts(acquirer, terminal):
    at = tapped("visa")
    frame = terminal.insert({**at.known, **at.terminal})
    assert terminal.read(acquirer.authoriser.handle(frame[2:]))["39"] == REFUSALS["application"][0]


def test_a_tap_counts_once(acquirer, terminal):
    at = tapped("visa")
    assert [asked(acquirer, terminal, at)["39"] for _ in range(2)] == ["00", "59"]
    at = tapped("tap-online")
    assert [asked(acquirer, terminal, at, pin)["39"] for pin in ("", "1234")] == ["00", "59"]


# Single tap, then PIN


@pytest.mark.parametrize("name", ["tap-pin-demanded", "visa-pin-demanded"])
def test_the_issuer_asks_for_the_pin(acquirer, terminal, name):
    at = tapped(name)
    account = acquirer.authoriser.issuer.account(at.known["57"].hex().upper().split("D")[0])
    first = asked(acquirer, terminal, at, "")
    assert first["39"] == "1A" and "38" not in first and "55" not in first
    assert acquirer.balance(account.pan) == account.balance
    second = asked(acquirer, terminal, at, PIN)
    assert second["39"] == "00" and second["55"]
    assert acquirer.balance(account.pan) == account.balance - 1234
    # and not a third time
    assert asked(acquirer, terminal, at, PIN)["39"] == "59"


def test_a_wrong_pin_after_it_was_asked_for(acquirer, terminal):
    at = tapped("tap-pin-demanded")
    assert [asked(acquirer, terminal, at, pin)["39"] for pin in ("", "9999", PIN)] == ["1A", "55", "59"]


def test_the_demand_is_for_this_tap_only(acquirer, terminal):
    first, second = tapped("tap-pin-demanded"), tapped("tap-pin-demanded", atc=1)
    assert asked(acquirer, terminal, first, "")["39"] == "1A"
    assert asked(acquirer, terminal, second, "")["39"] == "1A"
    assert asked(acquirer, terminal, first, PIN)["39"] == "59"
    assert asked(acquirer, terminal, second, "")["39"] == "59"


def test_no_demand_when_the_pin_comes_at_once(acquirer, terminal):
    assert asked(acquirer, terminal, tapped("tap-pin-demanded"), PIN)["39"] == "00"


def test_nobody_is_asked_for_the_pin_of_a_counterfeit(acquirer, terminal):
    at = tapped("tap-pin-demanded")
    at.known["9F26"] = bytes(8)
    assert asked(acquirer, terminal, at, "")["39"] == "05"


def test_a_demand_survives_a_restart(tmp_path, terminal):
    path = tmp_path / "books.json"
    at = tapped("tap-pin-demanded")
    assert asked(Acquirer(state=path, now=lambda: NOW), terminal, at, "")["39"] == "1A"
    assert asked(Acquirer(state=path, now=lambda: NOW), terminal, at, PIN)["39"] == "00"


# Proofs


@pytest.mark.parametrize("name, expected", [("visa", 10), ("visa-cvn-17", 10), ("visa-cvn-18", 8)])
def test_proof(acquirer, terminal, name, expected):
    at = tapped(name)
    answer = bytes.fromhex(asked(acquirer, terminal, at)["55"])
    assert answer[:2] == bytes([0x91, expected]) and len(answer) == 2 + expected
    key, arqc = at.card.profile.master_key(), at.known["9F26"]
    if expected == 10:
        assert answer[2:] == ac.generate_arpc_1(key, arqc, b"00") + b"00"
    else:
        session = kd.derive_common_sk(key, at.known["9F36"] + bytes(6))
        assert answer[2:] == ac.generate_arpc_2(session, arqc, answer[6:]) + bytes.fromhex("00800000")


def test_an_update_and_a_false_one(acquirer, terminal):
    good = bytes.fromhex(asked(acquirer, terminal, tapped("visa-update"))["55"])
    assert good[:2] == b"\x91\x0a" and good[12] == 0x71
    assert objects(good[14:], {})["86"].startswith(bytes.fromhex("04DA9F5805"))
    at = tapped("visa-update-wrong")
    bad = bytes.fromhex(asked(acquirer, terminal, at)["55"])
    assert bad[2:10] != ac.generate_arpc_1(at.card.profile.master_key(), at.known["9F26"], b"00")


def test_the_cards_take_what_the_issuer_sends(acquirer):
    def ask(terminal: TapTerminal) -> Answer:
        fields = asked(acquirer, pos, terminal)
        answer = bytes.fromhex(fields["55"])
        scripts = [(0x71, answer[14 : 14 + answer[13]])] if len(answer) > 12 else []
        return Answer(fields["39"], answer[2:12], scripts)

    taken = {}
    for name in ("visa-update", "visa-update-wrong"):
        pos = Terminal(counter=100 * len(taken), stan=100 * len(taken))
        terminal = TapTerminal(BY_NAME[name].build(0)[0], ask)
        assert terminal.run() == "approved"
        taken[name] = terminal.updates, terminal.card.applications[0].put
    assert taken == {"visa-update": (["9000", "9000"], {0x9F58: b"\x05"}), "visa-update-wrong": (["6300"], {})}


def test_the_log_masks_visa_numbers_too(ask, acquirer):
    ask("visa")
    text = "\n".join(text for _, text in acquirer.log)
    assert visa_number(1) not in text and visa_number(1)[-4:] in text
