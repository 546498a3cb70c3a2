"""A whole stripe: which track carries what, whether they agree, and what goes to the host.

ISO/IEC 7813, ISO/IEC 4909. UnionPay (GB/T 19584): track 2 is on each card and is the one that counts; a track 3 goes
to the host with it; track 1 is not used. A card whose track 2 is not there or cannot be read is taken by its track 1
(format B), which has the same fields: track 2 is made of it.
"""

from micropython import const

from ..errors import E_NOT_PAYMENT, E_STRIPE_DATA, ReaderError
from . import track1, track2, track3
from .kind import AAMVA, EMPTY, PAYMENT, kind
from .pan import check_digit_is_right
from .reasons import CHECK_DIGIT, EXPIRY_DIFFERS, LONG, NO_TRACK, PAN_DIFFERS, SERVICE_CODE_DIFFERS

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from .fields import Fields

_SEPARATOR_1 = const(0x5E)  # ^
_TRACK2_MOST = const(37)
_D = const(0xD)


class Stripe:
    """A payment card. `track`: the characters that count, of track `number` (2, or 1 when there is no 2), and their
    `fields`; `track3`: what goes to the host as track 3, or None. All are the head's memory, not copies."""

    def __init__(self, track, number: int, fields: "Fields", track3):
        self.track = track
        self.number = number
        self.fields = fields
        self.track3 = track3

    def pack_into(self, number: int, out) -> int:
        """Track 2 (made of track 1 when that was read) or 3 in packed digits, = as D, F to a whole byte: at most 19
        or 52 bytes. The account number is the first `fields.pan_digits` digits of track 2.

        Returns the count of digits and separators without that F; 0: the card has no such track. Raises
        E_STRIPE_DATA (LONG): `out` is too short.
        """
        if number == 3:
            return 0 if self.track3 is None else _pack_into(self.track3, 0, len(self.track3), out, 0)
        if self.number == 2:
            return _pack_into(self.track, 0, len(self.track), out, 0)
        fields = self.fields
        end = fields.pan_at + fields.pan_digits
        at = _pack_into(self.track, fields.pan_at, end + 1, out, 0)
        # Track 1 has room for letters and for more than track 2 has: digits only, as many as fit
        first = end = fields.name_at + fields.name_length + 1
        while end < len(self.track) and at + end - first < _TRACK2_MOST:
            if not 0x30 <= self.track[end] <= 0x39 and end >= fields.discretionary_at:
                break
            end += 1
        return _pack_into(self.track, first, end, out, at)


def _pack_into(track, first: int, end: int, out, at: int) -> int:
    """The characters from `first` to before `end`, to digit `at` of `out` and behind; where the next one goes."""
    if at + end - first > 2 * len(out):
        raise ReaderError(E_STRIPE_DATA, LONG)
    for i in range(first, end):
        value = _D if track[i] == _SEPARATOR_1 else track[i] & 15
        out[at >> 1] = out[at >> 1] & 0xF0 | value if at & 1 else value << 4 | 0xF
        at += 1
    return at


def judge(track_1, track_2, track_3) -> Stripe:
    """What a swipe gave: the characters of its tracks, empty where there are none.

    Raises E_NOT_PAYMENT (detail: the kind), E_STRIPE_DATA (detail: the reason). A track beside the one that counts
    is compared with it; one that does not follow the rules for it says nothing, and does not go to the host.
    """
    kinds = (kind(track_1, 1), kind(track_2, 2), kind(track_3, 3))
    number = 1 if kinds[1] == EMPTY else 2
    if kinds[number - 1] != PAYMENT or AAMVA in kinds:
        _refuse(kinds)
    track = track_2 if number == 2 else track_1
    fields = track2.fields(track) if number == 2 else track1.fields(track)
    if not check_digit_is_right(track, fields.pan_at, fields.pan_digits):
        raise ReaderError(E_STRIPE_DATA, CHECK_DIGIT)
    if number == 2:
        _agree(track, fields, track_1, track1)
    return Stripe(track, number, fields, track_3 if _agree(track, fields, track_3, track3) else None)


def _refuse(kinds) -> None:
    """Raises what the card is instead: a licence when a track says so, else what its first track is, 2, 1, 3."""
    found = kinds[1] or kinds[0]
    if AAMVA in kinds:
        found = AAMVA
    elif found == EMPTY:
        found = kinds[2]
        if found == PAYMENT:
            raise ReaderError(E_STRIPE_DATA, NO_TRACK)
    raise ReaderError(E_NOT_PAYMENT, found)


def _agree(track, fields: "Fields", other, rules) -> bool:
    """Whether `other`, by `rules` (the module of its track), names the account. Raises E_STRIPE_DATA when it names
    another one, or contradicts."""
    try:
        also = rules.fields(other)
    except ReaderError:
        return False
    if not also.pan_digits:
        return False
    same = also.pan_digits == fields.pan_digits
    for i in range(fields.pan_digits):
        same = same and track[fields.pan_at + i] == other[also.pan_at + i]
    if not same:
        raise ReaderError(E_STRIPE_DATA, PAN_DIFFERS)
    if fields.expiry >= 0 and also.expiry >= 0 and fields.expiry != also.expiry:
        raise ReaderError(E_STRIPE_DATA, EXPIRY_DIFFERS)
    if fields.service_code >= 0 and also.service_code >= 0 and fields.service_code != also.service_code:
        raise ReaderError(E_STRIPE_DATA, SERVICE_CODE_DIFFERS)
    return True
