"""The account: masked and encrypted, and what no track may look like."""

from cryptolib import aes

from reader.app import account
from reader.crypto.des import Des3
from reader.dukpt.aes import AesKeys
from reader.dukpt.tdes_keys import TdesKeys
from reader.emv.data import DataStore
from reader.errors import E_TAG_FORMAT, E_TAG_MISSING
from testing import FixedEntropy, cases, h, raises, requirement

_KEY = h("0123456789ABCDEFFEDCBA9876543210")


_PIN_KEY = h("042666B49184CFA368DE9628D0397BC9")
_Keys = TdesKeys(1, b"", bytearray(_PIN_KEY), bytearray(_KEY), bytearray(16), bytearray(16))


def _data(track, sequence=None):
    data = DataStore(200)
    data.put(0x57, h(track))
    if sequence is not None:
        data.put(0x5F34, h(sequence))
    return data


def _decrypted(ciphertext):
    out = bytearray(len(ciphertext))
    Des3(_KEY).cbc_decrypt_into(bytes(8), ciphertext, out)
    return bytes(out)


@cases(
    ("621234 0000000019 D30122010000000000", "621234******0019"),
    ("6212340000000000194D30122010000F", "621234*********0194"),
)
def test_masked(track, expected):
    taken = account.take(_data(track), _Keys)
    assert taken.masked == expected, taken.masked


def test_track_is_encrypted_with_its_padding():
    # ISO/IEC 9797-1, 6.3.3 (padding method 2): 80, then zeros to a whole block
    track = h("6212340000000019D30122010000000000F0")[:17]
    taken = account.take(_data("6212340000000019D30122010000000000"), _Keys)
    assert len(taken.track2) == 24
    assert _decrypted(taken.track2) == track + h("80000000000000")


def test_a_whole_block_gets_a_block_of_padding():
    taken = account.take(_data("6212340000000019D301220100000000"), _Keys)
    assert len(taken.track2) == 24
    assert _decrypted(taken.track2)[16:] == h("8000000000000000")


def test_nothing_in_clear():
    track = h("6212340000000019D30122010000000000")
    taken = account.take(_data("6212340000000019D30122010000000000"), _Keys)
    for n in range(len(track) - 4):
        assert track[n : n + 4] not in taken.track2
    assert taken.masked.count("*") == 6


@cases((None, None), ("01", 1), ("12", 12))
def test_card_sequence(tag, expected):
    assert account.take(_data("6212340000000019D3012201", tag), _Keys).card_sequence == expected


def test_no_track():
    with raises(E_TAG_MISSING, 0x57):
        account.take(DataStore(20), _Keys)


@cases(
    ("6212340000000019",),  # no separator
    ("62123400019D3012201F",),  # eleven digits
    ("62123400000000194444D301",),  # twenty digits
    ("62123A0000000019D301",),  # a letter in the number
    ("6212340000000019D3012201000000000000000000",),  # longer than tag 57 may be
)
def test_no_track_2(track):
    data = DataStore(200)
    try:
        data.put(0x57, h(track))
    except Exception as error:
        assert error.code == E_TAG_FORMAT
        return
    with raises(E_TAG_FORMAT, 0x57):
        account.take(data, _Keys)


@requirement("ISO 9564-1", "9.3.1", "An online PIN goes to the host in a block of format 0 under the PIN key.")
def test_pin():
    pin = bytearray((1, 2, 3, 4))
    taken = account.take(_data("6212340000000019D30122010000000000"), _Keys, pin)
    block = bytearray(8)
    Des3(_PIN_KEY).decrypt_into(taken.pin_block, block)
    # 04 12 34 FF FF FF FF FF xor 00 00 and the twelve digits 234000000001 before the check digit
    assert block == h("041217BFFFFFFFFE"), block
    assert pin == bytes(4)


def test_chip_without_track():
    # EMV 4.4 Book 3, 7.2: 57 is no mandatory data object; PAN, expiry and service code take its form
    data = DataStore(200)
    data.put(0x5A, h("6212340000000000194F"))
    data.put(0x5F24, h("491231"))
    data.put(0x5F30, h("0220"))
    taken = account.take(data, _Keys)
    assert _decrypted(taken.track2) == h("6212340000000000194D4912220F 8000")
    assert taken.masked == "621234*********0194"


def test_chip_without_track_and_service_code():
    data = DataStore(200)
    data.put(0x5A, h("6212340000000019"))
    data.put(0x5F24, h("491231"))
    assert _decrypted(account.take(data, _Keys).track2) == h("6212340000000019D4912000" + "80" + "00" * 3)


@cases(("5A", "6212340000000019"), ("5F24", "491231"))
def test_chip_with_neither(tag, value):
    data = DataStore(200)
    data.put(int(tag, 16), h(value))
    with raises(E_TAG_MISSING, 0x57):
        account.take(data, _Keys)


def _aes_keys():
    # X9.24-3:2017, supplement with test vectors: the transaction key of counter 1 (AES-128)
    key = h("4F21B565BAD9835E112B6465635EAE44")
    return AesKeys(h("123456789012345600000001"), key, FixedEntropy(bytes(range(8))))


@cases((8, 16), (16, 32), (17, 32), (19, 32))
def test_a_track_under_aes(size, expected):
    """Whole blocks of sixteen, the padding with them."""
    keys = _aes_keys()
    track = h("6212340000000019D30122010000000000000000")[:size]
    data = DataStore(200)
    if size == 8:  # no separator: not a track, so a number and an expiry of its own
        data.put(0x5A, h("6212340000000019"))
        data.put(0x5F24, h("491231"))
        track = h("6212340000000019D4912000")
    else:
        data.put(0x57, track)
    taken = account.take(data, keys)
    assert len(taken.track2) == expected
    clear = aes(bytes(keys.data), 2, bytes(16)).decrypt(taken.track2)
    assert clear == track + b"\x80" + bytes(expected - len(track) - 1)


def test_pin_under_aes():
    # ISO 9564-1:2017, 9.4.2: an online PIN goes to the host in a block of format 4
    keys = _aes_keys()
    pin = bytearray((1, 2, 3, 4))
    taken = account.take(_data("6212340000000019D30122010000000000"), keys, pin)
    assert pin == bytes(4) and not any(taken.number) and len(taken.number) == 16
    once = aes(bytes(keys.pin), 1).decrypt(taken.pin_block)
    # the field of the PAN: how many digits it has more than twelve, its digits, zeros
    field = h("4 6212340000000019 000000000000000".replace(" ", ""))
    block = aes(bytes(keys.pin), 1).decrypt(bytes([once[i] ^ field[i] for i in range(16)]))
    assert block == h("441234AAAAAAAAAA 0001020304050607"), block


def test_nothing_of_the_pin_stays_when_it_fails():
    class Broken:
        def pin_block(self, pin, account):
            raise MemoryError

    pin = bytearray((1, 2, 3, 4))
    try:
        account.add_pin(account.Account(8), Broken(), pin)
    except MemoryError:
        assert bytes(pin) == bytes(4)
        return
    raise AssertionError("nothing failed")
