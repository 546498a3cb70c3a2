"""The contactless Visa card and what both kernels' cards share: cryptograms, signatures, directory, the issuer's update."""

from __future__ import annotations

import pytest
from pyemv import ac, kd, sm

from mpos.acquirer import cryptograms
from mpos.acquirer.accounts import tap_number, visa_number
from mpos.bench import test_keys
from mpos.bench.cards import cryptogram
from mpos.bench.cards.contactless import ContactlessCard
from mpos.bench.cards.contactless.personalities import ENTRIES
from mpos.bench.cards.contactless.personalities.making import application, union, visa
from mpos.bench.cards.contactless.torn import Torn
from mpos.bench.cards.profile import AID_CREDIT
from mpos.bench.cards.qvsdc import QvsdcCard
from mpos.bench.field import TargetRemoved, modulation
from tests.harness.requirements import requirement
from tests.host.cards.chip_objects import objects, one, template

PPSE = "00A404000E325041592E5359532E444446303100"
SELECT = "00A4040007A000000003101000"
SELECT_UNION = "00A4040008A00000033301010100"
# Behind the qualifiers (9F66): 9F02 9F03 9F1A 95 5F2A 9A 9C 9F37
TRANSACTION = "000000001234 000000000000 0156 0000000000 0156 261123 00 A1B2C3D4".replace(" ", "")
VISA_TTQ, UNION_TTQ = "3700C000", "37004080"


def gpo(ttq: str = VISA_TTQ, transaction: str = TRANSACTION) -> str:
    body = ttq + transaction
    n = len(body) // 2
    return f"80A80000{n + 2:02X}83{n:02X}{body}00"


def send(card, *commands: str) -> str:
    answer = None
    for command in commands:
        answer = card.exchange(bytes.fromhex(command))
    return answer.hex().upper()


def tapped(profile, atc: int = 0) -> ContactlessCard:
    card = ContactlessCard(application(profile, atc))
    card.power_on()
    return card


def options(card, select: str = SELECT, ttq: str = VISA_TTQ) -> dict[str, bytes]:
    answer = send(card, select, gpo(ttq))
    assert answer.endswith("9000"), answer
    return dict(objects(template(bytes.fromhex(answer[:-4]), "77")))


# Cryptograms: pyemv's own tests, tests/test_cvn.py (pyemv 1.5): issuer key, account, sequence and data as there

IMK, PAN, PSN = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210"), "1234567890123456", "00"
VECTOR = {
    0x9F02: "000000004000",
    0x9F03: "000000000000",
    0x9F1A: "0124",
    0x95: "8000048000",
    0x5F2A: "0124",
    0x9A: "191105",
    0x9C: "01",
    0x9F37: "52BF4585",
}
AIP, ATC = "1800", "001C"
VERSION_10 = ("06010A03A06010", "29CCA15AE665FA2E", "28993816AFAE4AEB")
VERSION_18 = ("06011203A0B800", "7A788EA6B8A3E733", "9AF514C1")


def vector() -> dict[int, bytes]:
    return {tag: bytes.fromhex(value) for tag, value in VECTOR.items()}


@pytest.mark.parametrize("version, iad, expected", [(10, *VERSION_10[:2]), (18, *VERSION_18[:2])])
def test_cards_cryptograms_against_published_vectors(version, iad, expected):
    key = kd.derive_icc_mk_a(IMK, PAN, PSN)
    value = cryptogram.visa(version, key, vector(), bytes.fromhex(AIP), int(ATC, 16), bytes.fromhex(iad))
    assert value.hex().upper() == expected


@pytest.mark.parametrize(
    "method, iad, expected, proof",
    [
        (cryptograms.Visa10, *VERSION_10[:2], VERSION_10[2] + "3030"),
        (cryptograms.Visa18, *VERSION_18[:2], None),
    ],
)
def test_issuers_cryptograms_and_proofs_against_published_vectors(method, iad, expected, proof):
    chip = vector() | {
        0x82: bytes.fromhex(AIP),
        0x9F36: bytes.fromhex(ATC),
        0x9F10: bytes.fromhex(iad),
        0x9F26: bytes.fromhex(expected),
    }
    issuer = method(IMK, PAN, int(PSN))
    assert issuer.cryptogram(chip).hex().upper() == expected
    if proof:
        assert issuer.proof(chip, "00").hex().upper() == proof
    else:
        # nothing is updated: that is the vector's card status update
        assert issuer.proof(chip, "05").hex().upper() == VERSION_18[2] + "00000000"
        assert issuer.proof(chip, "00")[4:].hex() == "00800000"


