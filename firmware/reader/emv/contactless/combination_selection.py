"""The candidate list from the card's directory: EMV Contactless Book B, 3.3.2; EMV 4.4 Book 1, 12.2.

A candidate is (priority 1 to 15, index of the combination, ADF name, extension of it). Priority 1 comes first.
"""

from micropython import const

from ...util import ber_tlv

CANDIDATES_MOST = const(10)

_TAG_4F_APPLICATION_DEDICATED_FILE_NAME = const(0x4F)
_TAG_61_APPLICATION_TEMPLATE = const(0x61)
_TAG_6F_FCI_TEMPLATE = const(0x6F)
_TAG_87_APPLICATION_PRIORITY_INDICATOR = const(0x87)
_TAG_9F29_EXTENDED_SELECTION = const(0x9F29)
_TAG_9F2A_KERNEL_IDENTIFIER = const(0x9F2A)
_TAG_A5_FCI_PROPRIETARY_TEMPLATE = const(0xA5)
_TAG_BF0C_FCI_ISSUER_DISCRETIONARY_DATA = const(0xBF0C)

_ADF_NAME_LEAST = const(5)
_ADF_NAME_MOST = const(16)
_PRIORITY_LOWEST = const(15)
_KERNEL_ANY = const(0)
_KERNEL_NONE = const(-1)
_KERNEL_ID_MOST = const(8)

# Book B, 3.3.2: the kernel that a card means which names none: RID and kernel, six bytes each
_RID = const(5)
_DEFAULT_KERNELS = (
    b"\xa0\x00\x00\x00\x03\x03\xa0\x00\x00\x00\x04\x02\xa0\x00\x00\x00\x25\x04"
    b"\xa0\x00\x00\x00\x65\x05\xa0\x00\x00\x01\x52\x06\xa0\x00\x00\x03\x24\x06\xa0\x00\x00\x03\x33\x07"
)


def candidates(fci, combinations, allowed) -> list:
    """The candidates of the PPSE's FCI, best first: by priority, then in the order of the directory.

    `fci`: response data of SELECT PPSE; `combinations`: Parameters.contactless; `allowed(index)`: pre-processing's
    answer. At most CANDIDATES_MOST: beyond that the last ones fall off. A directory entry without a well-formed ADF
    name, priority or kernel is skipped. Raises E_TLV, E_TAG_DUPLICATE.
    """
    found: list = []
    template = ber_tlv.only(fci, _TAG_6F_FCI_TEMPLATE)
    directory = ber_tlv.find(template, _TAG_A5_FCI_PROPRIETARY_TEMPLATE, _TAG_BF0C_FCI_ISSUER_DISCRETIONARY_DATA)
    if directory is None:
        return found
    for tag, entry in ber_tlv.objects(directory):
        if tag == _TAG_61_APPLICATION_TEMPLATE:
            _add_entry(found, entry, combinations, allowed)
    return found


def _add_entry(found: list, entry, combinations, allowed) -> None:
    name = ber_tlv.find(entry, _TAG_4F_APPLICATION_DEDICATED_FILE_NAME)
    if name is None or not _ADF_NAME_LEAST <= len(name) <= _ADF_NAME_MOST:
        return
    extension = _extension(name, ber_tlv.find(entry, _TAG_9F29_EXTENDED_SELECTION))
    priority = _priority(ber_tlv.find(entry, _TAG_87_APPLICATION_PRIORITY_INDICATOR))
    kernel = _requested_kernel(name, ber_tlv.find(entry, _TAG_9F2A_KERNEL_IDENTIFIER))
    if priority is None or kernel == _KERNEL_NONE:
        return
    for i in range(len(combinations)):
        combination = combinations[i]
        aid = combination.aid
        # Book B, 3.3.2: the reader's AID is all of the ADF name or its beginning
        if not allowed(i) or name[: len(aid)] != aid:
            continue
        if kernel in (_KERNEL_ANY, combination.kernel):
            _insert(found, (priority, i, bytes(name), extension if combination.extended_selection else b""))


def _priority(value) -> "int | None":
    # Book B, 3.3.2: absent or zero is the lowest; bits 8 to 5 are not used without a cardholder's choice
    if value is None:
        return _PRIORITY_LOWEST
    if len(value) != 1:
        return None
    return value[0] & 0x0F or _PRIORITY_LOWEST


def _extension(name, value) -> bytes:
    """Book B, 3.3.2 and 3.3.3: what the directory wants behind the ADF name, where the combination does that; none
    that makes the name longer than one can be."""
    if value is None or len(name) + len(value) > _ADF_NAME_MOST:
        return b""
    return bytes(value)


def _requested_kernel(name, value) -> int:
    """A kernel number, _KERNEL_ANY, or _KERNEL_NONE for one that this reader cannot have."""
    if value is None or not len(value):
        for at in range(0, len(_DEFAULT_KERNELS), _RID + 1):
            if name[:_RID] == _DEFAULT_KERNELS[at : at + _RID]:
                return _DEFAULT_KERNELS[at + _RID]
        return _KERNEL_ANY
    # Book B, 3.3.2: bits 8 and 7 set mark domestic kernels, whose first byte is then no kernel's number here
    return value[0] if len(value) <= _KERNEL_ID_MOST else _KERNEL_NONE


def _insert(found: list, candidate: tuple) -> None:
    at = len(found)
    while at and found[at - 1][0] > candidate[0]:
        at -= 1
    found.insert(at, candidate)
    if len(found) > CANDIDATES_MOST:
        found.pop()
