"""The sign-in as a transaction: the keys are there when it has ended well, and nothing has changed when it has not."""

from ring_memory import RingMemory

from reader import outcome
from reader.app.transaction import Transaction
from reader.crypto.des import Des3
from reader.emv.data import DataStore
from reader.errors import (
    E_HOST_TIMEOUT,
    E_HOST_UNREACHABLE,
    E_ISO_FIELD,
    E_ISO_FRAME,
    E_ISO_MISMATCH,
    E_KEY_CHECK,
    E_NO_KEY,
    E_PHONE_GONE,
    E_STORE,
    ReaderError,
)
from reader.iso8583 import codec
from reader.iso8583.dialects import unionpay_pos
from reader.link import protocol
from reader.storage.log_events import LOG_SIGN_IN
from reader.storage.sections import MASTER_KEY, WORKING_KEYS
from testing import cases, h

_MASTER = h("70F2A84CCBC2AE8625CBB0F2C22AB923")
_KEYS = h("0123456789ABCDEFFEDCBA9876543210 6D504F532062656E636820626C6F6374 79B56E20A1D3C4F842667F1098ECDA35")
_OLD = bytes(range(48))
_ROOM = 2048


def _sent():
    out = b""
    for at in range(0, 48, 16):
        key = _KEYS[at : at + 16]
        block = bytearray(8)
        for half in range(0, 16, 8):
            Des3(_MASTER).encrypt_into(key[half : half + 8], block)
            out += bytes(block)
        Des3(key).encrypt_into(bytes(8), block)
        out += bytes(block[:4])
    return out


class _Parts:
    """Of a reader, what a sign-in touches; and the host beside it, whose answer is `answer(fields)`."""

    tpdu = h("6000030000")
    header = h("603100310000")
    terminal_id = "MPOS0001"
    merchant_id = "104110058120001"
    batch = 1
    timeout_s = 1
    mac = 1

    def __init__(self, changes=None, error=None, ring=None, is_heard=True):
        self.parameters = self.host = self.counters = self
        self.ring = ring or RingMemory({MASTER_KEY: _MASTER, WORKING_KEYS: _OLD})
        self.data = DataStore(100)
        self.room = bytearray(_ROOM)
        self.changes = changes or {}
        self.error = error
        self.is_heard = is_heard
        self.events = []
        self.logged = []
        self.transaction = Transaction(self, self.emit, 7, 0, 0, 0, 0)

    def next_stan(self):
        return 42

    def log(self, event, detail=0):
        self.logged.append((event, detail))

    async def emit(self, opcode, build):
        self.events.append(opcode)
        if opcode == protocol.ONLINE_REQUEST:
            if not self.is_heard:
                return False
            w = build(protocol.Writer().begin(protocol.EVENT, opcode, 7))
            packet = bytes(protocol.find(w.message()[6:], protocol.PACKET))
            _, fields = codec.unpack(unionpay_pos, packet[13:])
            if self.error != E_HOST_TIMEOUT:
                frame = None if self.error else self.answered(fields)
                self.transaction.answer(frame, ReaderError(self.error) if self.error else None)
        return True

    def answered(self, asked):
        fields = {n: asked[n] for n in (11, 41, 42, 60)}
        fields[39] = "00"
        fields[62] = _sent()
        for number, value in self.changes.items():
            if value is None:
                del fields[number]
            else:
                fields[number] = value
        out = bytearray(1024)
        n = codec.pack(unionpay_pos, "0810", fields, out)
        return (n + 11).to_bytes(2, "big") + h("6000000003 603100310000") + bytes(out[:n])


async def _ended(parts):
    t = parts.transaction
    await t.run()
    return await t.finish()


async def test_signed_in():
    parts = _Parts()
    result = await _ended(parts)
    assert (result.outcome, result.code, result.response_code, result.stan) == (outcome.APPROVED, 0, "00", 42)
    assert parts.ring.sections[WORKING_KEYS] == _KEYS and parts.ring.writes == 1 and not parts.logged
    assert parts.events == [protocol.ONLINE_REQUEST, protocol.STATE]


async def test_the_host_says_no():
    parts = _Parts({39: "97", 62: None})
    result = await _ended(parts)
    assert (result.outcome, result.code, result.response_code) == (outcome.DECLINED, 0, "97")
    assert parts.ring.sections[WORKING_KEYS] == _OLD and not parts.ring.writes


@cases(
    ({11: "000043"}, E_ISO_MISMATCH, 11),
    ({41: "MPOS0002"}, E_ISO_MISMATCH, 41),
    ({62: None}, E_ISO_FIELD, 62),
    ({62: _sent()[:40]}, E_KEY_CHECK, 4),
    ({62: _sent()[:19] + b"\0" + _sent()[20:]}, E_KEY_CHECK, 1),
    ({62: _sent()[:39] + b"\0" + _sent()[40:]}, E_KEY_CHECK, 2),
    ({62: _sent()[:59] + b"\0"}, E_KEY_CHECK, 3),
)
async def test_an_answer_that_is_refused(changes, code, detail):
    parts = _Parts(changes)
    result = await _ended(parts)
    assert (result.outcome, result.code, result.detail) == (outcome.END_APPLICATION, code, detail)
    assert parts.ring.sections[WORKING_KEYS] == _OLD and not parts.ring.writes
    assert parts.logged == ([(LOG_SIGN_IN, code << 16 | detail)] if code == E_KEY_CHECK else [])


@cases((E_HOST_UNREACHABLE,), (E_HOST_TIMEOUT,))
async def test_no_answer(code):
    parts = _Parts(error=code)
    result = await _ended(parts)
    assert result.code == code and not parts.ring.writes


async def test_nobody_takes_the_packet():
    parts = _Parts(is_heard=False)
    assert (await _ended(parts)).code == E_PHONE_GONE


async def test_a_frame_of_somebody_else():
    parts = _Parts()
    right = parts.answered
    parts.answered = lambda fields: right(fields)[:-1]
    assert (await _ended(parts)).code == E_ISO_FRAME and not parts.ring.writes


async def test_no_master_key():
    parts = _Parts(ring=RingMemory({}))
    assert (await _ended(parts)).code == E_NO_KEY and not parts.events


async def test_the_store_fails():
    parts = _Parts(ring=RingMemory({MASTER_KEY: _MASTER}, fail_at=1))
    result = await _ended(parts)
    assert result.code == E_STORE and WORKING_KEYS not in parts.ring.sections
