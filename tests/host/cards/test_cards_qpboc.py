"""The virtual payment card, APDU by APDU, and how strict it is."""

import pytest
from pyemv import ac, kd, tools

from mpos.bench import test_keys
from mpos.bench.cards import Profile, QpbocCard, make_card
from mpos.bench.cards.tlv import dol, tlv

PAN = "6212340000000019"
PPSE = "00A404000E325041592E5359532E444446303100"
SELECT = "00A4040008A00000033301010100"
# 9F66 9F02 9F03 9F1A 95 5F2A 9A 9C 9F37; reader knows EMV mode and signature, no verification required
TERMINAL = "26000080 000000001234 000000000000 0156 0000000000 0156 261123 00 A1B2C3D4".replace(" ", "")


def gpo(terminal: str = TERMINAL) -> str:
    n = len(terminal) // 2
    return f"80A80000{n + 2:02X}83{n:02X}{terminal}00"


def card(**profile) -> QpbocCard:
    made = QpbocCard(Profile(PAN, **profile))
    made.power_on()
    return made


def send(target, *commands: str) -> str:
    """The last command's answer in hex."""
    answer = None
    for command in commands:
        answer = target.exchange(bytes.fromhex(command))
    return answer.hex().upper()


def find(answer: str, tag: str) -> str:
    """The value of a tag that is in there once, short lengths only."""
    at = answer.index(tag) + len(tag)
    n = int(answer[at : at + 2], 16)
    return answer[at + 2 : at + 2 + 2 * n]


def test_ppse():
    assert send(card(), PPSE) == (
        "6F30840E325041592E5359532E4444463031A51EBF0C1B61194F08A000000333010101500A50424F432044454249548701019000"
    )


def test_ppse_with_kernel_identifier():
    assert "9F2A0107" in send(card(kernel_identifier=b"\x07"), PPSE)


def test_select_gives_the_pdol():
    answer = send(card(), SELECT)
    assert find(answer, "9F38") == "9F66049F02069F03069F1A0295055F2A029A039C019F3704"
    assert find(answer, "84") == "A000000333010101"
    assert answer.endswith("9000")


@pytest.mark.parametrize("command", ["00A4040005A00000033300", "00A4040005A000000333", "00A4040207A000000333010100"])
def test_partial_names(command):
    assert send(card(), command).startswith("6F")


def test_next_occurrence_there_is_none():
    assert send(card(), SELECT, "00A4040207A000000333010100") == "6A82"
    assert send(card(), PPSE.replace("00A40400", "00A40402")) == "6A82"


def test_processing_options_and_genuine_cryptogram():
    answer = send(card(), PPSE, SELECT, gpo())
    assert answer.startswith("77")
    assert find(answer, "82") == "1C00"
    assert find(answer, "94") == "08010200"
    assert find(answer, "9F10") == "07010103A0000001"
    assert find(answer, "9F27") == "80"
    assert find(answer, "9F36") == "0001"
    assert find(answer, "9F6C") == "0000"
    # Recomputed from the issuer's key: option A, session key from the counter and its complement, CVN 01
    master = kd.derive_icc_mk_a(test_keys.ISSUER_MASTER_KEY, PAN, "01")
    session = tools.encrypt_tdes_ecb(master, bytes.fromhex("0000000000000001") + bytes.fromhex("000000000000FFFE"))
    covered = bytes.fromhex(TERMINAL[8:] + "1C00" + "0001" + "03A00000")
    assert find(answer, "9F26") == ac.generate_ac(session, covered, ac.PaddingType.EMV).hex().upper()


def test_counter_goes_up_with_every_transaction_and_survives_the_field():
    one = card()
    for expected in ("0001", "0002", "0003"):
        one.power_on()
        assert find(send(one, SELECT, gpo()), "9F36") == expected


def test_counter_at_its_end():
    worn = QpbocCard(Profile(PAN), atc=0xFFFE)
    worn.power_on()
    assert find(send(worn, SELECT, gpo()), "9F36") == "FFFF"
    assert send(worn, SELECT, gpo()) == "6985"


def test_records():
    one = card()
    send(one, SELECT, gpo())
    assert send(one, "00B2010C00") == "7016570F6212340000000019D491222000000F5F300202209000"
    second = send(one, "00B2020C00")
    assert find(second, "5A") == PAN
    assert find(second, "5F24") == "491231"
    assert send(one, "00B2030C00") == "6A83"
    assert send(one, "00B2011400") == "6A82"
    assert send(one, "00B2010800") == "6A86"
    assert send(one, "00B2000C00") == "6A86"


def test_track_2_among_the_processing_options():
    one = card(track2_in_gpo=True)
    answer = send(one, SELECT, gpo())
    assert find(answer, "57") == "6212340000000019D491222000000F"
    assert "94040802" in answer


def test_19_digits():
    one = QpbocCard(Profile("6212340000000000194"))
    one.power_on()
    send(one, SELECT, gpo())
    assert find(send(one, "00B2020C00"), "5A") == "6212340000000000194F"
    assert "6212340000000000194D491222000000" in send(one, "00B2010C00")


@pytest.mark.parametrize(
    "command, answer",
    [
        ("80CA9F3600", "9F360200009000"),
        ("80CA9F1300", "9F130200009000"),
        ("80CA9F4F00", "9F4F109A039F21039F02065F2A029C019F36029000"),
        ("80CA9F1700", "6A88"),
        ("80CA005700", "6A88"),
    ],
)
def test_get_data(command, answer):
    assert send(card(), SELECT, command) == answer
    assert send(card(), command) == "6985"


