"""What may go wrong between a contact chip card and its reader: one kind of rule, for every place of a conversation.

    Faults(Fault("mute", reset=0))                           no ATR after the cold reset, a good one after the warm reset
    Faults(Fault("bad-edc", block=3, times=2))               the fourth sending of the card, and once again its repetition
    Faults(Fault("removal", character=n)) for n in range()   gone after n characters, counted in both directions
    Faults(Fault("silence", apdu=2))                         the third command gets no answer

Places, each counted from 0 over the life of the slot:
    reset        which answer to reset
    block        which sending of the card after the ATR and PPS: a T=1 block; with T=0 what it sends in one go, as a
                 procedure byte, status bytes, or data with the bytes before and after them
    heard        which T=1 block of the reader's, as the card gets it
    character    which character on the I/O line, in either direction, ATR and PPS included
    apdu         which whole command, as the card's application gets it
"""

from __future__ import annotations

from dataclasses import dataclass

PLACES: dict[str, tuple[str, ...]] = {
    "reset": (
        "mute",  # nothing comes
        "garbage",  # characters that are no ATR
        "wrong-ts",
        "short",  # it ends in the middle
        "long",  # it goes on past 33 characters
        "bad-tck",
    ),
    "block": (
        "silence",
        "bad-edc",  # T=1: LRC or CRC
        "bad-sequence",  # T=1: N(S) of an I-block or N(R) of an R-block
        "bad-nad",  # T=1
        "bad-pcb",  # T=1: a PCB that the standard does not have
        "len-255",  # T=1: LEN is FF, which is reserved
        "len-more",  # T=1: LEN says one more than comes
        "short",  # the last half does not come
        "long",  # two characters more than there should be
        "parity",  # one bit of the last character is turned over on the line
        "abort",  # T=1: S(ABORT request) in its place
        "procedure",  # T=0: a procedure byte that does not exist
    ),
    "heard": (
        "bad-edc",  # the card takes it for damaged
        "ignored",  # it does not get through
    ),
    "character": (
        "change",  # other bits, `value` of them; their parity fits
        "parity",  # one bit turned over on the line: the card sees it by the parity, a reader if it can
        "lost",
        "removal",
        "power",
    ),
    "apdu": (
        "silence",
        "null",  # T=0: procedure byte 60, without end
        "wtx",  # T=1: S(WTX request), without end
        "removal",
        "power",  # the slot cuts the power: short-circuit, heat
    ),
}


@dataclass
class Fault:
    """kind: one of those of its place in PLACES. times: for how many in a row it lasts, from the one that is named.

    value: the bits that "change" turns over.
    """

    kind: str
    reset: int | None = None
    block: int | None = None
    heard: int | None = None
    character: int | None = None
    apdu: int | None = None
    times: int = 1
    value: int = 0x01

    def __post_init__(self) -> None:
        places = [(name, getattr(self, name)) for name in PLACES if getattr(self, name) is not None]
        if len(places) != 1:
            raise ValueError(f"a fault has one place, of: {', '.join(PLACES)}")
        ((self.place, self.number),) = places
        if self.kind not in PLACES[self.place]:
            raise ValueError(f"no {self.kind!r} of a {self.place}; there are: {', '.join(PLACES[self.place])}")


class Faults:
    """A list of rules. hits: how often one was met."""

    def __init__(self, *rules: Fault):
        self.rules = list(rules)
        self.hits = 0

    def meet(self, place: str, number: int) -> Fault | None:
        """The rule for number `number` of `place`, if there is one."""
        for rule in self.rules:
            if rule.place == place and rule.number <= number < rule.number + rule.times:
                self.hits += 1
                return rule
        return None


def damage_atr(kind: str, atr: bytes) -> bytes:
    """The ATR that is sent in place of `atr`."""
    match kind:
        case "mute":
            return b""
        case "garbage":
            return bytes.fromhex("00FF5AA500FF")
        case "wrong-ts":
            return b"\x3c" + atr[1:]
        case "short":
            return atr[: len(atr) // 2]
        case "long":
            # TD after TD: no end of interface bytes within the 32 characters that may follow TS
            return atr[:1] + b"\x8f" + b"\x80" * 60
        case "bad-tck":
            return atr[:-1] + bytes([atr[-1] ^ 0x01])
    raise ValueError(kind)
