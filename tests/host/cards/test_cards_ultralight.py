"""Ultralight and NTAG cards of the bench: locks, one-time bits, password, counters (NXP MF0ICU1, MF0ULx1, NTAG213_215_216)."""

from __future__ import annotations

import pytest

from mpos.bench.cards import make_card
from mpos.bench.cards.memory.ultralight import KINDS, Ultralight
from mpos.bench.field import ACK, Nak

ALL = sorted(KINDS)
PROTECTED = [name for name in ALL if KINDS[name].config]


def read(card: Ultralight, page: int) -> bytes:
    answer = card.exchange(bytes([0x30, page]))
    assert answer is not None and len(answer) == 16
    return answer[:4]


def write(card: Ultralight, page: int, data: str) -> bool:
    """Whether the card took it; activated again if not."""
    try:
        assert card.exchange(bytes([0xA2, page]) + bytes.fromhex(data)) == ACK
    except Nak:
        assert card.exchange(b"\x30\x00") is None
        card.power_on()
        return False
    return True


def refuses(card: Ultralight, command: str, code: int = 0) -> bool:
    try:
        card.exchange(bytes.fromhex(command))
    except Nak as nak:
        card.power_on()
        return nak.code == code
    return False


@pytest.mark.parametrize(
    "name, pages, version",
    [
        ("ultralight", 16, ""),
        ("ultralight-ev1", 20, "0004030101000B03"),
        ("ultralight-ev1-128", 41, "0004030101000E03"),
        ("ntag213", 45, "0004040201000F03"),
        ("ntag215", 135, "0004040201001103"),
        ("ntag216", 231, "0004040201001303"),
    ],
)
def test_what_it_is(name, pages, version):
    card = Ultralight(name)
    assert len(card.pages) == pages and (card.atqa.hex(), card.sak) == ("0044", 0)
    # ISO/IEC 14443-3, 6.5.4: check bytes of the two parts of a serial number
    first = read(card, 0) + read(card, 1) + read(card, 2)
    assert first[:3] + first[4:8] == card.uid
    assert first[3] == 0x88 ^ first[0] ^ first[1] ^ first[2] and first[8] == first[4] ^ first[5] ^ first[6] ^ first[7]
    if version:
        assert card.exchange(b"\x60") == bytes.fromhex(version)
    else:
        assert refuses(card, "60")


@pytest.mark.parametrize("name, container", [("ntag213", "E1101200"), ("ntag215", "E1103E00"), ("ntag216", "E1106D00")])
def test_capability_container(name, container):
    # 8.5.6, table 4; the size in it is the user's memory in units of 8 bytes, at most
    card = Ultralight(name)
    assert read(card, 3) == bytes.fromhex(container)
    assert bytes.fromhex(container)[2] * 8 in range((card.kind.last - 3) * 4 - 16, (card.kind.last - 3) * 4 + 1)
    assert read(card, 4) == bytes.fromhex("0300FE00")


@pytest.mark.parametrize("name", ALL)
def test_every_page_of_the_user_is_written_and_read(name):
    card = Ultralight(name)
    for page in range(4, card.kind.last + 1):
        assert write(card, page, f"{page:02X}{page:02X}A55A")
    for page in range(4, card.kind.last + 1):
        assert read(card, page) == bytes([page, page, 0xA5, 0x5A])
    for page in (0, 1, len(card.pages), 255):
        assert not write(card, page, "00000000")


@pytest.mark.parametrize("name", ALL)
def test_a_read_goes_on_at_page_0(name):
    card = Ultralight(name)
    last = len(card.pages) - 1
    answer = card.exchange(bytes([0x30, last]))
    assert answer is not None and answer[4:] == card.pages[0] + card.pages[1] + card.pages[2]
    assert refuses(card, f"30{last + 1:02X}")


@pytest.mark.parametrize("page", range(4, 16))
def test_static_lock_bits(page):
    card = Ultralight()
    assert write(card, page, "01020304")
    bits = 1 << page
    assert write(card, 2, f"0000{bits & 0xFF:02X}{bits >> 8:02X}")
    assert not write(card, page, "00000000") and read(card, page) == bytes.fromhex("01020304")
    assert write(card, 2, "FFFF0000")  # a bit that is set stays set, and the serial number's check byte as it was
    assert not write(card, page, "00000000") and read(card, 2)[:2] == Ultralight().pages[2][:2]
    others = [other for other in range(4, 16) if other != page]
    assert all(write(card, other, "00000000") for other in others)


@pytest.mark.parametrize("bit, frozen", [(0, (3,)), (1, range(4, 10)), (2, range(10, 16))])
def test_bits_that_freeze_the_lock_bits(bit, frozen):
    card = Ultralight()
    assert write(card, 2, f"0000{1 << bit:02X}00")
    assert write(card, 2, "0000F8FF")
    for page in range(4, 16):
        assert write(card, page, "00000000") == (page in frozen)


def test_one_time_bits():
    card = Ultralight()
    assert write(card, 3, "01800000") and write(card, 3, "02000000")
    assert read(card, 3) == bytes.fromhex("03800000")
    assert write(card, 2, "00000800") and not write(card, 3, "FFFFFFFF")


# 8.5.3: pages of each bit of the dynamic lock bytes, and of each bit that freezes those
DYNAMIC = [("ntag213", 2, 4, 40), ("ntag215", 16, 32, 130), ("ntag216", 16, 32, 226), ("ultralight-ev1-128", 2, 4, 36)]


