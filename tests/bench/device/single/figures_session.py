"""The session: a message of the longest kind each way, and the reader's part of a handshake."""

from measure import count_once, figure, report

from reader.link import handshake, protocol
from reader.link.session import HEAD, KEYS, Session

_LONGEST = 1006
_ROOT = bytes(range(16))
_ID = bytes(8)
_THEIRS = bytes(range(16))
_OURS = bytes(range(16, 32))


class Door:
    challenge = bytearray(handshake.CHALLENGE)
    refusals = refused_ms = 0


def run() -> None:
    keys = bytes(range(KEYS))
    reader = Session()
    reader.begin(protocol.ROLE_FIELD, keys)
    phone = Session()
    phone.begin(protocol.ROLE_FIELD, keys[32:64] + keys[:32] + keys[64:])
    for name, body in (("1006", _LONGEST - 6), ("24", 18)):
        buf = bytearray(HEAD + 6 + body + 8)
        head = bytes((protocol.EVENT, protocol.ONLINE_REQUEST, 0, 1, body >> 8, body & 0xFF))
        buf[HEAD : HEAD + 6] = head
        figure("session.seal_" + name, lambda buf=buf, n=6 + body: reader.seal(buf, n))
        for i in range(2):  # once that nobody counts
            buf[HEAD : HEAD + 6] = head
            message = phone.seal(buf, 6 + body)
            found = count_once(lambda message=message: reader.open(message))
            if i:
                report("session.open_" + name, found)
    door = Door()
    figure("session.prove", lambda: handshake.prove(door, _ROOT, protocol.ROLE_FIELD, _ID, _THEIRS, _OURS))
    context = bytes((protocol.ROLE_FIELD,)) + _ID + _THEIRS + _OURS
    answer = handshake._cryptogram(_ROOT, b"\x02", context)

    def admitted():
        door.challenge[:] = context
        handshake.admit(door, _ROOT, answer, 0)

    figure("session.admit", admitted)
