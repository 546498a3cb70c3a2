"""A plain contactless terminal for the virtual cards: EMV Contactless Books B, C-3 and C-7 (JR/T 0025.12), without a line of
firmware.

It is the bench's terminal: EMV mode, contact chip, online PIN, signature, the cardholder's device, authentication of what
goes online; a card decides up to 200.00, and the cardholder is verified from 1,000.00 on.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from mpos.bench.emv_keys import BENCH_EXCEPTIONS
from mpos.bench.field import TargetRemoved
from tests.host.cards import chip_authentication as oda
from tests.host.cards.chip_authentication import AuthenticationError
from tests.host.cards.chip_objects import LENGTHS, BrokenError, list_entries, objects, one, template
from tests.host.cards.host_answer import Answer

DATE, TODAY = "261123", 20261123
FLOOR_LIMIT, CVM_LIMIT = 20_000, 100_000
PPSE = b"2PAY.SYS.DDF01"
# AID, kernel, qualifiers, beginnings of its account numbers
COMBINATIONS = (
    ("A000000333010101", 7, "37004080", ("62", "81", "999999")),
    ("A000000333010102", 7, "37004080", ("62", "81", "999999")),
    ("A000000333010103", 7, "37004080", ("62", "81", "999999")),
    ("A0000000031010", 3, "3700C000", ("4", "999999")),
    ("A0000000032010", 3, "3700C000", ("4", "999999")),
)
DEFAULT_KERNELS = {"A000000333": 7, "A000000003": 3, "A000000004": 2}
AAC, TC, ARQC = 0, 1, 2
TRIES = 5
MOST_MS = 5000
PIN_WANTED = "1A"
SIZES = LENGTHS | {"9F6C": (2, 2), "9F69": (5, 16), "9F4B": (1, 255), "9F5D": (6, 6), "9F6E": (4, 32), "9F37": (4, 4)}


class EndError(Exception):
    """The transaction is over; `outcome` "declined" or "error", and the reader's number for why."""

    def __init__(self, outcome: str, error: int, detail: int = 0):
        super().__init__(outcome, error, detail)
        self.outcome, self.error, self.detail = outcome, error, detail


class SelectNext(Exception):
    """Book A, 6.2: the next application, if there is one."""

    def __init__(self, error: int, detail: int = 0):
        super().__init__(error, detail)
        self.error, self.detail = error, detail


class TryAgain(Exception):
    """Book A, 6.2: after something was done on the device."""


class MuteError(Exception):
    """No answer, or none within any patience."""


@dataclass
class Cut:
    """An approval that was not read to its end."""

    name: bytes
    kernel: int
    index: int
    atc: bytes
    known: dict[str, bytes]
    terminal: dict[str, bytes]


