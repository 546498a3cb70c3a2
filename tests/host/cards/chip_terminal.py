"""A plain contact terminal for the virtual cards: EMV 4.4 Book 3, chapter 10, and Book 1, 12, without a line of firmware.

It is the bench's terminal (type 22, capabilities E0F8C8, UnionPay's action codes) and asks the acquirer of the test.
What it has no bit for ends with `BrokenError`.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import sha1

from mpos.bench.emv_keys import BENCH_EXCEPTIONS
from tests.host.cards import chip_authentication as oda
from tests.host.cards.chip_authentication import AuthenticationError
from tests.host.cards.chip_objects import DIGITS, LENGTHS, BrokenError, list_entries, objects, one, template
from tests.host.cards.host_answer import Answer

DATE, TODAY = "261123", 20261123
FLOOR_LIMIT, CASH_LIMIT = 10_000, 100_000
AIDS = ("A000000333010101", "A000000333010102", "A000000333010103", "A0000000031010")
FLOOR_LIMITS = {"A0000000031010": 0}
VERSIONS = {"A0000000031010": "012C"}
TAC_DEFAULT, TAC_DENIAL, TAC_ONLINE = "D84000A800", "0010000000", "D84004F800"
AAC, TC, ARQC = 0x00, 0x40, 0x80
PSE = b"1PAY.SYS.DDF01"

_SIGNED = {"4F", "50", "57", "5A", "82", "84", "87", "8C", "8D", "8E", "8F", "90", "92", "93", "94", "97", "9F38"}


class ChipTerminal:
    """One sale. ask(known, pin): the host's answer, None when it cannot be reached.

    pins: what the cardholder types, in order; "" bypasses. choice: number of the application chosen, None for none.
    """

    def __init__(
        self,
        card,
        ask: Callable[[ChipTerminal], Answer | None],
        amount: int = 1234,
        pins: list[str] | None = None,
        choice: int | None = 0,
    ):
        self.card = card
        self.ask = ask
        self.amount = amount
        self.pins = list(pins or [])
        self.choice = choice
        self.tvr = bytearray(5)
        self.tsi = bytearray(2)
        self.known: dict[str, bytes] = {}
        self.terminal: dict[str, bytes] = {}
        self.signed = b""
        self.signed_bad = False
        self.cvm = ""
        self.pin = ""  # for the host
        self.cash = False
        self.cda_key: tuple[bytes, bytes] | None = None
        self.pdol_values = self.cdol1_values = b""
        self.reversal = False
        self.scripts: list[str] = []

    # Commands

    def send(self, head: str, data: bytes | None = None, le: bool = True) -> tuple[bytes, int]:
        command = bytes.fromhex(head)
        if data is not None:
            if len(data) > 255:
                raise BrokenError("too much for a command")
            command += bytes([len(data)]) + data
        if le:
            command += b"\x00"
        answer = self.card.exchange(command)
        if answer is None:
            raise BrokenError("mute")
        assert 2 <= len(answer) <= 258, "no card answers more than a short APDU holds"
        return answer[:-2], int.from_bytes(answer[-2:], "big")

    def must(self, head: str, data: bytes | None = None) -> bytes:
        answer, sw = self.send(head, data)
        if sw != 0x9000:
            raise BrokenError(f"{head}: {sw:04X}")
        return answer

    def keep(self, rows: list[tuple[str, bytes]]) -> None:
        for tag, value in rows:
            least, most = LENGTHS.get(tag, (0, 255))
            if not least <= len(value) <= most or (tag in DIGITS and not value.hex().isdecimal()):
                raise BrokenError(f"{tag}: {len(value)} bytes")
            if tag in self.known:
                raise BrokenError(f"{tag} twice")
            self.known[tag] = value

    def need(self, tag: str) -> bytes:
        if tag not in self.known:
            raise BrokenError(f"no {tag}")
        return self.known[tag]

    def values(self, dol: bytes) -> bytes:
        """Book 3, 5.4."""
        out = b""
        for tag, n in list_entries(dol):
            value = self.terminal.get(tag, self.known.get(tag, b""))
            if tag in ("9F02", "9F03", "9F1A", "5F2A", "9A", "9C", "9F21"):
                out += value.rjust(n, b"\0")[len(value.rjust(n, b"\0")) - n :]
            else:
                out += value[:n].ljust(n, b"\xff" if tag == "5A" else b"\0")
        return out

    # The transaction

    def run(self) -> str:
        """ "approved" or "declined"; everything else is in the attributes. Raises BrokenError."""
        self.card.power_on()
        self.code = ""
        candidates = self.candidates()
        while True:
            if not self.select(candidates):
                raise BrokenError("no application")
            self.terminal_data()
            self.pdol_values = self.values(self.known.get("9F38", b""))
            body = b"\x83" + bytes([len(self.pdol_values)]) + self.pdol_values
            answer, sw = self.send("80A80000", body)
            if sw == 0x6985:
                continue
            if sw != 0x9000:
                raise BrokenError(f"options: {sw:04X}")
            break
        self.options(answer)
        self.read()
        self.electronic_cash()
        self.authenticate()
        self.restrictions()
        self.cardholder()
        self.risk()
        return self.decide()

    # Book 1, 12.3
    def candidates(self) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        fci, sw = self.send("00A40400", PSE)
        if sw == 0x6A81:
            raise BrokenError("card blocked")
        if sw == 0x9000:
            try:
                inner = objects(template(fci, "6F"))
                sfi = one(objects(one(inner, "A5") or b""), "88")
                assert sfi is not None
                for number in range(1, 11):
                    record, sw = self.send(f"00B2{number:02X}{sfi[0] << 3 | 4:02X}")
                    if sw != 0x9000:
                        break
                    for tag, entry in objects(template(record, "70")):
                        rows = objects(entry)
                        name = one(rows, "4F")
                        if tag == "61" and name and any(name.hex().upper().startswith(aid) for aid in AIDS):
                            found.append(((one(rows, "87") or b"\0")[0], name))
            except BrokenError:
                found = []
        if not found:
            for aid in AIDS:
                again = "00"
                while True:
                    fci, sw = self.send(f"00A404{again}", bytes.fromhex(aid))
                    if sw == 0x6A81:
                        raise BrokenError("card blocked")
                    if sw != 0x9000:
                        break
                    inner = objects(template(fci, "6F"))
                    name = one(inner, "84") or b""
                    priority = one(objects(one(inner, "A5") or b""), "87") or b"\0"
                    found.append((priority[0], name))
                    if name == bytes.fromhex(aid):
                        break
                    again = "02"
        return sorted(found, key=lambda row: row[0] & 0x0F or 16)

    # 12.4
    def select(self, candidates: list[tuple[int, bytes]]) -> bool:
        while candidates:
            if (len(candidates) > 1 or candidates[0][0] & 0x80) and self.choice is None:
                raise BrokenError("nothing chosen")
            index = self.choice if len(candidates) > 1 else 0
            _, name = candidates.pop(index)
            fci, sw = self.send("00A40400", name)
            self.known = {}
            if sw == 0x9000:
                try:
                    rows = objects(template(fci, "6F"))
                    if one(rows, "84") == name and one(rows, "A5") is not None:
                        self.keep([("84", name)])
                        self.keep([row for row in objects(one(rows, "A5") or b"") if row[0] in _SIGNED])
                        return True
                except BrokenError:
                    pass
        return False

    @property
    def aid(self) -> str:
        return next(aid for aid in AIDS if self.known["84"].hex().upper().startswith(aid))

    def terminal_data(self) -> None:
        self.tvr[:] = bytes(5)
        self.tsi[:] = bytes(2)
        cash = self.aid.startswith("A000000333") and self.amount < CASH_LIMIT
        self.terminal = {
            "9F02": bytes.fromhex(f"{self.amount:012d}"),
            "9F03": bytes(6),
            "9F1A": bytes.fromhex("0156"),
            "5F2A": bytes.fromhex("0156"),
            "9A": bytes.fromhex(DATE),
            "9F21": bytes.fromhex("123456"),
            "9C": b"\0",
            "9F37": os.urandom(4),
            "9F33": bytes.fromhex("E0F8C8"),
            "9F35": b"\x22",
            "9F40": bytes.fromhex("6000F0A001"),
            "9F4E": b"BENCH",
            "9F7A": b"\x01" if cash else b"\0",
        }
        self.bits()

    def bits(self) -> None:
        self.terminal["95"], self.terminal["9B"] = bytes(self.tvr), bytes(self.tsi)

    # Book 3, 6.5.8
    def options(self, answer: bytes) -> None:
        rows = objects(answer)
        if len(rows) == 1 and rows[0][0] == "80":
            body = rows[0][1]
            if len(body) < 6 or (len(body) - 2) % 4:
                raise BrokenError("options")
            self.keep([("82", body[:2]), ("94", body[2:])])
            return
        self.keep(objects(template(answer, "77")))
        self.need("82")
        self.need("94")

    # 10.2
    def read(self) -> None:
        afl = self.known["94"]
        if not afl or len(afl) % 4:
            raise BrokenError("AFL")
        for at in range(0, len(afl), 4):
            sfi, first, last, signed = afl[at] >> 3, afl[at + 1], afl[at + 2], afl[at + 3]
            if afl[at] & 7 or not 1 <= sfi <= 30 or not 1 <= first <= last or signed > last - first + 1:
                raise BrokenError("AFL")
            for number in range(first, last + 1):
                record = self.must(f"00B2{number:02X}{sfi << 3 | 4:02X}")
                if sfi > 10 and record[:1] != b"\x70":
                    self.signed_bad |= number < first + signed
                    continue
                body = template(record, "70")
                if number < first + signed:
                    self.signed += body if sfi <= 10 else record
                self.keep(objects(body))
        for tag in ("5F24", "5A", "8C", "8D"):
            self.need(tag)
        pan = self.known["5A"].hex().upper().rstrip("F")
        # Without track 2 the host gets account number, expiry and service code (Book 3, 7.2 asks for 5A only)
        made = f"{pan}D{self.known['5F24'].hex()[:4]}{self.known['5F30'].hex()[1:]}"
        track = self.known.setdefault("57", bytes.fromhex(made + "F" * (len(made) % 2))).hex().upper()
        if "D" not in track or track.split("D")[0] != pan:
            raise BrokenError("another account")
        month = int(self.known["5F24"].hex()[2:4])
        if not 1 <= month <= 12:
            raise BrokenError("no date")
        if sum(len(value) for value in self.known.values()) > 2300:
            raise BrokenError("too much")

    # PBOC 3.0 part 13
    def electronic_cash(self) -> None:
        self.cash = self.terminal["9F7A"] == b"\x01" and "9F74" in self.known
        if self.cash:
            for tag in ("9F79", "9F6D"):
                value = one(objects(self.must(f"80CA{tag}")), tag)
                assert value is not None
                self.known[tag] = value

    def cash_is_low(self) -> bool:
        return int(self.known["9F79"].hex()) - self.amount < int(self.known["9F6D"].hex())

    # 10.3
    def authenticate(self) -> None:
        aip = self.known["82"][0]
        rid = bytes.fromhex(self.aid[:10])
        bit = 0x04 if aip & 0x01 else 0x08 if aip & 0x20 else 0x40
        if not aip & 0x61:
            self.tvr[0] |= 0x80
            return
        self.tsi[0] |= 0x80
        if bit == 0x40:
            self.tvr[0] |= 0x02
        try:
            if self.signed_bad:
                raise AuthenticationError("signed record")
            if bit == 0x40:
                oda.need(self.known, "93")
                oda.verify_static(self.known, rid, self.signed)
                return
            key = oda.icc_key(self.known, rid, self.signed)
            if bit == 0x04:
                self.cda_key = key
                return
            self.dynamic(key)
        except AuthenticationError as error:
            self.tvr[0] |= bit | (0x20 if error.missing else 0)
        finally:
            self.bits()

    def dynamic(self, key: tuple[bytes, bytes]) -> None:
        ddol = self.known.get("9F49", bytes.fromhex("9F3704"))
        if "9F37" not in [tag for tag, _ in list_entries(ddol)]:
            raise AuthenticationError("DDOL")
        values = self.values(ddol)
        rows = objects(self.must("00880000", values))
        signed = rows[0][1] if rows[0][0] == "80" else one(objects(rows[0][1]), "9F4B")
        oda.verify_dynamic(key, signed or b"", values)

    # 10.4
    def restrictions(self) -> None:
        known = self.known
        if "9F08" in known and known["9F08"].hex().upper() != VERSIONS.get(self.aid, "0030"):
            self.tvr[1] |= 0x80
        usage = known.get("9F07")
        if usage is not None:
            home = known.get("5F28") == bytes.fromhex("0156")
            if not usage[0] & 0x01 or not usage[0] & (0x28 if home else 0x14):
                self.tvr[1] |= 0x10
        if int("20" + known.get("5F25", b"\0\1\1").hex()) > TODAY:
            self.tvr[1] |= 0x20
        if int("20" + known["5F24"].hex()) < TODAY:
            self.tvr[1] |= 0x40

    # 10.5
    def cardholder(self) -> None:
        self.known["9F34"] = bytes.fromhex("3F0000")
        if not self.known["82"][0] & 0x10:
            return
        rules = self.known.get("8E", b"")
        if len(rules) in (0, 8):
            self.tvr[0] |= 0x20
            return
        if len(rules) < 10 or len(rules) % 2:
            raise BrokenError("CVM list")
        self.tsi[0] |= 0x40
        x, y = int.from_bytes(rules[:4], "big"), int.from_bytes(rules[4:8], "big")
        met = {0: True, 1: False, 2: True, 3: True, 4: False, 5: False}
        met |= {6: self.amount < x, 7: self.amount > x, 8: self.amount < y, 9: self.amount > y}
        self.known["9F34"] = bytes.fromhex("3F0001")
        self.cvm = "failed"
        for at in range(8, len(rules), 2):
            code, condition = rules[at], rules[at + 1]
            if not met.get(condition, False):
                continue
            name = self.perform(code & 0x3F)
            if name is not None or code & 0x3F in (0, 1, 2, 3, 4, 5, 0x1E, 0x1F):
                unknown = code & 0x3F in (2, 3, 5, 0x1E)
                result = 1 if name is None else 0 if unknown else 2
                self.known["9F34"] = bytes([code, condition, result])
            if name is not None:
                self.cvm = name
                break
            if not code & 0x40 or not code & 0x3F:
                break
        if self.cvm == "failed":
            self.tvr[2] |= 0x80
        if self.cash and self.cash_is_low():
            self.pin = self.pins.pop(0)
            self.tvr[2] |= 0x04
            self.cvm = "online PIN"

    def perform(self, method: int) -> str | None:
        """What was done, None when it failed."""
        if method == 0x1E:
            return "signature"
        if method == 0x1F:
            return "none"
        if method == 0x02:
            typed = self.pins.pop(0)
            if not typed:
                self.tvr[2] |= 0x08
                return None
            self.tvr[2] |= 0x04
            self.pin = typed
            return "online PIN"
        if method in (0x01, 0x03, 0x04, 0x05):
            if not self.offline_pin(method in (0x04, 0x05)):
                return None
            both = method in (0x03, 0x05)
            return "PIN checked by the card, and signature" if both else "PIN checked by the card"
        if method:
            self.tvr[2] |= 0x40
        return None

    # Book 2, 7
    def offline_pin(self, enciphered: bool) -> bool:
        key = None
        if enciphered:
            try:
                issuer = oda.issuer_key(self.known, bytes.fromhex(self.aid[:10]))
                own = "9F2D" in self.known
                tags = ("9F2D", "9F2E", "9F2F") if own else ("9F46", "9F47", "9F48")
                static = b"" if own else oda.static_data(self.known, self.signed)
                key = oda.card_key(self.known, issuer, static, tags)
            except AuthenticationError:
                return False
        answer, sw = self.send("80CA9F17")
        if sw == 0x9000 and one(objects(answer), "9F17") == b"\0":
            self.tvr[2] |= 0x20
            return False
        while True:
            typed = self.pins.pop(0)
            if not typed:
                self.tvr[2] |= 0x08
                return False
            block = bytes.fromhex(f"2{len(typed):X}{typed}".ljust(16, "F"))
            if key is None:
                _, sw = self.send("00200080", block, le=False)
            else:
                challenge, _ = self.send("00840000")
                if len(challenge) != 8:
                    return False
                clear = b"\x7f" + block + challenge + os.urandom(len(key[0]) - 17)
                _, sw = self.send("00200088", oda.power(clear, *key), le=False)
            if sw == 0x9000:
                return True
            if sw in (0x63C0, 0x6983, 0x6984):
                self.tvr[2] |= 0x20
                return False
            if sw & 0xFFF0 != 0x63C0:
                raise BrokenError(f"VERIFY: {sw:04X}")

    # 10.6
    def risk(self) -> None:
        self.tsi[0] |= 0x08
        pan = self.known["5A"].hex().upper().rstrip("F")
        if (pan, int(self.known.get("5F34", b"\0").hex())) in BENCH_EXCEPTIONS:
            self.tvr[0] |= 0x10
        if self.cash:
            return
        if self.amount >= FLOOR_LIMITS.get(self.aid, FLOOR_LIMIT):
            self.tvr[3] |= 0x80
        if "9F14" in self.known and "9F23" in self.known:
            counter, last = self.counter("9F36"), self.counter("9F13")
            if counter is None or last is None or counter <= last:
                self.tvr[3] |= 0x60
            else:
                self.tvr[3] |= 0x40 if counter - last > self.known["9F14"][0] else 0
                self.tvr[3] |= 0x20 if counter - last > self.known["9F23"][0] else 0
            if last == 0:
                self.tvr[1] |= 0x08

    def counter(self, tag: str) -> int | None:
        answer, sw = self.send(f"80CA{tag}")
        value = one(objects(answer), tag) if sw == 0x9000 else None
        return None if value is None else int.from_bytes(value, "big")

    # 10.7
    def meets(self, tag: str, tac: str, absent: int) -> bool:
        iac = self.known.get(tag, bytes([absent]) * 5)
        return any(bits & (a | b) for bits, a, b in zip(self.tvr, iac, bytes.fromhex(tac), strict=True))

    def decide(self) -> str:
        if self.meets("9F0E", TAC_DENIAL, 0):
            wanted = AAC
        elif self.meets("9F0F", TAC_ONLINE, 0xFF) or (self.cash and self.cash_is_low()):
            wanted = ARQC
        else:
            wanted = TC
        self.tsi[0] |= 0x20
        kind, good = self.cryptogram(wanted, self.known["8C"], False)
        if kind not in {AAC: (AAC,), ARQC: (AAC, ARQC), TC: (AAC, ARQC, TC)}[wanted]:
            raise BrokenError("more than asked for")
        if not good:
            self.tvr[0] |= 0x04
            if kind == ARQC:
                self.terminal["8A"] = b"Z1"
                self.cryptogram(AAC, self.known["8D"], True)
            return "declined"
        if kind == AAC or self.known["9F27"][0] & 0x07 == 0x01:
            return "declined"
        if kind == TC:
            return "approved"
        return self.online()

    def cryptogram(self, wanted: int, dol: bytes, second: bool) -> tuple[int, bool]:
        """The kind that came, and whether its signature holds. Book 2, 6.6; Book 3, 6.5.5."""
        if "98" in [tag for tag, _ in list_entries(dol)]:
            # 9.2.2: without a list of the card's, the reader's default one, which is empty here
            self.tvr[4] |= 0 if "97" in self.known else 0x80
            self.terminal["98"] = sha1(self.values(self.known.get("97", b""))).digest()
        self.bits()
        values = self.values(dol)
        combined = self.cda_key is not None and wanted != AAC
        answer = self.must(f"80AE{wanted | (0x10 if combined else 0):02X}00", values)
        for tag in ("9F27", "9F36", "9F26", "9F10", "9F4B"):
            self.known.pop(tag, None)
        rows = objects(answer)
        if len(rows) != 1:
            raise BrokenError("cryptogram")
        tag, body = rows[0]
        if tag == "80":
            if not 11 <= len(body) <= 43:
                raise BrokenError("cryptogram")
            self.keep([("9F27", body[:1]), ("9F36", body[1:3]), ("9F26", body[3:11]), ("9F10", body[11:])])
        elif tag == "77":
            self.keep(objects(body))
        else:
            raise BrokenError("cryptogram")
        kind = self.need("9F27")[0] & 0xC0
        self.need("9F36")
        good = True
        if combined and kind != AAC:
            assert self.cda_key is not None
            signed = dict(objects(body))
            if "9F4B" not in signed:
                raise BrokenError("unsigned")
            sent = self.pdol_values + (self.cdol1_values + values if second else values)
            try:
                cryptogram = oda.verify_combined(self.cda_key, signed, body, sent, self.terminal["9F37"])
                self.known["9F26"] = cryptogram
            except AuthenticationError:
                good = False
        else:
            self.need("9F26")
        if not second:
            self.cdol1_values = values
        return kind, good

    # 10.9 to 10.11
    def online(self) -> str:
        answer = self.ask(self)
        if answer is None:
            decline = self.meets("9F0D", TAC_DEFAULT, 0xFF)
            self.terminal["8A"] = b"Z3" if decline else b"Y3"
            kind, _ = self.cryptogram(AAC if decline else TC, self.known["8D"], True)
            return "approved" if kind == TC else "declined"
        self.code = answer.code
        self.terminal["8A"] = answer.code.encode()
        if answer.proof:
            self.terminal["91"] = answer.proof
            if self.known["82"][0] & 0x04:
                self.tsi[0] |= 0x10
                _, sw = self.send("00820000", answer.proof, le=False)
                if sw != 0x9000:
                    self.tvr[4] |= 0x40
        self.script(answer, 0x71, 0x20)
        wanted = TC if answer.code == "00" else AAC
        try:
            kind, good = self.cryptogram(wanted, self.known["8D"], True)
        except BrokenError:
            kind, good = AAC, True
        if kind == TC and not good:
            self.tvr[0] |= 0x04
        self.script(answer, 0x72, 0x10)
        approved = kind == TC and good
        self.reversal = answer.code == "00" and not approved
        return "approved" if approved else "declined"

    def script(self, answer: Answer, tag: int, bit: int) -> None:
        total = sum(len(value) + (2 if len(value) < 128 else 3) for _, value in answer.scripts)
        for found, value in answer.scripts:
            if found != tag:
                continue
            self.tsi[0] |= 0x04
            good = total <= 128
            for inner, command in objects(value) if good else []:
                if inner != "86":
                    continue
                head, data = command[:4].hex(), command[5:]
                assert command[4] == len(data)
                _, sw = self.send(head, data, le=False)
                self.scripts.append(f"{sw:04X}")
                if sw >> 8 not in (0x90, 0x62, 0x63):
                    good = False
                    break
            if not good:
                self.tvr[4] |= bit
