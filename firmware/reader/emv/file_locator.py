"""The application file locator, and the records that it names: EMV 4.4 Book 3, 10.2, 10.3.

Groups of four bytes: which records of which file are read, and how many of them are under offline data authentication.
"""

from micropython import const

from ..errors import E_TAG_FORMAT, ReaderError
from ..util import ber_tlv

_TAG_70_RECORD_TEMPLATE = const(0x70)
_TAG_94_APPLICATION_FILE_LOCATOR = const(0x94)

ENTRY = const(4)
RECORDS_MOST = const(32)
_SFI_MOST = const(30)
_SFI_EMV_MOST = const(10)  # Book 3, 5.3.2.2: above it are files of the payment systems and of the issuer


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


def keep(s, record, sfi: int, signed: bool, source: int) -> None:
    """What a record holds into `s.data`, as coming from `source` (tag_formats); what is `signed` of it into the session's
    static data too. Raises E_TLV, E_TAG_*, E_DATA_FULL.
    """
    if sfi > _SFI_EMV_MOST and (not len(record) or record[0] != _TAG_70_RECORD_TEMPLATE):
        # 10.3: a record to be authenticated that is no template 70 makes the authentication fail, and only that
        if signed:
            s.static_data_bad = True
        return
    # 6.5.11.4: a record of the files 1 to 10 is one template 70
    template = ber_tlv.only(record, _TAG_70_RECORD_TEMPLATE)
    if signed:
        # 10.3: of the files 1 to 10 without tag and length, of the others whole
        s.add_static_data(template if sfi <= _SFI_EMV_MOST else record)
    for tag, value in ber_tlv.objects(template):
        # 10.2: what is not recognised is ignored, what comes twice ends the transaction
        s.data.put_card(tag, value, source)
