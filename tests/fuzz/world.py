"""What stands around a card in a transaction, for the targets: the cardholder, the acquirer's tables, the terminal."""

from __future__ import annotations

from tests.fuzz import keys
from tests.fuzz.device import Budget
from tests.fuzz.feed import Feed

_QUESTIONS_MOST = 100
AID = bytes.fromhex("A000000333010102")
PAN = bytes.fromhex("6212340000000018")


class Terminal:
    """The bench's terminal (boards/unix/parameters.json), type 22."""

    country = currency = 156
    exponent, type, category = 2, 22, 5999
    capabilities = bytes.fromhex("E0F8C8")
    additional_capabilities = bytes.fromhex("6000F0A001")
    merchant, id, serial, name = "104110058120001", "10000001", "00000001", "SHOP"


class Transaction:
    amount, amount_other, currency, sequence, transaction_type = 1234, 0, 156, 1, 0
    time = (2026, 3, 14, 15, 9, 26)


class Application:
    aid, partial, version = AID, True, bytes.fromhex("0030")
    tac_default, tac_online = bytes.fromhex("D84000A800"), bytes.fromhex("D84004F800")
    tac_denial = bytes.fromhex("0010000000")
    floor_limit, threshold, max_target, target = 10000, 0, 0, 0
    default_ddol, default_tdol = bytes.fromhex("9F3704"), b""
    online_pin = True
    ec_limit = 100000

    @staticmethod
    def get(tag: int):
        return None


class Authority:
    rid, index, expiry = AID[:5], 1, 20391231
    modulus, exponent = keys.AUTHORITY.modulus, keys.AUTHORITY.exponent


class Tables:
    def aids(self):
        yield AID, True
        yield AID[:7], True

    def application(self, name):
        return Application if bytes(name)[:7] == AID[:7] else None

    def capk(self, rid, index: int):
        return Authority if bytes(rid) == Authority.rid and index == Authority.index else None

    def is_revoked(self, rid, index: int, serial) -> bool:
        assert len(serial) == 3
        return bytes(serial) == b"\xde\xad\x00"

    def is_excepted(self, pan, sequence: int) -> bool:
        return bytes(pan) != PAN


class Entropy:
    def fill(self, buffer) -> None:
        for at in range(len(buffer)):
            buffer[at] = 0x5A


class Cardholder:
    """Answers as the feed says, and is asked no more often than a person would bear."""

    def __init__(self, feed: Feed):
        self._feed = feed
        self._budget = Budget(_QUESTIONS_MOST)
        self.has_pin_pad = feed.byte() < 0xF0
        self._pins: list[bytearray] = []

    async def choose(self, labels) -> int:
        self._budget.spend()
        assert labels
        return self._feed.below(len(labels) + 1) - 1

    async def confirm(self, label) -> bool:
        self._budget.spend()
        return self._feed.byte() < 0xC0

    async def pin(self, kind: int, tries_left: int):
        self._budget.spend()
        assert self.has_pin_pad and 1 <= kind <= 3 and -1 <= tries_left <= 255
        choice = self._feed.byte()
        if choice > 0xE0:
            return 1 + choice % 4
        self._pins.append(bytearray((1, 2, 3, 4)))
        return self._pins[-1]

    def check_wiped(self, kept) -> None:
        """No PIN is anywhere but in the session, which has the one for the host."""
        for pin in self._pins:
            assert pin is kept or not any(pin)
