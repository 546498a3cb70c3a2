"""The key store: the whole of it in one sector of a raw flash partition, each change in the next sector, the last erased.

A change goes through these steps, and the power may go at any instant of each:

    a generation number is reserved in the witness (storage/witness.py), never to be used again
    its sector, number modulo 16, is programmed and read back
    the witness says that this generation is the newest: from here on it is, until here the old one was
    the old sector is erased, then the witness says so

What lies in any other sector than the newest generation's is no state, however authentic: a ring that was copied
earlier and put back is refused. Who can write both partitions can put back both; the host, which takes no key serial
number twice, is what stands behind that.

A sector: head of 64 bytes ("mPK1", generation (4), initial counter block's first 12 bytes, length of each of 22 sections
(2 each)), the sections in their order, encrypted (AES-128, CTR), then the CMAC of the SHA-256 of all that (a hash takes a
third of a MAC's instructions). The secret has both keys. The counter block is a hash of the MAC's key, the old head and what changes: another state never has the same one, also in a reader
that was put back. Nothing decrypted is kept in memory beyond the call that needs it.
"""

from hashlib import sha256
from struct import pack_into, unpack_from

from cryptolib import aes
from micropython import const

from ..crypto import cmac
from ..errors import E_INTERNAL, E_KEY_EXISTS, E_NO_KEY, E_STORE, ReaderError
from ..util.wipe import wipe
from . import witness

# detail of E_STORE
CORRUPT = const(1)  # neither authentic nor gone
ROLLED_BACK = const(2)  # authentic, and not the newest
LOST = const(3)  # there was one, and it is gone
FAULT = const(4)  # the flash does not do what it should
FULL = const(5)  # more than a sector holds

SECTORS = const(16)
_SECTIONS = const(22)
_HEAD = const(64)
_LENGTHS = const(20)
_INITIAL = const(8)
_INITIAL_END = const(20)
_MAC = const(16)
_ROOM = const(4016)  # 4096 - _HEAD - _MAC
_PIECE = const(256)
_KEY = const(16)
_SECRET = const(32)  # behind it: 1, once there is a ring
_CTR = const(6)
_MAGIC = b"mPK1"
_FORMAT = ">22H"


