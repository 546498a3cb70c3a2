"""Entry Point: EMV Contactless Book B. Pre-processing, combination selection, kernel activation, outcome processing.

    start A   pre_process    what the amount allows, before the field is on (3.1)
    start B   run            one presentment; protocol activation (3.2) is the caller's, who hands its `transmit` in
    start C                  the next best combination, after Select Next (3.3)
    start D                  kernel activation (3.4): of the kernel alone, for a card that is recognised (torn.py)

One EntryPoint serves one transaction and knows its presentments: it is restarted by calling `run` again.
"""

from micropython import const

from ...errors import E_INTERNAL, E_NOT_PAYMENT, E_TORN, ReaderError
from ...outcome import (
    APPROVED,
    ONLINE_REQUEST,
    SELECT_NEXT,
    START_B,
    TRY_AGAIN,
    Outcome,
)
from ...util.modules import forget_each
from ..commands import SW_OK, Commands
from . import pre_processing
from .session import READING, Session, ended

CAN_PIN = const(1)
CAN_CONTACT = const(2)

# Kernels by their number. What is named here is a package beside this file, whose module kernel is loaded when a
# combination of the parameters has that number, and has
#     run(session), finish(session)                     from the selected application, or from its data, to the outcome
#     type_said(iad), unverified(session, why), online(session, outcome)     what decision.py asks it
#     RECOVERS, SIGNS_NUMBER_ALONE, TC_MAY_GO_ONLINE     and its rules
_KERNELS = ((3, "contactless.kernel3.kernel"), (7, "contactless.kernel7.kernel"))

# What a presentment may need; loaded before the first one, so that no customer waits for it, and while the heap is in
# one piece: what is loaded between a card's answers leaves no large piece for its keys
_STEPS = (
    "terminal",
    "contactless.brand",
    "contactless.combination_selection",
    "contactless.decision",
    "contactless.initiate",
    "contactless.outcome_processing",
    "contactless.read_data",
    "contactless.restrictions",
    "contactless.torn",
)
_SIGNED = "contactless.fdda"
# and all that is loaded by the end of one, the kernel aside. Nothing of it is needed while the host is asked
_DONE = (
    "certificates",
    "dol",
    "fci",
    "file_locator",
    "processing_options",
    "terminal",
    "track2",
    "contactless.brand",
    "contactless.combination_selection",
    "contactless.decision",
    "contactless.fdda",
    "contactless.initiate",
    "contactless.outcome_processing",
    "contactless.read_data",
    "contactless.restrictions",
    "contactless.torn",
    "contactless.usage",
    "contactless.verification",
)
_PPSE = b"2PAY.SYS.DDF01"
_RESERVE = const(3072)  # heap that a signature's keys of 1,984 bits and their powers take at once
_CARD_DATA = const(300)  # errors from here on are in what the card says; below, it says nothing any more
_PACKAGE = "reader.emv."

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from ...ports import Entropy, Tables
    from ...storage.parameters import Parameters
    from ..data import DataStore
    from .pre_processing import Preprocessed


