"""MIFARE Ultralight, Ultralight EV1 and NTAG: pages of four bytes, lock bytes, a password, counters.

NXP MF0ICU1 (Ultralight), MF0ULx1 (Ultralight EV1), NTAG213_215_216; sections are the last one's where nothing else is said.
"""

from __future__ import annotations

from dataclasses import dataclass

from mpos.bench.field import ACK, Nak

PAGE = 4
FIRST = 4  # page of the user's memory
_LOCKS, _OTP = 2, 3

_GET_VERSION, _READ, _FAST_READ, _WRITE, _COMPATIBILITY_WRITE = 0x60, 0x30, 0x3A, 0xA2, 0xA0
_READ_CNT, _INCR_CNT, _PWD_AUTH, _READ_SIG, _CHECK_TEARING, _HALT = 0x39, 0xA5, 0x1B, 0x3C, 0x3E, 0x50

# 9.3, table 21: NAK codes
_ARGUMENT, _OVERFLOW = 0x0, 0x4

_MOST = (1 << 24) - 1  # of a counter


@dataclass(frozen=True)
class Kind:
    """version: what GET_VERSION says, empty: it is not known. last: page of the user's memory. lock: page of the dynamic lock
    bytes, 0: none; step: pages of one of their bits; block: pages of one bit that locks them. config: first of CFG0, CFG1,
    PWD, PACK, 0: none. counters: numbers of those that INCR_CNT counts; nfc_counter: number of the one that counts reads.
    capability: the capability container."""

    version: bytes
    pages: int
    last: int
    lock: int = 0
    step: int = 0
    block: int = 0
    config: int = 0
    counters: tuple[int, ...] = ()
    nfc_counter: int | None = None
    capability: bytes = bytes(4)


# 8.5, 8.5.3 (lock bytes), 8.5.6 (capability container), table 28 (version); MF0ULx1, 8.5 and table 16
KINDS = {
    "ultralight": Kind(b"", 16, 15),
    "ultralight-ev1": Kind(bytes.fromhex("0004030101000B03"), 20, 15, config=0x10, counters=(0, 1, 2)),
    "ultralight-ev1-128": Kind(
        bytes.fromhex("0004030101000E03"), 41, 35, lock=0x24, step=2, block=4, config=0x25, counters=(0, 1, 2)
    ),
    "ntag213": Kind(
        bytes.fromhex("0004040201000F03"),
        45,
        39,
        lock=0x28,
        step=2,
        block=4,
        config=0x29,
        nfc_counter=2,
        capability=bytes.fromhex("E1101200"),
    ),
    "ntag215": Kind(
        bytes.fromhex("0004040201001103"),
        135,
        129,
        lock=0x82,
        step=16,
        block=32,
        config=0x83,
        nfc_counter=2,
        capability=bytes.fromhex("E1103E00"),
    ),
    "ntag216": Kind(
        bytes.fromhex("0004040201001303"),
        231,
        225,
        lock=0xE2,
        step=16,
        block=32,
        config=0xE3,
        nfc_counter=2,
        capability=bytes.fromhex("E1106D00"),
    ),
}
EMPTY_MESSAGE = bytes.fromhex("0300FE00")  # NFC Forum Type 2 Tag Operation: an NDEF message of no bytes, terminator


