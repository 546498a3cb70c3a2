"""From one request to one answer: everything the host checks, in order, without a network.

Whom the host answers, and under which key:

- What is not addressed to this host (TPDU, header) gets no answer: test hosts of this kind are silent then.
- An unreadable message, a KSN of no key of ours, and a KSN that is not higher than the reader's last one are
  refused *without* a MAC. For the first two there is no key. For a stale KSN there would be one, and it must not be
  used: the answer to that KSN was given once, and a second, different one under the same key would let whoever
  replays a packet turn an approval into a refusal that the reader believes. Without a MAC the reader takes it for
  nothing.
- A wrong MAC is refused with A0 under the response key, so that the reader knows at once and does not wait. As
  that is this KSN's one answer, the KSN is burnt; but the reader's counter is not moved, or anybody could lock a
  reader out by sending rubbish under its highest KSN.
- Under master/session there is no KSN, and one key for all answers: a wrong MAC and a trace number that was there before
  are refused without a MAC, for the same reason as a stale KSN. The reader then signs in again.
- From a right MAC on, the counter is moved and every answer has a MAC, whatever it says.
"""

import datetime
import hmac
import time
from collections.abc import Callable, Mapping
from functools import partial

import iso8583

from mpos.acquirer import framing, pin, request, sign_in, tracks
from mpos.acquirer.accounts import Account
from mpos.acquirer.books import Books
from mpos.acquirer.entry import Card
from mpos.acquirer.issuer import Issuer
from mpos.acquirer.key_schemes import KeyInformation, KeySchemes
from mpos.acquirer.packet_keys import MAC_BYTES, X919, PacketKeys
from mpos.acquirer.refusals import RefusedError
from mpos.describe.iso8583_spec import SPEC

ACQUIRER_ID = "00000104"
APPROVED = "00"

_MOST_WRONG_PINS = 3
_LATE = datetime.timedelta(minutes=10)  # from a packet's time to the host's, either way
# What the answer repeats
_ECHOED = ("3", "4", "11", "25", "41", "42", "49", "60")
_ECHOED_WITHOUT_MAC = ("3", "4", "11", "41", "42")

# From the response code to the DE55 of the answer
_AnswerData = Callable[[str], bytes]


