"""Constants are numbers in what is compiled: wherever they are used, on the same lines, and nothing else is touched."""

from __future__ import annotations

import ast
import os
import subprocess
from collections.abc import Callable
from pathlib import Path, PurePath

import pytest

from mpos.provision import compile as mpy
from mpos.provision import toolchain
from mpos.provision.constants import ConstantError, Constants

_LIMIT_S = 20
_KNOWN = Constants(
    {
        "reader.errors": {"E_TLV": 301, "E_DOL": 302},
        "reader.link.protocol": {"IDLE": 0, "BELOW": -1},
        "reader.iso7816": {"T1": 1},
    }
)

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, text: str) -> Path:
        path = tmp_path / "firmware" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


def _inlined(text: str, path: str = "reader/emv/dol.py") -> str:
    new = _KNOWN.inlined(PurePath(path), text)
    assert new.count("\n") == text.count("\n")
    return new


def test_which_are_found(write: Write, tmp_path: Path) -> None:
    write(
        "reader/one.py",
        "ONE = const(1)\n_TWO = const(2)\nTHREE = const(ONE | _TWO)\nMASK = const(~0xFF)\nTEXT = const('x')\n"
        "LEAST = const(-0x40000000)\nMOST = const(0x3FFFFFFF)\nMORE = const(0x40000000)\nPLAIN = 4\n"
        "TRUTH = const(True)\nFAR = const(elsewhere.ONE)\nOTHER = const(UNKNOWN + 1)\nJOINED = const('a' + 1)\n"
        "def f():\n    INNER = const(5)\n",
    )
    write("reader/package/__init__.py", "T1 = const(1)\n")
    write("reader/none.py", "PLAIN = 1\n")
    write("reader/broken.py", "ONE = const(1)\n= =\n")
    assert Constants.of(tmp_path / "firmware").modules == {
        "reader.one": {"ONE": 1, "THREE": 3, "MASK": -256, "LEAST": -(2**30), "MOST": 2**30 - 1},
        "reader.package": {"T1": 1},
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("from ..errors import E_TLV\nx = E_TLV\n", "pass\nx = (301)\n"),
        ("from reader.errors import E_TLV\nx = E_TLV\n", "pass\nx = (301)\n"),
        ("from ..errors import E_TLV, Error, E_DOL\n", "from ..errors import Error\n"),
        ("from ..errors import E_TLV as T, Error as R\nx = T\n", "from ..errors import Error as R\nx = (301)\n"),
        ("from ..errors import (  # why\n    E_TLV,\n    Error,\n)\nx = 1\n", "from ..errors import Error\n\n\n\nx = 1\n"),
        ("def f():\n    from ..errors import E_DOL\n    return -E_DOL\n", "def f():\n    pass\n    return -(302)\n"),
        ("from ..link import protocol\nx = protocol.IDLE\n", "pass\nx = (0)\n"),
        ("from ..link import protocol as p\nx = p.BELOW ** 2, p.f()\n", "from ..link import protocol as p\nx = (-1) ** 2, p.f()\n"),
        ("from ..link import protocol, framing\nx = protocol.IDLE\n", "from ..link import framing\nx = (0)\n"),
        ("import reader.link.protocol\nx = reader.link.protocol.IDLE\n", "import reader.link.protocol\nx = (0)\n"),
        ("import reader.errors as e\nx = e.E_TLV\n", "import reader.errors as e\nx = (301)\n"),
        ("from .. import iso7816\nx = iso7816.T1\n", "pass\nx = (1)\n"),
        ("from ..iso7816 import T1\nx = T1.to_bytes(1)\n", "pass\nx = (1).to_bytes(1)\n"),
        ("from ..errors import E_TLV, E_DOL\nx = 'ü', E_TLV, E_DOL\n", "pass\nx = 'ü', (301), (302)\n"),
    ],
)  # fmt: skip
def test_uses(text: str, expected: str) -> None:
    assert _inlined(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "from ..errors import Error\nraise Error(1)\n",
        "from ..link import protocol  # noqa: F401 - loaded\n",
        "from ..link import protocol\nx = protocol\n",
        "from ..link import protocol\nprotocol.IDLE = 3\n",
        "from .errors import E_TLV\nx = E_TLV\n",  # another module's
        "from somewhere import E_TLV\nx = E_TLV\n",
        "x = self.E_TLV\n",
        "E_TLV = 5\nx = E_TLV\n",
        "from ..errors import *\n",
        "import machine\nx = machine.IDLE\n",
        "not python\n",
    ],
)
def test_what_is_left_alone(text: str) -> None:
    assert _inlined(text) == text


def test_a_module_that_is_still_used_stays() -> None:
    text = "from ..link import protocol\nx = protocol.IDLE\ny = protocol\n"
    assert _inlined(text) == text.replace("protocol.IDLE", "(0)")


def test_the_module_that_defines_them() -> None:
    text = "from micropython import const\n\nE_TLV = const(301)  # why\nE_DOL = const(\n    302\n)\n_OWN = const(E_TLV)\nx = E_DOL\n"
    assert _inlined(text, "reader/errors.py") == "pass\n\npass  # why\npass\n\n\n_OWN = const((301))\nx = (302)\n"
    package = "T1 = const(1)\nx = T1\n"
    assert _inlined(package, "reader/iso7816/__init__.py") == "pass\nx = (1)\n"
    assert _inlined(package, "reader/iso7816/t1.py") == package


