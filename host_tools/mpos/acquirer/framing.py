"""The frame around a message: length (2 bytes, big-endian, of what follows), TPDU (5), header (6), message."""

TPDU_BYTES = 5
HEADER_BYTES = 6
LEAST = TPDU_BYTES + HEADER_BYTES + 2 + 8  # message type and bitmap
MOST = 1500


def unframe(body: bytes, tpdu: bytes, header: bytes) -> bytes | None:
    """The message in what follows the length; None when TPDU or header are not the expected ones."""
    if body[:TPDU_BYTES] != tpdu or body[TPDU_BYTES : TPDU_BYTES + HEADER_BYTES] != header:
        return None
    return body[TPDU_BYTES + HEADER_BYTES :]


def answer_frame(message: bytes, tpdu: bytes, header: bytes) -> bytes:
    """The answer's whole frame: source and destination of the TPDU change places."""
    body = tpdu[:1] + tpdu[3:5] + tpdu[1:3] + header + message
    return len(body).to_bytes(2, "big") + body
