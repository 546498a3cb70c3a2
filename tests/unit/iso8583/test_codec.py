"""The ISO 8583 engine at its bounds, in a small dialect of its own and in UnionPay's."""

from reader.errors import E_ISO_FIELD, E_ISO_FORMAT, E_ISO_LENGTH
from reader.iso8583 import codec
from reader.iso8583.codec import AN, N_LEFT, TEXT, B, N
from reader.iso8583.dialects import unionpay_pos
from testing import cases, h, raises


class _Dialect:
    """One field of every kind with every prefix."""

    FIELDS = bytes((
        2, N_LEFT, 1, 19,
        3, N, 0, 6,
        22, N_LEFT, 0, 3,
        23, N, 0, 3,
        28, N, 1, 5,
        38, AN, 0, 6,
        41, TEXT, 0, 8,
        44, TEXT, 1, 25,
        48, B, 2, 255,
        52, B, 0, 8,
        60, N_LEFT, 2, 17,
        63, AN, 2, 163,
    ))  # fmt: skip


def _pack(fields, mti="0200", room=1024):
    out = bytearray(room)
    n = codec.pack(_Dialect, mti, fields, out)
    assert not any(out[n:])
    return bytes(out[:n])


def _message(bits, body, mti="0200"):
    bitmap = bytearray(8)
    for number in bits:
        bitmap[(number - 1) >> 3] |= 0x80 >> ((number - 1) & 7)
    return h(mti) + bitmap + h(body)


# Field, value, its bytes. Digits: the filler of an odd number is before them (N) or behind them (N_LEFT)
_FIELDS = (
    (2, "6212340000000018", "16 6212340000000018"),
    (2, "621234000000001", "15 6212340000000010"),
    (2, "1", "01 10"),
    (2, "1234567890123456789", "19 12345678901234567890"),
    (3, "000000", "000000"),
    (22, "072", "0720"),
    (23, "001", "0001"),
    (28, "12345", "05 012345"),
    (28, "1234", "04 1234"),
    (38, "A1b2 3", "413162322033"),
    (41, "MPOS #1~", "4D504F532023317E"),
    (44, "x", "01 78"),
    (44, "!" * 25, "25" + "21" * 25),
    (48, b"\x00", "0001 00"),
    (48, bytes(range(255)), "0255" + "".join([f"{i:02X}" for i in range(255)])),
    (52, bytes(8), "00" * 8),
    (60, "2200000100060", "0013 22000001000600"),
    (63, "A" * 163, "0163" + "41" * 163),
)


@cases(*_FIELDS)
def test_every_kind_both_ways(number, value, data):
    message = _message((number,), data)
    assert _pack({number: value}) == message
    mti, fields = codec.unpack(_Dialect, message)
    assert mti == "0200"
    assert list(fields) == [number]
    assert fields[number] == value


def test_no_field():
    assert _pack({}) == h("0200 0000000000000000")
    assert codec.unpack(_Dialect, h("0810 0000000000000000")) == ("0810", {})


def test_fields_stand_in_order():
    fields = {n: v for n, v, _ in _FIELDS}
    message = _pack(fields)
    _, again = codec.unpack(_Dialect, message)
    assert len(again) == len(fields) == 12
    for number, value in fields.items():
        assert again[number] == value
    assert message[2:10] == h("6000061004911012")


def test_bytes_are_views_on_the_message():
    message = bytearray(_message((52,), "0102030405060708"))
    _, fields = codec.unpack(_Dialect, message)
    message[10] = 0xFF
    assert fields[52][0] == 0xFF


@cases("", "020", "02000", "02a0", "-200")
def test_pack_message_type(mti):
    with raises(E_ISO_FORMAT, 0):
        _pack({}, mti)


@cases(0, 9)
def test_pack_no_room_for_the_head(room):
    with raises(E_ISO_LENGTH, 0):
        _pack({}, room=room)


def test_pack_no_room_for_a_field():
    for number, value, data in _FIELDS:
        size = 10 + len(h(data))
        assert len(_pack({number: value}, room=size)) == size
        with raises(E_ISO_LENGTH, number):
            _pack({number: value}, room=size - 1)


def test_pack_longest_message():
    class Wide:
        FIELDS = bytes((48, B, 2, 255, 55, B, 2, 255, 57, B, 2, 255, 62, B, 2, 255))

    out = bytearray(2048)
    fields = {48: bytes(255), 55: bytes(255), 57: bytes(255), 62: bytes(241)}
    assert codec.pack(Wide, "0200", fields, out) == 1024
    assert codec.unpack(Wide, out[:1024])[1][62] == bytes(241)
    fields[62] = bytes(242)
    with raises(E_ISO_LENGTH, 62):
        codec.pack(Wide, "0200", fields, out)
    with raises(E_ISO_LENGTH, 0):
        codec.unpack(Wide, out[:1025])


