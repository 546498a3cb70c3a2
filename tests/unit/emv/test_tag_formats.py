from reader.emv import tag_formats
from reader.errors import E_TAG_FORMAT
from testing import cases, h, raises, requirement


# EMV 4.4 Book 3, Annex A: format and length of each
@requirement(
    "Book 3", "Annex A1", "A data object of the card is taken in the format and lengths of the data dictionary."
)
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
    (0x8E, ""),
    (0x8C, "9F0206"),
    (0x90, "00"),
    (0x92, ""),
    (0x9F0B, "4142434445464748494A4B4C4D4E4F505152535455565758595A20"),
    (0x9F20, "12345F"),
    (0x9F42, "0156"),
    (0x9F79, "000000012345"),
    (0x9F74, "454331323334"),
)
def test_what_a_card_sends(tag, value):
    row = tag_formats.row(tag)
    assert tag_formats.is_from(row, tag_formats.CARD)
    tag_formats.check(tag, row, h(value))


@requirement("Book 3", "4.3", "Format n has only decimal digits, format cn digits with trailing F.")
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
    (0x9F0D, "00000000"),
    (0x9F0B, "41"),
    (0x9F13, "00"),
    (0x9F17, ""),
    (0x9F20, "F1"),
    (0x9F25, "12A4"),
    (0x9F44, "0A"),
    (0x9F79, "00000001234A"),
    (0x57, "62123400000000"),
)
def test_what_is_refused(tag, value):
    with raises(E_TAG_FORMAT, tag):
        tag_formats.check(tag, tag_formats.row(tag), h(value))


@cases(0x9F02, 0x9F37, 0x95, 0x9F66, 0x9F34, 0x5F2A, 0x81, 0x9B, 0x9F45, 0x9F4C, 0x9F7A, 0x8A, 0x91)
def test_a_card_is_no_source_of_the_readers_and_the_issuers_own(tag):
    row = tag_formats.row(tag)
    assert not tag_formats.is_from(row, tag_formats.CARD)
    assert not tag_formats.is_from(row, tag_formats.CONTACTLESS)


@cases(0x89, 0x8A, 0x91, 0x9F18)
def test_the_issuers(tag):
    assert tag_formats.is_from(tag_formats.row(tag), tag_formats.ISSUER)


@cases(0x93, 0x8E, 0x8C, 0x9F49, 0x5F20, 0x9F0D, 0x9F78)
def test_a_contactless_kernel_does_not_keep_what_only_contact_needs(tag):
    row = tag_formats.row(tag)
    assert tag_formats.is_from(row, tag_formats.CARD) and not tag_formats.is_from(row, tag_formats.CONTACTLESS)


@cases(0x9F99, 0x70, 0x71, 0x86, 0xDF8129, 0x00, 0x5700, 0x0157, 0x5F9A, 0x9F8E, 0x5F82, 0x19F02)
def test_no_row(tag):
    assert tag_formats.row(tag) == tag_formats.UNKNOWN


def test_no_two_tags_have_one_row():
    # which tags these are, and in which order, tests/host/emv/test_tag_formats.py asks
    seen = []
    for high in (0, 0x5F, 0x9F):
        for low in range(256):
            row = tag_formats.row(high << 8 | low)
            if row != tag_formats.UNKNOWN:
                assert tag_formats._LAST[row // 3] == low
                seen.append(row)
    assert seen == list(range(0, len(tag_formats._ROWS), 3)) and len(seen) == len(tag_formats._LAST)
