"""The sale: what is in the request, and that no answer but the right one is believed.

Keys of ANSI X9.24-1:2009, A.4 (serial number FFFF9876543210E00001); the card number behind the ciphertext is nobody's.
"""

from reader.crypto.mac import x919_into
from reader.dukpt.tdes import Keys
from reader.errors import (
    E_ISO_FIELD,
    E_ISO_FORMAT,
    E_ISO_FRAME,
    E_ISO_LENGTH,
    E_ISO_MAC,
    E_ISO_MISMATCH,
    ReaderError,
)
from reader.iso8583 import codec, messages
from reader.iso8583.dialects import unionpay_pos
from testing import cases, h, raises

_KSN = "FFFF9876543210E00001"


class _Host:
    tpdu = h("6000030000")
    header = h("603100310000")
    terminal_id = "MPOS0001"
    merchant_id = "104110058120001"
    batch = 1


class _Sale:
    amount = 1234
    currency = 156
    stan = 42
    time = (2026, 3, 14, 15, 9, 26)
    entry_mode = "072"
    card_sequence = 1
    track2 = bytes(range(24))
    track3 = b""
    is_fallback = False
    pin_block = b""
    icc_data = h("9F2608 0102030405060708 9F2701 80")


class _Changed:
    """Another object with some attributes of its own."""

    def __init__(self, base, **attributes):
        for name in dir(base):
            if not name.startswith("__"):
                setattr(self, name, getattr(base, name))
        for name, value in attributes.items():
            setattr(self, name, value)


def _keys():
    # The transaction key printed in A.4.2
    return Keys(h(_KSN), h("042666B49184CFA368DE9628D0397BC9"))


def _packed(sale=_Sale, host=_Host):
    out = bytearray(1024)
    return bytes(out[: messages.pack_sale(host, sale, _keys(), out)])


def _answer_fields(**changes):
    fields = {
        3: "000000",
        4: "000000001234",
        11: "000042",
        12: "150926",
        13: "0314",
        25: "00",
        32: "10411005",
        37: "000000000042",
        38: "123456",
        39: "00",
        41: "MPOS0001",
        42: "104110058120001",
        49: "156",
        55: h("910A 00112233445566770012"),
        57: h("DF010A" + _KSN + "DF020101"),
        60: "2200000100060",
        64: bytes(8),
    }
    for name, value in changes.items():
        number = int(name[1:])
        if value is None:
            del fields[number]
        else:
            fields[number] = value
    return fields


def _framed(message):
    return (len(message) + 11).to_bytes(2, "big") + h("6000000003 603100310000") + message


def _answer(mti="0210", keys=None, **changes):
    """A frame as a host would send it. `keys`: other keys than those of the request."""
    out = bytearray(1024)
    fields = _answer_fields(**changes)
    n = codec.pack(unionpay_pos, mti, fields, out)
    if 64 in fields:
        x919_into((keys or _keys()).mac_response, out[: n - 8], memoryview(out)[n - 8 : n])
    return _framed(bytes(out[:n]))


def _check(frame, sale=_Sale, host=_Host):
    return messages.check_answer(host, sale, _keys(), frame)


def test_request_with_a_pin():
    # fields 26, 52 and 53 are there, with the bits that announce them
    frame = _packed(_Changed(_Sale, entry_mode="051", pin_block=h("0011223344556677")))
    mti, fields = codec.unpack(unionpay_pos, frame[13:])
    assert mti == "0200"
    assert (fields[22], fields[26], fields[53]) == ("051", "12", "2610000000000000")
    assert bytes(fields[52]) == h("0011223344556677")


class _OtherKeys:
    """ports.PacketKeys of another scheme: the MAC is eight bytes that say whose it is."""

    def __init__(self, scheme, ksn, block):
        self.scheme = scheme
        self.ksn = h(ksn)
        self.block = block

    def mac_into(self, data, out):
        out[:] = bytes(data[-8:])

    def mac_matches(self, data, mac):
        return bytes(mac) == bytes([0x55] * 8)


_AES = _OtherKeys(2, "FFFF9876543210E0 00000001", 16)
_SESSION = _OtherKeys(3, "", 8)


