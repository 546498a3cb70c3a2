"""The PN532 as an initiator: finds targets of each modulation, keeps up to two, and carries commands to them.

Sections are those of UM0701-02. Each method takes a command's data and returns the answer's; None: it goes on waiting.
"""

from __future__ import annotations

from collections.abc import Iterator

from mpos.bench import pn532_status as st
from mpos.bench.field import FelicaTarget, Field, Target, TypeATarget, TypeBTarget, modulation
from mpos.bench.isodep import Limits
from mpos.bench.pn532_mifare import Mifare
from mpos.bench.pn532_targets import Activated, Air, Felica, IsoDep, Plain, answers_afi, polling

MAX_TARGETS = 2  # 7.3.5
TYPE_A, FELICA_212, FELICA_424, TYPE_B = 0x00, 0x01, 0x02, 0x03
_POLL_MS = 5.0
_TIME_SLOTS = (0x00, 0x01, 0x03, 0x07, 0x0F)  # JIS X 6319-4, Polling
# 7.3.1: length of the configuration data of each item
_RF_ITEMS = {0x01: 1, 0x02: 3, 0x04: 1, 0x05: 3, 0x0A: 11, 0x0B: 8, 0x0C: 3, 0x0D: 9}


class Initiator:
    """statuses: status bytes (7.1) forced on InDataExchange by number, counted from 0: {2: 0x13}."""

    def __init__(self, field: Field, statuses: dict[int, int]):
        self.field = field
        self.air = Air()
        self.automatic_rats = True
        self.statuses = statuses
        self._exchanges = 0
        self._listed: dict[int, Activated] = {}
        self._selected = 0
        self._wanted: tuple[int, int, bytes] | None = None  # what InListPassiveTarget still looks for
        # Targets by identity: at which of their power-ups they were activated, or sent to sleep
        self._active: dict[int, int] = {}
        self._deaf: dict[int, int] = {}

    @property
    def is_waiting(self) -> bool:
        """InListPassiveTarget waits for a card."""
        return self._wanted is not None

    def stop(self) -> None:
        """The command that runs is given up."""
        self._wanted = None

    def carrier_off(self) -> None:
        self.field.set_carrier(False)

    def rf_configuration(self, data: bytes) -> bytes:
        st.need(len(data) >= 1 and _RF_ITEMS.get(data[0]) == len(data) - 1)
        match data[0]:
            case 0x01:
                self.field.set_carrier(bool(data[1] & 0x01))
            case 0x02:
                st.need(data[2] <= 0x10 and data[3] <= 0x10)
                self.air.atr_res_timeout, self.air.retry_timeout = data[2], data[3]
            case 0x04:
                self.air.max_retries_com = data[1]
            case 0x05:
                self.air.max_retries_activation = data[3]
        return b""

    # Finding targets: 7.3.5

    def in_list_passive_target(self, data: bytes) -> bytes | None:
        st.need(len(data) >= 2 and 1 <= data[0] <= MAX_TARGETS)
        count, kind, more = data[0], data[1], data[2:]
        match kind:
            case 0x00:
                st.need(len(more) in (0, 4, 8, 12))
            case 0x01 | 0x02:
                st.need(len(more) == 5 and more[0] == 0x00 and more[4] in _TIME_SLOTS)
            case 0x03:
                st.need(len(more) == 1 or (len(more) == 2 and more[1] <= 0x01))
            case _:
                raise st.SyntaxFault  # Innovision Jewel is not built
        for listed in self._listed.values():
            listed.is_selected = False
        self._listed.clear()
        self._selected = 0
        self.field.set_carrier(True)
        found = self._activate(count, kind, more)
        if found:
            return found
        if self.air.max_retries_activation == 0xFF:
            self._wanted = count, kind, more
            return None
        self.air.spend(_POLL_MS * (self.air.max_retries_activation + 1))
        return b"\x00"

    def look_again(self) -> bytes | None:
        """A target has come while InListPassiveTarget waits: its answer."""
        if self._wanted is None or not self.field.targets:
            return None
        found = self._activate(*self._wanted)
        if found is None:
            return None
        self._wanted = None
        return found

    def _activate(self, count: int, kind: int, more: bytes) -> bytes | None:
        present = self.field.poll()
        match kind:
            case 0x00:
                found = self._type_a(present, more)
            case 0x03:
                found = self._type_b(present, more[0])
            case _:
                found = self._felica(present, more[1:])
        for number, activated in zip(range(1, count + 1), found, strict=False):
            self._listed[number] = activated
            self._selected = number
        if not self._listed:
            return None
        answer = bytes([len(self._listed)])
        for number, activated in self._listed.items():
            answer += bytes([number]) + activated.said
        return answer

    def _type_a(self, present: list[Target], known: bytes) -> Iterator[Activated]:
        target: TypeATarget
        for target in of_modulation(present, "A"):
            if self._is_deaf(target) or not with_cascade_tags(target.uid).startswith(known):
                continue
            steps = [f"SELECT {level}" for level in range(1, len(target.uid) // 3 + 1)]
            if not all(self.field.step(target, step) for step in steps):
                continue
            self._begin(target)
            said = target.atqa + bytes([target.sak, len(target.uid)]) + target.uid
            ats = target.ats if self.automatic_rats and target.sak & 0x20 else None
            if ats is None:
                yield Mifare(self.field, self.air, target, said)
            elif self.field.step(target, "RATS"):
                self._deafen(target)
                yield IsoDep(self.field, self.air, target, said + ats, Limits.of_ats(ats), ats=ats)

    def _type_b(self, present: list[Target], afi: int) -> Iterator[Activated]:
        target: TypeBTarget
        for target in of_modulation(present, "B"):
            if self._is_deaf(target) or not answers_afi(target, afi) or not self.field.step(target, "ATTRIB"):
                continue
            self._begin(target)
            self._deafen(target)
            attrib = target.attrib_response
            said = b"\x50" + target.uid + target.application_data + target.protocol_info + bytes([len(attrib)]) + attrib
            if not target.protocol_info[1] & 0x01:
                yield Plain(self.field, self.air, target, said)
                continue
            limits = Limits.of_protocol_info(target.protocol_info)
            cid = attrib[0] & 0x0F if limits.cid and attrib else 0
            yield IsoDep(self.field, self.air, target, said, limits, cid or None)

    def _felica(self, present: list[Target], request: bytes) -> Iterator[Activated]:
        answers: list[tuple[FelicaTarget, bytes]] = []
        target: FelicaTarget
        for target in of_modulation(present, "F"):
            answer = polling(target, request)
            if answer is not None and self.field.step(target, "POLLING"):
                answers.append((target, answer))
        if len(answers) > request[3] + 1:
            return  # more cards than time slots: what comes back cannot be understood
        for target, answer in answers:
            self._begin(target)
            yield Felica(self.field, self.air, target, bytes([len(answer) + 1]) + answer)

    def _begin(self, target: Target) -> None:
        """A card that was active already goes back to idle at the first request, and answers the second as a new one."""
        if self._active.get(id(target)) == self.field.power_ups(target):
            self.field.power_up(target)
        self._active[id(target)] = self.field.power_ups(target)

    def _is_deaf(self, target: Target) -> bool:
        """ISO/IEC 14443-3, 6.3 and 7.4: a card in the states PROTOCOL and HALT answers no REQA and no REQB, until it has
        been without power."""
        return self._deaf.get(id(target)) == self.field.power_ups(target)

    def _deafen(self, target: Target) -> None:
        self._deaf[id(target)] = self.field.power_ups(target)

    # Talking to them

    def in_data_exchange(self, data: bytes) -> bytes:
        st.need(1 <= len(data) <= st.MAX_DATA + 1)
        listed = self._listed.get(data[0] & 0x3F)
        if listed is None or not listed.is_selected:
            return bytes([st.CONTEXT])
        self._selected = data[0] & 0x3F
        forced = self.statuses.pop(self._exchanges, None)
        self._exchanges += 1
        if forced is not None:
            return bytes([forced])
        more = bool(data[0] & st.MORE)
        if more and not listed.has_chaining:
            return bytes([st.CONTEXT])
        return listed.exchange(data[1:], more)

    def in_communicate_thru(self, data: bytes) -> bytes:
        # 7.3.9: to the target selected last
        st.need(len(data) <= st.MAX_DATA + 1)
        listed = self._listed.get(self._selected)
        if listed is None:
            self.air.spend(st.timeout_ms(self.air.retry_timeout))
            return bytes([st.TIMEOUT])
        return listed.thru(data)

    def in_psl(self, data: bytes) -> bytes:
        # 7.3.7: 106, 212, 424 kbps
        st.need(len(data) == 3 and data[1] <= 0x02 and data[2] <= 0x02)
        listed = self._listed.get(data[0])
        if listed is None or not listed.is_selected:
            return bytes([st.CONTEXT])
        return bytes([listed.psl(data[1], data[2])])

    def in_deselect(self, data: bytes, forget: bool = False) -> bytes:
        """7.3.10; with `forget` InRelease, 7.3.11. 0 means all."""
        st.need(len(data) == 1)
        number = data[0]
        if number and number not in self._listed:
            return bytes([st.CONTEXT])
        for each in [number] if number else list(self._listed):
            listed = self._listed[each]
            if listed.is_selected:
                listed.deselect()
                if listed.can_halt:
                    self._deafen(listed.target)
            listed.is_selected = False
            if forget:
                del self._listed[each]
        return bytes([st.OK])

    def in_select(self, data: bytes) -> bytes:
        st.need(len(data) == 1)
        listed = self._listed.get(data[0])
        if listed is None:
            return bytes([st.CONTEXT])  # 7.3.12
        if not self.field.reaches(listed.target) or (not listed.is_selected and not listed.select_again()):
            return bytes([listed.no_answer()])
        self._active[id(listed.target)] = self.field.power_ups(listed.target)
        listed.is_selected = True
        self._selected = data[0]
        return bytes([st.OK])

    def presence(self) -> bytes:
        """Diagnose, test 6, of the current target (7.2.1)."""
        listed = self._listed.get(self._selected)
        return bytes([st.CONTEXT if listed is None else listed.presence()])

    def is_gone(self) -> bool:
        """The current target has left."""
        listed = self._listed.get(self._selected)
        return listed is None or not self.field.reaches(listed.target)


def of_modulation(targets: list[Target], which: str) -> Iterator:
    return (target for target in targets if modulation(target) == which)


def with_cascade_tags(uid: bytes) -> bytes:
    """7.3.5: in InitiatorData a UID of 7 or 10 bytes has its cascade tags."""
    if len(uid) == 7:
        return b"\x88" + uid
    return b"\x88" + uid[:3] + b"\x88" + uid[3:] if len(uid) == 10 else uid
