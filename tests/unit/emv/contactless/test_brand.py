"""Which account numbers may stand behind an application."""

from contactless_session import Combination, session

from reader import outcome
from reader.emv.contactless import brand, decision
from reader.emv.data import DataStore
from reader.errors import E_BRAND
from testing import cases, h

_TRACK = h("6212340000000018D301220100000000000F")


@cases(
    ("62", True),
    ("621234000000", True),
    ("81,62", True),
    ("620000-629999", True),
    ("621234-621234", True),
    ("4,51-55,62", True),
    ("4", False),
    ("63", False),
    ("61", False),
    ("621235-629999", False),
    ("620000-621233", False),
    ("4,510000-559999,2221-2720,81", False),
)
def test_ranges(ranges, fits):
    assert brand.fits(_TRACK, 16, ranges) is fits


def test_a_beginning_that_is_longer_than_the_number():
    # digits behind the number do not count
    assert not brand.fits(h("62123400D30122010000000F"), 8, "621234000")
    assert brand.fits(h("62123400D30122010000000F"), 8, "62123400")


def _decide(ranges, kind):
    data = DataStore(512)
    data.put(0x9F66, h("22004000"))
    for tag, value in (
        (0x82, "2000"),
        (0x9F36, "0001"),
        (0x9F26, "0011223344556677"),
        (0x9F10, "0102030405"),
        (0x9F27, kind),
        (0x57, "6212340000000018D301220100000000000F"),
        (0x5F24, "301231"),
    ):
        data.put_card(tag, h(value))
    return decision.run(session(data=data, combination=Combination(pan_ranges=ranges)))


@cases("80", "40")
def test_another_schemes_number_is_declined(kind):
    result = _decide("4,51-55", kind)
    assert (result.code, result.reason) == (outcome.DECLINED, E_BRAND)


def test_the_schemes_own_number_goes_on():
    assert _decide("62,81", "80").code == outcome.ONLINE_REQUEST
    assert _decide(None, "80").code == outcome.ONLINE_REQUEST
