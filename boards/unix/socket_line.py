"""What the unix board's lines do with their sockets, which are connected and do not block."""

from reader.errors import E_LINE_CLOSED, ReaderError


def received(socket, into) -> int:
    """Bytes that were there, put into `into`. Raises E_LINE_CLOSED."""
    try:
        count = socket.readinto(into)
    except OSError:
        raise ReaderError(E_LINE_CLOSED) from None
    if count == 0:
        raise ReaderError(E_LINE_CLOSED)
    return count or 0


def unsent(socket, rest):
    """Send what the socket takes of `rest`: what is left of it. Raises E_LINE_CLOSED."""
    while rest:
        try:
            count = socket.write(rest)
        except OSError:
            raise ReaderError(E_LINE_CLOSED) from None
        if not count:
            break
        rest = rest[count:]
    return rest
