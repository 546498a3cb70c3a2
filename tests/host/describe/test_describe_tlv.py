"""Data objects in words."""

import pytest

from mpos.describe import bits, tags, tlv, values


def value_of(tag: str, value: str) -> tuple[str, list[str]]:
    data = bytes.fromhex(value)
    (node,) = tlv.decode(bytes.fromhex(tag) + bytes([len(data)]) + data)
    return node.value, node.meaning


@pytest.mark.parametrize(
    "tag, value, shown",
    [
        ("9F02", "000000001234", "12.34"),
        ("9F02", "00000000123A", "00000000123A"),
        ("5F2A", "0156", "0156 CNY"),
        ("5F2A", "0999", "0999"),
        ("9F1A", "0156", "0156 China"),
        ("9A", "261123", "2026-11-23"),
        ("9A", "2611", "2611"),
        ("9F21", "235959", "23:59:59"),
        ("9F21", "23595A", "23595A"),
        ("9C", "00", "00 sale"),
        ("9C", "77", "77 another type"),
        ("9C", "0000", "0000"),
        ("9F27", "80", "80 ARQC, goes online"),
        ("9F27", "00", "00 AAC, declined"),
        ("9F27", "40", "40 TC, approved offline"),
        ("9F27", "C0", "C0 reserved kind of cryptogram"),
        ("9F27", "8080", "8080"),
        ("5A", "6212340000000019", "621234******0019"),
        ("5A", "6212340000000000194F", "621234*********0194"),
        ("5A", "62123400000A0019", "(8 bytes, not shown)"),
        ("57", "6212340000000019D491222000000F", "621234******0019 D (the rest is not shown)"),
        ("57", "62123400000000194912220000", "(13 bytes, not shown)"),
        ("5F20", "414243", "(3 bytes, not shown)"),
        ("50", "50424F43204445424954", '"PBOC DEBIT"'),
        ("50", "5042FF", "5042FF"),
        ("84", "A000000333010101", "A000000333010101 UnionPay debit"),
        ("84", "A0000000031010", "A0000000031010 Visa credit or debit"),
        ("84", "A00000000310109999", "A00000000310109999"),
        ("9F36", "0102", "258 (0102)"),
        ("9F34", "1F0302", "1F0302 no verification, successful"),
        ("9F34", "5E0301", "5E0301 signature, failed"),
        ("9F34", "3F00", "3F00"),
        ("9F34", "2A0307", "2A0307 method 2A, result 07"),
        ("9F34", "3F0000", "3F0000 no method performed, result unknown"),
        ("9F34", "010A02", "010A02 plain-text PIN by the chip, successful"),
        ("87", "81", "81"),
        ("87", "8101", "8101"),
        ("9F5B", "20000000", "20000000"),
        ("9F35", "22", "22 merchant, attended, offline with online"),
        ("9F35", "14", "14 financial institution, unattended, online only"),
        ("9F35", "2F", "2F"),
        ("9F35", "2222", "2222"),
        ("9F2A", "07", "07 kernel 7"),
        ("9F2A", "", ""),
        ("5F34", "01", "01"),
        ("9F01", "0A", "0A"),
        ("81", "0000", "0 (0000)"),
        ("81", "0000000000", "0000000000"),
        ("DF7F", "AB", "AB"),
    ],
)
def test_values(tag, value, shown):
    assert value_of(tag, value)[0] == shown


def test_bits():
    assert value_of("95", "8000048000")[1] == [
        "offline data authentication was not performed",
        "online PIN entered",
        "amount over the floor limit",
    ]
    assert value_of("9F6C", "4080")[1] == ["signature required", "cardholder was verified on his own device"]
    assert bits.ttq(bytes.fromhex("26C00080")) == [
        "EMV mode supported",
        "online PIN supported",
        "signature supported",
        "online cryptogram required",
        "cardholder verification required",
        "fDDA version 01 supported",
    ]
    assert bits.tvr(b"") == [] and bits.ctq(b"\x00") == []


