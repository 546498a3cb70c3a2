"""What an issuer writes into a contact card: one profile per application."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mpos.bench.cards.contact.layout import Layout
from mpos.bench.cards.profile import AID_DEBIT, Personalisation

_Dol = tuple[tuple[int, int], ...]
_Spoil = Callable[[Layout], None]

# PBOC 3.0 part 5: what cryptogram version 01 is computed over, and the terminal's time and place
CDOL1: _Dol = (
    (0x9F02, 6),
    (0x9F03, 6),
    (0x9F1A, 2),
    (0x95, 5),
    (0x5F2A, 2),
    (0x9A, 3),
    (0x9C, 1),
    (0x9F37, 4),
    (0x9F21, 3),
    (0x9F4E, 20),
)
CDOL2: _Dol = ((0x8A, 2), *CDOL1[:-1])
CDOL2_WITH_ARPC: _Dol = ((0x91, 10), *CDOL2)

# Amounts X and Y (4 bytes each), then rules of two bytes: EMV 4.4 Book 3, annex C3
NO_AMOUNTS = bytes(8)
SIGNATURE_OR_NOTHING = NO_AMOUNTS + bytes.fromhex("1E031F03")


@dataclass(frozen=True)
class ContactProfile(Personalisation):
    """oda: "" (none), "sda", "dda" or "cda"; each card can do the lesser ones too.

    ca_index: the authority's key above the issuer's. *_bits, *_exponent: the keys made for this card; pin_bits: a key
    of its own for enciphering the PIN, 0: the card's other key serves. certificate_expiry: MMYY of both certificates.
    identifier: the issuer's in its certificate, where it is another. cid: what stands in the lower half of 9F27.
    decision: "arqc", "aac" or "tc", the most the card grants at the first GENERATE AC; always: what it answers there,
    whatever it is asked for.
    second: "tc" follows the terminal, "aac" refuses whatever the issuer said, "arqc" asks again.
    issuer_authentication: "external" (EXTERNAL AUTHENTICATE), "cdol2" or "" (none).
    pin: its digits, "" for a card without; plain, enciphered: in which form it is taken; tries: what is left.
    iac: default, denial and online, five bytes each in hex; None leaves them out.
    lower, upper: limits of consecutive offline transactions (9F14, 9F23), both or none; last_online: 9F13.
    auc: application usage control in hex, "" leaves it out.
    cash: balance of the electronic cash in fen, None without; cash_reset: the threshold (9F6D).
    file_format: 1 or 2, the template of GET PROCESSING OPTIONS, INTERNAL AUTHENTICATE and GENERATE AC.
    hidden: tags that GET DATA denies. aip: in hex, replaces the one computed.
    before_signing, spoil: change the card's files before and after the certificates are made.
    """

    aid: bytes = AID_DEBIT
    name: bytes = b""  # DF name where it is longer than `aid`
    label: str = "PBOC DEBIT"
    preferred: str = ""
    priority: int = 1
    pdol: _Dol = ()
    raw_pdol: bytes = b""  # in place of it
    oda: str = "dda"
    ca_index: int = 0xE1
    issuer_bits: int = 1152
    issuer_exponent: int = 3
    icc_bits: int = 1024
    icc_exponent: int = 3
    pin_bits: int = 0
    certificate_expiry: str = "1249"
    issuer_serial: bytes = b"\x00\x00\x01"
    certified: str = ""  # the account number in the card's certificate, where it is another
    identifier: str = ""
    decision: str = "arqc"
    always: str = ""
    cid: int = 0
    second: str = "tc"
    issuer_authentication: str = "external"
    cdol1: _Dol = CDOL1
    cdol2: _Dol = ()  # () is the usual one for the way of issuer authentication
    cvm_list: bytes = SIGNATURE_OR_NOTHING
    pin: str = ""
    pin_plain: bool = True
    pin_enciphered: bool = False
    pin_tries: int = 3
    iac: tuple[str, str, str] | None = ("FC78FCA800", "0000000000", "FC78FCF800")
    version: str = "0030"
    auc: str = "FF00"
    country: str = "0156"
    lower: int | None = None
    upper: int | None = None
    last_online: int = 0
    cash: int | None = None
    cash_reset: int = 0
    file_format: int = 1
    hidden: tuple[int, ...] = ()
    aip: str = ""
    blocked: bool = False
    refuses_options: bool = False  # GET PROCESSING OPTIONS answers 6985
    before_signing: _Spoil | None = None
    spoil: _Spoil | None = None

    @property
    def df_name(self) -> bytes:
        return self.name or self.aid

    @property
    def rid(self) -> bytes:
        return self.aid[:5]

    def second_list(self) -> _Dol:
        """CDOL2."""
        if self.cdol2:
            return self.cdol2
        return CDOL2_WITH_ARPC if self.issuer_authentication == "cdol2" else CDOL2

    def interchange_profile(self) -> bytes:
        """Tag 82. EMV 4.4 Book 3, annex C1."""
        if self.aip:
            return bytes.fromhex(self.aip)
        first = 0x08  # terminal risk management
        if self.cvm_list:
            first |= 0x10
        if self.issuer_authentication == "external":
            first |= 0x04
        first |= {"": 0, "sda": 0x40, "dda": 0x60, "cda": 0x61}[self.oda]
        return bytes([first, 0])
