"""The acquirer's file: what is found in it, how little of it is read, and what is wrong with a broken one."""

from hashlib import sha1, sha256

from reader.errors import E_PARAMETERS
from reader.storage.emv_tables import EmvTables
from reader.util import ber_tlv
from testing import cases, h, raises, requirement

_FILE = "emv.tlv"
_UNIONPAY = h("A000000333")
_VISA = h("A000000003")
_MODULUS = b"\xc5" + bytes([i * 11 & 0xFF for i in range(126)]) + b"\x01"


def _object(tag, value):
    out = bytearray(len(value) + 6)
    return bytes(out[: ber_tlv.Writer(out).put(tag, value).length])


def _application(aid, partial=True, **replaced):
    parts = {
        "x9F09": h("0030"),
        "xDF11": h("D84000A800"),
        "xDF12": h("D84004F800"),
        "xDF13": h("0010000000"),
        "x9F1B": h("00002710"),
        "xDF15": h("00000064"),
        "xDF16": h("50"),
        "xDF17": h("25"),
        "xDF14": h("9F3704"),
        "xDF18": h("01"),
        "x9F7B": h("000000100000"),
    }
    parts.update(replaced)
    value = _object(0x9F06, h(aid)) + _object(0xDF01, b"\0" if partial else b"\1")
    for name, data in parts.items():
        if data is not None:
            value += _object(int(name[1:], 16), data)
    return _object(0xE1, value)


def _key(rid=_UNIONPAY, index=1, modulus=_MODULUS, exponent=b"\x03", checksum=None, **replaced):
    if checksum is None:
        checksum = sha1(rid + bytes((index,)) + modulus + exponent).digest()
    parts = {"xDF05": h("20491231"), "xDF06": b"\x01", "xDF07": b"\x01"}
    parts.update({"xDF02": modulus, "xDF04": exponent, "xDF03": checksum})
    parts.update(replaced)
    value = _object(0x9F06, rid) + _object(0x9F22, bytes((index,)))
    for name, data in parts.items():
        if data is not None:
            value += _object(int(name[1:], 16), data)
    return _object(0xE2, value)


def _revoked(*serials):
    return _object(0xE3, b"".join([_UNIONPAY + b"\x01" + bytes((0, 0, serial)) for serial in serials]))


def _excepted(*cards):
    return _object(0xE4, b"".join(sorted([sha256(card.encode()).digest()[:16] for card in cards])))


def _tables(*records):
    with open(_FILE, "wb") as file:
        for record in records:
            file.write(record)
    return EmvTables(_FILE)


def _sample():
    return _tables(
        _application("A000000333010101"),
        _application("A00000033301010102", False, x9F7B=None, xDF14=None),
        _application("A0000000031010"),
        _key(_VISA, 9),
        _key(_UNIONPAY, 1),
        _key(_UNIONPAY, 11, exponent=h("010001")),
        _revoked(1, 5, 9),
        _excepted("621234000000001800", "621234000000002601", "6212340000000034FF", "621234000000004207"),
    )


def test_a_good_file():
    _sample().check()


def test_an_empty_file():
    tables = _tables()
    tables.check()
    assert list(tables.aids()) == []
    assert tables.application(h("A000000333010101")) is None
    assert tables.capk(_UNIONPAY, 1) is None
    assert not tables.is_revoked(_UNIONPAY, 1, bytes(3))
    assert not tables.is_excepted(h("6212340000000018"), 0)


def test_aids():
    assert list(_sample().aids()) == [
        (h("A000000333010101"), True),
        (h("A00000033301010102"), False),
        (h("A0000000031010"), True),
    ]


def test_aids_leave_no_file_open():
    # Between two of them the file can be written anew, and is read as it is then
    aids = _sample().aids()
    assert next(aids)[0] == h("A000000333010101")
    _tables(_application("A000000333010101"), _application("A0000000041010", False))
    assert list(aids) == [(h("A0000000041010"), False)]


@requirement(
    "Book 1", "12.3.1", "An application is the reader's when its AID is the name, or begins it and may be a part."
)
@cases(
    ("A000000333010101", "A000000333010101"),
    ("A00000033301010101", "A000000333010101"),
    ("A00000033301010102", "A00000033301010102"),  # the longer one, exactly
    ("A0000003330101010203", "A000000333010101"),  # which is for no longer name
    ("A0000000031010", "A0000000031010"),
    ("A00000000310", None),
    ("A0000000041010", None),
    ("A000000333", None),
)
def test_application(name, aid):
    for form in (h(name), memoryview(h(name))):
        found = _sample().application(form)
        assert (found and found.aid) == (aid and h(aid))


