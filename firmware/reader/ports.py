"""The contracts of the parts that a board supplies. For type checkers only: nothing imports this at run time."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Protocol


class Line(Protocol):
    """A byte line under a driver: machine.UART, or a socket that does not block. Awaited with asyncio streams."""

    def write(self, buf) -> int | None: ...

    def readinto(self, buf) -> int | None:
        """Bytes read; None: nothing there yet; 0: the line is closed."""
        ...


class ChipUart(Line, Protocol):
    """The line of a chip card's characters: machine.UART, or what stands for it on the unix board."""

    def init(self, *, baudrate: int, bits: int, parity: "int | None", stop: int) -> None:
        """As machine.UART: parity 0 is even, 1 odd. Empties the receiver."""
        ...


class Pin(Protocol):
    """machine.Pin, or what stands for it."""

    def value(self, level: int = ...) -> "int | None": ...


class Clock(Protocol):
    def ticks_ms(self) -> int:
        """Monotonic milliseconds that wrap; compare with time.ticks_diff only."""
        ...

    def now(self) -> tuple[int, int, int, int, int, int]:
        """Local time: year, month, day, hour, minute, second."""
        ...


class Entropy(Protocol):
    def fill(self, buf: bytearray) -> None:
        """Fill `buf` from the hardware generator. Raises E_ENTROPY when it is missing or stuck."""
        ...


class Store(Protocol):
    """A small state that survives power loss at any instant: after `save` returns the new one, else the old one."""

    def load(self) -> bytearray | None:
        """What was saved last, in a buffer of the caller's own to wipe; None: nothing was ever saved."""
        ...

    def save(self, data) -> None: ...


class Flash(Protocol):
    """A raw flash partition, as esp32.Partition: blocks of 4,096 bytes; an erased byte is FF, and a write only clears bits."""

    def readblocks(self, block: int, buf: bytearray, offset: int = 0) -> Any:
        """Fill `buf` from `offset` in the block on. Raises OSError."""
        ...

    def writeblocks(self, block: int, buf, offset: int) -> Any:
        """Program what was erased before. Raises OSError."""
        ...

    def ioctl(self, op: int, arg: int) -> Any:
        """4: how many blocks; 6: erase the block `arg`."""
        ...


class PacketKeys(Protocol):
    """The keys of one packet, whatever scheme they are of (dukpt/scheme.py). They are used, and nobody reads them."""

    scheme: int  # dukpt/scheme.py
    ksn: bytes  # 10 or 12 bytes; b"": the scheme has none
    pin_format: int  # of ISO 9564-1 blocks: 0 or 4
    block: int  # bytes of a cipher's block: 8 or 16

    def encrypt_data(self, clear: bytearray, length: int) -> bytes:
        """The first `length` bytes of `clear`, which has room for padding method 2 of ISO/IEC 9797-1, in CBC from zeros."""
        ...

    def pin_block(self, pin, account) -> bytes:
        """The PIN (one digit a byte) and the account number's field as an encrypted block of `pin_format`."""
        ...

    def mac_into(self, data, out) -> None:
        """The request's MAC over `data` into the 8 bytes `out`."""
        ...

    def mac_matches(self, data, mac) -> bool:
        """Whether the 8 bytes `mac` are the answer's over `data`."""
        ...

    def wipe(self) -> None: ...


class Card(Protocol):
    """A card that is activated and speaks APDUs, by contact or by radio."""

    async def transmit(self, c_apdu) -> memoryview:
        """The response APDU with SW1SW2, valid until the next call.

        Raises E_CARD_REMOVED, E_CARD_TIMEOUT, E_CARD_PROTOCOL, or an E_NFC_* code when the coupler itself fails.
        """
        ...

    async def release(self) -> None: ...