class TapTerminal:
    """One sale. ask(terminal): the host's answer. pins: what the cardholder types; "" nothing.

    returns: a card that was taken away is presented again.
    """

    def __init__(
        self,
        card,
        ask: Callable[[TapTerminal], Answer],
        amount: int = 1234,
        pins: list[str] | None = None,
        returns: bool = False,
    ):
        self.card = card
        self.ask = ask
        self.amount = amount
        self.pins = list(pins or [])
        self.returns = returns
        self.code = self.cvm = self.pin = ""
        self.known: dict[str, bytes] = {}
        self.terminal: dict[str, bytes] = {}
        self.signed = b""
        self.index = 0
        self.name = b""
        self.has_decided = self.torn = False
        self.cut: Cut | None = None
        self.updates: list[str] = []

    def run(self) -> str:
        """ "approved" or "declined". Raises EndError."""
        for _ in range(TRIES):
            self.card.power_on()
            self.has_decided = False
            try:
                return self.resume(self.cut) if self.cut is not None else self.present()
            except (TryAgain, MuteError):
                continue
            except BrokenError as error:
                raise EndError("error", 301) from error
            except TargetRemoved:
                self.torn = self.torn or self.has_decided
                if not self.returns:
                    if self.cut is not None:
                        raise EndError("error", 417, int.from_bytes(self.cut.atc, "big")) from None
                    raise EndError("error", 101) from None
        raise EndError("error", 103)

    # Commands

    def send(self, head: str, data: bytes | None = None, le: bool = True) -> tuple[bytes, int]:
        command = bytes.fromhex(head)
        if data is not None:
            command += bytes([len(data)]) + data
        waits = getattr(self.card, "delay_ms", 0)
        answer = self.card.exchange(command + (b"\x00" if le else b""))
        if answer is None or waits > MOST_MS:
            raise MuteError
        assert 2 <= len(answer) <= 258, "no card answers more than a short APDU holds"
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def keep(self, rows: list[tuple[str, bytes]]) -> None:
        for tag, value in rows:
            least, most = SIZES.get(tag, (0, 255))
            if not least <= len(value) <= most:
                raise EndError("error", 303, int(tag, 16))
            if tag in self.known:
                raise EndError("error", 305, int(tag, 16))
            self.known[tag] = value

    def need(self, tag: str) -> bytes:
        if tag not in self.known:
            raise EndError("error", 304, int(tag, 16))
        return self.known[tag]

    def values(self, dol: bytes) -> bytes:
        out = b""
        for tag, n in list_entries(dol):
            value = self.terminal.get(tag, b"")
            assert not value or len(value) == n, f"the cards of this bench ask for {tag} in its own length"
            out += value or bytes(n)
        return out

    # Book B, 3.3.2

    def present(self) -> str:
        fci, sw = self.send("00A40400", PPSE)
        if sw != 0x9000:
            raise EndError("error", 105)
        directory = one(objects(one(objects(template(fci, "6F")), "A5") or b""), "BF0C") or b""
        found = []
        for tag, body in objects(directory):
            rows = objects(body)
            name = one(rows, "4F")
            if tag != "61" or name is None:
                continue
            asked = one(rows, "9F2A")
            kernel = asked[0] if asked else DEFAULT_KERNELS.get(name[:5].hex().upper(), 0)
            for index, (aid, mine, _, _) in enumerate(COMBINATIONS):
                if name.hex().upper().startswith(aid) and kernel in (0, mine):
                    found.append(((one(rows, "87") or b"\0")[0] & 0x0F or 15, index, name))
        last = EndError("error", 105)
        for _, index, name in sorted(found, key=lambda row: row[0]):
            fci, sw = self.send("00A40400", name)
            if sw != 0x9000:
                continue
            self.index, self.name = index, name
            self.known, self.signed = {}, b""
            try:
                self.start(fci)
            except SelectNext as next_one:
                last = EndError("error", next_one.error, next_one.detail)
                continue
            return self.conclude()
        raise last

    def start(self, fci: bytes) -> None:
        """GET PROCESSING OPTIONS and READ RECORD. C-3, 5.2 and 5.3."""
        rows = objects(template(fci, "6F"))
        assert one(rows, "84") == self.name
        pdol = one(objects(one(rows, "A5") or b""), "9F38") or b""
        if "9F66" not in [tag for tag, _ in list_entries(pdol)]:
            raise SelectNext(304, 0x9F66)
        self.terminal = self.terminal_data()
        values = self.values(pdol)
        answer, sw = self.send("80A80000", b"\x83" + bytes([len(values)]) + values)
        if sw == 0x6985:
            raise SelectNext(401, sw)
        if sw == 0x6986:
            raise TryAgain
        if sw != 0x9000:
            raise EndError("error", 401, sw)
        if answer[:1] == b"\x80":
            body = template(answer, "80")
            if len(body) < 2 or len(body) % 4 != 2:
                raise EndError("error", 303, 0x80)
            self.keep([("82", body[:2])])
            if body[2:]:
                self.keep([("94", body[2:])])
        else:
            self.keep(objects(template(answer, "77")))
            self.has_decided = "9F26" in self.known and self.kind() != AAC
            if self.has_decided and self.kind() == TC and self.kernel == 7:
                self.cut = Cut(self.name, self.kernel, self.index, self.known["9F36"], dict(self.known), self.terminal)
        self.read()

    @property
    def kernel(self) -> int:
        return COMBINATIONS[self.index][1]

    def terminal_data(self) -> dict[str, bytes]:
        ttq = bytearray.fromhex(COMBINATIONS[self.index][2])
        ttq[1] |= (0x80 if self.amount > FLOOR_LIMIT else 0) | (0x40 if self.amount >= CVM_LIMIT else 0)
        return {
            "9F66": bytes(ttq),
            "9F02": bytes.fromhex(f"{self.amount:012d}"),
            "9F03": bytes(6),
            "9F1A": bytes.fromhex("0156"),
            "95": bytes(5),
            "5F2A": bytes.fromhex("0156"),
            "9A": bytes.fromhex(DATE),
            "9C": b"\0",
            "9F37": os.urandom(4),
            "9F33": bytes.fromhex("E0F8C8"),
            "9F35": b"\x22",
        }

    def read(self) -> None:
        afl = self.known.get("94", b"")
        if len(afl) % 4:
            raise EndError("error", 303, 0x94)
        for at in range(0, len(afl), 4):
            sfi, first, last, signed = afl[at] >> 3, *afl[at + 1 : at + 4]
            for number in range(first, last + 1):
                record, sw = self.send(f"00B2{number:02X}{sfi << 3 | 4:02X}")
                if sw != 0x9000:
                    raise EndError("error", 401, sw)
                body = template(record, "70")
                if number < first + signed:
                    self.signed += body
                self.keep(objects(body))

    # JR/T 0025.12, annex F: the same card, with the same counter; it is read again and asked for nothing
    def resume(self, cut: Cut) -> str:
        _, sw = self.send("00A40400", cut.name)
        counter, sw2 = self.send("80CA9F36")
        assert (sw, sw2) == (0x9000, 0x9000) and one(objects(counter), "9F36") == cut.atc, "another card"
        self.name, self.index = cut.name, cut.index
        self.known, self.terminal, self.signed = dict(cut.known), cut.terminal, b""
        self.has_decided = True
        self.read()
        return self.conclude()

    # What follows from the card's data

    def kind(self) -> int:
        iad = self.need("9F10")
        said = iad[4] >> 4 & 3
        kind = self.known["9F27"][0] >> 6 if "9F27" in self.known else said
        if kind != said:
            raise EndError("error", 402, 0x9F27)
        self.known["9F27"] = bytes([kind << 6])
        return kind

    def ctq(self) -> bytes:
        return self.known.get("9F6C", bytes(2))

    def conclude(self) -> str:
        for tag in ("82", "9F36", "9F26", "9F10"):
            self.need(tag)
        kind = self.kind()
        if kind == AAC:
            raise EndError("declined", 405)
        online = kind == ARQC
        ttq = self.terminal["9F66"]
        if kind == TC:
            online = self.check_approval(ttq)
        self.account()
        if kind == ARQC and ttq[0] & 0x01 and self.known["82"][0] & 0x20 and "9F4B" in self.known:
            self.check_signature()
        self.cvm = self.cardholder(ttq)
        self.cut = None
        return self.online() if online or self.pin else "approved"

    def check_approval(self, ttq: bytes) -> bool:
        """C-3, 5.4 to 5.6. True: the host is asked all the same."""
        if ttq[1] & 0x80:
            if self.kernel == 7:
                raise EndError("declined", 404)
            return True
        ends, begins = self.known.get("5F24"), self.known.get("5F25", b"\0\1\1")
        if ends is None or int("20" + ends.hex()) < TODAY or int("20" + begins.hex()) > TODAY:
            if not self.ctq()[0] & 0x08:
                raise EndError("declined", 414)
            return True
        pan = self.known["5A"].hex().upper().rstrip("F")
        if (pan, int(self.known.get("5F34", b"\0").hex())) in BENCH_EXCEPTIONS:
            raise EndError("declined", 418)
        return self.check_signature()

    def check_signature(self) -> bool:
        """True: it is wrong, and the host is asked."""
        try:
            if not self.known["82"][0] & 0x20:
                raise AuthenticationError("no DDA")
            self.fdda()
        except AuthenticationError:
            if self.ctq()[0] & 0x20:
                return True
            # 10h: another interface; only the field is open
            raise EndError("error" if self.ctq()[0] & 0x10 else "declined", 413) from None
        return False

    # C-3, annex C; JR/T 0025.12, 7.7
    def fdda(self) -> None:
        oda.need(self.known, "9F46")
        key = oda.icc_key(self.known, self.name[:5], self.signed)
        related = self.known.get("9F69", b"\0")
        covered = self.terminal["9F37"]
        if self.kernel == 3 and related[0] != 1:
            raise AuthenticationError("version")
        if related[0] == 1:
            covered += self.terminal["9F02"] + self.terminal["5F2A"] + related
        body = oda.recovered(oda.need(self.known, "9F4B"), *key, 0x05, covered)
        if body[2:6] != b"\x03\x02" + self.known["9F36"]:
            raise AuthenticationError("counter")

    def account(self) -> None:
        digits = self.need("57").hex().upper().split("D")[0]
        if "5A" in self.known and self.known["5A"].hex().upper().rstrip("F") != digits:
            raise EndError("error", 402)
        if not digits.startswith(COMBINATIONS[self.index][3]):
            raise EndError("declined", 415)

    # C-3, 5.7
    def cardholder(self, ttq: bytes) -> str:
        ctq, required = self.ctq(), bool(ttq[1] & 0x40)
        if "9F6C" not in self.known:
            return "signature" if required else "none"
        if ctq[0] & 0x80 and ttq[0] & 0x04:
            self.pin = self.typed()
            return "online PIN"
        if ctq[1] & 0x80 and ttq[2] & 0x40:
            # What the card has signed, or at least what the issuer will see signed, says the same
            related = self.known.get("9F69")
            if related[5:7] != ctq if related is not None else self.kind() != ARQC:
                raise EndError("declined", 403) if self.kernel == 3 else EndError("error", 402, 0x9F6C)
            return "on the cardholder's device"
        if ctq[0] & 0x40 and ttq[0] & 0x02:
            return "signature"
        if required:
            raise EndError("declined" if self.kernel == 3 else "error", 403)
        return "none"

    def typed(self, outcome: str = "error") -> str:
        """The PIN; without one the sale ends so."""
        pin = self.pins.pop(0)
        if not pin:
            raise EndError(outcome, 412, 1)
        return pin

    def online(self) -> str:
        results = {"online PIN": "020000", "on the cardholder's device": "010002", "signature": "1E0000"}
        self.known["9F34"] = bytes.fromhex(results.get(self.cvm, "1F0002"))
        self.known["84"] = self.name
        answer = self.ask(self)
        self.code = answer.code
        if answer.code == PIN_WANTED:
            self.pin = self.typed("declined")  # that was the host's word
            self.cvm = "online PIN"
            answer = self.ask(self)
            self.code = answer.code
        if self.kernel == 3 and self.ctq()[1] & 0x40:
            self.update(answer)
        return "approved" if answer.code == "00" else "declined"

    # C-3, issuer update processing: the card is presented again
    def update(self, answer: Answer) -> None:
        self.card.power_on()
        _, sw = self.send("00A40400", self.name)
        assert sw == 0x9000
        _, sw = self.send("00820000", answer.proof, le=False)
        self.updates.append(f"{sw:04X}")
        for _, script in answer.scripts if sw == 0x9000 else []:
            for tag, command in objects(script):
                if tag == "86":
                    _, sw = self.send(command[:4].hex(), command[5:], le=False)
                    self.updates.append(f"{sw:04X}")
