"""Message authentication over DES: the retail MAC of ANSI X9.19 (ISO/IEC 9797-1, MAC algorithm 3)."""

from micropython import const

from reader.crypto.des import Des3
from reader.errors import E_INTERNAL, ReaderError

_BLOCK = const(8)


def x919_into(key, data, out) -> None:
    """MAC of `data` (any length) under 16 key bytes into the 8 bytes `out`; who sends fewer bytes takes the first.

    Single DES under the left half chains the blocks, the last one goes through both halves (ISO/IEC 9797-1:2011,
    7.4). Data are filled up with zeros to whole blocks (6.3.2, padding method 1); no data are one block of zeros.

    Raises E_INTERNAL when `key` or `out` has another length.
    """
    if len(out) != _BLOCK:
        raise ReaderError(E_INTERNAL)
    view = memoryview(data)
    end = len(view)
    tail = (end - 1) // _BLOCK * _BLOCK if end else 0
    last = bytearray(_BLOCK)
    last[: end - tail] = view[tail:]
    state = bytearray(_BLOCK)
    cipher = Des3(key)
    cipher.mac_chain_into(state, view[:tail])
    cipher.cbc_encrypt_into(state, last, out)
    cipher.wipe()


def x919_matches(key, data, mac) -> bool:
    """Whether the 8 bytes `mac` are the MAC of `data`. Takes as long for a near miss as for a far one."""
    expected = bytearray(_BLOCK)
    x919_into(key, data, expected)
    if len(mac) != _BLOCK:
        return False
    difference = 0
    for i in range(_BLOCK):
        difference |= expected[i] ^ mac[i]
    return difference == 0