class ContactlessCard(Card, Protocol):
    """One in the field. Beside `transmit`, what cards that are not for payment need (drivers/contactless.py)."""

    technology: int  # 1 type A, 2 type B, 4 FeliCa
    uid: bytes  # UID, PUPI, IDm
    is_isodep: bool  # it speaks APDUs
    says: bytes  # ATQA, SAK, ATS; ATQB after its 50h; PMm and perhaps the system code

    async def raw(self, command) -> memoryview:
        """As `transmit`, for commands that the coupler does not know."""
        ...

    async def speed_up(self) -> int:
        """Ask for a higher bit rate: 2 424, 1 212, 0 still 106 kbit/s. Not for payments."""
        ...

    async def is_present(self) -> bool: ...

    async def wait_for_removal(self, ms: int) -> bool:
        """Let it go and wait until it is gone: True."""
        ...


class Contactless(Protocol):
    """The contactless reader (drivers/contactless.py, loaded by drivers/on_demand.py): field on, one card, field off."""

    async def start(self) -> None: ...

    async def look(self, technologies: int = ..., system_code: int = ...) -> "ContactlessCard | None":
        """One look into the field, by default for types A and B; the carrier is on from then on, with pauses when nobody
        comes. Raises E_TWO_CARDS, E_CARD_PROTOCOL."""
        ...

    async def stop(self) -> None:
        """Carrier off, the chip asleep, its driver let go. Twice is once."""
        ...


class Characters(Protocol):
    """A card's one I/O line, as T=0 and T=1 use it: characters in logical values, times in etu (ISO/IEC 7816-3, 7)."""

    clock_khz: int  # of the card's clock

    async def send(self, data) -> None:
        """All of `data`, with the guard time; the echo is swallowed. Raises E_CARD_REMOVED, E_CARD_FAULT, E_LINE_CLOSED."""
        ...

    async def receive_into(self, out, first_etu: int, next_etu: int) -> int:
        """Fill `out`; at most `first_etu` for the first character and `next_etu` for each further one. How many came:
        fewer than asked for when the card fell silent. Raises as `send`.
        """
        ...

    def discard(self) -> None:
        """Drop what was received and not asked for."""
        ...

    def set_etu(self, f: int, d: int) -> None:
        """1 etu = f/d clocks from now on; 372, 1 after a reset."""
        ...

    def set_guard(self, etu: int) -> None:
        """The extra guard time N of TC1; 255: as little as the protocol allows."""
        ...


class ContactCard(Card, Protocol):
    atr: bytes  # whole, logical values
    protocol: int  # 0 or 1


class Contact(Protocol):
    """The chip slot (drivers/icc_slot.py, drivers/tda8029): insertion, activation, removal."""

    async def start(self) -> None:
        """The slot is there and off. Raises E_SLOT_*, E_LINE_CLOSED."""
        ...

    async def is_present(self) -> bool: ...

    async def wait_for_insertion(self, timeout_ms: int) -> None:
        """Raises E_NO_CARD when nobody inserts one in time."""
        ...

    async def activate(self) -> ContactCard:
        """Cold reset, ATR, warm reset if needed, PPS. Raises E_CARD_ATR, E_CARD_REMOVED, E_CARD_FAULT."""
        ...

    async def wait_for_removal(self, timeout_ms: int) -> bool:
        """True: the slot is empty."""
        ...

    async def stop(self) -> None:
        """Power off in the order of ISO/IEC 7816-3, 6.4; buffers wiped. Twice is once."""
        ...


class Swipe(Protocol):
    """What one swipe gave."""

    is_backward: bool

    def track(self, number: int) -> memoryview:
        """ASCII characters of track 1, 2 or 3 without sentinels and LRC, empty where there are none; until `wipe`."""
        ...

    def reason(self, number: int) -> int:
        """0: the track was decoded; otherwise why not (iso7811/reasons.py)."""
        ...

    def wipe(self) -> None: ...


class MagHead(Protocol):
    """The magnetic head (drivers/mag_head.py, drivers/mag_edges.py)."""

    async def start(self) -> bool:
        """Arm for a swipe. True: a card had been swiped before this; what was stored of it has been thrown away.
        Raises E_HEAD, E_LINE_CLOSED."""
        ...

    def is_swiped(self) -> bool:
        """A swipe waits to be read. Cheap: it is polled. Raises E_LINE_CLOSED."""
        ...

    async def read(self) -> Swipe:
        """All its tracks, decoded; the head's own memory is cleared before this returns. `start` arms it again."""
        ...

    async def stop(self) -> None:
        """Nothing of a swipe stays in the head or in buffers. Twice is once."""
        ...


