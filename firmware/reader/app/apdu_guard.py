"""What of a card's APDUs passes through to the phone: everything but payment.

A payment application is reached by its name, by being the one that is selected from the start, or by way of another
channel or file; account data could also come out of an application nobody has thought of. So:

- short APDUs on the basic channel only, no chaining, no ENVELOPE or MANAGE CHANNEL: what is checked is what the card does;
- SELECT by name: no payment system environment, nothing under a payment scheme's RID, nothing so short that it could
  mean one of these; by file identifier below that only, not by path, parent or master file;
- nothing else before a name was selected, but DESFire's own commands (CLA 90), which no payment application knows;
- never GET PROCESSING OPTIONS or GENERATE AC;
- no answer that holds track 2, PAN, track 1 or track 2 of another kernel in a template, and none whose DF name is payment's.
"""

from micropython import const

from ..errors import E_LINK_BODY, E_PASS_PAYMENT, ReaderError
from ..iso7816 import apdu
from ..link.protocol import APDU
from ..util import ber_tlv

_SELECT = const(0xA4)
_DESFIRE = const(0x90)
_BY_NAME = const(4)  # P1 (ISO/IEC 7816-4, 11.2.2, table 62)
_BY_IDENTIFIER = const(0)
_EF = const(2)
_MASTER_FILE = b"\x3f\x00"
_CHANNEL = const(0x03)  # 7816-4, 5.4.1: CLA of the first interindustry values
_CHAINING = const(0x10)
_FURTHER = const(0x40)  # ... of the further ones, whose channels begin at 4
_PROPRIETARY = const(0x80)
# GENERATE AC, GET PROCESSING OPTIONS (EMV Book 3, 6.5); ENVELOPE; MANAGE CHANNEL (7816-4, 11.8, 11.1)
_NEVER = b"\xae\xa8\xc2\xc3\x70"

# Registered application providers that are payment schemes (ISO/IEC 7816-5; the schemes publish theirs), after A0 00 00:
# Visa, Mastercard (3), American Express, LINK, CB, JCB, Dankort, PagoBancomat, Diners and Discover (2), mada, Interac,
# UnionPay, girocard, Verve, eftpos, Elo (2), RuPay, MyDebit, DNA, MIR, TROY, TPN, NAPAS
_RIDS = (
    b"\x00\x03\x00\x04\x00\x05\x00\x10\x00\x25\x00\x29\x00\x42\x00\x65\x01\x21\x01\x41\x01\x52\x03\x24\x02\x28\x02\x77"
    b"\x03\x33\x03\x59\x03\x71\x03\x84\x04\x95\x06\x51\x05\x24\x06\x15\x06\x20\x06\x58\x06\x72\x06\x77\x07\x27"
)
_REGISTERED = b"\xa0\x00\x00"
# National ones: girocard, BankAxept, KS X 6928 of Korea
_NATIONAL = (b"\xd2\x76\x00\x00\x25", b"\xd5\x78\x00\x00\x02", b"\xd4\x10\x00\x00\x03")
_ENVIRONMENT = b"PAY.SYS.DDF01"  # after "1" or "2" (EMV Book 1, 11.3.2; EMV Contactless Book B, 3.3.2)
_DF_NAME = const(0x84)
_ACCOUNT = (0x57, 0x5A, 0x56, 0x9F6B)  # track 2, PAN, track 1 and track 2 of the kernels that have those


class ApduGuard:
    """aids: of the reader's own applications, which are payment whatever their RID."""

    def __init__(self, aids):
        self._aids = aids
        self._is_named = False  # an application that is none for payment is selected

    def ask(self, c_apdu) -> None:
        """Whether this may go to the card. Raises E_PASS_PAYMENT; E_LINK_BODY for what is no short command APDU."""
        if not apdu.case_of(c_apdu):
            raise ReaderError(E_LINK_BODY, APDU)
        cla, ins, p1 = c_apdu[0], c_apdu[1], c_apdu[2]
        if ins in _NEVER or cla & _CHANNEL or (cla & _CHAINING and not cla & _PROPRIETARY) or cla & 0xC0 == _FURTHER:
            raise ReaderError(E_PASS_PAYMENT)
        if ins == _SELECT:
            data = apdu.data_of(c_apdu)
            if p1 == _BY_NAME:
                if self._is_payment(data):
                    raise ReaderError(E_PASS_PAYMENT)
                return
            if p1 not in (_BY_IDENTIFIER, _EF) or len(data) != 2 or data == _MASTER_FILE:
                raise ReaderError(E_PASS_PAYMENT)
        elif cla == _DESFIRE:
            return
        if not self._is_named:
            raise ReaderError(E_PASS_PAYMENT)

    def take(self, c_apdu, r_apdu) -> None:
        """Whether the answer to it may be handed out. Raises E_PASS_PAYMENT."""
        is_select = c_apdu[1] == _SELECT
        try:
            self._look(r_apdu[:-2], is_select, 0)
        except ReaderError as error:
            if error.code == E_PASS_PAYMENT:
                self._is_named = False
                raise
            # Not TLV to its end: then nothing behind this is in a template
        if is_select and c_apdu[2] == _BY_NAME and _is_good(r_apdu):
            self._is_named = True

    def _look(self, data, is_select: bool, depth: int) -> None:
        for tag, value in ber_tlv.objects(data):
            if (is_select and tag == _DF_NAME and self._is_payment(value)) or (depth and tag in _ACCOUNT):
                raise ReaderError(E_PASS_PAYMENT)
            if ber_tlv.is_constructed(tag) and depth < ber_tlv.DEPTH_MOST:
                self._look(value, is_select, depth + 1)

    def _is_payment(self, name) -> bool:
        """Whether a DF name is payment's, or the beginning of one that is."""
        if _begins_alike(name, b"1" + _ENVIRONMENT) or _begins_alike(name, b"2" + _ENVIRONMENT):
            return True
        for aid in self._aids:
            if _begins_alike(name, aid):
                return True
        for at in range(0, len(_RIDS), 2):
            if _begins_alike(name, _REGISTERED + _RIDS[at : at + 2]):
                return True
        return any(_begins_alike(name, rid) for rid in _NATIONAL)


def _begins_alike(name, other) -> bool:
    """One is the beginning of the other: a name of no bytes is the beginning of all."""
    n = min(len(name), len(other))
    return name[:n] == other[:n]


def _is_good(r_apdu) -> bool:
    """9000, or a warning, or more to come: the application is selected."""
    return len(r_apdu) >= 2 and r_apdu[-2] in b"\x90\x61\x62\x63"
