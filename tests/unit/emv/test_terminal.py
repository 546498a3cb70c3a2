from reader.emv.contactless.pre_processing import Preprocessed
from reader.emv.data import DataStore
from reader.emv.terminal import contact_data_into, contactless_data_into
from reader.errors import E_DATA_FULL, E_ENTROPY
from reader.storage.parameters_file import load
from testing import FixedEntropy, h, path, raises, requirement

_TIME = (2026, 3, 14, 15, 9, 26)


def _fill(data, entropy, sequence=42):
    parameters = load(path("boards/unix/parameters.json"))
    tx = Preprocessed(12345, 156, _TIME, sequence, 0, 1)
    contactless_data_into(data, parameters.terminal, parameters.contactless[0], h("22804000"), tx, entropy)


def test_every_data_object_of_the_reader():
    data = DataStore(512)
    _fill(data, FixedEntropy(h("A1B2C3D4")))
    # EMV 4.4 Book 4, Annex A1, and the configuration file of the unix board
    for tag, value in (
        (0x9F02, "000000012345"),
        (0x9F03, "000000000000"),
        (0x5F2A, "0156"),
        (0x5F36, "02"),
        (0x9A, "260314"),
        (0x9F21, "150926"),
        (0x9C, "00"),
        (0x9F41, "00000042"),
        (0x95, "0000000000"),
        (0x9F66, "22804000"),
        (0x9F06, "A000000333010101"),
        (0x9F09, "0030"),
        (0x9F1A, "0156"),
        (0x9F33, "E0F8C8"),
        (0x9F35, "22"),
        (0x9F15, "5999"),
        (0x9F37, "A1B2C3D4"),
    ):
        assert data.get(tag) == h(value), hex(tag)
    assert data.get(0x9F1E) == b"00000001"
    assert data.get(0x9F1C) == b"MPOS0001"
    assert len(data.get(0x9F40)) == 5 and len(data.get(0x9F16)) == 15 and data.get(0x9F4E)


def test_electronic_cash_is_of_use_where_the_issuer_need_not_be_asked():
    parameters = load(path("boards/unix/parameters.json"))
    for ttq, support in (("22804000", b"\x00"), ("22004000", b"\x01")):
        data = DataStore(512)
        tx = Preprocessed(12345, 156, _TIME, 42, 0, 1)
        entropy = FixedEntropy(bytes(4))
        contactless_data_into(data, parameters.terminal, parameters.contactless[0], h(ttq), tx, entropy)
        assert data.get(0x9F7A) == support


class _Application:
    aid = h("A000000333010101")
    version = h("0030")
    floor_limit = 10000
    ec_limit = 100000


class _Tx:
    amount = 12345
    amount_other = 500
    currency = 156
    time = _TIME
    sequence = 42
    transaction_type = 9


def _contact(data, application, electronic_cash=False, tx=_Tx):
    parameters = load(path("boards/unix/parameters.json"))
    contact_data_into(data, parameters.terminal, application, tx, FixedEntropy(h("A1B2C3D4")), electronic_cash)


@requirement("Book 4", "Annex A1", "The reader's own data objects have the formats and lengths of the data dictionary.")
@requirement("Book 3", "6.1.1", "Amounts are there as decimal digits and as binary numbers.")
def test_by_contact():
    data = DataStore(512)
    _contact(data, _Application())
    for tag, value in (
        (0x9F02, "000000012345"),
        (0x9F03, "000000000500"),
        (0x81, "00003039"),
        (0x9F04, "000001F4"),
        (0x9C, "09"),
        (0x95, "0000000000"),
        (0x9B, "0000"),
        (0x9F06, "A000000333010101"),
        (0x9F09, "0030"),
        (0x9F1B, "00002710"),
        (0x9F39, "05"),
        (0x9F37, "A1B2C3D4"),
        (0x9F7A, "00"),
        (0x9F7B, "000000100000"),
    ):
        assert data.get(tag) == h(value), hex(tag)
    # the qualifiers are the contactless kernels'
    assert data.get(0x9F66) is None


def test_electronic_cash_by_contact():
    data = DataStore(512)
    _contact(data, _Application(), True)
    assert data.get(0x9F7A) == h("01")
    application = _Application()
    application.ec_limit = None
    data.wipe()
    _contact(data, application)
    assert data.get(0x9F7B) is None


def test_what_four_bytes_do_not_hold():
    class Much(_Tx):
        amount = 999999999999

    class Most(_Tx):
        amount = 4294967295

    data = DataStore(512)
    _contact(data, _Application(), tx=Much)
    assert data.get(0x9F02) == h("999999999999") and data.get(0x81) is None
    data.wipe()
    _contact(data, _Application(), tx=Most)
    assert data.get(0x81) == h("FFFFFFFF")


def test_the_sequence_wraps_at_eight_digits():
    data = DataStore(512)
    _fill(data, FixedEntropy(bytes(4)), 100000007)
    assert data.get(0x9F41) == h("00000007")


def test_no_entropy_no_transaction():
    with raises(E_ENTROPY):
        _fill(DataStore(512), FixedEntropy(None))


def test_too_small_a_store():
    with raises(E_DATA_FULL):
        _fill(DataStore(64), FixedEntropy(bytes(4)))