def test_the_card_knows_the_issuers_proof():
    key = kd.derive_icc_mk_a(IMK, PAN, PSN)
    arqc10, arqc18 = bytes.fromhex(VERSION_10[1]), bytes.fromhex(VERSION_18[1])
    holds = cryptogram.visa_proof_holds
    assert holds(10, key, 0x1C, arqc10, bytes.fromhex(VERSION_10[2] + "3030"))
    assert not holds(10, key, 0x1C, arqc10, bytes.fromhex(VERSION_10[2] + "3031"))
    assert holds(18, key, 0x1C, arqc18, bytes.fromhex(VERSION_18[2] + "00000000"))
    assert not holds(18, key, 0x1D, arqc18, bytes.fromhex(VERSION_18[2] + "00000000"))
    assert not holds(18, key, 0x1C, arqc18, bytes.fromhex(VERSION_10[2] + "3030"))


def test_version_17_covers_amount_number_counter_and_one_byte():
    """No vector of it is published; the data as payment HSM manuals have them, the MAC as for version 10."""
    key = kd.derive_icc_mk_a(IMK, PAN, PSN)
    iad = bytes.fromhex("06011103A00000")
    covered = bytes.fromhex("000000004000" + "52BF4585" + ATC + "A0")
    value = cryptogram.visa(17, key, vector(), bytes.fromhex(AIP), int(ATC, 16), iad)
    assert value == ac.generate_ac(key, covered, ac.PaddingType.VISA)
    other = vector() | {0x9A: bytes.fromhex("191106")}
    assert cryptogram.visa(17, key, other, bytes.fromhex(AIP), int(ATC, 16), iad) == value


# The card


def test_what_a_visa_card_says():
    card = tapped(visa(1, form_factor="20000000"))
    found = options(card)
    assert found["82"] == bytes.fromhex("2000")
    assert found["9F10"] == bytes.fromhex("06010A03A00000")
    assert found["9F27"] == b"\x80" and found["9F36"] == b"\x00\x01"
    assert found["9F6C"] == bytes(2) and found["9F6E"] == bytes.fromhex("20000000")
    assert found["57"].hex().startswith(visa_number(1))
    assert len(found["9F4B"]) == 128


def test_the_keys_of_every_card_are_its_own():
    keys = [tapped(profile).applications[0].files.icc_key for profile in (visa(1), visa(2), union(600))]
    assert len({key.modulus for key in keys}) == 3


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_no_answer_is_longer_than_a_short_apdu(entry):
    (card,) = entry.build(0)
    card = getattr(card, "card", card)
    for applied in card.applications:
        applied.looked_at = True
        for ttq in ("3700C080", "3780C080", "37C0C080"):
            card.power_on()
            name = applied.profile.df_name
            send(card, f"00A40400{len(name):02X}{name.hex()}00")
            assert len(send(card, gpo(ttq))) <= 2 * 258
            assert all(len(record) <= 256 for record in applied.files.records.values())


@pytest.mark.parametrize(
    "commands, answer",
    [
        ([gpo()], "6985"),
        ([PPSE, gpo()], "6985"),
        ([SELECT, gpo("1700C000")], "6985"),  # no EMV mode
        ([SELECT, gpo(), gpo()], "6985"),
        ([SELECT, "00B2010C00"], "6985"),
        ([SELECT, gpo(), "00B2011C00"], "9000"),
        ([SELECT, gpo(), "00B2021C00"], "6A83"),
        ([SELECT, gpo(), "00B2012C00"], "6A82"),
        ([SELECT, gpo(), "0082000008" + "00" * 8], "6985"),
        ([SELECT, "0082000008" + "00" * 8], "6985"),
        ([SELECT, "8082000008" + "00" * 8], "6D00"),
        ([SELECT, "84DA9F580005" + "00" * 5], "6985"),
        ([SELECT, "0088000004A1B2C3D400"], "6D00"),
        (["00A4040207A000000003101000"], "9000"),
        ([SELECT, "00A4040207A000000003101000"], "6A82"),
        ([SELECT, SELECT_UNION], "6A82"),
    ],
)
def test_status_words(commands, answer):
    assert send(tapped(visa(1)), *commands).endswith(answer)


