"""Packets under AES DUKPT and under working keys: believed when they are right, refused as those under TDES DUKPT."""

from __future__ import annotations

import pytest
from psec import des

from mpos.acquirer import Acquirer, dukpt_aes
from mpos.acquirer.books import Books
from mpos.acquirer.key_schemes import KeyInformation
from mpos.acquirer.packet_keys import ecb_mac
from mpos.bench import test_keys
from mpos.bench.cards import make_card
from tests.host.acquirer.other_schemes import AesTerminal, SessionTerminal
from tests.host.acquirer.pos_terminal import NOW, Terminal, decode
from tests.host.acquirer.test_acquirer_stripe import PAN, track2

PIN = "1357"
OPENING = 1_000_000


def host(**options) -> Acquirer:
    return Acquirer(now=lambda: NOW, **options)


def ask(acquirer: Acquirer, frame: bytes) -> bytes:
    answer = acquirer.authoriser.handle(frame[2:])
    assert answer is not None
    return answer


def signed_in(acquirer: Acquirer, **options) -> SessionTerminal:
    terminal = SessionTerminal(**options)
    fields = decode(ask(acquirer, terminal.sign_in()))
    assert (fields["t"], fields["39"]) == ("0810", "00") and "64" not in fields
    terminal.take(bytes.fromhex(fields["62"]))
    return terminal


def pair(scheme: str) -> tuple[Acquirer, Terminal]:
    if scheme == "aes":
        return host(), AesTerminal()
    if scheme == "tdes":
        return host(), Terminal()
    acquirer = host(mac=scheme)
    return acquirer, signed_in(acquirer, ecb=scheme == "ecb")


every = pytest.mark.parametrize("scheme", ["tdes", "aes", "x919", "ecb"])
static = pytest.mark.parametrize("scheme", ["x919", "ecb"])


@every
def test_tap_and_swipe_with_pin(scheme):
    acquirer, terminal = pair(scheme)
    assert terminal.read(ask(acquirer, terminal.sale(make_card("approved")[0])))["39"] == "00"
    fields = terminal.read(ask(acquirer, terminal.swipe(track2(), pin=PIN)))
    assert fields["39"] == "00" and "52" not in fields
    assert bytes.fromhex(fields["57"]) == KeyInformation.read(bytes.fromhex(fields["57"])).for_answer()
    assert any(text == "PIN right" for _, text in acquirer.log)
    assert terminal.read(ask(acquirer, terminal.swipe(track2(), pin="1358")))["39"] == "55"
    assert acquirer.balance(PAN) == OPENING - 1234


@every
def test_a_pin_block_for_another_account(scheme):
    acquirer, terminal = pair(scheme)

    def other(fields):
        terminal.add_pin(fields, PIN, "6212340000000076")

    assert terminal.read(ask(acquirer, terminal.swipe(track2(), pin=PIN, change=other)))["39"] in ("99", "55")


@every
def test_every_byte_is_under_the_mac(scheme):
    acquirer, terminal = pair(scheme)
    good = terminal.swipe(track2(), pin=PIN)
    for at in range(13 + 10, len(good), 3):
        bad = bytearray(good)
        bad[at] ^= 1
        if scheme in ("aes", "tdes"):
            acquirer = host()
        fields = decode(ask(acquirer, bytes(bad)))
        assert fields["39"] in ("A0", "30", "94", "97", "41"), (at, fields)
        assert acquirer.balance(PAN) == OPENING
    if scheme in ("aes", "tdes"):
        acquirer = host()
    assert terminal.read(ask(acquirer, good))["39"] == "00"


def test_aes_ksn_that_does_not_increase():
    acquirer, terminal = host(), AesTerminal()
    first, second = terminal.swipe(track2(), pin=PIN), terminal.swipe(track2(), pin=PIN)
    assert terminal.read(ask(acquirer, second))["39"] == "00"
    for frame in (second, first):
        fields = decode(ask(acquirer, frame))
        assert fields["39"] == "94" and "64" not in fields
    assert acquirer.balance(PAN) == OPENING - 1234


def test_aes_counter_with_too_many_bits():
    acquirer, terminal = host(), AesTerminal(counter=0x1FFFE)  # seventeen one-bits in the next
    with pytest.raises(ValueError):
        terminal.swipe(track2())
    terminal.ksn = test_keys.READER_ID + bytes.fromhex("0001FFFF")
    terminal.keys = dukpt_aes.derive(test_keys.AES_BDK, test_keys.READER_ID + bytes.fromhex("00000001"))
    assert decode(ask(acquirer, terminal.frame(terminal.common(1, 100))))["39"] == "97"


def test_aes_key_set_of_another():
    acquirer, terminal = host(aes_key_sets={b"\x01\x02\x03\x04": test_keys.AES_BDK}), AesTerminal()
    fields = decode(ask(acquirer, terminal.swipe(track2())))
    assert fields["39"] == "97" and "64" not in fields


