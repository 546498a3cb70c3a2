"""ISO/IEC 7816-3, 12.1.3: the cases of a command APDU."""

from reader.iso7816.apdu import case_of, data_of, le_of
from testing import cases, h, requirement


@requirement(
    "ISO 7816-3", "12.1.3", "The length of a command APDU and its fifth byte tell which of the four cases it is."
)
@cases(
    ("00A40400", 1, "", 0),
    ("00B2010C00", 2, "", 256),
    ("00B2010C1C", 2, "", 0x1C),
    ("00B2010CFF", 2, "", 255),
    ("0082000004DEADBEEF", 3, "DEADBEEF", 0),
    ("0082000001DE", 3, "DE", 0),
    ("00A4040002A00000", 4, "A000", 256),
    ("00A4040002A00010", 4, "A000", 16),
    ("00D60000FF" + 255 * "11", 3, 255 * "11", 0),
    ("00D60000FF" + 255 * "11" + "FF", 4, 255 * "11", 255),
)
def test_cases(command, case, data, le):
    command = h(command)
    assert case_of(command) == case
    assert bytes(data_of(command)) == h(data)
    assert le_of(command) == le
    assert case_of(memoryview(command)) == case


@cases(
    "",
    "00",
    "00A404",  # half a header
    "00A4040002A0",  # a byte of data is missing
    "00A4040002A0000000",  # one byte too many
    "00B0000000FF",  # Lc 00: what follows would be an extended length
    "00B00000000100",
    "00D60000FF" + 257 * "11",
)
def test_none(command):
    assert case_of(h(command)) == 0
    assert le_of(h(command)) == 0