class EntryPoint:
    """`parameters`: limits and terminal data; `entropy`: source of the unpredictable number; `tables`: the authorities'
    keys, None: no offline data authentication; `terminal_can`: CAN_* of what the board has; `room`:
    session.STATIC_DATA_MOST bytes to work in, or None."""

    def __init__(
        self,
        parameters: "Parameters",
        entropy: "Entropy | None",
        tables: "Tables | None" = None,
        terminal_can: int = 0,
        room: "bytearray | None" = None,
    ):
        self._parameters = parameters
        self._entropy = entropy
        self._tables = tables
        self._can = terminal_can
        self._room = room
        self._commands = Commands(None)
        self._session: Any = None
        self._index = 0  # of the combination that was activated last
        self._card_done: Any = None
        self._torn: Any = None
        self.is_torn = False  # a card left after it had decided, in a presentment of this transaction
        for name in _STEPS:
            _load(name)
        for combination in parameters.contactless:
            _kernel(combination.kernel)
        self._reserve: list = []
        if tables is not None:
            _load(_SIGNED)
            self._reserve.append(bytearray(_RESERVE))
        self.wants_update = False  # the card is to come once more, for its issuer's answer: `update`

    @property
    def torn_atc(self) -> int:
        """Transaction counter of the card that has approved, left too early, and not come back; -1: there is none."""
        return -1 if self._torn is None else self._torn.atc

    def pre_process(
        self, amount: int, currency: int, time: tuple, sequence: int, transaction_type: int = 0x00
    ) -> "Preprocessed | Outcome":
        """Before a card is asked for. `amount` in minor units, `currency` an ISO 4217 number, `time` (year, month,
        day, hour, minute, second), `sequence` the transaction's number (9F41), `transaction_type` two digits.

        Outcome TRY_ANOTHER_INTERFACE: no application allows the amount by radio. Raises E_AMOUNT.
        """
        kept = self._can & CAN_PIN, self._can & CAN_CONTACT, self._tables is not None
        tx = pre_processing.pre_process(self._parameters, kept, amount, currency, time, sequence, transaction_type)
        return _finish(tx) if isinstance(tx, Outcome) else tx

    async def run(self, transmit, tx: "Preprocessed", data: "DataStore", card_done=None) -> Outcome:
        """One presentment, from the directory to the outcome. After ONLINE_REQUEST and APPROVED `data` holds the
        transaction; after anything else, an exception included, it is wiped. `card_done` is awaited as soon as nothing more
        is needed of the card, before its signature is verified.

        Raises E_TLV, E_DOL, E_TAG_*, E_DATA_FULL, E_EMV_DATA for what the card sends, E_ENTROPY, and what `transmit`
        raises.
        """
        commands = self._commands
        commands.begin(transmit)
        keep = False
        self._session = None
        self._card_done = card_done
        self.wants_update = False
        try:
            outcome = await self._run(commands, tx, data)
            keep = outcome.code in (ONLINE_REQUEST, APPROVED)
        except ReaderError as error:
            if error.code < _CARD_DATA:
                self._note_torn(data)
            raise
        finally:
            commands.wipe()
            if self._session is not None:
                self._session.wipe()
            if not keep:
                data.wipe()
        # Book C-3, 5.8.1.2: the outcome that begins again
        self.wants_update = outcome.code == ONLINE_REQUEST and outcome.start == START_B
        _finish(outcome)
        if keep:
            self._unload()
        return outcome

    async def update(self, transmit, tx: "Preprocessed", data: "DataStore", issuer_data) -> "Outcome | None":
        """The same card once more, for what its issuer has answered (`issuer_data`: field 55). None: nothing of that is
        for the card. Raises as `run`. Whatever comes of it, the transaction stands."""
        from . import issuer_update

        if not issuer_update.is_wanted(issuer_data):
            self.wants_update = False
            data.wipe()
            return None
        commands = self._commands
        commands.begin(transmit)
        s = self._session
        try:
            # Book B, 3.4: the kernel is activated for the combination that it has asked to begin again with
            _, sw = await commands.select(s.name)
            if sw != SW_OK:
                return _finish(ended(E_NOT_PAYMENT, sw))
            s.commands = commands
            s.answer_data = issuer_data
            return _finish(await issuer_update.run(s))
        finally:
            self.wants_update = False
            commands.wipe()
            data.wipe()

    @property
    def script_results(self) -> bytearray:
        """What became of the issuer's scripts in `update`: five bytes for each (EMV 4.4 Book 4, A5)."""
        return bytearray() if self._session is None else self._session.script_results

    def wipe(self) -> None:
        """Forget the presentments of this transaction."""
        if self._session is not None:
            self._session.wipe()
            self._session = None
        self._forget_torn()

    async def _run(self, commands: Commands, tx, data) -> Outcome:
        if self._torn is not None:
            outcome = await self._resume(commands, tx, data)
            if outcome is not None:
                return outcome
        # Book B, 3.3.2, step 1: the directory
        fci, sw = await commands.select(_PPSE)
        if sw != SW_OK:
            return ended(E_NOT_PAYMENT, sw)
        # step 2: what card and reader have in common
        found = self._candidates(fci, tx)
        last = ended(E_NOT_PAYMENT)
        # step 3: the best that can be selected; a kernel may send us on to the next (3.5, Select Next: start C)
        for _, index, name, extension in found:
            fci, sw = await commands.select(name + extension)
            if sw != SW_OK:
                last = ended(E_NOT_PAYMENT, sw)
                continue
            s = self._activate(commands, index, name, tx, data)
            s.fci = fci
            self._fill(s, tx.ttq(index))
            outcome = await s.kernel.run(s)
            s.fci = b""
            if outcome.code != SELECT_NEXT:
                return outcome
            last = ended(outcome.reason, outcome.detail)
        return last

    # In functions of their own: what they load is then not held on to while the kernel runs

    def _candidates(self, fci, tx) -> list:
        from . import combination_selection

        return combination_selection.candidates(fci, self._parameters.contactless, tx.allowed)

    def _fill(self, s: Session, ttq) -> None:
        from .. import terminal

        terminal.contactless_data_into(s.data, s.terminal, s.application, ttq, s.tx, self._entropy)

    def _activate(self, commands: Commands, index: int, name: bytes, tx, data) -> Session:
        """Book B, 3.4: the kernel of the combination takes over."""
        combination = self._parameters.contactless[index]
        data.wipe()
        s = Session(commands, data, self._tables, self._parameters.terminal, combination, tx, self._room)
        s.name = name
        s.reserve = self._reserve
        s.card_done = self._card_done
        s.kernel = _kernel(combination.kernel)
        self._session = s
        self._index = index
        return s

    # --- a presentment that was cut off

    def _note_torn(self, data) -> None:
        """The card is gone. If it had decided by then, that is told; if it had approved, it is kept."""
        s = self._session
        if s is None or s.progress < READING or self._torn is not None:
            return
        from . import decision

        try:
            kind = decision.cryptogram_type(data, s.kernel)
            self.is_torn = self.is_torn or kind != decision.AAC
            if kind == decision.TC:
                from .torn import Torn

                self._torn = Torn(self._index, s)
        except ReaderError:
            pass  # It has not said what it decided

    async def _resume(self, commands: Commands, tx, data) -> "Outcome | None":
        """The card that approved and left is waited for. None: it is the one, and has booked nothing: it begins anew."""
        from . import read_data
        from . import torn as module

        torn = self._torn
        _, sw = await commands.select(torn.name)
        state = module.ANOTHER if sw != SW_OK else await torn.recognise(commands)
        if state == module.ANOTHER:
            # Whoever pays with another card now may have paid twice
            return self._still_torn()
        s = self._activate(commands, torn.index, torn.name, tx, data)
        if state == module.BOOKED and s.kernel.RECOVERS:
            if not len(torn.objects):
                return self._still_torn()
            data.restore(torn.objects)
            outcome = await read_data.run(s)
            if outcome is None:
                await s.is_read()
                torn.wipe()  # in the data now; their place is for the keys
                outcome = s.kernel.finish(s)
                self._forget_torn()
                return outcome
            # It does not give its records again: what was booked is for the host to find out
            return self._still_torn()
        self._forget_torn()
        return None

    def _still_torn(self) -> Outcome:
        outcome = Outcome(TRY_AGAIN, reason=E_TORN, detail=self._torn.atc)
        outcome.start = START_B
        return outcome

    def _unload(self) -> None:
        """What the card was read with: its memory is there again with the next collection."""
        self._session.kernel = None
        self._reserve.clear()
        forget_each(
            "reader.crypto.rsa", *[_PACKAGE + name for name in _DONE], *[_PACKAGE + name for _, name in _KERNELS]
        )

    def _forget_torn(self) -> None:
        if self._torn is not None:
            self._torn.wipe()
            self._torn = None


def rehearse(parameters: "Parameters") -> None:
    """Load once what presentments load: what is missing is missed now, and the names are in the heap from here on."""
    tables: Any = parameters  # there are some: what verifies a signature is loaded too
    EntryPoint(parameters, None, tables)
    for name in ("contactless.usage", "contactless.issuer_update"):
        _load(name)


def _kernel(number: int) -> "Any":
    """The module kernel of the package for that number."""
    for kernel, name in _KERNELS:
        if kernel == number:
            return _load(name)
    raise ReaderError(E_INTERNAL)


def _finish(outcome: Outcome) -> Outcome:
    from . import outcome_processing

    return outcome_processing.finish(outcome)


def _load(name: str) -> "Any":
    """The module. As with the imports inside functions here, nothing holds on to it: so it can be unloaded."""
    return __import__(_PACKAGE + name, None, None, (name,))
