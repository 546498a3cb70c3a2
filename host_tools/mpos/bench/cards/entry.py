"""One line of the list of cards: what it is, what the bench does with it, how a sale with it must end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CONTACTLESS, CONTACT, SWIPE = "contactless", "contact", "swipe"


@dataclass(frozen=True)
class Entry:
    """outcome: "approved", "declined" or "error".

    response_code: DE39 that the host must answer, "" where the packet never leaves.
    error: the reader's error number, 0 for none (host_tools/mpos/describe/reader_errors.py).
    detail: what the error's detail is, 0 where it is not said. kind: "payment", "not-payment" or "pair".
    build: from the number of transactions behind the card to what is laid into the field, or inserted (one).
    tvr, tsi: in hex, as they stand at the end of the transaction; "" where there are none or it is not said.
    cvm: what the record says of the cardholder's verification, "" where it is not said.
    amount: of the sale. pin: what the cardholder types, each time one is asked for; several, with commas, in order;
    "" bypasses the PIN pad; None: nobody is asked. choice: answer to a selection prompt,
    None: nobody wants any. swipe: how a stripe is swiped (bench/mag_head.py, MagHead.swipe). by: the
    interface that the sale ends by, when it is another. inserts: whether its holder does when the reader wants the chip.
    torn: the card is taken away once after it has decided. returns: it is presented again. balance: of electronic cash after the
    sale, as the record has it; "" where it is not said.
    offline: the card decides without the host. fault: of the acquirer, for the cards that want one (acquirer.FAULTS).
    """

    name: str
    story: str
    outcome: str
    response_code: str
    error: int
    kind: str
    build: Callable[[int], list[Any]]
    interface: str = CONTACTLESS
    tvr: str = ""
    tsi: str = ""
    cvm: str = ""
    amount: str = "12.34"
    pin: str | None = None
    choice: int | None = 0
    offline: bool = False
    fault: str | None = None
    swipe: dict[str, Any] = field(default_factory=dict)
    by: str = ""
    inserts: bool = True
    detail: int = 0
    torn: bool = False
    returns: bool = False
    balance: str = ""
