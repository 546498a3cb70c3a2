"""Data objects by name, nested as they are, values masked. ISO/IEC 8825-1; EMV 4.4 Book 3, annex B."""

from __future__ import annotations

from dataclasses import dataclass, field

from mpos.describe.hexinput import parse_hex
from mpos.describe.tags import KINDS, name_of
from mpos.describe.values import describe

_DEEPEST = 8
_CONSTRUCTED = 0x20


@dataclass
class Node:
    """One object. value: masked text, "" for a constructed one; meaning: lines that explain it."""

    tag: int
    name: str
    length: int
    value: str = ""
    meaning: list[str] = field(default_factory=list)
    children: list[Node] = field(default_factory=list)


def decode(data: bytes) -> list[Node]:
    """The objects in `data`. Raises ValueError, with the place and without the data, when it is not BER-TLV."""
    return _decode(data, 0, 0)


def lines(text: str) -> list[str]:
    """Hex to lines for a person. Raises ValueError with a sentence."""
    return render(decode(parse_hex(text)))


def render(nodes: list[Node], depth: int = 0) -> list[str]:
    """Nodes as indented lines."""
    out = []
    for node in nodes:
        value = f": {node.value}" if node.value else ""
        size = "1 byte" if node.length == 1 else f"{node.length} bytes"
        out.append(f"{'  ' * depth}{node.tag:02X} {node.name} ({size}){value}")
        out += [f"{'  ' * depth}    - {line}" for line in node.meaning]
        out += render(node.children, depth + 1)
    return out


def _decode(data: bytes, origin: int, depth: int) -> list[Node]:
    if depth > _DEEPEST:
        raise ValueError(f"byte {origin}: objects are nested more than {_DEEPEST} deep")
    nodes = []
    at = 0
    while at < len(data):
        # Annex B1: 00 and FF before, between and after objects is padding
        if data[at] in (0x00, 0xFF):
            at += 1
            continue
        start = at
        tag, at = _tag(data, at, origin)
        n, at = _length(data, at, origin)
        if at + n > len(data):
            raise ValueError(
                f"byte {origin + start}: tag {tag:02X} says it has {n} bytes, but only {len(data) - at} follow"
            )
        value = data[at : at + n]
        node = Node(tag, name_of(tag), n)
        if data[start] & _CONSTRUCTED:
            node.children = _decode(value, origin + at, depth + 1)
        else:
            node.value, node.meaning = describe(KINDS.get(tag, "hex"), value)
        nodes.append(node)
        at += n
    return nodes


def _tag(data: bytes, at: int, origin: int) -> tuple[int, int]:
    start = at
    at += 1
    if data[start] & 0x1F == 0x1F:
        while at < len(data) and data[at] & 0x80:
            at += 1
        at += 1
    if at > len(data) or at - start > 3:
        raise ValueError(f"byte {origin + start}: a tag is cut off or longer than three bytes")
    return int.from_bytes(data[start:at], "big"), at


def _length(data: bytes, at: int, origin: int) -> tuple[int, int]:
    if at >= len(data):
        raise ValueError(f"byte {origin + at}: the length is missing")
    first = data[at]
    at += 1
    if first < 0x80:
        return first, at
    more = first & 0x7F
    if not 1 <= more <= 3 or at + more > len(data):
        raise ValueError(f"byte {origin + at - 1}: the length is cut off, indefinite or too large")
    return int.from_bytes(data[at : at + more], "big"), at + more
