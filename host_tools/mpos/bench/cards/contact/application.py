"""One application of a contact card and its life from SELECT to the last script. EMV 4.4 Book 3, 6.5; PBOC 3.0 part 5.

Whatever is not asked in the right form and order is refused with the status word for it.
"""

from __future__ import annotations

import os

from pyemv import ac

from mpos.bench import test_keys
from mpos.bench.cards import cryptogram, status
from mpos.bench.cards.contact import certificates, electronic_cash, files, pin, scripts
from mpos.bench.cards.contact.profile import ContactProfile
from mpos.bench.cards.cryptogram import AAC, ARQC, TC
from mpos.bench.cards.status import StatusError, command_data
from mpos.bench.cards.tlv import dol, tlv

_LAST_ATC = 0xFFFF
_CDA_REQUESTED = 0x10
_DECISIONS = {"aac": AAC, "tc": TC, "arqc": ARQC}
# The order of EMV 4.4 Book 3, 9.3: a card may answer with less than it was asked for, never with more
_RANK = {AAC: 0, ARQC: 1, TC: 2}
# CVR, byte 2 (PBOC 3.0 part 5, annex on 9F10)
_CVR1_ISSUER_FAILED, _CVR1_PIN_DONE, _CVR1_PIN_FAILED, _CVR1_OFFLINE = 0x08, 0x04, 0x02, 0x01
_CVR2_PIN_BLOCKED = 0x40
_CVR3_SCRIPT_FAILED, _CVR3_DDA = 0x08, 0x02
_NOT_ONLINE = (b"Y3", b"Z3")


