"""The contact card command by command: what it answers, and what it refuses with which status word."""

from __future__ import annotations

import pytest
from pyemv import ac, kd, sm, tools

from mpos.acquirer import scripts
from mpos.bench import test_keys
from mpos.bench.cards import cryptogram
from mpos.bench.cards.contact import ContactCard, ContactProfile
from mpos.bench.cards.profile import AID_CREDIT
from tests.harness.requirements import requirement
from tests.host.cards.chip_authentication import power
from tests.host.cards.chip_objects import objects

PAN = "6212340000002015"
PSE = "00A404000E315041592E5359532E444446303100"
SELECT = "00A4040008A00000033301010100"
GPO = "80A8000002830000"
# CDOL1: amount, other amount, country, TVR, currency, date, type, number, time, place
FIRST = "00000000123400000000000001560000000000015626112300A1B2C3D4123456" + "20" * 20
SECOND = "3030" + FIRST[:64]
VERIFY, WRONG_PIN = "0020008008241357FFFFFFFFFF", "0020008008249999FFFFFFFFFF"


def made(**profile) -> ContactCard:
    card = ContactCard(ContactProfile(PAN, **profile))
    card.power_on()
    return card


def send(card, *commands: str) -> str:
    """The last command's answer in hex."""
    answer = b""
    for command in commands:
        answer = card.exchange(bytes.fromhex(command))
    return answer.hex().upper()


def generate(kind: str, data: str) -> str:
    return f"80AE{kind}00{len(data) // 2:02X}{data}00"


def started(**profile) -> ContactCard:
    card = made(**profile)
    assert send(card, SELECT, GPO).endswith("9000")
    return card


ARQC = generate("80", FIRST)


def test_directory_and_file_control_information():
    card = made(preferred="Crédit")
    assert send(card, PSE) == "6F1C840E315041592E5359532E4444463031A50A8801015F2D047A68656E9000"
    record = send(card, "00B2010C00")
    assert record.startswith("70") and "4F08A000000333010101" in record and "9F1206437265646974" not in record
    assert "9F120643 72E9 646974".replace(" ", "") in record
    assert send(card, "00B2020C00") == "6A83"
    fci = send(card, SELECT)
    assert fci.startswith("6F") and "8408A000000333010101" in fci and "9F110101" in fci


@requirement(
    "ISO 7816-4",
    "11.2.2",
    "SELECT finds an application by the beginning of its name, and the next occurrence on request.",
)
def test_first_next_and_partial():
    card = ContactCard(
        ContactProfile(PAN, name=bytes.fromhex("A00000033301010101")),
        ContactProfile(PAN, name=bytes.fromhex("A00000033301010102")),
        ContactProfile(PAN, aid=AID_CREDIT),
    )
    card.power_on()
    partial, following = SELECT, SELECT.replace("00A40400", "00A40402")
    assert "A00000033301010101" in send(card, partial)
    assert "A00000033301010102" in send(card, following)
    assert send(card, following) == "6A82"
    assert "A00000033301010101" in send(card, partial)
    assert "A000000333010102" in send(card, "00A4040008A00000033301010200")


