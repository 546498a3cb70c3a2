"""Sales by contact at the host: PIN, chip data, proof of the issuer, scripts, each wrong in one thing."""

from __future__ import annotations

import json

import pytest
from psec import des, pinblock
from pyemv import ac, sm, tools

from mpos.acquirer import REFUSALS, Account, Acquirer, Issuer
from mpos.acquirer.accounts import contact_number
from mpos.acquirer.scripts import AFTER, BEFORE, Script, encode, keys_of
from mpos.bench import test_keys
from mpos.bench.cards import CARDS, make_card
from tests.harness.requirements import requirement
from tests.host.acquirer.pos_terminal import NOW, Terminal, objects
from tests.host.cards.chip_terminal import ChipTerminal
from tests.host.cards.host_answer import Answer

PIN = "1357"


class Stop(Exception):
    """The terminal has all that the host is to be asked with."""


def inserted(name: str, atc: int = 0) -> ChipTerminal:
    """The terminal with the named card, at the moment when it would ask the host."""

    def ask(terminal: ChipTerminal) -> Answer | None:
        raise Stop

    pins = CARDS[name].pin.split(",") if CARDS[name].pin is not None else []
    terminal = ChipTerminal(make_card(name, atc)[0], ask, pins=pins)
    with pytest.raises(Stop):
        terminal.run()
    return terminal


def asked(acquirer: Acquirer, pos: Terminal, name: str, *, atc: int = 0, pin: str | None = None, **more) -> dict:
    at = inserted(name, atc)
    typed = at.pin if pin is None else pin
    frame = acquirer.authoriser.handle(pos.insert({**at.known, **at.terminal}, pin=typed, **more)[2:])
    return pos.read(frame)


@pytest.fixture
def ask(acquirer, terminal):
    return lambda name, **more: asked(acquirer, terminal, name, **more)


def put(number: int, value: str):
    return lambda fields: fields.__setitem__(number, bytes.fromhex(value))


def drop(number: int):
    return lambda fields: fields.pop(number)


def test_a_sale_with_pin_and_one_without(ask, acquirer):
    assert ask("chip")["39"] == "00"
    assert ask("online-pin")["39"] == "00"
    assert any(text == "PIN right" for _, text in acquirer.log)
    assert acquirer.balance(contact_number(281)) == 1_000_000 - 1234


FIELDS = [
    ("chip", put(22, "0510"), "field"),
    ("chip", put(26, "12"), "field"),
    ("chip", put(53, "2610000000000000"), "field"),
    ("chip", put(22, "0220"), "field"),
    ("online-pin", put(22, "0520"), "field"),
    ("online-pin", put(26, "06"), "field"),
    ("online-pin", put(26, "1A"), "field"),
    ("online-pin", drop(26), "field"),
    ("online-pin", put(53, "0610000000000000"), "field"),
    ("online-pin", put(53, "1610000000000000"), "field"),
    ("online-pin", put(52, "00" * 8), "pin-block"),
]


@pytest.mark.parametrize("name, change, why", FIELDS)
def test_fields(ask, acquirer, name, change, why):
    assert ask(name, change=change)["39"] == REFUSALS[why][0]
    assert any(REFUSALS[why][1] in text for _, text in acquirer.log)
    assert acquirer.balance(contact_number(281)) == acquirer.balance(contact_number(201)) == 1_000_000


RESULTS = [
    ("chip", None, "chip-data"),
    ("chip", "1E03", "chip-data"),
    ("chip", "1E0303", "contradiction"),  # a result that is none
    ("chip", "1E0301", "contradiction"),  # failed, and the TVR does not say so
    ("cvm-failed-online", "1F0302", "contradiction"),  # and the other way round
    ("chip", "010302", "contradiction"),  # a PIN that the card knows nothing of
    ("chip", "440302", "contradiction"),
    ("chip", "020300", "pin-missing"),
]


@pytest.mark.parametrize("name, results, why", RESULTS)
def test_cvm_results(ask, acquirer, name, results, why):
    def chip(known):
        known.pop("9F34")
        if results is not None:
            known["9F34"] = bytes.fromhex(results)

    assert ask(name, chip=chip)["39"] == REFUSALS[why][0]
    assert any(REFUSALS[why][1] in text for _, text in acquirer.log)


@pytest.mark.parametrize("name", ["pin-offline", "pin-enciphered", "pin-and-signature", "pin-bypassed", "no-cvm"])
def test_cvm_results_that_are_right(ask, name):
    assert ask(name)["39"] == "00"


def test_a_pin_that_was_entered_must_come_and_no_other(ask, acquirer):
    assert ask("online-pin", pin="")["39"] == REFUSALS["pin-missing"][0]
    assert ask("chip", pin=PIN)["39"] == REFUSALS["contradiction"][0]


@requirement(
    "ISO 9564-1", "9.3.1", "A PIN block of format 0 gives the PIN back with the account number it was made with only."
)
def test_a_pin_block_belongs_to_its_account(acquirer, terminal):
    def of_another(fields):
        block = pinblock.encode_pinblock_iso_0(PIN, contact_number(282))
        fields[52] = des.encrypt_tdes_ecb(terminal.keys.pin, block)

    assert asked(acquirer, terminal, "online-pin", change=of_another)["39"] in ("55", "99")


