"""What the contract tests of the magnetic head have in common: stripes, heads that swipe them, and the driver's process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from mpos.bench.f2f import Stripe
from mpos.bench.mag_asic import DeltaAsic
from mpos.bench.mag_head import ARMED, LET_GO, MagHead, serve_head
from tests.contract.device_process import sessions

LIMIT_S = 120
DEVICE = Path(__file__).with_name("device.py")

CLOSED, HEAD = 205, 221
EMPTY = "1"  # iso7811/reasons.py
# By the driver's name: the parts that it is for
PARTS = {"asic": ("21006536", "21006529", "21006540"), "3v": ("21006540",), "edges": (None,)}

TRACK_1 = "B6212340000000005000^TEST/CARD^3012101000000000"
TRACK_2 = "6212340000000005000=30121010000000001"
TRACK_3 = "996212340000000005000=1561560000000000000003000000214000000=000000000000=000000000000000000000000"
FULL = Stripe(TRACK_1, TRACK_2, TRACK_3)
OTHER = Stripe("B6212340000000009999^OTHER/CARD^3012101", "6212340000000009999=3012101", None)

Swipe = tuple[Stripe, dict[str, Any]]


class Swiper(MagHead):
    """A head through which one card after the other is drawn, each when the driver waits for it (device.py says so)."""

    def __init__(self, asic: DeltaAsic | str | None, *swipes: Swipe):
        self.cards = list(swipes)
        self.at: tuple[int, Callable[[Swiper], object]] | None = None  # what to do when there were so many strobes
        super().__init__(asic)

    def receive(self, data: bytes) -> None:
        if self.asic is not None and self.at is not None and self.asic.strobes >= self.at[0]:
            (_, what), self.at = self.at, None
            what(self)
        super().receive(data)
        if (ARMED if self.asic is None else LET_GO) in data and self.cards:
            stripe, options = self.cards[0]
            if self.swipe(stripe, **options):
                del self.cards[0]


def good(*tracks: str | None, back: bool = False, early: bool = False, otherwise: str = EMPTY) -> list[str]:
    """What device.py says of a swipe with these tracks. otherwise: the reason where there is none."""
    words = [track.encode().hex() if track else otherwise for track in tracks]
    return ["ok", "early" if early else "-", "back" if back else "forward", *words]


async def device(kind: str, *arguments: str) -> dict[tuple[int, int], list[str]]:
    """What device.py prints, by number of the address and of the swipe."""
    found = await sessions(str(DEVICE), kind, *arguments, limit_s=LIMIT_S)
    return {(number, int(which)): said for (number, which), said in found.items()}


async def run_heads(kind: str, heads: Sequence[MagHead], *what: str) -> dict[tuple[int, int], list[str]]:
    """What becomes of the swipes at each head, one head after the other."""
    async with AsyncExitStack() as stack:
        addresses = [await stack.enter_async_context(serve_head(head)) for head in heads]
        return await device(kind, *what, *addresses)
