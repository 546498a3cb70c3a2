"""What the host remembers: readers' counters, trace numbers, cards' counters, balances. No account number is in it.

In memory, or in a JSON file that is replaced as a whole: after `save` the new state is there, before it the old.
"""

import json
import os
from pathlib import Path
from typing import Any

# Bounds: trace numbers remembered per terminal and batch; KSNs burnt per reader
_MOST_TRACES = 10_000
_MOST_BURNT = 1_000


class Books:
    """All changes are made in memory; the caller saves them before it answers."""

    def __init__(self, path: Path | None = None):
        self._path = path
        self._data: dict[str, Any] = {
            "counters": {},
            "burnt": {},
            "traces": {},
            "atcs": {},
            "balances": {},
            "pins": {},
            "demands": {},
            "working": {},
            "serial": 0,
        }
        if path is not None and path.exists():
            try:
                loaded = json.loads(path.read_text())
                for later in ("pins", "demands", "working"):  # books of before there were any
                    loaded.setdefault(later, {})
                if {key: type(value) for key, value in loaded.items()} != {
                    key: type(value) for key, value in self._data.items()
                }:
                    raise ValueError
            except (ValueError, AttributeError):
                raise ValueError(f"{path} holds no books of this host; move it away or name another file") from None
            self._data = loaded

    def save(self) -> None:
        if self._path is None:
            return
        temporary = self._path.with_name(self._path.name + ".new")
        with temporary.open("w") as file:
            json.dump(self._data, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)

    def last_counter(self, device: bytes) -> int:
        """The reader's highest transaction counter so far, 0 for none."""
        return int(self._data["counters"].get(device.hex(), 0))

    def advance(self, device: bytes, counter: int) -> None:
        """From now on only higher counters of this reader count."""
        self._data["counters"][device.hex()] = counter
        burnt = self._data["burnt"].pop(device.hex(), [])
        burnt = [number for number in burnt if number > counter]
        if burnt:
            self._data["burnt"][device.hex()] = burnt

    def is_burnt(self, device: bytes, counter: int) -> bool:
        return counter in self._data["burnt"].get(device.hex(), ())

    def burn(self, device: bytes, counter: int) -> bool:
        """Never accept this one counter again. False when there are too many to remember."""
        burnt = self._data["burnt"].setdefault(device.hex(), [])
        if len(burnt) >= _MOST_BURNT:
            return False
        burnt.append(counter)
        return True

    def working_keys(self, terminal: str) -> bytes:
        """What the terminal was sent at its last sign-in (working_keys.wrap), b"" for nothing."""
        return bytes.fromhex(self._data["working"].get(terminal, ""))

    def set_working_keys(self, terminal: str, sent: bytes) -> None:
        self._data["working"][terminal] = sent.hex()

    def note_trace(self, terminal: str, batch: str, stan: str) -> bool:
        """False when this trace number was there before."""
        traces = self._data["traces"].setdefault(f"{terminal}/{batch}", [])
        if stan in traces:
            return False
        traces.append(stan)
        del traces[:-_MOST_TRACES]
        return True

    def note_atc(self, account: str, sequence: int, atc: int) -> bool:
        """False when the card's counter is not higher than its last."""
        key = f"{account}/{sequence}"
        if atc <= self._data["atcs"].get(key, -1):
            return False
        self._data["atcs"][key] = atc
        return True

    def ask_for_pin(self, account: str, sequence: int, atc: int, cryptogram: bytes) -> None:
        """The issuer has asked for a PIN: this tap may come once more."""
        self._data["demands"][f"{account}/{sequence}"] = [atc, cryptogram.hex()]

    def asked_for_pin(self, account: str, sequence: int, atc: int, cryptogram: bytes) -> bool:
        """Whether it was this tap; it may not come a third time."""
        return self._data["demands"].pop(f"{account}/{sequence}", None) == [atc, cryptogram.hex()]

    def balance(self, account: str, opening: int) -> int:
        return int(self._data["balances"].get(account, opening))

    def set_balance(self, account: str, balance: int) -> None:
        self._data["balances"][account] = balance

    def wrong_pins(self, account: str) -> int:
        """How often in a row the account's PIN was wrong."""
        return int(self._data["pins"].get(account, 0))

    def note_pin(self, account: str, is_right: bool) -> None:
        if is_right:
            self._data["pins"].pop(account, None)
        else:
            self._data["pins"][account] = self.wrong_pins(account) + 1

    def next_serial(self) -> int:
        """1 to 999,999 and round again."""
        self._data["serial"] = self._data["serial"] % 999_999 + 1
        return int(self._data["serial"])
