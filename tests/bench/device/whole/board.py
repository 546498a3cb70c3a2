"""The board of the whole firmware's figures: boot to idle, and one sale split by its phases.

The firmware is the product's own, main.py included; it is given scripted parts and a link on which a phone sits that
asks for one sale.
"""

import gc

import flash
import parts
from measure import Meter

from reader.link.pipe import Pipe
from reader.util.modules import keep_only, loaded

meter = Meter()
_STATE = "/bench"


class Link(Pipe):
    """What the reader sends to the phone ends here; what the phone sends is handed over as a whole message."""

    stack = "bench"

    def __init__(self):
        super().__init__()
        self.sale = None

    async def serve(self, handle, gone) -> None:
        meter.pause()
        from sale import Sale

        self.sale = Sale(meter, board, handle, self.session)
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
        from reader.drivers.on_demand import OnDemand
        from reader.storage.state_file import StateFile

        meter.pause()
        parts.leave_waiting_out(meter)
        self._personalise()
        self.chip = parts.ChipLine(meter)
        self.contact = parts.Slot(meter, parts.script("insert"))
        gc.collect()
        meter.resume()
        self.clock = parts.Clock()
        self.entropy = parts.Entropy()
        self.keys = flash.keys
        self.journal = flash.journal
        self.secret = StateFile(_STATE + "/secret")
        self.counter_store = StateFile(_STATE + "/counters")
        self.notice_store = StateFile(_STATE + "/notices")
        self.parameters = "/rom/parameters.json"
        self.emv_tables = "/rom/emv.tlv"
        self.head = self.pin_pad = self.display = None
        self.contactless = OnDemand(self._contactless)

    def _contactless(self):
        from reader.drivers.contactless import ContactlessReader
        from reader.drivers.pn532.chip import Pn532
        from reader.drivers.pn532.hsu import Hsu

        return ContactlessReader(Pn532(Hsu(self.chip)))

    def image(self):
        return memoryview(flash.rom)

    def link(self, version: str, in_factory: bool) -> Link:
        return Link()

    def _personalise(self) -> None:
        import os

        kept = loaded()
        from sale import KEY

        from reader.app.counters import Counters
        from reader.app.notices import Notices
        from reader.dukpt.tdes import TdesDukpt
        from reader.storage import sections
        from reader.storage.key_ring import KeyRing
        from reader.storage.state_file import StateFile

        try:
            for name in os.listdir(_STATE):
                os.remove(_STATE + "/" + name)
        except OSError:
            os.mkdir(_STATE)
        for region in (flash.keys, flash.journal):
            for sector in range(region.ioctl(4, 0)):
                region.ioctl(6, sector)
        ring = KeyRing(flash.keys, flash.journal, StateFile(_STATE + "/secret"))
        ring.create(parts.Entropy())
        TdesDukpt(ring).load_initial_key(bytes.fromhex(KEY[:32]), bytes.fromhex(KEY[33:]))
        ring.write(((sections.READER_ID, bytes(8)), (sections.SESSION_ROOT, bytes(16)), (sections.IN_FIELD, b"\x01")))
        Counters(StateFile(_STATE + "/counters")).create()
        Notices(StateFile(_STATE + "/notices")).create()
        del ring
        keep_only(kept)


board: Board = None


def peripherals() -> Board:
    global board
    board = Board()
    return board
