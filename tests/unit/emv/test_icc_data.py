from reader.emv.data import DataStore
from reader.emv.icc_data import icc_data_into
from reader.errors import E_TLV
from testing import h, raises


def test_order_and_presence():
    data = DataStore(256)
    # put in another order than the host's
    for tag, value in ((0x9F41, "00000042"), (0x9A, "260314"), (0x9F02, "000000012345"), (0x9F37, "A1B2C3D4")):
        data.put(tag, h(value))
    for tag, value in ((0x84, "A000000333010101"), (0x9F26, "0011223344556677"), (0x82, "2000")):
        assert data.put_card(tag, h(value))
    out = bytearray(255)
    n = icc_data_into(data, out)
    assert bytes(out[:n]) == h(
        "9F2608 0011223344556677 9F3704 A1B2C3D4 9A03 260314 9F0206 000000012345 8202 2000"
        "8408 A000000333010101 9F4104 00000042"
    )


def test_account_data_stay_out():
    data = DataStore(256)
    data.put_card(0x57, h("6212340000000018D30122010000000000"))
    data.put_card(0x5A, h("6212340000000018"))
    data.put_card(0x5F24, h("301231"))
    data.put_card(0x5F34, h("01"))
    out = bytearray(255)
    assert icc_data_into(data, out) == 0


def test_too_small_a_buffer():
    data = DataStore(256)
    data.put_card(0x9F26, h("0011223344556677"))
    assert icc_data_into(data, bytearray(11)) == 11
    with raises(E_TLV):
        icc_data_into(data, bytearray(10))
