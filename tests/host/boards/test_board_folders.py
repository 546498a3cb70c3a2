"""The folders that MicroPython's esp32 port builds from: what it reads there is there, and of a form that it accepts."""

from __future__ import annotations

import contextlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

from mpos.provision.compile import TOP
from mpos.provision.constants import Constants
from tests.host.boards.wiring import BOARDS, NAMES

VARIANTS = {"": (4, "esp32"), "S3": (8, "esp32s3"), "S3_N16R8": (16, "esp32s3")}
VARIANTS |= {f"{name}_RELEASE".lstrip("_"): modules for name, modules in VARIANTS.items()}
# In a release nobody can type, or stop the firmware by a key
NO_CONSOLE = ["MICROPY_HW_ENABLE_UART_REPL=0", "MICROPY_KBD_EXCEPTION=0"]
# MicroPython 1.25.0, ports/esp32/boards: the settings that boards share
PORT_SETTINGS = {"sdkconfig." + n for n in ("base", "ble", "usb", "240mhz", "spiram", "spiram_oct", "spiram_sx")}
# MicroPython 1.25.0, tools/autobuild/build-downloads.py
FEATURES = {"BLE", "Display", "External Flash", "External RAM", "Battery Charging"}
JSON_KEYS = {
    "deploy": list,
    "deploy_options": dict,
    "docs": str,
    "features": list,
    "images": list,
    "mcu": str,
    "product": str,
    "thumbnail": str,
    "url": str,
    "variants": dict,
    "vendor": str,
}
# MicroPython 1.25.0, ports/esp32/mpconfigport.h and py/mpconfig.h: what a board may define
DEFINES = {
    "MICROPY_PY___FILE__",
    "MICROPY_HW_BOARD_NAME",
    "MICROPY_HW_MCU_NAME",
    "MICROPY_VFS_ROM",
    "MICROPY_PY_NETWORK_WLAN",
    "MICROPY_PY_ESPNOW",
    "MICROPY_HW_ENABLE_UART_REPL",
    "MICROPY_PY_CRYPTOLIB_CTR",
}


class Cmake:
    """As much of CMake as these files use. Anything else in them is an AssertionError."""

    def __init__(self, board: str):
        self.values = {
            "MICROPY_BOARD_DIR": str(BOARDS / board),
            "CMAKE_BINARY_DIR": "build",
            "SDKCONFIG_DEFAULTS": "",
            "MICROPY_DEF_BOARD": "",
        }
        self.macros: dict[str, tuple[list[str], str]] = {}
        self.made: dict[str, str] = {}  # file to what was written into it

    def run(self, path: Path) -> Cmake:
        self._run(path.read_text(encoding="utf-8"), str(path.parent), {})
        return self

    def list(self, name: str) -> list[str]:
        return self.values[name].split()

    def _run(self, text: str, folder: str, given: dict[str, str]) -> None:
        text = re.sub(r"^\s*#.*$", "", text, flags=re.MULTILINE)
        for macro in re.finditer(r"macro\((\w+)([^)]*)\)(.*?)endmacro\(\)", text, re.DOTALL):
            self.macros[macro[1]] = (macro[2].split(), macro[3])
        text = re.sub(r"macro\(.*?endmacro\(\)", "", text, flags=re.DOTALL)
        for command, arguments in re.findall(r"(\w+)\(([^)]*)\)", text):
            words = [self._expand(word, folder, given) for word in arguments.split()]
            if command == "set":
                self.values[words[0]] = " ".join(words[1:])
            elif command == "list":
                assert words[0] == "APPEND"
                self.values[words[1]] = " ".join([self.values[words[1]], *words[2:]]).strip()
            elif command == "include":
                self.run(Path(words[0]))
            elif command == "configure_file":
                assert words[2:] == ["@ONLY"]
                source = Path(words[0]).read_text(encoding="utf-8")
                self.made[words[1]] = re.sub(r"@(\w+)@", lambda name: self.values[name[1]], source)
            else:
                names, body = self.macros[command]
                self._run(body, folder, dict(zip(names, words, strict=True)))
        left = re.sub(r"\w+\([^)]*\)", "", text).strip()
        assert not left, f"not a command: {left}"

    def _expand(self, word: str, folder: str, given: dict[str, str]) -> str:
        known = {**self.values, "CMAKE_CURRENT_LIST_DIR": folder, **given}
        return re.sub(r"\$\{(\w+)\}", lambda name: known[name[1]], word)


def configured(board: str, variant: str) -> Cmake:
    cmake = Cmake(board).run(BOARDS / board / "mpconfigboard.cmake")
    return cmake.run(BOARDS / board / f"mpconfigvariant_{variant}.cmake") if variant else cmake


