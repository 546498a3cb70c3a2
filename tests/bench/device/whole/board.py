"""The board of the whole firmware's figures: boot to idle, and one sale split by its phases.

The firmware is the product's own, main.py included; it is given scripted parts and a link on which a phone sits that
asks for one sale.
"""

import gc

import parts
from measure import Meter

from reader.link.pipe import Pipe

meter = Meter()
_STATE = "/bench"
_IK = bytes.fromhex("6AC292FAA1315B4D858AB3A3D7D5933A")  # X9.24-1:2009, A.4: of the KSN below
_KSN = bytes.fromhex("FFFF9876543210E00000")


class Link(Pipe):
    """What the reader sends to the phone ends here; what the phone sends is handed over as a whole message."""

    stack = "bench"

    def __init__(self):
        super().__init__()
        self.sale = None

    async def serve(self, handle, gone) -> None:
        meter.pause()
        from sale import Sale

        self.sale = Sale(meter, board, handle)
        meter.resume()
        await self.sale.run()

    async def _transmit(self, message) -> bool:
        meter.pause()
        if self.sale is not None:
            self.sale.heard(message)
        meter.resume()
        return True


class Board:
    name = "mPOS bench"

    def __init__(self):
        from reader.drivers.contactless import ContactlessReader
        from reader.drivers.pn532.chip import Pn532
        from reader.drivers.pn532.hsu import Hsu
        from reader.storage.state_file import StateFile

        meter.pause()
        parts.leave_waiting_out(meter)
        self._personalise()
        self.chip = parts.ChipLine(meter, parts.script())
        gc.collect()
        meter.resume()
        self.clock = parts.Clock()
        self.entropy = parts.Entropy()
        self.key_store = StateFile(_STATE + "/keys")
        self.counter_store = StateFile(_STATE + "/counters")
        self.parameters = "/rom/parameters.json"
        self.contactless = ContactlessReader(Pn532(Hsu(self.chip)))

    def link(self, version: str) -> Link:
        return Link()

    def _personalise(self) -> None:
        import os

        from reader.app.counters import Counters
        from reader.dukpt.tdes import TdesDukpt
        from reader.storage.state_file import StateFile

        try:
            for name in os.listdir(_STATE):
                os.remove(_STATE + "/" + name)
        except OSError:
            os.mkdir(_STATE)
        TdesDukpt(StateFile(_STATE + "/keys")).load_initial_key(_IK, _KSN)
        Counters(StateFile(_STATE + "/counters")).create()


board: Board = None


def peripherals() -> Board:
    global board
    board = Board()
    return board