STATUS_WORDS = [
    ([""], "6700"),
    (["00A404"], "6700"),
    (["00A4040000"], "6700"),
    (["00A4040011" + "A0" * 17], "6700"),
    (["00A4000008A00000033301010100"], "6A86"),
    (["00A4040108A00000033301010100"], "6A86"),
    (["00A4040004A000000300"], "6A82"),
    (["00A4040009A0000003330101010000"], "6A82"),
    (["80A4040008A00000033301010100"], "6E00"),
    (["FFB2010C00"], "6E00"),
    ([GPO], "6985"),
    ([PSE, GPO], "6985"),
    ([PSE, "00B2010C0100"], "6700"),
    ([PSE, "00B2000C00"], "6A86"),
    ([PSE, "00B2011400"], "6A82"),
    ([SELECT, "80A8010002830000"], "6A86"),
    ([SELECT, "80A8000002840000"], "6A80"),
    ([SELECT, "80A80000018300"], "6700"),
    ([SELECT, "80A800000383010000"], "6700"),
    ([SELECT, GPO, GPO], "6985"),
    ([SELECT, "00B2010C00"], "6985"),
    ([SELECT, GPO, "00B2010C"], "6700"),
    ([SELECT, GPO, "00B2010B00"], "6A86"),
    ([SELECT, GPO, "00B2091C00"], "6A82"),
    ([SELECT, GPO, "00B2090C00"], "6A83"),
    ([SELECT, GPO, "80B2010C00"], "6E00"),
    ([SELECT, GPO, SELECT, "00B2010C00"], "6985"),
    ([SELECT, "80CA9F17"], "6700"),
    ([SELECT, "80CA9F1700"], "6A88"),
    ([SELECT, "80CA9F7900"], "6A88"),
    ([SELECT, "80CA005A00"], "6A88"),
    ([SELECT, GPO, "0084000100"], "6A86"),
    ([SELECT, GPO, "0084000004"], "6700"),
    ([SELECT, GPO, "0020008108241357FFFFFFFFFF"], "6A86"),
    ([SELECT, GPO, VERIFY], "6A88"),
    ([SELECT, GPO, "0088000104A1B2C3D400"], "6A86"),
    ([SELECT, "0088000004A1B2C3D400"], "6985"),
    ([SELECT, GPO, "008200000A" + "00" * 10], "6985"),
    ([SELECT, GPO, "80AE800100"], "6700"),
    ([SELECT, GPO, generate("C0", FIRST)], "6A86"),
    ([SELECT, GPO, generate("90", FIRST)], "6A86"),
    ([SELECT, GPO, generate("80", FIRST[2:])], "6700"),
    ([SELECT, generate("80", FIRST)], "6985"),
    ([SELECT, GPO, ARQC, "0088000004A1B2C3D400"], "6985"),
    ([SELECT, GPO, ARQC, "0082000007" + "00" * 7], "6700"),
    ([SELECT, GPO, ARQC, "008200010A" + "00" * 10], "6A86"),
    ([SELECT, GPO, ARQC, "008200000A" + "00" * 10], "6300"),
    ([SELECT, GPO, ARQC, "008200000A" + "00" * 10, "008200000A" + "00" * 10], "6985"),
    ([SELECT, GPO, ARQC, generate("80", SECOND)], "6985"),
    ([SELECT, GPO, ARQC, generate("00", SECOND), generate("00", SECOND)], "6985"),
    ([SELECT, GPO, generate("00", FIRST), generate("00", SECOND)], "6985"),
    ([SELECT, GPO, "841E000004" + "00" * 4], "6985"),
    ([SELECT, GPO, "00C0000000"], "6D00"),
    ([SELECT, "8088000000"], "6E00"),
]


@pytest.mark.parametrize("commands, answer", STATUS_WORDS)
def test_status_words(commands, answer):
    assert send(made(), *commands) == answer


def test_blocked():
    blocked = send(made(blocked=True), SELECT)
    assert blocked.startswith("6F") and blocked.endswith("6283")
    assert send(made(blocked=True), SELECT, GPO) == "6985"
    card = ContactCard(ContactProfile(PAN), blocked=True)
    assert send(card, PSE) == send(card, SELECT) == "6A81"
    card = ContactCard(ContactProfile(PAN), pse_blocked=True)
    assert send(card, PSE).endswith("6283")
    assert send(ContactCard(ContactProfile(PAN), has_pse=False), PSE) == "6A82"


def test_a_reset_forgets_the_selection_and_keeps_the_counter():
    card = started()
    card.power_on()
    assert send(card, GPO) == "6985"
    assert send(card, SELECT, GPO, "80CA9F3600") == "9F360200029000"


def test_the_counter_at_its_end():
    card = ContactCard(ContactProfile(PAN), atc=0xFFFE)
    assert send(card, SELECT, GPO, "80CA9F3600") == "9F3602FFFF9000"
    assert send(card, SELECT, GPO) == "6985"


