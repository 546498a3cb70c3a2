"""Runs on MicroPython: transactions of the contact kernel, or of the contactless ones for a conversation by radio, with a
card that has learned one conversation and answers with mutations of it.

    random_card.py CONVERSATION TABLES FIRST COUNT [trace | crash | leak]

from the ROM image in MPOS_ROM; `crash` and `leak` misbehave, to be seen. The number of a transaction, from FIRST on, is the seed of all its chances. Prints a line
`fail NUMBER ...` with a traceback and ends, or at last `done` with the counts of outcomes and errors and the heap in use.
"""

import gc
import os
import random
import sys
from binascii import hexlify, unhexlify

import rommap
import vfs

vfs.mount(vfs.VfsRom(rommap.open(os.getenv("MPOS_ROM"))), "/rom")
sys.path[:] = ["/rom", ".frozen"]

from reader import outcome
from reader.emv.data import DataStore
from reader.errors import ReaderError
from reader.storage.emv_tables import EmvTables
from reader.util.modules import keep_only, loaded

_COMMANDS_MOST = 700
_QUESTIONS_MOST = 100
_RESPONSE_MOST = 258
_SETTLED = 20  # transactions until the heap is as it stays
_DRIFT = 1024
_TAPS = 3
_STATUS = b"\x62\x83\x63\x00\x63\xc0\x63\xc2\x67\x00\x69\x83\x69\x84\x69\x85\x6a\x81\x6a\x82\x6a\x83\x6a\x88\x6d\x00\x90\x01\x61\x10\x6c\x08"
_TAGS = (b"\x5a", b"\x57", b"\x82", b"\x94", b"\x8c", b"\x8d", b"\x8e", b"\x9f\x38", b"\x9f\x4a", b"\x9f\x27", b"\x90")
_ACCOUNT = (0x57, 0x5A, 0x5F20)

_leaked = []


class Terminal:
    country = currency = 156
    exponent = 2
    type = 22
    category = 5999
    capabilities = b"\xe0\xf8\xc8"
    additional_capabilities = b"\x60\x00\xf0\xa0\x01"
    merchant = "104110058120001"
    id = "10000001"
    serial = "00000001"
    name = "SHOP"


class Sale:
    amount = 1234
    amount_other = 0
    currency = 156
    sequence = 1
    transaction_type = 0
    time = (2026, 3, 14, 15, 9, 26)


class Row:
    """A combination, as in boards/unix/parameters.json."""

    transaction_limit = 1000000
    cvm_limit = 100000
    floor_limit = 20000
    status_check = zero_amount = True
    extended_selection = False
    application_version = b"\x00\x30"

    def __init__(self, aid, kernel, ttq, pan_ranges):
        self.aid = unhexlify(aid)
        self.kernel = kernel
        self.ttq = unhexlify(ttq)
        self.pan_ranges = pan_ranges


class Parameters:
    terminal = Terminal
    contactless = (
        Row("A000000333010101", 7, "37004080", "62,81,999999"),
        Row("A000000333010102", 7, "37004080", None),
        Row("A000000333010103", 7, "37004080", None),
        Row("A0000000031010", 3, "3700C000", None),
    )


class Entropy:
    def fill(self, buffer):
        for at in range(len(buffer)):
            buffer[at] = 0x5A


def below(n):
    return random.getrandbits(30) % n


def some_bytes(n):
    return bytes([random.getrandbits(8) for _ in range(n)])


class Conversation:
    """commands[i] was answered by responses[i]; `answer`: field 55 of the host."""

    is_tap = False

    def __init__(self, path):
        self.commands = []
        self.responses = []
        self.answer = b""
        with open(path) as file:
            for line in file:
                kind, _, text = line.strip().partition(" ")
                if kind == "@":
                    self.is_tap = True
                elif kind == ">":
                    self.commands.append(unhexlify(text))
                elif kind == "<":
                    self.responses.append(unhexlify(text))
                elif kind == "=":
                    self.answer = unhexlify(text.split(" ")[1])

    def response(self, command, start):
        """(response, where to look next): to this very command, else to one with its header, else with its INS."""
        for size in (len(command), 4, 2):
            for step in range(len(self.commands)):
                at = (start + step) % len(self.commands)
                if self.commands[at][:size] == command[:size]:
                    return self.responses[at], at + 1
        return b"\x6d\x00", start


