"""aioble counts only when its hash is the pinned one, wherever it came from; else the stand-in is used."""

import json
from pathlib import Path

import pytest

from boards.toolchain import aioble

_CODE = {name: f"# {name}\n".encode() for name in aioble.FILES}


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, where the pinned package is _CODE."""
    _put(tmp_path / "sample")
    monkeypatch.setattr(aioble, "SHA256", aioble.digest(tmp_path / "sample"))
    folder = tmp_path / "cache"
    folder.mkdir()
    return folder


def _put(package: Path, **changed: bytes) -> None:
    package.mkdir(parents=True)
    for name, text in {**_CODE, **{stem + ".py": text for stem, text in changed.items()}}.items():
        (package / name).write_bytes(text)


class _Index:
    """MicroPython's package index, as its build tool writes it: each file ends in a version line."""

    def __init__(self, code: dict[str, bytes] = _CODE, extra: str = "") -> None:
        tail = b"\n\n__version__ = '0.4.0'\n"
        self.files = {f"{n:08x}": text + tail for n, text in enumerate(code.values())}
        hashes = [[f"aioble/{name}", short] for name, short in zip(code, self.files, strict=True)]
        self.package = {"v": 1, "hashes": hashes + ([[extra, "00000000"]] if extra else []), "version": "0.6.2"}
        self.asked: list[str] = []

    def __call__(self, path: str) -> bytes:
        self.asked.append(path)
        if path == "package/py/aioble/0.6.2.json":
            return json.dumps(self.package).encode()
        folder, short = path.removeprefix("file/").split("/")
        assert short.startswith(folder)
        return self.files[short]


def _no_network(path: str) -> bytes:
    raise OSError("Name or service not known")


def test_copy_in_the_cache(cache: Path) -> None:
    _put(cache / "aioble-0.6.2" / "aioble")
    assert aioble.ensure(cache, _no_network) == (cache / "aioble-0.6.2", "0.6.2")
    assert aioble.is_settled(cache, "0.6.2")


def test_changed_copy_is_refused_and_left_alone(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    package = cache / "aioble-0.6.2" / "aioble"
    _put(package, server=b"import os\n")
    index = _Index()
    assert aioble.ensure(cache, index) == (aioble.STAND_IN, "stand-in")
    assert "aioble refused" in capsys.readouterr().err
    assert index.asked == []
    assert (package / "server.py").read_bytes() == b"import os\n"
    assert not aioble.is_settled(cache, "0.6.2")


@pytest.mark.parametrize("name", ["extra.py", "core.mpy"])
def test_copy_with_another_file_is_refused(cache: Path, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    _put(cache / "aioble-0.6.2" / "aioble")
    (cache / "aioble-0.6.2" / "aioble" / name).touch()
    assert aioble.ensure(cache, _no_network)[1] == "stand-in"
    assert "holds other files" in capsys.readouterr().err


def test_from_the_index(cache: Path) -> None:
    assert aioble.ensure(cache, _Index()) == (cache / "aioble-0.6.2", "0.6.2")
    assert aioble.ensure(cache, _no_network)[1] == "0.6.2"


@pytest.mark.parametrize(
    "index",
    [
        _Index({**_CODE, "core.py": b"import os\n"}),
        _Index({name: text for name, text in _CODE.items() if name != "core.py"}),
        _Index(extra="../../somewhere.py"),
        _Index(extra="aioble/extra.py"),
    ],
)
def test_index_with_something_else_is_refused(cache: Path, index: _Index) -> None:
    assert aioble.ensure(cache, index) == (aioble.STAND_IN, "stand-in")
    assert not (cache / "aioble-0.6.2").exists()


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{}", b'{"hashes": [1]}', b"\xff"])
def test_index_that_is_none(cache: Path, answer: bytes) -> None:
    assert aioble.ensure(cache, lambda path: answer)[1] == "stand-in"


def test_failed_look_up_is_remembered_for_a_day(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert aioble.ensure(cache, _no_network)[1] == "stand-in"
    assert aioble.is_settled(cache, "stand-in")
    index = _Index()
    assert aioble.ensure(cache, index)[1] == "stand-in"
    assert index.asked == []
    now = aioble.time.time()
    monkeypatch.setattr(aioble.time, "time", lambda: now + 24 * 60 * 60 + 1)
    assert not aioble.is_settled(cache, "stand-in")
    assert aioble.ensure(cache, index)[1] == "0.6.2"


def test_copy_that_arrives_later_is_seen(cache: Path) -> None:
    aioble.ensure(cache, _no_network)
    _put(cache / "aioble-0.6.2" / "aioble")
    assert not aioble.is_settled(cache, "stand-in")
    assert aioble.ensure(cache, _no_network)[1] == "0.6.2"


def test_the_stand_in_is_there() -> None:
    assert (aioble.STAND_IN / "aioble" / "__init__.py").is_file()
