from reader.emv import tag_formats
from reader.errors import E_TAG_FORMAT
from testing import cases, h, raises


# EMV 4.4 Book 3, Annex A: format and length of each
@cases(
    (0x5A, "6212340000000018"),
    (0x5A, "62123400000000001234"),
    (0x5A, "621234000000000012 3F"),
    (0x5F24, "301231"),
    (0x5F34, "01"),
    (0x82, "2000"),
    (0x94, "08010100"),
    (0x9F10, "07010103A00000 01"),
    (0x9F26, "0011223344556677"),
    (0x9F36, "0001"),
    (0x84, "A000000333"),
)
def test_what_a_card_sends(tag, value):
    row = tag_formats.row(tag)
    assert tag_formats.from_card(row)
    tag_formats.check(tag, row, h(value))


@cases(
    (0x5A, "621234"),
    (0x5A, "6212340000000000123400"),
    (0x5A, "62123400000000F8"),
    (0x5A, "FFFFFFFF"),
    (0x5F24, "3012"),
    (0x5F24, "30123A"),
    (0x5F34, ""),
    (0x5F34, "0B"),
    (0x5F34, "0001"),
    (0x82, "20"),
    (0x82, "200000"),
    (0x84, "A0000003"),
    (0x9F10, ""),
    (0x9F26, "00112233445566"),
    (0x9F27, ""),
    (0x9F36, "000001"),
    (0x9F6C, "00"),
    (0x57, "62123400000000"),
)
def test_what_is_refused(tag, value):
    with raises(E_TAG_FORMAT, tag):
        tag_formats.check(tag, tag_formats.row(tag), h(value))


@cases(0x9F02, 0x9F37, 0x95, 0x9F66, 0x9F34, 0x5F2A)
def test_a_card_is_no_source_of_the_readers_own(tag):
    assert not tag_formats.from_card(tag_formats.row(tag))


@cases(0x9F99, 0x70, 0x90, 0xDF8129, 0x00, 0x5700, 0x0157)
def test_no_row(tag):
    assert tag_formats.row(tag) == tag_formats.UNKNOWN


def test_bytes_across_two_columns_are_no_tag():
    rows = tag_formats._ROWS
    tags = [rows[at] << 8 | rows[at + 1] for at in range(0, len(rows), 5)]
    across = 0
    for at in range(len(rows) - 1):
        pair = rows[at] << 8 | rows[at + 1]
        if at % 5 and pair not in tags:
            across += 1
            assert tag_formats.row(pair) == tag_formats.UNKNOWN, hex(pair)
    assert across
    for i in range(len(tags)):
        assert tag_formats.row(tags[i]) == 5 * i, hex(tags[i])
    assert tag_formats.row(tags[-1] | 0x10000) == tag_formats.UNKNOWN