def test_aes_a_wrong_mac_burns_the_ksn():
    acquirer, terminal = host(), AesTerminal()
    good = terminal.swipe(track2())
    fields = terminal.read(ask(acquirer, good[:-1] + bytes([good[-1] ^ 1])))
    assert fields["39"] == "A0"
    assert decode(ask(acquirer, good))["39"] == "94"
    assert terminal.read(ask(acquirer, terminal.swipe(track2())))["39"] == "00"


def test_aes_padding():
    acquirer, terminal = host(), AesTerminal()

    def clear(data):
        def change(fields):
            encrypted = terminal.encrypted(data)
            fields[35] = bytes([0x32]) + encrypted

        return change

    for data in (bytes(32), b"\x80" + bytes(31), bytes(15) + b"\x80" + bytes(16)):
        assert terminal.read(ask(acquirer, terminal.swipe(track2(), change=clear(data))))["39"] == "30"
    # whole blocks of eight are none here
    half = terminal.swipe(track2(), change=lambda f: f.update({35: bytes([0x24]) + bytes(24)}))
    assert terminal.read(ask(acquirer, half))["39"] == "30"


def test_aes_pin_block_in_the_wrong_place():
    acquirer, terminal = host(), AesTerminal()

    def in_52(fields):
        fields[52] = bytes(8)

    assert decode(ask(acquirer, terminal.swipe(track2(), pin=PIN, change=in_52)))["39"] == "30"


def test_aes_pin_block_that_is_none():
    """ISO 9564-1, 9.4.2: random filler, control and length of format 4 are looked at."""
    acquirer, terminal = host(), AesTerminal()
    for number in range(8):

        def garbled(fields, number=number):
            terminal.add_pin(fields, PIN, PAN)
            block = bytearray(fields[57][-16:])
            block[number] ^= 0x10
            fields[57] = fields[57][:-16] + bytes(block)

        assert terminal.read(ask(acquirer, terminal.swipe(track2(), pin=PIN, change=garbled)))["39"] == "99"


@pytest.mark.parametrize(
    "data",
    [
        "",
        "DF020101",
        "DF010A FFFF9876543210E00001",
        "DF010A FFFF9876543210E00001 DF020102",
        "DF010A FFFF9876543210E00001 DF020103",
        "DF010C FFFF9876543210E000000001 DF020101",
        "DF010C FFFF9876543210E000000001 DF020102 DF030F" + "00" * 15,
        "DF010C FFFF9876543210E000000001 DF020102 DF0310" + "00" * 15,
        "DF010C FFFF9876543210E000000001 DF020102 DF0310" + "00" * 17,
        "DF010A FFFF9876543210E00001 DF020101 DF0310" + "00" * 16,
        "DF020103 DF0310" + "00" * 16,
        "DF020103 00",
        "DF020104",
        "DF010A FFFF9876543210E000",
    ],
)
def test_key_information_that_is_none(data):
    assert KeyInformation.read(bytes.fromhex(data)) is None


def test_tdes_and_aes_counters_are_of_their_own():
    acquirer, tdes, aes = host(), Terminal(counter=100), AesTerminal(stan=500)
    assert tdes.read(ask(acquirer, tdes.swipe(track2())))["39"] == "00"
    assert aes.read(ask(acquirer, aes.swipe(track2())))["39"] == "00"


# Master/session


def test_the_published_ecb_mac():
    # A worked example: solo123/pgate, test/integration/pos_mac_test.rb
    assert ecb_mac(bytes.fromhex("2222222222222222"), bytes.fromhex("1234567890ABCDEFABCDEF1234567890")) == b"E267B6E2"


@static
def test_not_signed_in(scheme):
    acquirer = host(mac=scheme)
    terminal = signed_in(host(mac=scheme), ecb=scheme == "ecb")
    fields = decode(ask(acquirer, terminal.swipe(track2())))
    assert fields["39"] == "A0" and "64" not in fields


@static
def test_old_working_keys(scheme):
    acquirer, terminal = pair(scheme)
    assert terminal.read(ask(acquirer, terminal.swipe(track2())))["39"] == "00"
    old = terminal.keys
    fields = decode(ask(acquirer, terminal.sign_in()))
    late = terminal.swipe(track2())
    refused = decode(ask(acquirer, late))
    assert refused["39"] == "A0" and "64" not in refused
    terminal.take(bytes.fromhex(fields["62"]))
    assert terminal.keys != old
    assert terminal.read(ask(acquirer, terminal.swipe(track2())))["39"] == "00"
    assert acquirer.balance(PAN) == OPENING - 2 * 1234


@static
def test_a_packet_that_comes_twice(scheme):
    acquirer, terminal = pair(scheme)
    frame = terminal.swipe(track2())
    assert terminal.read(ask(acquirer, frame))["39"] == "00"
    fields = decode(ask(acquirer, frame))
    # Without a MAC: under one it would turn the approval into a refusal
    assert fields["39"] == "94" and "64" not in fields
    assert acquirer.balance(PAN) == OPENING - 1234


