"""Read application data: EMV 4.4 Book 3, 10.2 and 10.3; EMV Contactless Book C-3, 5.3; Book C-7, read application data."""

from micropython import const

from ...errors import E_STATUS_WORD
from ...outcome import Outcome
from .. import file_locator
from ..commands import SW_OK
from ..tag_formats import CONTACTLESS
from .session import LAST_ASKED, ended

_TAG_82_APPLICATION_INTERCHANGE_PROFILE = const(0x82)
_TAG_94_APPLICATION_FILE_LOCATOR = const(0x94)

_AIP1_DDA = const(0x20)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from .session import Session


async def run(s: "Session") -> "Outcome | None":
    """Every record of the AFL into the session's data, and what the card's signature covers into its static data.
    None, or END_APPLICATION for a status word other than 9000.

    A card that gave all in GET PROCESSING OPTIONS has no AFL. Raises E_TLV, E_TAG_*, E_DATA_FULL, and what `transmit`
    raises.
    """
    afl = s.data.get(_TAG_94_APPLICATION_FILE_LOCATOR)
    if afl is None:
        return None
    file_locator.check(afl)
    profile = s.data.get(_TAG_82_APPLICATION_INTERCHANGE_PROFILE)
    # Kept only where something may be made of it
    wanted = s.tables is not None and profile is not None and profile[0] & _AIP1_DDA != 0
    end = len(afl)
    for at in range(0, end, file_locator.ENTRY):
        sfi = afl[at] >> 3
        first = afl[at + 1]
        last = afl[at + 2]
        signed = first + afl[at + 3] if wanted else first
        for number in range(first, last + 1):
            if number == last and at + file_locator.ENTRY == end:
                s.progress = LAST_ASKED
            record, sw = await s.commands.read_record(number, sfi)
            # Book 3, 10.2: any other status word ends the transaction
            if sw != SW_OK:
                return ended(E_STATUS_WORD, sw)
            file_locator.keep(s, record, sfi, number < signed, CONTACTLESS)
    return None