def test_wrong_pins_are_counted_and_a_right_one_clears_them(acquirer, terminal):
    def once(atc: int, pin: str) -> str:
        return asked(acquirer, terminal, "online-pin", atc=atc, pin=pin)["39"]

    assert [once(0, "9999"), once(1, "9998"), once(2, PIN)] == ["55", "55", "00"]
    assert [once(n, "9999") for n in (3, 4, 5)] == ["55"] * 3
    assert once(6, PIN) == "75"
    assert acquirer.balance(contact_number(281)) == 1_000_000 - 1234


def test_an_account_without_a_pin(terminal):
    account = Account("X", contact_number(281), 5000)
    host = Acquirer(issuer=Issuer(accounts=(account,)), now=lambda: NOW)
    assert asked(host, terminal, "online-pin")["39"] == "55"


def test_a_referral_is_proved_like_every_answer(ask):
    at = inserted("referral")
    host, pos = Acquirer(now=lambda: NOW), Terminal()
    fields = pos.read(host.authoriser.handle(pos.insert({**at.known, **at.terminal})[2:]))
    assert fields["39"] == "01" and "38" not in fields
    answer = bytes.fromhex(fields["55"])
    assert answer[:2] == b"\x91\x0a" and answer[10:12] == b"01"
    key = at.card.applications[0].profile.master_key()
    session = tools.encrypt_tdes_ecb(key, bytes.fromhex("0000000000000001000000000000FFFE"))
    assert answer[2:10] == ac.generate_arpc_1(session, at.known["9F26"], b"01")


def test_a_wrong_proof(ask):
    good, bad = ask("chip"), ask("host-not-authentic")
    assert good["39"] == bad["39"] == "00"
    at = inserted("host-not-authentic")
    key = at.card.applications[0].profile.master_key()
    session = tools.encrypt_tdes_ecb(key, bytes.fromhex("0000000000000001000000000000FFFE"))
    right = ac.generate_arpc_1(session, at.known["9F26"], b"00")
    assert bytes.fromhex(bad["55"])[2:10] != right


def test_applications_with_longer_names_are_accepted(ask):
    assert ask("longer-name")["39"] == "00"


# Scripts


@requirement("Book 3", "10.10", "A script is a template 71 or 72 with an identifier 9F18 and commands 86.")
@pytest.mark.parametrize(
    "name, tags", [("script-before", [0x71]), ("script-after", [0x72]), ("script-both", [0x71, 0x72])]
)
def test_scripts_follow_the_proof(ask, name, tags):
    answer = bytes.fromhex(ask(name)["55"])
    found, at = [], 12
    while at < len(answer):
        found.append(answer[at])
        body = answer[at + 2 : at + 2 + answer[at + 1]]
        inner = objects(body, {})
        assert inner["9F18"] == bytes([0, 0, 0, len(found)]) and "86" in inner
        at += 2 + answer[at + 1]
    assert found == tags


def test_a_too_long_script_is_longer_than_128_bytes_and_fits_into_the_field(ask):
    for name in ("script-before-too-long", "script-after-too-long"):
        answer = ask(name)["55"]
        assert 12 + 128 < len(answer) // 2 <= 255


def test_a_script_command_by_hand():
    keys = keys_of(test_keys.ISSUER_MASTER_KEY, contact_number(311), 1, b"\x00\x07")
    arqc = bytes(range(8))
    script = encode(Script(BEFORE, ("block",)), keys, b"\x00\x07", arqc)
    mac = sm.generate_command_mac(keys.mac, bytes.fromhex("841E000004" + "0007") + arqc, 4)
    assert script == bytes.fromhex("7112" + "9F180400000001" + "8609841E000004") + mac
    wrong = encode(Script(AFTER, ("unblock", "block"), b"", wrong_mac=True), keys, b"\x00\x07", arqc)
    assert wrong[:2] == b"\x72\x16" and wrong[-4:] == bytes([mac[0] ^ 1]) + mac[1:]
    with pytest.raises(ValueError, match="dance"):
        encode(Script(BEFORE, ("dance",)), keys, b"\x00\x07", arqc)


def test_contactless_cards_get_none(acquirer, terminal):
    answer = terminal.read(acquirer.authoriser.handle(terminal.sale()[2:]))
    assert len(answer["55"]) == 24


# Books


def test_books_of_before_there_were_pins(tmp_path):
    path = tmp_path / "books.json"
    old = {"counters": {}, "burnt": {}, "traces": {}, "atcs": {}, "balances": {"C281": 7}, "serial": 3}
    path.write_text(json.dumps(old))
    host = Acquirer(state=path, now=lambda: NOW)
    assert host.balance(contact_number(281)) == 7
    assert host.authoriser.books.wrong_pins("C281") == 0


def test_wrong_pins_survive_a_restart(tmp_path, terminal):
    path = tmp_path / "books.json"
    first = Acquirer(state=path, now=lambda: NOW)
    assert asked(first, terminal, "online-pin", pin="9999")["39"] == "55"
    assert Acquirer(state=path).authoriser.books.wrong_pins("C281") == 1


def test_the_log_holds_no_pin_and_no_account_number(ask, acquirer):
    ask("online-pin")
    ask("online-pin", pin="9999", atc=1)
    text = "\n".join(text for _, text in acquirer.log)
    assert contact_number(281) not in text and PIN not in text.split("\n") and "9999" not in text