def test_what_an_application_says():
    found = _sample().application(h("A000000333010101"))
    assert found.partial and found.version == h("0030")
    assert (found.tac_default, found.tac_online, found.tac_denial) == (
        h("D84000A800"),
        h("D84004F800"),
        h("0010000000"),
    )
    assert (found.floor_limit, found.threshold, found.target, found.max_target) == (10000, 100, 25, 50)
    assert (found.default_ddol, found.default_tdol, found.online_pin, found.ec_limit) == (
        h("9F3704"),
        b"",
        True,
        100000,
    )
    assert found.get(0xDF15) == h("00000064") and found.get(0xDF99) is None
    other = _sample().application(h("A00000033301010102"))
    assert not other.partial and (other.default_ddol, other.ec_limit) == (b"", None)
    tables = _tables(_application("A0000000031010", x97=h("9F0206"), xDF18=b"\0", x9F1B=h("FFFFFFFF")))
    tables.check()
    other = tables.application(h("A0000000031010"))
    assert (other.default_tdol, other.online_pin, other.floor_limit) == (h("9F0206"), False, 4294967295)


@requirement("Book 2", "5.2", "The authority's key is found by RID and index, and its checksum is verified.")
def test_capk():
    tables = _sample()
    key = tables.capk(_UNIONPAY, 11)
    assert (key.rid, key.index, key.exponent, key.expiry) == (_UNIONPAY, 11, 65537, 20491231)
    assert key.modulus == _MODULUS and key.checked
    assert key.get(0xDF06) == b"\x01"
    assert tables.capk(memoryview(_VISA), 9).exponent == 3
    assert tables.capk(_VISA, 1) is None
    assert tables.capk(h("A000000004"), 9) is None


def test_a_key_without_a_date():
    tables = _tables(_key(xDF05=None))
    tables.check()
    assert tables.capk(_UNIONPAY, 1).expiry == 0


@requirement("Book 2", "11.2", "A key whose checksum is wrong is not used.")
def test_a_key_with_a_wrong_checksum():
    tables = _tables(_key(checksum=bytes(20)), _key(index=2))
    assert tables.capk(_UNIONPAY, 1) is None
    assert tables.capk(_UNIONPAY, 2).checked


def test_the_longest_keys():
    modulus = b"\xff" * 248
    tables = _tables(*[_key(index=i, modulus=modulus) for i in range(60)])
    tables.check()
    assert tables.capk(_UNIONPAY, 59).modulus == modulus


@cases((1, True), (5, True), (9, True), (0, False), (2, False), (8, False), (10, False))
def test_revoked(serial, listed):
    tables = _sample()
    assert tables.is_revoked(_UNIONPAY, 1, bytes((0, 0, serial))) == listed
    assert not tables.is_revoked(_UNIONPAY, 2, bytes((0, 0, serial)))
    assert not tables.is_revoked(_VISA, 1, bytes((0, 0, serial)))


def test_several_lists_and_long_ones():
    tables = _tables(_revoked(*range(0, 250, 2)), _revoked(1), _object(0xE3, b""))
    tables.check()
    for serial in range(250):
        assert tables.is_revoked(_UNIONPAY, 1, bytes((0, 0, serial))) == (serial % 2 == 0 or serial == 1)


@requirement("Book 4", "6.3.5", "A card is in the exception file with its PAN and sequence number, or with its PAN.")
@cases(
    ("6212340000000018", 0, True),
    ("6212340000000018", -1, True),  # a card without a sequence number
    ("6212340000000018FFFF", 0, True),
    ("6212340000000018", 1, False),
    ("6212340000000026", 1, True),
    ("6212340000000026", 0, False),
    ("6212340000000034", 0, True),  # whatever the sequence number
    ("6212340000000034", 99, True),
    ("6212340000000042", 7, True),
    ("6212340000000059", 0, False),
)
def test_excepted(pan, sequence, listed):
    assert _sample().is_excepted(h(pan), sequence) == listed


def _wrong(detail, *records):
    with raises(E_PARAMETERS, detail):
        _tables(*records).check()


