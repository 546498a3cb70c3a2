"""Genuine transactions with the bench's cards, recorded for the fuzzers to start from.

    python -m tests.fuzz.record          all of NAMES and TAPS again
    python -m tests.fuzz.record visa     only this one

A conversation (conversations/CARD.txt) has a line for each APDU, `>` or `<` and hex, and last `=`, response code and
field 55 of the host; those by radio begin with `@ tap`. A seed of the target `kernel`, or `tap`, is the same without the
commands, as that target reads it. Both are
committed: cards have random numbers, and a seed that broke something means nothing but with its conversation.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from mpos.acquirer.issuer import Issuer
from mpos.bench.cards.registry import CARDS, Entry
from mpos.bench.field import TargetRemoved
from mpos.bench.world import bench_tables
from tests.fuzz import taps, world
from tests.fuzz.device import TOP
from tests.fuzz.feed import Feed
from tests.fuzz.targets.kernel import DataStore, transaction

from reader.errors import E_CARD_REMOVED, ReaderError  # isort: skip

CONVERSATIONS = TOP / "tests" / "fuzz" / "conversations"
_SEEDS = TOP / "tests" / "fuzz" / "corpus"
_CHIP_DATA = (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, 0x9F36, 0x9F26, 0x9F10)

# One card for each way through the kernel
NAMES = (
    "chip",
    "sda",
    "cda",
    "cda-offline",
    "dda-format-2",
    "no-authentication",
    "two-applications",
    "no-pse",
    "options-refused-once",
    "pin-offline",
    "pin-enciphered-own-key",
    "pin-wrong",
    "online-pin-after-offline",
    "velocity-within",
    "arpc-in-cdol2",
    "script-both",
    "cash",
    "cash-below-threshold",
)
# and by radio, of both kernels
TAPS = (
    "tap-online",
    "tap-quasi-credit",
    "tap-offline",
    "tap-offline-version-0",
    "tap-cash",
    "tap-refuses",
    "tap-pin-demanded",
    "tap-phone",
    "tap-format-1",
    "tap-select-next",
    "fdda-wrong-online",
    "torn-cash-paid",
    "visa",
    "visa-cvn-18",
    "visa-offline",
    "visa-one-command",
    "visa-update",
)
# What the target `tap` reads first: 12.34, a PIN pad, the keys; a sale
_TAP_CHOICES = b"\x60\x00"


class _Recording:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.feed = bytearray()
        self.ends: list[int | None] = []

    def exchange(self, command: bytes, answer: bytes) -> None:
        self.lines += [f"> {command.hex()}", f"< {answer.hex()}"]
        data, status = answer[:-2][:255], answer[-2:]
        good = status == b"\x90\x00"
        self.feed += bytes((0x00 if good else 0xE0, len(data))) + data + (b"" if good else status)


class _Card:
    def __init__(self, card, recording: _Recording):
        self._card = card
        self._recording = recording
        card.power_on()

    async def transmit(self, c_apdu) -> memoryview:
        command = bytes(c_apdu)
        answer = self._card.exchange(command)
        assert answer is not None, "a mute card has no conversation"
        self._recording.exchange(command, answer)
        return memoryview(answer)


class _Cardholder(world.Cardholder):
    """Does what the card's entry says; in the seed there is a byte for it that says the same."""

    def __init__(self, entry: Entry, recording: _Recording):
        super().__init__(Feed(b""))
        self._entry = entry
        self._typed = (entry.pin or "").split(",")
        self._written = recording.feed
        recording.feed.append(0)  # there is a PIN pad

    async def choose(self, labels) -> int:
        await super().choose(labels)
        self._written.append(self._entry.choice + 1)
        return self._entry.choice

    async def confirm(self, label) -> bool:
        self._written.append(0)
        return await super().confirm(label)

    async def pin(self, kind: int, tries_left: int):
        pin = await super().pin(kind, tries_left)
        self._written.append(0)
        pin[:] = bytes(int(digit) for digit in self._typed.pop(0))
        return pin


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
        assert issuer.is_genuine(pan, sequence, chip), f"{name}: the issuer knows no such cryptogram"
        answer = issuer.answer(chip, "00", account, sequence)
        recording.lines.append(f"= 00 {answer.hex()}")
        recording.feed += bytes((0, len(answer))) + answer
        return b"00", answer

    entry = CARDS[name]
    card = _Card(entry.build(0)[0], recording)
    transaction(card, _Cardholder(entry, recording), host, EmvTables(tables))
    return recording


class _Tap:
    """A card in the field, which may leave it."""

    def __init__(self, card, recording: _Recording):
        self._card = card
        self._recording = recording
        card.power_on()

    async def transmit(self, c_apdu) -> memoryview:
        command = bytes(c_apdu)
        try:
            answer = self._card.exchange(command)
        except TargetRemoved:
            self._recording.feed.append(taps.CUT)
            raise ReaderError(E_CARD_REMOVED) from None
        assert answer is not None, "a mute card has no conversation"
        self._recording.feed.append(0)  # it stays in the field
        self._recording.exchange(command, answer)
        return memoryview(answer)


def record_tap(name: str, tables: str) -> _Recording:
    """The same by radio. The card is presented until it has decided."""
    from reader.storage.emv_tables import EmvTables

    recording = _Recording()
    recording.lines.append("@ tap")
    recording.feed += _TAP_CHOICES
    issuer = Issuer()
    card = CARDS[name].build(0)[0]

    def host(data: DataStore) -> bytes:
        pan = bytes(data.need(0x57)).hex().partition("d")[0]
        chip = {tag: bytes(data.need(tag)) for tag in _CHIP_DATA}
        sequence = int(bytes(data.get(0x5F34) or b"\x00").hex())
        account = issuer.account(pan)
        assert account, f"{name}: no account"
        assert issuer.is_genuine(pan, sequence, chip), f"{name}: the issuer knows no such cryptogram"
        answer = issuer.answer(chip, "00", account, sequence)
        recording.lines.append(f"= 00 {answer.hex()}")
        recording.feed += bytes((len(answer),)) + answer
        return answer

    ends = taps.transaction(Feed(_TAP_CHOICES + bytes(64)), lambda: _Tap(card, recording), host, EmvTables(tables))
    recording.ends = [end and end.code for end in ends]
    return recording


def main(wanted: list[str]) -> None:
    CONVERSATIONS.mkdir(exist_ok=True)
    with tempfile.NamedTemporaryFile() as tables:
        Path(tables.name).write_bytes(bench_tables())
        for target, names, how in (("kernel", NAMES, record), ("tap", TAPS, record_tap)):
            (_SEEDS / target).mkdir(exist_ok=True)
            for name in [name for name in names if name in wanted or not wanted]:
                recording = how(name, tables.name)
                (CONVERSATIONS / f"{name}.txt").write_text("\n".join(recording.lines) + "\n")
                (_SEEDS / target / name).write_bytes(recording.feed)
                print(f"{name}: {len(recording.lines) // 2} commands", *recording.ends)


if __name__ == "__main__":
    main(sys.argv[1:])
