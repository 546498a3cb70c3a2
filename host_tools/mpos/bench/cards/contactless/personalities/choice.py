"""Cards with several applications, or with one that does not want this transaction. EMV Contactless Book B, 3.3 and 3.5."""

from mpos.bench.cards.contactless.personalities.making import approved, broken, union, visa
from mpos.bench.cards.profile import AID_CREDIT, AID_DEBIT

_E_STATUS_WORD = 401
_OTHER_INTERFACE, _SELECT_NEXT = 0x6984, 0x6985
# The account holds one fen: who takes this application is declined
_EMPTY = {"pan": "6212340000000027", "oda": False}
_CREDIT = {"aid": AID_CREDIT, "label": "PBOC CREDIT"}

ENTRIES = (
    approved(
        "tap-by-priority",
        "Two applications, the second with the higher priority.",
        union(600, priority=2, **_EMPTY),
        union(637, priority=1, **_CREDIT),
    ),
    approved(
        "tap-two-schemes",
        "A UnionPay and a Visa application, and the Visa one has the higher priority.",
        union(600, priority=2, **_EMPTY),
        visa(41, priority=1),
    ),
    approved(
        "tap-select-next",
        "The first application does not want this transaction (6985), so the second is used.",
        union(600, refuses=_SELECT_NEXT, **_EMPTY),
        union(638, priority=2, **_CREDIT),
    ),
    broken(
        "tap-no-next",
        "The only application does not want this transaction (6985).",
        _E_STATUS_WORD,
        visa(42, oda=False, refuses=_SELECT_NEXT),
        detail=_SELECT_NEXT,
    ),
    broken(
        "tap-other-interface",
        "An application that wants to be inserted (6984); only the field is open.",
        _E_STATUS_WORD,
        union(639, oda=False, refuses=_OTHER_INTERFACE),
        detail=_OTHER_INTERFACE,
    ),
    approved(
        "tap-kernel",
        "The first application asks for a kernel that this reader has not got (2), the second for kernel 7.",
        union(600, kernel_identifier=b"\x02", **_EMPTY),
        union(640, priority=2, kernel_identifier=b"\x07", **_CREDIT),
    ),
    approved(
        "tap-longer-name",
        "An application whose name is longer than the reader's, with an extended selection.",
        union(641, name=AID_DEBIT + b"\x01", extended=b"\x02", kernel_identifier=b"\x07"),
    ),
)
