"""TDES DUKPT, the originating side (ANSI X9.24-1:2009, Annex A), on what registers.py does for both kinds.

A key serial number has 10 bytes: 59 bits name the device's initial key, 21 count its packets. A counter has at most ten
one-bits, which leaves 1,048,575 keys.
"""

from micropython import const

from reader.crypto.des import Des, Des3
from reader.dukpt.registers import Dukpt, seal, xor_into
from reader.dukpt.scheme import TDES_DUKPT
from reader.dukpt.tdes_keys import TdesKeys
from reader.storage.sections import TDES
from reader.util.wipe import wipe

_KEY = const(16)
_SERIAL = const(10)


class Keys(TdesKeys):
    """What the key serial number `serial` (10 bytes) gives out of its transaction key (16 bytes, wiped by the caller)."""

    def __init__(self, serial, key):
        # X9.24-1:2009, A.4.1: the data variant encrypts its own halves, so that this key does not lead back
        data = _variant(key, 5)
        cipher = Des3(data)
        cipher.encrypt_into(data, data)
        cipher.wipe()
        # X9.24-1:2009, table A-1: the variants differ in one byte of each half
        super().__init__(TDES_DUKPT, bytes(serial), _variant(key, 7), data, _variant(key, 6), _variant(key, 4))


class TdesDukpt(Dukpt):
    """An initial key of 16 bytes with a serial number of 10, and PacketKeys under triple DES (tdes_keys.py)."""

    _section = TDES
    _serial = _SERIAL
    _bits = 21
    _most = 10  # X9.24-1:2009, A.1
    _lengths = (_KEY,)

    def _keys(self, serial, key, entropy):
        return Keys(serial, key)

    def _derive(self, state, key, counter, bit):
        """X9.24-1:2009, A.2, "New Key-3" with the non-reversible key generation process. Both keys of the process are
        the same for all registers, so each is scheduled once."""
        if not bit:
            return
        key_b = bytearray(b"\xc0\xc0\xc0\xc0\0\0\0\0\xc0\xc0\xc0\xc0\0\0\0\0")
        xor_into(key_b, 0, key, 0, key_b, 0, _KEY)
        cipher_a = Des(memoryview(key)[:8])
        cipher_b = Des(memoryview(key_b)[:8])
        block = bytearray(8)
        data = bytearray(8)
        data[:] = memoryview(state)[_SERIAL - 8 : _SERIAL]
        low = data[5:]
        at = self._at(bit, _KEY)
        while bit:
            # The last 64 bits of the serial number, with the bit of this register set
            data[5] = low[0] | bit >> 16
            data[6] = low[1] | (bit >> 8) & 0xFF
            data[7] = low[2] | bit & 0xFF
            xor_into(block, 0, data, 0, key_b, 8, 8)
            cipher_b.encrypt_into(block, block)
            xor_into(state, at, block, 0, key_b, 8, 8)
            xor_into(block, 0, data, 0, key, 8, 8)
            cipher_a.encrypt_into(block, block)
            xor_into(state, at + 8, block, 0, key, 8, 8)
            seal(state, at, _KEY)
            bit >>= 1
            at += _KEY + 1
        wipe(key_b)
        wipe(block)
        cipher_a.wipe()
        cipher_b.wipe()


def _variant(key, byte: int) -> bytearray:
    result = bytearray(key)
    result[byte] ^= 0xFF
    result[8 + byte] ^= 0xFF
    return result
