"""What may go wrong between a PN532 and its host: rules that damage what the bench's chip sends.

Faults(Fault("bad-dcs", frame=3))                          the answer to the fourth command frame
Faults(Fault("silence", command=0x40, occurrence=1))       the answer to the second InDataExchange
Faults(Fault("bad-lcs", frame=3, times=99))                however often the host asks for it again
"""

from __future__ import annotations

from dataclasses import dataclass

ACK_KINDS = (
    "no-ack",  # nothing at all: the command did not get through, the chip does nothing
    "lost-ack",  # the command is carried out and answered, the ACK is lost
    "bad-ack",  # the ACK's bytes are damaged
    "nack",  # a NACK in its place, the command is not carried out
    "garbage-before-ack",
)
ANSWER_KINDS = (
    "garbage",  # noise before the answer, with a false start code in it
    "short",  # the answer ends in the middle
    "long",  # more bytes than LEN says
    "bad-lcs",
    "bad-dcs",
    "bad-tfi",
    "wrong-code",  # a well-formed answer to another command
    "error-frame",  # syntax error in place of the answer
    "silence",  # ACK, then nothing
    "late",  # the answer comes when the host has given it up, just before the chip hears the host's next bytes
)
LINE_KINDS = ("drop",)  # the line closes when the command arrives
KINDS = ACK_KINDS + ANSWER_KINDS + LINE_KINDS

NOISE = bytes.fromhex("FF00A500FF03035500")


@dataclass
class Fault:
    """kind: one of KINDS; frame: number of the command frame, from 0, that it meets; or command: a code, and
    occurrence: which of these, from 0. times: for how many sendings it lasts (an answer is sent again after a NACK)."""

    kind: str
    frame: int | None = None
    command: int | None = None
    occurrence: int = 0
    times: int = 1

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"{self.kind!r} is no fault; there are: {', '.join(KINDS)}")
        if (self.frame is None) == (self.command is None):
            raise ValueError("a fault needs either frame= or command=")


class Faults:
    """A list of rules. hits: how many sendings were damaged."""

    def __init__(self, *rules: Fault):
        self.rules = list(rules)
        self.hits = 0
        self._armed: Fault | None = None
        self._left = 0
        self.held = b""  # an answer that is late

    def meet(self, frame: int, command: int, occurrence: int) -> str | None:
        """A command frame has arrived: the kind of fault that it meets in its ACK, its answer or the line."""
        self._armed = None
        for rule in self.rules:
            if rule.frame == frame or (rule.command == command and rule.occurrence == occurrence):
                self._armed, self._left = rule, rule.times
                return rule.kind
        return None

    def count(self) -> None:
        """Count a fault outside of answers."""
        self.hits += 1

    def damage(self, answer: bytes, wrong: bytes, error: bytes) -> bytes:
        """The answer as it goes out. `wrong`, `error`: what the kinds of that name send in its place."""
        rule = self._armed
        if rule is None or rule.kind not in ANSWER_KINDS or self._left == 0:
            return answer
        self._left -= 1
        self.hits += 1
        broken = bytearray(answer)
        if rule.kind == "late":
            self.held = answer
        match rule.kind:
            case "garbage":
                return NOISE + answer
            case "short":
                return answer[: len(answer) // 2]
            case "long":
                return answer[:-2] + b"\xa5\xa5\xa5" + answer[-2:]
            case "bad-lcs":
                broken[7 if answer[3:5] == b"\xff\xff" else 4] ^= 0x01
            case "bad-dcs":
                broken[-2] ^= 0x01
            case "bad-tfi":
                at = 8 if answer[3:5] == b"\xff\xff" else 5
                broken[at] ^= 0x01
                broken[-2] = broken[-2] + (1 if answer[at] & 1 else -1) & 0xFF
            case "wrong-code":
                return wrong
            case "error-frame":
                return error
            case "silence" | "late":
                return b""
        return bytes(broken)