@static
def test_the_track_of_another_packet(scheme):
    acquirer, terminal = pair(scheme)
    taken: list[bytes] = []
    assert terminal.read(ask(acquirer, terminal.swipe(track2(), change=lambda f: taken.append(f[35]))))["39"] == "00"
    moved = terminal.swipe(track2(), change=lambda f: f.update({35: taken[0]}))
    assert terminal.read(ask(acquirer, moved))["39"] != "00"


def test_a_mac_of_the_other_kind():
    acquirer = host(mac="x919")
    terminal = signed_in(acquirer)
    terminal.ecb = True
    assert terminal.keys is not None
    assert decode(ask(acquirer, terminal.swipe(track2())))["39"] == "A0"


def test_sign_in_without_a_track_key():
    acquirer, terminal = host(), SessionTerminal()
    fields = decode(ask(acquirer, terminal.sign_in("003")))
    assert fields["39"] == "00" and len(bytes.fromhex(fields["62"])) == 40


def test_each_sign_in_has_other_keys():
    acquirer, terminal = host(), SessionTerminal()
    sent = {decode(ask(acquirer, terminal.sign_in()))["62"] for _ in range(5)}
    assert len(sent) == 5


@pytest.mark.parametrize(
    "change, code",
    [
        (lambda f: f.pop(11), "30"),
        (lambda f: f.pop(41), "30"),
        (lambda f: f.pop(42), "30"),
        (lambda f: f.pop(60), "30"),
        (lambda f: f.pop(63), "30"),
        (lambda f: f.update({4: bytes(6)}), "30"),
        (lambda f: f.update({60: bytes.fromhex("0011220000010040")}), "12"),
        (lambda f: f.update({60: bytes.fromhex("0011000000010010")}), "12"),
        (lambda f: f.update({60: bytes.fromhex("00100000000100")}), "30"),
        (lambda f: f.update({41: b"MPOS0009"}), "97"),
        (lambda f: f.update({42: b"104110058120009"}), "03"),
    ],
)
def test_a_sign_in_that_is_none(change, code):
    acquirer = host(terminals={"MPOS0001": "104110058120001"})
    terminal = signed_in(acquirer)
    fields = decode(ask(acquirer, terminal.sign_in(change=change)))
    assert (fields["t"], fields["39"]) == ("0810", code) and "62" not in fields
    # and the keys of before are still good
    assert terminal.read(ask(acquirer, terminal.swipe(track2())))["39"] == "00"


def test_a_terminal_has_its_own_master_key():
    acquirer = host(
        master_keys={"MPOS0001": test_keys.MASTER_KEY, "MPOS0002": bytes.fromhex("70F2A84CCBC2AE8625CBB0F2C22AB923")}
    )
    first = signed_in(acquirer)
    second = signed_in(acquirer, terminal=b"MPOS0002", master=bytes.fromhex("70F2A84CCBC2AE8625CBB0F2C22AB923"))
    assert first.read(ask(acquirer, first.swipe(track2())))["39"] == "00"
    assert second.read(ask(acquirer, second.swipe(track2())))["39"] == "00"
    # one in the other's name
    first.terminal = b"MPOS0002"
    assert decode(ask(acquirer, first.swipe(track2())))["39"] == "A0"
    stranger = SessionTerminal(terminal=b"MPOS0003")
    assert decode(ask(acquirer, stranger.sign_in()))["39"] == "97"


def test_the_books_keep_working_keys_and_none_in_clear(tmp_path):
    path = tmp_path / "books.json"
    acquirer = host(state=path)
    terminal = signed_in(acquirer)
    text = path.read_text().lower()
    for key in (terminal.keys.pin, terminal.keys.mac_request, terminal.keys.data):
        assert key.hex() not in text
    again = host(state=path)
    assert terminal.read(ask(again, terminal.swipe(track2())))["39"] == "00"
    # books of before there were any
    path.write_text(text.replace('"working"', '"other"'))
    with pytest.raises(ValueError):
        Books(path)


def test_nothing_of_the_keys_is_logged():
    acquirer = host()
    terminal = signed_in(acquirer)
    ask(acquirer, terminal.swipe(track2(), pin=PIN))
    log = "\n".join(text for _, text in acquirer.log).lower()
    for key in (terminal.keys.pin, terminal.keys.mac_request, terminal.keys.data, terminal.master):
        assert key.hex() not in log and des.encrypt_tdes_ecb(terminal.master, key).hex() not in log


def test_aes_answers_are_under_the_other_key():
    """X9.24-3:2017, table 2: MAC generation and MAC verification are keys of their own."""
    acquirer, terminal = host(), AesTerminal()
    answer = ask(acquirer, terminal.swipe(track2()))
    with pytest.raises(AssertionError):
        terminal.read(answer, terminal.keys.mac_request)
    assert terminal.read(answer)["39"] == "00"
