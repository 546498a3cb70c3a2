"""AES-CMAC (NIST SP 800-38B; RFC 4493) and the key derivation made of it (NIST SP 800-108, counter mode).

The blocks run in C, by cryptolib's CBC (but for AES-192): the device's own part is the subkeys and the last block.
"""

from micropython import const

from reader.crypto.aes import CBC, ECB, cipher
from reader.util.wipe import wipe

_BLOCK = const(16)
_PIECE = const(64)
_HIGH = const(0x80)
_R = 1 << 128 | 0x87  # the polynomial
LENGTH = 16


class Cmac:
    """The MAC of all that `update` is given, under a key of 16, 24 or 32 bytes. One use."""

    def __init__(self, key):
        self._subkey = bytearray(_BLOCK)
        cipher(key, ECB).encrypt(self._subkey, self._subkey)
        self._chain = cipher(key, CBC, bytes(_BLOCK))
        self._held = bytearray(_BLOCK)  # the last block so far: it is treated otherwise if nothing follows
        self._fill = 0
        self._out = bytearray(_PIECE)

    def update(self, data) -> None:
        """Any number of bytes."""
        view = memoryview(data)
        end = len(view)
        at = 0
        while at < end:
            if self._fill == _BLOCK:
                self._chain.encrypt(self._held, self._out)
                self._fill = 0
            if self._fill == 0 and end - at > _BLOCK:
                n = min((end - at - 1) // _BLOCK * _BLOCK, _PIECE)
                self._chain.encrypt(view[at : at + n], self._out)
            else:
                n = min(_BLOCK - self._fill, end - at)
                self._held[self._fill : self._fill + n] = view[at : at + n]
                self._fill += n
            at += n

    def digest(self) -> bytearray:
        """The 16 bytes; who sends fewer takes the first. The object is of no use afterwards."""
        held = self._held
        subkey = self._subkey
        _double(subkey)
        if self._fill < _BLOCK:
            # SP 800-38B, 6.2: an incomplete last block is padded, and has the other subkey
            held[self._fill] = _HIGH
            for i in range(self._fill + 1, _BLOCK):
                held[i] = 0
            _double(subkey)
        # As numbers: a loop over bytes takes ten times as long
        held[:] = (int.from_bytes(held, "big") ^ int.from_bytes(subkey, "big")).to_bytes(_BLOCK, "big")
        mac = bytearray(_BLOCK)
        self._chain.encrypt(held, mac)
        wipe(held)
        wipe(subkey)
        wipe(self._out)
        return mac


def cmac(key, *parts) -> bytearray:
    """The 16 bytes over `parts`, one behind the other."""
    state = Cmac(key)
    for part in parts:
        state.update(part)
    return state.digest()


def matches(mac, expected) -> bool:
    """Whether `mac` is the beginning of `expected`, at the length of `mac`. Takes as long for a near miss as for a far one."""
    difference = 0
    for i in range(len(mac)):
        difference |= mac[i] ^ expected[i]
    return difference == 0


def derive_into(key, label: bytes, context, out) -> None:
    """Fill `out` (a bytearray) with keys derived from `key` for the use that `label` names.

    SP 800-108, 5.1, with CMAC: i (1 byte), label, 00, context, length of `out` in bits (2 bytes).
    """
    bits = (8 * len(out)).to_bytes(2, "big")
    for number in range((len(out) + _BLOCK - 1) // _BLOCK):
        block = cmac(key, bytes((number + 1,)), label, b"\x00", context, bits)
        at = number * _BLOCK
        out[at : at + _BLOCK] = memoryview(block)[: min(_BLOCK, len(out) - at)]
        wipe(block)


def _double(block) -> None:
    """Times x in GF(2**128), in place (SP 800-38B, 6.1)."""
    value = int.from_bytes(block, "big") << 1
    if block[0] & _HIGH:
        value ^= _R
    block[:] = value.to_bytes(_BLOCK, "big")
