import json
import os

from reader.errors import E_PARAMETERS
from reader.storage.parameters_file import load, parse
from testing import cases, h, path, raises

_FILE = "test_parameters.tmp"


def _good():
    with open(path("boards/unix/parameters.json")) as file:
        return json.load(file)


def _load(text):
    with open(_FILE, "wb") as file:
        file.write(text)
    try:
        return load(_FILE)
    finally:
        os.remove(_FILE)


@cases(path("boards/m35/parameters.json"), path("boards/d200/parameters.json"))
def test_the_files_of_the_readers(name):
    # Neither has a driver for its keys yet: no PIN is claimed (9F33 byte 2: 80, 40, 10); stripe and chip are (byte 1)
    with open(name) as file:
        terminal = parse(json.load(file)).terminal
    assert terminal.type == 22
    assert terminal.capabilities == h("6028C8")


def test_the_file_of_the_unix_board():
    parameters = _load(json.dumps(_good()).encode())
    terminal = parameters.terminal
    assert (terminal.id, terminal.merchant, terminal.serial) == ("MPOS0001", "104110058120001", "00000001")
    assert (terminal.country, terminal.currency, terminal.exponent, terminal.type) == (156, 156, 2, 22)
    assert (terminal.category, terminal.capabilities) == (5999, h("E0F8C8"))
    assert len(terminal.additional_capabilities) == 5 and terminal.name
    host = parameters.host
    assert (host.tpdu, host.header, host.batch, host.timeout_s) == (h("6000030000"), h("603100310000"), 1, 60)
    assert (host.terminal_id, host.merchant_id) == ("MPOS0001", "104110058120001")
    assert [row.aid for row in parameters.contactless] == [
        h("A000000333010101"),
        h("A000000333010102"),
        h("A000000333010103"),
        h("A0000000031010"),
        h("A0000000032010"),
    ]
    row = parameters.contactless[0]
    assert (row.kernel, row.ttq, row.application_version) == (7, h("37004080"), h("0030"))
    assert (row.transaction_limit, row.cvm_limit, row.floor_limit) == (5000000, 100000, 20000)
    assert (row.status_check, row.zero_amount, row.extended_selection) == (False, True, False)
    assert row.pan_ranges == "62,81,999999"
    row = parameters.contactless[3]
    assert (row.kernel, row.ttq, row.pan_ranges) == (3, h("3700C000"), "4,999999")
    # what is equal is there once
    assert row.ttq is parameters.contactless[4].ttq and row.pan_ranges is parameters.contactless[4].pan_ranges


def test_what_may_be_absent():
    document = _good()
    row = document["contactless"][0]
    for name in ("transaction_limit", "cvm_limit", "floor_limit"):
        del row[name]
    row["status_check"] = True
    row["zero_amount"] = False
    kept = parse(document).contactless[0]
    assert (kept.transaction_limit, kept.cvm_limit, kept.floor_limit) == (None, None, None)
    assert (kept.status_check, kept.zero_amount) == (True, False)


def test_ranges_and_codes():
    document = _good()
    document["host"]["pin_codes"] = "1A,70"
    for ranges in ("62", "62,81,4", "510000-559999", "62,222100-272099", "0" * 12):
        document["contactless"][0]["pan_ranges"] = ranges
        kept = parse(document)
        assert kept.contactless[0].pan_ranges == ranges and kept.host.pin_codes == "1A,70"
    document = _good()
    document["host"].pop("pin_codes", None)
    document["contactless"][0].pop("pan_ranges", None)
    kept = parse(document)
    assert not kept.host.pin_codes and kept.contactless[0].pan_ranges is None
    assert not kept.contactless[0].extended_selection


@cases(
    ({}, 1, 1),
    ({"key_scheme": "dukpt-tdes", "mac": "x919"}, 1, 1),
    ({"key_scheme": "dukpt-aes"}, 2, 1),
    ({"key_scheme": "master-session"}, 3, 1),
    ({"key_scheme": "master-session", "mac": "x919"}, 3, 1),
    ({"key_scheme": "master-session", "mac": "ecb"}, 3, 2),
)
def test_key_scheme(keys, scheme, mac):
    document = _good()
    document["host"].update(keys)
    host = parse(document).host
    assert (host.key_scheme, host.mac) == (scheme, mac)