@cases(
    (2, ""), (2, "1" * 20), (3, "00000"), (3, "0000000"), (3, ""), (22, "0072"), (38, "12345"), (38, "1234567"),
    (41, ""), (44, ""), (44, "x" * 26), (48, b""), (48, bytes(256)), (52, bytes(7)), (52, bytes(9)), (60, "1" * 18),
)  # fmt: skip
def test_pack_length(number, value):
    with raises(E_ISO_LENGTH, number):
        _pack({number: value})


@cases(
    (3, "00000A"), (3, "-00001"), (3, " 00000"), (3, 0), (3, b"000000"), (3, None), (38, "12345-"), (38, "12345\n"),
    (38, b"123456"), (38, "1234\u00e9"), (41, "1234567\x7f"), (41, "1234567\x00"), (41, 12345678), (48, "text"),
    (52, "12345678"),
)  # fmt: skip
def test_pack_format(number, value):
    with raises(E_ISO_FORMAT, number):
        _pack({number: value})


@cases((0, "1"), (1, bytes(8)), (4, "1"), (64, bytes(8)), (65, "1"), (128, "1"))
def test_pack_field_that_is_not_there(number, value):
    with raises(E_ISO_FIELD, number):
        _pack({3: "000000", number: value, 200: "1"})


def test_unpack_every_truncation():
    fields = {n: v for n, v, _ in _FIELDS}
    message = _pack(fields)
    starts = []
    at = 10
    for number in sorted(fields):
        starts.append((at, number))
        at += len(_pack({number: fields[number]})) - 10
    for size in range(len(message)):
        number = 0
        if size >= 10:
            number = [n for start, n in starts if start <= size][-1]
        with raises(E_ISO_LENGTH, number):
            codec.unpack(_Dialect, message[:size])


@cases(1, 2, 60)
def test_unpack_bytes_left_over(n):
    with raises(E_ISO_LENGTH, 0):
        codec.unpack(_Dialect, _message((3,), "000000") + bytes(n))


@cases("020A", "A200", "FFFF")
def test_unpack_message_type(mti):
    with raises(E_ISO_FORMAT, 0):
        codec.unpack(_Dialect, _message((), "", mti))


@cases(1, 4, 5, 21, 61, 62, 64)
def test_unpack_field_that_is_not_there(number):
    with raises(E_ISO_FIELD, number):
        codec.unpack(_Dialect, _message((3, number), "000000" + "00" * 40))


@cases(
    (2, "00"), (2, "20" + "11" * 10), (2, "99" + "11" * 50), (44, "00"), (44, "26" + "41" * 26), (48, "0000"),
    (48, "0256" + "00" * 256), (48, "1001" + "00" * 200), (60, "0018" + "11" * 9), (28, "06 123456"),
)  # fmt: skip
def test_unpack_length_prefix(number, data):
    with raises(E_ISO_LENGTH, number):
        codec.unpack(_Dialect, _message((number,), data))


@cases(
    (2, "0A 1111111111"), (2, "A1 11"), (48, "00F1 00"), (48, "F001 00"),  # the prefix is digits
    (2, "02 1A"), (3, "0000F0"), (3, "D00000"), (60, "0002 1D"),  # so is the value
    (2, "01 11"), (22, "0721"), (23, "1001"), (28, "05 112345"), (60, "0013 22000001000601"),  # the filler is 0
    (22, "072F"), (23, "F001"),
    (38, "31323334352D"), (38, "000000000000"), (38, "3132333435FF"), (38, "3132333435C3"), (41, "4D504F532023311F"),
    (41, "4D504F532023317F"), (44, "02 41 0A"), (63, "0001 7F"), (63, "0001 2E"),
)  # fmt: skip
def test_unpack_format(number, data):
    with raises(E_ISO_FORMAT, number):
        codec.unpack(_Dialect, _message((number,), data))


def test_dialect_tables_are_in_order():
    for dialect in (_Dialect, unionpay_pos):
        table = dialect.FIELDS
        assert len(table) % 4 == 0
        numbers = [table[row] for row in range(0, len(table), 4)]
        assert numbers == sorted(set(numbers)) and numbers[0] > 1 and numbers[-1] <= 64
        for row in range(0, len(table), 4):
            _, kind, prefix, length = table[row : row + 4]
            assert kind in (N, N_LEFT, AN, TEXT, B) and length
            assert prefix == 2 or (prefix == 1 and length <= 99) or prefix == 0
