"""What an issuer writes into a card before it posts it: the account, the keys, the application's behaviour."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyemv import kd

from mpos.bench import test_keys

if TYPE_CHECKING:
    from mpos.bench.cards.contact.layout import Layout

_Dol = tuple[tuple[int, int], ...]

AID_DEBIT = bytes.fromhex("A000000333010101")
AID_CREDIT = bytes.fromhex("A000000333010102")
AID_QUASI_CREDIT = bytes.fromhex("A000000333010103")
AID_VISA = bytes.fromhex("A0000000031010")
AID_VISA_ELECTRON = bytes.fromhex("A0000000032010")

# PBOC 3.0 part 5: terminal qualifiers first, then what cryptogram version 01 is computed over
PDOL: _Dol = (
    (0x9F66, 4),
    (0x9F02, 6),
    (0x9F03, 6),
    (0x9F1A, 2),
    (0x95, 5),
    (0x5F2A, 2),
    (0x9A, 3),
    (0x9C, 1),
    (0x9F37, 4),
)


@dataclass(frozen=True)
class Personalisation:
    """pan: digits with check digit; sequence: PAN sequence number; expiry, effective: YYMMDD.

    genuine: False makes a card whose keys the issuer does not know.
    """

    pan: str
    sequence: int = 1
    expiry: str = "491231"
    effective: str = "200101"
    service_code: str = "220"
    genuine: bool = True

    @property
    def is_visa(self) -> bool:
        """Of the bench's issuer of Visa cards."""
        return self.pan.startswith(test_keys.VISA_IIN)

    def master_key(self) -> bytes:
        """The card's own key, derived from the issuer's. EMV 4.4 Book 2, A1.4.1 (option A)."""
        return self.derived(test_keys.VISA_MASTER_KEY if self.is_visa else test_keys.ISSUER_MASTER_KEY)

    def derived(self, issuer_key: bytes) -> bytes:
        """The card's key below one of the issuer's (16 bytes); a stranger's for a card that is not genuine."""
        issuer = issuer_key if self.genuine else bytes(range(1, 17))
        return kd.derive_icc_mk_a(issuer, self.pan, f"{self.sequence:02d}")

    def track2(self) -> bytes:
        """Tag 57: PAN, D, expiry YYMM, service code, discretionary data, F to a whole byte."""
        digits = f"{self.pan}D{self.expiry[:4]}{self.service_code}00000"
        return bytes.fromhex(digits + "F" * (len(digits) % 2))

    def pan_bcd(self) -> bytes:
        """Tag 5A: compressed numeric, F to a whole byte."""
        return bytes.fromhex(self.pan + "F" * (len(self.pan) % 2))


@dataclass(frozen=True)
class Profile(Personalisation):
    """An application of a contactless card.

    name: DF name, where it is longer than `aid`. priority: as the directory has it. extended: tag 9F29 in the directory.
    decision: "arqc", "aac" or "tc", what the card answers when the reader leaves it the choice; "tc-always": even when
    the reader wants to go online.
    cash: electronic cash in fen, which decides then: TC while it covers the sale, else ARQC; None: the card has none.
    cvm: "as-required" (signature when the reader says that verification is required), "signature" (always),
    "online-pin" (always, whatever the reader can do), "device" (done on the cardholder's device).
    see_phone: GET PROCESSING OPTIONS is answered with 6986 until the cardholder has looked at the device: once.
    track2_in_gpo: track 2 comes with the processing options instead of the first record.
    application_blocked: SELECT answers 6283, GET PROCESSING OPTIONS 6985. refuses: what it answers instead, always.

    oda: the card has keys and certificates, and signs (fDDA). ca_index, *_bits, *_exponent, certificate_expiry,
    identifier, certified: as in ContactProfile. fdda_version: 0 or 1. signature_in_record: 9F4B is in a record, as
    for a key too long for the processing options.
    ctq: more bits of the card transaction qualifiers, in hex (what happens when authentication fails, or after expiry).
    cvn: cryptogram version of a Visa card: 10, 17 or 18. form_factor: tag 9F6E, in hex.
    takes_update: the issuer may update it at a second presentment (CTQ; Book C-3, issuer update processing).
    available: tag 9F5D, the amount left to be spent offline, comes with the processing options.
    one_command: everything comes with the processing options, no record is read.
    file_format: 1 gives AIP and AFL only, and the rest in a record; 2: a template of data objects.
    aip: in hex, replaces the one computed.
    spoil: changes the files after the certificates are made. answer: changes the objects of GET PROCESSING OPTIONS.
    """

    aid: bytes = AID_DEBIT
    name: bytes = b""
    label: str = "PBOC DEBIT"
    priority: int = 1
    pdol: _Dol = PDOL
    decision: str = "arqc"
    cash: int | None = None
    cvm: str = "as-required"
    see_phone: bool = False
    track2_in_gpo: bool = False
    application_blocked: bool = False
    refuses: int = 0
    kernel_identifier: bytes = b""
    extended: bytes = b""
    oda: bool = False
    ca_index: int = 0xE1
    issuer_bits: int = 1152
    issuer_exponent: int = 3
    icc_bits: int = 1024
    icc_exponent: int = 3
    certificate_expiry: str = "1249"
    certified: str = ""
    identifier: str = ""
    fdda_version: int = 1
    signature_in_record: bool = False
    ctq: str = "0000"
    cvn: int = 10
    form_factor: str = ""
    takes_update: bool = False
    available: bool = False
    one_command: bool = False
    file_format: int = 2
    aip: str = ""
    spoil: Callable[[Layout], None] | None = None
    answer: Callable[[list[tuple[int, bytes]]], list[tuple[int, bytes]]] | None = None

    @property
    def df_name(self) -> bytes:
        return self.name or self.aid

    @property
    def rid(self) -> bytes:
        return self.aid[:5]
