"""The sign-in: 0800 in, new working keys out. There is no MAC on either: what the answer proves, the keys' check values do.

Anybody can ask, and only the terminal with the master key has something of the answer. New keys count at once.
"""

from __future__ import annotations

from mpos.acquirer import working_keys
from mpos.acquirer.key_schemes import KeySchemes
from mpos.acquirer.refusals import RefusedError

REQUEST = "0800"
_NEEDED = ("11", "41", "42", "60", "63")
_ALLOWED = {*_NEEDED, "t", "p", "h"}
# DE60: management, batch, network code: 003 keys of double length, 004 with one for the track
_KIND, _BATCH, _NETWORK = slice(0, 2), slice(2, 8), slice(8, 11)
_MANAGEMENT = "00"
_WITHOUT_TRACK, _WITH_TRACK = "003", "004"


def answer(fields: dict[str, str], schemes: KeySchemes) -> bytes:
    """DE62. Refuses what is no sign-in, and a terminal without a master key."""
    for number in _NEEDED:
        if number not in fields:
            raise RefusedError("field", f"DE{number} is missing.")
    for number in fields:
        if number not in _ALLOWED:
            raise RefusedError("field", f"DE{number} does not belong in a sign-in.")
    kind = fields["60"]
    if len(kind) != _NETWORK.stop or not (kind + fields["11"]).isdecimal():
        raise RefusedError("field", "DE11 or DE60.")
    if kind[_KIND] != _MANAGEMENT or kind[_NETWORK] not in (_WITHOUT_TRACK, _WITH_TRACK):
        raise RefusedError("message")
    terminal = fields["41"]
    sent = working_keys.wrap(schemes.master_key(terminal), working_keys.make(schemes.mac))
    schemes.books.set_working_keys(terminal, sent)
    return sent if kind[_NETWORK] == _WITH_TRACK else working_keys.without_track_key(sent)
