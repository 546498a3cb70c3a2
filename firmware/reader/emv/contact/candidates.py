"""The candidate list: EMV 4.4 Book 1, 12.2.4, 12.3.1 (matching), 12.4 (order and names)."""

from binascii import hexlify

from micropython import const

_ADF_NAME_LEAST = const(5)
_ADF_NAME_MOST = const(16)
_LABEL_MOST = const(16)
_CONFIRM = const(0x80)  # of the priority indicator: table 13
_ORDER = const(0x0F)
_ORDER_LAST = const(16)
CANDIDATES_MOST = const(10)
_CODE_TABLE_1 = b"\x01"
_LATIN = const(0xA0)  # the first printable character of the upper half: ISO/IEC 8859-1


class Candidates:
    """Applications that card and reader have in common, best first: (priority indicator, ADF name, name to show)."""

    def __init__(self):
        self.list: list = []
        self.card_blocked = False  # the card refuses SELECT altogether
        self.blocked = False  # an application that would fit is blocked
        self.tried = False  # there was something to select
        self.status = 0  # the status word that was last a reason to go on with the next

    def add(self, priority, name, label) -> None:
        """`priority`: value of 87 or None; `name`: the ADF name; `label`: as `shown` makes it.

        A name that is here already is left out; beyond CANDIDATES_MOST the last one falls off.
        """
        indicator = priority[0] if priority is not None and len(priority) == 1 else 0
        name = bytes(name)
        order = _order(indicator)
        at = len(self.list)
        for i in range(len(self.list)):
            if self.list[i][1] == name:
                return
            # 12.4, step 4: without a priority as they come, and after those that have one
            if at == len(self.list) and _order(self.list[i][0]) > order:
                at = i
        self.list.insert(at, (indicator, name, label))
        if len(self.list) > CANDIDATES_MOST:
            self.list.pop()


def _order(indicator: int) -> int:
    return indicator & _ORDER or _ORDER_LAST


def to_be_confirmed(candidate: tuple) -> bool:
    """Whether the application must not be used without the cardholder's confirmation (table 13)."""
    return candidate[0] & _CONFIRM != 0


def is_name(name) -> bool:
    """An ADF name is 5 to 16 bytes long (12.2.1)."""
    return name is not None and _ADF_NAME_LEAST <= len(name) <= _ADF_NAME_MOST


def matches(name, aid: bytes, partial: bool) -> bool:
    """12.3.1: the AID is the name, or, where the reader allows that, its beginning."""
    n = len(aid)
    return name[:n] == aid and (partial or len(name) == n)


def shown(name, label, preferred, code_table, terminal) -> bytes:
    """What the cardholder reads (12.4): the preferred name (9F12) if the reader has its code table (9F11), else the
    label (50), else the ADF name in hexadecimal. Unprintable characters become question marks.
    """
    # Of the code tables only the first is shown: Book 4, 11.1, and bit 1 of 9F40, byte 5
    if (
        preferred
        and code_table is not None
        and code_table == _CODE_TABLE_1
        and terminal.additional_capabilities[4] & 0x01
    ):
        return _printable(preferred, _LATIN)
    if label:
        return _printable(label, 0x100)
    return hexlify(bytes(name))


def _printable(text, upper: int) -> bytes:
    out = bytearray(text[:_LABEL_MOST])
    for i in range(len(out)):
        if not (0x20 <= out[i] <= 0x7E or out[i] >= upper):
            out[i] = 0x3F
    return bytes(out)
