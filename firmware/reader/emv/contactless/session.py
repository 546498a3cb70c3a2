"""What the steps of one contactless application share: EMV Contactless Book B, 3.4; Books C-3 and C-7.

A step is a function `run(session)` that returns None to go on, or the Outcome that ends the application.
"""

import gc

from micropython import const

from ...outcome import DECLINED, END_APPLICATION, TRY_ANOTHER_INTERFACE, Outcome
from ...util.modules import forget_each
from ...util.wipe import wipe

_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS = const(0x9F66)
_TAG_9F6C_CARD_TRANSACTION_QUALIFIERS = const(0x9F6C)

_TTQ1_CONTACT = const(0x10)

STATIC_DATA_MOST = const(2048)

# How far a presentment has come: what a card that leaves then may have done
READING = const(1)  # its answer with a cryptogram is here, its records are not
LAST_ASKED = const(2)  # the command for the last record has left

# What is done with when all is read
_READ = (
    "reader.emv.dol",
    "reader.emv.fci",
    "reader.emv.file_locator",
    "reader.emv.processing_options",
    "reader.emv.terminal",
    "reader.emv.contactless.brand",
    "reader.emv.contactless.combination_selection",
    "reader.emv.contactless.initiate",
    "reader.emv.contactless.read_data",
)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from ...ports import Tables
    from ..commands import Commands
    from ..data import DataStore


class Session:
    """`application`: the row of Parameters.contactless in use; `name`: the ADF name that was selected; `fci`: response
    data to that; `room`: STATIC_DATA_MOST bytes to work in, None: they are made when they are needed."""

    def __init__(
        self, commands: "Commands", data: "DataStore", tables: "Tables | None", terminal, application, tx, room
    ):
        self.commands = commands
        self.data = data
        self.tables = tables
        self.terminal = terminal
        self.application = application
        self.tx = tx
        self._room: Any = room
        self._ttq: Any = None
        self.kernel: Any = None  # the module kernel of the package that the combination names
        self.name = b""
        self.fci: Any = b""
        self.static_data: Any = b""  # records under the card's signature (EMV 4.4 Book 3, 10.3)
        self.static_data_bad = False
        self.progress = 0
        self.answered = 0  # bytes of the data that were there when the card had answered
        self.ask_issuer = False  # the card says so of what has failed here
        self.answer_data: Any = b""  # field 55 of the host's answer, and what became of its scripts
        self.script_results = bytearray()
        self.card_done: Any = None  # awaited when nothing more is needed of the card
        self.reserve: list = []  # heap in one piece for the keys of the card's signature, given back by `spare`

    async def read(self) -> "Outcome | None":
        """What every kernel begins with: GET PROCESSING OPTIONS, then the records. None: all is read."""
        from . import initiate, read_data

        outcome = await initiate.run(self)
        if outcome is None:
            outcome = await read_data.run(self)
        if outcome is None:
            await self.is_read()
        return outcome

    async def is_read(self) -> None:
        """Nothing more is needed of the card: it may go."""
        if self.card_done is not None:
            await self.card_done()

    def spare(self) -> None:
        """Make room for the keys of the card's signature: nothing more is read."""
        forget_each(*_READ)
        self.reserve.clear()
        gc.collect()

    def ttq(self, byte: int, mask: int) -> bool:
        """A bit of the terminal's qualifiers (9F66), by byte 1 to 4."""
        if self._ttq is None:
            # Looked for once: it is asked for often, while the card waits
            self._ttq = self.data.need(_TAG_9F66_TERMINAL_TRANSACTION_QUALIFIERS)
        return self._ttq[byte - 1] & mask != 0

    def ctq(self, byte: int, mask: int) -> bool:
        """A bit of the card's qualifiers (9F6C); False without them."""
        value = self.data.get(_TAG_9F6C_CARD_TRANSACTION_QUALIFIERS)
        return value is not None and value[byte - 1] & mask != 0

    def set_tvr(self, byte: int, mask: int) -> None:
        """By radio the terminal verification results stay zeros: they went into the cryptogram before anything was
        verified (Book C-3, annex A; Book C-7, annex A)."""

    def set_tsi(self, mask: int) -> None:
        """As `set_tvr`."""

    def add_static_data(self, data) -> None:
        """Put `data` behind the static data to be authenticated; without room for it the authentication fails."""
        n = len(self.static_data)
        end = n + len(data)
        if end > STATIC_DATA_MOST:
            self.static_data_bad = True
            return
        if self._room is None:
            self._room = bytearray(STATIC_DATA_MOST)
        room = memoryview(self._room)
        room[n:end] = data
        self.static_data = room[:end]

    def by_contact(self, reason: int, detail: int = 0, otherwise: int = DECLINED) -> Outcome:
        """The contact chip where the reader has told the card of one, else `otherwise`."""
        code = TRY_ANOTHER_INTERFACE if self.ttq(1, _TTQ1_CONTACT) else otherwise
        return Outcome(code, reason=reason, detail=detail)

    def wipe(self) -> None:
        """Overwrite what was read of the card."""
        if len(self.static_data):
            wipe(self.static_data)
            self.static_data = b""


def ended(reason: int, detail: int = 0) -> Outcome:
    """The application ends, and with it what this card can do here."""
    return Outcome(END_APPLICATION, reason=reason, detail=detail)