class Application:
    """State that lasts: atc, pin, cash, blocked, card_blocked, put. Everything else ends with the next SELECT or reset."""

    def __init__(self, profile: ContactProfile, atc: int = 0):
        self.profile = profile
        self.atc = atc
        self.files = files.build(profile)
        self.pin = pin.ReferencePin(profile.pin, profile.pin_tries)
        self.cash = electronic_cash.Purse(profile.cash, profile.cash_reset)
        self.blocked = profile.blocked
        self.card_blocked = False
        self.put: dict[int, bytes] = {}  # what scripts have written
        self.last_online = profile.last_online
        self._key = profile.master_key()
        self._keys_of_scripts = (
            profile.derived(test_keys.ISSUER_SCRIPT_MAC_KEY),
            profile.derived(test_keys.ISSUER_SCRIPT_DATA_KEY),
        )
        self.select()

    def select(self) -> None:
        """Forget the transaction."""
        self.initiated = False
        self.first: int | None = None
        self.second: int | None = None
        self.arqc = b""
        self._pays_cash = False
        self._pdol_values = b""
        self._cdol1_values = b""
        self._amount = b""
        self._challenge = b""
        self._authenticated: bool | None = None
        self._scripts = 0
        self._results = bytearray(3)

    # EMV 4.4 Book 1, 11.3.4
    def fci(self) -> bytes:
        profile = self.profile
        rows = [tlv(0x50, profile.label.encode()), tlv(0x87, bytes([profile.priority]))]
        pdol = profile.raw_pdol or dol(*profile.pdol)
        if pdol:
            rows.append(tlv(0x9F38, pdol))
        rows.append(tlv(0x5F2D, b"zhen"))
        if profile.preferred:
            rows += [tlv(0x9F11, b"\x01"), tlv(0x9F12, profile.preferred.encode("iso8859-1"))]
        rows.append(tlv(0xBF0C, tlv(0x9F4D, bytes([0x0B, 0x0A]))))
        return tlv(0x6F, tlv(0x84, profile.df_name), tlv(0xA5, *rows))

    def command(self, command: bytes) -> bytes:
        """The data of the answer to a command that is none of the selection. Raises StatusError."""
        cla, ins, p1, p2 = command[:4]
        challenge, self._challenge = self._challenge, b""  # serves the very next command only
        if cla in (0x84, 0x04):
            return self._script(command)
        if (cla, ins) == (0x80, 0xA8):
            return self._get_processing_options(p1, p2, command_data(command))
        if (cla, ins) == (0x00, 0xB2):
            return self._read_record(command)
        if (cla, ins) == (0x80, 0xCA):
            return self._get_data(command)
        if (cla, ins) == (0x00, 0x84):
            return self._get_challenge(command)
        if (cla, ins) == (0x00, 0x20):
            return self._verify(p1, p2, command_data(command), challenge)
        if (cla, ins) == (0x00, 0x88):
            return self._internal_authenticate(p1, p2, command_data(command))
        if (cla, ins) == (0x00, 0x82):
            return self._external_authenticate(p1, p2, command_data(command))
        if (cla, ins) == (0x80, 0xAE):
            return self._generate_ac(p1, p2, command_data(command))
        known = (0xA8, 0xB2, 0xCA, 0x84, 0x20, 0x88, 0x82, 0xAE)
        raise StatusError(status.WRONG_CLA if ins in known else status.WRONG_INS)

    # EMV 4.4 Book 3, 6.5.8
    def _get_processing_options(self, p1: int, p2: int, data: bytes) -> bytes:
        profile = self.profile
        if p1 or p2:
            raise StatusError(status.WRONG_P1P2)
        if data[0] != 0x83:
            raise StatusError(status.WRONG_DATA)
        if len(data) < 2 or data[1] != len(data) - 2 or data[1] != _length(profile.pdol):
            raise StatusError(status.WRONG_LENGTH)
        if self.initiated or self.blocked or profile.refuses_options or self.atc == _LAST_ATC:
            raise StatusError(status.CONDITIONS)
        self.atc += 1
        self.initiated = True
        self._pdol_values = data[2:]
        self._pays_cash = self.cash.offers(_values(profile.pdol, data[2:]))
        afl = self.files.cash_afl if self._pays_cash else self.files.afl
        if profile.file_format == 1:
            return tlv(0x80, self.files.aip, afl)
        return tlv(0x77, tlv(0x82, self.files.aip), tlv(0x94, afl))

    # 6.5.11
    def _read_record(self, command: bytes) -> bytes:
        number, p2 = command[2:4]
        if len(command) != 5:
            raise StatusError(status.WRONG_LENGTH)
        if p2 & 0x07 != 0x04 or not number:
            raise StatusError(status.WRONG_P1P2)
        if not self.initiated:
            raise StatusError(status.CONDITIONS)
        if all(sfi != p2 >> 3 for sfi, _ in self.files.records):
            raise StatusError(status.FILE_NOT_FOUND)
        record = self.files.records.get((p2 >> 3, number))
        if record is None:
            raise StatusError(status.RECORD_NOT_FOUND)
        return record

    # 6.5.7; PBOC 3.0 part 13 for what belongs to electronic cash
    def _get_data(self, command: bytes) -> bytes:
        if len(command) != 5:
            raise StatusError(status.WRONG_LENGTH)
        tag = command[2] << 8 | command[3]
        objects = {
            0x9F36: self.atc.to_bytes(2, "big"),
            0x9F13: self.last_online.to_bytes(2, "big"),
            0x9F4F: dol((0x9A, 3), (0x9F21, 3), (0x9F02, 6), (0x5F2A, 2), (0x9C, 1), (0x9F36, 2)),
        }
        if self.profile.pin:
            objects[0x9F17] = bytes([self.pin.tries])
        objects |= self.cash.objects() | self.put
        if tag not in objects or tag in self.profile.hidden:
            raise StatusError(status.DATA_NOT_FOUND)
        return tlv(tag, objects[tag])

    # 6.5.6
    def _get_challenge(self, command: bytes) -> bytes:
        if command[2] or command[3]:
            raise StatusError(status.WRONG_P1P2)
        if len(command) != 5 or command[4] not in (0, 8):
            raise StatusError(status.WRONG_LENGTH)
        self._challenge = os.urandom(8)
        return self._challenge

    # 6.5.12
    def _verify(self, p1: int, p2: int, data: bytes, challenge: bytes) -> bytes:
        profile = self.profile
        allowed = {0x80: profile.pin_plain, 0x88: profile.pin_enciphered}
        if p1 or not allowed.get(p2, False):
            raise StatusError(status.WRONG_P1P2)
        if not profile.pin:
            raise StatusError(status.DATA_NOT_FOUND)
        if not self.initiated or self.first is not None:
            raise StatusError(status.CONDITIONS)
        block = data if p2 == 0x80 else pin.deciphered(data, self.files.pin_key, challenge)
        self._results[0] = self._results[0] & ~_CVR1_PIN_FAILED | _CVR1_PIN_DONE
        try:
            self.pin.verify(block)
        except StatusError:
            self._results[0] |= _CVR1_PIN_FAILED
            if not self.pin.tries:
                self._results[1] |= _CVR2_PIN_BLOCKED
            raise
        return b""

    # 6.5.9; Book 2, 6.5
    def _internal_authenticate(self, p1: int, p2: int, data: bytes) -> bytes:
        if p1 or p2:
            raise StatusError(status.WRONG_P1P2)
        if not self.initiated or self.first is not None or self.profile.oda not in ("dda", "cda"):
            raise StatusError(status.CONDITIONS)
        assert self.files.icc_key is not None
        self._results[2] |= _CVR3_DDA
        number = os.urandom(8)
        signed = certificates.signed_dynamic_data(self.files.icc_key, bytes([len(number)]) + number, data)
        if self.profile.file_format == 1:
            return tlv(0x80, signed)
        return tlv(0x77, tlv(0x9F4B, signed))

    # 6.5.4
    def _external_authenticate(self, p1: int, p2: int, data: bytes) -> bytes:
        if p1 or p2:
            raise StatusError(status.WRONG_P1P2)
        if not 8 <= len(data) <= 16:
            raise StatusError(status.WRONG_LENGTH)
        # Once, and between the two cryptograms
        waits = self.first == ARQC and self.second is None and self._authenticated is None
        if self.profile.issuer_authentication != "external" or not waits:
            raise StatusError(status.CONDITIONS)
        if not self._authenticate(data):
            raise StatusError(status.AUTHENTICATION_FAILED)
        return b""

    # EMV 4.4 Book 2, 8.2.1
    def _authenticate(self, data: bytes) -> bool:
        """Method 1: eight bytes of cryptogram, two of response code."""
        key = cryptogram.session_key(self._key, self.atc)
        self._authenticated = len(data) == 10 and ac.generate_arpc_1(key, self.arqc, data[8:]) == data[:8]
        if not self._authenticated:
            self._results[0] |= _CVR1_ISSUER_FAILED
        return self._authenticated

    # EMV 4.4 Book 3, 6.5.5 and 9
    def _generate_ac(self, p1: int, p2: int, data: bytes) -> bytes:
        wanted = p1 & 0xC0
        if p2 or p1 & ~0xD0 or wanted not in _RANK:
            raise StatusError(status.WRONG_P1P2)
        is_second = self.first is not None
        if not self.initiated or self.second is not None or (is_second and (self.first != ARQC or wanted == ARQC)):
            raise StatusError(status.CONDITIONS)
        asked = self.profile.second_list() if is_second else self.profile.cdol1
        if len(data) != _length(asked):
            raise StatusError(status.WRONG_LENGTH)
        combined = bool(p1 & _CDA_REQUESTED)
        if combined and self.profile.oda != "cda":
            raise StatusError(status.WRONG_P1P2)
        terminal = _values(asked, data)
        kind = self._decide_again(wanted, terminal) if is_second else self._decide(wanted, terminal)
        return self._cryptogram(kind, terminal, data, is_second, combined)

    # 9.3: card action analysis
    def _decide(self, wanted: int, terminal: dict[int, bytes]) -> int:
        profile = self.profile
        if profile.always:
            return _DECISIONS[profile.always]
        kind = min(wanted, _DECISIONS[profile.decision], key=_RANK.__getitem__)
        if self._pays_cash and wanted == TC:
            kind = TC if self.cash.covers(terminal.get(0x9F02, b"")) else ARQC
        if kind == TC and self._pays_cash:
            self.cash.spend(terminal[0x9F02])
        return kind

    def _decide_again(self, wanted: int, terminal: dict[int, bytes]) -> int:
        code = terminal.get(0x8A, b"")
        is_online = code not in _NOT_ONLINE
        if not is_online:
            self._results[0] |= _CVR1_OFFLINE
        elif self.profile.issuer_authentication == "cdol2":
            self._authenticate(terminal.get(0x91, b""))
        if wanted == AAC or self.profile.second == "aac":
            return AAC
        if self.profile.second == "arqc":
            return ARQC
        # A host that could not prove itself moves nothing
        if is_online and self.profile.issuer_authentication and not self._authenticated:
            return AAC
        return TC

    def _cryptogram(self, kind: int, terminal: dict[int, bytes], data: bytes, is_second: bool, combined: bool) -> bytes:
        if is_second:
            assert self.first is not None
            self.second = kind
            if kind == TC and self._authenticated:
                self.last_online = self.atc
            iad = cryptogram.issuer_application_data(self.first, kind, bytes(self._results))
        else:
            self.first = kind
            self._cdol1_values = data
            iad = cryptogram.issuer_application_data(kind, None, bytes(self._results))
        value = cryptogram.compute(self._key, terminal, self.files.aip, self.atc, iad)
        if kind == ARQC:
            self.arqc = value
        counter = self.atc.to_bytes(2, "big")
        if combined and kind != AAC:
            covered = self._pdol_values + self._cdol1_values + (data if is_second else b"")
            return self._combined(kind, value, counter, iad, covered, terminal.get(0x9F37, b""))
        if self.profile.file_format == 1:
            return tlv(0x80, bytes([kind | self.profile.cid]), counter, value, iad)
        return tlv(
            0x77,
            tlv(0x9F27, bytes([kind | self.profile.cid])),
            tlv(0x9F36, counter),
            tlv(0x9F26, value),
            tlv(0x9F10, iad),
        )

    # EMV 4.4 Book 2, 6.6.1
    def _combined(self, kind: int, value: bytes, counter: bytes, iad: bytes, covered: bytes, number: bytes) -> bytes:
        assert self.files.icc_key is not None
        head = [tlv(0x9F27, bytes([kind | self.profile.cid])), tlv(0x9F36, counter)]
        tail = tlv(0x9F10, iad)
        dynamic = certificates.combined_dynamic_data(
            os.urandom(8), kind | self.profile.cid, value, covered + b"".join(head) + tail
        )
        signed = certificates.signed_dynamic_data(self.files.icc_key, dynamic, number)
        return tlv(0x77, *head, tlv(0x9F4B, signed), tail)

    # PBOC 3.0 part 5: commands under secure messaging
    def _script(self, command: bytes) -> bytes:
        if not self.arqc:
            raise StatusError(status.CONDITIONS)
        keys = tuple(cryptogram.session_key(key, self.atc) for key in self._keys_of_scripts)
        self._scripts = min(self._scripts + 1, 15)
        self._results[2] = self._results[2] & 0x0F | self._scripts << 4
        try:
            scripts.execute(self, command, keys[0], keys[1])
        except StatusError:
            self._results[2] |= _CVR3_SCRIPT_FAILED
            raise
        return b""

    @property
    def key_half(self) -> bytes:
        """What a changed PIN is hidden with: the card's own key. PBOC 3.0 part 5."""
        return self._key


def _length(rows: tuple[tuple[int, int], ...]) -> int:
    return sum(n for _, n in rows)


def _values(rows: tuple[tuple[int, int], ...], data: bytes) -> dict[int, bytes]:
    """The terminal's values by tag; of one that is asked for twice the first."""
    values: dict[int, bytes] = {}
    at = 0
    for tag, n in rows:
        values.setdefault(tag, data[at : at + n])
        at += n
    return values