@cases(
    ({"key_scheme": "x919"}, 36),
    ({"key_scheme": "dukpt"}, 36),
    ({"key_scheme": ""}, 36),
    ({"key_scheme": 1}, 36),
    ({"mac": "dukpt-tdes"}, 37),
    ({"mac": "ecb"}, 37),
    ({"mac": "ecb", "key_scheme": "dukpt-aes"}, 37),
)
def test_key_scheme_that_is_none(keys, number):
    document = _good()
    document["host"].update(keys)
    with raises(E_PARAMETERS, number):
        parse(document)


# What a kernel may promise: 9F66, of each kernel its own bits
@cases((3, "3700C000"), (3, "20000000"), (7, "37004080"), (7, "20000000"))
def test_qualifiers_of_each_kernel(kernel, ttq):
    document = _good()
    document["contactless"][0]["kernel"] = kernel
    document["contactless"][0]["ttq"] = ttq
    assert parse(document).contactless[0].kernel == kernel


@cases((3, "37004080"), (7, "3700C000"), (3, "B7004000"), (3, "28004000"), (3, "20404000"), (3, "17004000"))
def test_qualifiers_that_no_kernel_of_that_number_keeps(kernel, ttq):
    document = _good()
    document["contactless"][0]["kernel"] = kernel
    document["contactless"][0]["ttq"] = ttq
    with raises(E_PARAMETERS, 43):
        parse(document)


def test_no_file():
    with raises(E_PARAMETERS, 1):
        load("no-such-file.json")


def test_the_size_bound():
    text = json.dumps(_good()).encode()
    _load(text + b" " * (8192 - len(text)))
    with raises(E_PARAMETERS, 1):
        _load(text + b" " * (8193 - len(text)))


@cases(b"", b"not json", b"[]", b"7", b"\xff\xfe{}", b'"version"')
def test_not_a_json_object(text):
    with raises(E_PARAMETERS, 2):
        _load(text)


@cases((0,), (2,), ("1",), (None,), (True,), ([1],))
def test_version(value):
    document = _good()
    document["version"] = value
    with raises(E_PARAMETERS, 3):
        parse(document)


def test_no_version():
    with raises(E_PARAMETERS, 3):
        parse({})


def test_an_unknown_key():
    document = _good()
    document["contactles"] = []
    with raises(E_PARAMETERS, 4):
        parse(document)


@cases(("terminal", 10), ("host", 30))
def test_a_section(name, number):
    for value in (None, [], "x", 1):
        document = _good()
        document[name] = value
        with raises(E_PARAMETERS, number):
            parse(document)
    document = _good()
    del document[name]
    with raises(E_PARAMETERS, number):
        parse(document)
    for unknown in ("extra", "__class__"):
        document = _good()
        document[name][unknown] = 1
        with raises(E_PARAMETERS, number):
            parse(document)


_KEYS = (
    ("terminal", "id", 11),
    ("terminal", "merchant", 12),
    ("terminal", "name", 13),
    ("terminal", "country", 14),
    ("terminal", "currency", 15),
    ("terminal", "exponent", 16),
    ("terminal", "type", 17),
    ("terminal", "capabilities", 18),
    ("terminal", "additional_capabilities", 19),
    ("terminal", "category", 20),
    ("terminal", "serial", 21),
    ("host", "tpdu", 31),
    ("host", "header", 32),
    ("host", "batch", 33),
    ("host", "timeout_s", 34),
    ("contactless", "aid", 41),
    ("contactless", "kernel", 42),
    ("contactless", "ttq", 43),
    ("contactless", "transaction_limit", 44),
    ("contactless", "cvm_limit", 45),
    ("contactless", "floor_limit", 46),
    ("contactless", "application_version", 47),
    ("contactless", "status_check", 48),
    ("contactless", "zero_amount", 49),
    ("host", "pin_codes", 35),
    ("host", "key_scheme", 36),
    ("host", "mac", 37),
    ("contactless", "pan_ranges", 50),
    ("contactless", "extended_selection", 51),
)


def _section(document, name):
    return document[name][0] if name == "contactless" else document[name]


@cases(*_KEYS)
def test_a_key_of_the_wrong_type(section, name, number):
    for value in ([], {}, 1.5):
        document = _good()
        _section(document, section)[name] = value
        with raises(E_PARAMETERS, number):
            parse(document)


@cases(*[row for row in _KEYS if row[2] not in (35, 36, 37, 44, 45, 46, 48, 49, 50, 51)])
def test_a_key_that_is_missing(section, name, number):
    document = _good()
    del _section(document, section)[name]
    with raises(E_PARAMETERS, number):
        parse(document)


