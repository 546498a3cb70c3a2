"""A contactless card: its radio interface, its directory (PPSE), its applications. EMV Contactless Book B, 3.3."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mpos.bench.cards import status
from mpos.bench.cards.contactless.application import ContactlessApplication
from mpos.bench.cards.profile import Profile
from mpos.bench.cards.status import StatusError, command_data
from mpos.bench.cards.tlv import tlv

PPSE = b"2PAY.SYS.DDF01"
_SHORTEST_NAME = 5

# What an application knows by instruction, and the class it belongs to
_CLASSES = {0xA4: 0x00, 0xA8: 0x80, 0xB2: 0x00, 0xCA: 0x80}


class ContactlessCard:
    """One card in the sense of `mpos.bench.field.Target`; whole APDUs in, data and status word out.

    modulation: "A" or "B". slow_ms: how long it takes for each answer (`delay_ms`, for which it asks by waiting time
    extensions). hangs: once an application is selected, it asks for more time without end. listed: the profiles in the directory, where they are others than the card has.
    """

    atqa = b"\x00\x04"
    sak = 0x20
    # ISO 14443-4, 5.2: frames to 256 bytes, 106 kbit/s both ways, waiting time 7, CID supported
    ats: bytes | None = bytes.fromhex("0578807002")
    # ISO/IEC 14443-3, 7.9: AFI 00 (all families), no application named; 106 kbit/s, frames to 256 bytes, 14443-4, waiting
    # time 7, no node address
    application_data = bytes(4)
    protocol_info = bytes.fromhex("008171")
    attrib_response = b"\x00"

    def __init__(
        self,
        *applications: ContactlessApplication,
        uid: bytes = bytes.fromhex("08A1B2C3"),
        modulation: str = "A",
        slow_ms: float = 0,
        hangs: bool = False,
        listed: Sequence[Profile] | None = None,
    ):
        self.applications = applications
        self.uid = uid
        self.modulation = modulation
        self._slow_ms = slow_ms
        self._hangs = hangs
        self._directory = [application.profile for application in applications] if listed is None else list(listed)
        self._selected: ContactlessApplication | None = None
        self._place = -1  # of the application selected last, for the next occurrence

    @property
    def profile(self) -> Profile:
        return self.applications[0].profile

    @property
    def atc(self) -> int:
        """The counter of its first application, before the next transaction."""
        return self.applications[0].atc

    @property
    def delay_ms(self) -> float:
        """How long the answer to the next command takes."""
        return math.inf if self._hangs and self._selected is not None else self._slow_ms

    def power_on(self) -> None:
        self._forget()
        self._place = -1

    def exchange(self, command: bytes) -> bytes | None:
        """Answer one APDU. A malformed APDU gets its status word too."""
        try:
            return self._dispatch(command) + status.OK
        except StatusError as error:
            return error.answer()

    def _dispatch(self, command: bytes) -> bytes:
        if len(command) < 4:
            raise StatusError(status.WRONG_LENGTH)
        cla, ins = command[:2]
        if cla not in (0x00, 0x80, 0x84, 0x04):
            raise StatusError(status.WRONG_CLA)
        if ins in _CLASSES and cla != _CLASSES[ins]:
            raise StatusError(status.WRONG_CLA)
        if ins == 0xA4:
            return self._select(command[2], command[3], command_data(command))
        if self._selected is None:
            # A card checks a command's form before it looks what it stands for
            if ins == 0xA8:
                command_data(command)
            elif ins in _CLASSES and len(command) != 5:
                raise StatusError(status.WRONG_LENGTH)
            raise StatusError(status.CONDITIONS if ins in _CLASSES else status.WRONG_INS)
        return self._selected.command(command)

    def _forget(self) -> None:
        if self._selected is not None:
            self._selected.select()
        self._selected = None

    # EMV 4.4 Book 1, 11.3
    def _select(self, p1: int, p2: int, name: bytes) -> bytes:
        if p1 != 0x04 or p2 not in (0x00, 0x02):
            raise StatusError(status.WRONG_P1P2)
        if len(name) > 16:
            raise StatusError(status.WRONG_LENGTH)
        if name == PPSE:
            if p2 != 0x00:
                raise StatusError(status.FILE_NOT_FOUND)
            self._forget()
            return self._ppse()
        # 12.3.1: a name may be given by its beginning; the next occurrence comes after the last one found by it
        start = self._place + 1 if p2 == 0x02 and self._is_same(name) else 0
        for place in range(start, len(self.applications)):
            if len(name) >= _SHORTEST_NAME and self._answers_to(self.applications[place].profile, name):
                return self._selected_at(place)
        if self._selected is not None:
            self._selected.select()
        raise StatusError(status.FILE_NOT_FOUND)

    def _is_same(self, name: bytes) -> bool:
        """Whether the application selected last is one of this name, so that there is a next one."""
        return self._place >= 0 and self._answers_to(self.applications[self._place].profile, name)

    @staticmethod
    def _answers_to(profile: Profile, name: bytes) -> bool:
        # Book B, 3.3.2: with extended selection the reader puts 9F29 behind the name
        return profile.df_name.startswith(name) or (
            profile.extended != b"" and name == profile.df_name + profile.extended
        )

    def _selected_at(self, place: int) -> bytes:
        self._forget()
        self._place = place
        self._selected = self.applications[place]
        self._selected.select()
        if self._selected.blocked:
            raise StatusError(status.APPLICATION_BLOCKED)
        return self._selected.fci()

    # EMV Contactless Book B, 3.3.1, tables 3-2 and 3-3
    def _ppse(self) -> bytes:
        entries = []
        for profile in self._directory:
            entry = [
                tlv(0x4F, profile.df_name),
                tlv(0x50, profile.label.encode()),
                tlv(0x87, bytes([profile.priority])),
            ]
            if profile.kernel_identifier:
                entry.append(tlv(0x9F2A, profile.kernel_identifier))
            if profile.extended:
                entry.append(tlv(0x9F29, profile.extended))
            entries.append(tlv(0x61, *entry))
        return tlv(0x6F, tlv(0x84, PPSE), tlv(0xA5, tlv(0xBF0C, *entries)))