class KeyRing:
    """`keys`: the ring's partition, 16 sectors (ports.Flash); `journal`: the witness' partition, whose first two sectors are
    used; `secret`: a store outside of both (ports.Store)."""

    def __init__(self, keys, journal, secret):
        self._keys = keys
        self._journal = journal
        self._secret = secret
        self._kept: bytes | bytearray = (
            b""  # the secret, once it was read: a change would read its store, a file, three times
        )
        # From the start: in the middle of a sale the heap is too cut up for it, and each try collects it all
        self._room = bytearray(2 * _PIECE)
        self._hint = 0  # where the witness ended when it was last looked at

    def is_blank(self) -> bool:
        """Nobody ever made a ring here, or not to the end."""
        kept = self._secret.load()
        if kept is None:
            return not witness.Witness(self._journal).is_there and self._is_empty()
        made = len(kept) != _SECRET + 1 or kept[_SECRET]
        wipe(kept)
        return not made

    def check(self) -> bool:
        """Whether there was something to repair, which is done. For the start, before anything else.

        Raises E_NO_KEY when this reader was never personalised, E_STORE with its reason as detail.
        """
        self.forget()
        secret = self._open()
        try:
            seen = witness.Witness(self._journal, self._hint)
            self._newest(seen, secret)
            repaired = self._settle(seen)
            head = bytearray(4)
            for sector in range(SECTORS):
                if sector != seen.generation % SECTORS:
                    witness.read_into(self._keys, sector, head, 0)
                    if head != b"\xff\xff\xff\xff":
                        witness.erase(self._keys, sector)
                        repaired = True
        finally:
            wipe(secret)
        return repaired

    def create(self, entropy) -> None:
        """Make an empty ring under a new secret (`entropy`: ports.Entropy). Once: E_KEY_EXISTS. Raises E_ENTROPY, E_STORE."""
        if not self.is_blank():
            raise ReaderError(E_KEY_EXISTS)
        secret = bytearray(_SECRET + 1)
        try:
            entropy.fill(memoryview(secret)[:_SECRET])
            self._secret.save(secret)
            for sector in range(SECTORS):
                if not witness.is_erased(self._keys, sector):
                    witness.erase(self._keys, sector)
            seen = witness.Witness(self._journal, self._hint)
            seen.begin()
            self._step(seen, secret, bytearray(_HEAD), [])
            secret[_SECRET] = 1
            self._secret.save(secret)
        finally:
            wipe(secret)

    def size(self, section: int) -> int:
        """Bytes of the section; 0: it is not there. Raises E_NO_KEY, E_STORE."""
        return self.read_into(section, None)

    def load(self, section: int) -> bytearray:
        """The section's bytes, for the caller to wipe; none: it is not there. Raises E_NO_KEY, E_STORE."""
        kept: list = []
        self.read_into(section, kept)
        return kept[0] if kept else bytearray()

    def read_into(self, section: int, out) -> int:
        """The section's bytes into the beginning of `out`, for the caller to wipe; how many, 0: it is not there. Into a list:
        as a bytearray of its own.

        Raises E_NO_KEY, E_STORE; E_INTERNAL when `out` is too short.
        """
        secret = self._open()
        try:
            seen = witness.Witness(self._journal, self._hint)
            head = self._newest(seen, secret)
            lengths = unpack_from(_FORMAT, head, _LENGTHS)
            n = lengths[section - 1]
            if n and out is not None:
                if isinstance(out, list):
                    out.append(bytearray(n))
                    out = out[0]
                if len(out) < n:
                    raise ReaderError(E_INTERNAL)
                at = sum(lengths[: section - 1])
                view = memoryview(out)[:n]
                witness.read_into(self._keys, seen.generation % SECTORS, view, _HEAD + at)
                _stream_at(secret, head, at).encrypt(view, view)
        finally:
            wipe(secret)
        return n

    def write(self, changes) -> None:
        """`changes`: (section, its new bytes, or None: it goes) any number of times. All of them, or none.

        Raises E_NO_KEY; E_STORE, after which nobody knows which of the two it is, but `check` and each reading.
        """
        secret = self._open()
        try:
            seen = witness.Witness(self._journal, self._hint)
            head = self._newest(seen, secret)
            self._settle(seen)
            self._step(seen, secret, head, changes)
        finally:
            wipe(secret)

    def forget(self) -> None:
        """The secret leaves the memory, until it is needed again."""
        if self._kept:
            wipe(self._kept)
            self._kept = b""

    def _open(self) -> bytearray:
        """The secret, for the caller to wipe."""
        if self._kept:
            return bytearray(self._kept)
        kept = self._secret.load()
        if kept is None:
            if self.is_blank():
                raise ReaderError(E_NO_KEY)
            raise ReaderError(E_STORE, LOST)
        if len(kept) != _SECRET + 1:
            raise ReaderError(E_STORE, CORRUPT)
        if not kept[_SECRET]:
            wipe(kept)
            raise ReaderError(E_NO_KEY)
        self._kept = bytearray(kept)
        return kept

    def _newest(self, seen, secret) -> bytearray:
        """The head of the newest generation, which is whole and authentic. Raises E_STORE."""
        head = bytearray(_HEAD)
        self._hint = seen.reserved
        sector = seen.generation % SECTORS
        if not seen.is_there or not self._is_authentic(sector, secret, head) or _generation(head) != seen.generation:
            wipe(head)
            for sector in range(SECTORS):
                if self._is_authentic(sector, secret, head):
                    raise ReaderError(E_STORE, ROLLED_BACK)
            raise ReaderError(E_STORE, LOST if self._is_empty() else CORRUPT)
        return head

    def _is_authentic(self, sector: int, secret, head) -> bool:
        """Whether the CMAC of a sector is right; its head is in `head` then."""
        keys = self._keys
        witness.read_into(keys, sector, head, 0)
        if head[:4] != _MAGIC:
            return False
        left = sum(unpack_from(_FORMAT, head, _LENGTHS))
        if left > _ROOM:
            return False
        state = sha256(head)
        piece = memoryview(self._room)[:_PIECE]
        at = _HEAD
        while left:
            n = min(left, _PIECE)
            witness.read_into(keys, sector, piece[:n], at)
            state.update(piece[:n])
            at += n
            left -= n
        witness.read_into(keys, sector, piece[:_MAC], at)
        return cmac.matches(piece[:_MAC], _mac(secret, state))

    def _is_empty(self) -> bool:
        return all(witness.is_erased(self._keys, sector) for sector in range(SECTORS))

    def _settle(self, seen) -> bool:
        """Finish what a power cut left: True when there was something."""
        if seen.state & witness.SETTLED:
            return False
        newest = seen.generation % SECTORS
        if seen.reserved == seen.generation:
            seen.mark(witness.COMMITTED)  # again: a bit that was cut short may read this way now, and otherwise later
            cut = (seen.reserved - 1) % SECTORS
        else:
            seen.mark(witness.ABANDONED)
            cut = seen.reserved % SECTORS
        for sector in range(SECTORS):
            # That one was perhaps being erased, and reads as if it were
            if sector != newest and (sector == cut or not witness.is_erased(self._keys, sector)):
                witness.erase(self._keys, sector)
        seen.mark(witness.SETTLED)
        return True

    def _step(self, seen, secret, old_head, changes) -> None:
        """One generation further. Nothing is erased before the new one is committed."""
        new = {}
        for section, data in changes:
            new[section] = data or b""
        head = bytearray(_HEAD)
        lengths = list(unpack_from(_FORMAT, old_head, _LENGTHS))
        for section in new:
            lengths[section - 1] = len(new[section])
        if sum(lengths) > _ROOM:
            raise ReaderError(E_STORE, FULL)
        old = seen.generation % SECTORS
        generation = seen.reserve()
        sector = generation % SECTORS
        keys = self._keys
        if sector == old:  # fifteen power cuts in a row
            seen.mark(witness.ABANDONED)
            seen.mark(witness.SETTLED)
            generation = seen.reserve()
            sector = generation % SECTORS
        # It was erased when its last generation went. Whatever else may lie there, reading back would tell
        witness.read_into(keys, sector, head, 0)
        if head != b"\xff" * _HEAD:
            witness.erase(keys, sector)
        pack_into(_FORMAT, head, _LENGTHS, *lengths)
        head[:4] = _MAGIC
        head[4:8] = generation.to_bytes(4, "big")
        head[_INITIAL:_INITIAL_END] = bytes(_INITIAL_END - _INITIAL)
        state = sha256(memoryview(secret)[_KEY:_SECRET])
        state.update(old_head)
        state.update(head)
        for number in new:
            state.update(bytes((number,)))
            state.update(new[number])
        head[_INITIAL:_INITIAL_END] = state.digest()[: _INITIAL_END - _INITIAL]
        piece = memoryview(self._room)
        back = piece[_PIECE:]
        piece = piece[:_PIECE]
        state = sha256(head)
        stream = _stream_at(secret, head, 0)
        self._program(sector, head, 0, back)
        at = _HEAD
        try:
            for n in self._pieces(old, old_head, secret, new, piece):
                part = piece[:n]
                stream.encrypt(part, part)
                state.update(part)
                self._program(sector, part, at, back)
                at += n
        finally:
            wipe(piece)
        self._program(sector, _mac(secret, state), at, back)
        seen.mark(witness.COMMITTED)
        witness.erase(keys, old)
        seen.mark(witness.SETTLED)

    def _program(self, sector: int, data, at: int, back) -> None:
        """And read back: raises E_STORE when it is not what was written. `back`: room for it."""
        witness.program(self._keys, sector, data, at)
        back = back[: len(data)]
        witness.read_into(self._keys, sector, back, at)
        if back != data:
            raise ReaderError(E_STORE, FAULT)

    def _pieces(self, old, old_head, secret, new, piece):
        """Fill `piece` with the new sections in clear, again and again; how much is in it."""
        stream = _stream_at(secret, old_head, 0)
        lengths = unpack_from(_FORMAT, old_head, _LENGTHS)
        fill = 0
        at = _HEAD
        for number in range(1, _SECTIONS + 1):
            n = lengths[number - 1]
            data = None
            if number in new:
                if n:
                    at += n
                    stream = _stream_at(secret, old_head, at - _HEAD)
                data = memoryview(new[number])
                n = len(data)
            done = 0
            while done < n:
                k = min(n - done, _PIECE - fill)
                part = piece[fill : fill + k]
                if data is None:
                    witness.read_into(self._keys, old, part, at)
                    stream.encrypt(part, part)
                    at += k
                else:
                    part[:] = data[done : done + k]
                done += k
                fill += k
                if fill == _PIECE:
                    yield fill
                    fill = 0
        if fill:
            yield fill


def _generation(head) -> int:
    return int.from_bytes(head[4:8], "big")


def _mac(secret, state) -> bytearray:
    """The CMAC of what `state` has hashed."""
    return cmac.cmac(memoryview(secret)[_KEY:_SECRET], state.digest())


def _stream_at(secret, head, at: int):
    """The cipher of a sector's sections, from their byte number `at` on."""
    stream = aes(memoryview(secret)[:_KEY], _CTR, bytes(head[_INITIAL:_INITIAL_END]) + (at // _KEY).to_bytes(4, "big"))
    if at % _KEY:
        skipped = bytearray(at % _KEY)
        stream.encrypt(skipped, skipped)
    return stream
