"""The sign-in's request and answer: nothing but the right answer comes through."""

from reader.errors import E_ISO_FIELD, E_ISO_FORMAT, E_ISO_FRAME, E_ISO_LENGTH, E_ISO_MISMATCH, ReaderError
from reader.iso8583 import codec, sign_in
from reader.iso8583.dialects import unionpay_pos
from testing import cases, h, raises


class _Host:
    tpdu = h("6000030000")
    header = h("603100310000")
    terminal_id = "MPOS0001"
    merchant_id = "104110058120001"
    batch = 1


def _framed(message):
    return (len(message) + 11).to_bytes(2, "big") + h("6000000003 603100310000") + message


def _answer(mti="0810", **changes):
    fields = {
        11: "000042",
        12: "150926",
        13: "0314",
        32: "00000104",
        37: "000000000042",
        39: "00",
        41: "MPOS0001",
        42: "104110058120001",
        60: "00000001004",
        62: bytes(range(60)),
    }
    for name, value in changes.items():
        number = int(name[1:])
        if value is None:
            del fields[number]
        else:
            fields[number] = value
    out = bytearray(1024)
    return _framed(bytes(out[: codec.pack(unionpay_pos, mti, fields, out)]))


def test_request_byte_by_byte():
    out = bytearray(1024)
    n = sign_in.pack(_Host, 42, out)
    assert out[:n] == (
        h("003C 6000030000 603100310000 0800 0020000000C00012")  # fields 11 41 42 60 63
        + h("000042")
        + b"MPOS0001104110058120001"
        + h("0011 000000010040")
        + h("0003")
        + b"01 "
    )


def test_request_needs_its_room():
    out = bytearray(1024)
    n = sign_in.pack(_Host, 42, out)
    for room in range(n):
        with raises(E_ISO_LENGTH):
            sign_in.pack(_Host, 42, bytearray(room))
    assert sign_in.pack(_Host, 42, bytearray(n)) == n


def test_answer():
    code, sent = sign_in.unpack(_Host, 42, _answer())
    assert code == "00" and bytes(sent) == bytes(range(60))


def test_a_no():
    code, sent = sign_in.unpack(_Host, 42, _answer(_39="97", _62=None))
    assert code == "97" and not sent


@cases(
    ({"_11": "000043"}, E_ISO_MISMATCH, 11),
    ({"_11": None}, E_ISO_FIELD, 11),
    ({"_41": "MPOS0002"}, E_ISO_MISMATCH, 41),
    ({"_41": None}, E_ISO_FIELD, 41),
    ({"_42": "104110058120002"}, E_ISO_MISMATCH, 42),
    ({"_60": "00000001003"}, E_ISO_MISMATCH, 60),
    ({"_60": "00000002004"}, E_ISO_MISMATCH, 60),
    ({"_39": None}, E_ISO_FIELD, 39),
    ({"_62": None}, E_ISO_FIELD, 62),
    ({"mti": "0800"}, E_ISO_MISMATCH, 0),
    ({"mti": "0210"}, E_ISO_MISMATCH, 0),
)
def test_another_answer(changes, code, field):
    with raises(code, field):
        sign_in.unpack(_Host, 42, _answer(**changes))


def test_truncated_at_every_byte():
    frame = _answer()
    for size in range(len(frame)):
        with raises(E_ISO_FRAME):
            sign_in.unpack(_Host, 42, frame[:size])
        if size > 13:
            try:
                sign_in.unpack(_Host, 42, (size - 2).to_bytes(2, "big") + frame[2:size])
            except ReaderError as error:
                assert error.code in (E_ISO_LENGTH, E_ISO_FORMAT, E_ISO_FIELD), error.code
            else:
                raise AssertionError("a part of it was taken")
