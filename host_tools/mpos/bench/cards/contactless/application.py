"""One application of a contactless card: what the kernels' cards have in common. EMV 4.4 Book 3, 6.5.

Whatever is not asked in the right form and order is refused with the status word for it. What differs from scheme to
scheme is in the subclasses (qpboc.py, qvsdc.py): the cryptogram, what the signature covers, when the card goes online.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cached_property

from mpos.bench.cards import status
from mpos.bench.cards.contact import certificates
from mpos.bench.cards.contact.electronic_cash import Purse
from mpos.bench.cards.contactless import files
from mpos.bench.cards.cryptogram import AAC, ARQC, TC
from mpos.bench.cards.profile import Profile
from mpos.bench.cards.status import StatusError, command_data
from mpos.bench.cards.tlv import dol, tlv

_LAST_ATC = 0xFFFF
_SEE_DEVICE = 0x6986
_CVR1_PIN_DONE = 0x04
_Rows = list[tuple[int, bytes]]

# Terminal transaction qualifiers, EMV Contactless Book A, table 5-4
TTQ1_EMV_MODE = 0x20
TTQ1_OFFLINE_ONLY = 0x08
TTQ1_ONLINE_PIN = 0x04
TTQ1_SIGNATURE = 0x02
TTQ1_AUTHENTICATION_ONLINE = 0x01
TTQ2_ONLINE = 0x80
TTQ2_CVM_REQUIRED = 0x40
TTQ3_UPDATE = 0x80
TTQ4_FDDA_1 = 0x80

# Card transaction qualifiers, Book C-3, annex A; Book C-7, annex A
CTQ1_ONLINE_PIN = 0x80
CTQ1_SIGNATURE = 0x40
CTQ2_DEVICE_CVM = 0x80
CTQ2_UPDATE = 0x40


class ContactlessApplication:
    """State that lasts: atc (the counter before the next transaction), cash, looked_at (the phone was). Everything else ends
    with the next SELECT or activation; but where `RESUMES`, an approval (TC) can be read to its end after another SELECT,
    without GET PROCESSING OPTIONS, until the next one of these."""

    RESUMES = False

    def __init__(self, profile: Profile, atc: int = 0):
        self.profile = profile
        self.atc = atc
        self.cash = Purse(profile.cash, 0)
        self.looked_at = not profile.see_phone
        self.blocked = profile.application_blocked
        self.key = profile.master_key()
        self._kind, self._amount, self._dynamic = AAC, b"", b""
        self._has_paid = False
        self.select()

    def select(self) -> None:
        """Forget the transaction."""
        self.initiated = False
        if self._kind != TC or not self.RESUMES:
            self._kind, self._amount, self._dynamic = AAC, b"", b""

    @cached_property
    def files(self) -> files.Files:
        """Made when they are first needed: keys take their time."""
        aip = self.profile.aip
        return files.build(self.profile, bytes.fromhex(aip) if aip else self.interchange_profile())

    # What differs

    def interchange_profile(self) -> bytes:
        """Tag 82."""
        raise NotImplementedError

    def decide(self, ttq: bytes, terminal: dict[int, bytes]) -> int:
        """The kind of cryptogram, as far as it does not depend on the cardholder's verification."""
        raise NotImplementedError

    def cryptogram(self, kind: int, terminal: dict[int, bytes], results: bytes) -> tuple[bytes, bytes]:
        """Tags 9F10 and 9F26. results: what the CVR says beside the kind."""
        raise NotImplementedError

    def own_objects(self, kind: int) -> _Rows:
        """More objects of GET PROCESSING OPTIONS."""
        raise NotImplementedError

    def fdda_version(self, ttq: bytes) -> int:
        """0 or 1: what is signed."""
        raise NotImplementedError

    def more_commands(self, command: bytes) -> bytes | None:
        """The data of the answer; None for a command that this application does not know either."""
        return None

    # EMV 4.4 Book 1, 11.3.4
    def fci(self) -> bytes:
        profile = self.profile
        proprietary = tlv(
            0xA5,
            tlv(0x50, profile.label.encode()),
            tlv(0x87, bytes([profile.priority])),
            tlv(0x9F38, dol(*profile.pdol)) if profile.pdol else b"",
            tlv(0x5F2D, b"zhen"),
            tlv(0xBF0C, tlv(0x9F4D, bytes([0x0B, 0x0A]))),
        )
        return tlv(0x6F, tlv(0x84, profile.df_name), proprietary)

    def command(self, command: bytes) -> bytes:
        """The data of the answer to a command that is none of the selection. Raises StatusError."""
        cla, ins, p1, p2 = command[:4]
        if (cla, ins) == (0x80, 0xA8):
            return self._get_processing_options(p1, p2, command_data(command))
        # EMV 4.4 Book 3, 6.5.11.3 and 6.5.7.3: no data, Le present
        if (cla, ins) in ((0x00, 0xB2), (0x80, 0xCA)) and len(command) != 5:
            raise StatusError(status.WRONG_LENGTH)
        if (cla, ins) == (0x00, 0xB2):
            return self._read_record(p1, p2)
        if (cla, ins) == (0x80, 0xCA):
            return self._get_data(p1 << 8 | p2)
        answer = self.more_commands(command)
        if answer is None:
            raise StatusError(status.WRONG_CLA if ins in (0xA8, 0xB2, 0xCA) else status.WRONG_INS)
        return answer

    # EMV 4.4 Book 3, 6.5.8; PBOC 3.0 part 12
    def _get_processing_options(self, p1: int, p2: int, data: bytes) -> bytes:
        profile = self.profile
        if p1 or p2:
            raise StatusError(status.WRONG_P1P2)
        if self.initiated or self.blocked:
            raise StatusError(status.CONDITIONS)
        terminal = self._terminal_data(data)
        if profile.refuses:
            raise StatusError(profile.refuses)
        ttq = terminal.get(0x9F66, bytes(4))
        if not ttq[0] & TTQ1_EMV_MODE or self.atc == _LAST_ATC:
            raise StatusError(status.CONDITIONS)
        if not self.looked_at:
            self.looked_at = True
            raise StatusError(_SEE_DEVICE)
        self.atc += 1
        self.initiated = True
        self._kind, ctq = self._verified(self.decide(ttq, terminal), ttq)
        self._amount = terminal.get(0x9F02, bytes(6))
        self._has_paid = False
        return self._options(terminal, ttq, ctq)

    def _options(self, terminal: dict[int, bytes], ttq: bytes, ctq: bytes) -> bytes:
        profile, kind = self.profile, self._kind
        # The issuer hears it under the cryptogram, from the bit for a PIN that the card has verified: the qualifiers can be
        # changed on the way
        results = bytes([_CVR1_PIN_DONE if profile.cvm == "device" else 0, 0, 0])
        iad, value = self.cryptogram(kind, terminal, results)
        track2 = [(0x57, profile.track2())] if profile.track2_in_gpo or profile.one_command else []
        rows = [
            *track2,
            (0x5F34, bytes.fromhex(f"{profile.sequence:02d}")),
            (0x9F10, iad),
            (0x9F26, value),
            (0x9F27, bytes([kind])),
            (0x9F36, self.atc.to_bytes(2, "big")),
            (0x9F6C, ctq),
            *self.own_objects(kind),
        ]
        related, signature = self._signed(terminal, ttq, ctq)
        late = [(0x9F69, related)] if related else []
        if signature:
            (late if profile.signature_in_record else rows).append((0x9F4B, signature))
        locator = self.files.afl if kind != AAC else b""
        if profile.file_format == 1:
            self._dynamic = _record([*rows, *late])
            return tlv(0x80, self.files.aip, locator)
        self._dynamic = _record(late)
        rows = [(0x82, self.files.aip), *([(0x94, locator)] if locator else []), *rows]
        if profile.answer is not None:
            rows = profile.answer(rows)
        if not locator:
            self._finish()  # there is no record whose reading would end it
        return tlv(0x77, *(tlv(tag, value) for tag, value in rows))

    def _terminal_data(self, data: bytes) -> dict[int, bytes]:
        wanted = sum(n for _, n in self.profile.pdol)
        if len(data) < 2 or data[0] != 0x83:
            raise StatusError(status.WRONG_DATA)
        # The list is shorter than 128 bytes, so its length takes one byte
        if data[1] != len(data) - 2 or data[1] != wanted:
            raise StatusError(status.WRONG_LENGTH)
        values, at = {}, 2
        for tag, n in self.profile.pdol:
            values[tag] = data[at : at + n]
            at += n
        return values

    def by_profile(self, ttq: bytes) -> int:
        """The kind that the profile's `decision` comes to with these qualifiers."""
        decision = self.profile.decision
        if decision == "aac":
            return AAC
        if decision == "tc-always" or (decision == "tc" and not ttq[1] & TTQ2_ONLINE):
            return TC
        return ARQC

    def _verified(self, kind: int, ttq: bytes) -> tuple[int, bytes]:
        """The kind of cryptogram and the qualifiers: how the cardholder is to be verified."""
        profile = self.profile
        first, second = bytes.fromhex(profile.ctq)
        if profile.takes_update and ttq[2] & TTQ3_UPDATE:
            second |= CTQ2_UPDATE
        if profile.cvm == "online-pin":
            first |= CTQ1_ONLINE_PIN
            kind = ARQC if kind == TC else kind
        elif profile.cvm == "device":
            second |= CTQ2_DEVICE_CVM
        elif profile.cvm == "signature" or ttq[1] & TTQ2_CVM_REQUIRED:
            if ttq[0] & TTQ1_SIGNATURE:
                first |= CTQ1_SIGNATURE
            else:
                # Nothing in common to verify the cardholder with
                kind = AAC
        if kind == ARQC and ttq[0] & TTQ1_OFFLINE_ONLY:
            kind = AAC
        return kind, bytes([first, second])

    # Book C-3, annex C; Book C-7: fDDA
    def _signed(self, terminal: dict[int, bytes], ttq: bytes, ctq: bytes) -> tuple[bytes, bytes]:
        """Tags 9F69 and 9F4B; b"" for one that there is none of."""
        key = self.files.icc_key
        online = self._kind == ARQC and not ttq[0] & TTQ1_AUTHENTICATION_ONLINE
        if key is None or self._kind == AAC or online:
            return b"", b""
        covered, related = terminal.get(0x9F37, b""), b""
        if self.fdda_version(ttq) == 1:
            related = b"\x01" + os.urandom(4) + ctq
            covered += terminal.get(0x9F02, b"") + terminal.get(0x5F2A, b"") + related
        number = self.atc.to_bytes(2, "big")
        return related, certificates.signed_dynamic_data(key, bytes([len(number)]) + number, covered)

    # EMV 4.4 Book 3, 6.5.11
    def _read_record(self, number: int, p2: int) -> bytes:
        if p2 & 0x07 != 0x04 or not number:
            raise StatusError(status.WRONG_P1P2)
        if not self.initiated and not (self.RESUMES and self._kind == TC):
            raise StatusError(status.CONDITIONS)
        place = (p2 >> 3, number)
        records = dict(self.files.records)
        if self._dynamic:
            records[files.DYNAMIC] = self._dynamic
        if all(sfi != p2 >> 3 for sfi, _ in records):
            raise StatusError(status.FILE_NOT_FOUND)
        if place not in records:
            raise StatusError(status.RECORD_NOT_FOUND)
        if place == self.files.last:
            self._finish()
        return records[place]

    # JR/T 0025.12: what is paid offline is taken off when the reader asks for the last it needs, and once
    def _finish(self) -> None:
        if self._kind == TC and self.cash.balance is not None and not self._has_paid:
            self._has_paid = True
            self.cash.spend(self._amount)

    # EMV 4.4 Book 3, 6.5.7
    def _get_data(self, tag: int) -> bytes:
        objects = {
            0x9F36: self.atc.to_bytes(2, "big"),
            0x9F13: bytes(2),
            0x9F4F: dol((0x9A, 3), (0x9F21, 3), (0x9F02, 6), (0x5F2A, 2), (0x9C, 1), (0x9F36, 2)),
        }
        objects |= self.cash.objects()
        if tag not in objects:
            raise StatusError(status.DATA_NOT_FOUND)
        return tlv(tag, objects[tag])


def _record(rows: Sequence[tuple[int, bytes]]) -> bytes:
    return tlv(0x70, *(tlv(tag, value) for tag, value in rows))
