"""The whole stripe."""

from tracks import PAN, track1, track2, track3

from reader.errors import E_NOT_PAYMENT, E_STRIPE_DATA
from reader.iso7813 import kind, reasons
from reader.iso7813.stripe import judge
from testing import cases, h, raises


def test_a_card_of_three_tracks():
    card = judge(track1(), track2(), track3())
    assert card.number == 2
    assert (card.fields.pan_at, card.fields.pan_digits) == (0, 16)
    assert (card.fields.expiry, card.fields.service_code) == (3012, 101)
    out = bytearray(52)
    assert card.pack_into(2, out) == len(track2())
    assert out[:16] == h("6212340000000019D301210100000123")
    assert card.pack_into(3, out) == len(track3())


@cases((b"C1", b"", b"", kind.OWN_FORMAT), (b"", b"", b"", kind.EMPTY))
def test_no_card(track_1, track_2, track_3, detail):
    with raises(E_NOT_PAYMENT, detail):
        judge(track_1, track_2, track_3)


def test_check_digit():
    with raises(E_STRIPE_DATA, reasons.CHECK_DIGIT):
        judge(b"", track2(PAN[:-1] + b"8"), b"")
