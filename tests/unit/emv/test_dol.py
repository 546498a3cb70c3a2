from reader.emv import dol
from reader.emv.data import DataStore
from reader.errors import E_DOL, ReaderError
from testing import cases, h, raises, requirement

# The PDOL of PBOC's quick debit/credit cards, JR/T 0025.12
_PDOL = "9F6604 9F0206 9F0306 9F1A02 9505 5F2A02 9A03 9C01 9F3704"


def _data():
    data = DataStore(256)
    for tag, value in (
        (0x9F66, "2280 4000"),
        (0x9F02, "000000012345"),
        (0x9F03, "000000000000"),
        (0x9F1A, "0156"),
        (0x95, "0000000000"),
        (0x5F2A, "0156"),
        (0x9A, "260314"),
        (0x9C, "00"),
        (0x9F37, "A1B2C3D4"),
        (0x9F4E, "4D504F53"),
    ):
        data.put(tag, h(value))
    data.put_card(0x5A, h("6212340000000018"))
    return data


def _build(text):
    out = bytearray(b"\xee" * 64)
    n = dol.build_into(h(text), _data(), out)
    assert bytes(out[n:]) == b"\xee" * (64 - n)
    return bytes(out[:n])


def test_the_pdol_of_qpboc():
    assert dol.length_of(h(_PDOL)) == 33
    assert _build(_PDOL) == h("22804000 000000012345 000000000000 0156 0000000000 0156 260314 00 A1B2C3D4")


# EMV 4.4 Book 3, 5.4: the rules of truncation and padding
@requirement(
    "Book 3",
    "5.4",
    "A numeric value too long for its entry loses its leftmost bytes, one too short gets leading zeros.",
)
@requirement("Book 3", "5.4", "A value of another format too long for its entry loses its rightmost bytes.")
@requirement(
    "Book 3", "5.4", "A compressed numeric value too short for its entry gets trailing F, any other trailing zeros."
)
@requirement(
    "Book 3", "5.4", "A data object that is not known, or has no value, is answered with zeros, and so is a template."
)
@cases(
    ("9F0203", "012345"),  # n: the leftmost bytes go
    ("9F0208", "0000000000012345"),  # n: leading zeros
    ("9F1A01", "56"),
    ("9F3702", "A1B2"),  # b: the rightmost bytes go
    ("9F3706", "A1B2C3D40000"),  # b: trailing zeros
    ("9F4E06", "4D504F530000"),  # an: trailing zeros
    ("5A04", "62123400"),  # cn: the rightmost bytes go
    ("5A0A", "6212340000000018FFFF"),  # cn: trailing F
    ("9F7A01", "00"),  # not known: zeros
    ("DF812902", "0000"),
    ("BF0C03", "000000"),  # a template: zeros
    ("9F3605", "0000000000"),  # known, but without a value
    ("9F0200", ""),
    ("", ""),
)
def test_the_rules(text, value):
    assert _build(text) == h(value)


# openemv emv-utils, tests/emv_dol_test.c
_CDOL1 = "9F0206 9F0306 9F1A02 9505 5F2A02 9A03 9C01 9F3704"


@requirement("Book 3", "5.4", "A data object list is answered with the values alone, in its order.")
def test_openemv_exact_lengths():
    entries = ((0x9F02, 6), (0x9F03, 6), (0x9F1A, 2), (0x95, 5), (0x5F2A, 2), (0x9A, 3), (0x9C, 1), (0x9F37, 4))
    assert tuple(dol.entries(h(_CDOL1))) == entries
    assert dol.length_of(h(_CDOL1)) == 6 + 6 + 2 + 5 + 2 + 3 + 1 + 4
    values = "000123456789 000987654321 0528 1234554321 0978 240217 09 DEADBEEF"
    assert _openemv(_CDOL1) == h(values)


@cases("9F0206 9F0306 9F1A02 95", "9F0206 9F0306 9F1A02 9505 5F2A02 9A03 9C01 9F37")
def test_openemv_cut_off(text):
    with raises(E_DOL):
        dol.length_of(h(text))


def test_openemv_differing_lengths():
    text = "9F0203 9F0307 9F1A02 9506 5F2A02 9A00 9C03 9F3703 5A05 9F2005 9F1908"
    assert _openemv(text) == h(
        "456789 00000987654321 0528 123455432100 0978 000009 DEADBE 6212340000 12345FFFFF 0000654321012345"
    )


def _openemv(text):
    data = DataStore(256)
    for tag, value in (
        (0x9C, "09"),
        (0x9A, "240217"),
        (0x5F2A, "0978"),
        (0x9F02, "000123456789"),
        (0x9F03, "000987654321"),
        (0x9F1A, "0528"),
        (0x95, "1234554321"),
        (0x9F37, "DEADBEEF"),
        (0x9F20, "12345F"),
        (0x9F19, "654321012345"),
        (0x5A, "621234000000087F"),
    ):
        data.put(tag, h(value))
    out = bytearray(64)
    return bytes(out[: dol.build_into(h(text), data, out)])


def test_what_is_asked_for():
    assert dol.asks_for(h(_PDOL), 0x9F66)
    assert dol.asks_for(h(_PDOL), 0x9F37)
    assert not dol.asks_for(h(_PDOL), 0x9F38)
    # a length byte that looks like a tag is none
    assert not dol.asks_for(h("9F025A"), 0x5A)


def test_cut_at_every_byte():
    whole = h(_PDOL)
    boundaries = (3, 6, 9, 12, 14, 17, 19, 21, 24)
    for n in range(1, len(whole)):
        if n in boundaries:
            assert dol.length_of(whole[:n]) < 33
            continue
        with raises(E_DOL):
            dol.length_of(whole[:n])


@requirement("Book 3", "5.4", "The length of an entry is one byte, up to 255, and no BER-TLV length.")
@cases(("9F4E7F", 127), ("9F4E80", 128), ("9F4E81", 129), ("9F4EFF", 255), ("9F4E829C01", 131))
def test_a_long_entry(text, length):
    out = bytearray(b"\xee" * 256)
    assert dol.length_of(h(text)) == length
    assert dol.build_into(h(text), _data(), out) == length
    assert out[:5] == h("4D504F5300")
    assert not any(out[4:length]) and out[length] == (0xEE)


@requirement("Book 3", "5.4", "A list whose last entry is cut off is no list.")
@cases("9F02", "9F", "9F028106", "00", "0001", "9F800101", "DF81818101")
def test_malformed(text):
    for function in (dol.length_of, lambda d: dol.asks_for(d, 0x9F66)):
        with raises(E_DOL):
            function(h(text))
    with raises(E_DOL):
        _build(text)


def test_longer_than_the_room_there_is():
    out = bytearray(6)
    assert dol.build_into(h("9F0206"), _data(), out) == 6
    with raises(E_DOL):
        dol.build_into(h("9F0207"), _data(), out)
    with raises(E_DOL):
        dol.build_into(h("9F02069C01"), _data(), out)


def test_whatever_comes():
    state = 0x1234ABCD
    data = _data()
    good = 0
    out = bytearray(252)
    for _ in range(2000):
        text = bytearray(1 + (state >> 8) % 12)
        for j in range(len(text)):
            state ^= state << 13 & 0xFFFFFFFF
            state ^= state >> 17
            state = (state ^ state << 5) & 0xFFFFFFFF
            text[j] = state >> 11 & 0xFF
        try:
            dol.build_into(text, data, out)
            good += 1
        except ReaderError as error:
            assert error.code == E_DOL
    assert 10 < good < 1990, good
