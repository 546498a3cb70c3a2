from reader.errors import E_TAG_DUPLICATE, E_TAG_MISSING, E_TLV, ReaderError
from reader.util import ber_tlv
from reader.util.ber_tlv import Writer
from testing import cases, h, raises


# ISO/IEC 8825-1 (X.690), 8.1.3.4 and 8.1.3.5: L = 38 is 26, L = 201 is 81 C9. EMV 4.4 Book 3, Annex B2: up to 3 bytes
@cases(
    ("26", 38, 1),
    ("81C9", 201, 2),
    ("00", 0, 1),
    ("7F", 127, 1),
    ("8180", 128, 2),
    ("81FF", 255, 2),
    ("820100", 256, 3),
    ("82FFFF", 65535, 3),
    ("8105", 5, 2),
    ("820005", 5, 3),
)
def test_lengths(coded, length, size):
    assert ber_tlv.read_length(h(coded), 0) == (length, size)


@cases("", "80", "81", "82", "8201", "83000001", "8400000001", "FF")
def test_a_length_that_is_none(coded):
    with raises(E_TLV):
        ber_tlv.read_length(h(coded), 0)


# EMV 4.4 Book 3, Annex B1: one byte, two bytes; three bytes as proprietary data objects have them
@cases(("5A", 0x5A, 1), ("9F02", 0x9F02, 2), ("BF0C", 0xBF0C, 2), ("DF8129", 0xDF8129, 3), ("5F2A", 0x5F2A, 2))
def test_tags(coded, tag, size):
    assert ber_tlv.read_tag(h(coded), 0) == (tag, size)


@cases("", "9F", "9F80", "9F8001", "9F81", "DF8181", "DF818101", "1F", "BF")
def test_a_tag_that_is_none(coded):
    with raises(E_TLV):
        ber_tlv.read_tag(h(coded), 0)


@cases(
    (0x6F, True),
    (0x70, True),
    (0x77, True),
    (0xA5, True),
    (0xBF0C, True),
    (0x5A, False),
    (0x9F02, False),
    (0xDF8129, False),
    (0xFF8129, True),
)
def test_templates_are_told_by_bit_6(tag, constructed):
    assert ber_tlv.is_constructed(tag) is constructed


def test_objects_of_one_level():
    found = list(ber_tlv.objects(h("5F3401019F0206000000012345 8200")))
    assert found == [(0x5F34, h("01")), (0x9F02, h("000000012345")), (0x82, b"")]


# EMV 4.4 Book 3, Annex B1: 00 before, between and after data objects is padding
@cases("00 5F340101 82021980", "5F340101 0000 82021980", "5F340101 82021980 00", "00 00 5F340101 00 82021980 00 00 00")
def test_padding_is_passed_over(text):
    assert list(ber_tlv.objects(h(text))) == [(0x5F34, h("01")), (0x82, h("1980"))]


def test_padding_alone_holds_nothing():
    assert list(ber_tlv.objects(bytes(5))) == []
    assert list(ber_tlv.objects(b"")) == []


def test_ff_is_no_padding():
    with raises(E_TLV):
        list(ber_tlv.objects(h("FFFF5F340101")))


def _fci():
    # lengths computed, not typed
    entry = h("4F08A000000333010101 870101 9F2A0107 5003515042")
    directory = h("61") + bytes((len(entry),)) + entry
    inner = h("BF0C") + bytes((len(directory),)) + directory
    proprietary = h("A5") + bytes((len(inner),)) + inner
    body = h("840E325041592E5359532E4444463031") + proprietary
    return h("6F") + bytes((len(body),)) + body


def test_a_path_through_templates():
    fci = _fci()
    assert ber_tlv.find(fci, 0x6F, 0x84) == b"2PAY.SYS.DDF01"
    assert ber_tlv.find(fci, 0x6F, 0xA5, 0xBF0C, 0x61, 0x87) == h("01")
    assert ber_tlv.find(fci, 0x6F, 0xA5, 0xBF0C, 0x61, 0x88) is None
    assert ber_tlv.find(fci, 0x6F, 0xA4, 0xBF0C) is None
    assert ber_tlv.need(fci, 0x6F, 0xA5, 0xBF0C, 0x61, 0x50) == b"QPB"
    with raises(E_TAG_MISSING, 0x9F38):
        ber_tlv.need(fci, 0x6F, 0xA5, 0x9F38)
    ber_tlv.check(fci)


def test_a_value_is_a_view_and_no_copy():
    buf = bytearray(h("840105"))
    value = ber_tlv.find(buf, 0x84)
    buf[2] = 7
    assert value[0] == 7


