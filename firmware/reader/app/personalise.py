"""Personalisation, in the factory: the initial key, once, the counters, and room for notices."""

from binascii import unhexlify

from micropython import const

from ..dukpt.tdes import TdesDukpt
from ..errors import E_NO_KEY, ReaderError
from .counters import Counters
from .notices import Notices

_LINE = const(53)  # characters: key, blank, KSN


def personalise(key_store, counter_store, notice_store, line: str) -> None:
    """`line`: 32 hex digits of the DUKPT initial key, a blank, 20 hex digits of its KSN.

    Raises E_NO_KEY for a line that is not of this form, E_KEY_EXISTS for a reader that has its key, E_STORE.
    """
    key, _, ksn = line.partition(" ")
    if len(line) != _LINE or len(key) != 32:
        raise ReaderError(E_NO_KEY)
    try:
        key_bytes, ksn_bytes = unhexlify(key), unhexlify(ksn)
    except ValueError:
        raise ReaderError(E_NO_KEY)
    TdesDukpt(key_store).load_initial_key(key_bytes, ksn_bytes)
    Counters(counter_store).create()
    Notices(notice_store).create()
