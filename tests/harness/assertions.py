"""Let a failed `assert a == b` say what a and b were, as pytest does for its own tests.

MicroPython keeps no values for a failed assertion, so a test file is rewritten before it is compiled:

    assert total(rows) == 12          ->  assert _compared('==', total(rows), 12), _sides()

line for line. The two functions are the runner's (tests/unit/lib/runner.py). Comparisons of more than two operands
stay as they are: calling a function would evaluate operands that Python would not reach.
"""

from __future__ import annotations

import ast
from pathlib import PurePath

_OPERATORS = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}


def rewrite(name: str, text: str) -> str:
    """The text of a test file with its assertions rewritten; of any other file, or of a broken one, as it is."""
    if not PurePath(name).name.startswith("test_"):
        return text
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return text
    lines = [line.encode() for line in text.split("\n")]
    asserts = [node for node in ast.walk(tree) if isinstance(node, ast.Assert) and _is_simple(node.test)]
    # From the end, so that the positions of those before stay true.
    for node in sorted(asserts, key=lambda node: (node.lineno, node.col_offset), reverse=True):
        _replace(lines, node)
    return b"\n".join(lines).decode()


def _is_simple(test: ast.expr) -> bool:
    return isinstance(test, ast.Compare) and len(test.ops) == 1


def _replace(lines: list[bytes], node: ast.Assert) -> None:
    test = node.test
    first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
    rest = lines[last][node.end_col_offset :]
    if not isinstance(test, ast.Compare) or (last > first and rest.strip() and not rest.strip().startswith(b"#")):
        return
    operator = _OPERATORS[type(test.ops[0])]
    sides = f"{ast.unparse(test.left)}, {ast.unparse(test.comparators[0])}"
    message = ast.unparse(node.msg) if node.msg else ""
    statement = f"assert _compared({operator!r}, {sides}), _sides({message})"
    lines[first] = lines[first][: node.col_offset] + statement.encode() + (rest if first == last else b"")
    for i in range(first + 1, last + 1):
        lines[i] = b""