def settings(cmake: Cmake) -> dict[str, str]:
    """The CONFIG_ values of this project's own files, in the order in which they win."""
    values: dict[str, str] = {}
    for name in cmake.list("SDKCONFIG_DEFAULTS"):
        if name.startswith("boards/"):
            assert name.removeprefix("boards/") in PORT_SETTINGS, f"{name} is no file of the port"
            continue
        text = cmake.made[name] if name in cmake.made else Path(name).read_text(encoding="utf-8")
        assert text.endswith("\n"), f"{name}: the port joins the files as they are"
        for line in text.splitlines():
            if line and not line.startswith("#"):
                match = re.fullmatch(r'(CONFIG_[A-Z0-9_]+)=(y|n|\d+|"[^"\n]*")', line)
                assert match, f"{name}: {line}"
                values[match[1]] = match[2]
    return values


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("board", NAMES)
def test_cmake_and_sdkconfig(board: str, variant: str) -> None:
    size, target = VARIANTS[variant]
    cmake = configured(board, variant)
    assert cmake.values.get("IDF_TARGET", "esp32") == target
    is_release = variant.endswith("RELEASE")
    name = ['MICROPY_HW_MCU_NAME="ESP32S3"'] if target == "esp32s3" else []
    assert cmake.list("MICROPY_DEF_BOARD") == name + (NO_CONSOLE if is_release else [])
    manifest = "manifest_release.py" if is_release else "manifest.py"
    assert Path(cmake.values["MICROPY_FROZEN_MANIFEST"]) == BOARDS / board / manifest
    assert cmake.list("SDKCONFIG_DEFAULTS")[:2] == ["boards/sdkconfig.base", "boards/sdkconfig.ble"]
    assert ("boards/sdkconfig.spiram_oct" in cmake.list("SDKCONFIG_DEFAULTS")) == ("R8" in variant)
    values = settings(cmake)
    table = Path(values["CONFIG_PARTITION_TABLE_CUSTOM_FILENAME"].strip('"'))
    assert values["CONFIG_PARTITION_TABLE_CUSTOM"] == "y" and table.is_file()
    assert table.name == f"partitions-{size}MiB.csv"
    chosen = [name for name, value in values.items() if "FLASHSIZE" in name and value == "y"]
    assert chosen == [f"CONFIG_ESPTOOLPY_FLASHSIZE_{size}MB"]
    assert values["CONFIG_BT_NIMBLE_SVC_GAP_DEVICE_NAME"] == f'"mPOS {board.upper()}"'


@pytest.mark.parametrize("board", NAMES)
def test_variants_are_these(board: str) -> None:
    files = {path.stem.removeprefix("mpconfigvariant_") for path in (BOARDS / board).glob("mpconfigvariant*.cmake")}
    assert files == set(VARIANTS) - {""} == set(description(board)["variants"])


def description(board: str) -> dict[str, Any]:
    return json.loads((BOARDS / board / "board.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("board", NAMES)
def test_board_json(board: str) -> None:
    record = description(board)
    assert {key: type(value) for key, value in record.items()} == JSON_KEYS
    assert set(record["features"]) <= FEATURES
    assert record["mcu"] == "esp32" and record["product"] == f"mPOS {board.upper()}"
    assert record["deploy_options"]["flash_offset"] == "0x1000"  # of the ESP32's boot loader


@pytest.mark.parametrize("board", NAMES)
def test_mpconfigboard(board: str) -> None:
    text = (BOARDS / board / "mpconfigboard.h").read_text(encoding="utf-8")
    defined = dict(re.findall(r"^#define (\w+)\s+(.+)$", text, re.MULTILINE))
    assert set(defined) == DEFINES
    assert defined["MICROPY_HW_BOARD_NAME"] == f'"mPOS {board.upper()}"'
    assert defined["MICROPY_VFS_ROM"] == "(1)"
    guarded = re.search(r"#ifndef MICROPY_HW_MCU_NAME\n#define MICROPY_HW_MCU_NAME\s+\"ESP32\"\n#endif", text)
    assert guarded, "a variant sets it first"


def test_what_is_frozen_beside_the_firmware_needs_none_of_its_constants() -> None:
    """They are numbers there, and no names."""
    constants = Constants.of(TOP / "firmware")
    for path in sorted(path for folder in (*NAMES, "esp32") for path in (BOARDS / folder).glob("*.py")):
        text = path.read_text(encoding="utf-8")
        without = constants.inlined(Path(path.name), text)
        assert [line for line in without.splitlines() if line not in text.splitlines()] in ([], ["pass"]), path


def frozen(manifest: Path) -> list[Path]:
    """The files that a manifest names, with those that it includes; the port's and MicroPython's own left out."""
    files: list[Path] = []

    def inside(base: str) -> Path | None:
        return None if base.startswith("$(") else (manifest.parent / base)

    def module(name: str, base_path: str = ".", opt: int | None = None) -> None:
        files.append(manifest.parent / base_path / name)

    def package(name: str, files_: Any = None, base_path: str = ".", opt: int | None = None, **_: Any) -> None:
        files.extend(sorted((manifest.parent / base_path / name).rglob("*.py")))

    def include(path: str) -> None:
        if found := inside(path):
            files.extend(frozen(found))

    def elsewhere(name: str, *_: Any) -> None:
        assert name.startswith("$(PORT_DIR)/") or re.fullmatch("[a-z-]+", name), name

    names = {"module": module, "package": package, "include": include, "freeze": elsewhere, "require": elsewhere}
    with contextlib.chdir(manifest.parent):  # as MicroPython's own build does
        exec(compile(manifest.read_text(encoding="utf-8"), str(manifest), "exec"), names)
    return files


@pytest.mark.parametrize("board", NAMES)
def test_manifest_freezes_the_board(board: str) -> None:
    files = [path.resolve() for path in frozen(BOARDS / board / "manifest.py")]
    assert [path for path in files if not path.is_file()] == []
    own = {
        path for folder in (board, "esp32") for path in (BOARDS / folder).glob("*.py") if "manifest" not in path.name
    }
    own |= {BOARDS / "esp32/frozen/_boot.py", BOARDS / "loader/mpos_boot.py"}
    tree = TOP / "build/frozen"
    assert own <= set(files) and tree / "main.py" in files
    assert tree / "reader/app/reader.py" in files
    modules = [path.name for path in files if path.parent.name in (board, "esp32", "frozen")]
    assert len(modules) == len(set(modules)), "one would hide the other"
    release = [path.resolve() for path in frozen(BOARDS / board / "manifest_release.py")]
    assert release == [*files, BOARDS / "release/mpos_release.py"]
