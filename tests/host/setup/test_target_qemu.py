"""`make setup TARGET=qemu`: when it is done, which tools it takes, what it says when they do not do."""

import json
import os
from pathlib import Path

import pytest

from boards.toolchain import places, qemu, riscv
from boards.toolchain.apt_state import AptState
from boards.toolchain.say import SetupError


def _program(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{says}\n")
    path.chmod(0o755)
    return path


def _tools(folder: Path, qemu_version: str = "7.2.22", gcc_version: str = "12.2.0", specs: str = "/the/specs") -> None:
    _program(folder, "qemu-system-riscv32", f"echo 'QEMU emulator version {qemu_version} (Debian 1:7.2+dfsg-7)'")
    answer = f"case $1 in --version) echo 'riscv64-unknown-elf-gcc () {gcc_version}';; *) echo {specs};; esac"
    _program(folder, "riscv64-unknown-elf-gcc", answer)


def test_wanted_when_named_and_ever_after(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "QEMU_NOTE", tmp_path / "note.json")
    assert not qemu.is_wanted({})
    assert qemu.is_wanted({"TARGET": "qemu"})
    places.write_json(places.QEMU_NOTE, {"key": "of last week"})
    assert qemu.is_wanted({})


def test_no_such_target() -> None:
    with pytest.raises(SetupError, match=r"(?s)no target 'qmeu'.*TARGET=qemu"):
        qemu.is_wanted({"TARGET": "qmeu"})


@pytest.mark.parametrize("missing", ["emulator", "firmware", "mpy_cross"])
def test_what_was_deleted_is_made_again(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "QEMU_NOTE", tmp_path / "note.json")
    assert not qemu.is_warm(tmp_path)
    there = dict.fromkeys(("emulator", "firmware", "mpy_cross"), __file__)
    places.write_json(places.QEMU_NOTE, {"key": qemu.key(tmp_path), **there})
    assert qemu.is_warm(tmp_path)
    places.write_json(places.QEMU_NOTE, {"key": qemu.key(tmp_path), **there, missing: str(tmp_path / "gone")})
    assert not qemu.is_warm(tmp_path)
    places.write_json(places.QEMU_NOTE, {"key": "of another recipe", **there})
    assert not qemu.is_warm(tmp_path)


def test_the_machines_own_tools(tmp_path: Path) -> None:
    _tools(tmp_path)
    tools = riscv.machine_tools(str(tmp_path))
    assert tools is not None
    assert tools.emulator == tmp_path / "qemu-system-riscv32"
    assert tools.compiler_prefix == f"{tmp_path}/riscv64-unknown-elf-"
    assert tools.specs == Path("/the/specs")


@pytest.mark.parametrize("lack", [{"qemu_version": "7.1.0"}, {"gcc_version": "11.4.0"}, {"specs": "picolibc.specs"}])
def test_tools_of_the_machine_that_do_not_do(lack: dict[str, str], tmp_path: Path) -> None:
    _tools(tmp_path, **lack)
    assert riscv.machine_tools(str(tmp_path)) is None


@pytest.mark.parametrize("missing", ["qemu-system-riscv32", "riscv64-unknown-elf-gcc"])
def test_tools_that_the_machine_lacks(missing: str, tmp_path: Path) -> None:
    _tools(tmp_path)
    (tmp_path / missing).unlink()
    assert riscv.machine_tools(str(tmp_path)) is None


class _Archive(AptState):
    """Debian's archive, as far as this needs it: packages whose programs say their version, or fail."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails
        self.asked: list[str] = []

    def unpack_missing(self, names: list[str], into: Path, status: Path = Path("/none")) -> None:
        self.asked += names
        _tools(into / "usr" / "bin", specs="/unused")
        if self.fails:
            _program(into / "usr" / "bin", "qemu-system-riscv32", "exit 127")
        (into / "usr" / "share" / "qemu").mkdir(parents=True)
        for folder in ("usr/lib/x86_64-linux-gnu", "usr/lib/gcc/plugin", "lib/x86_64-linux-gnu"):
            (into / folder).mkdir(parents=True)
            (into / folder / "libslirp.so.0").touch()
        _program(into / "usr" / "bin", "qemu-system-avr", "exit 1")
        for variant in ("rv32im", "rv64imac"):
            (into / "usr/lib/picolibc/riscv64-unknown-elf/lib" / variant).mkdir(parents=True)
        (into / "usr/share/doc/qemu-system-misc").mkdir(parents=True)
        specs = into / "usr/lib/picolibc/riscv64-unknown-elf/picolibc.specs"
        specs.write_text("-isystem /usr/lib/picolibc/riscv64-unknown-elf/include -L/usr/lib/picolibc/lib\n")


def test_fetched_once_into_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(riscv, "machine_tools", lambda: None)
    archive = _Archive()
    tools = riscv.ensure(tmp_path, archive)
    assert archive.asked == riscv.PACKAGES
    assert riscv.ensure(tmp_path, archive) == tools
    assert archive.asked == riscv.PACKAGES  # not again
    (folder,) = tmp_path.iterdir()
    assert tools.emulator == folder / "usr/bin/qemu-system-riscv32"
    assert tools.emulator_arguments == ["-L", f"{folder}/usr/share/qemu"]
    assert tools.compiler_prefix == f"{folder}/usr/bin/riscv64-unknown-elf-"
    libraries = [f"{folder}/lib/x86_64-linux-gnu", f"{folder}/usr/lib/x86_64-linux-gnu"]
    assert tools.environment["LD_LIBRARY_PATH"].split(os.pathsep) == libraries
    assert tools.environment["PATH"].split(os.pathsep)[0] == f"{folder}/usr/bin"
    # gcc is told where the C library is, not where its package wanted to be
    home = f"{folder}/usr/lib/picolibc"
    assert tools.specs.read_text() == f"-isystem {home}/riscv64-unknown-elf/include -L{home}/lib\n"


def test_what_is_for_other_processors_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(riscv, "machine_tools", lambda: None)
    riscv.ensure(tmp_path, _Archive())
    (folder,) = tmp_path.iterdir()
    assert {path.name for path in (folder / "usr/bin").iterdir()} == {"qemu-system-riscv32", "riscv64-unknown-elf-gcc"}
    libraries = folder / "usr/lib/picolibc/riscv64-unknown-elf/lib"
    assert [path.name for path in libraries.iterdir()] == ["rv32im"]
    assert not (folder / "usr/share/doc").exists()


def test_fetched_tools_that_do_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(riscv, "machine_tools", lambda: None)
    with pytest.raises(
        SetupError, match=r"(?s)do not run on this machine.*delete that folder.*apt-get|qemu-system-misc"
    ):
        riscv.ensure(tmp_path, _Archive(fails=True))


def test_what_cannot_be_fetched_can_be_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoDebian(_Archive):
        def unpack_missing(self, names: list[str], into: Path, status: Path = Path("/none")) -> None:
            raise SetupError("This machine is no Debian with apt", "something about a source tree")

    monkeypatch.setattr(riscv, "machine_tools", lambda: None)
    with pytest.raises(
        SetupError, match=r"(?s)could not be fetched. This machine is no Debian.*do: install them.*gcc 12"
    ):
        riscv.ensure(tmp_path, NoDebian())
    assert list(tmp_path.iterdir()) == []  # nothing half-fetched is left


def test_a_board_that_does_not_boot_is_refused(tmp_path: Path) -> None:
    emulator = _program(tmp_path, "qemu", "echo 'qemu: could not load kernel'; exit 1")
    tools = riscv.Tools(emulator, [], "none-", tmp_path)
    with pytest.raises(SetupError, match=r"(?s)does not pass its check: qemu: could not load kernel.*TARGET=qemu"):
        qemu.prove(tools, tmp_path / "firmware.elf", tmp_path)
    with pytest.raises(SetupError, match="does not pass its check"):
        qemu.prove(riscv.Tools(tmp_path / "gone", [], "none-", tmp_path), tmp_path / "firmware.elf", tmp_path)


def test_only_what_the_machine_lacks_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The private apt state, told of the machine's own packages, is asked for the rest, and may not touch anything."""
    home = tmp_path / "apt"
    home.mkdir()
    asked = tmp_path / "asked"
    script = f'printf "%s\\n" "$@" > {asked}\necho "E: Unmet dependencies" >&2\nexit 100'
    _program(tmp_path / "bin", "apt-get", script)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    apt = AptState(home, tmp_path / "logs", {**os.environ})
    with pytest.raises(SetupError, match=r"(?s)qemu-system-misc could not be fetched.*Unmet dependencies"):
        apt.unpack_missing(["qemu-system-misc"], tmp_path / "into", tmp_path / "status")
    words = asked.read_text().split("\n")
    assert {"install", "--download-only", "--no-install-recommends", "qemu-system-misc"} <= set(words)
    assert f"--option=Dir::State::status={tmp_path}/status" in words
    (archives,) = (word for word in words if word.startswith("--option=Dir::Cache::archives="))
    assert archives.split("=", 2)[2].startswith(str(home))


def test_the_note_says_what_the_host_tools_need(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the set-up writes, mpos.provision.toolchain reads; where a file of it is gone, it says what to do."""
    from mpos.provision import toolchain

    note = tmp_path / "note.json"
    monkeypatch.setattr(toolchain, "QEMU_NOTE", note)
    with pytest.raises(toolchain.ToolchainMissing, match="make setup TARGET=qemu"):
        toolchain.qemu()
    with pytest.raises(toolchain.ToolchainMissing, match="make setup TARGET=qemu"):
        toolchain.mpy_cross("rv32imc")
    assert "left out. Run `make setup TARGET=qemu` first" in toolchain.qemu_in_words()
    record = {
        "emulator": __file__,
        "arguments": ["-M", "virt"],
        "environment": {"LD_LIBRARY_PATH": "/libraries"},
        "firmware": __file__,
        "mpy_cross": __file__,
    }
    note.write_text(json.dumps(record))
    found = toolchain.qemu()
    assert found.command == [__file__, "-M", "virt", "-kernel", __file__]
    assert found.environment == {"LD_LIBRARY_PATH": "/libraries"}
    assert toolchain.mpy_cross("rv32imc") == Path(__file__)
    assert toolchain.qemu_in_words() == "emulated microcontroller: there"
    note.write_text(json.dumps({**record, "firmware": str(tmp_path / "gone.elf")}))
    with pytest.raises(toolchain.ToolchainMissing, match=r"gone\.elf is gone. Run `make setup TARGET=qemu` again"):
        toolchain.qemu()
