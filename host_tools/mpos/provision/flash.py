"""Put a firmware build on a device, so that whatever interrupts it leaves a device that can be flashed again.

1. /installed.json goes first: from here on nothing on the device is believed to be a whole firmware
2. boot.py and main.py, which start nothing without that file
3. files that are no longer used go, changed ones are written beside, read back and renamed;
   or the changed blocks of the ROM partition, the first block last: half an image is never mounted
4. everything is hashed once more on the device, the firmware's version is asked for
5. /installed.json, and a reset
"""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mpos.provision import manifest as manifests
from mpos.provision.device import CHUNK, Code, Device, FlashError, Info, Refused, Rom, read_back_mismatch
from mpos.provision.firmware import ARCH_NUMBERS, BUILD_FILE, Board
from mpos.provision.manifest import Manifest, entry_of

INSTALLED = "/installed.json"
PARAMETERS = "/parameters.json"
TABLES = "/emv.tlv"
_OWN = (PARAMETERS, TABLES)  # the merchant's: what a device has stays, unless another one is given
FILES_PLACE = "/mpos"
ROM_PLACE = "/rom"
OLDEST = (1, 25)
START_S = 4.0  # for a firmware that does not start to fall back to the prompt
_MARGIN_BLOCKS = 4  # of the file system, for its own bookkeeping
_DIRECTORY_BLOCKS = 2  # LittleFS: a metadata pair

# (what is being done, to what, bytes done, bytes in all)
Progress = Callable[[str, str, int, int], None]


@dataclass
class Report:
    board: str
    firmware: str
    build: str
    place: str
    micropython: str
    answer: str = ""
    written: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    bytes_written: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)


def check_device(board: Board, manifest: Manifest, info: Info) -> None:
    """Raises FlashError unless this build can run on that device."""
    if info.name != "micropython":
        raise FlashError(Code.NO_PROMPT, f"the device runs {info.name}, not MicroPython")
    version = ".".join(map(str, info.version))
    if info.version[:2] < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise FlashError(
            Code.VERSION, f"the device runs MicroPython {version}; {oldest} or newer is needed: install it with esptool"
        )
    if info.platform != board.platform:
        raise FlashError(
            Code.ARCHITECTURE,
            f"the device is a {info.platform} ({info.machine}); the board {board.name} is a {board.platform}",
        )
    # "BOARD with CHIP", as every port says it
    chip = info.machine.rsplit(" with ", 1)[-1].replace("-", "").upper()
    if board.chips and chip not in board.chips:
        raise FlashError(
            Code.ARCHITECTURE, f"the device is {info.machine!r}; the board {board.name} has {' or '.join(board.chips)}"
        )
    arch = info.mpy >> 10 & 0x0F
    if arch != ARCH_NUMBERS[manifest.arch]:
        known = {number: name for name, number in ARCH_NUMBERS.items()}
        raise FlashError(
            Code.ARCHITECTURE,
            f"the device runs native code for {known.get(arch, 'another processor')}, this build is for {manifest.arch}",
        )
    mpy = f"{info.mpy & 0xFF}.{info.mpy >> 8 & 3}"
    if mpy != manifest.mpy:
        raise FlashError(
            Code.VERSION,
            f"MicroPython {version} on the device loads .mpy files of version {mpy}, this build's are {manifest.mpy}: "
            f"install MicroPython {manifest.micropython}",
        )
    if info.frozen:
        raise FlashError(
            Code.DEVICE,
            "the MicroPython of the device has a firmware of its own frozen into it, which would run in place of this "
            "one: install one without (boards' manifest.py), or leave it as it is",
        )
    if not info.has_sha256 or not info.block:
        what = "no SHA-256" if not info.has_sha256 else "no file system at /"
        raise FlashError(Code.DEVICE, f"the device has {what}: install MicroPython's release for the board")


def flash(
    board: Board,
    folder: Path,
    device: Device,
    *,
    rom: bool | None = None,
    parameters: bytes | None = None,
    tables: bytes | None = None,
    progress: Progress = lambda what, name, done, total: None,
) -> Report:
    """Install the build in `folder`. `rom`: into the ROM partition; None: there if the device has one that is enough.

    `parameters`, `tables`: the device's own parameter file, and its file of applications and keys. Without them existing
    ones stay, and the build's are used where there is none. Raises FlashError, manifest.ManifestError.
    """
    started = time.monotonic()
    manifest = manifests.load(folder)
    if manifest.board != board.name:
        raise FlashError(Code.BUILD, f"{folder} is a build for {manifest.board}, not for {board.name}")
    progress("looking", device.port, 0, 0)
    device.enter()
    info = device.probe()
    check_device(board, manifest, info)
    if manifest.release:
        _check_for_release(device, rom, info)
    use = _rom_to_use(manifest, info, rom)
    report = Report(
        board.name,
        manifest.firmware,
        manifest.build,
        ROM_PLACE if use else FILES_PLACE,
        ".".join(map(str, info.version)),
    )
    own = {name: data for name, data in ((PARAMETERS, parameters), (TABLES, tables)) if data is not None}
    _Flash(board, manifest, folder, device, info, use, own, progress, report).run()
    report.seconds = time.monotonic() - started
    return report


