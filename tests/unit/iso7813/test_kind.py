"""What kind of card a track is of: published examples of licences and gift cards, and what borders on a bank's card."""

from licences import FLORIDA, OREGON, TEXAS
from tracks import PAN, PAN_19, track1, track2, track3

from reader.iso7813.kind import AAMVA, EMPTY, GIFT, OTHER, OWN_FORMAT, PAYMENT, kind
from testing import cases


@cases(
    (b"", EMPTY),
    (track1(), PAYMENT),
    (track1(PAN_19, code=b"99"), PAYMENT),
    (track1(dates=b"^^"), PAYMENT),
    (track1(name=b"A"), PAYMENT),  # its fields are another question
    (track1(dates=b"3013101"), PAYMENT),
    (TEXAS[0], AAMVA),
    (FLORIDA[0], AAMVA),
    (OREGON[0], AAMVA),
    # A gift card's: sualeh/magnetictrackparser, tests; numbers of 7 are the oil companies'
    (b"B7083560000013710910^MICHAELS OPEN VALUE CARD  ^8551", GIFT),
    # Only a number and a date, without a name: a gift card system's own description
    (track1(name=b"", dates=b"4912", rest=b""), GIFT),
    (track1(name=b"", dates=b"^4912"), GIFT),
    (track1(dates=b"4912", rest=b""), GIFT),
    (track1(dates=b"491A101"), GIFT),
    (track1(pan=PAN[:11]), GIFT),
    (track1(pan=PAN + b"0000"), GIFT),
    (track1(pan=b"0" + PAN[1:]), GIFT),
    (b"B" + PAN, GIFT),
    (b"B" + PAN + b"^A/", GIFT),
    (b"B" + PAN + b"^A/^", GIFT),
    (b"B", OWN_FORMAT),
    (b"B^", OTHER),
    (b"99^", OTHER),
    (b"A" + PAN, OWN_FORMAT),
    (b"Z1", OWN_FORMAT),
    (b"KX$", OWN_FORMAT),
    (b"KX^", OWN_FORMAT),
    (b"AB 12 345", OWN_FORMAT),
    (PAN, OTHER),
    (b"0123", OTHER),
    (b" ", OTHER),
    (b"9", OTHER),
)
def test_track_1(track, what):
    assert kind(memoryview(track), 1) == what


@cases(
    (b"", EMPTY),
    (track2(), PAYMENT),
    (track2(PAN_19, b"=="), PAYMENT),
    (track2(PAN_19, b"3012=", b""), PAYMENT),
    (track2(PAN[:12]), PAYMENT),
    (track2(dates=b"3013101"), PAYMENT),  # its fields are another question
    (track2(rest=b":"), PAYMENT),
    (track2(pan=b"9" + PAN[1:]), PAYMENT),  # national numbers
    (TEXAS[1], AAMVA),
    (FLORIDA[1], AAMVA),
    (OREGON[1], AAMVA),
    (b"636062", AAMVA),
    (b"604425" + b"1" * 7 + b"=3012", AAMVA),
    (b"604434" + b"1" * 7 + b"=3012", AAMVA),
    (b"636063" + b"=3012", GIFT),
    (b"604424" + b"=3012", GIFT),
    (b"604435" + b"=3012", GIFT),
    (b"63600", GIFT),
    # Loyalty and gift cards: sualeh/magnetictrackparser, tests; a gift card system's own description
    (b"636294" + b"169881005271827", GIFT),
    (b"7083560000013710910=8551", GIFT),
    (b"326900002=98", GIFT),
    (b"1001237801001=0708", GIFT),
    (PAN_19 + b"=4912", GIFT),
    (PAN + b"=", GIFT),
    (PAN + b"=3012", GIFT),
    (PAN + b"=30=1", GIFT),
    (PAN, GIFT),
    (track2(pan=PAN[:11]), GIFT),
    (track2(pan=PAN + b"0000"), GIFT),
    (track2(pan=b"0" + PAN[1:]), GIFT),
    (track2(pan=b"1" + PAN[1:]), GIFT),
    (track2(pan=b"7" + PAN[1:]), GIFT),
    (PAN + b":3012101", OTHER),
    (b"12:34<56", OTHER),
    (b"=12", OTHER),
    (b":", OTHER),
)
def test_track_2(track, what):
    assert kind(memoryview(track), 2) == what


@cases(
    (b"", EMPTY),
    (track3(), PAYMENT),
    (track3(PAN_19), PAYMENT),
    (track3(code=b"01", country=b"="), PAYMENT),
    (track3(code=b"02"), PAYMENT),
    (track3(code=b"90"), PAYMENT),
    (b"01=", PAYMENT),
    (TEXAS[2], AAMVA),
    (FLORIDA[2], AAMVA),
    (track3(code=b"00"), OTHER),
    (track3(code=b"03"), OTHER),
    (track3(code=b"89"), OTHER),
    (track3(pan=PAN[:11]), OTHER),
    (b"99" + PAN + b"0000=", OTHER),
    (b"99" + PAN, OTHER),
    (b"99" + PAN + b":", OTHER),
    (b"9", OTHER),
    (b"9=", OTHER),
    (b"=", OTHER),
    (TEXAS[2][:29], OTHER),  # too short to say
    (TEXAS[2][:29] + b"X" + TEXAS[2][30:], OTHER),
    (b"1" * 40, OTHER),  # no letter
)
def test_track_3(track, what):
    assert kind(memoryview(track), 3) == what
