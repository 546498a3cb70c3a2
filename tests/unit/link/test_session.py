"""The session of docs/link.md: its numbers, what is refused, and its ends. The expected bytes are tests/host/link/transcript.py's,
which writes one session out on AES and CMAC of `cryptography`; tests/host/link/test_transcript.py keeps them equal."""

from reader.errors import E_LINK_CRYPTOGRAM, E_LINK_SECURED, E_LINK_STATE, E_LINK_WAIT
from reader.link import handshake, protocol, session
from reader.link.session import Session
from testing import FakeClock, cases, h, raises

_ROOT = bytes(range(0x10, 0x20))
_READER = h("4D500000 00000001")
_N_S = bytes(range(0xA0, 0xB0))
_N_R = bytes(range(0xC0, 0xD0))
_COMMAND = h("0115 000A 0007 8202 0007 9B01 01")
_STATE = h("0320 0001 0003 8301 02")
_PROOF = h("EFBD7BEEB6B68401F3892087B783147B")
_ANSWER = h("E07EDB1A83B082D8955C86408278CDEC")
_KEYS = h(
    "22F0BF007051CC41501E04CF8A8420DCB55F1F35EFF24FE75D442914EE284B20"
    "1AE09E881CFFF3F2B992DF3C07E713FEA6380EAD1C847C30194C6F5FD3AE5EA7CF57"
)
_FIRST = h("0400CF5700190000000142BF1CD5AA8DFB16D108050750696D55B9D2C0AF79")
_THIRD = h("0400CF570019000000035FAAF5AC600AD0045FE90E6D6F28B0ACA46DBB1021")
_LAST = h("0400CF5700190000FFFF3CCDEBC3E77C63B9D46796352CE1D00151078EA716")
_AFTER_LAST = h("0400CF570019000100001F0BE39AD460CBDBED75AC5457BEBA8A5E38FC41FD")
_EVENT = h("0400CF57001500000001668C88A45A5851B3F8B1559F459DA44738")


class Door:
    """What link/pipe.py keeps between the two steps of a handshake."""

    def __init__(self):
        self.challenge = bytearray(handshake.CHALLENGE)
        self.refusals = self.refused_ms = 0


def _prove(door, ours=_N_R):
    return handshake.prove(door, _ROOT, protocol.ROLE_FIELD, memoryview(_READER), memoryview(_N_S), ours)


def _opened():
    door = Door()
    _prove(door)
    return _session(handshake.admit(door, _ROOT, _ANSWER, 0))


def _session(keys):
    made = Session()
    made.begin(1, keys)
    return made


def _view(message):
    return memoryview(bytearray(message))


def _refuses(one, message, detail):
    """Refused for this reason, and the next good message is taken as if nothing had been."""
    with raises(E_LINK_SECURED, detail):
        one.open(_view(message))


def test_the_handshake_written_out():
    door = Door()
    assert _prove(door) == _PROOF
    assert door.challenge == bytes((protocol.ROLE_FIELD,)) + _READER + _N_S + _N_R
    assert handshake.admit(door, _ROOT, memoryview(_ANSWER), 0) == _KEYS
    assert door.challenge == bytes(handshake.CHALLENGE)


def test_messages_written_out():
    one = _opened()
    message = _view(_FIRST)
    inside = one.open(message)
    assert inside == _COMMAND
    assert bytes(message[10:23]) == _COMMAND  # where it lies
    buf = bytearray(1024)
    buf[10:19] = _STATE
    assert one.seal(buf, 9) == _EVENT
    assert bytes(buf[: len(_EVENT)]) == _EVENT


def test_a_counter_may_skip_and_never_comes_again():
    one = _opened()
    assert one.open(_view(_THIRD)) == _COMMAND
    _refuses(one, _THIRD, session.REPEATED)
    _refuses(one, _FIRST, session.REPEATED)
    assert one.open(_view(_LAST)) == _COMMAND
    _refuses(one, _LAST, session.REPEATED)
    _refuses(one, _AFTER_LAST, session.USED_UP)


def test_the_reader_ends_a_session_that_has_had_all_its_messages():
    one = _opened()
    one._sent = session.MOST - 1
    buf = bytearray(40)
    assert bytes(one.seal(buf, 9)[6:10]) == h("0000FFFF")
    for _ in range(2):
        with raises(E_LINK_SECURED, session.USED_UP):
            one.seal(buf, 9)


def test_every_changed_bit_is_refused():
    one = _opened()
    for at in range(2, len(_FIRST)):
        for bit in range(8):
            changed = bytearray(_FIRST)
            changed[at] ^= 1 << bit
            with raises(E_LINK_SECURED):
                one.open(memoryview(changed))
    for at in (0, 1):  # kind and opcode are under the MAC, too
        changed = bytearray(_FIRST)
        changed[at] ^= 1
        _refuses(one, changed, session.FOREIGN)
    assert one.open(_view(_FIRST)) == _COMMAND