class PinPad(Protocol):
    """Where the cardholder types. What is typed never goes to the phone."""

    async def enter(self, kind: int, timeout_ms: int) -> "bytearray | int":
        """The digits (4 to 12, one a byte, values 0 to 9), for the caller to wipe; or an outcome.PIN_* that says why
        there are none. `kind`: outcome.PIN_OFFLINE_PLAINTEXT and so on.
        """
        ...


class Display(Protocol):
    """What pairing shows of itself on the reader's own screen (link/pairing.py)."""

    has_keys: bool  # somebody can say yes or no

    def show_passkey(self, number: int) -> None:
        """Six digits, to be typed on the phone."""
        ...

    async def confirm(self, number: int) -> bool:
        """Show six digits; whether the person says that the phone shows the same. Raises OSError. Only with `has_keys`."""
        ...

    def hide(self) -> None:
        """Nothing is asked any more. Twice is once."""
        ...


class Cardholder(Protocol):
    """Questions to the person, as the kernel asks them (app/cardholder.py)."""

    has_pin_pad: bool

    async def choose(self, labels: list[bytes]) -> int:
        """Index of the one chosen; -1: none, or nobody answered."""
        ...

    async def confirm(self, label: bytes) -> bool: ...

    async def pin(self, kind: int, tries_left: int) -> "bytearray | int":
        """As PinPad.enter; `tries_left` -1: not known."""
        ...


class Tables(Protocol):
    """Applications, keys and lists of the acquirer (storage/emv_tables.py), read from a file as they are asked for."""

    def aids(self) -> "Iterator[tuple[bytes, bool]]":
        """Each AID, and whether an ADF name may be longer than it."""
        ...

    def application(self, name) -> Any:
        """The Application whose AID fits the ADF name best, or None."""
        ...

    def capk(self, rid, index: int) -> Any:
        """The certification authority public key, its checksum verified, or None."""
        ...

    def is_revoked(self, rid, index: int, serial) -> bool: ...

    def is_excepted(self, pan, sequence: int) -> bool: ...


class Link(Protocol):
    """A duplex message pipe (link/pipe.py); `stack` names what carries it."""

    stack: str
    is_factory: bool  # the factory's own line, of a reader that has not left it
    log: Callable[[int, int], None] | None  # an event of the security log, and its detail

    async def serve(self, handle: Callable[[memoryview], Awaitable[None]], gone: Callable[[], None]) -> None:
        """For ever: give each message to `handle`; call `gone` when the phone has left."""
        ...

    async def send(self, build: Callable, in_clear: bool = ...) -> bool: ...

    async def fault(self, error: Exception) -> None: ...

    def received(self, message: memoryview) -> memoryview:
        """The message inside a secured one."""
        ...

    def close(self) -> None:
        """The session is over."""
        ...


class Board(Protocol):
    """What `board.peripherals()` returns."""

    name: str  # advertised, and told to the phone
    clock: Clock
    entropy: Entropy
    contactless: Contactless
    contact: "Contact | None"  # None: the board has no chip slot
    head: "MagHead | None"  # None: it reads no stripe
    pin_pad: "PinPad | None"
    display: "Display | None"  # None: no phone is paired, and the session is the only boundary
    keys: Flash  # the key ring, 16 sectors (storage/key_ring.py)
    journal: Flash  # its witness, and the security log, 8 sectors
    secret: Store  # outside of both
    counter_store: Store
    notice_store: Store
    parameters: str  # path of the parameter file
    emv_tables: str  # path of the file of applications and keys

    def link(self, version: str, in_factory: bool) -> Link:
        """The link to the phone; `version` is told in its own way (Device Information on BLE). `in_factory`: the reader is not
        personalised yet, so that a serial line, where there is one, is the factory's."""
        ...

    def image(self) -> Any:
        """The partition of the firmware's ROM image as a memoryview (storage/rom_image.py); None: it is frozen in."""
        ...

    def restart(self) -> None:
        """Does not return."""
        ...
