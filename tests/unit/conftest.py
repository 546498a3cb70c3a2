"""Tests of the firmware: collected by pytest, run by MicroPython (docs/testing.md).

Every test_*.py below this folder is compiled as the firmware is and runs in a MicroPython process of its own, with the
heap of the device. The process is started when pytest comes to the file's first item and is told, item by item, which
function to run, so that whatever pytest selects, in whatever order, is what runs. A function has passed only if the
device-side runner (lib/runner.py) said so.
"""

from __future__ import annotations

import ast
import os
import re
import secrets
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest
from _pytest._code.code import (
    ReprEntry,
    ReprEntryNative,
    ReprExceptionInfo,
    ReprFileLocation,
    ReprTraceback,
)

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "host_tools"))

from mpos.provision import compile as mpy

_HEAP = "128K"
_FILE_LIMIT_S = 60  # a file may say FILE_LIMIT_S = n: all its functions together
_DEVICE_LIB = "tests/unit/lib"
_TREES = (*mpy.DEVICE_TREES, "tests/unit")
_FRAME = re.compile(r'  File "(.+)", line (\d+)(?:, in (.+))?')


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Collector:
    return DeviceFile.from_parent(parent, path=module_path)


class DeviceFailure(Exception):
    """Why an item failed: `reason` for the process's own end, `sections` from the runner otherwise."""

    def __init__(self, reason: str = "", sections: dict[str, str] | None = None):
        super().__init__(reason)
        self.reason = reason
        self.sections = sections or {}


class DeviceFile(pytest.File):
    """A test file, and the MicroPython process that runs it."""

    def collect(self) -> Iterator[DeviceFunction]:
        text = self.path.read_text(encoding="utf-8")
        try:
            tree = ast.parse(text, str(self.path))
        except SyntaxError as error:
            raise self._unusable(
                error.lineno or 1, f"SyntaxError: {error.msg}"
            ) from None
        self.limit_s = _constant(tree, "FILE_LIMIT_S", _FILE_LIMIT_S)
        functions: dict[str, int] = {}
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                raise self._unusable(
                    node.lineno,
                    f"class {node.name}: on the device tests are plain functions",
                )
            if isinstance(
                node, ast.FunctionDef | ast.AsyncFunctionDef
            ) and node.name.startswith("test_"):
                if node.name in functions:
                    raise self._unusable(
                        node.lineno,
                        f"{node.name} is defined a second time, first in line {functions[node.name]}",
                    )
                self._check_signature(node)
                functions[node.name] = node.lineno
        if not functions:
            raise self._unusable(1, "no test functions (def test_...)")
        for error in self._compile():
            if Path(error.file) in (
                self.path,
                self.path.relative_to(TOP) if self.path.is_relative_to(TOP) else None,
            ):
                raise self._unusable(error.line, error.message)
        self.process: DeviceProcess | None = None
        self.used_s = 0.0
        self.given_up = ""
        for name, line in functions.items():
            yield DeviceFunction.from_parent(self, name=name, line=line)

    def run(self, name: str) -> tuple[str, DeviceFailure | None]:
        """Runs one function: what it printed, and how it failed."""
        if self.given_up:
            return "", DeviceFailure(f"not run: {self.given_up}")
        started = time.monotonic()
        try:
            if self.process is None:
                self._compile()
                self.process = DeviceProcess(self.path.stem, self._micropython_path())
            output, failure = self.process.run(name, self.limit_s - self.used_s)
        except BaseException:
            self.teardown()
            raise
        self.used_s += time.monotonic() - started
        if self.process.ended:
            if self.process.given_up:
                self.given_up = self.process.given_up.format(limit=self.limit_s)
            self.teardown()
        return output, failure

    def teardown(self) -> None:
        if self.process:
            self.process.close()
            self.process = None

    def _base(self) -> tuple[Path, tuple[str, ...]]:
        """Where the file's tree begins, and the tree: the repository's unit tests, or a tree elsewhere."""
        if self.path.is_relative_to(TOP):
            return TOP, _TREES
        return self.path.parent, (".",)

    def _compile(self) -> list[mpy.CompileError]:
        errors = _compiled(TOP, _TREES)
        base, trees = self._base()
        return errors if base == TOP else errors + _compiled(base, trees)

    def _micropython_path(self) -> str:
        out = mpy.build_dir("x86")
        here = _out_dir(self._base()[0]) / self.path.parent.relative_to(self._base()[0])
        return ":".join(
            map(
                str,
                [
                    here,
                    out / _DEVICE_LIB,
                    *(out / tree for tree in mpy.DEVICE_TREES),
                    ".frozen",
                ],
            )
        )

    def _check_signature(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        decorators = {
            decorator.func.id
            for decorator in node.decorator_list
            if isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name)
        }
        if (node.args.args or node.args.kwonlyargs) and "cases" not in decorators:
            raise self._unusable(
                node.lineno,
                f"{node.name} takes arguments: give them by @cases (there are no fixtures)",
            )
        if isinstance(node, ast.FunctionDef) and any(
            isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(node)
        ):
            raise self._unusable(
                node.lineno,
                f"{node.name} yields: a test is a plain or an async function",
            )

    def _unusable(self, line: int, message: str) -> Exception:
        return self.CollectError(f"{_shown(str(self.path))}:{line}: {message}")


