from reader.emv import track2
from reader.errors import E_EMV_DATA, E_TAG_FORMAT
from testing import cases, h, raises


# ISO/IEC 7813: PAN, separator, expiry, service code, discretionary data; F where the nibbles are odd
@cases(
    ("6212340000000018D3012201", 16),
    ("6212340000000018D30122010000000000", 16),
    ("6212340000000018D30122010000000000 0F", 16),
    ("6212340000000000018D301220100000000F", 19),
    ("62123400D3012201", 8),
)
def test_well_formed(text, digits):
    assert track2.check(h(text)) == digits


@cases(
    "",
    "6212340000000018",  # no separator
    "621234D3012201000000",  # PAN too short
    "62123400000000000018D30122010F",  # PAN of 20 digits
    "6212340000000018D301220F",  # service code cut off
    "6212340000000018A3012201",
    "6212340000000018D3012201000A",
    "6212340000000018D30122010D00",
    "6212340000000018D3012201FF",  # an F too many
    "62123400000F0018D3012201",
    "D30122010000000000",
    "FFFFFFFFFFFFFFFF",
)
def test_malformed(text):
    with raises(E_TAG_FORMAT, 0x57):
        track2.check(h(text))


@cases("6212340000000018", "6212340000000018FFFF", "6212340000000018FF")
def test_the_same_account(pan):
    track2.check_same_pan(h("6212340000000018D3012201"), h(pan))


@cases("6212340000000026", "62123400000000", "621234000000001F", "62123400000000180F")
def test_another_account(pan):
    with raises(E_EMV_DATA, 0x5A):
        track2.check_same_pan(h("6212340000000018D3012201"), h(pan))
