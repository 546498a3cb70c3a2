"""The file locator: EMV 4.4 Book 3, 10.2."""

from reader.emv import file_locator
from reader.errors import E_TAG_FORMAT
from testing import cases, h, raises, requirement


@requirement(
    "Book 3", "10.2", "An entry of the AFL names a file from 1 to 30 and an ascending range of records from 1."
)
@cases("08010100", "F0010100", "08FFFF01", "08010101", "08010504", "08010505")
def test_a_good_entry(afl):
    file_locator.check(h(afl))


@requirement(
    "Book 3",
    "10.2",
    "A file locator with a wrong file, record range or count of records to authenticate ends the transaction.",
)
@cases(
    "00010100",  # SFI 0
    "F8010100",  # SFI 31
    "09010100",  # bits 3 to 1
    "0A010100",
    "0C010100",
    "08000100",  # first record 0
    "08000000",
    "08020100",  # last before first
    "08010102",  # more to authenticate than there are
    "08020405",
    "080101",  # not a group of four
    "0801010010",
    "08010100 00010100",  # a second entry counts as much
    "08010100 10020100",
)
def test_a_bad_entry(afl):
    with raises(E_TAG_FORMAT, 0x94):
        file_locator.check(h(afl))


def test_the_bound_on_records():
    file_locator.check(bytes((0x08, 1, file_locator.RECORDS_MOST, 0)))
    file_locator.check(bytes((0x08, 1, file_locator.RECORDS_MOST - 1, 0, 0x10, 1, 1, 0)))
    with raises(E_TAG_FORMAT, 0x94):
        file_locator.check(bytes((0x08, 1, file_locator.RECORDS_MOST + 1, 0)))
    with raises(E_TAG_FORMAT, 0x94):
        file_locator.check(bytes((0x08, 1, file_locator.RECORDS_MOST, 0, 0x10, 1, 1, 0)))
