"""The contracts of the parts that a board supplies. For type checkers only: nothing imports this at run time."""

from collections.abc import Awaitable, Callable
from typing import Protocol


class Line(Protocol):
    """A byte line under a driver: machine.UART, or a socket that does not block. Awaited with asyncio streams."""

    def write(self, buf) -> int | None: ...

    def readinto(self, buf) -> int | None:
        """Bytes read; None: nothing there yet; 0: the line is closed."""
        ...


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


class Card(Protocol):
    """A card that is activated and speaks APDUs, by contact or by radio."""

    async def transmit(self, c_apdu) -> memoryview:
        """The response APDU with SW1SW2, valid until the next call.

        Raises E_CARD_REMOVED, E_CARD_TIMEOUT, E_CARD_PROTOCOL, or an E_NFC_* code when the coupler itself fails.
        """
        ...

    async def release(self) -> None: ...


class Contactless(Protocol):
    """The contactless reader (drivers/contactless.py): field on, one card, field off."""

    async def start(self) -> None: ...

    async def wait_for_card(self, timeout_ms: int) -> Card: ...

    async def stop(self) -> None: ...


class Link(Protocol):
    """A duplex message pipe (link/pipe.py); `stack` names what carries it."""

    stack: str

    async def serve(self, handle: Callable[[memoryview], Awaitable[None]], gone: Callable[[], None]) -> None:
        """For ever: give each message to `handle`; call `gone` when the phone has left."""
        ...

    async def send(self, build: Callable) -> bool: ...

    async def fault(self, error: Exception) -> None: ...


class Board(Protocol):
    """What `board.peripherals()` returns."""

    name: str  # advertised, and told to the phone
    clock: Clock
    entropy: Entropy
    contactless: Contactless
    key_store: Store
    counter_store: Store
    parameters: str  # path of the parameter file

    def link(self, version: str) -> Link:
        """The link to the phone; `version` is told in its own way (Device Information on BLE)."""
        ...