@cases(
    ("terminal", "id", "MPOS001", 11),
    ("terminal", "id", "MPOS00011", 11),
    ("terminal", "id", "MPOS\u00e9001", 11),
    ("terminal", "merchant", "1041100581200", 12),
    ("terminal", "name", "", 13),
    ("terminal", "name", "M" * 41, 13),
    ("terminal", "name", "A\nB", 13),
    ("terminal", "country", "156", 14),
    ("terminal", "country", "015A", 14),
    ("terminal", "country", "1156", 14),
    ("terminal", "currency", 156, 15),
    ("terminal", "currency", "-156", 15),
    ("terminal", "exponent", -1, 16),
    ("terminal", "exponent", 5, 16),
    ("terminal", "exponent", True, 16),
    ("terminal", "exponent", "2", 16),
    ("terminal", "type", "37", 17),
    ("terminal", "type", "2", 17),
    ("terminal", "capabilities", "0028", 18),
    ("terminal", "capabilities", "00280", 18),
    ("terminal", "capabilities", "00280G", 18),
    ("terminal", "capabilities", "00 28 0", 18),
    ("terminal", "additional_capabilities", "6000F0A0", 19),
    ("terminal", "category", "599", 20),
    ("terminal", "serial", "1", 21),
    ("host", "tpdu", "60000300", 31),
    ("host", "tpdu", "6100030000", 31),
    ("host", "header", "6031003100", 32),
    ("host", "batch", -1, 33),
    ("host", "batch", 1000000, 33),
    ("host", "timeout_s", 0, 34),
    ("host", "timeout_s", 301, 34),
    ("contactless", "aid", "A0000003", 41),
    ("contactless", "aid", "A0" * 17, 41),
    ("contactless", "kernel", 0, 42),
    ("contactless", "kernel", 2, 42),
    ("contactless", "kernel", 256, 42),
    ("contactless", "ttq", "220040", 43),
    ("contactless", "ttq", "02004000", 43),  # qPBOC itself is missing
    ("contactless", "ttq", "A2004000", 43),  # magnetic stripe mode
    ("contactless", "ttq", "62004000", 43),  # the full PBOC flow
    ("contactless", "ttq", "2A004000", 43),  # offline-only reader
    ("contactless", "ttq", "22804000", 43),  # set per transaction
    ("contactless", "ttq", "22008000", 43),  # issuer update, which kernel 7 does not have
    ("contactless", "ttq", "22004040", 43),
    ("contactless", "transaction_limit", -1, 44),
    ("contactless", "transaction_limit", 1000000000000, 44),
    ("contactless", "transaction_limit", None, 44),
    ("contactless", "cvm_limit", "100", 45),
    ("contactless", "floor_limit", False, 46),
    ("contactless", "application_version", "003000", 47),
    ("contactless", "status_check", 1, 48),
    ("contactless", "zero_amount", "true", 49),
    ("contactless", "pan_ranges", "", 50),
    ("contactless", "pan_ranges", "62,", 50),
    ("contactless", "pan_ranges", "62 ", 50),
    ("contactless", "pan_ranges", "6A", 50),
    ("contactless", "pan_ranges", "62-", 50),
    ("contactless", "pan_ranges", "-62", 50),
    ("contactless", "pan_ranges", "62-623", 50),
    ("contactless", "pan_ranges", "63-62", 50),
    ("contactless", "pan_ranges", "62-63-64", 50),
    ("contactless", "pan_ranges", "6" * 13, 50),
    ("contactless", "extended_selection", 1, 51),
)
def test_a_value_that_is_refused(section, name, value, number):
    document = _good()
    _section(document, section)[name] = value
    with raises(E_PARAMETERS, number):
        parse(document)


@cases((None,), ({},), ([],), ([1],), (["A000000333010101"],))
def test_the_list_of_combinations(value):
    document = _good()
    document["contactless"] = value
    with raises(E_PARAMETERS, 40):
        parse(document)


def test_an_unknown_key_of_a_combination():
    document = _good()
    document["contactless"][1]["ttq2"] = "00"
    with raises(E_PARAMETERS, 40):
        parse(document)


def test_the_same_combination_twice():
    document = _good()
    document["contactless"].append(document["contactless"][0])
    with raises(E_PARAMETERS, 40):
        parse(document)


def test_the_bound_on_combinations():
    document = _good()
    row = document["contactless"][0]
    rows = []
    for i in range(9):
        copy = {}
        for name in row:
            copy[name] = row[name]
        copy["aid"] = f"A0000003330101{i:02X}"
        rows.append(copy)
    document["contactless"] = rows[:8]
    assert len(parse(document).contactless) == 8
    document["contactless"] = rows
    with raises(E_PARAMETERS, 40):
        parse(document)
