"""Read application data: EMV 4.4 Book 3, 10.2; which of it is under offline data authentication: 10.3."""

from micropython import const

from ...errors import E_STATUS_WORD, E_TAG_FORMAT, ReaderError
from ...outcome import END_APPLICATION, Outcome
from ...util.bcd import to_int
from .. import file_locator, track2
from ..commands import SW_OK
from ..tag_formats import RECORD

_TAG_57_TRACK2_EQUIVALENT_DATA = const(0x57)
_TAG_5A_PAN = const(0x5A)
_TAG_5F24_APPLICATION_EXPIRATION_DATE = const(0x5F24)
_TAG_5F25_APPLICATION_EFFECTIVE_DATE = const(0x5F25)
_TAG_8C_CDOL1 = const(0x8C)
_TAG_8D_CDOL2 = const(0x8D)
_TAG_94_APPLICATION_FILE_LOCATOR = const(0x94)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from .session import Session


async def run(s: "Session") -> "Outcome | None":
    """Every record of the file locator into `s.data`; what the card's signature covers into `s.static_data` as well.

    END_APPLICATION for a status word other than 9000. Raises E_TLV, E_TAG_FORMAT, E_TAG_MISSING, E_TAG_DUPLICATE,
    E_EMV_DATA, E_DATA_FULL, and what `transmit` raises.
    """
    afl = s.data.need(_TAG_94_APPLICATION_FILE_LOCATOR)
    file_locator.check(afl)
    for at in range(0, len(afl), file_locator.ENTRY):
        sfi = afl[at] >> 3
        first = afl[at + 1]
        signed = first + afl[at + 3]
        for number in range(first, afl[at + 2] + 1):
            record, sw = await s.commands.read_record(number, sfi)
            # 10.2: any other status word ends the transaction
            if sw != SW_OK:
                return Outcome(END_APPLICATION, reason=E_STATUS_WORD, detail=sw)
            file_locator.keep(s, record, sfi, number < signed, RECORD)
    _check(s.data)
    return None


def _check(data) -> None:
    # 7.2, table 30: without these no transaction
    _check_date(_TAG_5F24_APPLICATION_EXPIRATION_DATE, data.need(_TAG_5F24_APPLICATION_EXPIRATION_DATE))
    pan = data.need(_TAG_5A_PAN)
    data.need(_TAG_8C_CDOL1)
    data.need(_TAG_8D_CDOL2)
    effective = data.get(_TAG_5F25_APPLICATION_EFFECTIVE_DATE)
    if effective is not None:
        _check_date(_TAG_5F25_APPLICATION_EFFECTIVE_DATE, effective)
    # What travels as track 2 and what the kernel looks at are one account
    track = data.get(_TAG_57_TRACK2_EQUIVALENT_DATA)
    if track is not None:
        track2.check_same_pan(track, pan)


def _check_date(tag: int, value) -> None:
    # 7.5: a date out of its range is incorrectly formatted, and ends the transaction
    number = to_int(value)
    if not (1 <= number // 100 % 100 <= 12 and 1 <= number % 100 <= 31):
        raise ReaderError(E_TAG_FORMAT, tag)
