"""Messages in words: genuine ones, cut ones, foreign ones."""

import iso8583 as pyiso8583
import pytest

from mpos.acquirer import Acquirer
from mpos.describe import iso8583
from mpos.describe.iso8583_spec import SPEC
from mpos.describe.outcomes import CVMS, OUTCOMES
from mpos.describe.response_codes import RESPONSE_CODES
from tests.host.acquirer.other_schemes import AesTerminal, SessionTerminal
from tests.host.acquirer.pos_terminal import NOW, Terminal

PAN = "6212340000000019"


@pytest.fixture(scope="module")
def packets() -> tuple[bytes, bytes]:
    terminal = Terminal()
    request = terminal.sale()
    return request, Acquirer(now=lambda: NOW).authoriser.handle(request[2:])


def named(data: bytes) -> dict[str, str]:
    return {entry.label: entry.value for entry in iso8583.decode(data)}


def test_a_sale(packets):
    fields = named(packets[0])
    assert fields["LEN"] == str(len(packets[0]) - 2)
    assert fields["TPDU"] == "to 0003, from 0000" and fields["HEAD"] == "603100310000"
    assert fields["MTI"] == "0200 financial request"
    assert fields["DE4"] == "12.34" and fields["DE12"] == "12:34:56" and fields["DE13"] == "11-23 (month, day)"
    assert fields["DE22"] == "072 contactless, without PIN"
    assert fields["DE35"] == "(16 bytes, not shown)"
    assert fields["DE41"] == "MPOS0001" and fields["DE42"] == "104110058120001" and fields["DE49"] == "156 CNY"
    assert fields["DE57"] == "KSN FFFF9876543210E00001, key scheme 01 TDES DUKPT"
    assert fields["DE60"] == "2200000100060 (type 22 sale, batch 000001, reads chips by radio)"
    assert fields["DE53"] == "0610000000000000 (no PIN, triple DES, tracks encrypted)"
    assert "!" not in fields


def test_a_sale_with_a_pin():
    """DE52 is never shown, not even enciphered."""
    terminal = Terminal()
    known = {"57": bytes.fromhex(PAN + "D491222000000F"), "5F34": b"\x01"}
    request = terminal.insert(known, pin="1357")
    fields = named(request)
    assert fields["DE22"] == "051 chip by contact, with PIN" and fields["DE26"] == "12 (most digits of a PIN)"
    assert fields["DE52"] == "(8 bytes, not shown)"
    block = next(value["data"] for number, value in pyiso8583.decode(request[13:], SPEC)[1].items() if number == "52")
    assert block.hex().upper() not in "\n".join(iso8583.lines(request.hex())).upper()


def test_a_swiped_sale():
    """Neither track is shown, not even enciphered, and fallback is named."""
    terminal = Terminal()
    request = terminal.swipe(PAN + "=49122010000000", "99" + PAN + "=156156", pin="1357", condition="2")
    fields = named(request)
    assert fields["DE22"] == "021 magnetic stripe, with PIN"
    assert fields["DE35"] == "(24 bytes, not shown)" and fields["DE36"] == "(16 bytes, not shown)"
    assert fields["DE53"] == "2610000000000000 (PIN with account number, triple DES, tracks encrypted)"
    assert fields["DE60"].endswith("reads chips by radio, fallback: the chip failed)")
    names = {entry.label: entry.name for entry in iso8583.decode(request)}
    assert (names["DE35"], names["DE36"]) == ("track 2, encrypted", "track 3, encrypted")
    text = "\n".join(iso8583.lines(request.hex())).upper()
    encoded = pyiso8583.decode(request[13:], SPEC)[1]
    assert not any(encoded[number]["data"].hex().upper() in text for number in ("35", "36", "52"))