class DeviceFunction(pytest.Item):
    """One test function on the device."""

    def __init__(self, *, line: int, **rest):
        super().__init__(**rest)
        self._line = line

    def runtest(self) -> None:
        output, failure = self.parent.run(self.name)
        sys.stdout.write(output)
        if failure:
            raise failure

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self._line - 1, self.name

    def repr_failure(self, excinfo, style=None):
        if not isinstance(excinfo.value, DeviceFailure):
            return super().repr_failure(excinfo, style)
        return _explained(self, excinfo.value, self.config.getoption("tbstyle"))


@dataclass
class DeviceProcess:
    """A MicroPython that has imported one test module and waits for the names of functions."""

    module: str
    micropython_path: str
    ended: bool = False
    given_up: str = (
        ""  # why the rest of the file makes no sense; {limit} is the file's limit
    )
    _pending: bytes = b""
    _ready: bool = False
    _mark: str = field(default_factory=lambda: secrets.token_hex(8))

    def __post_init__(self) -> None:
        # A folder of its own to run in: files that a test writes are nobody else's, and gone afterwards.
        self._folder = tempfile.TemporaryDirectory(prefix="mpos-unit-")
        environment = {
            **os.environ,
            "MICROPYPATH": self.micropython_path,
            "MPOS_TOP": str(TOP),
        }
        environment.pop("MICROPYINSPECT", None)
        self._popen = subprocess.Popen(
            [
                _micropython(),
                "-X",
                f"heapsize={_HEAP}",
                "-m",
                "runner",
                self._mark,
                self.module,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=self._folder.name,
            start_new_session=True,
        )
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._popen.stdout, selectors.EVENT_READ)

    def run(self, name: str, limit_s: float) -> tuple[str, DeviceFailure | None]:
        """Runs one function: what it printed, and how it failed. `ended` says whether the process survived it."""
        deadline = time.monotonic() + limit_s
        sections = {"out": ""}
        if not self._ready:
            word, sections = self._until(("ready", "fail"), deadline)
            if word == "fail":
                self._give_up("the module could not be imported")
                return sections.pop("out"), DeviceFailure(
                    f"importing {self.module} failed", sections
                )
            if word != "ready":
                return sections["out"], self._end(
                    word, f"importing {self.module}", before=True
                )
            self._ready = True
        imported = sections["out"]
        try:
            self._popen.stdin.write(name.encode() + b"\n")
            self._popen.stdin.flush()
        except BrokenPipeError:
            pass  # the process has ended; reading on says how
        word, sections = self._until(("pass", "fail"), deadline)
        output = imported + sections.pop("out")
        if word == "pass":
            return output, None
        if word == "fail":
            return output, DeviceFailure("", sections)
        return output, self._end(word, name)

    def close(self) -> None:
        """Ends the process, asking first. Safe to call twice."""
        if self._popen.poll() is None:
            try:
                self._popen.stdin.close()
                self._popen.wait(0 if self.ended else 0.5)
            except (BrokenPipeError, subprocess.TimeoutExpired):
                pass
        if self._popen.poll() is None:
            os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
        self._selector.close()
        self._popen.stdout.close()
        self._folder.cleanup()

    def _until(
        self, words: tuple[str, ...], deadline: float
    ) -> tuple[str, dict[str, str]]:
        """Reads to one of the runner's words, or "died" or "late"; with the output by sections, "out" first."""
        mark = re.compile(rb"\x1e" + self._mark.encode() + rb" (\w+)\x1f\r?\n")
        sections, section = {"out": ""}, "out"
        while True:
            while found := mark.search(self._pending):
                sections[section] += _text(self._pending[: found.start()])
                self._pending = self._pending[found.end() :]
                word = found[1].decode()
                if word in words:
                    return word, sections
                section = word
                sections.setdefault(section, "")
            left = deadline - time.monotonic()
            if left <= 0 or not self._selector.select(left):
                how = "late"
            elif data := os.read(self._popen.stdout.fileno(), 65536):
                self._pending += data
                continue
            else:
                how = "died"
            sections[section] += _text(self._pending)
            self._pending = b""
            return how, sections

    def _end(self, how: str, doing: str, before: bool = False) -> DeviceFailure:
        self.ended = True
        if how == "late":
            self._give_up(
                f"{doing} had used up the file's limit of {{limit}} s (FILE_LIMIT_S)"
            )
            return DeviceFailure(
                f"{doing} did not end: the limit for this file (FILE_LIMIT_S) was reached"
            )
        try:
            code = self._popen.wait(5)
        except subprocess.TimeoutExpired:
            return DeviceFailure(
                f"{doing}: MicroPython closed its output without a result"
            )
        if before:
            self._give_up(f"MicroPython died {doing}")
        if code < 0:
            return DeviceFailure(
                f"{doing}: MicroPython died from {signal.Signals(-code).name}"
            )
        return DeviceFailure(
            f"{doing}: MicroPython exited with code {code} before the test reported a result"
        )

    def _give_up(self, why: str) -> None:
        self.ended = True
        self.given_up = why


