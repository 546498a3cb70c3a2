"""The contact kernel: the steps of EMV 4.4 Book 3, chapter 10, in their order (Book 3, figure 8; Book 4, 6.3).

A step's module is loaded when its turn comes and goes with it, so that a transaction never holds all of them.
"""

from micropython import const

from ...errors import ReaderError
from ...outcome import APPROVED, ONLINE_REQUEST, SELECT_NEXT, Outcome
from ...util.modules import keep_only, loaded
from ..commands import Commands
from .session import Session

_PACKAGE = "reader.emv.contact."
_TC = const(1)
_ARQC = const(2)
_TAG_8A_AUTHORISATION_RESPONSE_CODE = const(0x8A)
_SCRIPTS_BEFORE = const(0x71)
_SCRIPTS_AFTER = const(0x72)
_OFFLINE_APPROVED = b"Y1"
_OFFLINE_DECLINED = b"Z1"
_HOST_APPROVED = b"00"

_STEPS = (
    "application_selection",
    "initiate",
    "read_application_data",
    "electronic_cash",
    "offline_data_authentication",
    "processing_restrictions",
    "cardholder_verification",
    "terminal_risk_management",
    "terminal_action_analysis",
    "card_action_analysis",
    "online_processing",
    "script_processing",
    "completion",
)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any

    from ...ports import Cardholder, Entropy, Tables
    from ..data import DataStore


class Kernel:
    """One transaction with one card. `terminal`: Parameters.terminal; `tables`, `cardholder`, `entropy`: ports;
    `room`: session.STATIC_DATA_MOST bytes to work in.

    First `run`, and after ONLINE_REQUEST `complete`; whatever ended them, `wipe` comes last.
    """

    def __init__(self, terminal, tables: "Tables", cardholder: "Cardholder", entropy: "Entropy", room=None):
        self._terminal = terminal
        self._tables = tables
        self._cardholder = cardholder
        self._entropy = entropy
        self._room = room
        self._kept = loaded()
        self.session: Any = None

    async def run(self, transmit, tx, data: "DataStore") -> Outcome:
        """From the selection of an application to what the card says first. `tx`: amount, amount_other, currency,
        time, sequence, transaction_type. What it found out is in `data` and `session`.

        APPROVED (the card approved offline), DECLINED (E_CARD_DECLINED, E_TERMINAL_DECLINED, E_CDA), ONLINE_REQUEST,
        TRY_ANOTHER_INTERFACE, END_APPLICATION with a reason. Raises E_TLV, E_DOL, E_TAG_*, E_DATA_FULL, E_EMV_DATA
        for what the card sends, E_CANCELLED, E_ENTROPY, E_PARAMETERS, and what `transmit` raises.
        """
        s = self.session = Session(
            Commands(transmit), data, self._terminal, self._tables, self._cardholder, self._entropy, tx, self._room
        )
        outcome = await self._select(s)
        if outcome is None:
            outcome = await self._prepare(s)
        if outcome is None:
            outcome = await self._decide(s)
        return outcome

    async def _select(self, s: Session) -> "Outcome | None":
        """Book 1, 12; Book 3, 10.1: an application that does not want this transaction makes room for the next."""
        selection = self._load("application_selection")
        candidates = await selection.build(s)
        while True:
            s.data.wipe()
            outcome = await selection.select(s, candidates)
            if outcome is None:
                outcome = await self._load("initiate").run(s)
            if outcome is None or outcome.code != SELECT_NEXT:
                return outcome

    async def _prepare(self, s: Session) -> "Outcome | None":
        outcome = await self._load("read_application_data").run(s)
        if outcome is not None:
            return outcome
        await self._load("electronic_cash").after_read(s)
        await self._load("offline_data_authentication").run(s)
        self._load("processing_restrictions").run(s)
        outcome = await self._load("cardholder_verification").run(s)
        if outcome is not None:
            return outcome
        s.spare()
        await self._load("terminal_risk_management").run(s)
        return None

    async def _decide(self, s: Session) -> Outcome:
        asked = self._load("terminal_action_analysis").decide(s)
        # Book 4, A6: the reader's own response code stands in CDOL1 when it decides without the host
        if asked != _ARQC:
            s.data.set(_TAG_8A_AUTHORISATION_RESPONSE_CODE, _OFFLINE_APPROVED if asked == _TC else _OFFLINE_DECLINED)
        outcome = await self._load("card_action_analysis").run(s, asked)
        if outcome is None:
            # 10.11: who is never online has nobody to ask
            if self._load("action_codes").is_offline_only(s.terminal):
                return await self.complete_without(True)
            return Outcome(ONLINE_REQUEST, cvm=s.cvm)
        s.answer_code = _OFFLINE_APPROVED if outcome.code == APPROVED else _OFFLINE_DECLINED
        return outcome

    async def complete(self, code: bytes, icc_data) -> Outcome:
        """The host answered: `code` is its response code (two characters), `icc_data` field 55 or b"".

        APPROVED, or DECLINED with a reason of its own when the host had approved (E_CARD_REFUSED, E_CDA). Raises
        what `transmit` raises, and for malformed answers of the card as `run`; `session.reversal` says in every case
        whether the host has booked what was not sold.
        """
        s = self.session
        s.answer_code = code
        s.answer_data = icc_data
        approved = code == _HOST_APPROVED
        try:
            await self._load("online_processing").run(s)
            await self._load("script_processing").run(s, _SCRIPTS_BEFORE)
            outcome = await self._load("completion").run(s)
        except ReaderError:
            s.reversal = approved
            raise
        s.reversal = s.reversal or (approved and outcome.code != APPROVED)
        try:
            await self._load("script_processing").run(s, _SCRIPTS_AFTER)
        except ReaderError:
            pass  # 10.10: the decision has been made; what was not done is in the script results
        return outcome

    async def complete_without(self, believable: bool) -> Outcome:
        """No answer of the host: 10.11, unable to go online; the action codes for that case decide. An answer that
        came and cannot be believed (`believable` False) is a reason to decline whatever they say."""
        s = self.session
        s.online_failed = True
        s.must_decline = not believable
        return await self._load("completion").run(s)

    def rehearse(self) -> None:
        """Load every step once: a firmware that lacks one is found out before a card is in the slot, and the names
        that the modules bring are in the heap from then on."""
        for name in _STEPS:
            self._load(name)

    def _load(self, name: str) -> "Any":
        """The module of a step. It is unloaded at once, with all that it brought: what holds them is the function
        that runs, and nothing after it."""
        module = __import__(_PACKAGE + name, None, None, (name,))
        keep_only(self._kept)
        return module

    def wipe(self) -> None:
        """Overwrite what the session holds; `data` is the caller's."""
        if self.session is not None:
            self.session.commands.wipe()
            self.session.wipe()
            self.session = None
