"""Flashing: what it does, each way it can fail, and what an interruption leaves."""

from __future__ import annotations

import errno
import fcntl
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import serial
from typer.testing import CliRunner

from mpos import cli_flash
from mpos.provision import device as devices
from mpos.provision import emv_tables, firmware, flash, manifest
from mpos.provision.device import Code, Device, FlashError
from mpos.provision.firmware import Board
from mpos.provision.flash import Report
from tests.host.provision.bench_device import SOURCES, ReplBoard

Make = Callable[..., Path]
FILES = {"board.mpy", "main.mpy", "reader/large.mpy", "reader/app/version.mpy", "build.txt"}


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash, "START_S", 0.3)
    monkeypatch.setattr(devices, "_PROMPT_TRIES", 2)
    monkeypatch.setattr(devices, "_BYTE_S", 0.2)


def put_on(board: ReplBoard, bench: Board, folder: Path, **options: Any) -> Report:
    with Device(board.port) as device:
        return flash.flash(bench, folder, device, **options)


def refusal(board: ReplBoard, bench: Board, folder: Path, **options: Any) -> FlashError:
    with pytest.raises(FlashError) as caught:
        put_on(board, bench, folder, **options)
    return caught.value


def on_the_device(board: ReplBoard) -> dict[str, tuple[int, str]]:
    """Every file of the device, after a loss of power."""
    board.on()
    with Device(board.port) as device:
        device.enter()
        return device.tree("")[1]


def starts(board: ReplBoard) -> str:
    """What the console says after power-on: the firmware's greeting, or why it does not start."""
    board.on()
    return board.hear("firmware test", ">>> ")


@pytest.mark.parametrize(("rom", "place"), [(0, "/mpos"), (16, "/rom")])
def test_the_firmware_is_put_on_and_runs(board: ReplBoard, bench: Board, make: Make, rom: int, place: str) -> None:
    folder = make()
    board.on(rom=rom)
    report = put_on(board, bench, folder)
    assert (report.place, report.firmware, report.micropython) == (place, "7.8.9", "1.25.0")
    assert report.answer == "imported on the device: version 7.8.9"
    files = on_the_device(board)
    assert {"/boot.py", "/main.py", "/parameters.json", "/installed.json"} <= files.keys()
    if rom == 0:
        built = manifest.load(folder).below("mpy")
        assert {
            name.removeprefix("/mpos/"): entry for name, entry in files.items() if name.startswith("/mpos/")
        } == built
        assert built.keys() >= FILES
    assert not [name for name in files if name.endswith(".new")]
    assert "firmware test" in starts(board)