# Refusals


@pytest.mark.parametrize(
    "commands, answer",
    [
        (["00A404"], "6700"),
        ([""], "6700"),
        (["00A40400"], "6700"),
        (["00A4040000"], "6700"),
        (["00A404000AA00000033301010100"], "6700"),
        (["00A4040008A0000003330101010000"], "6700"),
        (["00A4040011" + "A0" * 17], "6700"),
        (["00A4000008A00000033301010100"], "6A86"),
        (["00A4040108A00000033301010100"], "6A86"),
        (["00A4040008A00000000301010100"], "6A82"),
        (["00A4040004A000000300"], "6A82"),
        (["00A4040009A0000003330101010100"], "6A82"),
        (["80A4040008A00000033301010100"], "6E00"),
        (["90A4040008A00000033301010100"], "6E00"),
        (["FFA4040008A00000033301010100"], "6E00"),
        (["0020008008241234FFFFFFFFFF"], "6D00"),
        (["80AE8000"], "6D00"),
        (["00A8000002830000"], "6E00"),
        (["80B2010C00"], "6E00"),
        (["00CA9F3600"], "6E00"),
        ([gpo()], "6985"),
        ([PPSE, gpo()], "6985"),
        ([SELECT, gpo(), gpo()], "6985"),
        ([SELECT, PPSE, gpo()], "6985"),
        ([SELECT, "80A80100" + gpo()[8:]], "6A86"),
        ([SELECT, gpo(TERMINAL[:-2])], "6700"),
        ([SELECT, gpo(TERMINAL + "00")], "6700"),
        ([SELECT, "80A8000002830000"], "6700"),
        ([SELECT, "80A800000183"], "6A80"),
        ([SELECT, "80A80000028000"], "6A80"),
        ([SELECT, "80A800000383000000"], "6700"),
        ([SELECT, gpo("00" + TERMINAL[2:])], "6985"),
        ([SELECT, "00B2010C00"], "6985"),
        (["00B2010C00"], "6985"),
        ([SELECT, gpo(), "00B2010C"], "6700"),
        ([SELECT, gpo(), "00B2010C0100"], "6700"),
        ([SELECT, gpo(), SELECT, "00B2010C00"], "6985"),
    ],
)
def test_status_words(commands, answer):
    assert send(card(), *commands) == answer


def test_leaving_the_field_forgets_the_selection():
    one = card()
    send(one, SELECT)
    one.power_on()
    assert send(one, gpo()) == "6985"


def test_blocked_application():
    assert send(card(application_blocked=True), SELECT) == "6283"
    assert send(card(application_blocked=True), SELECT, gpo()) == "6985"


# Decisions


def with_ttq(ttq: str) -> str:
    return gpo(ttq + TERMINAL[8:])


@pytest.mark.parametrize(
    "profile, ttq, kind, ctq",
    [
        ({}, "26000080", "80", "0000"),
        ({}, "26C00080", "80", "4000"),  # verification required: signature
        ({}, "24C00080", "00", "0000"),  # required, and nothing in common
        ({}, "2E000080", "00", "0000"),  # offline-only reader
        ({"cvm": "signature"}, "26000080", "80", "4000"),
        ({"cvm": "signature"}, "20000080", "00", "0000"),
        ({"cvm": "online-pin"}, "26000080", "80", "8000"),
        ({"cvm": "device"}, "26C00080", "80", "0080"),
        ({"decision": "aac"}, "26000080", "00", "0000"),
        ({"decision": "tc"}, "26000080", "40", "0000"),
    ],
)
def test_decisions(profile, ttq, kind, ctq):
    answer = send(card(**profile), SELECT, with_ttq(ttq))
    assert find(answer, "9F27") == kind
    assert find(answer, "9F6C") == ctq
    # What was done on the device stands beside the kind
    verified = 0x04 if profile.get("cvm") == "device" else 0
    assert int(find(answer, "9F10")[8:10], 16) == {"80": 0xA0, "00": 0x80, "40": 0x90}[kind] | verified
    # A refusal names no records
    assert ("94040801" in answer) == (kind != "00")


def test_a_counterfeit_differs_in_the_cryptogram_only():
    real, copy = send(card(), SELECT, gpo()), send(card(genuine=False), SELECT, gpo())
    assert find(real, "9F26") != find(copy, "9F26")
    assert real.replace(find(real, "9F26"), "") == copy.replace(find(copy, "9F26"), "")


def test_a_pdol_of_the_cards_own():
    pdol = ((0x9F66, 4), (0x9F37, 4))
    answer = send(card(pdol=pdol), SELECT)
    assert find(answer, "9F38") == "9F66049F3704"
    assert find(send(card(pdol=pdol), SELECT, gpo("26000080A1B2C3D4")), "9F27") == "80"


def test_writing_tlv():
    assert tlv(0x50, b"").hex() == "5000"
    assert tlv(0x9F10, bytes(127))[:3].hex() == "9f107f"
    assert tlv(0x70, bytes(128))[:3].hex() == "708180"
    assert tlv(0x70, bytes(256))[:4].hex() == "70820100"
    assert dol((0x95, 5), (0x9F02, 6)).hex() == "95059f0206"


def test_atc_of_a_card_that_was_used_before():
    one = make_card("approved", atc=41)[0]
    one.power_on()
    assert find(send(one, SELECT, gpo()), "9F36") == "002A"