@pytest.mark.parametrize("form, head", [(1, "800A7C00"), (2, "770E82027C009408")])
def test_processing_options(form, head):
    assert send(made(file_format=form), SELECT, GPO).startswith(head)


# Cryptograms


@requirement(
    "PBOC 5",
    "Annex D",
    "Cryptogram version 01 covers amounts, country, TVR, currency, date, type, number, AIP, ATC and CVR.",
)
def test_the_first_cryptogram_recomputed():
    answer = send(started(), ARQC)
    assert answer.startswith("8013" + "80" + "0001") and answer.endswith("9000")
    iad = answer[-20:-4]
    assert iad == "07010103A0000001"
    master = kd.derive_icc_mk_a(test_keys.ISSUER_MASTER_KEY, PAN, "01")
    session = tools.encrypt_tdes_ecb(master, bytes.fromhex("0000000000000001000000000000FFFE"))
    covered = bytes.fromhex(FIRST[:58] + "7C00" + "0001" + "03A00000")
    assert answer[10:26] == ac.generate_ac(session, covered, ac.PaddingType.EMV).hex().upper()


def proof(card, code: str = "3030") -> str:
    """What the issuer would send: ARPC by method 1, and the code."""
    application = card.applications[0]
    session = cryptogram.session_key(application.profile.master_key(), application.atc)
    return ac.generate_arpc_1(session, application.arqc, bytes.fromhex(code)).hex() + code


@requirement(
    "Book 2", "8.2.1", "The issuer proves itself by the ARQC, combined with the response code, under the session key."
)
@pytest.mark.parametrize(
    "way, wanted, kind, cvr",
    [
        ("right", "40", "40", "6000"),
        ("right", "00", "00", "2000"),
        ("wrong", "40", "00", "2800"),
        ("none", "40", "00", "2000"),
        ("offline", "40", "40", "6100"),
    ],
)
def test_the_second_cryptogram(way, wanted, kind, cvr):
    card = started()
    send(card, ARQC)
    second = SECOND
    if way in ("right", "wrong"):
        data = proof(card) if way == "right" else "00" * 8 + "3030"
        assert send(card, f"008200000A{data}") == ("9000" if way == "right" else "6300")
    elif way == "offline":
        second = "5933" + SECOND[4:]
    answer = send(card, generate(wanted, second))
    assert answer[4:6] == kind
    assert answer[-20:-4] == f"07010103{cvr}0001"


def test_the_proof_inside_the_second_cryptogram():
    for good in (True, False):
        card = started(issuer_authentication="cdol2")
        send(card, ARQC)
        data = proof(card) if good else "00" * 10
        assert send(card, generate("40", data + SECOND))[4:6] == ("40" if good else "00")


@pytest.mark.parametrize(
    "decision, wanted, kind",
    [
        ("arqc", "40", "80"),
        ("arqc", "80", "80"),
        ("arqc", "00", "00"),
        ("tc", "40", "40"),
        ("tc", "80", "80"),
        ("tc", "00", "00"),
        ("aac", "40", "00"),
        ("aac", "80", "00"),
    ],
)
def test_never_more_than_was_asked_for(decision, wanted, kind):
    assert send(started(decision=decision), generate(wanted, FIRST))[4:6] == kind


# PIN


def test_pin_in_plain_text_and_its_counter():
    card = started(pin="1357")
    assert send(card, "80CA9F1700") == "9F1701039000"
    assert send(card, WRONG_PIN) == "63C2"
    assert send(card, "80CA9F1700") == "9F1701029000"
    assert send(card, VERIFY) == "9000"
    assert send(card, "80CA9F1700") == "9F1701039000"
    assert [send(card, WRONG_PIN) for _ in range(4)] == ["63C2", "63C1", "63C0", "6983"]
    assert send(card, VERIFY) == "6983"
    # The card tells the issuer: PIN verified, wrong, and blocked
    assert send(card, ARQC)[-20:-4] == "07010103A6400001"