@pytest.mark.parametrize("name, step, block, end", DYNAMIC)
def test_dynamic_lock_bits(name, step, block, end):
    for bit in range(-(-(end - 16) // step)):
        card = Ultralight(name)
        assert write(card, card.kind.lock, (1 << bit).to_bytes(4, "little").hex())
        locked = range(16 + bit * step, min(16 + (bit + 1) * step, end))
        for page in range(4, end):
            assert write(card, page, "00000000") == (page not in locked)


@pytest.mark.parametrize("name, step, block, end", DYNAMIC)
def test_bits_that_freeze_the_dynamic_lock_bits(name, step, block, end):
    for bit in range(-(-(end - 16) // block)):
        card = Ultralight(name)
        assert write(card, card.kind.lock, (1 << 16 + bit).to_bytes(4, "little").hex())
        assert write(card, card.kind.lock, "FFFF0000")
        frozen = range(16 + bit * block, min(16 + (bit + 1) * block, end))
        for page in range(16, end):
            assert write(card, page, "00000000") == (page in frozen)


@pytest.mark.parametrize("reads_too", [False, True])
@pytest.mark.parametrize("name", PROTECTED)
def test_password(name, reads_too):
    password, pack, first = bytes.fromhex("A1B2C3D4"), bytes.fromhex("E5F6"), 8
    card = Ultralight(name).protect(password, pack, first, reads_too)
    config = card.kind.config
    assert write(card, first - 1, "01010101") and not write(card, first, "01010101")
    assert refuses(card, f"30{first:02X}") == reads_too
    # 10.2: it goes on at page 0 where it may not go on
    answer = card.exchange(bytes([0x30, first - 1]))
    assert answer is not None and answer[4:8] == (card.pages[0] if reads_too else card.pages[first])
    assert not write(card, config, "040000FF")
    assert refuses(card, "1BA1B2C3D5")
    assert card.exchange(b"\x1b" + password) == pack
    assert write(card, first, "02020202") and read(card, first) == b"\x02" * 4
    # 8.5.7: neither is ever read
    assert read(card, config + 2) == bytes(4) and read(card, config + 3) == bytes(4)
    card.power_on()
    assert not write(card, first, "03030303")


def test_delivered():
    for name in PROTECTED:
        assert Ultralight(name).exchange(bytes.fromhex("1BFFFFFFFF")) == bytes(2)


def test_too_many_wrong_passwords():
    card = Ultralight("ntag213").protect(b"\x01\x02\x03\x04", b"\x05\x06", 4, True, limit=3)
    for _ in range(2):
        assert refuses(card, "1B00000000")
    assert card.exchange(bytes.fromhex("1B01020304")) == b"\x05\x06"  # which starts the count again
    card.power_on()
    for _ in range(3):
        assert refuses(card, "1B00000000")
    assert refuses(card, "1B01020304", 4)


def test_a_configuration_for_ever():
    card = Ultralight("ntag213")
    assert write(card, 0x2A, "40000000")  # CFGLCK
    assert not write(card, 0x29, "04000004") and not write(card, 0x2A, "00000000")
    assert write(card, 0x2B, "01020304")


def test_counters_of_an_ultralight_ev1():
    # MF0ULx1, 10.6 and 10.7
    card = Ultralight("ultralight-ev1")
    for number in range(3):
        assert card.exchange(bytes([0x39, number])) == bytes(3)
        assert card.exchange(bytes.fromhex(f"A5{number:02X}01020000")) == ACK
        assert card.exchange(bytes([0x39, number])) == bytes.fromhex("010200")
        assert card.exchange(bytes([0x3E, number])) == b"\xbd"
    assert refuses(card, "3903") and refuses(card, "A50301000000")
    assert refuses(card, "A500FFFFFF00", 4) and card.counters[0] == 0x201


def test_the_counter_of_an_ntag():
    # 8.7: counts the first read after each activation, when it is switched on
    card = Ultralight("ntag213")
    assert refuses(card, "3902")
    assert write(card, 0x2A, "10000000")
    card.power_on()
    for _ in range(3):
        read(card, 4)
        read(card, 5)
        card.power_on()
    assert card.exchange(b"\x39\x02") == bytes.fromhex("030000")
    assert refuses(card, "3901") and refuses(card, "A50201000000")
    assert write(card, 0x2A, "18000000")  # now under the password
    assert refuses(card, "3902")
    card.exchange(bytes.fromhex("1BFFFFFFFF"))
    assert card.exchange(b"\x39\x02") == bytes.fromhex("030000")


def test_other_commands():
    card = Ultralight("ntag213", data=bytes(range(16)))
    assert card.exchange(b"\x3a\x04\x06") == bytes(range(12))
    assert refuses(card, "3A0604") and refuses(card, "3A042D")
    assert card.exchange(b"\x3c\x00") == bytes(32)
    # 10.5: COMPATIBILITY_WRITE, in two parts, of which four bytes count
    assert card.exchange(b"\xa0\x04") == ACK and card.exchange(b"\xaa" * 4 + bytes(12)) == ACK
    assert read(card, 4) == b"\xaa" * 4
    assert card.exchange(b"\xa0\x04") == ACK and refuses(card, "AABB")
    assert refuses(card, "77") and refuses(card, "A204") and refuses(card, "30")
    assert card.exchange(b"\x50\x00") is None and card.exchange(b"\x60") is None


@pytest.mark.parametrize("name", ["ultralight", "ultralight-ev1", "ultralight-ev1-128", "ntag213", "ntag216-password"])
def test_memory_is_kept(name):
    (card,) = make_card(name)
    assert write(card, 4, "11223344")
    card.counters[1], card.failures = 7, 2
    (other,) = make_card(name)
    other.restore(card.contents())
    assert (other.pages, other.counters, other.failures) == (card.pages, card.counters, 2)