@pytest.mark.parametrize(
    ("text", "goes"),
    [
        ("from micropython import const\n_A = const(1)\n", True),
        ("from micropython import const, mem_info\n_A = const(b'x')\n", True),
        ("from micropython import const\n_A = const(1)\nx = const(f())\nprint(const(1))\n", False),
        ("from elsewhere import const\n_A = const(1)\n", False),
    ],
)
def test_the_import_of_const(text: str, goes: bool) -> None:
    new = _inlined(text)
    assert new.splitlines()[1:] == text.splitlines()[1:]
    assert ("const" not in new.splitlines()[0]) == goes


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from ..errors import E_TLV\ndef f(E_TLV):\n    return E_TLV\n", 2),
        ("from ..errors import E_TLV\nx = E_TLV\nE_TLV = 3\n", 3),
        ("from ..errors import E_TLV\nfrom .other import E_TLV\nx = E_TLV\n", 2),
        ("from ..errors import E_TLV as A\nfrom ..errors import E_DOL as A\nx = A\n", 2),
        ("from ..link import protocol\ndef f(protocol):\n    return protocol.IDLE\n", 2),
        ("from ..link import protocol\nfrom .other import protocol\nx = protocol.IDLE\n", 2),
        ("from ..link import protocol\nx = (protocol\n    .IDLE)\n", 2),
    ],
)
def test_a_name_that_is_something_else_too(text: str, line: int) -> None:
    with pytest.raises(ConstantError) as caught:
        _inlined(text)
    assert caught.value.args[0] == line


def test_in_an_f_string() -> None:
    """Replaced or refused, as this Python knows where it stands; never a name that is gone."""
    try:
        assert "E_TLV" not in _inlined("from ..errors import E_TLV\nx = f'{E_TLV} {E_TLV:04}'\n")
    except ConstantError as error:
        assert error.args[0] == 2


def test_compiled(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is nowhere in what is compiled, a traceback names the line of the source, and a new number is taken over."""
    monkeypatch.setattr(mpy, "FIRMWARE", tmp_path / "firmware")
    write("errors.py", "from micropython import const\n\nE_TLV = const(301)\nE_NONE = const(0)\n")
    source = write(
        "user.py", "from errors import (\n    E_TLV,\n    E_NONE,\n)\n\n\ndef f():\n    return E_TLV // E_NONE\n"
    )
    out = tmp_path / "out"
    for number in ("301", "77"):
        write("errors.py", f"from micropython import const\n\nE_TLV = const({number})\nE_NONE = const(0)\n")
        mpy.compile_tree(out, "x86", base=tmp_path, trees=("firmware",))
        assert b"E_TLV" not in (out / "firmware/errors.mpy").read_bytes() + (out / "firmware/user.mpy").read_bytes()
        said = _run("import user, errors; print(errors.__name__, dir(errors)); user.f()", out / "firmware")
        assert f'File "{source}", line 8, in f' in said and "ZeroDivisionError" in said
        assert "'E_TLV'" not in said
    write("user.py", "from errors import E_TLV\n\n\ndef f():\n    return E_TLV\n")
    mpy.compile_tree(out, "x86", base=tmp_path, trees=("firmware",))
    assert _run("import user; print(user.f())", out / "firmware") == "77\n"


def test_a_refused_one_is_an_error_of_its_file(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mpy, "FIRMWARE", tmp_path / "firmware")
    write("errors.py", "E_TLV = const(301)\n")
    source = write("user.py", "from errors import E_TLV\nx = E_TLV\nE_TLV = 1\n")
    with pytest.raises(mpy.CompileError) as caught:
        mpy.compile_tree(tmp_path / "out", "x86", base=tmp_path, trees=("firmware",))
    assert (caught.value.file, caught.value.line) == (str(source), 3)


def _run(code: str, path: Path) -> str:
    done = subprocess.run(
        [str(toolchain.micropython(32)), "-c", code],
        env={**os.environ, "MICROPYPATH": str(path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    return done.stdout


def _firmware() -> list[tuple[PurePath, str]]:
    folders = [mpy.FIRMWARE, *(folder for folder in (mpy.TOP / "boards").iterdir() if (folder / "board.py").is_file())]
    return [(path.relative_to(folder), path.read_text()) for folder in folders for path in sorted(folder.rglob("*.py"))]


def test_nothing_in_the_firmware_asks_for_a_name_that_is_gone() -> None:
    constants = Constants.of(mpy.FIRMWARE)
    trees = {path: list(ast.walk(ast.parse(constants.inlined(path, text)))) for path, text in _firmware()}
    names = {path: [node for node in nodes if isinstance(node, ast.Name)] for path, nodes in trees.items()}
    gone = {name for numbers in constants.modules.values() for name in numbers}
    gone -= {name.id for some in names.values() for name in some if isinstance(name.ctx, ast.Store)}  # of another kind
    assert len(gone) > 100
    for path, nodes in trees.items():
        imported = {a.asname or a.name for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names}
        for name in names[path]:
            assert name.id not in gone or name.id in imported, f"{path}:{name.lineno}: {name.id}"
        for node in nodes:
            if isinstance(node, ast.Attribute) and node.attr in gone:
                assert ast.unparse(node.value) in ("machine.Pin", "Pin", "UART"), f"{path}:{node.lineno}: {node.attr}"


def test_a_file_that_changes_is_read_again(tmp_path: Path) -> None:
    module = tmp_path / "reader.py"
    for number in (1, 22):
        module.write_text(f"from micropython import const\n\nNUMBER = const({number})\n")
        assert Constants.of(tmp_path).modules == {"reader": {"NUMBER": number}}
