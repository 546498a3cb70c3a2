"""The PIN: EMV 4.4 Book 3, 10.5.1 (offline), 10.5.2 (online); Book 4, 6.3.4; Book 2, 7 (enciphered).

No digit outlives the function that asked for it, whatever happens in it; those of an online PIN stay in `s.pin`.
"""

from micropython import const

from ...errors import E_CANCELLED, E_EMV_DATA, ReaderError
from ...outcome import PIN_BYPASSED, PIN_OFFLINE_ENCIPHERED, PIN_OFFLINE_PLAINTEXT, PIN_ONLINE, PIN_PAD_FAILED
from ...util.wipe import wipe
from ..commands import SW_OK
from . import get_data

_TAG_9F17_PIN_TRY_COUNTER = const(0x9F17)

# TVR, byte 3: Book 3, Annex C5
_TRY_LIMIT_EXCEEDED = const(0x20)
_NO_PIN_PAD = const(0x10)
_PIN_NOT_ENTERED = const(0x08)
_ONLINE_PIN_ENTERED = const(0x04)

# VERIFY: Book 3, 6.5.12
_P2_PLAINTEXT = const(0x80)
_P2_ENCIPHERED = const(0x88)
_SW_TRIES = const(0x63C0)
_SW_BLOCKED = (0x63C0, 0x6983, 0x6984)
_TRIES_MOST = const(0x0F)
_BLOCK = const(8)
_CHALLENGE = const(8)
_NO_CHALLENGE = const(-1)

# What comes of asking for one, or minus a status word that VERIFY does not have
GOOD = const(0)
FAILED = const(1)
LIMIT_EXCEEDED = const(2)
BYPASSED = const(3)


async def online(s) -> int:
    """GOOD, and the digits are in `s.pin`; FAILED, BYPASSED. Sets TVR byte 3. Raises E_CANCELLED."""
    if not _has_pin_pad(s):
        return FAILED
    pin = await s.cardholder.pin(PIN_ONLINE, -1)
    if isinstance(pin, int):
        return _no_pin(s, pin)
    s.pin = pin
    s.set_tvr(3, _ONLINE_PIN_ENTERED)
    return GOOD


async def offline(s, enciphered: bool) -> int:
    """Ask until the card is content or allows no more: GOOD, FAILED, LIMIT_EXCEEDED, BYPASSED, or minus a status word.

    Sets TVR byte 3. Raises E_CANCELLED (detail: outcome.PIN_CANCELLED or PIN_TIMEOUT), E_EMV_DATA (detail 9F17) for a
    card whose tries do not become fewer, and what the entropy source and `transmit` raise.
    """
    if not _has_pin_pad(s):
        return FAILED
    key = None
    if enciphered:
        from ..certificates import pin_encipherment_key

        # Book 2, 7.1: without a key the method has failed
        key = pin_encipherment_key(s)
        if key is None:
            return FAILED
    # Book 4, 6.3.4.1: a card that does not tell the counter is asked all the same
    tries = await get_data.number(s, _TAG_9F17_PIN_TRY_COUNTER, 1)
    if tries == 0:
        return _limit_exceeded(s)
    kind = PIN_OFFLINE_ENCIPHERED if enciphered else PIN_OFFLINE_PLAINTEXT
    before = _TRIES_MOST + 1
    while True:
        pin = await s.cardholder.pin(kind, tries)
        if isinstance(pin, int):
            return _no_pin(s, pin)
        sw = await _verify(s, pin, key)
        if sw == SW_OK:
            return GOOD
        if sw == _NO_CHALLENGE:
            return FAILED
        if sw in _SW_BLOCKED:
            return _limit_exceeded(s)
        if sw & 0xFFF0 != _SW_TRIES:
            return -sw
        # Every try is one less, so that there are never more than fifteen
        tries = sw & _TRIES_MOST
        if tries >= before:
            raise ReaderError(E_EMV_DATA, _TAG_9F17_PIN_TRY_COUNTER)
        before = tries


def _has_pin_pad(s) -> bool:
    there = s.cardholder.has_pin_pad
    if not there:
        s.set_tvr(3, _NO_PIN_PAD)
    return there


def _no_pin(s, why: int) -> int:
    """What it means when the PIN pad gives no digits."""
    if why == PIN_BYPASSED:
        s.set_tvr(3, _PIN_NOT_ENTERED)
        return BYPASSED
    if why == PIN_PAD_FAILED:
        s.set_tvr(3, _NO_PIN_PAD)
        return FAILED
    raise ReaderError(E_CANCELLED, why)


def _limit_exceeded(s) -> int:
    s.set_tvr(3, _TRY_LIMIT_EXCEEDED)
    return LIMIT_EXCEEDED


async def _verify(s, pin, key) -> int:
    """The status word of VERIFY, or _NO_CHALLENGE. `pin` is overwritten."""
    from ...iso9564 import format2_into

    block = bytearray(_BLOCK)
    try:
        format2_into(pin, block)
        if key is None:
            _, sw = await s.commands.verify(_P2_PLAINTEXT, block)
            return sw
        challenge, sw = await s.commands.get_challenge()
        # Book 2, 7.2: eight bytes, or the method has failed
        if sw != SW_OK or len(challenge) != _CHALLENGE:
            return _NO_CHALLENGE
        from ..certificates import encipher_pin

        _, sw = await s.commands.verify(_P2_ENCIPHERED, encipher_pin(key, block, challenge, s.entropy))
        return sw
    finally:
        wipe(pin)
        wipe(block)
