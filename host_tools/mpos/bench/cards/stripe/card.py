"""A card with a magnetic stripe: what its issuer has recorded. ISO/IEC 7813, 7; ISO/IEC 4909; GB/T 19584."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from psec import cvv

from mpos.bench import test_keys
from mpos.bench.f2f import Bits, Stripe
from mpos.bench.icc_chip import ContactTarget

Track = str | Bits

# Of a track 3 between account number and expiry: China, CNY, exponent, amounts, cycle, tries; no PIN parameters;
# interchange control, types of the three accounts
_TRACK_3 = "156" + "156" + "0" + "0000" * 2 + "0000" + "00" + "3" + "=" + "2" + "00" * 3


@dataclass(frozen=True)
class StripeProfile:
    """pan: digits with check digit; expiry: YYMM, "" leaves a separator in its place, as for service_code.

    genuine: False makes a stripe whose verification number is wrong. name: surname/first name, as on track 1.
    """

    pan: str
    expiry: str = "4912"
    service_code: str = "101"
    genuine: bool = True
    name: str = "CARDHOLDER/TEST"

    def cvn(self) -> str:
        """Three digits that the issuer makes of the others."""
        if not self.expiry or not self.service_code:
            return "000"
        number = cvv.generate_cvv(test_keys.CARD_VERIFICATION_KEY, self.pan, self.expiry, self.service_code)
        return number if self.genuine else f"{(int(number) + 1) % 1000:03d}"

    def discretionary(self) -> str:
        """The issuer's own: index of a key for PIN verification, four digits of that, and the verification number."""
        return "0" + "0000" + self.cvn()

    def track1(self) -> str:
        return f"B{self.pan}^{self.name}^{self.expiry or '^'}{self.service_code or '^'}{self.discretionary()}"

    def track2(self) -> str:
        return f"{self.pan}={self.expiry or '='}{self.service_code or '='}{self.discretionary()}"

    def track3(self) -> str:
        """Format 99 of UnionPay; behind the expiry the card's number and no further accounts."""
        return f"99{self.pan}={_TRACK_3}{self.expiry or '='}1==="


class StripeCard:
    """A card to swipe: `stripe`; where it has one, the `chip` on the same piece of plastic, to be inserted.

    tracks: numbers of those that are recorded. instead: by track, what stands there in place of the profile's; blank
    where it is None. flaws, stripe options: as Stripe takes them.
    """

    def __init__(
        self,
        profile: StripeProfile | None = None,
        *,
        tracks: Sequence[int] = (1, 2),
        instead: Mapping[int, Track] | None = None,
        chip: ContactTarget | None = None,
        **stripe: Any,
    ):
        self.profile = profile
        self.chip = chip
        texts: dict[int, Track] = {}
        if profile is not None:
            written = {1: profile.track1(), 2: profile.track2(), 3: profile.track3()}
            texts = {number: written[number] for number in tracks}
        texts.update(instead or {})
        self.stripe = Stripe(texts.get(1), texts.get(2), texts.get(3), **stripe)

    def __repr__(self) -> str:
        return f"<StripeCard, {self.stripe}>"
