"""Seeds for the target `kernel`: transactions with the bench's contact cards, in the form in which it takes them.

python -m tests.fuzz.record [CARD ...]
"""

from __future__ import annotations

import sys

from mpos.bench.cards.registry import CONTACT, make_card, names
from tests.fuzz import world
from tests.fuzz.__main__ import CORPUS
from tests.fuzz.feed import Feed
from tests.fuzz.targets.kernel import transaction


class _Card:
    def __init__(self, card, written: bytearray):
        self._card = card
        self._written = written
        card.power_on()

    async def transmit(self, c_apdu) -> memoryview:
        answer = self._card.exchange(bytes(c_apdu)) or b"\x6f\x00"
        data, status = answer[:-2][:255], answer[-2:]
        good = status == b"\x90\x00"
        self._written += bytes((0x00 if good else 0xE0, len(data))) + data + (b"" if good else status)
        return memoryview(answer)


class _Cardholder(world.Cardholder):
    """Says what the feed of zeros says: the first of a choice but one, yes, the PIN 1234."""

    def __init__(self, written: bytearray):
        super().__init__(Feed(b""))
        self._written = written
        written.append(0)

    async def choose(self, labels) -> int:
        self._written.append(1)
        await super().choose(labels)
        return 0

    async def confirm(self, label) -> bool:
        self._written.append(0)
        return await super().confirm(label)

    async def pin(self, kind: int, tries_left: int):
        self._written.append(0)
        return await super().pin(kind, tries_left)


def seed(name: str) -> bytes:
    """What the card of this name says in a transaction that the host approves."""
    written = bytearray()
    cardholder = _Cardholder(written)

    def host() -> tuple[bytes, bytes]:
        written.extend((0, 0))
        return b"00", b""

    transaction(_Card(make_card(name)[0], written), cardholder, host)
    return bytes(written)


def main(chosen: list[str]) -> None:
    folder = CORPUS / "kernel"
    folder.mkdir(exist_ok=True)
    for name in chosen or names(CONTACT):
        (folder / name).write_bytes(seed(name))


if __name__ == "__main__":
    main(sys.argv[1:])