def test_a_message_that_is_cut_off():
    one = _opened()
    for n in range(len(_FIRST)):
        with raises(E_LINK_SECURED):
            one.open(_view(_FIRST[:n]))
    with raises(E_LINK_SECURED, session.NOT_WHOLE):
        one.open(_view(bytes(1025)))
    assert one.open(_view(_FIRST)) == _COMMAND


def test_what_the_reader_has_sent_is_not_for_it():
    one = _opened()
    _refuses(one, _EVENT, session.FOREIGN)
    assert one.open(_view(_FIRST)) == _COMMAND


def test_another_session_with_the_same_root():
    door = Door()
    ours = bytes(16)
    _prove(door, ours)
    with raises(E_LINK_CRYPTOGRAM):
        handshake.admit(door, _ROOT, _ANSWER, 0)
    other = _session(_KEYS[:-2] + h("CF58"))
    _refuses(other, _FIRST, session.FOREIGN)


def _from_phone(message, count=1):
    """Sealed as the phone would, by a session with the directions swapped."""
    phone = _session(_KEYS[32:64] + _KEYS[:32] + _KEYS[64:])
    phone._sent = count - 1
    buf = bytearray(1100)
    buf[10 : 10 + len(message)] = message
    return phone.seal(buf, len(message))


@cases(
    (h("0115 000A 0008 8202 0007 9B01 01"),),  # longer than it is
    (h("0115 000A 0006 8202 0007 9B01 01"),),
    (_FIRST,),  # secured twice
)
def test_what_is_inside_is_no_message(message):
    one = _opened()
    _refuses(one, _from_phone(message), session.NOT_WHOLE)
    assert one.open(_view(_from_phone(_COMMAND, 2))) == _COMMAND


@cases(6, 7, 21, 22, 23, 37, 38, 500, 1006)
def test_any_length(n):
    message = bytes((1, 0x10, 0, 1, (n - 6) >> 8, (n - 6) & 0xFF)) + bytes([i & 0xFF for i in range(n - 6)])
    sealed = _from_phone(message)
    assert len(sealed) == n + 18 <= 1024
    assert _opened().open(_view(sealed)) == message


def test_one_after_another():
    one = _opened()
    one.open(_view(_THIRD))
    one.end()
    assert one._keys == bytes(session.KEYS) and not one.role
    _refuses(one, _FIRST, session.FOREIGN)
    keys = bytearray(_KEYS)
    one.begin(2, keys)
    keys[:] = bytes(session.KEYS)  # the caller's
    assert one.role == 2
    assert one.open(_view(_FIRST)) == _COMMAND  # its counters begin anew


def test_no_challenge_and_a_challenge_used_up():
    door = Door()
    with raises(E_LINK_STATE):
        handshake.admit(door, _ROOT, _ANSWER, 0)
    _prove(door)
    with raises(E_LINK_CRYPTOGRAM, 1):
        handshake.admit(door, _ROOT, _PROOF, 0)  # the reader's own, sent back
    with raises(E_LINK_STATE):
        handshake.admit(door, _ROOT, _ANSWER, 0)
    assert door.refusals == 1


def test_only_the_last_challenge_counts():
    door = Door()
    _prove(door)
    _prove(door, bytes(16))
    with raises(E_LINK_CRYPTOGRAM):
        handshake.admit(door, _ROOT, _ANSWER, 0)


def test_wrong_cryptograms_make_everybody_wait():
    clock = FakeClock()  # its ticks wrap within the first second
    door = Door()
    waits = [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60]
    for wait in waits:
        handshake.may_try(door, clock.ticks_ms())
        _prove(door)
        with raises(E_LINK_CRYPTOGRAM):
            handshake.admit(door, _ROOT, bytes(16), clock.ticks_ms())
        if wait:
            with raises(E_LINK_WAIT, wait):
                handshake.may_try(door, clock.ticks_ms())
            clock.advance(wait * 1000 - 1)
            with raises(E_LINK_WAIT, 1):
                handshake.may_try(door, clock.ticks_ms())
            clock.advance(1)
    _prove(door)
    handshake.admit(door, _ROOT, _ANSWER, clock.ticks_ms())
    assert door.refusals == 0
    handshake.may_try(door, clock.ticks_ms())


def test_roles_and_readers_have_keys_of_their_own():
    seen = {bytes(_PROOF)}
    for role, reader in ((2, _READER), (1, h("4D500000 00000002"))):
        seen.add(bytes(handshake.prove(Door(), _ROOT, role, reader, _N_S, _N_R)))
    assert len(seen) == 3