@cache
def _micropython() -> str:
    """The 32-bit port: MPOS_MICROPYTHON, or the one that `make setup` builds."""
    if given := os.environ.get("MPOS_MICROPYTHON"):
        return given
    from mpos.provision import toolchain

    return str(toolchain.micropython(32))


@cache
def _compiled(base: Path, trees: tuple[str, ...]) -> list[mpy.CompileError]:
    # Not strict: while a module is being edited only the tests that import it fail.
    return mpy.compile_tree(_out_dir(base), "x86", base=base, trees=trees, strict=False)


def _out_dir(base: Path) -> Path:
    return mpy.build_dir("x86") if base == TOP else base / ".mpy"


def _constant(tree: ast.Module, name: str, default: float) -> float:
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in node.targets
        ):
            return float(ast.literal_eval(node.value))
    return default


def _text(data: bytes) -> str:
    return data.decode(errors="backslashreplace")


def _explained(item: DeviceFunction, failure: DeviceFailure, style: str):
    """The failure as pytest shows its own: each frame with its source line, then the exception."""
    trace = failure.sections.get("trace", "")
    frames = [
        (file, int(line), where or "<module>")
        for file, line, where in _FRAME.findall(trace)
    ]
    said = _named(
        _FRAME.sub("", trace).replace("Traceback (most recent call last):", "").strip()
    )
    if said.startswith("CancelledError"):
        said = "TimeoutError: the async test did not end within its limit (ASYNC_LIMIT_S); it was waiting here"
    said = ": ".join(filter(None, [failure.reason, said.removesuffix(": ")]))
    frames = [
        frame
        for frame in frames
        if _source(frame[0]) and not frame[0].endswith(f"{_DEVICE_LIB}/runner.py")
    ]
    if not frames:
        frames = [(str(item.path), item._line, item.name)]
    message = "".join(
        f"E   {line}\n"
        for line in [*said.splitlines(), *failure.sections.get("case", "").splitlines()]
    )
    crash = ReprFileLocation(_shown(frames[-1][0]), frames[-1][1], said.splitlines()[0])
    if style == "native" and trace:
        entries = [ReprEntryNative([trace + failure.sections.get("case", "")])]
    else:
        entries = [
            ReprEntry(
                [
                    "    " + _source_line(file, line),
                    *(
                        message.splitlines()
                        if (file, line, where) == frames[-1]
                        else []
                    ),
                ],
                None,
                None,
                ReprFileLocation(_shown(file), line, f"in {where}"),
                "short",
            )
            for file, line, where in frames
        ]
    return ReprExceptionInfo(ReprTraceback(entries, None, "short"), crash)


def _source(file: str) -> Path | None:
    path = TOP / file
    return path if path.is_file() else None


def _source_line(file: str, line: int) -> str:
    path = _source(file)
    lines = path.read_text(encoding="utf-8").splitlines() if path else []
    return lines[line - 1].strip() if line <= len(lines) else ""


def _shown(file: str) -> str:
    """A path as the shell's user would type it."""
    path = TOP / file
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def _named(said: str) -> str:
    """With the name of the code behind a ReaderError's numbers."""
    found = re.match(r"ReaderError: \((\d+), ", said)
    name = _error_names().get(int(found[1])) if found else None
    return f"{said} {name}" if name else said


@cache
def _error_names() -> dict[int, str]:
    text = (TOP / "firmware/reader/errors.py").read_text(encoding="utf-8")
    return {
        int(number): name
        for name, number in re.findall(r"^(E_\w+) = const\((\d+)\)", text, re.MULTILINE)
    }