def object_end(data, at):
    """(start of the value, end) of the data object at `at`; None where none can be read."""
    tag = at
    if data[at] & 0x1F == 0x1F:
        tag += 1
        while tag < len(data) and data[tag] & 0x80:
            tag += 1
    tag += 1
    if tag >= len(data):
        return None
    length = data[tag]
    tag += 1
    if length == 0x81 and tag < len(data):
        length = data[tag]
        tag += 1
    elif length > 0x7F:
        return None
    return (tag, tag + length) if tag + length <= len(data) else None


def wrapped(tag, value):
    n = len(value)
    return tag + (bytes((n,)) if n < 0x80 else bytes((0x81, n & 0xFF))) + value


def other_objects(data):
    """One template with its objects changed but its lengths right, so that it is read to its end."""
    outer = object_end(data, 0) if data else None
    if outer is None or not data[0] & 0x20:
        return data
    start, end = outer
    parts = []
    at = start
    while at < end:
        inner = object_end(data, at)
        if inner is None or inner[1] > end:
            return data
        parts.append((at, inner[0], inner[1]))
        at = inner[1]
    if not parts:
        return data
    chosen = below(len(parts))
    at, value, stop = parts[chosen]
    tag = data[at : at + (2 if data[at] & 0x1F == 0x1F else 1)]
    before = data[start:at]
    after = data[stop:end]
    what = below(7)
    if what == 0:
        middle = b""
    elif what == 1:
        middle = data[at:stop] + data[at:stop]
    elif what == 2:
        middle = wrapped(tag, some_bytes(stop - value))
    elif what == 3:
        middle = wrapped(tag, some_bytes(below(40)))
    elif what == 4:
        middle = wrapped(_TAGS[below(len(_TAGS))], data[value:stop])
    elif what == 5:
        changed = bytearray(data[value:stop])
        if changed:
            changed[below(len(changed))] ^= 1 << below(8)
        middle = wrapped(tag, changed)
    else:
        middle = wrapped(tag, other_objects(data[value:stop]))
    return wrapped(data[:1], before + middle + after)


