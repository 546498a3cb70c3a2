"""The firmware's named numbers, put in for their names before mpy-cross sees a source.

    constants = Constants.of(TOP / "firmware")
    constants.inlined(PurePath("reader/app/tap.py"), text)     the same lines, with numbers where the names were

From a ROM image each name that a module defines or imports takes heap: an entry in MicroPython's table of names, a slot
in the dictionary of that module and of every importer. mpy-cross spares it for `_NAME = const(1)`, inside its own file;
this spares it for `NAME = const(1)`, wherever it is used:

    from ..errors import E_TLV, ReaderError     from ..errors import ReaderError
    raise ReaderError(E_TLV)                    raise ReaderError((301))
    protocol.STATE_IDLE                         (0)
    E_TLV = const(301)                          pass

So the device cannot look such a name up: no getattr, no program that was not compiled here. What is not a small integer
on a 32-bit device stays a name. The import of const itself, which only the compiler knows, goes as well.
"""

from __future__ import annotations

import ast
import hashlib
import re
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath

# CPython 3.11 makes its syntax trees in one thread at a time only (SystemError: AST constructor recursion depth mismatch)
PARSING = threading.Lock()

_DEFINITION = re.compile(r"^[A-Z][A-Z0-9_]* = const\(", re.MULTILINE)
_SMALL = range(-(1 << 30), 1 << 30)
_ARITHMETIC = (ast.Constant, ast.Name, ast.UnaryOp, ast.BinOp, ast.unaryop, ast.operator, ast.Load)

_Edit = tuple[ast.expr | ast.stmt, str]


class ConstantError(Exception):
    """A constant's name that cannot be replaced. `args`: line, why."""


@dataclass(frozen=True)
class Constants:
    modules: dict[str, dict[str, int]]  # {"reader.errors": {"E_TLV": 301}}

    @classmethod
    def of(cls, folder: Path) -> Constants:
        """Those of all modules below `folder`, where imports begin; a file that does not parse has none."""
        modules = {}
        for path in sorted(folder.rglob("*.py")):
            try:
                status = path.stat()
                found = _of_file(path, status.st_mtime_ns, status.st_size)
            except (FileNotFoundError, SyntaxError):  # being replaced by an editor; mpy-cross will say what is wrong
                continue
            if found:
                modules[_module(path.relative_to(folder))] = found
        return cls(modules)

    def digest(self) -> str:
        """Another one as soon as a name or a number is another."""
        listed = sorted((module, sorted(names.items())) for module, names in self.modules.items())
        return hashlib.sha256(repr(listed).encode()).hexdigest()

    def inlined(self, path: PurePath, text: str) -> str:
        """The text of the module at `path`, line for line; one that does not parse is left as it is.

        Raises ConstantError where the name of a constant stands for something else as well.
        """
        try:
            tree = ast.parse(text)
        except SyntaxError:
            return text
        return _edited(text, _File(tree, path, self.modules).edits())


def frozen_tree(firmware: Path, into: Path | None = None, board: Iterable[Path] = ()) -> Path:
    """A copy of the firmware's sources for MicroPython's build to freeze, numbers for names, in `into` or else in the build
    folder beside it; `board`: further files for its top. A frozen module's dictionaries lie in the heap: 4 KB less."""
    into = into or firmware.parent / "build" / "frozen"
    constants = Constants.of(firmware)
    sources = {path.relative_to(firmware): path for path in firmware.rglob("*.py")} | {Path(p.name): p for p in board}
    for name, path in sources.items():
        text = constants.inlined(name, path.read_text(encoding="utf-8"))
        if not (into / name).exists() or (into / name).read_text(encoding="utf-8") != text:
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            (into / name).write_text(text, encoding="utf-8")
    for path in into.rglob("*.py"):
        if path.relative_to(into) not in sources:
            path.unlink()
    return into


def _module(path: PurePath) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _definitions(nodes: Iterable[ast.AST]) -> Iterator[tuple[ast.Assign, str, ast.expr]]:
    """(statement, name, what it is) of each NAME = const(...)"""
    for node in nodes:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call(func=ast.Name(id="const"), args=[value])):
                yield node, name, value


@cache
def _of_file(path: Path, _time_ns: int, _size: int) -> dict[str, int]:
    """Those of one file as it is at that time, with that size: one process compiles the same sources again and again."""
    text = path.read_text(encoding="utf-8")
    return dict(_public(ast.parse(text))) if _DEFINITION.search(text) else {}


def _public(tree: ast.Module) -> Iterator[tuple[str, int]]:
    known: dict[str, int] = {}
    for _, name, value in _definitions(tree.body):
        number = _number(value, known)
        if number is not None:
            known[name] = number
            if not name.startswith("_") and number in _SMALL:
                yield name, number


def _number(value: ast.expr, known: dict[str, int]) -> int | None:
    if not all(isinstance(node, _ARITHMETIC) for node in ast.walk(value)):
        return None
    try:
        number = eval(compile(ast.Expression(value), "const", "eval"), {"__builtins__": {}}, dict(known))
    except (NameError, TypeError):  # from another module; of another type
        return None
    return number if type(number) is int else None


