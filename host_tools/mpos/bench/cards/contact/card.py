"""A contact card: answer to reset, payment system environment, applications. EMV 4.4 Book 1, 10 to 12."""

from __future__ import annotations

from collections.abc import Sequence

from mpos.bench.cards import status
from mpos.bench.cards.contact import atr as atrs
from mpos.bench.cards.contact.application import Application
from mpos.bench.cards.contact.profile import ContactProfile
from mpos.bench.cards.status import StatusError, command_data
from mpos.bench.cards.tlv import tlv

PSE = b"1PAY.SYS.DDF01"
_DIRECTORY = 1
_SHORTEST_NAME = 5


class ContactCard:
    """One card in the sense of `ContactTarget`: whole APDUs in, data and status word out.

    warm_atr: what a warm reset is answered with, where it is something else than `atr`.
    has_pse: a directory names the applications. listed: the profiles in it, where they are others than the card has.
    pse_blocked: selecting the directory answers 6283. blocked: the whole card answers 6A81 to SELECT.
    """

    def __init__(
        self,
        *profiles: ContactProfile,
        atc: int = 0,
        atr: bytes = atrs.T0,
        warm_atr: bytes | None = None,
        protocol: int = 0,
        has_pse: bool = True,
        listed: Sequence[ContactProfile] | None = None,
        pse_blocked: bool = False,
        blocked: bool = False,
    ):
        self.atr = atr
        self.warm_atr = warm_atr
        self.protocol = protocol
        self.applications = [Application(profile, atc) for profile in profiles]
        self.blocked = blocked
        self._has_pse = has_pse
        self._pse_blocked = pse_blocked
        self._directory = self._records(profiles if listed is None else listed)
        self._selected: Application | None = None
        self._in_pse = False
        self._last_name = b""
        self._place = -1  # of the application selected last, for the next occurrence

    @property
    def profile(self) -> ContactProfile:
        return self.applications[0].profile

    def power_on(self) -> None:
        self._forget()
        self._place = -1
        self._last_name = b""

    def exchange(self, command: bytes) -> bytes | None:
        """Answer one APDU. A malformed APDU gets its status word too."""
        try:
            return self._dispatch(command) + status.OK
        except StatusError as error:
            return error.answer()

    def _dispatch(self, command: bytes) -> bytes:
        if len(command) < 4:
            raise StatusError(status.WRONG_LENGTH)
        if command[0] not in (0x00, 0x80, 0x84, 0x04):
            raise StatusError(status.WRONG_CLA)
        if command[1] == 0xA4:
            if command[0]:
                raise StatusError(status.WRONG_CLA)
            return self._select(command[2], command[3], command_data(command))
        if self._in_pse and command[:2] == b"\x00\xb2":
            return self._read_directory(command)
        if self._selected is None:
            raise StatusError(status.CONDITIONS)
        answer = self._selected.command(command)
        self.blocked = self.blocked or self._selected.card_blocked
        return answer

    def _forget(self) -> None:
        if self._selected is not None:
            self._selected.select()
        self._selected = None
        self._in_pse = False

    # EMV 4.4 Book 1, 11.3
    def _select(self, p1: int, p2: int, name: bytes) -> bytes:
        if self.blocked:
            raise StatusError(status.NOT_SUPPORTED)
        if p1 != 0x04 or p2 not in (0x00, 0x02):
            raise StatusError(status.WRONG_P1P2)
        if len(name) > 16:
            raise StatusError(status.WRONG_LENGTH)
        if name == PSE and self._has_pse and p2 == 0x00:
            self._forget()
            self._in_pse = True
            fci = tlv(0x6F, tlv(0x84, PSE), tlv(0xA5, tlv(0x88, bytes([_DIRECTORY])), tlv(0x5F2D, b"zhen")))
            if self._pse_blocked:
                raise StatusError(status.APPLICATION_BLOCKED, fci)
            return fci
        # 12.3.1: a name may be given by its beginning; the next occurrence comes after the last one found by it
        start = self._place + 1 if p2 == 0x02 and name == self._last_name else 0
        for place in range(start, len(self.applications)):
            application = self.applications[place]
            if len(name) >= _SHORTEST_NAME and application.profile.df_name.startswith(name):
                return self._selected_at(place, name)
        raise StatusError(status.FILE_NOT_FOUND)

    def _selected_at(self, place: int, name: bytes) -> bytes:
        self._forget()
        self._place, self._last_name = place, name
        self._selected = self.applications[place]
        self._selected.select()
        if self._selected.blocked:
            raise StatusError(status.APPLICATION_BLOCKED, self._selected.fci())
        return self._selected.fci()

    # 12.2.3, table 48
    @staticmethod
    def _records(profiles: Sequence[ContactProfile]) -> list[bytes]:
        records = []
        for profile in profiles:
            rows = [tlv(0x4F, profile.df_name), tlv(0x50, profile.label.encode())]
            if profile.preferred:
                rows.append(tlv(0x9F12, profile.preferred.encode("iso8859-1")))
            rows.append(tlv(0x87, bytes([profile.priority])))
            records.append(tlv(0x70, tlv(0x61, *rows)))
        return records

    def _read_directory(self, command: bytes) -> bytes:
        number, p2 = command[2:4]
        if len(command) != 5:
            raise StatusError(status.WRONG_LENGTH)
        if p2 & 0x07 != 0x04 or not number:
            raise StatusError(status.WRONG_P1P2)
        if p2 >> 3 != _DIRECTORY:
            raise StatusError(status.FILE_NOT_FOUND)
        if number > len(self._directory):
            raise StatusError(status.RECORD_NOT_FOUND)
        return self._directory[number - 1]