class Authoriser:
    """`handle(body)` takes what follows a frame's length and returns a whole frame, or None for no answer.

    key_sets, aes_key_sets, master_keys, mac: as KeySchemes says. terminals: terminal -> merchant; None accepts all.
    now: local date and time. note: called with every line for the log; account numbers are masked in it.
    """

    def __init__(
        self,
        *,
        key_sets: Mapping[bytes, bytes] | None = None,
        aes_key_sets: Mapping[bytes, bytes] | None = None,
        master_keys: Mapping[str, bytes] | None = None,
        mac: str = X919,
        issuer: Issuer | None = None,
        books: Books | None = None,
        terminals: Mapping[str, str] | None = None,
        tpdu: bytes = bytes.fromhex("6000030000"),
        header: bytes = bytes.fromhex("603100310000"),
        now: Callable[[], datetime.datetime] = datetime.datetime.now,
        note: Callable[[str], None] = lambda text: None,
    ):
        self.issuer = issuer or Issuer()
        self.books = books or Books()
        self.schemes = KeySchemes(self.books, key_sets, aes_key_sets, master_keys, mac)
        self.terminals = terminals
        self.tpdu = tpdu
        self.header = header
        self.now = now
        self.note = note

    def handle(self, body: bytes) -> bytes | None:
        message = framing.unframe(body, self.tpdu, self.header)
        if message is None:
            self.note("dropped a frame with another TPDU or header")
            return None
        started = time.monotonic()
        answer = self._answer(message)
        # Whatever was booked must be on disk before anybody hears of it
        self.books.save()
        self.note(f"answered in {1000 * (time.monotonic() - started):.1f} ms")
        return framing.answer_frame(answer, self.tpdu, self.header)

    def sign(self, fields: dict[str, str], keys: PacketKeys) -> bytes:
        """The message of `fields` with its MAC over everything before DE64."""
        unsigned, _ = iso8583.encode({**fields, "h": "", "64": "00" * MAC_BYTES}, SPEC)
        covered = bytes(unsigned[:-MAC_BYTES])
        return covered + keys.answer_mac(covered)

    def resigned(self, answer: bytes, received: bytes, change: Callable[[dict[str, str]], None]) -> bytes:
        """A fault for tests: the same answer with its fields changed, under a right MAC where it had one."""
        request_fields = request.decode(received[framing.TPDU_BYTES + framing.HEADER_BYTES :])
        fields = request.decode(answer[2 + framing.TPDU_BYTES + framing.HEADER_BYTES :])
        change(fields)
        del fields["p"]
        if "64" in fields:
            information = request.key_information(request_fields)
            keys = self.schemes.keys(information, request_fields)
            message = self.sign(fields, keys)
        else:
            message = bytes(iso8583.encode(fields, SPEC)[0])
        return framing.answer_frame(message, self.tpdu, self.header)

    def _answer(self, message: bytes) -> bytes:
        fields: dict[str, str] = {}
        try:
            fields = request.decode(message)
            if fields["t"] == sign_in.REQUEST:
                return self._sign_in(fields)
            information = request.key_information(fields)
            keys = self.schemes.new_keys(information, fields)
        except RefusedError as refused:
            self._note_refusal(refused)
            return self._without_mac(fields, refused.code)
        try:
            self._check_mac(message, keys, information)
        except RefusedError as refused:
            self._note_refusal(refused)
            if not self.schemes.may_refuse(information):
                return self._without_mac(fields, refused.code)
            return self._with_mac(fields, information, keys, refused.code)
        self.schemes.accept(information)
        self.note(f"MAC right, {information}{' is new' if information.ksn else ''}")
        return self._decide(fields, information, keys)

    def _sign_in(self, fields: dict[str, str]) -> bytes:
        for number in ("41", "42"):
            if number not in fields:
                raise RefusedError("field", f"DE{number} is missing.")
        self._check_registered(fields)
        sent = sign_in.answer(fields, self.schemes)
        self.note(f"terminal {fields['41']} has signed in: new working keys")
        answer = {number: fields[number] for number in ("11", "41", "42", "60")}
        answer |= self._stamp() | {"t": _answer_type(fields), "39": APPROVED, "62": sent.hex()}
        return bytes(iso8583.encode({**answer, "h": ""}, SPEC)[0])

    def _check_mac(self, message: bytes, keys: PacketKeys, information: KeyInformation) -> None:
        if not hmac.compare_digest(keys.request_mac(message[:-MAC_BYTES]), message[-MAC_BYTES:]):
            raise RefusedError("mac", f"{information}{' is burnt' if information.ksn else ''}.")

    def _decide(self, fields: dict[str, str], information: KeyInformation, keys: PacketKeys) -> bytes:
        answer_data: _AnswerData | None = None
        try:
            entry = request.entry_of(fields)
            request.check(fields, entry, keys)
            self._check_terminal(fields)
            card = entry.read(fields, keys)
            masked = tracks.mask(card.pan)
            self.note(f"card {masked}, {card.story}")
            account = self._account(card.pan)
            self.note(card.prove(account, self.issuer, self.books))
            answer_data = partial(card.answer_data, account, self.issuer)
            if "52" in fields:
                self._check_pin(account, pin.digits(fields["52"], keys, card.pan))
            self._book(account, card, int(fields["4"]))
        except RefusedError as refused:
            self._note_refusal(refused)
            if refused.why == "duplicate" and not information.ksn:
                return self._without_mac(fields, refused.code)
            return self._with_mac(fields, information, keys, refused.code, answer_data)
        self.note(f"approved: {_money(int(fields['4']))} CNY debited from {masked}")
        return self._with_mac(fields, information, keys, APPROVED, answer_data)

    def _check_registered(self, fields: dict[str, str]) -> None:
        if self.terminals is not None:
            merchant = self.terminals.get(fields["41"])
            if merchant is None:
                raise RefusedError("terminal")
            if merchant != fields["42"]:
                raise RefusedError("merchant")

    def _check_time(self, fields: dict[str, str]) -> None:
        """The reader's time, under its MAC: a sale that somebody kept back is none, however new its keys are."""
        now = self.now()
        for year in (now.year, now.year - 1, now.year + 1):  # DE13 has none
            try:
                made = datetime.datetime.strptime(f"{year}{fields['13']}{fields['12']}", "%Y%m%d%H%M%S")
            except ValueError:
                continue  # no such time, or not that year
            if abs(now - made) <= _LATE:
                return
        raise RefusedError("late")

    def _check_terminal(self, fields: dict[str, str]) -> None:
        self._check_registered(fields)
        self._check_time(fields)
        if not self.books.note_trace(fields["41"], fields["60"][2:8], fields["11"]):
            raise RefusedError("duplicate")
        if not int(fields["4"]):
            raise RefusedError("amount")

    def _account(self, pan: str) -> Account:
        if not tracks.check_digit_ok(pan):
            raise RefusedError("account-number")
        if not self.issuer.serves(pan):
            raise RefusedError("issuer")
        account = self.issuer.account(pan)
        if account is None:
            raise RefusedError("no-account")
        return account

    def _check_pin(self, account: Account, digits: str) -> None:
        if self.books.wrong_pins(account.id) >= _MOST_WRONG_PINS:
            raise RefusedError("pin-tries")
        is_right = bool(account.pin) and hmac.compare_digest(digits, account.pin)
        self.books.note_pin(account.id, is_right)
        if not is_right:
            raise RefusedError("pin")
        self.note("PIN right")

    def _book(self, account: Account, card: Card, amount: int) -> None:
        if account.status != "active":
            raise RefusedError(account.status)
        if card.expiry != account.expiry or card.expiry < self.now().strftime("%y%m"):
            raise RefusedError("expired")
        if amount > account.limit:
            raise RefusedError("limit")
        balance = self.books.balance(account.id, account.balance)
        if amount > balance:
            raise RefusedError("funds")
        self.books.set_balance(account.id, balance - amount)

    def _with_mac(
        self,
        fields: dict[str, str],
        information: KeyInformation,
        keys: PacketKeys,
        code: str,
        answer_data: _AnswerData | None = None,
    ) -> bytes:
        answer = {number: fields[number] for number in _ECHOED if number in fields}
        answer |= self._stamp() | {
            "t": _answer_type(fields),
            "39": code,
            "57": information.for_answer().hex(),
        }
        if code == APPROVED:
            answer["38"] = answer["37"][-6:]
        if answer_data is not None and (data := answer_data(code)):
            answer["55"] = data.hex()
        return self.sign(answer, keys)

    def _stamp(self) -> dict[str, str]:
        """When and by whom: DE12, DE13, DE32, DE37."""
        now = self.now()
        serial = self.books.next_serial()
        return {
            "12": now.strftime("%H%M%S"),
            "13": now.strftime("%m%d"),
            "32": ACQUIRER_ID,
            # Last digit of the year, day of the year, hour, serial number
            "37": f"{now.year % 10}{now.timetuple().tm_yday:03d}{now.hour:02d}{serial:06d}",
        }

    def _without_mac(self, fields: dict[str, str], code: str) -> bytes:
        answer = {number: fields[number] for number in _ECHOED_WITHOUT_MAC if number in fields}
        encoded, _ = iso8583.encode({**answer, "h": "", "t": _answer_type(fields), "39": code}, SPEC)
        return bytes(encoded)

    def _note_refusal(self, refused: RefusedError) -> None:
        self.note(f"refused with {refused.code}: {refused.sentence}")


def _answer_type(fields: dict[str, str]) -> str:
    """The request's message type with its third digit one higher. ISO 8583:1987, 4.1."""
    kind = fields.get("t", request.REQUEST)
    return f"{kind[:2]}{min(int(kind[2]) + 1, 9)}{kind[3]}"


def _money(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