def test_signatures_of_both_versions():
    new, old = tapped(union(600)), tapped(union(600, fdda_version=0))
    for card in (new, old):
        assert "9F4B" in options(card, SELECT_UNION, UNION_TTQ)
    assert send(new, "00B2011C00").startswith("700A9F690701")
    assert send(old, "00B2011C00") == "70009000"
    # A reader that does not know the new one
    assert "9F4B" in options(new, SELECT_UNION, "37004000") and send(new, "00B2011C00") == "70009000"
    # ... or wants none of what goes online
    assert "9F4B" not in options(new, SELECT_UNION, "36004080")
    assert "9F4B" in options(tapped(union(601, decision="tc")), SELECT_UNION, "36004080")
    assert "9F4B" not in options(tapped(union(608, decision="aac")), SELECT_UNION, UNION_TTQ)


def test_one_card_with_two_applications():
    first, second = union(600, priority=2), union(601, priority=1, aid=AID_CREDIT, kernel_identifier=b"\x07")
    card = ContactlessCard(application(first, 3), application(second, 3))
    card.power_on()
    directory = bytes.fromhex(send(card, PPSE)[:-4])
    entries = [objects(body) for tag, body in objects(inner(directory)) if tag == "61"]
    assert [one(rows, "87") for rows in entries] == [b"\x02", b"\x01"]
    assert [one(rows, "9F2A") for rows in entries] == [None, b"\x07"]
    assert send(card, "00A4040007A000000333010100").startswith("6F")
    assert send(card, "00A4040207A000000333010100").startswith("6F")
    assert one(objects(template(bytes.fromhex(send(card, SELECT_UNION)[:-4]), "6F")), "84") == first.aid
    assert send(card, gpo(UNION_TTQ)).endswith("9000") and card.applications[0].atc == 4
    assert card.applications[1].atc == 3


def inner(fci: bytes) -> bytes:
    return one(objects(one(objects(template(fci, "6F")), "A5") or b""), "BF0C") or b""


def test_a_name_with_an_extended_selection():
    profile = union(641, name=union(600).aid + b"\x01", extended=b"\x02")
    card = tapped(profile)
    assert "9F290102" in send(card, PPSE)
    for name in ("A00000033301010101", "A0000003330101010102"):
        assert send(card, f"00A40400{len(name) // 2:02X}{name}00").endswith("9000")
    assert send(card, "00A404000AA000000333010101010300") == "6A82"


@requirement("PBOC 12", "annex F", "A card pays when its last record is read, and once.")
def test_electronic_cash_is_paid_once():
    card = tapped(union(602, cash=5000, available=True))
    found = options(card, SELECT_UNION, UNION_TTQ)
    assert found["9F27"] == b"\x40" and found["9F5D"].hex() == "000000003766"
    purse = card.applications[0].cash
    for record in range(1, 5):
        send(card, f"00B2{record:02X}1400")
    assert purse.balance == 5000
    # It is taken away and comes back: what was left open is read to its end, without another transaction
    card.power_on()
    assert send(card, "00B2011C00") == "6985"
    assert send(card, SELECT_UNION, "80CA9F3600") == "9F360200019000"
    assert send(card, "80CA9F7900") == "9F79060000000050009000"
    assert send(card, "00B2011C00").endswith("9000") and purse.balance == 5000 - 1234
    assert send(card, SELECT_UNION, "00B2011C00").endswith("9000") and purse.balance == 5000 - 1234
    # Only until the next one: too little is left for a third
    card.power_on()
    assert options(card, SELECT_UNION, UNION_TTQ)["9F27"] == b"\x40"
    assert send(card, "00B2011C00").endswith("9000") and purse.balance == 5000 - 2 * 1234
    card.power_on()
    assert options(card, SELECT_UNION, UNION_TTQ)["9F27"] == b"\x40"
    for _ in range(2):
        assert send(card, "00B2011C00").endswith("9000")
    card.power_on()
    assert options(card, SELECT_UNION, UNION_TTQ)["9F27"] == b"\x40" and purse.balance == 1298
    send(card, "00B2011C00")
    assert options(tapped_again(card), SELECT_UNION, UNION_TTQ)["9F27"] == b"\x80" and purse.balance == 64


def tapped_again(card):
    card.power_on()
    return card


def test_cash_that_reads_no_record_is_paid_with_the_options():
    card = tapped(union(602, cash=5000, oda=False, one_command=True))
    assert "94" not in options(card, SELECT_UNION, UNION_TTQ)
    assert card.applications[0].cash.balance == 5000 - 1234


