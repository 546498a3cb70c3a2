"""Device test files and functions as pytest's own kinds of nodes."""

from __future__ import annotations

import ast
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from harness import targets
from harness.conversation import Conversation, Failure
from harness.report import explain, shown
from mpos.provision import compile as mpy
from mpos.provision import toolchain

_FILE_LIMIT_S = 60  # all functions of a file together; a file may say FILE_LIMIT_S = n


class DeviceFile(pytest.File):
    """A test file, and the MicroPython that runs it: on the unix port a process of its own.

    It is started when pytest comes to the first item, is told item by item which function to run, and ends when pytest
    leaves the file. So whatever pytest selects, in whatever order, is what runs. When a function takes it down the next
    one gets a new MicroPython; only running out of time ends the file.
    """

    def __init__(self, **arguments: Any):
        super().__init__(**arguments)
        self._conversation: Conversation | None = None
        self._left_s: float = _FILE_LIMIT_S
        self._given_up = ""

    def collect(self) -> Iterator[DeviceFunction]:
        try:
            tree = ast.parse(self.path.read_text(encoding="utf-8"), str(self.path))
        except SyntaxError as error:
            raise self._unusable(error.lineno or 1, f"SyntaxError: {error.msg}") from None
        self._left_s = self._limit(tree)
        functions: dict[str, int] = {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                raise self._unusable(node.lineno, f"class {node.name}: on the device tests are plain functions")
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                if node.name in functions:
                    first = functions[node.name]
                    raise self._unusable(node.lineno, f"{node.name} is defined a second time, first in line {first}")
                self._check(node)
                functions[node.name] = node.lineno
        if not functions:
            raise self._unusable(1, "no test functions (def test_...)")
        try:
            refusals = self._target.compile(self.path)
        except toolchain.ToolchainMissing as missing:
            raise self.CollectError(str(missing)) from None
        except Failure as failure:
            raise self.CollectError(failure.reason) from None
        for refused in refusals:
            if mpy.TOP / refused.file == self.path:
                raise self._unusable(refused.line, refused.message)
        for name, line in functions.items():
            yield DeviceFunction.from_parent(self, name=name, line=line)

    def run(self, name: str) -> tuple[str, Failure | None]:
        """Runs one function: what it printed, and how it failed."""
        if self._given_up:
            return "", Failure(f"not run: {self._given_up}")
        try:
            if self._conversation is None:
                self._target.compile(self.path)
                self._conversation = self._target.start(self.path)
            started = time.monotonic()
            output, failure = self._conversation.run(name, self._left_s)
        except BaseException as error:
            self.teardown()
            if isinstance(error, Failure):  # it could not be started
                self._given_up = error.reason
            raise
        self._left_s -= time.monotonic() - started
        if self._conversation.ended:
            self._given_up = self._conversation.given_up
            self.teardown()
        return output, failure

    def teardown(self) -> None:
        conversation, self._conversation = self._conversation, None
        if conversation:
            conversation.close()

    @property
    def _target(self) -> targets.Target:
        return targets.of(self.config)

    def _check(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        decorators = {
            d.func.id for d in node.decorator_list if isinstance(d, ast.Call) and isinstance(d.func, ast.Name)
        }
        if (node.args.args or node.args.kwonlyargs) and "cases" not in decorators:
            raise self._unusable(
                node.lineno, f"{node.name} takes arguments: give them by @cases (there are no fixtures)"
            )
        if isinstance(node, ast.FunctionDef) and any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node)):
            raise self._unusable(node.lineno, f"{node.name} yields: a test is a plain or an async function")

    def _limit(self, tree: ast.Module) -> float:
        for node in tree.body:
            if isinstance(node, ast.Assign) and [t.id for t in node.targets if isinstance(t, ast.Name)] == [
                "FILE_LIMIT_S"
            ]:
                if not isinstance(node.value, ast.Constant) or not isinstance(node.value.value, int | float):
                    raise self._unusable(node.lineno, "FILE_LIMIT_S is a number of seconds")
                return node.value.value
        return _FILE_LIMIT_S

    def _unusable(self, line: int, message: str) -> Exception:
        return self.CollectError(f"{shown(str(self.path))}:{line}: {message}")


class DeviceFunction(pytest.Item):
    """One test function on the device."""

    parent: DeviceFile

    def __init__(self, *, line: int, **arguments: Any):
        super().__init__(**arguments)
        self._line = line

    def runtest(self) -> None:
        output, failure = self.parent.run(self.name)
        sys.stdout.write(output)
        if failure:
            raise failure

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._line - 1, self.name

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if not isinstance(excinfo.value, Failure):
            return super().repr_failure(excinfo, style)
        return explain(
            excinfo.value, (str(self.path), self._line, self.name), native=self.config.getoption("tbstyle") == "native"
        )