def test_a_sale_under_aes_dukpt():
    """The PIN block in DE57 is never shown, not even enciphered."""
    terminal = AesTerminal()
    request = terminal.swipe(PAN + "=49122010000000", pin="1357")
    fields = named(request)
    ksn = "FFFF9876543210E000000001"
    assert fields["DE57"] == f"KSN {ksn}, key scheme 02 AES DUKPT, PIN block (16 bytes, not shown)"
    assert fields["DE53"] == "2710000000000000 (PIN with account number, AES, tracks encrypted)"
    assert fields["DE35"] == "(32 bytes, not shown)"
    block = pyiso8583.decode(request[13:], SPEC)[1]["57"]["data"][-16:]
    assert block.hex().upper() not in "\n".join(iso8583.lines(request.hex())).upper()


def test_a_sign_in():
    """Neither the working keys nor their check values are shown."""
    terminal, host = SessionTerminal(), Acquirer(now=lambda: NOW)
    request = terminal.sign_in()
    answer = host.authoriser.handle(request[2:])
    fields = named(request)
    assert fields["MTI"] == "0800 network management request" and fields["DE63"] == "01 "
    assert fields["DE60"] == (
        "00000001004 (type 00 management, batch 000001, network management 004 sign-in, keys of double length, one for the track)"
    )
    fields = named(answer)
    assert fields["DE62"] == "(60 bytes, not shown: PIN key, MAC key, track key, encrypted, with check values)"
    sent = pyiso8583.decode(answer[13:], SPEC)[1]["62"]["data"]
    text = "\n".join(iso8583.lines(answer.hex())).upper()
    assert not any(sent[at : at + 4].hex().upper() in text for at in range(57))
    terminal.take(sent)
    assert named(terminal.swipe(PAN + "=49122010000000"))["DE57"] == "key scheme 03 master/session"


@pytest.mark.parametrize(
    "data, shown",
    [
        ("DF010A", "(3 bytes, not shown: not well-formed)"),
        ("DF", "(1 bytes, not shown: not well-formed)"),
        ("DF020109", "key scheme 09 unknown"),
        ("DF0902ABCD", "DF09 (2 bytes)"),
    ],
)
def test_key_information_of_another(data, shown):
    encoded, _ = pyiso8583.encode({"h": "", "t": "0200", "57": data}, SPEC)
    assert named(bytes(encoded))["DE57"] == shown


@pytest.mark.parametrize("size", [1, 19, 21, 80])
def test_private_data_of_another(size):
    encoded, _ = pyiso8583.encode({"h": "", "t": "0810", "62": "AB" * size}, SPEC)
    assert named(bytes(encoded))["DE62"] == f"({size} bytes, not shown)"


def test_an_answer(packets):
    fields = named(packets[1])
    assert fields["MTI"] == "0210 financial answer" and fields["DE39"] == "00 approved"
    details = next(entry.details for entry in iso8583.decode(packets[1]) if entry.label == "DE55")
    assert details[0].startswith("91 ISSUER_AUTHENTICATION_DATA (10 bytes)")


def test_rows_and_lines_carry_the_chip_data(packets):
    rows = iso8583.rows(packets[0])
    assert ("DE4", "amount", "12.34") in rows
    assert ("", "", "9F02 AMOUNT_AUTHORISED (6 bytes): 12.34") in rows
    text = "\n".join(iso8583.lines(packets[0].hex(" ")))
    assert "9F27 CRYPTOGRAM_INFORMATION_DATA (1 byte): 80 ARQC, goes online" in text


def test_with_and_without_length_and_header(packets):
    whole, unframed, bare = packets[0], packets[0][2:], packets[0][13:]
    bare_fields = named(bare)
    assert "TPDU" not in bare_fields and "LEN" not in bare_fields
    assert "LEN" not in named(unframed) and "TPDU" in named(unframed)
    for fields in (named(whole), named(unframed)):
        assert {k: v for k, v in fields.items() if k.startswith(("DE", "MTI"))} == bare_fields


def test_every_cut_of_a_message(packets):
    message = packets[0][13:]
    for n in range(len(message)):
        if n < 10:
            with pytest.raises(ValueError, match="no ISO 8583 message"):
                iso8583.decode(message[:n])
        else:
            assert named(message[:n])["!"].startswith(("DE", "the message")), n


