"""Brand mix-up: an account number of one scheme behind another scheme's application.

The account number is not under the cryptogram, the application's name neither: whoever sits between card and reader can
make a card of one scheme look like one of another, so that the reader asks for less, and the wrong network authorises
(Basin, Sasse, Toro-Pozo: Card Brand Mixup Attack, USENIX Security 2021). The acquirer says in the parameters which
account numbers may stand behind an application.
"""

from ...util.bcd import nibble

_COMMA = ","


def fits(track, digits: int, ranges: str) -> bool:
    """Whether the account number, the first `digits` of `track`, is in one of `ranges`: beginnings, or from-to with as
    many digits on either side, as in "62,81,510000-559999"."""
    for part in ranges.split(_COMMA):
        low, _, high = part.partition("-")
        if len(low) <= digits and _compare(track, low) >= 0 and _compare(track, high or low) <= 0:
            return True
    return False


def _compare(track, text: str) -> int:
    """Less than, equal to or greater than 0, as the digits of `track` are to those of `text`."""
    difference = 0
    for i in range(len(text)):
        difference = difference or nibble(track, i) - int(text[i])
    return difference
