"""The whole stripe: which track counts, whether they agree, what goes to the host."""

from licences import FLORIDA, OREGON, TEXAS
from tracks import PAN, PAN_19, track1, track2, track3

from reader.errors import E_NOT_PAYMENT, E_STRIPE_DATA
from reader.iso7813 import kind, reasons
from reader.iso7813.stripe import judge
from testing import cases, h, raises

OTHER_PAN = b"6212340000000027"  # its check digit is right


def packed(card, number, size=52):
    """The digits that pack_into wrote, as text; nothing may stand behind them but the F of half a byte."""
    out = bytearray(b"\x5a" * size)
    n = card.pack_into(number, out)
    text = "".join([f"{byte:02X}" for byte in out])
    assert text[n + (n & 1) :] == "5A" * (size - (n + 1) // 2)
    assert n % 2 == 0 or text[n] == "F"
    return text[:n]


def as_packed(track):
    return track.decode().replace("=", "D")


def test_a_card_with_three_tracks():
    card = judge(memoryview(track1()), memoryview(track2()), memoryview(track3()))
    assert card.number == 2
    found = card.fields
    assert (found.pan_at, found.pan_digits, found.expiry, found.service_code) == (0, 16, 3012, 101)
    assert packed(card, 2) == "6212340000000019D30121010000" + "0123"
    assert packed(card, 3) == as_packed(track3())


def test_nothing_is_copied():
    # What the head wipes is gone from the card too
    tracks = bytearray(track2())
    card = judge(b"", memoryview(tracks), b"")
    for i in range(len(tracks)):
        tracks[i] = 0x30
    assert packed(card, 2) == "0" * len(tracks)


@cases(
    (b"", track2(), b""),
    (b"", track2(PAN_19), track3(PAN_19)),  # many debit cards of UnionPay
    (track1(PAN_19, code=b"99"), track2(PAN_19), track3(PAN_19)),
    (track1(), track2(), b""),
    # An expiry that one track does not have contradicts nothing; so the service code
    (track1(dates=b"^^"), track2(), track3(expiry=b"0000")),
    (b"", track2(dates=b"0000120"), track3(expiry=b"4912")),
    (track1(), track2(dates=b"==", rest=b""), b""),
    (b"", track2(dates=b"3012=", rest=b"1=2"), b""),
    # Formats that are an issuer's own name the account, and say nothing that could be compared
    (b"", track2(), b"98" + PAN + b"=9999"),
)
def test_track_2_counts(track_1, track_2, track_3):
    card = judge(track_1, track_2, track_3)
    assert card.number == 2 and card.track is track_2
    assert packed(card, 2) == as_packed(track_2)
    assert card.pack_into(3, bytearray(52)) == len(track_3)
    if track_3:
        assert packed(card, 3) == as_packed(track_3)


@cases(
    # Spaces in the account number, as older cards have them; no month; a name that is too long: track 1 is not used
    (track1(pan=PAN[:6] + b" " + PAN[6:]), b""),
    (track1(dates=b"8888090"), b""),
    (track1(name=b"A" * 27), b""),
    (b"A" + PAN, b""),
    (b"", track3(code=b"62")),
    (b"", track3(expiry=b"3013")),
    (b"", track3(currency=b"15<")),
    (b"", track3(pan=b"")),  # allowed by ISO/IEC 4909; GB/T 19584 has the account number on track 3
    (b"", b"12345"),
    (b"", b"99" + PAN + b"=156"),
)
def test_what_does_not_follow_the_rules_is_left_out(track_1, track_3):
    card = judge(track_1, track2(), track_3)
    assert (card.number, card.track3) == (2, None)
    assert card.pack_into(3, bytearray(0)) == 0


@cases(
    (track1(OTHER_PAN), b"", reasons.PAN_DIFFERS),
    (track1(PAN_19), b"", reasons.PAN_DIFFERS),
    (track1(PAN[:15]), b"", reasons.PAN_DIFFERS),
    (track1(dates=b"3011101"), b"", reasons.EXPIRY_DIFFERS),
    (track1(dates=b"3012201"), b"", reasons.SERVICE_CODE_DIFFERS),
    (track1(PAN + b"000"), b"", reasons.PAN_DIFFERS),
    (b"", track3(OTHER_PAN), reasons.PAN_DIFFERS),
    (b"", track3(PAN_19), reasons.PAN_DIFFERS),
    (b"", track3(PAN[:15]), reasons.PAN_DIFFERS),
    (b"", track3(expiry=b"3011"), reasons.EXPIRY_DIFFERS),
    (b"", b"98" + OTHER_PAN + b"=", reasons.PAN_DIFFERS),
    (track1(), track3(OTHER_PAN), reasons.PAN_DIFFERS),
)
def test_tracks_that_disagree(track_1, track_3, reason):
    with raises(E_STRIPE_DATA, reason):
        judge(track_1, track2(), track_3)


@cases(
    (track1(), track2()),
    (track1(PAN_19), track2(PAN_19)),
    (track1(code=b"99"), track2()),
    (track1(dates=b"^101"), track2(dates=b"=101")),
    (track1(dates=b"3012^"), track2(dates=b"3012=")),
    (track1(dates=b"^^", rest=b""), track2(dates=b"==", rest=b"")),
    # What track 2 has no place for, or no characters
    (track1(rest=b"12 34"), track2(rest=b"12")),
    (track1(rest=b"12^34"), track2(rest=b"12")),
    (track1(rest=b"AB"), track2(rest=b"")),
    (track1(rest=b"123456789012345"), track2(rest=b"1234567890123")),
    (track1(PAN_19, rest=b"123456789012345"), track2(PAN_19, rest=b"1234567890")),
)
def test_track_2_is_made_of_track_1(track_1, track_2):
    card = judge(memoryview(track_1), b"", b"")
    assert card.number == 1
    assert card.fields.pan_at == (2 if track_1[0] == 0x39 else 1)
    assert packed(card, 2) == as_packed(track_2)


def test_track_1_and_3():
    card = judge(track1(), b"", track3())
    assert (card.number, card.fields.expiry) == (1, 3012)
    assert packed(card, 2) == as_packed(track2())
    assert packed(card, 3) == as_packed(track3())
    with raises(E_STRIPE_DATA, reasons.PAN_DIFFERS):
        judge(track1(), b"", track3(OTHER_PAN))


@cases((2, 18), (2, 0), (3, 49), (3, 0))
def test_no_room(number, size):
    card = judge(track1(), track2(PAN, rest=b"1234567890123"), track3())
    out = bytearray(size)
    with raises(E_STRIPE_DATA, reasons.LONG):
        card.pack_into(number, out)
    assert out == bytes(size)


@cases(0, 8, 9, 15)
def test_no_room_for_a_track_that_is_made(size):
    card = judge(track1(), b"", b"")
    with raises(E_STRIPE_DATA, reasons.LONG):
        card.pack_into(2, bytearray(size))
    assert packed(card, 2, 16) == as_packed(track2())


@cases(
    (b"", track2(PAN[:-1] + b"8"), b"", reasons.CHECK_DIGIT),
    (track1(PAN[:-1] + b"8"), b"", b"", reasons.CHECK_DIGIT),
    (track1(), track2(PAN[:-1] + b"8"), b"", reasons.CHECK_DIGIT),
    (track1(), track2(dates=b"3013101"), b"", reasons.EXPIRY),
    (b"", track2(dates=b"8888090"), b"", reasons.EXPIRY),
    (b"", track2(rest=b"12:"), b"", reasons.CHARACTER),
    (b"", track2(rest=b"0" * 14), b"", reasons.LONG),
    (track1(dates=b"3000101"), b"", b"", reasons.EXPIRY),
    (track1(name=b"A"), b"", b"", reasons.NAME_LENGTH),
    (track1(rest=b"0" * 60), b"", b"", reasons.LONG),
    (b"", b"", track3(), reasons.NO_TRACK),
)
def test_wrong(track_1, track_2, track_3, reason):
    with raises(E_STRIPE_DATA, reason):
        judge(track_1, track_2, track_3)


@cases(
    (b"", b"", b"", kind.EMPTY),
    (TEXAS[0], b"", b"", kind.AAMVA),
    (b"", TEXAS[1], b"", kind.AAMVA),
    (b"", b"", TEXAS[2], kind.AAMVA),
    (TEXAS[0], b"1234", b"", kind.AAMVA),  # a number that is not AAMVA's
    (TEXAS[0], track2(), b"", kind.AAMVA),
    (b"B7083560000013710910^MICHAELS OPEN VALUE CARD  ^8551", b"7083560000013710910=8551", b"", kind.GIFT),
    (b"", PAN_19 + b"=4912", b"", kind.GIFT),
    (track1(), PAN_19 + b"=4912", b"", kind.GIFT),  # track 2 is the one that counts
    (track1(), b"12:34", track3(), kind.OTHER),
    (b"A1234", b"", b"", kind.OWN_FORMAT),
    (b"A1234", b"", track3(), kind.OWN_FORMAT),
    (b"A1234", b"77", b"", kind.GIFT),
    (b"", b"", b"1234", kind.OTHER),
    (b" ", b"", b"", kind.OTHER),
)
def test_no_payment_card(track_1, track_2, track_3, what):
    with raises(E_NOT_PAYMENT, what):
        judge(track_1, track_2, track_3)


@cases(TEXAS, FLORIDA, OREGON)
def test_licences(track_1, track_2, track_3):
    with raises(E_NOT_PAYMENT, kind.AAMVA):
        judge(track_1, track_2, track_3)


def test_packed_as_a_chip_has_it():
    # EMV tag 57: 37 characters are 19 bytes, the last half of them F
    out = bytearray(19)
    card = judge(b"", track2(PAN, rest=b"1234567890123"), b"")
    assert card.pack_into(2, out) == 37
    assert out == h("6212340000000019D30121011234567890123F")
