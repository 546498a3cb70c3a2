from reader.emv import tag_formats
from reader.emv.data import DataStore
from reader.errors import E_DATA_FULL, E_TAG_DUPLICATE, E_TAG_FORMAT, E_TAG_MISSING
from testing import h, raises, requirement


def test_what_is_put_is_found():
    data = DataStore(64)
    data.put(0x9F37, h("01020304"))
    assert data.put_card(0x5F34, h("01"))
    assert data.get(0x9F37) == h("01020304")
    assert data.need(0x5F34) == h("01")
    assert data.get(0x82) is None
    with raises(E_TAG_MISSING, 0x82):
        data.need(0x82)


def test_a_copy_is_kept():
    source = bytearray(h("2000"))
    data = DataStore(64)
    data.put_card(0x82, source)
    source[0] = 0xFF
    assert data.get(0x82) == h("2000")


def test_twice_is_refused_from_either_side():
    data = DataStore(64)
    data.put_card(0x82, h("2000"))
    with raises(E_TAG_DUPLICATE, 0x82):
        data.put_card(0x82, h("2000"))
    with raises(E_TAG_DUPLICATE, 0x82):
        data.put(0x82, h("2000"))


@requirement("Book 3", "10.2", "A data object that the card is no source of is ignored when the card sends it.")
def test_a_card_cannot_bring_the_readers_data_objects():
    data = DataStore(64)
    assert data.put_card(0x9F02, h("000000000001")) is False
    assert data.get(0x9F02) is None
    data.put(0x9F02, h("000000012345"))
    assert data.put_card(0x9F02, h("000000000001")) is False
    assert data.get(0x9F02) == h("000000012345")


def test_the_unknown_of_a_card_is_ignored_and_of_the_reader_refused():
    data = DataStore(64)
    assert data.put_card(0x9F7D, h("00")) is False
    assert data.put_card(0xDF8129, h("00")) is False
    with raises(E_TAG_FORMAT, 0x9F7D):
        data.put(0x9F7D, h("00"))
    assert data.used == 0


def test_a_value_of_the_wrong_format_changes_nothing():
    data = DataStore(64)
    with raises(E_TAG_FORMAT, 0x5F24):
        data.put_card(0x5F24, h("30123F"))
    assert data.used == 0


def test_the_bound():
    data = DataStore(7 + 5)
    data.put(0x9F37, h("01020304"))
    data.put_card(0x82, h("2000"))
    assert data.used == 12
    with raises(E_DATA_FULL, 0x5F34):
        data.put_card(0x5F34, h("01"))
    one_short = DataStore(6)
    with raises(E_DATA_FULL, 0x9F37):
        one_short.put(0x9F37, h("01020304"))
    assert one_short.used == 0


def test_set_puts_and_replaces():
    data = DataStore(64)
    data.set(0x9F36, h("0001"))
    data.put_card(0x82, h("2000"))
    view = data.get(0x9F36)
    data.set(0x9F36, h("0002"))
    assert view == h("0002") and data.used == 10
    data.set(0x9F10, h("0102"))
    old = data.get(0x9F10)
    data.set(0x9F10, h("030405"))
    assert data.get(0x9F10) == h("030405") and old == bytes(2) and data.get(0x82) == h("2000")
    with raises(E_TAG_DUPLICATE, 0x9F10):
        data.put(0x9F10, h("01"))


def test_what_set_refuses_leaves_the_old_one():
    data = DataStore(10)
    data.set(0x9F41, h("0001"))
    with raises(E_TAG_FORMAT, 0x9F41):
        data.set(0x9F41, h("00"))
    with raises(E_DATA_FULL, 0x9F41):
        data.set(0x9F41, h("000002"))
    with raises(E_TAG_FORMAT, 0x9F7D):
        data.set(0x9F7D, h("00"))
    assert data.get(0x9F41) == h("0001")


def test_dropped_is_overwritten_and_may_come_again():
    data = DataStore(64)
    data.put_card(0x9F4B, h("AABBCC"))
    data.put_card(0x82, h("2000"))
    view = data.get(0x9F4B)
    data.drop(0x9F4B)
    data.drop(0x9F4B)
    data.drop(0x9F4A)
    assert view == bytes(3) and data.get(0x9F4B) is None and data.get(0x82) == h("2000")
    assert data.put_card(0x9F4B, h("DD"))
    assert data.get(0x9F4B) == h("DD")


def test_what_a_record_may_bring():
    data = DataStore(64)
    assert data.put_card(0x9F26, bytes(8), tag_formats.RECORD) is False
    assert data.put_card(0x9F36, h("0001"), tag_formats.CONTACTLESS)
    assert data.put_card(0x5F34, h("01"), tag_formats.RECORD)
    assert data.put_card(0x9F0D, bytes(5), tag_formats.CONTACTLESS) is False
    assert data.put_card(0x9F0D, bytes(5), tag_formats.RECORD)


@requirement("Book 3", "10.10", "What the host's answer brings is kept only where the issuer is its source.")
def test_the_issuer_brings_only_its_own():
    data = DataStore(64)
    assert data.put_issuer(0x8A, b"00") and data.put_issuer(0x91, bytes(10))
    assert data.put_issuer(0x9F27, h("40")) is False and data.put_issuer(0x9F02, bytes(6)) is False
    assert data.put_card(0x91, bytes(8)) is False
    with raises(E_TAG_FORMAT, 0x9F18):
        data.put_issuer(0x9F18, bytes(3))
    with raises(E_TAG_DUPLICATE, 0x8A):
        data.put_issuer(0x8A, b"05")


def test_tags_that_end_alike():
    data = DataStore(64)
    data.put_card(0x9F57 & 0xFF, h("6212340000000018D30122010000000000"))
    assert data.get(0x5F57) is None and data.get(0x9F57) is None and data.get(0x10057) is None
    data.put(0x5F57, h("00"))
    assert data.get(0x5F57) == h("00") and len(data.get(0x57)) == 17


def test_the_longest_value():
    data = DataStore(255)
    data.put_card(0x8E, bytes(252))
    assert len(data.get(0x8E)) == 252
    with raises(E_TAG_FORMAT, 0x8C):
        DataStore(300).put_card(0x8C, bytes(253))


def test_wiped_is_overwritten():
    data = DataStore(64)
    data.put_card(0x57, h("6212340000000018D30122010000000000"))
    view = data.get(0x57)
    data.wipe()
    assert bytes(view) == bytes(17)
    assert data.get(0x57) is None and data.used == 0
    assert data.put_card(0x57, h("6212340000000018D30122010000000000"))


def test_a_copy_is_restored():
    data = DataStore(64)
    data.put(0x9F02, h("000000012345"))
    data.put_card(0x82, h("2000"))
    until = data.used
    kept = data.copy(until, bytearray(200))
    data.put_card(0x9F36, h("0001"))
    data.set(0x9F02, h("000000000001"))
    other = DataStore(until)
    other.restore(kept)
    assert other.get(0x9F02) == h("000000012345") and other.get(0x82) == h("2000")
    assert other.get(0x9F36) is None and other.used == until
    # what was there before is gone, and what came after the copy may come again
    data.restore(kept)
    assert data.get(0x9F36) is None and data.used == until
    assert data.put_card(0x9F36, h("0001"))


def test_a_copy_that_does_not_fit():
    data = DataStore(64)
    data.put(0x9F02, h("000000012345"))
    with raises(E_DATA_FULL, 0x9F02):
        DataStore(data.used - 1).restore(data.copy(data.used, bytearray(200)))
    nothing = DataStore(8)
    nothing.restore(data.copy(0, bytearray(1)))
    assert nothing.used == 0
