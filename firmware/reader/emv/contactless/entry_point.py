"""Entry Point: EMV Contactless Book B. Pre-processing, combination selection, kernel activation, outcome.

Protocol activation (3.2) is the caller's: it has a card and hands its `transmit` in.
"""

from micropython import const

from ...errors import E_INTERNAL, E_NOT_PAYMENT, ReaderError
from ...outcome import END_APPLICATION, ONLINE_REQUEST, SELECT_NEXT, Outcome
from ..commands import SW_OK, Commands
from ..terminal import contactless_data_into
from . import combination_selection, pre_processing
from .kernel7 import kernel

CAN_PIN = const(1)
CAN_CONTACT = const(2)

_KERNEL_7 = const(7)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from ...ports import Entropy, Tables
    from ...storage.parameters import Parameters
    from ..data import DataStore
    from .pre_processing import Preprocessed


class EntryPoint:
    """`parameters`: limits and terminal data; `entropy`: source of the unpredictable number; `tables`: the authorities'
    keys, None: no offline data authentication; `terminal_can`: CAN_* of what the board has."""

    wants_update = False
    is_torn = False
    torn_atc = -1

    def __init__(
        self, parameters: "Parameters", entropy: "Entropy", tables: "Tables | None" = None, terminal_can: int = 0
    ):
        self._parameters = parameters
        self._entropy = entropy
        self._tables = tables
        self._can = terminal_can

    def pre_process(
        self, amount: int, currency: int, time: tuple, sequence: int, transaction_type: int = 0x00
    ) -> "Preprocessed | Outcome":
        """Before a card is asked for. `amount` in minor units, `currency` an ISO 4217 number, `time` (year, month,
        day, hour, minute, second), `sequence` the transaction's number (9F41), `transaction_type` two digits.

        Outcome TRY_ANOTHER_INTERFACE: no application allows the amount by radio. Raises E_AMOUNT.
        """
        return pre_processing.pre_process(self._parameters, amount, currency, time, sequence, transaction_type)

    async def run(self, transmit, tx: "Preprocessed", data: "DataStore") -> Outcome:
        """One card, from the directory to the outcome. After ONLINE_REQUEST `data` holds the transaction; after
        anything else, an exception included, it is wiped.

        Raises E_TLV, E_DOL, E_TAG_*, E_DATA_FULL, E_EMV_DATA for what the card sends, E_ENTROPY, and what `transmit`
        raises.
        """
        commands = Commands(transmit)
        keep = False
        try:
            outcome = await self._run(commands, tx, data)
            keep = outcome.code == ONLINE_REQUEST
        finally:
            commands.wipe()
            if not keep:
                data.wipe()
        return outcome

    async def update(self, transmit, tx: "Preprocessed", data: "DataStore", issuer_data) -> "Outcome | None":
        """None: no kernel has a use for the issuer's answer."""
        return None

    def wipe(self) -> None:
        """Forget the presentments of this transaction."""

    async def _run(self, commands: Commands, tx, data) -> Outcome:
        # Book B, 3.3.2, step 1: the directory
        fci, sw = await commands.select(combination_selection.PPSE)
        if sw != SW_OK:
            return Outcome(END_APPLICATION, reason=E_NOT_PAYMENT, detail=sw)
        # step 2: what card and reader have in common
        found = combination_selection.candidates(fci, self._parameters.contactless, tx.allowed)
        last = Outcome(END_APPLICATION, reason=E_NOT_PAYMENT)
        # step 3: the best that can be selected; a kernel may send us on to the next (3.5, Select Next)
        for _, index, name in found:
            fci, sw = await commands.select(name)
            if sw != SW_OK:
                last = Outcome(END_APPLICATION, reason=E_NOT_PAYMENT, detail=sw)
                continue
            outcome = await self._activate(commands, index, name, fci, tx, data)
            if outcome.code != SELECT_NEXT:
                return outcome
            last = Outcome(END_APPLICATION, reason=outcome.reason, detail=outcome.detail)
        return last

    async def _activate(self, commands: Commands, index: int, name: bytes, fci, tx, data) -> Outcome:
        """Book B, 3.4: the kernel of the combination takes over."""
        combination = self._parameters.contactless[index]
        data.wipe()
        contactless_data_into(data, self._parameters.terminal, combination, tx.ttq(index), tx, self._entropy)
        if combination.kernel == _KERNEL_7:
            return await kernel.run(commands, name, fci, data)
        raise ReaderError(E_INTERNAL)