@cases(
    (_AES, b"", "DF010C FFFF9876543210E000000001 DF020102", "0710000000000000"),
    (
        _AES,
        bytes(range(16)),
        "DF010C FFFF9876543210E000000001 DF020102 DF0310" + bytes(range(16)).hex(),
        "2710000000000000",
    ),
    (_SESSION, b"", "DF020103", "0610000000000000"),
    (_SESSION, bytes(range(8)), "DF020103", "2610000000000000"),
)
def test_request_of_other_schemes(keys, pin_block, information, control):
    sale = _Changed(_Sale, pin_block=pin_block, track2=bytes(32))
    out = bytearray(1024)
    n = messages.pack_sale(_Host, sale, keys, out)
    _, fields = codec.unpack(unionpay_pos, out[13:n])
    assert bytes(fields[57]) == h(information) and fields[53] == control
    assert (26 in fields) == (len(pin_block) > 0)
    # a block of eight has its own field
    assert bytes(fields.get(52, b"")) == (pin_block if len(pin_block) == 8 else b"")
    assert bytes(fields[64]) == out[n - 16 : n - 8]


def test_tracks_are_whole_blocks_of_their_cipher():
    out = bytearray(1024)
    with raises(E_ISO_FORMAT, 35):
        messages.pack_sale(_Host, _Sale, _AES, out)  # 24 bytes
    with raises(E_ISO_FORMAT, 36):
        messages.pack_sale(_Host, _Changed(_Sale, track2=bytes(32), track3=bytes(56)), _AES, out)
    messages.pack_sale(_Host, _Changed(_Sale, track2=bytes(32), track3=bytes(64)), _AES, out)


@cases(
    (_AES, "DF010C FFFF9876543210E000000001 DF020102", 0),
    (_AES, "DF010C FFFF9876543210E000000002 DF020102", 57),
    (_AES, "DF010C FFFF9876543210E000000001 DF020102 DF0310" + "00" * 16, 57),
    (_AES, "DF010A FFFF9876543210E00001 DF020101", 57),
    (_AES, "DF020103", 57),
    (_SESSION, "DF020103", 0),
    (_SESSION, "DF020102", 57),
    (_SESSION, "DF010A FFFF9876543210E00001 DF020101", 57),
)
def test_answer_under_other_schemes(keys, information, refused):
    frame = _answer(_57=h(information))
    frame = frame[:-8] + bytes([0x55] * 8)
    if refused:
        with raises(E_ISO_MISMATCH, refused):
            messages.check_answer(_Host, _Sale, keys, frame)
    else:
        assert messages.check_answer(_Host, _Sale, keys, frame).response_code == "00"
    with raises(E_ISO_MAC):
        messages.check_answer(_Host, _Sale, keys, frame[:-1] + b"\x54")


def test_request_of_a_stripe():
    # 36 is there where the card has a track 3; 23 and 55 are a chip's
    stripe = _Changed(_Sale, entry_mode="022", track3=bytes(56), icc_data=b"", card_sequence=None)
    _, fields = codec.unpack(unionpay_pos, _packed(stripe)[13:])
    assert bytes(fields[36]) == bytes(56) and fields[22] == "022"
    assert 55 not in fields and 23 not in fields
    assert fields[60] == "2200000100060"
    _, fields = codec.unpack(unionpay_pos, _packed(_Changed(stripe, is_fallback=True, track3=b""))[13:])
    assert fields[60] == "2200000100062" and 36 not in fields


def test_request_byte_by_byte():
    frame = _packed()
    body = frame[13:]
    mac = bytearray(8)
    x919_into(_keys().mac_request, body[:-8], mac)
    assert frame[:13] == (len(frame) - 2).to_bytes(2, "big") + h("6000030000 603100310000")
    assert body == (
        # Fields 3 4 11 12 13 22 23 25 35 41 42 49 53 55 57 60 64
        h("0200 3038068020C08A91")
        + h("000000 000000001234 000042 150926 0314 0720 0001 00")
        + h("24")
        + bytes(range(24))
        + b"MPOS0001104110058120001156"
        + h("0610000000000000")
        + h("0015 9F2608 0102030405060708 9F2701 80")
        + h("0017 DF010A" + _KSN + "DF020101")
        + h("0013 22000001000600")
        + mac
    )


