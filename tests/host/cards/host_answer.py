"""What the acquirer answers to a plain terminal, by contact or by radio."""

from __future__ import annotations

from dataclasses import dataclass, field

from mpos.acquirer import Acquirer
from tests.host.acquirer.pos_terminal import Terminal
from tests.host.cards.chip_objects import objects


@dataclass
class Answer:
    """The host's: DE39, tag 91, templates 71 and 72."""

    code: str
    proof: bytes = b""
    scripts: list[tuple[int, bytes]] = field(default_factory=list)


def answer_to(frame: bytes, host: Acquirer, pos: Terminal) -> Answer:
    """To a whole frame that `pos` has made."""
    answer = host.authoriser.handle(frame[2:])
    assert answer is not None
    fields = pos.read(answer)
    rows = [(int(tag, 16), value) for tag, value in objects(bytes.fromhex(fields.get("55", "")))]
    proof = b"".join(value for tag, value in rows if tag == 0x91)
    return Answer(fields["39"], proof, [row for row in rows if row[0] in (0x71, 0x72)])
