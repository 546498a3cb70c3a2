"""The firmware and the device of the flashing tests."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import tty
from pathlib import Path
from typing import Any

from mpos.provision import toolchain
from mpos.provision.firmware import Board

_HERE = Path(__file__).parent
_HEAR_S = 10
BENCH = Board("bench", "x86", "linux", ("X86",), (), ble=False)
SOURCES = {
    "main.py": "from reader import device\nprint('firmware', device.NAME)\nrun_forever()\n",
    "board.py": "PARTS = 3\n",
    "reader/__init__.py": "",
    "reader/device.py": "NAME = 'test'\n",
    "reader/app/__init__.py": "",
    "reader/app/version.py": "VERSION = '7.8.9'\n",
    "reader/large.py": "DATA = (\n" + "".join(f"    '{n * 7919:016x}',\n" for n in range(1000)) + ")\n",
}
_LIVES = """
mode=friendly
while :; do
    "$1" "$2" "$3" $mode
    case $? in 10) mode=raw;; 11) mode=friendly;; *) exit;; esac
done
"""


class ReplBoard:
    """A device that can be switched on, cut from power and asked what lies on it."""

    def __init__(self, folder: Path):
        self._folder = folder
        self.settings: dict[str, Any] = {
            "flash": str(folder / "flash"),
            "rom": 0,
            "blocks": 256,
            "erase": "block",
            "name": "micropython",
            "version": [1, 25, 0],
            "mpy": 0,
            "machine": "bench with X86",
            "platform": "linux",
            "frozen": False,
            "worn": "",
            "says": None,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self._slave = -1
        self.port = ""

    def on(self, **settings: Any) -> str:
        """Power, and the name of the port it then is at."""
        self.off()
        self.settings |= settings
        flash = self._folder / "flash"
        if not flash.exists():
            flash.write_bytes(b"\xff" * 4096 * (self.settings["rom"] + self.settings["blocks"]))
        path = self._folder / "settings.json"
        path.write_text(json.dumps(self.settings))
        master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        self.port = os.ttyname(self._slave)
        self._process = subprocess.Popen(
            ["sh", "-c", _LIVES, "sh", str(toolchain.micropython(32)), str(_HERE / "repl_board.py"), str(path)],
            stdin=master,
            stdout=master,
            stderr=master,
            start_new_session=True,
        )
        os.close(master)
        return self.port

    def freeze(self) -> None:
        """It keeps the port and says no more."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def hear(self, *wanted: str) -> str:
        """What it says, to the end of a line that has one of the texts; or of the text, where that is a prompt."""
        said = ""
        ends = tuple(text for text in wanted if text.endswith(" ")) + ("\n",)
        while not (any(text in said for text in wanted) and said.endswith(ends)):
            ready, _, _ = select.select([self._slave], [], [], _HEAR_S)
            assert ready, f"it only said {said!r}"
            said += os.read(self._slave, 4096).decode()
        return said

    def off(self) -> None:
        """No power, at once: the port goes with it."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            os.close(self._slave)
            self._process = None
