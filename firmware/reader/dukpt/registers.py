"""What both kinds of DUKPT do on the originating side: one new set of keys for every packet, and never the same twice.

The device holds a future key register for each bit of the counter; the register of the counter's lowest one-bit is the
current key. Taking it derives the registers of all lower bits from it and destroys it. The new state is in the key ring
before the caller sees a key, so no key serves twice, whenever the power goes. When it goes after the state was written
and before the key was used, that key is lost, which costs one of a million or more.

State, as the ring has it under its own check: key serial number of the next key; the registers from the highest bit to
the lowest, each a key and its check byte; then what the kind adds. A counter of 0 means that all keys are used up.
Nothing of it stays in memory between calls.
"""

import micropython
from micropython import const

from reader.errors import E_INTERNAL, E_KEY_EXHAUSTED, E_KEY_EXISTS, E_NO_KEY, E_STORE, ReaderError
from reader.util.wipe import wipe

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from reader.ports import Entropy, PacketKeys

    ptr8 = bytearray

_COUNTER = const(4)  # bytes at the end of a serial number in which its counter lies
_CORRUPT = const(1)  # detail of E_STORE


class Dukpt:
    """`ring`: storage/key_ring.KeyRing."""

    # Of the kind: section of the ring, bytes of a serial number, bits of its counter, how many of them may be 1, and the
    # lengths that a key may have
    _section = 0
    _serial = 0
    _bits = 0
    _most = 0
    _lengths: "Sequence[int]" = ()

    def __init__(self, ring: "Any"):
        self._ring = ring

    def check(self) -> None:
        """Raises what `next` would, and takes no key: E_NO_KEY, E_KEY_EXHAUSTED, E_STORE."""
        if not self._counter(self.serial()):
            raise ReaderError(E_KEY_EXHAUSTED)

    def serial(self) -> bytes:
        """The serial number of the next key; its counter is 0 when there is none left. Raises E_NO_KEY, E_STORE."""
        state = self._read()
        serial = bytes(memoryview(state)[: self._serial])
        wipe(state)
        return serial

    def load_initial_key(self, key, serial, also: "Sequence" = ()) -> None:
        """Inject the initial key with its serial number, whose counter is cleared. The caller wipes `key`.

        Once in the device's life: E_KEY_EXISTS the second time, also when all keys are used up. `also`: (section, data)
        that the ring writes in the same step. Raises E_INTERNAL on a wrong length; E_STORE.
        """
        if self._ring.size(self._section):
            raise ReaderError(E_KEY_EXISTS)
        state = self._fresh(key, serial)
        try:
            self._write(state, also)
        finally:
            wipe(state)

    def next(self, entropy: "Entropy | None" = None) -> "PacketKeys":
        """The next keys. Their register is destroyed and the new state stored when they come back.

        Raises E_NO_KEY before an initial key was loaded, E_KEY_EXHAUSTED after the last, E_STORE. After an error of the
        store nobody knows which of the two states it holds: whichever it is, the keys are gone.
        """
        state = self._read()
        taken: PacketKeys | None = None
        keys: PacketKeys | None = None
        try:
            taken = self._take(state, entropy)
            self._write(state, ())
            keys = taken
        finally:
            wipe(state)
            if taken is not None and keys is None:
                taken.wipe()
        return keys

    def _take(self, state, entropy) -> "PacketKeys":
        """The keys of the first register that checks; `state` is advanced."""
        size = self._size(state)
        number = memoryview(state)[: self._serial]
        # X9.24-1:2009, A.2, "Request PIN Entry 1"; X9.24-3:2017, B.6.3: skip a register that does not check
        while True:
            counter = self._counter(number)
            if not counter:
                raise ReaderError(E_KEY_EXHAUSTED)
            bit = counter & -counter
            at = self._at(bit, size)
            if _parity(state, at, size) == state[at + size]:
                break
            self._count(number, counter + bit)
        key = bytearray(size)
        key[:] = memoryview(state)[at : at + size]
        keys = self._keys(bytes(number), key, entropy)
        # With as many one-bits as there may be, no further keys are below this one, and the counter passes over them
        ones = 0
        rest = counter
        while rest:
            rest &= rest - 1
            ones += 1
        if ones < self._most:
            self._derive(state, key, counter, bit >> 1)
            counter += 1
        else:
            counter += bit
        wipe(key)
        wipe(memoryview(state)[at : at + size])
        state[at + size] = 1  # the check byte of nothing but zeros is 0
        self._count(number, counter)
        return keys

    def _fresh(self, key, serial) -> bytearray:
        """The state after the initial key, which is not kept: every register is derived from it."""
        size = len(key)
        if size not in self._lengths or len(serial) != self._serial:
            raise ReaderError(E_INTERNAL)
        state = bytearray(self._length(size))
        number = memoryview(state)[: self._serial]
        number[:] = serial
        self._count(number, 0)
        self._derive(state, key, 0, 1 << self._bits - 1)
        self._count(number, 1)
        return state

    def _derive(self, state, key, counter: int, bit: int) -> None:
        """Fill the registers of `bit` and of all lower bits (none if it is 0) from `key`, which is that of `counter`."""
        raise NotImplementedError

    def _keys(self, serial: bytes, key, entropy) -> "PacketKeys":
        """The packet's keys out of the current key, which the caller wipes."""
        raise NotImplementedError

    def _length(self, size: int) -> int:
        """Bytes of the state with registers of `size`."""
        return self._serial + self._bits * (size + 1)

    def _size(self, state) -> int:
        """Bytes of a register's key."""
        for size in self._lengths:
            if self._length(size) == len(state):
                return size
        raise ReaderError(E_STORE, _CORRUPT)

    def _at(self, bit: int, size: int) -> int:
        """Where in the state the register of this counter bit starts."""
        n = self._bits
        while bit > 15:
            bit >>= 4
            n -= 4
        while bit:
            bit >>= 1
            n -= 1
        return self._serial + n * (size + 1)

    def _counter(self, serial) -> int:
        return int.from_bytes(serial[self._serial - _COUNTER :], "big") & (1 << self._bits) - 1

    def _count(self, serial, counter: int) -> None:
        """Write the counter into a writable serial number, modulo what its bits hold; the other bits stay."""
        at = self._serial - _COUNTER
        mask = (1 << self._bits) - 1
        other = int.from_bytes(serial[at:], "big") & ~mask
        serial[at:] = (other | counter & mask).to_bytes(_COUNTER, "big")

    def _read(self) -> bytearray:
        """The state, for the caller to wipe. Raises E_NO_KEY, E_STORE."""
        state = self._ring.load(self._section)
        if not state:
            raise ReaderError(E_NO_KEY)
        self._size(state)
        return state

    def _write(self, state, also) -> None:
        changes = [(self._section, state)]
        changes.extend(also)
        self._ring.write(changes)


# The loops below run up to eighty times for one key. Every caller has buffers of fixed lengths.


@micropython.viper
def _parity(buf: ptr8, at: int, n: int) -> int:
    """Longitudinal redundancy check: all n bytes from `at` XORed together."""
    x = 0
    while n > 0:
        n -= 1
        x ^= buf[at + n]
    return x


@micropython.viper
def xor_into(dst: ptr8, d: int, a: ptr8, i: int, b: ptr8, j: int, n: int):
    """dst[d:] = a[i:] ^ b[j:], n bytes."""
    while n > 0:
        n -= 1
        dst[d + n] = a[i + n] ^ b[j + n]


def seal(state, at: int, size: int) -> None:
    """Put the check byte behind a register's key."""
    state[at + size] = _parity(state, at, size)