class _File:
    """One module: what its names stand for, and what is to be written instead."""

    def __init__(self, tree: ast.Module, path: PurePath, known: dict[str, dict[str, int]]):
        self._known = known
        self._package = path.parent.parts
        self._nodes = list(ast.walk(tree))
        self._values = dict(known.get(_module(path), {}))  # numbers, by their names here
        self._modules: dict[str, dict[str, int]] = {}  # modules that have some, by their names here
        self._own = [statement for statement, name, _ in _definitions(tree.body) if name in self._values]
        self._bound: dict[str, int] = {}  # every other name that is given to something here, and the line
        targets = {id(statement.targets[0]) for statement in self._own}
        for node in self._nodes:
            if id(node) not in targets:
                self._note(node)

    def _note(self, node: ast.AST) -> None:
        match node:
            case ast.ImportFrom():
                for alias in node.names:
                    self._note_import(alias, self._absolute(node), node.lineno)
            case ast.Import():
                for alias in node.names:
                    self._modules[alias.asname or alias.name] = self._known.get(alias.name, {})
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name):
                self._bound[name] = node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                self._bound[name] = node.lineno

    def _note_import(self, alias: ast.alias, module: str, line: int) -> None:
        local = alias.asname or alias.name
        number = self._known.get(module, {}).get(alias.name)
        numbers = self._known.get(f"{module}.{alias.name}", {})
        if number is not None:
            if self._values.setdefault(local, number) != number:
                raise ConstantError(line, f"{local} is another constant elsewhere in this file")
        elif self._modules.setdefault(local, numbers) != numbers or local in self._values:
            self._bound[local] = line

    def _absolute(self, node: ast.ImportFrom) -> str:
        above = self._package[: len(self._package) - node.level + 1] if node.level else ()
        return ".".join([*above, *([node.module] if node.module else [])])

    def edits(self) -> list[_Edit]:
        """(what to replace, by what), in no order. Raises ConstantError."""
        gone = {id(node) for statement in self._own for node in ast.walk(statement)}
        uses: list[tuple[ast.expr, int]] = []
        for node in self._nodes:
            if id(node) not in gone and (number := self._number_of(node)) is not None:
                assert isinstance(node, ast.expr)
                root = ast.unparse(node).partition(".")[0]
                if root in self._bound:
                    raise ConstantError(self._bound[root], f"{root} is a constant, or a module of some, elsewhere here")
                uses.append((node, number))
        gone |= {id(node) for use, _ in uses for node in ast.walk(use)}
        left = [node.id for node in self._nodes if isinstance(node, ast.Name) and id(node) not in gone]
        modules = {ast.unparse(use.value) for use, _ in uses if isinstance(use, ast.Attribute)}
        imports = list(self._imports(modules.difference(left), left.count("const")))
        return [*((statement, "pass") for statement in self._own), *((use, f"({n})") for use, n in uses), *imports]

    def _number_of(self, node: ast.AST) -> int | None:
        match node:
            case ast.Name(id=name, ctx=ast.Load()):
                return self._values.get(name)
            case ast.Attribute(value=value, attr=name, ctx=ast.Load()) if self._modules:
                return self._modules.get(ast.unparse(value), {}).get(name)
        return None

    def _imports(self, needless: set[str], consts: int) -> Iterator[_Edit]:
        """Imports without constants, without the modules of which only constants were read, without const."""
        definitions = sum(1 for _ in _definitions(self._nodes)) - len(self._own)
        numbers_of = {**self._known, "micropython": {"const": 0} if consts == definitions else {}}
        for node in self._nodes:
            if isinstance(node, ast.ImportFrom):
                numbers = numbers_of.get(self._absolute(node), {})
                kept = [a for a in node.names if a.name not in numbers and (a.asname or a.name) not in needless]
                if len(kept) < len(node.names):
                    names = ", ".join(ast.unparse(alias) for alias in kept)
                    start = f"from {'.' * node.level}{node.module or ''} import "
                    yield node, start + names if names else "pass"


def _edited(text: str, edits: list[_Edit]) -> str:
    lines = [line.encode() for line in text.split("\n")]
    # From the end, so that the positions of those before stay true
    for node, new in sorted(edits, key=lambda edit: (edit[0].lineno, edit[0].col_offset), reverse=True):
        first, last = node.lineno - 1, (node.end_lineno or node.lineno) - 1
        if isinstance(node, ast.expr):
            old = lines[first][node.col_offset : node.end_col_offset]
            if first != last or old.decode(errors="replace") != ast.unparse(node):
                raise ConstantError(node.lineno, f"{ast.unparse(node)} is inside an f-string, or on two lines")
        rest = lines[last][node.end_col_offset :]
        lines[first] = lines[first][: node.col_offset] + new.encode() + rest
        lines[first + 1 : last + 1] = [b""] * (last - first)
    return b"\n".join(lines).decode()