def test_a_message_that_is_too_long(packets):
    assert "cannot be read" in named(packets[0][13:] + b"\x00")["!"]


@pytest.mark.parametrize("text", ["FFFF" + "00" * 8, "0A00" + "00" * 8, "6000030000", "9F0206000000001234"])
def test_no_message(text):
    with pytest.raises(ValueError, match="no ISO 8583 message"):
        iso8583.lines(text)


def test_a_second_bitmap():
    with pytest.raises(ValueError, match="above 64"):
        iso8583.lines("0200" + "80" + "00" * 7 + "40" + "00" * 8)


def field(number: int, value: str) -> str:
    return "0200" + (1 << 64 - number).to_bytes(8, "big").hex() + value


@pytest.mark.parametrize(
    "text, label, value",
    [
        (field(2, "16" + PAN), "DE2", "621234******0019"),
        (field(2, "1662123400000000AB"), "DE2", "(not shown)"),
        (field(52, "0123456789ABCDEF"), "DE52", "(8 bytes, not shown)"),
        (field(36, "00081122334455667788"), "DE36", "(8 bytes, not shown)"),
        (field(45, "0441424344"), "DE45", "(4 bytes, not shown)"),
        (field(39, "3531"), "DE39", "51 insufficient funds"),
        (field(39, "5A5A"), "DE39", "ZZ"),
        (field(22, "0510"), "DE22", "051 chip by contact, with PIN"),
        (field(22, "0220"), "DE22", "022 magnetic stripe, without PIN"),
        (field(22, "0120"), "DE22", "012 typed in, without PIN"),
        (field(22, "9500"), "DE22", "950 chip by contact, its track not reliable"),
        (field(22, "9990"), "DE22", "999"),
        (
            field(53, "1600000000000000"),
            "DE53",
            "1600000000000000 (PIN without account number, triple DES, tracks in clear)",
        ),
        (field(53, "9999999999999999"), "DE53", "9999999999999999"),
        (field(60, "00082200000A"), "DE60", "2200000A"),
        (field(60, "000822000001"), "DE60", "22000001 (type 22 sale, batch 000001)"),
        (
            field(60, "00110000000100" + "30"),
            "DE60",
            "00000001003 (type 00 management, batch 000001, network management 003 sign-in, keys of double length)",
        ),
        (field(60, "00139900000200000" + "0"), "DE60", "9900000200000 (type 99, batch 000002, unknown what it reads)"),
        (
            field(60, "00132200000100021" + "0"),
            "DE60",
            "2200000100021 (type 22 sale, batch 000001, reads stripes only, last chip was well)",
        ),
        (
            field(60, "001422000001000501"),
            "DE60",
            "22000001000501 (type 22 sale, batch 000001, reads chips by contact, parts of the amount will do)",
        ),
        (field(49, "383430"), "DE49", "840"),
        (field(55, "00029F02"), "DE55", "2 bytes, not well-formed: byte 2: the length is missing"),
        (field(57, "00021234"), "DE57", "(2 bytes, not shown: not well-formed)"),
        (field(57, "0017DF010A" + "FF" * 10 + "DF020109"), "DE57", "KSN FFFFFFFFFFFFFFFFFFFF, key scheme 09 unknown"),
        (field(60, "000322F0"), "DE60", "22F"),
        (field(46, "00020107"), "DE46", "0107"),
        (field(62, "00021234"), "DE62", "(2 bytes, not shown)"),
        (field(4, "00000000123A"), "DE4", "00000000123A"),
        (field(64, "0011223344AABBCC"), "DE64", "0011223344AABBCC"),
    ],
)
def test_fields(text, label, value):
    assert named(bytes.fromhex(text))[label] == value


def test_tables():
    assert RESPONSE_CODES["A0"] == "MAC wrong"
    assert all(len(code) == 2 for code in RESPONSE_CODES)
    assert OUTCOMES[5] == "online request" and CVMS[1] == "signature"
