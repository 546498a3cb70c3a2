"""The security events of a reader's log (firmware/reader/storage/log_events.py), in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from mpos.describe.key_info import SECTIONS
from mpos.describe.reader_errors import ERRORS

RECORD = 15
# number -> name on the device, sentence; a lint keeps names and numbers equal
EVENTS = {
    1: ("LOG_RESTART", "the reader was switched on, or restarted"),
    2: ("LOG_SELFTEST", "a self-test failed"),
    3: ("LOG_OUT_OF_SERVICE", "out of service"),
    4: ("LOG_REPAIRED", "the key store was repaired after a power cut"),
    5: ("LOG_ROLLED_BACK", "an older key store had been put back"),
    6: ("LOG_CLOCK_SET", "the clock was set"),
    7: ("LOG_TAMPER", "tampering"),
    8: ("LOG_IMAGE", "the firmware is not the one that was installed"),
    9: ("LOG_FACTORY_KEY", "the first key came: provisioning began"),
    10: ("LOG_FACTORY_DONE", "provisioning ended: the reader is in the field"),
    11: ("LOG_KEY_LOADED", "a key was loaded"),
    12: ("LOG_KEY_REFUSED", "a key block was refused"),
    13: ("LOG_FILE_LOADED", "a file was taken"),
    14: ("LOG_FILE_REFUSED", "a file was refused"),
    15: ("LOG_SESSION", "a session of the factory was opened"),
    16: ("LOG_CRYPTOGRAM", "somebody without the reader's key tried to open a session"),
    17: ("LOG_ROLE", "a session asked for what its role may not do"),
    18: ("LOG_REPLAY", "a secured message was none of the session's, or came twice"),
    19: ("LOG_BOND", "a phone was paired"),
    20: ("LOG_PAIRING", "a pairing was refused"),
    21: ("LOG_SIGN_IN", "working keys were refused"),
}
_WITH_ERROR = (3, 12, 14, 21)
_FILES = {1: "parameters", 2: "tables"}
# firmware/reader/link/pairing.py; docs/link.md
_PAIRINGS = {
    1: "nobody authenticated it",
    2: "a key of fewer than 16 bytes",
    3: "no key of LE Secure Connections",
    4: "the bond could not be kept",
    5: "it was not paired in time",
    6: "too many wrong answers",
}
_ROLES = {1: "field", 2: "factory"}


@dataclass(frozen=True)
class Event:
    """One record. time: ISO 8601, local to the reader; "": nobody had set its clock."""

    number: int
    event: int
    detail: int
    time: str

    @property
    def name(self) -> str:
        return EVENTS.get(self.event, (f"event {self.event}", ""))[0]

    @property
    def meaning(self) -> str:
        return EVENTS.get(self.event, ("", f"event {self.event}, unknown to this tool"))[1]

    @property
    def shown(self) -> str:
        """The detail, as a person reads it."""
        if self.event in _WITH_ERROR:
            code, detail = self.detail >> 16, self.detail & 0xFFFF
            return f"{code} {ERRORS.get(code, ('?', ''))[0]}" + (f" ({detail})" if detail else "")
        if self.event == 11:
            return SECTIONS.get(self.detail, str(self.detail))
        if self.event == 13:
            return _FILES.get(self.detail, str(self.detail))
        if self.event == 15:
            return _ROLES.get(self.detail, str(self.detail))
        if self.event == 17:
            return f"command {self.detail:02X}"
        if self.event == 20:
            return _PAIRINGS.get(self.detail, str(self.detail))
        return str(self.detail) if self.detail else ""

    def record(self) -> dict[str, Any]:
        return {**asdict(self), "name": self.name, "meaning": self.meaning, "said": self.shown}


def parse(data: bytes) -> list[Event]:
    """Number (4), event (1), detail (4), local time (6: year from 2000, month, day, hour, minute, second; zeros: not known).

    Raises ValueError when the records are not whole.
    """
    if len(data) % RECORD:
        raise ValueError("the reader's log breaks off in the middle of a record")
    return [_event(data[at : at + RECORD]) for at in range(0, len(data), RECORD)]


def _event(record: bytes) -> Event:
    year, month, day, hour, minute, second = record[9:15]
    time = f"{2000 + year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}" if month else ""
    return Event(int.from_bytes(record[:4], "big"), record[4], int.from_bytes(record[5:9], "big"), time)