def test_request_fields():
    mti, fields = codec.unpack(unionpay_pos, _packed()[13:])
    assert mti == "0200"
    assert sorted(fields) == [3, 4, 11, 12, 13, 22, 23, 25, 35, 41, 42, 49, 53, 55, 57, 60, 64]


def test_request_without_card_sequence():
    _, fields = codec.unpack(unionpay_pos, _packed(_Changed(_Sale, card_sequence=None))[13:])
    assert 23 not in fields
    _, fields = codec.unpack(unionpay_pos, _packed(_Changed(_Sale, card_sequence=0))[13:])
    assert fields[23] == "000"


def test_request_needs_its_room_and_no_more():
    frame = _packed()
    out = bytearray(len(frame))
    assert messages.pack_sale(_Host, _Sale, _keys(), out) == len(frame)
    assert out == frame
    for room in range(len(frame)):
        with raises(E_ISO_LENGTH):
            messages.pack_sale(_Host, _Sale, _keys(), bytearray(room))


def test_longest_request():
    frame = _packed(_Changed(_Sale, track2=bytes(40), icc_data=bytes(255)))
    assert len(frame) < 1024


def test_frame_of_1024_bytes():
    out = bytearray(2048)
    assert unionpay_pos.frame_into(_Host, out, 1011) == 1024
    assert out[:2] == h("03FE")
    with raises(E_ISO_LENGTH):
        unionpay_pos.frame_into(_Host, out, 1012)


@cases(
    ({"amount": 10**12}, E_ISO_LENGTH, 4),
    ({"amount": -1}, E_ISO_FORMAT, 4),
    ({"stan": 1000000}, E_ISO_LENGTH, 11),
    ({"stan": -1}, E_ISO_FORMAT, 11),
    ({"time": (2026, 3, 14, 115, 9, 26)}, E_ISO_LENGTH, 12),
    ({"time": (2026, 123, 14, 15, 9, 26)}, E_ISO_LENGTH, 13),
    ({"entry_mode": "72"}, E_ISO_LENGTH, 22),
    ({"entry_mode": "0x2"}, E_ISO_FORMAT, 22),
    ({"card_sequence": 1000}, E_ISO_LENGTH, 23),
    ({"track2": b""}, E_ISO_LENGTH, 35),
    ({"track2": bytes(48)}, E_ISO_LENGTH, 35),
    ({"track2": bytes(23)}, E_ISO_FORMAT, 35),
    ({"currency": 1560}, E_ISO_LENGTH, 49),
    ({"track3": bytes(63)}, E_ISO_FORMAT, 36),
    ({"icc_data": bytes(256)}, E_ISO_LENGTH, 55),
)
def test_request_that_does_not_fit(changes, code, field):
    with raises(code, field):
        _packed(_Changed(_Sale, **changes))


def test_request_of_a_wrong_host():
    with raises(E_ISO_LENGTH, 41):
        _packed(host=_Changed(_Host, terminal_id="MPOS1"))
    with raises(E_ISO_LENGTH, 42):
        _packed(host=_Changed(_Host, merchant_id=""))


def test_approved():
    answer = _check(_answer())
    assert answer.response_code == "00"
    assert answer.auth_code == "123456"
    assert answer.rrn == "000000000042"
    assert answer.icc_data == h("910A00112233445566770012")


def test_answer_does_not_hang_on_the_frame():
    frame = bytearray(_answer())
    answer = _check(frame)
    for i in range(len(frame)):
        frame[i] = 0
    assert answer.icc_data == h("910A00112233445566770012")


def test_declined():
    answer = _check(_answer(_39="51", _38=None, _37=None, _55=None))
    assert (answer.response_code, answer.auth_code, answer.rrn, answer.icc_data) == ("51", "", "", b"")


def test_truncated_at_every_byte():
    frame = _answer()
    for size in range(len(frame)):
        # As a broken line would leave it, and with a length that fits
        with raises(E_ISO_FRAME):
            _check(frame[:size])
        if size > 13:
            short = (size - 2).to_bytes(2, "big") + frame[2:size]
            code = E_ISO_MISMATCH if size < 15 else E_ISO_MAC
            with raises(code):
                _check(short)


def test_longer_than_it_says():
    frame = _answer()
    with raises(E_ISO_FRAME):
        _check(frame + b"\0")
    with raises(E_ISO_MAC):
        _check((len(frame) - 1).to_bytes(2, "big") + frame[2:] + b"\0")


