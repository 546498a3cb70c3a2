"""Why a track could not be read, in words: the numbers of firmware/reader/iso7811/reasons.py."""

AMBIGUOUS = 10
REASONS = {
    1: "nothing on it: too few reversals, or zeros only",
    2: "the clock was lost: a bit cell that is neither a zero nor a one",
    3: "no start sentinel",
    4: "no end sentinel",
    5: "a character with wrong parity",
    6: "the check character (LRC) does not fit",
    7: "more characters than the track may have",
    8: "a second start sentinel",
    9: "ones only",
    AMBIGUOUS: "it reads in more than one way",
}


def reason(number: int) -> str:
    return f"{REASONS.get(number, 'an unknown reason')} ({number})"
