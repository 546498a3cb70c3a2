"""Action codes: EMV 4.4 Book 3, 10.7, and what kind of terminal this is: Book 4, Annex A1."""

from micropython import const

_TAG_9F0D_ISSUER_ACTION_CODE_DEFAULT = const(0x9F0D)
_TAG_9F0E_ISSUER_ACTION_CODE_DENIAL = const(0x9F0E)
_TAG_9F0F_ISSUER_ACTION_CODE_ONLINE = const(0x9F0F)

# The last digit of the terminal type: 1 to 3 attended, 4 to 6 not; online only, both, offline only
_ONLINE_ONLY = (1, 4)
_OFFLINE_ONLY = (3, 6)
_ATTENDED_LAST = const(3)


def denial(s) -> bool:
    """Decline. Without the issuer's code no bit of his counts."""
    return _meets(s, _TAG_9F0E_ISSUER_ACTION_CODE_DENIAL, s.application.tac_denial, 0)


def online(s) -> bool:
    """Go online. Without the issuer's code every bit counts."""
    return _meets(s, _TAG_9F0F_ISSUER_ACTION_CODE_ONLINE, s.application.tac_online, 0xFF)


def default(s) -> bool:
    """Decline, since going online is impossible. Without the issuer's code every bit counts."""
    return _meets(s, _TAG_9F0D_ISSUER_ACTION_CODE_DEFAULT, s.application.tac_default, 0xFF)


def _meets(s, tag: int, terminal_code, absent: int) -> bool:
    issuer_code = s.data.get(tag)
    tvr = s.tvr
    met = 0
    for i in range(5):
        met |= tvr[i] & ((absent if issuer_code is None else issuer_code[i]) | terminal_code[i])
    return met != 0


def is_online_only(terminal) -> bool:
    return terminal.type % 10 in _ONLINE_ONLY


def is_offline_only(terminal) -> bool:
    return terminal.type % 10 in _OFFLINE_ONLY


def is_attended(terminal) -> bool:
    return terminal.type % 10 <= _ATTENDED_LAST
