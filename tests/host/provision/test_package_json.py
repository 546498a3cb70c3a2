"""firmware/package.json: it lists exactly the firmware, and the real mpremote can install from it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from boards.toolchain import aioble
from mpos.provision import package_json
from mpos.provision.device import Device
from mpos.provision.manifest import entry_of
from tests.host.provision.bench_device import ReplBoard


def test_it_is_up_to_date(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert package_json.main(["--check"]) == 0, capsys.readouterr().err
    monkeypatch.setattr(package_json, "PATH", tmp_path / "package.json")
    assert package_json.main(["--check"]) == 1
    (tmp_path / "new.py").touch()
    (tmp_path / "package.json").write_text("{}")
    assert package_json.main(["--check"]) == 1
    assert "is not up to date" in capsys.readouterr().err


def test_what_it_lists() -> None:
    record = json.loads(package_json.PATH.read_text())
    names = [name for name, _ in record["urls"]]
    assert {"main.py", "reader/__init__.py", "reader/app/reader.py"} <= set(names)
    assert "reader/ports.py" not in names
    assert record["deps"] == [["aioble", aioble.VERSION]]
    for name, source in record["urls"]:
        assert name == source
        assert (package_json.PATH.parent / source).is_file()


def test_the_real_mpremote_installs_from_it(board: ReplBoard, tmp_path: Path) -> None:
    """A part of the list, without aioble, which needs a network; from a folder as from a host."""
    record = json.loads(package_json.PATH.read_text())
    urls = [entry for entry in record["urls"] if entry[0].startswith(("reader/util/", "reader/__init__"))]
    for name, _ in urls:
        copy = tmp_path / "host" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((package_json.PATH.parent / name).read_bytes())
    (tmp_path / "host/package.json").write_text(json.dumps({**record, "urls": urls, "deps": []}))
    port = board.on()
    mpremote = [
        os.path.join(os.path.dirname(sys.executable), "mpremote"),
        "connect",
        port,
        "mip",
        "install",
        "--no-mpy",
    ]
    subprocess.run([*mpremote, str(tmp_path / "host/package.json")], check=True, timeout=120, stdout=subprocess.DEVNULL)
    with Device(port) as device:
        device.enter()
        _, files = device.tree("/lib")
    assert files == {f"/lib/{name}": entry_of((package_json.PATH.parent / name).read_bytes()) for name, _ in urls}
    assert len(files) > 3