@pytest.mark.parametrize(
    "block, answer",
    [
        ("0020008008341357FFFFFFFFFF", "6A80"),
        ("0020008008231357FFFFFFFFFF", "6A80"),
        ("002000800824135700FFFFFFFF", "6A80"),
        ("00200080072413 57FFFFFFFF".replace(" ", ""), "6700"),
        ("002000880824135 7FFFFFFFFFF".replace(" ", ""), "6A86"),
    ],
)
def test_pin_blocks_that_are_none(block, answer):
    assert send(started(pin="1357"), block) == answer


@requirement(
    "Book 2", "7.2", "The enciphered PIN holds header 7F, the PIN block, the card's challenge and random padding."
)
def test_enciphered_pin():
    card = started(pin="1357", pin_plain=False, pin_enciphered=True, pin_bits=1024)
    key = card.applications[0].files.pin_key
    assert send(card, VERIFY) == "6A86"

    def block(challenge: bytes, head: int = 0x7F) -> str:
        clear = bytes([head]) + bytes.fromhex("241357FFFFFFFFFF") + challenge + bytes(key.size - 17)
        return f"00200088{key.size:02X}" + power(clear, key.modulus_bytes(), key.exponent_bytes()).hex()

    challenge = bytes.fromhex(send(card, "0084000000")[:-4])
    assert len(challenge) == 8
    assert send(card, block(challenge)) == "9000"
    # Its number serves once, and only at once
    assert send(card, block(challenge)) == "6985"
    challenge = bytes.fromhex(send(card, "0084000000")[:-4])
    assert send(card, "80CA9F1700", block(challenge)) == "6985"
    assert send(card, "0084000000", block(bytes(8))) == "6A80"
    challenge = bytes.fromhex(send(card, "0084000000")[:-4])
    assert send(card, block(challenge, head=0x6F)) == "6A80"
    assert send(card, "0084000000", "0020008808" + "00" * 8) == "6700"
    assert send(card, "0084000000", f"00200088{key.size:02X}" + "FF" * key.size) == "6A80"


# Scripts: the issuer's side is the acquirer's, which shares nothing with the card


def ready(**profile) -> tuple[ContactCard, scripts.Keys, bytes, bytes]:
    card = started(**{"pin": "1357", **profile})
    arqc = bytes.fromhex(send(card, ARQC)[10:26])
    keys = scripts.keys_of(test_keys.ISSUER_MASTER_KEY, PAN, 1, b"\x00\x01")
    return card, keys, b"\x00\x01", arqc


def commands(script: scripts.Script, keys: scripts.Keys, atc: bytes, arqc: bytes) -> list[str]:
    ((_, body),) = objects(scripts.encode(script, keys, atc, arqc))
    return [value.hex() for tag, value in objects(body) if tag == "86"]


def perform(card, parts, *words: str, wrong: bool = False) -> str:
    return send(card, *commands(scripts.Script(scripts.AFTER, words, wrong_mac=wrong), *parts))


@requirement(
    "Book 2", "9.2.3", "The MAC of a script command covers its header, the transaction's ATC and ARQC, and its data."
)
def test_scripts_change_the_card():
    card, *parts = ready()
    send(card, WRONG_PIN)
    assert perform(card, parts, "unblock-pin") == "9000"
    assert perform(card, parts, "change-pin 246810") == "9000"
    assert card.applications[0].pin.digits == "246810"
    assert perform(card, parts, "put 9F58 05") == "9000"
    assert send(card, "80CA9F5800") == "9F5801059000"
    assert perform(card, parts, "block") == "9000"
    assert send(card, SELECT).endswith("6283")


def test_the_application_is_unblocked_and_the_card_blocked():
    card, *parts = ready()
    assert perform(card, parts, "block") == perform(card, parts, "unblock") == "9000"
    assert card.applications[0].blocked is False
    assert perform(card, parts, "block-card") == "9000"
    assert send(card, SELECT) == send(card, PSE) == "6A81"


