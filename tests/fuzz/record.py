"""Genuine transactions with the bench's contact cards, recorded for the fuzzers to start from.

    python -m tests.fuzz.record          all of CARDS again

A conversation (conversations/CARD.txt) has a line for each APDU, `>` or `<` and hex, and last `=`, response code and
field 55 of the host. A seed of the target `kernel` is the same without the commands, as that target reads it. Both are
committed: cards have random numbers, and a seed that broke something means nothing but with its conversation.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from mpos.acquirer.issuer import Issuer
from mpos.bench.cards.registry import make_card
from mpos.bench.world import bench_tables
from tests.fuzz import world
from tests.fuzz.device import TOP
from tests.fuzz.feed import Feed
from tests.fuzz.targets.kernel import DataStore, transaction

CONVERSATIONS = TOP / "tests" / "fuzz" / "conversations"
_SEEDS = TOP / "tests" / "fuzz" / "corpus" / "kernel"
_CHIP_DATA = (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, 0x9F36, 0x9F26, 0x9F10)

# One card for each way through the kernel
CARDS = ("chip", "sda", "cda", "cda-offline", "dda-format-2", "no-authentication")


class _Recording:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.feed = bytearray()


class _Card:
    def __init__(self, card, recording: _Recording):
        self._card = card
        self._recording = recording
        card.power_on()

    async def transmit(self, c_apdu) -> memoryview:
        command = bytes(c_apdu)
        answer = self._card.exchange(command)
        assert answer is not None, "a mute card has no conversation"
        self._recording.lines += [f"> {command.hex()}", f"< {answer.hex()}"]
        data, status = answer[:-2][:255], answer[-2:]
        good = status == b"\x90\x00"
        self._recording.feed += bytes((0x00 if good else 0xE0, len(data))) + data + (b"" if good else status)
        return memoryview(answer)


class _Cardholder(world.Cardholder):
    """Chooses the first, confirms, types what the card's entry says."""

    def __init__(self, recording: _Recording):
        super().__init__(Feed(b""))
        self._feed_bytes = recording.feed
        recording.feed.append(0)

    async def choose(self, labels) -> int:
        self._feed_bytes.append(1)
        await super().choose(labels)
        return 0

    async def confirm(self, label) -> bool:
        self._feed_bytes.append(0)
        return await super().confirm(label)

    async def pin(self, kind: int, tries_left: int):
        self._feed_bytes.append(0)
        return await super().pin(kind, tries_left)


def record(name: str, tables: str) -> _Recording:
    """One transaction with the card of that name, approved by the issuer if it comes to that."""
    from reader.storage.emv_tables import EmvTables

    recording = _Recording()
    issuer = Issuer()

    def host(data: DataStore) -> tuple[bytes, bytes]:
        pan = bytes(data.need(0x5A)).hex().rstrip("f")
        chip = {tag: bytes(data.need(tag)) for tag in _CHIP_DATA}
        sequence = int(bytes(data.get(0x5F34) or b"\x00").hex())
        account = issuer.account(pan)
        assert account, f"{name}: no account"
        key = issuer.session_key(pan, sequence, chip[0x9F36])
        assert issuer.is_genuine(key, chip), f"{name}: the issuer knows no such cryptogram"
        answer = issuer.answer(key, chip, "00", account, sequence)
        recording.lines.append(f"= 00 {answer.hex()}")
        recording.feed += bytes((0, len(answer))) + answer
        return b"00", answer

    transaction(_Card(make_card(name)[0], recording), _Cardholder(recording), host, EmvTables(tables))
    return recording


def main() -> None:
    CONVERSATIONS.mkdir(exist_ok=True)
    _SEEDS.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile() as tables:
        Path(tables.name).write_bytes(bench_tables())
        for name in CARDS:
            recording = record(name, tables.name)
            (CONVERSATIONS / f"{name}.txt").write_text("\n".join(recording.lines) + "\n")
            (_SEEDS / name).write_bytes(recording.feed)
            print(f"{name}: {len(recording.lines) // 2} commands")


if __name__ == "__main__":
    main()
