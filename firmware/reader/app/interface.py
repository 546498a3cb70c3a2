"""What the ways a card may come by have in common: how a transaction goes on when the card has been read."""

from .. import outcome

_APPROVED = "00"


class Interface:
    """Tap and Swipe, whose card has gone by the time the host answers; Insert, whose card has the last word, says
    otherwise where it does.

    entry_mode: DE22, without its last digit. session: of the contact kernel. cardholder: who is asked by the phone.
    keys: of the packet, if the card was read under them. has_answered: the chip is alive.
    """

    entry_mode = ""
    session = None
    cardholder = None
    keys = None
    has_answered = False

    def __init__(self, transaction):
        self._t = transaction

    def wants_pin(self, response_code: str) -> bool:
        """Whether the host's no means that the sale may be asked for again, with a PIN."""
        return False

    async def ask_pin(self) -> None:
        """Have the cardholder enter the PIN for the host. Raises E_CANCELLED, E_NO_PIN."""

    def is_chosen(self) -> bool:
        """An application of the chip runs."""
        return False

    def packed(self) -> None:
        """The packet is made: nothing of the card is needed any more."""
        self._t.data.wipe()

    async def conclude(self, answer, error, unanswered: bool) -> outcome.Outcome:
        """What becomes of the host's answer. `error`: why there is no answer, or (not `unanswered`) why the one that came
        cannot be believed. Here the host's word is final; raises `error` when there is none."""
        if error is not None:
            raise error
        code = outcome.APPROVED if answer.response_code == _APPROVED else outcome.DECLINED
        return outcome.Outcome(code, cvm=self._t.result.cvm)

    async def epilogue(self, answer) -> None:
        """The sale is decided and its notices are settled: what the card may still hear of the host's answer."""

    @property
    def script_results(self):
        """What became of the issuer's scripts: five bytes for each (EMV 4.4 Book 4, A5)."""
        return b"" if self.session is None else self.session.script_results

    def report(self, result) -> None:
        """Put into the result what only this one knows."""

    async def stop(self) -> None:
        """Wipe what is its own; it is for others to switch the part off."""
