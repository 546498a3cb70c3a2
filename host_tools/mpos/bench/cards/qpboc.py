"""A contactless UnionPay card: PPSE, SELECT, GET PROCESSING OPTIONS with cryptogram, READ RECORD, GET DATA.

EMV 4.4 Book 1 (selection), Book 3 (commands), EMV Contactless Book B, PBOC 3.0 part 12 (qPBOC). As strict as a
real card: whatever it is not asked in the right form and order, it refuses with the status word for it.
"""

from mpos.bench.cards import cryptogram, status
from mpos.bench.cards.profile import Profile
from mpos.bench.cards.tlv import dol, tlv

PPSE = b"2PAY.SYS.DDF01"

# EMV 4.4 Book 3, annex C1: cardholder verification, terminal risk management, issuer authentication; no offline
# data authentication, because this card always goes online
_AIP = bytes.fromhex("1C00")

# Terminal transaction qualifiers, EMV Contactless Book A, table 5-4
_TTQ1_EMV_MODE = 0x20
_TTQ1_OFFLINE_ONLY = 0x08
_TTQ1_SIGNATURE = 0x02
_TTQ2_CVM_REQUIRED = 0x40

# Card transaction qualifiers
_CTQ1_ONLINE_PIN = 0x80
_CTQ1_SIGNATURE = 0x40
_CTQ2_DEVICE_CVM = 0x80

_RECORD_SFI = 1
_LAST_ATC = 0xFFFF