def test_no_file():
    tables = EmvTables("nothing.tlv")
    for ask in (
        tables.check,
        lambda: next(tables.aids()),
        lambda: tables.application(bytes(7)),
        lambda: tables.capk(_VISA, 1),
        lambda: tables.is_revoked(_VISA, 1, bytes(3)),
        lambda: tables.is_excepted(h("6212340000000018"), 0),
    ):
        with raises(E_PARAMETERS, 60):
            ask()


class _Broken:
    """A medium that fails."""

    def seek(self, *where):
        return 100

    def readinto(self, buffer):
        raise OSError(5)


def test_an_unreadable_file():
    from reader.storage import emv_tables

    with raises(E_PARAMETERS, 60):
        for _ in emv_tables.records(_Broken(), 0, bytearray(emv_tables.HEAD)):
            pass


def test_too_long():
    _wrong(61, *[_object(0xE4, b"") for _ in range(256)])
    _tables(*[_object(0xE4, b"") for _ in range(255)]).check()
    pieces = ([b"\xe4\x82\xff\xf0"] + [bytes(4095)] * 16) * 2
    _wrong(69, *pieces, b"\xe4\x00" * 12)  # 131,072 bytes: the longest file (its list has one entry over and over)
    _wrong(61, *pieces, b"\xe4\x00" * 13)
    _wrong(61, _application("A000000333010101", xDF55=bytes(500)))
    with raises(E_PARAMETERS, 61):
        _tables(_application("A000000333010101", xDF55=bytes(500))).application(h("A000000333010101"))


@cases("E1", "E181", "E18201", "E105 9F06", "E2820100 00", "E180", "DFFFFFFF01", "E184 00000001 00")
def test_no_tlv(data):
    _wrong(62, h(data))
    with raises(E_PARAMETERS, 62):
        _tables(h(data)).capk(_VISA, 1)


def test_no_tlv_inside():
    with raises(E_PARAMETERS, 62):
        _tables(_object(0xE1, h("9F0607A0000000031010 DF0101"))).application(h("A0000000031010"))


@cases("E500", "7000", "9F00")
def test_unknown_record(data):
    _wrong(63, _key(), h(data))


@cases(
    {"x9F09": None},
    {"x9F09": h("003000")},
    {"xDF11": h("D84000A8")},
    {"xDF12": None},
    {"xDF13": b""},
    {"x9F1B": h("002710")},
    {"xDF15": None},
    {"xDF16": h("0050")},
    {"xDF16": h("24")},  # below the target
    {"xDF17": h("5A")},
    {"xDF18": b""},
    {"x9F7B": h("0000100000")},
    {"x9F7B": h("00000010000A")},
    {"x9F06": h("A000000333")},  # twice
)
def test_application_wrong(replaced):
    _wrong(64, _application("A000000333010101", **replaced))


@cases("", "9F0604A0000003", "DF01009F0605A000000333", "9F0605A000000333DF010102", "9F0605A000000333 9F09020030")
def test_application_begins_wrong(data):
    _wrong(64, _object(0xE1, h(data)))


def test_aid_twice():
    _wrong(65, _application("A0000000031010"), _application("A000000333010101"), _application("A0000000031010", False))


@cases(
    {"xDF02": None},
    {"xDF04": None},
    {"xDF03": None},
    {"xDF05": h("491231")},
    {"xDF06": b"\x02"},
    {"xDF07": None},
    {"exponent": b"\x02"},
    {"exponent": b"\x11"},
    {"modulus": _MODULUS[:-1] + b"\x02"},
    {"modulus": b"\x7f" + _MODULUS[1:]},
    {"modulus": b"\xff" * 63},
    {"modulus": b"\xff" * 249},
)
def test_key_wrong(replaced):
    _wrong(66, _key(**replaced))


@cases("", "9F0605A000000333", "9F2201019F0605A000000333", "9F0606A00000033301 9F220101", "9F0605A000000333 9F220101")
def test_key_begins_wrong(data):
    _wrong(66, _object(0xE2, h(data)))


def test_key_checksum():
    _wrong(67, _key(checksum=bytes(20)))


def test_key_order():
    _wrong(68, _key(index=2), _key(index=1))
    _wrong(68, _key(index=1), _key(index=1))
    _wrong(68, _key(_UNIONPAY), _key(_VISA))


def test_lists():
    _wrong(69, _object(0xE3, bytes(8)))
    _wrong(69, _object(0xE3, bytes(9)) + _object(0xE4, bytes(17)))
    _wrong(69, _revoked(2, 1))
    _wrong(69, _revoked(2, 2))
    _wrong(69, _object(0xE4, b"\x01" * 16 + b"\x01" * 16))
