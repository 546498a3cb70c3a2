from typing import Any

class Pin:
    IN: int
    OUT: int
    OPEN_DRAIN: int
    PULL_UP: int
    PULL_DOWN: int
    IRQ_FALLING: int
    IRQ_RISING: int
    def __init__(self, id: Any, mode: int = ..., pull: int | None = ..., *, value: int = ...) -> None: ...
    def value(self, level: int = ...) -> int: ...
    def irq(self, handler: Any = ..., trigger: int = ...) -> Any: ...

class UART:
    def __init__(
        self,
        id: int,
        baudrate: int = ...,
        bits: int = ...,
        parity: int | None = ...,
        stop: int = ...,
        *,
        tx: int = ...,
        rx: int = ...,
        txbuf: int = ...,
        rxbuf: int = ...,
        timeout: int = ...,
        timeout_char: int = ...,
        invert: int = ...,
    ) -> None: ...
    def init(self, baudrate: int = ..., bits: int = ..., parity: int | None = ..., stop: int = ...) -> None: ...
    def write(self, buf: Any) -> int | None: ...
    def readinto(self, buf: Any, nbytes: int = ...) -> int | None: ...
    def any(self) -> int: ...

class SPI:
    LSB: int
    MSB: int
    def __init__(
        self,
        id: int,
        baudrate: int = ...,
        *,
        polarity: int = ...,
        phase: int = ...,
        bits: int = ...,
        firstbit: int = ...,
        sck: Pin = ...,
        mosi: Pin = ...,
        miso: Pin = ...,
    ) -> None: ...
    def write(self, buf: Any) -> None: ...
    def readinto(self, buf: Any, write: int = ...) -> None: ...

class I2C:
    def __init__(self, id: int, *, scl: Pin, sda: Pin, freq: int = ...) -> None: ...
    def writeto(self, addr: int, buf: Any, stop: bool = ...) -> int: ...
    def readfrom_into(self, addr: int, buf: Any, stop: bool = ...) -> None: ...

def reset() -> None: ...