class Card:
    def __init__(self, conversation, mode):
        self._conversation = conversation
        self._mode = mode
        self._buffer = bytearray(_RESPONSE_MOST)
        self._at = 0
        # From a card that nearly behaves to one that never does: a chance in so many, for each answer
        self._one_in = (1000000, 40, 16, 8, 4, 1)[below(6)]
        self.commands = 0

    async def transmit(self, c_apdu):
        command = bytes(c_apdu)
        self.commands += 1
        if self.commands > _COMMANDS_MOST:
            raise AssertionError("it never ends")
        for at in range(_RESPONSE_MOST):
            self._buffer[at] = 0xEE
        response, self._at = self._conversation.response(command, self._at)
        if below(self._one_in) == 0:
            response = self._mutated(response)
        response = response[:_RESPONSE_MOST]
        if self._mode == "crash" and self.commands == 5:
            return None
        if self._mode == "leak" and self.commands == 1:
            _leaked.append(command)
        if self._mode == "trace":
            print(">", hexlify(command).decode())
            print("<", hexlify(response).decode())
        self._buffer[: len(response)] = response
        return memoryview(self._buffer)[: len(response)]

    def _mutated(self, response):
        what = below(16)
        data, status = response[:-2], response[-2:]
        at = below(len(data) + 1)
        if what == 0:
            where = 2 * below(len(_STATUS) // 2)
            return (data if below(2) else b"") + _STATUS[where : where + 2]
        if what == 1:
            return some_bytes(2)
        if what == 2:
            return some_bytes(below(2))
        if what == 3:
            return some_bytes(below(_RESPONSE_MOST)) + status
        if what == 4:
            others = self._conversation.responses
            return others[below(len(others))]
        if what == 5:
            raise ReaderError(101 + below(3))
        if what == 6:
            return data[:at] + status
        if what == 7:
            return data + some_bytes(below(20)) + status
        if what == 8:
            return data[:at] + data[below(at + 1) :] + status
        if what == 9 and data:
            changed = bytearray(data)
            changed[at % len(data)] = (0x00, 0x80, 0x81, 0x82, 0xFF)[below(5)]
            return bytes(changed) + status
        if what == 10 and data:
            changed = bytearray(data)
            changed[at % len(data)] ^= 1 << below(8)
            return bytes(changed) + status
        return other_objects(data) + status


class Cardholder:
    has_pin_pad = True

    def __init__(self):
        self._pins = []
        self._asked = 0

    def _ask(self):
        self._asked += 1
        if self._asked > _QUESTIONS_MOST:
            raise AssertionError("it asks for ever")

    async def choose(self, labels):
        self._ask()
        return below(len(labels) + 1) - 1 if below(8) == 0 else below(len(labels))

    async def confirm(self, label):
        self._ask()
        return below(8) != 0

    async def pin(self, kind, tries_left):
        self._ask()
        if below(6) == 0:
            return 1 + below(4)
        pin = bytearray((1, 2, 3, 4))
        self._pins.append(pin)
        return pin

    def forgotten(self):
        return not any(any(pin) for pin in self._pins)


def scripts():
    """An issuer's answer with scripts, mostly well made."""
    out = b""
    for _ in range(below(3)):
        commands = b""
        for _ in range(below(4)):
            commands += wrapped(b"\x86", b"\x84" + some_bytes(3) + wrapped(b"", some_bytes(below(12))))
        out += wrapped((b"\x71", b"\x72")[below(2)], b"\x9f\x18\x04" + some_bytes(4) + commands)
    return out


async def host(kernel, conversation):
    """Completion: with an answer, a broken one, or none. The outcome, and whether the host had approved."""
    if below(5) == 0:
        return await kernel.complete_without(below(4) != 0), False
    code = (b"00", b"00", b"00", b"05", b"Z3")[below(5)]
    answer = conversation.answer
    if below(2):
        answer += scripts()
    if below(4) == 0 and answer:
        changed = bytearray(answer)
        changed[below(len(answer))] = below(256)
        answer = bytes(changed)
    return await kernel.complete(code, answer), code == b"00"


async def transaction(conversation, tables, data, counts, mode):
    from reader.emv.contact.kernel import Kernel

    card = Card(conversation, mode)
    cardholder = Cardholder()
    kernel = Kernel(Terminal, tables, cardholder, Entropy())
    try:
        ended = await kernel.run(card.transmit, Sale, data)
        approved = True
        if ended.code == outcome.ONLINE_REQUEST:
            count(counts, "online")
            for tag in _ACCOUNT:
                data.drop(tag)
            ended, approved = await host(kernel, conversation)
        if ended.code not in (
            outcome.APPROVED,
            outcome.DECLINED,
            outcome.END_APPLICATION,
            outcome.TRY_ANOTHER_INTERFACE,
        ):
            raise AssertionError(ended)
        if ended.code == outcome.APPROVED and not approved and not kernel.session.online_failed:
            raise AssertionError("approved against the host")
        count(counts, ("", "", "", "approved", "declined", "", "elsewhere", "ended")[ended.code])
    except ReaderError as error:
        if not 100 <= error.code < 899 or not isinstance(error.detail, int):
            raise AssertionError(error)
        count(counts, error.code)
    finally:
        kernel.wipe()
        data.wipe()
    if not cardholder.forgotten():
        raise AssertionError("a PIN is still here")
    counts["commands"] = max(counts.get("commands", 0), card.commands)


async def tap(conversation, tables, data, counts, mode, room):
    """Presentments of one transaction, until the card has decided or the cardholder has enough."""
    from reader.emv.contactless.entry_point import EntryPoint

    entry = EntryPoint(Parameters, Entropy(), None if below(8) == 0 else tables, 3, room)
    tx = entry.pre_process(Sale.amount, Sale.currency, Sale.time, Sale.sequence, (0, 0, 0, 1)[below(4)])
    commands = 0
    try:
        for _ in range(_TAPS):
            card = Card(conversation, mode)
            ended = None
            try:
                ended = await entry.run(card.transmit, tx, data)
            except ReaderError as error:
                if not 100 <= error.code < 899 or not isinstance(error.detail, int):
                    raise AssertionError(error)
                count(counts, error.code)
            commands = max(commands, card.commands)
            if not -1 <= entry.torn_atc <= 0xFFFF:
                raise AssertionError(entry.torn_atc)
            if ended is None or ended.code in (outcome.END_APPLICATION, outcome.TRY_AGAIN):
                if data.used:
                    raise AssertionError("data of a card that has decided nothing")
                if ended is not None:
                    count(counts, "ended")
                continue
            if ended.code not in (
                outcome.APPROVED,
                outcome.DECLINED,
                outcome.ONLINE_REQUEST,
                outcome.TRY_ANOTHER_INTERFACE,
            ):
                raise AssertionError(ended)
            count(counts, ("", "", "", "approved", "declined", "online", "elsewhere")[ended.code])
            said = data.get(0x9F27)
            if ended.code == outcome.APPROVED and (said is None or said[0] >> 6 != 1):
                raise AssertionError("approved without the card")
            if entry.wants_update:
                await entry.update(Card(conversation, mode).transmit, tx, data, conversation.answer + scripts())
                count(counts, "updated")
            break
    except ReaderError as error:
        count(counts, error.code)
    finally:
        entry.wipe()
        data.wipe()
    if any(room):
        raise AssertionError("records are still here")
    counts["commands"] = max(counts.get("commands", 0), commands)


def count(counts, what):
    counts[what] = counts.get(what, 0) + 1


def finish(coroutine):
    """Nothing here waits, so that it ends at the first step."""
    try:
        coroutine.send(None)
    except StopIteration:
        return
    raise AssertionError("it waits for something")


def at_rest(kept):
    """Heap in use with the modules `kept`: how many a transaction leaves behind depends on its end."""
    keep_only(kept)
    return gc.mem_alloc()


def main(path, tables_path, first, number, mode=""):
    conversation = Conversation(path)
    tables = EmvTables(tables_path)
    counts = {}
    if conversation.is_tap:
        data = DataStore(1536)
        room = bytearray(2048)

        def once():
            return tap(conversation, tables, data, counts, mode, room)

    else:
        from reader import iso9564  # noqa: F401
        from reader.emv.contact.kernel import Kernel

        data = DataStore(2560)
        # As the reader does: the names of what is loaded later are in the heap then
        Kernel(None, None, None, None).rehearse()

        def once():
            return transaction(conversation, tables, data, counts, mode)

    settled = 0
    kept = loaded()
    for seed in range(int(first), int(first) + int(number)):
        random.seed(seed)
        for _ in range(16):  # the first numbers of neighbouring seeds are much alike
            below(2)
        try:
            finish(once())
            if seed - int(first) == _SETTLED:
                settled = at_rest(kept)
        except BaseException as error:
            print("fail", seed)
            sys.print_exception(error, sys.stdout)
            sys.exit(1)
    used = at_rest(kept)
    if settled and abs(used - settled) > _DRIFT:
        print("fail heap", settled, "->", used)
        sys.exit(1)
    print("done", " ".join([f"{name}={value}" for name, value in counts.items()]), f"heap={used}")


main(*sys.argv[1:])