def test_contact_chip_bits():
    assert value_of("9F40", "6000F0A001")[1] == [
        "goods",
        "services",
        "keypad with digits",
        "keypad with letters and special characters",
        "keypad with command keys",
        "keypad with function keys",
        "prints for the attendant",
        "shows to the attendant",
        "code table 1",
    ]
    assert value_of("9B", "E800")[1] == [
        "offline data authentication performed",
        "cardholder verification performed",
        "card risk management performed",
        "terminal risk management performed",
    ]
    assert value_of("9F27", "0A")[1] == ["the issuer wants an advice", "PIN tries used up"]
    assert value_of("9F27", "80")[1] == []
    assert value_of("9F34", "410A02")[1] == ["condition: condition 0A"]
    assert value_of("9F34", "1E0300")[1] == ["condition: terminal supports it"]
    assert value_of("87", "81")[1] == ["priority 1", "not without the cardholder's confirmation"]
    assert value_of("87", "00")[1] == ["no priority"]
    assert value_of("DF11", "0010000000")[1] == ["service not allowed for this card"]


def test_contactless_objects():
    assert value_of("9F69", "01A1B2C3D40080")[1] == [
        "fDDA version 01",
        "the card's unpredictable number A1B2C3D4",
        "card transaction qualifiers 0080",
        "cardholder was verified on his own device",
    ]
    assert value_of("9F69", "00A1B2C3D4")[1] == ["fDDA version 00", "the card's unpredictable number A1B2C3D4"]
    assert value_of("9F69", "01A1") == ("01A1", [])
    assert value_of("9F6E", "23800000")[1] == ["mobile phone", "passcode capable"]
    assert value_of("9F6E", "2F000000")[1] == ["form factor 15"]
    # under another kernel: something else
    assert value_of("9F6E", "08400003") == ("08400003", [])
    assert value_of("9F5D", "000000048766")[0] == "487.66"
    assert value_of("9F68", "19100010")[1][-1] == "offline amount available is returned"
    assert value_of("9F6C", "2840")[1] == [
        "go online when offline data authentication fails",
        "go online when the application has expired",
        "issuer updates supported",
    ]
    assert bits.ttq(bytes.fromhex("3700C080"))[-3:] == [
        "issuer updates supported",
        "verification on the cardholder's device supported",
        "fDDA version 01 supported",
    ]


def test_issuers_data():
    assert value_of("9F10", "07010103A0000001")[1] == [
        "key index 01, cryptogram version 01",
        "card verification results A00000",
        "first cryptogram: ARQC",
    ]
    # Visa, with two bytes of the issuer's own behind it
    assert value_of("9F10", "0601110390000002ABCD")[1] == [
        "key index 01, cryptogram version 11",
        "card verification results 900000",
        "first cryptogram: TC",
    ]
    assert value_of("9F10", "0501110390000002ABCD")[1] == []
    assert value_of("91", "00112233445566773030")[1] == ["response cryptogram 0011223344556677", "for the answer 3030"]
    assert value_of("91", "0011223300800000")[1] == ["response cryptogram 00112233", "card status update 00800000"]
    assert value_of("91", "001122") == ("001122", [])


def test_script_results():
    # EMV 4.4 Book 4, annex A5
    assert value_of("9F5B", "2011223344" + "1300000000" + "1F00000001" + "4000000000")[1] == [
        "script 11223344: successful",
        "script 00000000: failed at command 3",
        "script 00000001: failed at command 15 or later",
        "script 00000000: result 4",
    ]


def test_every_table_of_bits_is_in_order_and_without_doubles():
    for kind, table in bits.TABLES.items():
        places = [(byte, -mask) for byte, mask, _ in table]
        assert places == sorted(set(places)), kind
        assert all(mask.bit_count() == 1 for _, mask, _ in table)