def _check_for_release(device: Device, rom: bool | None, info: Info) -> None:
    """A release has no prompt before it, and no files beside it: that is for the device's own MicroPython to keep."""
    if rom is False or info.rom is None:
        raise FlashError(
            Code.DEVICE, "a release runs from a ROM partition only: leave --files out, or take a device with one"
        )
    try:
        device.run("import mpos_boot")
    except Refused:
        raise FlashError(
            Code.DEVICE,
            "the device's MicroPython gives a prompt before the firmware starts: a release needs the one that is built "
            "from boards/ (its README says how); flash a build without --release",
        ) from None


def _rom_to_use(manifest: Manifest, info: Info, wanted: bool | None) -> Rom | None:
    size = manifest.files["romfs.img"].size
    enough = info.rom is not None and info.rom.size >= size
    if wanted and not enough:
        has = f"of {info.rom.size:,} bytes, the image has {size:,}" if info.rom else "there is none"
        raise FlashError(Code.SPACE, f"the ROM partition of the device is too small: {has}. Try --files")
    return info.rom if enough and wanted is not False else None


class _Flash:
    def __init__(
        self,
        board: Board,
        manifest: Manifest,
        folder: Path,
        device: Device,
        info: Info,
        rom: Rom | None,
        own: dict[str, bytes],
        progress: Progress,
        report: Report,
    ):
        self.board = board
        self.manifest = manifest
        self.folder = folder
        self.device = device
        self.info = info
        self.rom = rom
        self.progress = progress
        self.report = report
        self.root = {"/" + name: (folder / "root" / name).read_bytes() for name in manifest.below("root")}
        self.given = own
        self.root |= own
        self.files: dict[str, bytes] = {}
        if rom is None:
            self.files = {
                f"{FILES_PLACE}/{name}": (folder / "mpy" / name).read_bytes() for name in manifest.below("mpy")
            }

    def run(self) -> None:
        device = self.device
        self.progress("comparing", "what is on the device", 0, 0)
        folders, present = device.tree(FILES_PLACE)
        present |= {path: entry for path in {*self.root, *_OWN} if (entry := device.entry(path))}
        for name in _OWN:
            if name in present and name not in self.given:
                del present[name]
                self.root.pop(name, None)
                self.report.notes.append(f"{name} of the device was left as it is")
        wanted = self.root | self.files
        changed = [path for path, data in wanted.items() if present.get(path) != tuple(entry_of(data))]
        stale = [path for path in present if path not in wanted]
        wanted_folders = {str(parent) for path in self.files for parent in Path(path).parents if str(parent) != "/"}
        new_folders = sorted(wanted_folders - folders)
        image = (self.folder / "romfs.img").read_bytes() if self.rom else b""
        blocks = self._changed_blocks(image) if self.rom else []
        self._check_space(changed, stale, present, len(new_folders))

        marker = json.dumps(
            {"place": self.report.place, "build": self.manifest.build, "board": self.manifest.board,
             "firmware": self.manifest.firmware}
        ).encode() + b"\n"  # fmt: skip
        if changed or stale or blocks or device.entry(INSTALLED) != tuple(entry_of(marker)):
            self._say("removing", INSTALLED)
            device.remove(INSTALLED)
            for path in (INSTALLED, *self.root, *_OWN):
                device.remove(path + ".new")  # of a flash that was interrupted
            self._write([path for path in changed if path in self.root])
            self._remove(stale, sorted(folders - wanted_folders, reverse=True))
            for path in new_folders:
                device.mkdir(path)
            self._write([path for path in changed if path not in self.root])
            if self.rom and blocks:
                self._write_rom(self.rom, image, blocks)
            self._verify(wanted, image)
            self._ask_version()
            self._say("writing", INSTALLED)
            device.put(INSTALLED, marker)
            self._say("installed", INSTALLED)
        else:
            self._ask_version()
        self._start()

    def _say(self, what: str, name: str, done: int = 0, total: int = 0) -> None:
        self.progress(what, name, done, total)

    def _check_space(
        self, changed: list[str], stale: list[str], present: dict[str, tuple[int, str]], folders: int
    ) -> None:
        """Raises FlashError before anything is touched. A file's old version stays until the new one is whole."""
        block = self.info.block

        def blocks(size: int) -> int:
            return -(-size // block)

        wanted = self.root | self.files
        used = _MARGIN_BLOCKS + _DIRECTORY_BLOCKS * folders - sum(blocks(present[path][0]) for path in stale)
        most = used
        for path in changed:
            used += blocks(len(wanted[path]))
            most = max(most, used)
            used -= blocks(present[path][0]) if path in present else 0
        if most > self.info.free:
            raise FlashError(
                Code.SPACE,
                f"too little space on the device: {most * block:,} bytes are needed, {self.info.free * block:,} are "
                "free. Nothing was changed; remove files of your own, or use a ROM partition (--romfs)",
            )

    def _write(self, paths: list[str]) -> None:
        wanted = self.root | self.files
        total = sum(len(wanted[path]) for path in paths)
        before = 0
        for path in paths:
            self._say("writing", path, before, total)
            self.device.put(path, wanted[path], lambda sent, p=path, b=before: self._say("writing", p, b + sent, total))  # type: ignore[misc]
            before += len(wanted[path])
            self.report.written.append(path)
        self.report.bytes_written += total

    def _remove(self, files: list[str], folders: list[str]) -> None:
        for path in files + folders:
            self._say("removing", path)
            self.device.remove(path)
            self.report.removed.append(path)

    def _changed_blocks(self, image: bytes) -> list[int]:
        """Numbers of the pieces that differ; a partition that is erased as a whole is one piece."""
        assert self.rom is not None
        step = self.rom.block or len(image)
        found = self.device.rom_hashes(len(image), step)
        wanted = [entry_of(image[offset : offset + step]).sha256 for offset in range(0, len(image), step)]
        return [number for number, (a, b) in enumerate(zip(found, wanted, strict=True)) if a != b]

    def _write_rom(self, rom: Rom, image: bytes, blocks: list[int]) -> None:
        """The first block is erased first and written last: until then the image cannot be mounted."""
        step = rom.block or len(image)
        total = sum(len(image[number * step : (number + 1) * step]) for number in blocks)
        self.device.rom_begin()
        if rom.block:
            blocks = [number for number in blocks if number] + [0]
            self.device.rom_erase(0)
        else:
            self.device.rom_erase_all(len(image))
        done = 0
        for number in blocks:
            if rom.block and number:
                self.device.rom_erase(number)
            piece = range(number * step, min((number + 1) * step, len(image)), CHUNK)
            for offset in [*piece[1:], piece[0]]:
                self._say("writing", f"ROM at {offset}", done, total)
                self.device.rom_write(rom, offset, image[offset : min(offset + CHUNK, (number + 1) * step)])
                done += CHUNK
        self.device.rom_end(rom)
        self.report.written.append(f"{len(blocks)} blocks of the ROM partition")
        self.report.bytes_written += total

    def _verify(self, wanted: dict[str, bytes], image: bytes) -> None:
        """Everything, once more, as it lies on the device now."""
        self._say("verifying", "every file")
        _, present = self.device.tree(FILES_PLACE)
        present |= {path: entry for path in self.root if (entry := self.device.entry(path))}
        for path, data in wanted.items():
            if present.get(path) != tuple(entry_of(data)):
                raise read_back_mismatch(path)
        if self.rom and self.device.rom_hashes(len(image), len(image)) != [entry_of(image).sha256]:
            raise read_back_mismatch("the ROM partition")

    def _ask_version(self) -> None:
        """The installed firmware's own version, imported from where it lies, after a reset that mounts it."""
        self._say("asking", "the firmware's version")
        self.device.enter()
        place = self.report.place
        code = (
            f"import sys\nsys.path[:] = [{place!r}, '.frozen', '/lib']\n"
            f"print(repr(open({place + '/' + BUILD_FILE!r}).read()))\n"
            "from reader.app.version import VERSION\nprint(repr(VERSION))"
        )
        try:
            build, version = map(ast.literal_eval, self.device.run(code).splitlines())
        except Refused as error:
            raise FlashError(Code.NO_ANSWER, f"the firmware cannot be imported on the device: {error.said}") from None
        if (build, version) != (self.manifest.build, self.manifest.firmware):
            raise FlashError(
                Code.NO_ANSWER,
                f"the device has version {version}, {build[:12]}, after {self.manifest.firmware} was put on",
            )
        self.report.answer = f"imported on the device: version {version}"
        if self.board.ble and self.manifest.aioble is None:
            try:
                self.device.run("import aioble")
            except Refused as error:
                raise FlashError(
                    Code.DEVICE,
                    f"aioble is not on the device ({error.said}), and this build is without it. "
                    f"With a network: mpremote connect {self.device.port} mip install aioble; then flash again",
                ) from None

    def _start(self) -> None:
        """Reset, and see that the firmware keeps running: one that ends leaves the prompt on the console."""
        self._say("starting", "the firmware")
        self.device.restart()
        said = self.device.watch(START_S, b">>> ")
        if b">>> " in said:
            lines = [line for line in said.decode("utf-8", "replace").splitlines() if "Error" in line or "Exit" in line]
            raise FlashError(
                Code.NO_ANSWER,
                f"the firmware is installed but does not keep running: {lines[-1].strip() if lines else 'it ended'}",
            )
        self.report.notes.append(f"no prompt on the console within {START_S:.0f} s after the reset: it runs")
