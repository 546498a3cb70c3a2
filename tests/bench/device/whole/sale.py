"""A phone that asks for sales, answers them as a host would, and reads the meter between the phases."""

import asyncio
import gc

import parts
from measure import report

from reader.link import protocol
from reader.link.session import KEYS, Session

KEY = "6AC292FAA1315B4D858AB3A3D7D5933A FFFF9876543210E00000"  # X9.24-1:2009, A.4: initial key and KSN
_AMOUNT = b"\x00\x00\x00\x00\x12\x34"
_CNY = b"\x01\x56"
# By tap, from here on with a card that signs: kernel 7 and kernel 3, asking the issuer or not
_BY_TAP = "sale"
# Those that the card approves come last: their notices stay, since nobody here takes them over
_SIGNED = ("signed", "visa", "offline", "visa_offline")
_BY_CONTACT = "insert"
_TAP = protocol.INTERFACE_CONTACTLESS
_INSERT = protocol.INTERFACE_CONTACT


class Sale:
    """Marks are (name of the phase that begins, count, bytes of heap in use)."""

    def __init__(self, meter, board, handle, session):
        # Both ends of a session; which keys it has does not change what it costs
        keys = bytes(range(KEYS))
        session.begin(protocol.ROLE_FIELD, keys)
        self._session = Session()
        self._session.begin(protocol.ROLE_FIELD, keys[32:64] + keys[:32] + keys[64:])
        self._meter = meter
        self._chip = board.chip
        self._contact = board.contact
        self._handle = handle
        self._marks = []
        self._keys_watched = False
        self._sales = 0
        self._packet = b""
        self._number = 0
        self._commands = 0
        self._collecting = False
        self._is_host = False  # what is done now is the host's work
        self._result = None
        self._done = asyncio.Event()
        self._ready = asyncio.Event()
        self._interface = 0
        self._card = ""
        # The phone's own buffers, while the heap is in one piece
        self._frame = bytearray(1024)
        self._body = protocol.Writer()
        self._command_out = protocol.Writer()
        board.chip.tapped = lambda: self._mark("activation")
        board.contact.inserted = lambda: self._mark("activation")

    def _watch(self) -> None:
        """Mark where the phases begin, in the modules that the transaction has loaded for itself."""
        from reader.app import account
        from reader.dukpt.registers import Dukpt
        from reader.emv import icc_data
        from reader.emv.contactless import verification
        from reader.emv.contactless.entry_point import EntryPoint
        from reader.emv.contactless.session import Session
        from reader.iso8583 import messages

        if self._card.startswith("visa"):
            from reader.emv.contactless.kernel3 import kernel
        else:
            from reader.emv.contactless.kernel7 import kernel

        self._inside(EntryPoint, "run", "entry_point", "release", True)
        self._inside(kernel, "run", "kernel", "", True)
        # What verifies the card's signature is loaded when there is one: here its step begins, and here the next one
        self._inside(Session, "spare", "fdda", "fdda")
        self._inside(verification, "run", "kernel", "kernel")
        if not self._keys_watched:  # in a module that stays loaded from sale to sale
            self._keys_watched = True
            self._inside(Dukpt, "next", "dukpt", "account")
        self._inside(account, "take", "account", "field_55")
        self._inside(icc_data, "icc_data_into", "field_55", "packet")
        self._inside(messages, "pack_sale", "packet", "send")
        self._inside(messages, "check_answer", "answer", "after")

    async def run(self) -> None:
        """Of each card one sale that nobody looks at, one that is counted; of the first one by tap one whose heap is."""
        report("boot.idle", self._meter.now())
        await self._count(_BY_TAP)
        await self._count(_BY_CONTACT)
        self._collecting = True
        gc.collect()
        idle = gc.mem_alloc()
        await self._sell(_BY_TAP)
        self._collecting = False
        live = {}
        for name, _, heap in self._marks:
            live[name] = heap
        for name, heap in live.items():
            report("heap.sale." + name, heap - idle)
        self._contact.take_away()
        for name in _SIGNED:
            await self._count(name)
        print("FIGURES END")
        while True:
            await asyncio.sleep(3600)

    async def _count(self, name: str) -> None:
        await self._sell(name)
        await self._sell(name)
        self._meter.pause()
        for phase, instructions in self._phases().items():
            report(name + "." + phase, instructions)
        report("result." + name, self._result)
        self._meter.resume()

    async def _sell(self, name: str) -> None:
        self._card = name
        self._interface = _INSERT if name == _BY_CONTACT else _TAP
        if self._interface == _TAP:
            self._meter.pause()
            self._chip.hold(name)
            gc.collect()
            self._meter.resume()
        self._sales += 1
        self._marks = []
        self._done.clear()
        self._ready.clear()
        self._commands += 2
        await self._command(self._commands, protocol.START, self._start())
        if name.endswith("offline"):
            await self._done.wait()
            return
        await self._ready.wait()
        self._meter.pause()
        self._is_host = True
        answer = self._answer()
        self._is_host = False
        self._meter.resume()
        await self._command(self._commands + 1, protocol.ONLINE_RESULT, answer)
        await self._done.wait()

    def _phases(self) -> dict:
        """Instructions by phase; "tap_to_packet" (or from the inserted card on), or
        "tap_to_result" where there is none, is the sum of its own."""
        total = {}
        before_packet = False
        key_of_all = "tap_to_result" if self._card.endswith("offline") else "tap_to_packet"
        for i in range(len(self._marks) - 1):
            name, begin, _ = self._marks[i]
            spent = self._marks[i + 1][1] - begin
            before_packet = (before_packet or name == "activation") and name != "after"
            for key in (name, key_of_all) if before_packet else (name,):
                total[key] = total.get(key, 0) + spent
        return total

    def _mark(self, name: str) -> None:
        now = self._meter.now()
        self._meter.pause()
        if self._collecting:
            gc.collect()
        self._marks.append((name, now, gc.mem_alloc() if self._collecting else 0))
        self._meter.resume()

    def _inside(self, holder, name: str, begins: str, after: str, is_async: bool = False) -> None:
        """Mark the beginning and the end of a function or method of the firmware."""
        real = getattr(holder, name)
        sale = self

        async def awaited(*arguments):
            sale._mark(begins)
            try:
                return await real(*arguments)
            finally:
                sale._mark(after or "release")

        def called(*arguments):
            if sale._is_host:
                return real(*arguments)
            sale._mark(begins)
            try:
                result = real(*arguments)
            finally:
                sale._mark(after)
            return result

        setattr(holder, name, awaited if is_async else called)

    async def _command(self, number: int, opcode: int, body: bytes) -> None:
        self._mark("before" if opcode == protocol.START else "after")
        self._meter.pause()
        writer = self._command_out.begin(protocol.COMMAND, opcode, number).put_objects(body)
        message = writer.message(self._session)
        self._meter.resume()
        await self._handle(message)

    def heard(self, message) -> None:
        """A message to the phone."""
        n = len(message)
        copy = memoryview(self._frame)[:n]
        copy[:] = message
        message = self._session.open(copy)
        kind, opcode = message[0], message[1]
        body = message[6:]
        if kind != protocol.EVENT:
            return
        if opcode == protocol.ONLINE_REQUEST:
            self._packet = bytes(protocol.need(body, protocol.PACKET))
            self._number = message[2] << 8 | message[3]
            self._meter.resume()
            self._mark("after")
            self._meter.pause()
        elif opcode == protocol.STATE:
            state = protocol.need_int(body, protocol.READER_STATE, 1)
            if state == protocol.STATE_ONLINE:
                self._ready.set()
            elif state == protocol.STATE_WAIT_CARD and self._interface == _TAP:
                self._watch()
        elif opcode == protocol.RESULT:
            self._result = protocol.need_int(body, protocol.OUTCOME, 1)
            self._done.set()
            self._meter.resume()
            self._mark("end")
            self._meter.pause()

    def _start(self) -> bytes:
        return b"\x84\x01\x01\x85\x06" + _AMOUNT + b"\x86\x02" + _CNY + bytes((protocol.INTERFACES, 1, self._interface))

    def _answer(self) -> bytes:
        """The host's approval of the packet, as the body of ONLINE_RESULT."""
        from reader.crypto.mac import x919_into
        from reader.dukpt.tdes import TdesDukpt
        from reader.iso8583 import codec
        from reader.iso8583.dialects import unionpay_pos

        packet = self._packet
        _, sent = codec.unpack(unionpay_pos, packet[unionpay_pos.FRAME_HEAD :])
        fields = {n: sent[n] for n in (3, 4, 11, 12, 13, 25, 41, 42, 49, 57, 60)}
        fields[37] = "123456789012"
        fields[38] = "A1B2C3"
        fields[39] = "00"
        fields[55] = b"\x91\x0a" + bytes(10)
        fields[64] = bytes(8)
        out = self._frame
        head = unionpay_pos.FRAME_HEAD
        end = head + codec.pack(unionpay_pos, unionpay_pos.ANSWER, fields, memoryview(out)[head:])
        out[0:2] = (end - 2).to_bytes(2, "big")
        out[2:head] = packet[2:3] + packet[5:7] + packet[3:5] + packet[7:head]
        keys = TdesDukpt(parts.MemoryRing())
        keys.load_initial_key(bytes.fromhex(KEY[:32]), bytes.fromhex(KEY[33:]))
        for _ in range(self._sales):
            key = keys.next().mac_response
        x919_into(key, memoryview(out)[head : end - 8], memoryview(out)[end - 8 : end])
        writer = self._body.begin(0, 0, 0)
        writer.put_int(protocol.TRANSACTION, self._number, 2).put(protocol.PACKET, memoryview(out)[:end])
        return bytes(writer.message()[6:])
