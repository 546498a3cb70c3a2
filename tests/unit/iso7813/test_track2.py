"""Track 2: ISO/IEC 7813:2006, 7.2. The forms are those of published examples, with test numbers in them."""

from tracks import PAN, PAN_19, track2

from reader.errors import E_STRIPE_DATA
from reader.iso7813 import reasons
from reader.iso7813.track2 import fields
from testing import cases, raises


@cases(
    # sualeh/magnetictrackparser, tests
    (track2(PAN, b"1604201", b"0000056700100"), 16, 1604, 201, 24),
    (track2(PAN, b"4912101", b"10000316"), 16, 4912, 101, 24),
    # Chinese cards of public terminal software: 37 characters, and 19 digits of account number
    (track2(PAN, b"4912120", b"0543100336958"), 16, 4912, 120, 24),
    (track2(PAN_19, b"1912220", b"165332468"), 19, 1912, 220, 27),
    (track2(PAN_19, b"4912120", b"5685180000"), 19, 4912, 120, 27),
    # GB/T 19584: 0000 is a card that does not expire
    (track2(PAN, b"0000120", b""), 16, -1, 120, 24),
    # ISO/IEC 7813: a separator where there is no expiry, no service code
    (track2(PAN, b"=101", b"1"), 16, -1, 101, 21),
    (track2(PAN, b"3012=", b"1"), 16, 3012, -1, 22),
    (track2(PAN, b"==", b""), 16, -1, -1, 19),
    (track2(PAN, b"3012101", b"12=34=5"), 16, 3012, 101, 24),
    (track2(PAN[:12], b"3012101", b""), 12, 3012, 101, 20),
)
def test_fields(track, digits, expiry, service_code, discretionary_at):
    found = fields(memoryview(track))
    assert (found.pan_at, found.pan_digits) == (0, digits)
    assert (found.expiry, found.service_code) == (expiry, service_code)
    assert (found.name_at, found.name_length) == (0, 0)
    assert found.discretionary_at == discretionary_at


@cases(
    (b"", reasons.SEPARATOR),
    (PAN, reasons.SEPARATOR),
    (b"=3012101", reasons.PAN_LENGTH),
    (track2(pan=PAN[:11]), reasons.PAN_LENGTH),
    (track2(pan=PAN + b"0000"), reasons.PAN_LENGTH),
    (track2(pan=PAN[:8] + b":" + PAN[9:]), reasons.CHARACTER),
    (PAN + b">3012101", reasons.CHARACTER),
    (PAN + b"=", reasons.SHORT),
    (PAN + b"=3012", reasons.SHORT),
    (PAN + b"=301210", reasons.SHORT),
    (PAN + b"=30:2101", reasons.CHARACTER),
    (PAN + b"=30=12101", reasons.CHARACTER),
    (PAN + b"=30121<1", reasons.CHARACTER),
    (PAN + b"=3012101:", reasons.CHARACTER),
    (PAN + b"=301210112;4", reasons.CHARACTER),
    (PAN + b"=3013101", reasons.EXPIRY),
    # The same test data: a gift card's expiry
    (PAN + b"=8888090", reasons.EXPIRY),
    (track2(rest=b"0" * 14), reasons.LONG),
)
def test_refused(track, reason):
    with raises(E_STRIPE_DATA, reason):
        fields(track)


def test_the_longest():
    assert len(track2(rest=b"0" * 13)) == 37
    assert fields(track2(rest=b"0" * 13)).service_code == 101
