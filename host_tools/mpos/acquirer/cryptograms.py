"""The cryptograms of the issuer's cards, and the proofs it sends back, by `pyemv`; nothing here is shared with the cards.

UnionPay: cryptogram version 01 (PBOC 3.0 part 5 and 7), ARPC by method 1 (EMV 4.4 Book 2, 8.2.1).
Visa: versions 10 (0A), 17 (11) and 18 (12); 10 and 17 with the card's own key and method 1, 18 with EMV's common session key and
method 2 (8.2.2).
"""

from __future__ import annotations

from typing import Protocol

from pyemv import ac, cvn, kd, tools

# What the cryptogram covers, in this order; 9F10 or a part of it ends it
_COVERED = (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37, 0x82, 0x9F36)
_CVR = slice(3, 7)
_CVR_2 = slice(4, 5)
VISA_10, VISA_17, VISA_18 = 0x0A, 0x11, 0x12
_APPROVED = "00"
# Card status update: issuer approves the transaction (EMV 4.4 Book 2, 8.2.2; Common Payment Application, table 16-8)
_CSU_APPROVED, _CSU_NOTHING = bytes.fromhex("00800000"), bytes(4)


def _named(chip: dict[int, bytes]) -> dict[str, bytes]:
    """What every cryptogram covers, as pyemv calls it."""
    return {f"tag_{tag:x}": chip[tag] for tag in _COVERED}


class Method(Protocol):
    """How one card and its issuer prove themselves."""

    def cryptogram(self, chip: dict[int, bytes]) -> bytes:
        """What tag 9F26 must be."""

    def proof(self, chip: dict[int, bytes], response_code: str) -> bytes:
        """Tag 91: the ARPC and what it was made with."""


class Pboc:
    """Session key from the counter and its complement, under the card's key of option A (Book 2, A1.4.1)."""

    def __init__(self, master_key: bytes, pan: str, sequence: int):
        self._key = kd.derive_icc_mk_a(master_key, pan, f"{sequence:02d}")

    def _session_key(self, atc: bytes) -> bytes:
        inverted = tools.xor(atc, b"\xff\xff")
        return tools.encrypt_tdes_ecb(self._key, bytes(6) + atc + bytes(6) + inverted)

    def cryptogram(self, chip: dict[int, bytes]) -> bytes:
        data = b"".join(chip[tag] for tag in _COVERED) + chip[0x9F10][_CVR]
        return ac.generate_ac(self._session_key(chip[0x9F36]), data, ac.PaddingType.EMV)

    def proof(self, chip: dict[int, bytes], response_code: str) -> bytes:
        code = response_code.encode("ascii")
        return ac.generate_arpc_1(self._session_key(chip[0x9F36]), chip[0x9F26], code) + code


class Visa10:
    def __init__(self, master_key: bytes, pan: str, sequence: int):
        self._cvn = cvn.VisaCVN10(master_key, master_key, master_key, pan, f"{sequence:02d}")

    def cryptogram(self, chip: dict[int, bytes]) -> bytes:
        return self._cvn.generate_ac(**_named(chip), cvr=chip[0x9F10][_CVR])

    def proof(self, chip: dict[int, bytes], response_code: str) -> bytes:
        code = response_code.encode("ascii")
        return self._cvn.generate_arpc(chip[0x9F26], code) + code


class Visa17(Visa10):
    """Over amount, the reader's number, the counter and byte 2 of the CVR only."""

    def cryptogram(self, chip: dict[int, bytes]) -> bytes:
        data = chip[0x9F02] + chip[0x9F37] + chip[0x9F36] + chip[0x9F10][_CVR_2]
        return ac.generate_ac(self._cvn.icc_mk_ac, data, ac.PaddingType.VISA)


class Visa18:
    def __init__(self, master_key: bytes, pan: str, sequence: int):
        self._cvn = cvn.VisaCVN18(master_key, master_key, master_key, pan, f"{sequence:02d}")

    def cryptogram(self, chip: dict[int, bytes]) -> bytes:
        return self._cvn.generate_ac(**_named(chip), tag_9f10=chip[0x9F10])

    def proof(self, chip: dict[int, bytes], response_code: str) -> bytes:
        update = _CSU_APPROVED if response_code == _APPROVED else _CSU_NOTHING
        return self._cvn.generate_arpc(chip[0x9F26], chip[0x9F36], update) + update


VISA: dict[int, type[Visa10] | type[Visa18]] = {VISA_10: Visa10, VISA_17: Visa17, VISA_18: Visa18}
