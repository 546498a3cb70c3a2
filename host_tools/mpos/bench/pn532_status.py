"""What the PN532's answers about targets begin with (UM0701-02, 7.1), and the commands that it refuses."""

from __future__ import annotations

OK = 0x00
TIMEOUT = 0x01
CRC = 0x02
RF_PROTOCOL = 0x0B
FORMAT = 0x13
MIFARE_AUTHENTICATION = 0x14
CONTEXT = 0x27
MORE = 0x40  # MI

MAX_DATA = 262  # 7.3.8: DataOut and DataIn


class SyntaxFault(Exception):
    """The command is answered with the error frame (6.2.1.5)."""


def need(condition: bool) -> None:
    """A command whose number or values of parameters are wrong is a syntax error (chapter 7, every command)."""
    if not condition:
        raise SyntaxFault


def timeout_ms(code: int) -> float:
    """7.3.1, item 2: 00 none, else 100 us * 2**(n - 1)."""
    return 0.1 * 2 ** (code - 1) if code else 0.0