def test_flipped_bit_anywhere():
    frame = bytearray(_answer())
    for i in range(8 * len(frame)):
        frame[i >> 3] ^= 1 << (i & 7)
        at = i >> 3
        code = E_ISO_FRAME if at < 13 else E_ISO_MISMATCH if at < 15 else E_ISO_MAC
        with raises(code):
            _check(frame)
        frame[i >> 3] ^= 1 << (i & 7)
    _check(frame)


def test_longest_answer():
    with raises(E_ISO_FRAME):
        _check(_framed(bytes(1012)))
    with raises(E_ISO_MISMATCH, 0):
        _check(_framed(bytes(1011)))
    with raises(E_ISO_FRAME):
        _check(_framed(b""))


@cases("6000030000", "6100000003", "6000000000")
def test_tpdu_of_somebody_else(tpdu):
    frame = _answer()
    with raises(E_ISO_FRAME):
        _check(frame[:2] + h(tpdu) + frame[7:])


@cases("0200", "0110", "0211", "0410")
def test_another_message_type(mti):
    with raises(E_ISO_MISMATCH, 0):
        _check(_answer(mti))


def test_own_request_sent_back():
    frame = _packed()
    with raises(E_ISO_MISMATCH, 0):
        _check(frame[:2] + h("6000000003") + frame[7:])


def test_mac_under_other_keys():
    # The next transaction's keys (A.4.2), and the request's key of this one
    other = Keys(h("FFFF9876543210E00002"), h("C46551CEF9FD24B0AA9AD834130D3BC7"))
    with raises(E_ISO_MAC):
        _check(_answer(keys=other))
    same = _keys()
    same.mac_response = same.mac_request
    with raises(E_ISO_MAC):
        _check(_answer(keys=same))


def test_no_mac_at_all():
    with raises(E_ISO_MAC):
        _check(_answer(_64=None))


def test_nothing_is_looked_at_before_the_mac():
    # Wrong STAN, wrong everything, no field 39: still only the MAC is wrong
    frame = bytearray(_answer(_11="000043", _4="000000000001", _39=None))
    frame[-1] ^= 1
    with raises(E_ISO_MAC):
        _check(frame)


@cases(
    (3, "200000"),
    (4, "000000001235"),
    (11, "000043"),
    (41, "MPOS0002"),
    (42, "104110058120002"),
    (49, "840"),
    (57, h("DF010A FFFF9876543210E00002 DF020101")),
    (57, h("DF010A" + _KSN + "DF020102")),
    (57, h("DF010A" + _KSN)),
)
def test_answer_to_another_request(number, value):
    with raises(E_ISO_MISMATCH, number):
        _check(_answer(**{f"_{number}": value}))


@cases(3, 4, 11, 37, 38, 39, 41, 42, 49, 57)
def test_field_that_an_approval_needs(number):
    with raises(E_ISO_FIELD, number):
        _check(_answer(**{f"_{number}": None}))


def _sealed(message):
    """Any bytes with a right MAC behind them."""
    mac = bytearray(8)
    x919_into(_keys().mac_response, message, mac)
    return _framed(message + mac)


@cases(
    ("0210 0000000000000001", E_ISO_FIELD, 3),
    ("0210 2000000000000001 00000F", E_ISO_FORMAT, 3),
    ("0210 2000000000000001 0000", E_ISO_LENGTH, 64),
    ("0210 4000000000000001 00", E_ISO_FIELD, 2),
    ("0210 0000000100000001 99", E_ISO_LENGTH, 32),
    ("0210 8000000000000001", E_ISO_FIELD, 1),
)
def test_sealed_but_unreadable(message, code, field):
    with raises(code, field):
        _check(_sealed(h(message)))


def test_garbage_ends_in_an_iso_error():
    state = 1
    for size in range(200):
        garbage = bytearray(size)
        for i in range(size):
            state = (state * 75 + 74) % 65537
            garbage[i] = state & 0xFF
        for frame in (garbage, _framed(garbage), _framed(b"\x02\x10" + garbage), _sealed(b"\x02\x10" + garbage)):
            try:
                _check(frame)
            except ReaderError as error:
                assert 600 < error.code < 700
            else:
                raise AssertionError(size)