def test_cut_at_every_byte():
    fci = _fci()
    for n in range(1, len(fci)):
        with raises(E_TLV):
            ber_tlv.check(fci[:n])
        with raises(E_TLV):
            ber_tlv.find(fci[:n], 0x6F, 0xA5, 0xBF0C, 0x61, 0x87)


def test_an_inner_object_that_reaches_out_of_its_template():
    with raises(E_TLV):
        ber_tlv.find(h("6F03 8402AA BB"), 0x6F, 0x84)


def test_twice_the_same_tag_on_a_path():
    with raises(E_TAG_DUPLICATE, 0x84):
        ber_tlv.find(h("84010184 0102"), 0x84)
    # elsewhere it is nobody's business here
    assert ber_tlv.find(h("840101 840102 870103"), 0x87) == h("03")


def _nested(depth):
    coded = b""
    for _ in range(depth):
        coded = h("70") + bytes((len(coded),)) + coded
    return coded


def test_depth_at_the_bound_and_beyond():
    ber_tlv.check(_nested(ber_tlv.DEPTH_MOST - 1))
    with raises(E_TLV):
        ber_tlv.check(_nested(ber_tlv.DEPTH_MOST))
    path = [0x70] * ber_tlv.DEPTH_MOST
    assert ber_tlv.find(_nested(ber_tlv.DEPTH_MOST), *path) == b""
    with raises(E_TLV):
        ber_tlv.find(_nested(20), *([0x70] * (ber_tlv.DEPTH_MOST + 1)))


def test_one_object_that_is_all():
    assert ber_tlv.only(h("7003 820100"), 0x70) == h("820100")
    assert ber_tlv.only(h("00 7003 820100 00"), 0x70) == h("820100")


@cases("", "00", "7703820100", "7003820100 7700", "7004820100", "70038201")
def test_not_the_one_object(text):
    with raises(E_TLV):
        ber_tlv.only(h(text), 0x70)


@cases(
    (0x5A, 0, "5A00"),
    (0x9F02, 6, "9F0206"),
    (0x9F4B, 127, "9F4B7F"),
    (0x9F4B, 128, "9F4B8180"),
    (0x90, 255, "9081FF"),
    (0x90, 256, "90820100"),
    (0xDF8129, 1, "DF812901"),
)
def test_the_writer(tag, length, head):
    out = bytearray(300)
    writer = Writer(out).put(tag, bytes([0xAB] * length))
    assert writer.length == ber_tlv.size_of(tag, length) == len(h(head)) + length
    assert out[: writer.length] == h(head) + bytes([0xAB] * length)
    assert list(ber_tlv.objects(memoryview(out)[: writer.length])) == [(tag, bytes([0xAB] * length))]


def test_the_writer_at_its_bound():
    out = bytearray(6)
    writer = Writer(out).put(0x82, h("1980"))
    with raises(E_TLV):
        writer.put(0x82, h("1980"))
    assert writer.length == 4 and out == h("820219800000")
    writer.put(0x84, b"")
    assert writer.length == 6
    with raises(E_TLV):
        writer.put(0x84, b"")


def test_the_writer_refuses_what_it_cannot_code():
    with raises(E_TLV):
        Writer(bytearray(20)).put(0x1FFFFFF, b"")
    with raises(E_TLV):
        Writer(bytearray(8)).put(0x84, bytes(65536))


def _xorshift(state):
    state ^= state << 13 & 0xFFFFFFFF
    state ^= state >> 17
    return (state ^ state << 5) & 0xFFFFFFFF


def test_whatever_comes_the_parser_ends_and_raises_nothing_but_its_own():
    state = 0x2545F491
    good = 0
    fci = _fci()
    for i in range(3000):
        state = _xorshift(state)
        if i & 1:
            # a real FCI with a few bytes changed gets further in than noise does
            data = bytearray(fci)
            for _ in range(1 + state % 3):
                state = _xorshift(state)
                data[state % len(data)] = state >> 16 & 0xFF
        else:
            data = bytearray(state % 40)
            for j in range(len(data)):
                state = _xorshift(state)
                data[j] = state >> 11 & 0xFF
        try:
            ber_tlv.check(data)
            ber_tlv.find(data, 0x6F, 0xA5, 0xBF0C, 0x61, 0x4F)
            good += 1
        except ReaderError as error:
            assert error.code in (E_TLV, E_TAG_DUPLICATE), error.code
    assert 100 < good < 2900, good