def test_lists():
    assert value_of("9F38", "9F660495059F3704") == (
        "3 objects",
        [
            "9F66 TERMINAL_TRANSACTION_QUALIFIERS, 4 bytes",
            "95 TERMINAL_VERIFICATION_RESULTS, 5 bytes",
            "9F37 UNPREDICTABLE_NUMBER, 4 bytes",
        ],
    )
    assert value_of("9F38", "9F66")[0] == "9F66 (no well-formed list)"
    assert value_of("94", "08010200")[1] == ["file 1, records 1 to 2, 0 under offline authentication"]
    assert value_of("94", "080102") == ("080102", [])
    assert value_of("9F4A", "82")[1] == ["82 APPLICATION_INTERCHANGE_PROFILE"]
    assert value_of("9F4A", "9F") == ("9F", [])
    assert value_of("9F10", "07010103A0000001")[1] == [
        "key index 01, cryptogram version 01",
        "card verification results A00000",
        "first cryptogram: ARQC",
    ]
    assert value_of("9F10", "0801") == ("0801", [])
    assert value_of("8E", "000003E8000000001E031F00")[1] == [
        "signature (terminal supports it), then fail",
        "no verification (always), then fail",
    ]
    assert value_of("8E", "00") == ("00", [])


def test_nesting_and_padding():
    text = "00 6F 13 84 08 A000000333010101 A5 07 50 02 4142 87 01 01 00 FF"
    assert tlv.lines(text) == [
        "6F FCI_TEMPLATE (19 bytes)",
        "  84 DF_NAME (8 bytes): A000000333010101 UnionPay debit",
        "  A5 FCI_PROPRIETARY_TEMPLATE (7 bytes)",
        '    50 APPLICATION_LABEL (2 bytes): "AB"',
        "    87 APPLICATION_PRIORITY_INDICATOR (1 byte): 01",
        "        - priority 1",
    ]


def test_long_lengths():
    assert tlv.decode(bytes.fromhex("C18180") + bytes(128))[0].length == 128
    assert tlv.decode(bytes.fromhex("C1820100") + bytes(256))[0].length == 256


@pytest.mark.parametrize(
    "text, says",
    [
        ("9F", "byte 0: a tag is cut off"),
        ("9F81", "byte 0: a tag is cut off"),
        ("9F81818101", "byte 0: a tag is cut off or longer"),
        ("5A", "byte 1: the length is missing"),
        ("5A80", "byte 1: the length is cut off, indefinite"),
        ("5A84000000", "byte 1: the length is cut off"),
        ("5A8201", "byte 1: the length is cut off"),
        ("5A0862123400", "byte 0: tag 5A says it has 8 bytes, but only 4 follow"),
        ("7003 5A0262", "byte 2: tag 5A says it has 2 bytes, but only 1 follow"),
    ],
)
def test_malformed(text, says):
    with pytest.raises(ValueError, match=says):
        tlv.lines(text)


def test_depth_is_bounded():
    data = b""
    for _ in range(8):
        data = b"\x70" + bytes([len(data)]) + data
    assert len(tlv.lines(data.hex())) == 8
    for _ in range(3):
        data = b"\x70" + bytes([len(data)]) + data
    with pytest.raises(ValueError, match="nested"):
        tlv.lines(data.hex())


def test_the_table_of_tags():
    assert len(tags.TAGS) == len(tags._TABLE)
    assert tags.TAGS[0x9F02] == "AMOUNT_AUTHORISED" and tags.name_of(0xDF7F) == "UNKNOWN"
    assert len(set(tags.TAGS.values())) == len(tags.TAGS)
    known = {"tlv", *bits.TABLES, *values._DECODERS}
    for tag, kind in tags.KINDS.items():
        assert kind in known, hex(tag)
        # The constructed bit says whether there are objects inside
        first = tag >> 8 if tag > 0xFF else tag
        assert (kind == "tlv") == bool(first & 0x20), hex(tag)
        assert tags.TAGS[tag].replace("_", "").isalnum() and tags.TAGS[tag].isupper()