def test_only_what_changed_is_copied(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on()
    put_on(board, bench, make())
    again = put_on(board, bench, make())
    assert (again.written, again.removed) == ([], [])
    assert again.answer == "imported on the device: version 7.8.9"
    changed = make({"board.py": None, "reader/app/more/__init__.py": "", "reader/device.py": "NAME = 'test'\nX = 1\n"})
    report = put_on(board, bench, changed)
    assert report.written == ["/mpos/build.txt", "/mpos/reader/app/more/__init__.mpy", "/mpos/reader/device.mpy"]
    assert report.removed == ["/mpos/board.mpy"]
    report = put_on(board, bench, make({"board.py": None}))
    assert report.removed == ["/mpos/reader/app/more/__init__.mpy", "/mpos/reader/app/more"]
    assert "firmware test" in starts(board)


def test_only_changed_blocks_of_the_rom(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on(rom=16)
    first = put_on(board, bench, make())
    assert first.bytes_written > 3 * 4096
    assert put_on(board, bench, make()).written == []
    report = put_on(board, bench, make({"reader/large.py": SOURCES["reader/large.py"].replace("0'", "1'")}))
    assert report.written[-1].endswith("blocks of the ROM partition")
    last = make({"main.py": SOURCES["main.py"] + "# no more\n"})
    assert put_on(board, bench, last).bytes_written < first.bytes_written
    assert "firmware test" in starts(board)


def test_a_rom_that_is_erased_as_a_whole(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on(rom=16, erase="whole")
    put_on(board, bench, make())
    assert "firmware test" in starts(board)
    assert put_on(board, bench, make()).written == []
    changed = make({"board.py": "PARTS = 4\n"})
    assert put_on(board, bench, changed).written == ["1 blocks of the ROM partition"]
    assert "firmware test" in starts(board)


def test_from_files_to_rom_and_back(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on(rom=16)
    folder = make()
    assert put_on(board, bench, folder, rom=False).place == "/mpos"
    assert put_on(board, bench, folder).place == "/rom"
    assert not [name for name in on_the_device(board) if name.startswith("/mpos")]
    assert put_on(board, bench, folder, rom=False).place == "/mpos"
    assert "firmware test" in starts(board)


def test_the_parameters_of_the_device_stay(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on()
    put_on(board, bench, make())
    put_on(board, bench, make(), parameters=b'{"merchant": 1}')
    assert put_on(board, bench, make()).notes[0] == "/parameters.json of the device was left as it is"
    assert on_the_device(board)["/parameters.json"] == manifest.entry_of(b'{"merchant": 1}')


def test_the_tables_of_the_device_stay(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on()
    mine = emv_tables.build(capks=[])
    put_on(board, bench, make(), tables=mine)
    assert "/emv.tlv of the device was left as it is" in put_on(board, bench, make()).notes
    assert on_the_device(board)["/emv.tlv"] == manifest.entry_of(mine)


def test_the_command_puts_tables_on(board: ReplBoard, bench: Board, make: Make, tmp_path: Path) -> None:
    """With the exit code and the notes of a person's flash."""
    board.on()
    file = tmp_path / "mine.tlv"
    for test, said in ((False, False), (True, True)):
        file.write_bytes(emv_tables.build(capks=emv_tables.published_capks(test)[:2]))
        arguments = ["--board", "bench", "--port", board.port, "--build", str(make()), "--tables", str(file), "--json"]
        done = CliRunner().invoke(cli_flash.app, ["flash", *arguments])
        assert done.exit_code == 0, done.output
        report = json.loads(done.stdout)
        assert "/emv.tlv" in report["written"]
        assert (f"2 keys of test cards are in {file}: not for a reader that handles money" in report["notes"]) == said
    assert on_the_device(board)["/emv.tlv"] == manifest.entry_of(file.read_bytes())


def test_another_image_behind_the_marker_is_not_started(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on()
    put_on(board, bench, make())
    with Device(board.port) as device:
        device.enter()
        device.put("/mpos/build.txt", b"0" * 64)
    assert "no whole firmware is installed" in starts(board)


@pytest.mark.parametrize("marker", [b"", b"[]", b"{}", b'{"place": "/mp', b'{"place": "/none", "build": "1"}'])
def test_a_broken_marker_starts_nothing(board: ReplBoard, bench: Board, make: Make, marker: bytes) -> None:
    board.on()
    put_on(board, bench, make())
    with Device(board.port) as device:
        device.enter()
        device.put("/installed.json", marker)
    assert "no whole firmware is installed" in starts(board)


# --- a device that is not the right one


@pytest.mark.parametrize(
    ("settings", "code", "text"),
    [
        ({"says": ""}, Code.NO_PROMPT, "says nothing"),
        ({"says": "$GNRMC,1"}, Code.NO_PROMPT, "$GNRMC,1): is it the right port?"),
        ({"name": "circuitpython"}, Code.NO_PROMPT, "runs circuitpython, not MicroPython"),
        ({"version": [1, 24, 1]}, Code.VERSION, "runs MicroPython 1.24.1; 1.25 or newer is needed"),
        ({"version": [1, 30, 0], "mpy": 0x0407}, Code.VERSION, "loads .mpy files of version 7.0, this build's are 6.3"),
        ({"platform": "rp2"}, Code.ARCHITECTURE, "the device is a rp2"),
        ({"machine": "Generic with ESP32C3"}, Code.ARCHITECTURE, "'Generic with ESP32C3'; the board bench has X86"),
        ({"mpy": 0x2F06}, Code.ARCHITECTURE, "native code for rv32imc, this build is for x86"),
        ({"mpy": 0x1706}, Code.ARCHITECTURE, "native code for another processor"),
        ({"frozen": True}, Code.DEVICE, "frozen into it"),
        ({"blocks": 16}, Code.SPACE, "too little space on the device"),
    ],
)
def test_another_device(
    board: ReplBoard, bench: Board, make: Make, settings: dict[str, Any], code: Code, text: str
) -> None:
    board.on(**settings)
    error = refusal(board, bench, make())
    assert (error.code, text in str(error)) == (code, True), str(error)
    if settings.get("says") is None:
        assert on_the_device(board) == {}  # nothing was touched


def test_a_rom_partition_that_is_too_small(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on(rom=1)
    error = refusal(board, bench, make(), rom=True)
    assert (error.code, "too small: of 4,096 bytes" in str(error)) == (Code.SPACE, True)
    assert put_on(board, bench, make()).place == "/mpos"


def test_no_rom_partition(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on()
    assert "there is none" in str(refusal(board, bench, make(), rom=True))


def test_a_build_for_another_board(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on()
    error = refusal(board, bench, make(board="m35"))
    assert (error.code, "is a build for m35, not for bench" in str(error)) == (Code.BUILD, True)


def test_no_aioble(board: ReplBoard, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    radio = Board("bench", "x86", "linux", (), (), ble=True)
    monkeypatch.setitem(firmware.BOARDS, "bench", radio)
    board.on()
    error = refusal(board, radio, make())
    assert (error.code, "mip install aioble" in str(error)) == (Code.DEVICE, True)
    assert "no whole firmware is installed" in starts(board)
    with Device(board.port) as device:
        device.enter()
        device.mkdir("/lib")
        device.put("/lib/aioble.py", b"")
    put_on(board, radio, make())
    assert "firmware test" in starts(board)


# --- a port that is not the right one


def test_no_such_port() -> None:
    with pytest.raises(FlashError, match="there is no port /dev/ttyNONE") as caught:
        Device("/dev/ttyNONE")
    assert caught.value.code == Code.PORT


def test_a_port_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(FlashError, match="cannot be opened as a serial port") as caught:
        Device(str(path))
    assert caught.value.code == Code.PORT
    with pytest.raises(FlashError, match="there is no port nonsense://1"):
        Device("nonsense://1")


def test_a_busy_port(board: ReplBoard) -> None:
    port = board.on()
    with open(port, "rb", buffering=0) as other:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as terminal programs do
        with pytest.raises(FlashError, match="used by another program") as caught:
            Device(port)
    assert caught.value.code == Code.BUSY
    Device(port).__exit__(None, None, None)


def test_no_permission(board: ReplBoard, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(errno.EACCES, "could not open port")

    port = board.on()
    monkeypatch.setattr(serial, "serial_for_url", refuse)  # root may open everything
    monkeypatch.setattr(serial, "Serial", refuse)
    with pytest.raises(FlashError, match=r"no permission for .*group") as caught:
        Device(port)
    assert caught.value.code == Code.PERMISSION


# --- what goes wrong on the way


def test_a_file_that_reads_back_wrong(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on(worn="PARTS")
    error = refusal(board, bench, make())
    assert (error.code, str(error).startswith("/mpos/board.mpy reads back other")) == (Code.READ_BACK, True)
    assert "no whole firmware is installed" in starts(board)
    board.on(worn="")
    put_on(board, bench, make())
    assert "firmware test" in starts(board)


def test_a_rom_that_reads_back_wrong(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on(rom=16, worn="PARTS")
    error = refusal(board, bench, make())
    assert (error.code, str(error).startswith("the ROM partition reads back other")) == (Code.READ_BACK, True)
    assert "no whole firmware is installed" in starts(board)


def test_a_firmware_that_cannot_be_imported(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on()
    error = refusal(board, bench, make({"reader/__init__.py": "import nothing_of_this_name\n"}))
    assert (error.code, "no module named 'nothing_of_this_name'" in str(error)) == (Code.NO_ANSWER, True)
    assert "no whole firmware is installed" in starts(board)


def test_a_firmware_of_another_version(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on()
    error = refusal(board, bench, make({"reader/app/version.py": "VERSION = '1.0'\n"}))
    assert (error.code, "has version 1.0" in str(error)) == (Code.NO_ANSWER, True)


def test_a_firmware_that_ends(board: ReplBoard, bench: Board, make: Make) -> None:
    board.on()
    error = refusal(board, bench, make({"main.py": "raise ValueError('no such part')\n"}))
    assert (error.code, "ValueError: no such part" in str(error)) == (Code.NO_ANSWER, True)


# --- interruptions


class Cut(Exception):
    """The other end of the test: power is gone at this step."""


@pytest.mark.parametrize("rom", [0, 16])
def test_power_cut_at_every_step(board: ReplBoard, bench: Board, make: Make, rom: int, tmp_path: Path) -> None:
    """From the old firmware to a new one, cut at step 1, 2, 3 ... until it gets through: it is the old one, the new
    one, or a device at its prompt, and it can always be flashed."""
    old = make()
    new = make({"reader/device.py": "NAME = 'test two'\n", "board.py": None, "reader/more.py": "MORE = 1\n"})
    tables = [emv_tables.build(capks=[]), emv_tables.build(capks=emv_tables.published_capks(test=True)[:2])]
    board.on(rom=rom)
    put_on(board, bench, old, tables=tables[0])
    board.off()
    before = (tmp_path / "flash").read_bytes()
    steps: list[str] = []
    ends = set()
    tables_kept = set()
    for cut_at in range(1, 200):
        board.off()
        (tmp_path / "flash").write_bytes(before)
        board.on()
        seen = 0

        def cut(what: str, name: str, done: int, total: int, at: int = cut_at) -> None:
            nonlocal seen
            seen += 1
            if seen == at:
                steps.append(f"{what} {name} {done}")
                board.off()

        try:
            put_on(board, bench, new, tables=tables[1], progress=cut)
            break
        except FlashError as error:
            assert error.code == Code.LOST, (steps[-1], str(error))
        said = starts(board)
        ends.add(end := _which(said))
        removed = [n for n, step in enumerate(steps) if step.startswith("removing /installed.json")]
        # How many steps there are depends on the line's pace, so that the one before may have been passed over
        whole = [n for n, step in enumerate(steps) if step.startswith(("installed", "starting"))]
        assert end == ("new" if whole else "old" if not removed or cut_at - 1 == removed[0] else "none"), steps[-1]
        # Never half a file, in whichever state the firmware is
        kept = on_the_device(board)["/emv.tlv"]
        assert kept in map(manifest.entry_of, tables), steps[-1]
        tables_kept.add(kept)
        put_on(board, bench, new, tables=tables[1])
        assert _which(starts(board)) == "new", steps[-1]
    assert len(tables_kept) == len(tables)
    assert ends == {"old", "none", "new"}
    assert len(steps) > 12
    assert any(step.startswith("writing " + ("ROM" if rom else "/mpos/reader/more.mpy")) for step in steps)


def _which(said: str) -> str:
    if "no whole firmware is installed" in said:
        return "none"
    return "new" if "firmware test two" in said else "old" if "firmware test" in said else said


def test_the_cable_is_pulled_within_a_file(
    board: ReplBoard, bench: Board, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    board.on()
    folder = make()
    sent = 0
    run = Device.run

    def pulled(self: Device, code: str, *rest: Any) -> str:
        nonlocal sent
        if code.startswith("f.write("):
            sent += 1
            if sent == 6:
                board.off()
        return run(self, code, *rest)

    monkeypatch.setattr(Device, "run", pulled)
    error = refusal(board, bench, folder)
    assert (error.code, "is the cable in?" in str(error)) == (Code.LOST, True)
    monkeypatch.undo()
    assert "no whole firmware is installed" in starts(board)
    assert any(name.endswith(".new") for name in on_the_device(board))
    put_on(board, bench, folder)
    assert not any(name.endswith(".new") for name in on_the_device(board))
    assert "firmware test" in starts(board)


def test_the_device_hangs(board: ReplBoard, bench: Board, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "_RUN_S", 0.5)
    monkeypatch.setattr(devices, "_ANSWER_S", 0.5)
    board.on()

    def hang(what: str, name: str, done: int, total: int) -> None:
        if name.endswith("board.mpy"):
            board.freeze()

    assert refusal(board, bench, make(), progress=hang).code == Code.LOST
    assert "no whole firmware is installed" in starts(board)


def test_the_tool_is_killed(board: ReplBoard, bench: Board, make: Make) -> None:
    """The device goes on with power; whoever flashed it is gone in the middle of a file."""
    board.on()

    def stop(what: str, name: str, done: int, total: int) -> None:
        if name.endswith("large.mpy") and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        put_on(board, bench, make(), progress=stop)
    put_on(board, bench, make())
    assert "firmware test" in starts(board)


def test_a_damaged_build(make: Make) -> None:
    folder = make()
    (folder / "mpy/board.mpy").write_bytes(b"M")
    with pytest.raises(manifest.ManifestError, match="are not those of its"):
        manifest.load(folder)
    record = json.loads((folder / manifest.NAME).read_text())
    (folder / manifest.NAME).write_text(json.dumps(record | {"format": 9}))
    with pytest.raises(manifest.ManifestError, match="another version of this tool"):
        manifest.load(folder)
    (folder / manifest.NAME).write_text("{}")
    with pytest.raises(manifest.ManifestError, match="holds no firmware build"):
        manifest.load(folder)
