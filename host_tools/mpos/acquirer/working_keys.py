"""Working keys of the master/session scheme: made at a sign-in, sent under the terminal's master key.

DE62 of the answer, as UnionPay's POS hosts send it: PIN key (16 bytes), MAC key (16), track key (16), each encrypted (TDES,
ECB) and with a check value of 4 bytes behind it, which is the beginning of eight zero bytes encrypted under the key.
The MAC key of the "ECB" MAC has 8 bytes; eight zeros stand behind it, in clear.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from psec import des

from mpos.acquirer.packet_keys import ECB

_KEY, _HALF, _CHECK = 16, 8, 4
SENT_BYTES = 3 * (_KEY + _CHECK)


@dataclass(frozen=True)
class WorkingKeys:
    """pin, track: 16 bytes; mac: 16, or 8 for the "ECB" MAC."""

    pin: bytes
    mac: bytes
    track: bytes


def make(mac: str) -> WorkingKeys:
    """New ones, no half of which is there twice."""
    return WorkingKeys(_random(_KEY), _random(_HALF if mac == ECB else _KEY), _random(_KEY))


def wrap(master: bytes, keys: WorkingKeys) -> bytes:
    """DE62."""
    return b"".join(
        des.encrypt_tdes_ecb(master, key).ljust(_KEY, b"\0") + check_value(key)
        for key in (keys.pin, keys.mac, keys.track)
    )


def unwrap(master: bytes, sent: bytes) -> WorkingKeys:
    """What `wrap` wrapped."""
    pin, mac, track = (sent[at : at + _KEY] for at in range(0, SENT_BYTES, _KEY + _CHECK))
    if not any(mac[_HALF:]):
        mac = mac[:_HALF]
    return WorkingKeys(*(des.decrypt_tdes_ecb(master, key) for key in (pin, mac, track)))


def check_value(key: bytes) -> bytes:
    return des.encrypt_tdes_ecb(key, bytes(8))[:_CHECK]


def without_track_key(sent: bytes) -> bytes:
    return sent[: 2 * (_KEY + _CHECK)]


def _random(size: int) -> bytes:
    return des.adjust_key_parity(secrets.token_bytes(size))
