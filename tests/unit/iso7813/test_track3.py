"""Track 3: ISO/IEC 4909, table 1, and GB/T 19584, Annex B.

The forms of Chinese cards are those that public terminal software has as test data, with test numbers in them.
"""

from tracks import PAN, PAN_19, track3

from reader.errors import E_STRIPE_DATA
from reader.iso7813 import reasons
from reader.iso7813.track3 import fields
from testing import cases, raises

_TO_EXPIRY = b"0" + b"50005000" + b"0001" + b"01" + b"3"  # exponent, amounts, cycle, tries


@cases(
    (track3(PAN_19, expiry=b"3012"), 19, 3012),
    # 1: card sequence; = for the card security number; SAN-1, SAN-2, relay marker, check digits, the issuer's own
    (b"99" + PAN + b"=156156" + _TO_EXPIRY + b"3369582140000" + b"49120=0209237727=000000000=02000000", 16, 4912),
    # No expiry, and separators alone for both subsidiary accounts
    (b"99" + PAN_19 + b"=156156" + _TO_EXPIRY + b"0000000100000" + b"00000===0332468165", 19, -1),
    # A separator for the card sequence as well
    (b"99" + PAN_19 + b"=156156" + _TO_EXPIRY + b"0000001141414" + b"4912==000000000000=000000000000=05", 19, 4912),
    (b"99" + PAN + b"=156156" + _TO_EXPIRY + b"0000000404040" + b"25120=0000000", 16, 2512),
    (b"99" + PAN_19 + b"=156156" + _TO_EXPIRY + b"0000001140000" + b"28091=000000000000=000000000000=00", 19, 2809),
    # ISO/IEC 4909, table 1: separators for country, PIN parameters, expiry
    (track3(code=b"01", country=b"="), 16, 3012),
    (track3(code=b"01", country=b"=", pin=b"="), 16, 3012),
    (track3(code=b"01", country=b"840", currency=b"840", expiry=b"="), 16, -1),
    # The account number is on track 2
    (track3(pan=b"", code=b"01", country=b"="), 0, 3012),
    # Laid out as their issuers like it
    (b"02" + PAN + b"=12", 16, -1),
    (b"90" + PAN + b"=", 16, -1),
    (b"99" + PAN + b"==156156" + _TO_EXPIRY, 16, -1),
    (b"99" + PAN + b"=8401", 16, -1),
)
def test_fields(track, digits, expiry):
    found = fields(memoryview(track))
    assert (found.pan_at, found.pan_digits) == (2, digits)
    assert (found.expiry, found.service_code) == (expiry, -1)
    assert found.discretionary_at == 3 + digits


@cases(
    (b"", reasons.SHORT),
    (b"9", reasons.SHORT),
    (b"=9", reasons.CHARACTER),
    (track3(code=b"00"), reasons.FORMAT_CODE),
    (track3(code=b"03"), reasons.FORMAT_CODE),
    (track3(code=b"62"), reasons.FORMAT_CODE),
    (b"99" + PAN, reasons.SEPARATOR),
    (track3(pan=PAN[:11]), reasons.PAN_LENGTH),
    (b"99" + PAN + b"0000=156156", reasons.PAN_LENGTH),
    (track3(pan=PAN[:8] + b":" + PAN[9:]), reasons.CHARACTER),
    (track3(currency=b"15<"), reasons.CHARACTER),
    (track3(currency=b"15="), reasons.CHARACTER),
    (track3(pin=b"00=000"), reasons.CHARACTER),
    (track3(expiry=b"3013"), reasons.EXPIRY),
    (track3(expiry=b"30=2"), reasons.CHARACTER),
    (b"90" + PAN + b"=12:", reasons.CHARACTER),
    (b"01", reasons.SEPARATOR),
    (b"90", reasons.SEPARATOR),
    (b"01" + PAN + b"=", reasons.SHORT),
    (b"01" + PAN + b"==", reasons.SHORT),
    (b"99" + PAN + b"=156", reasons.SHORT),
    (b"99" + PAN + b"=156156" + _TO_EXPIRY, reasons.SHORT),
    (b"99" + PAN + b"=156156" + _TO_EXPIRY + b"=", reasons.SHORT),
    (b"99" + PAN + b"=156156" + _TO_EXPIRY + b"=0000000", reasons.SHORT),
    (b"99" + PAN + b"=" + b"0" * 86, reasons.LONG),
)
def test_refused(track, reason):
    with raises(E_STRIPE_DATA, reason):
        fields(track)


def test_the_longest():
    # GB/T 19584: 106 characters with both sentinels
    assert len(track3(PAN_19)) == 104
    assert fields(track3(PAN_19)).pan_digits == 19