class Ultralight:
    """kind: one of KINDS. data: contents of the user's memory from page 4 on."""

    atqa = b"\x00\x44"
    sak = 0x00
    ats: bytes | None = None

    def __init__(self, kind: str = "ultralight", uid: bytes = bytes.fromhex("04A1B2C3D4E5F6"), data: bytes = b""):
        self.kind = KINDS[kind]
        self.uid = uid
        self.pages = [bytes(PAGE)] * self.kind.pages
        # 8.5.1: serial number with its two check bytes (ISO/IEC 14443-3, 6.5.4), internal byte, lock bytes
        first, second = 0x88 ^ uid[0] ^ uid[1] ^ uid[2], uid[3] ^ uid[4] ^ uid[5] ^ uid[6]
        self.pages[0] = uid[:3] + bytes([first])
        self.pages[1] = uid[3:]
        self.pages[_LOCKS] = bytes([second, 0x48, 0, 0])
        self.pages[_OTP] = self.kind.capability
        if self.kind.capability != bytes(4):
            data = data or EMPTY_MESSAGE
        for at in range(0, len(data), PAGE):
            self.pages[FIRST + at // PAGE] = data[at : at + PAGE].ljust(PAGE, b"\x00")
        if self.kind.config:
            # 8.5.7: AUTH0 FFh protects nothing; PWD all ones, PACK zero
            self.pages[self.kind.config] = b"\x04\x00\x00\xff" if self.kind.nfc_counter else b"\x00\x00\x00\xff"
            self.pages[self.kind.config + 2] = b"\xff" * PAGE
        self.counters = [0, 0, 0]
        self.failures = 0
        self.power_on()

    def protect(self, password: bytes, pack: bytes, first: int, reads_too: bool, limit: int = 0) -> Ultralight:
        """As its issuer does: the password from page `first` on (8.8)."""
        config = self.kind.config
        self.pages[config] = self.pages[config][:3] + bytes([first])
        self.pages[config + 1] = bytes([0x80 * reads_too | limit, 0, 0, 0])
        self.pages[config + 2], self.pages[config + 3] = password, pack + bytes(2)
        return self

    def contents(self) -> dict[str, str]:
        """What it keeps without power."""
        kept = {str(number): page.hex().upper() for number, page in enumerate(self.pages)}
        kept |= {f"counter {number}": str(value) for number, value in enumerate(self.counters)}
        return kept | {"failures": str(self.failures)}

    def restore(self, kept: dict[str, str]) -> None:
        self.pages = [bytes.fromhex(kept[str(number)]) for number in range(len(self.pages))]
        self.counters = [int(kept[f"counter {number}"]) for number in range(3)]
        self.failures = int(kept["failures"])
        self.power_on()

    def power_on(self) -> None:
        self._selected = True
        self._authenticated = False
        self._has_read = False
        self._pending: int | None = None  # page of a COMPATIBILITY_WRITE

    def exchange(self, command: bytes) -> bytes | None:
        if not self._selected or not command:
            return None
        try:
            if self._pending is not None:
                return self._compatibility_write(command)
            return self._command(command[0], command[1:])
        except Nak:
            self._selected = False  # 8.4: back to idle
            raise

    def _command(self, code: int, data: bytes) -> bytes | None:
        kind = self.kind
        if code == _HALT:
            self._selected = False
            return None
        if code == _READ and len(data) == 1:
            self._count_read()
            return b"".join(self._shown(page) for page in self._roll(data[0]))
        if code == _WRITE and len(data) == 1 + PAGE:
            self._write(data[0], data[1:])
            return ACK
        if code == _COMPATIBILITY_WRITE and len(data) == 1:
            self._check_write(data[0])
            self._pending = data[0]
            return ACK
        if not kind.version:
            raise Nak(_ARGUMENT)
        if code == _GET_VERSION and not data:
            return kind.version
        if code == _FAST_READ and len(data) == 2:
            if data[0] > data[1] or data[1] >= len(self.pages) or self._is_hidden(data[1]):
                raise Nak(_ARGUMENT)
            self._count_read()
            return b"".join(self._shown(page) for page in range(data[0], data[1] + 1))
        if code == _READ_CNT and len(data) == 1:
            return self._read_counter(data[0])
        if code == _INCR_CNT and len(data) == 5 and data[0] in kind.counters:
            return self._increment(data[0], int.from_bytes(data[1:4], "little"))
        if code == _PWD_AUTH and len(data) == PAGE:
            return self._authenticate(data)
        if code == _READ_SIG and data == b"\x00":
            return bytes(32)  # 10.8: NXP's signature, which is not for others to make
        if code == _CHECK_TEARING and len(data) == 1 and data[0] in kind.counters:
            return b"\xbd"  # MF0ULx1, 10.9: nothing was torn
        raise Nak(_ARGUMENT)

    # Reading

    def _roll(self, first: int) -> list[int]:
        """10.2: four pages, going on at page 0 after the last one, or the last one that is not protected."""
        if first >= len(self.pages) or self._is_hidden(first):
            raise Nak(_ARGUMENT)
        pages = [first]
        while len(pages) < 4:
            page = pages[-1] + 1
            pages.append(0 if page >= len(self.pages) or self._is_hidden(page) else page)
        return pages

    def _shown(self, page: int) -> bytes:
        # 8.5.7: the password and PACK are read as zeros
        return bytes(PAGE) if self.kind.config and page >= self.kind.config + 2 else self.pages[page]

    def _is_protected(self, page: int) -> bool:
        config = self.kind.config
        return bool(config) and page >= self.pages[config][3] and not self._authenticated

    def _is_hidden(self, page: int) -> bool:
        return self._is_protected(page) and bool(self._access() & 0x80)

    def _access(self) -> int:
        return self.pages[self.kind.config + 1][0]

    # Writing

    def _compatibility_write(self, data: bytes) -> bytes:
        page, self._pending = self._pending, None
        assert page is not None
        if len(data) != 16:
            raise Nak(_ARGUMENT)
        self._write(page, data[:PAGE])
        return ACK

    def _check_write(self, page: int) -> None:
        config = self.kind.config
        if not _LOCKS <= page < len(self.pages) or self._is_protected(page) or self._is_locked(page):
            raise Nak(_ARGUMENT)
        # 8.5.7: CFGLCK, the configuration is for ever; the password may still be changed
        if config and config <= page < config + 2 and self._access() & 0x40:
            raise Nak(_ARGUMENT)

    def _write(self, page: int, data: bytes) -> None:
        self._check_write(page)
        old = self.pages[page]
        if page == _LOCKS:
            static = old[2:]
            # 8.5.2: bits 0 to 2 of the first byte freeze the lock bits of the OTP, of pages 4 to 9, of pages 10 to 15
            frozen = 0
            for bit, mask in ((0, 0x0008), (1, 0x03F0), (2, 0xFC00)):
                frozen |= mask if static[0] >> bit & 1 else 0
            wanted = int.from_bytes(data[2:], "little") & ~frozen
            data = old[:2] + (int.from_bytes(static, "little") | wanted).to_bytes(2, "little")
        elif page == _OTP:
            data = bytes(a | b for a, b in zip(old, data, strict=True))  # 8.5.4: bits are set, and stay so
        elif page == self.kind.lock and page:
            bits = int.from_bytes(old[:3], "little")
            wanted = int.from_bytes(data[:3], "little")
            for bit in range(16):
                if bits >> (16 + bit * self.kind.step // self.kind.block) & 1:
                    wanted &= ~(1 << bit)
            data = (bits | wanted).to_bytes(3, "little") + old[3:]
        self.pages[page] = data

    def _is_locked(self, page: int) -> bool:
        if _OTP <= page < 16:
            return bool(int.from_bytes(self.pages[_LOCKS][2:], "little") >> page & 1)
        if self.kind.lock and 16 <= page <= self.kind.last:
            bits = int.from_bytes(self.pages[self.kind.lock][:2], "little")
            return bool(bits >> (page - 16) // self.kind.step & 1)
        return False

    # Password, counters

    def _authenticate(self, password: bytes) -> bytes:
        config = self.kind.config
        limit = self._access() & 0x07
        if limit and self.failures >= limit:
            raise Nak(_OVERFLOW)  # 8.8.2: never again
        if password != self.pages[config + 2]:
            self.failures += 1
            raise Nak(_ARGUMENT)
        self.failures, self._authenticated = 0, True
        return self.pages[config + 3][:2]

    def _count_read(self) -> None:
        """8.7: with NFC_CNT_EN the first READ or FAST_READ after each activation is counted."""
        counter = self.kind.nfc_counter
        if counter is not None and not self._has_read and self._access() & 0x10:
            self.counters[counter] = min(self.counters[counter] + 1, _MOST)
        self._has_read = True

    def _read_counter(self, number: int) -> bytes:
        nfc = self.kind.nfc_counter
        is_there = number in self.kind.counters or (number == nfc and self._access() & 0x10)
        if not is_there or (number == nfc and self._access() & 0x08 and not self._authenticated):
            raise Nak(_ARGUMENT)
        return self.counters[number].to_bytes(3, "little")

    def _increment(self, number: int, by: int) -> bytes:
        if self.counters[number] + by > _MOST:
            raise Nak(_OVERFLOW)  # MF0ULx1, 10.7
        self.counters[number] += by
        return ACK