def test_records_are_updated():
    card, keys, atc, arqc = ready()
    old = send(card, "00B2020C00")[:-4]
    new = bytes.fromhex(old.replace("42454E4348", "42414E4B20"))

    def update(number: str, data: bytes) -> str:
        head = bytes.fromhex(f"04DC{number}0C") + bytes([len(data) + 4])
        return (head + data + sm.generate_command_mac(keys.mac, head + atc + arqc + data, 4)).hex()

    assert send(card, update("02", new)) == "9000"
    assert send(card, "00B2020C00")[:-4] == new.hex().upper()
    assert send(card, update("02", new[:-1])) == "6700"
    assert send(card, update("09", new)) == "6A83"
    assert send(card, update("00", new)) == "6A86"


def test_scripts_that_are_refused_change_nothing():
    card, *parts = ready()
    assert perform(card, parts, "block", wrong=True) == "6988"
    assert send(card, "841E000002AABB") == "6987"
    assert send(card, "841E000004AABBCCDD00") == "6700"
    assert send(card, "841E0000") == "6700"
    assert perform(card, parts, "put 9F79 000000000100") == "6A88"
    assert perform(card, parts, "put 005A 00") == "6A88"
    assert perform(card, parts, "put 9F58 0506") == "6700"
    # Another transaction's MAC
    block = commands(scripts.Script(scripts.AFTER, ("block",)), *parts)[0]
    assert send(card, SELECT, GPO, ARQC, block) == "6988"
    assert card.applications[0].blocked is False
    # A card without a PIN
    card, *parts = ready(pin="")
    assert perform(card, parts, "unblock-pin") == "6A88"
    # A stranger's key
    other = scripts.keys_of(bytes(16), "6212340000002023", 1, b"\x00\x01")
    card, _, atc, arqc = ready()
    assert perform(card, (other, atc, arqc), "block") == "6988"


def test_published_vectors_of_secure_messaging():
    """pyemv's own: command MAC, enciphered command data, VIS PIN block."""
    key = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
    assert sm.generate_command_mac(key, bytes.fromhex("8424000008")).hex().upper() == "0BFFF5DF3FAA24E1"
    assert sm.format_vis_pin_block(key, "1234").hex().upper() == "041234FF76543210"
    block = sm.encrypt_command_data(key, bytes.fromhex("241234FFFFFFFFFF"), sm.EncryptionType.MASTERCARD)
    assert block.hex().upper() == "9859240AE52820C3"


# Electronic cash

CASH_PDOL = ((0x9F7A, 1), (0x9F02, 6), (0x5F2A, 2))


def cash_options(support: str = "01", amount: str = "000000001234", currency: str = "0156") -> str:
    return f"80A800000B8309{support}{amount}{currency}00"


@requirement(
    "PBOC 13", "7.4", "The card takes the reader's offer to pay by electronic cash when its balance covers the sale."
)
@pytest.mark.parametrize(
    "options, takes",
    [
        (cash_options(), True),
        (cash_options("00"), False),
        (cash_options(amount="000000005001"), False),
        (cash_options(currency="0840"), False),
    ],
)
def test_electronic_cash_is_offered(options, takes):
    card = made(cash=5000, pdol=CASH_PDOL)
    assert ("08040400" in send(card, SELECT, options)) == takes
    assert send(card, "00B2040C00") == "70099F7406454343303031" + "9000"


def test_electronic_cash_is_spent_by_an_approval_only():
    card = made(cash=5000, cash_reset=300, pdol=CASH_PDOL)
    balance = "80CA9F7900"
    assert send(card, SELECT, cash_options(), balance) == "9F79060000000050009000"
    assert send(card, "80CA9F6D00") == "9F6D060000000003009000"
    assert send(card, generate("40", FIRST))[4:6] == "40"
    assert send(card, balance) == "9F79060000000037669000"
    assert send(card, SELECT, cash_options(), ARQC)[4:6] == "80"
    assert send(card, balance) == "9F79060000000037669000"
