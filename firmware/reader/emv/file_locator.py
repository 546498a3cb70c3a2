"""The application file locator: EMV 4.4 Book 3, 10.2. Groups of four bytes: which records of which file are read."""

from micropython import const

from ..errors import E_TAG_FORMAT, ReaderError

_TAG_94_APPLICATION_FILE_LOCATOR = const(0x94)

ENTRY = const(4)
RECORDS_MOST = const(32)
_SFI_MOST = const(30)


def check(afl) -> None:
    """Raises E_TAG_FORMAT (detail 94) for a file locator that Book 3, 10.2 does not allow, or that has more than
    RECORDS_MOST records."""
    good = len(afl) % ENTRY == 0
    records = 0
    for at in range(0, len(afl) if good else 0, ENTRY):
        # Book 3, 10.2: SFI in bits 8 to 4, bits 3 to 1 zero; first record never 0, last not before it; the records
        # for offline data authentication are among them
        sfi = afl[at] >> 3
        first = afl[at + 1]
        last = afl[at + 2]
        good = good and afl[at] & 0x07 == 0 and 1 <= sfi <= _SFI_MOST
        good = good and 1 <= first <= last and afl[at + 3] <= last - first + 1
        records += last - first + 1
    if not good or records > RECORDS_MOST:
        raise ReaderError(E_TAG_FORMAT, _TAG_94_APPLICATION_FILE_LOCATOR)
