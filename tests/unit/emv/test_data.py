from reader.emv.data import DataStore
from reader.errors import E_DATA_FULL, E_TAG_DUPLICATE, E_TAG_FORMAT, E_TAG_MISSING
from testing import h, raises


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


def test_wiped_is_overwritten():
    data = DataStore(64)
    data.put_card(0x57, h("6212340000000018D30122010000000000"))
    view = data.get(0x57)
    data.wipe()
    assert bytes(view) == bytes(17)
    assert data.get(0x57) is None and data.used == 0
    assert data.put_card(0x57, h("6212340000000018D30122010000000000"))
