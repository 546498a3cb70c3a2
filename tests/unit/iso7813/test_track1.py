"""Track 1: ISO/IEC 7813:2006, 7.1. The forms are those of published examples, with test numbers in them."""

from tracks import PAN, PAN_19, track1

from reader.errors import E_STRIPE_DATA
from reader.iso7813 import reasons
from reader.iso7813.track1 import fields
from testing import cases, raises


@cases(
    # sualeh/magnetictrackparser, tests: name of 13, expiry, service code, 33 digits
    (PAN, b"FATEHI/SUALEH", b"1604201", b"0" * 24 + b"567001000", 1604, 201),
    # Name filled up with spaces to 26
    (PAN, b"FATEHI/SUALEH             ", b"1510101", b"1000606818102", 1510, 101),
    # Separators in place of expiry and service code, spaces behind: a form that is shown with ISO/IEC 7813
    (PAN, b"DOE/JOHN L                ", b"^^", b"0000000      00998000000", -1, -1),
    (PAN_19, b" /", b"3012^", b"", 3012, -1),
    (PAN, b"A/", b"^101", b"A", -1, 101),
    (PAN[:12], b"A/", b"3012101", b"", 3012, 101),
    # GB/T 19584: 0000 is a card that does not expire
    (PAN, b"A/", b"0000101", b"", -1, 101),
)
def test_format_b(pan, name, dates, rest, expiry, service_code):
    track = track1(pan, name, dates, rest)
    found = fields(memoryview(track))
    assert (found.pan_at, found.pan_digits) == (1, len(pan))
    assert (found.name_at, found.name_length) == (len(pan) + 2, len(name))
    assert (found.expiry, found.service_code) == (expiry, service_code)
    assert found.discretionary_at == len(track) - len(rest)


def test_the_older_chinese_form():
    # JR/T 0009-2000, 7.2: format code 99
    found = fields(track1(code=b"99"))
    assert (found.pan_at, found.pan_digits, found.expiry, found.service_code) == (2, 16, 3012, 101)


@cases(
    (b"", reasons.FORMAT_CODE),
    (b"B", reasons.FORMAT_CODE),
    (track1(code=b"A"), reasons.FORMAT_CODE),
    (track1(code=b""), reasons.FORMAT_CODE),
    (track1(code=b"9"), reasons.FORMAT_CODE),
    (b"B" + PAN, reasons.SEPARATOR),
    (b"B" + PAN + b"^TEST/CARD", reasons.SEPARATOR),
    (track1(pan=PAN[:6] + b" " + PAN[6:]), reasons.CHARACTER),
    (track1(pan=PAN[:11]), reasons.PAN_LENGTH),
    (track1(pan=PAN + b"0000"), reasons.PAN_LENGTH),
    (track1(pan=b""), reasons.PAN_LENGTH),
    (track1(name=b""), reasons.NAME_LENGTH),
    (track1(name=b"A"), reasons.NAME_LENGTH),
    (track1(name=b"A" * 27), reasons.NAME_LENGTH),
    (track1(dates=b"", rest=b""), reasons.SHORT),
    (track1(dates=b"301", rest=b""), reasons.SHORT),
    (track1(dates=b"3012", rest=b""), reasons.SHORT),
    (track1(dates=b"301210", rest=b""), reasons.SHORT),
    (track1(dates=b"^", rest=b""), reasons.SHORT),
    (track1(dates=b"30A2101"), reasons.CHARACTER),
    (track1(dates=b"301210A"), reasons.CHARACTER),
    (track1(dates=b"3013101"), reasons.EXPIRY),
    (track1(dates=b"3000101"), reasons.EXPIRY),
    (track1(rest=b"0" * 60), reasons.LONG),
)
def test_refused(track, reason):
    with raises(E_STRIPE_DATA, reason):
        fields(track)


def test_the_longest():
    assert fields(track1(rest=b"0" * (76 - len(track1(rest=b""))))).expiry == 3012
    with raises(E_STRIPE_DATA, reasons.LONG):
        fields(track1(rest=b"0" * (77 - len(track1(rest=b"")))))
