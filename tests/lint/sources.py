"""What the laws are checked on: source files as text and syntax tree, and the imports in them.

A law is a function that takes files and returns findings, `file:line: what is wrong; what to do`. It is run over the
repository, where it must find nothing, and over a small bad sample, where it must find something.
"""

import ast
import functools
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

CLONE = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class File:
    """One source file; `path` is relative to the clone, with slashes."""

    path: str
    text: str

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, self.path)

    def says(self, line: int, what: str) -> str:
        return f"{self.path}:{line}: {what}"


@dataclass(frozen=True)
class Import:
    """`module` is absolute: `reader.util.bcd` for a firmware module, `time` for a module from outside."""

    module: str
    line: int


Law = Callable[[File], Iterator[str]]


@functools.cache
def tracked() -> tuple[str, ...]:
    """Paths of all files that git knows or would add."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=CLONE, capture_output=True, text=True, check=True).stdout.splitlines()
    return tuple(sorted(path for path in set(listed) if (CLONE / path).is_file()))


@functools.cache
def read(path: str) -> File:
    return File(path, (CLONE / path).read_text(encoding="utf-8"))


def python_files(*folders: str) -> list[File]:
    """All Python files below the folders; an AssertionError where there are none, so that no law checks nothing."""
    found = [read(path) for path in tracked() if path.endswith(".py") and path.startswith(folders)]
    assert found, f"no Python files below {folders}"
    return found


def findings(law: Law, files: list[File]) -> list[str]:
    return [finding for file in files for finding in law(file)]


def assert_kept(law: Law, files: list[File]) -> None:
    found = findings(law, files)
    assert not found, "\n" + "\n".join(found)


def imports(file: File) -> list[Import]:
    """Everything the file imports at run time, local imports included; not what only type checkers read."""
    found: list[Import] = []
    _collect(file.tree, _package(file.path), found)
    return found


def _collect(node: ast.AST, package: list[str], found: list[Import]) -> None:
    if isinstance(node, ast.If) and ast.unparse(node.test) in ("_TYPE_CHECKING", "TYPE_CHECKING"):
        for statement in node.orelse:
            _collect(statement, package, found)
        return
    if isinstance(node, ast.Import):
        found += [Import(alias.name, node.lineno) for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        base = package[: len(package) - node.level + 1] if node.level else []
        module = ".".join([*base, *([node.module] if node.module else [])])
        # `from .. import errors` imports a module, `from ..errors import E_TLV` names in one: both are named in full
        if (node.level and not node.module) or module == "reader":
            found += [Import(f"{module}.{alias.name}", node.lineno) for alias in node.names]
        else:
            found.append(Import(module, node.lineno))
    for child in ast.iter_child_nodes(node):
        _collect(child, package, found)


def _package(path: str) -> list[str]:
    """['reader', 'emv'] for firmware/reader/emv/data.py; ['mpos', 'bench'] for host_tools/mpos/bench/field.py."""
    return path.split("/")[1:-1]