class QpbocCard:
    """One card in the sense of `mpos.bench.field.Target`; `atc` is the counter before the next transaction."""

    atqa = b"\x00\x04"
    sak = 0x20
    # ISO 14443-4, 5.2: frames to 256 bytes, 106 kbit/s both ways, waiting time 7, CID supported
    ats: bytes | None = bytes.fromhex("0578807002")

    def __init__(self, profile: Profile, atc: int = 0, uid: bytes = bytes.fromhex("08A1B2C3")):
        self.profile = profile
        self.uid = uid
        self.atc = atc
        self._key = profile.master_key()
        self._selected = b""
        self._initiated = False

    def power_on(self) -> None:
        self._selected = b""
        self._initiated = False

    def exchange(self, command: bytes) -> bytes | None:
        """Answer one APDU: data and status word. A malformed APDU gets its status word too."""
        try:
            return self._dispatch(command) + status.OK
        except status.StatusError as error:
            return error.answer()

    def _dispatch(self, command: bytes) -> bytes:
        if len(command) < 4:
            raise status.StatusError(status.WRONG_LENGTH)
        cla, ins, p1, p2 = command[:4]
        handlers = {0xA4: (0x00, self._select), 0xA8: (0x80, self._get_processing_options)}
        readers = {0xB2: (0x00, self._read_record), 0xCA: (0x80, self._get_data)}
        if cla not in (0x00, 0x80):
            raise status.StatusError(status.WRONG_CLA)
        if ins in handlers:
            wanted, handler = handlers[ins]
            if cla != wanted:
                raise status.StatusError(status.WRONG_CLA)
            return handler(p1, p2, status.command_data(command))
        if ins in readers:
            wanted, reader = readers[ins]
            if cla != wanted:
                raise status.StatusError(status.WRONG_CLA)
            # EMV 4.4 Book 3, 6.5.11.3 and 6.5.7.3: no data, Le present
            if len(command) != 5:
                raise status.StatusError(status.WRONG_LENGTH)
            return reader(p1, p2)
        raise status.StatusError(status.WRONG_INS)

    # EMV 4.4 Book 1, 11.3
    def _select(self, p1: int, p2: int, name: bytes) -> bytes:
        if p1 != 0x04 or p2 not in (0x00, 0x02):
            raise status.StatusError(status.WRONG_P1P2)
        if not name or len(name) > 16:
            raise status.StatusError(status.WRONG_LENGTH)
        self._initiated = False
        aid = self.profile.aid
        if name == PPSE:
            if p2 != 0x00:
                raise status.StatusError(status.FILE_NOT_FOUND)
            self._selected = PPSE
            return self._ppse()
        # 12.3.1: a name may be given by its beginning; there is no next occurrence, the card has one application
        if len(name) >= 5 and aid.startswith(name) and not (p2 == 0x02 and self._selected == aid):
            self._selected = aid
            if self.profile.application_blocked:
                raise status.StatusError(status.APPLICATION_BLOCKED)
            return self._fci()
        raise status.StatusError(status.FILE_NOT_FOUND)

    # EMV Contactless Book B, 3.3.1, tables 3-2 and 3-3
    def _ppse(self) -> bytes:
        entry = [tlv(0x4F, self.profile.aid), tlv(0x50, self.profile.label.encode()), tlv(0x87, b"\x01")]
        if self.profile.kernel_identifier:
            entry.append(tlv(0x9F2A, self.profile.kernel_identifier))
        return tlv(0x6F, tlv(0x84, PPSE), tlv(0xA5, tlv(0xBF0C, tlv(0x61, *entry))))

    def _fci(self) -> bytes:
        profile = self.profile
        proprietary = tlv(
            0xA5,
            tlv(0x50, profile.label.encode()),
            tlv(0x87, b"\x01"),
            tlv(0x9F38, dol(*profile.pdol)),
            tlv(0x5F2D, b"zhen"),
            tlv(0xBF0C, tlv(0x9F4D, bytes([0x0B, 0x0A]))),
        )
        return tlv(0x6F, tlv(0x84, profile.aid), proprietary)

    # EMV 4.4 Book 3, 6.5.8; PBOC 3.0 part 12
    def _get_processing_options(self, p1: int, p2: int, data: bytes) -> bytes:
        profile = self.profile
        if p1 or p2:
            raise status.StatusError(status.WRONG_P1P2)
        if self._selected != profile.aid or self._initiated or profile.application_blocked:
            raise status.StatusError(status.CONDITIONS)
        terminal = self._terminal_data(data)
        ttq = terminal.get(0x9F66, bytes(4))
        if not ttq[0] & _TTQ1_EMV_MODE or self.atc == _LAST_ATC:
            raise status.StatusError(status.CONDITIONS)
        self.atc += 1
        self._initiated = True
        kind, ctq = self._decide(ttq)
        iad = cryptogram.issuer_application_data(kind)
        value = cryptogram.compute(self._key, terminal, _AIP, self.atc, iad)
        answer = [tlv(0x82, _AIP)]
        if kind != cryptogram.AAC:
            answer.append(tlv(0x94, self._file_locator()))
        if profile.track2_in_gpo:
            answer.append(tlv(0x57, profile.track2()))
        answer += [
            tlv(0x5F34, bytes.fromhex(f"{profile.sequence:02d}")),
            tlv(0x9F10, iad),
            tlv(0x9F26, value),
            tlv(0x9F27, bytes([kind])),
            tlv(0x9F36, self.atc.to_bytes(2, "big")),
            tlv(0x9F6C, ctq),
        ]
        return tlv(0x77, *answer)

    def _terminal_data(self, data: bytes) -> dict[int, bytes]:
        wanted = sum(n for _, n in self.profile.pdol)
        if len(data) < 2 or data[0] != 0x83:
            raise status.StatusError(status.WRONG_DATA)
        # The list is shorter than 128 bytes, so its length takes one byte
        if data[1] != len(data) - 2 or data[1] != wanted:
            raise status.StatusError(status.WRONG_LENGTH)
        values, at = {}, 2
        for tag, n in self.profile.pdol:
            values[tag] = data[at : at + n]
            at += n
        return values

    def _decide(self, ttq: bytes) -> tuple[int, bytes]:
        """The kind of cryptogram and the qualifiers: how the cardholder is to be verified."""
        profile = self.profile
        kind = {"arqc": cryptogram.ARQC, "aac": cryptogram.AAC, "tc": cryptogram.TC}[profile.decision]
        if kind == cryptogram.ARQC and ttq[0] & _TTQ1_OFFLINE_ONLY:
            kind = cryptogram.AAC
        first = second = 0
        if profile.cvm == "online-pin":
            first |= _CTQ1_ONLINE_PIN
        elif profile.cvm == "device":
            second |= _CTQ2_DEVICE_CVM
        elif profile.cvm == "signature" or ttq[1] & _TTQ2_CVM_REQUIRED:
            if ttq[0] & _TTQ1_SIGNATURE:
                first |= _CTQ1_SIGNATURE
            else:
                # Nothing in common to verify the cardholder with
                kind = cryptogram.AAC
        return kind, bytes([first, second])

    # EMV 4.4 Book 3, 10.2: short file identifier, first record, last record, records under offline authentication
    def _file_locator(self) -> bytes:
        return bytes([_RECORD_SFI << 3, 2 if self.profile.track2_in_gpo else 1, 2, 0])

    def _records(self) -> tuple[bytes, ...]:
        profile = self.profile
        return (
            tlv(0x70, tlv(0x57, profile.track2()), tlv(0x5F30, bytes.fromhex("0" + profile.service_code))),
            tlv(
                0x70,
                tlv(0x5A, profile.pan_bcd()),
                tlv(0x5F24, bytes.fromhex(profile.expiry)),
                tlv(0x5F25, bytes.fromhex(profile.effective)),
                tlv(0x5F28, bytes.fromhex("0156")),
                tlv(0x9F07, bytes.fromhex("FF00")),
                tlv(0x9F63, b"03080000" + bytes(8)),
            ),
        )

    # EMV 4.4 Book 3, 6.5.11
    def _read_record(self, number: int, p2: int) -> bytes:
        if p2 & 0x07 != 0x04 or not number:
            raise status.StatusError(status.WRONG_P1P2)
        if not self._initiated:
            raise status.StatusError(status.CONDITIONS)
        if p2 >> 3 != _RECORD_SFI:
            raise status.StatusError(status.FILE_NOT_FOUND)
        records = self._records()
        if number > len(records):
            raise status.StatusError(status.RECORD_NOT_FOUND)
        return records[number - 1]

    # EMV 4.4 Book 3, 6.5.7
    def _get_data(self, p1: int, p2: int) -> bytes:
        if self._selected != self.profile.aid:
            raise status.StatusError(status.CONDITIONS)
        tag = p1 << 8 | p2
        if tag == 0x9F36:
            return tlv(tag, self.atc.to_bytes(2, "big"))
        if tag == 0x9F13:
            return tlv(tag, bytes(2))
        if tag == 0x9F4F:
            return tlv(tag, dol((0x9A, 3), (0x9F21, 3), (0x9F02, 6), (0x5F2A, 2), (0x9C, 1), (0x9F36, 2)))
        raise status.StatusError(status.DATA_NOT_FOUND)
