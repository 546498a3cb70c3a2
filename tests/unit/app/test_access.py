"""Who may ask for what: every opcode, however it comes, in every state, against the table of docs/link.md."""

from reader.app import access
from reader.errors import (
    E_LINK_BUSY,
    E_LINK_NO_SESSION,
    E_LINK_OPCODE,
    E_LINK_ROLE,
    E_LINK_STATE,
    E_OUT_OF_SERVICE,
)
from testing import path

_WAYS = (access.CLEAR, access.LINE, access.FIELD, access.FACTORY)
_STATES = (access.IDLE, access.BUSY, access.ONLINE, access.CARD, access.OUT)
_COLUMNS = ["command", "clear", "line", "field", "factory", "idle", "busy", "online", "card", "out"]
_SESSION = (access.FIELD, access.FACTORY)


def _cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _table():
    """{opcode: (ways, states)} as the document has it; each cell is x or empty."""
    rows = {}
    inside = False
    with open(path("docs/link.md")) as file:
        for line in file:
            if not line.startswith("|"):
                inside = False
                continue
            cells = _cells(line)
            if cells == _COLUMNS:
                inside = True
            elif inside and not line.startswith("|---"):
                assert len(cells) == len(_COLUMNS) and not [cell for cell in cells[1:] if cell not in ("", "x")]
                marks = [cell == "x" for cell in cells[1:]]
                rows[int(cells[0].split(" ")[0], 16)] = (
                    [way for way, may in zip(_WAYS, marks[:4]) if may],
                    [state for state, may in zip(_STATES, marks[4:]) if may],
                )
    return rows


def _expected(row, way, state):
    if row is None:
        return E_LINK_OPCODE if way in _SESSION else E_LINK_NO_SESSION
    ways, states = row
    if way not in ways:
        helps = access.FIELD in ways or access.FACTORY in ways
        return E_LINK_NO_SESSION if way not in _SESSION and helps else E_LINK_ROLE
    if state in states:
        return 0
    if state == access.OUT:
        return E_OUT_OF_SERVICE
    return E_LINK_BUSY if access.IDLE in states else E_LINK_STATE


def test_every_command_in_every_way_and_state():
    rows = _table()
    assert len(rows) == 28
    for opcode in range(256):
        for way in _WAYS:
            for state in _STATES:
                assert access.refusal(opcode, way, state) == _expected(rows.get(opcode), way, state), (
                    opcode,
                    way,
                    state,
                )


def test_what_needs_no_session_is_what_opens_one():
    open_to_all = [opcode for opcode, (ways, _) in _table().items() if access.CLEAR in ways]
    assert sorted(open_to_all) == [1, 2, 3]