def test_a_request_to_go_online_is_not_read_to_its_end_later():
    card = tapped(union(600))
    options(card, SELECT_UNION, UNION_TTQ)
    assert send(card, SELECT_UNION, "00B2010C00") == "6985"


def test_see_phone_once():
    card = tapped(visa(15, cvm="device", see_phone=True))
    assert send(card, SELECT, gpo()) == "6986" and card.atc == 0
    assert options(tapped_again(card))["9F6C"] == bytes.fromhex("0080")


def test_a_card_that_is_taken_away():
    card = Torn(QvsdcCard(visa(50)), 0xA8, done=True)
    card.power_on()
    send(card, SELECT)
    with pytest.raises(TargetRemoved):
        card.exchange(bytes.fromhex(gpo()))
    assert card.card.atc == 1 and card.atqa == card.card.atqa
    assert options(tapped_again(card))["9F36"] == b"\x00\x02"


def test_type_b():
    (card,) = next(entry for entry in ENTRIES if entry.name == "tap-type-b").build(0)
    assert modulation(card) == "B" and len(card.uid) == len(card.application_data) == 4
    assert len(card.protocol_info) == 3 and card.protocol_info[1] & 1 and len(card.attrib_response) >= 1
    assert modulation(tapped(visa(1))) == "A"


# The issuer's update


def updated(cvn: int = 10) -> tuple[ContactlessCard, bytes, bytes, int]:
    """A card after its request to go online, presented again; its key, the cryptogram, the counter."""
    card = tapped(visa(60, takes_update=True, cvn=cvn), atc=6)
    found = options(card)
    assert found["9F6C"] == bytes.fromhex("0040")
    card.power_on()
    assert send(card, SELECT).endswith("9000")
    return card, card.profile.master_key(), found["9F26"], 7


@requirement("Book C-3", "5.9", "At a second presentment the card takes issuer authentication and scripts.")
@pytest.mark.parametrize("cvn", [10, 17])
def test_update(cvn):
    card, key, arqc, atc = updated(cvn)
    proof = ac.generate_arpc_1(key, arqc, b"00") + b"00"
    assert send(card, "008200000A" + proof.hex()) == "9000"
    assert send(card, "008200000A" + proof.hex()) == "6985"
    mac_key = kd.derive_visa_sm_sk(card.profile.derived(test_keys.VISA_SCRIPT_MAC_KEY), atc.to_bytes(2, "big"))
    head = bytes.fromhex("04DA9F5805")
    mac = sm.generate_command_mac(mac_key, head + atc.to_bytes(2, "big") + arqc + b"\x05", 4)
    assert send(card, (head + b"\x05" + mac).hex()) == "9000"
    assert card.applications[0].put == {0x9F58: b"\x05"}
    assert send(card, (head + b"\x06" + mac).hex()) == "6988"


def test_update_by_version_18():
    card, key, arqc, atc = updated(18)
    session = kd.derive_common_sk(key, atc.to_bytes(2, "big") + bytes(6))
    proof = ac.generate_arpc_2(session, arqc, bytes.fromhex("00800000")) + bytes.fromhex("00800000")
    assert send(card, "0082000008" + proof.hex()) == "9000"


@pytest.mark.parametrize(
    "command, answer",
    [
        ("008200000A" + "00" * 10, "6300"),
        ("0082010008" + "00" * 8, "6A86"),
        ("0082000007" + "00" * 7, "6700"),
        ("0082000011" + "00" * 17, "6700"),
        ("04DA9F58050000000000", "6985"),
    ],
)
def test_update_refused(command, answer):
    card, *_ = updated()
    assert send(card, command) == answer


def test_a_wrong_proof_shuts_the_card_until_its_next_transaction():
    card, key, arqc, _ = updated()
    proof = ac.generate_arpc_1(key, arqc, b"00") + b"00"
    assert send(card, "008200000A" + "00" * 10) == "6300"
    assert send(card, "008200000A" + proof.hex()) == "6985"
    assert send(card, "04DA9F58050000000000") == "6985"


def test_numbers_of_the_two_ranges():
    assert visa_number(1).startswith(test_keys.VISA_IIN) and tap_number(600).startswith(test_keys.ISSUER_IIN)
    assert not any(visa_number(n).startswith("4") for n in range(1, 100))
