"""The application cryptograms of PBOC and Visa cards, and what goes with them: 9F10, session keys.

Cryptogram version 01: PBOC 3.0 part 5 (data) and part 7 (session key, MAC): ISO 9797-1 algorithm 3 with padding
method 2. Versions 10, 17 and 18: Visa's, as pyemv's documentation and payment HSM manuals have them: 10 and 17 are made
with the card's own key and padding method 1, 17 over four objects only; 18 with EMV's common session key (EMV 4.4
Book 2, A1.3.1) and padding method 2.
"""

from pyemv import ac, kd, tools

TC, ARQC, AAC = 0x40, 0x80, 0x00

# In this order; 82 and 9F36 are the card's own, the CVR ends the block
_FROM_TERMINAL = (0x9F02, 0x9F03, 0x9F1A, 0x95, 0x5F2A, 0x9A, 0x9C, 0x9F37)

# Byte 2 of the CVR: the kind of the first cryptogram, no second one asked for
_CVR_KIND = {AAC: 0x80, TC: 0x90, ARQC: 0xA0}


def session_key(master_key: bytes, atc: int) -> bytes:
    """Left half from the counter, right half from its complement, each encrypted under the card's key."""
    left = bytes(6) + atc.to_bytes(2, "big")
    right = bytes(6) + (atc ^ 0xFFFF).to_bytes(2, "big")
    return tools.encrypt_tdes_ecb(master_key, left + right)


def issuer_application_data(kind: int, second: int | None = None, results: bytes = bytes(3)) -> bytes:
    """Tag 9F10: length, key index 01, version 01, CVR (its length 03 and three bytes), algorithm 01 (3DES).

    kind, second: of the first cryptogram and of the second, None before there is one. results: what else the CVR
    says (3 bytes, the kinds left out).
    """
    kinds = _CVR_KIND[kind] if second is None else _CVR_KIND[kind] & 0x30 | second
    return bytes([0x07, 0x01, 0x01, 0x03, kinds | results[0], results[1], results[2], 0x01])


def compute(master_key: bytes, terminal: dict[int, bytes], aip: bytes, atc: int, iad: bytes) -> bytes:
    """The 8-byte cryptogram over the terminal's data (tag -> value; absent ones leave nothing behind)."""
    data = b"".join(terminal.get(tag, b"") for tag in _FROM_TERMINAL)
    data += aip + atc.to_bytes(2, "big") + iad[3:7]
    return ac.generate_ac(session_key(master_key, atc), data, ac.PaddingType.EMV)


def visa_issuer_application_data(kind: int, version: int, results: bytes = bytes(3)) -> bytes:
    """Tag 9F10 of a Visa card: length, key index 01, version, CVR (its length 03 and three bytes); no issuer's own data."""
    return bytes([0x06, 0x01, version, 0x03, _CVR_KIND[kind] | results[0], results[1], results[2]])


def visa(version: int, master_key: bytes, terminal: dict[int, bytes], aip: bytes, atc: int, iad: bytes) -> bytes:
    """The cryptogram of a Visa card. version: 10, 17 or 18. Raises KeyError when `terminal` lacks something."""
    counter = atc.to_bytes(2, "big")
    if version == 17:
        data = terminal[0x9F02] + terminal[0x9F37] + counter + iad[4:5]
        return ac.generate_ac(master_key, data, ac.PaddingType.VISA)
    data = b"".join(terminal[tag] for tag in _FROM_TERMINAL) + aip + counter
    if version == 10:
        return ac.generate_ac(master_key, data + iad[3:7], ac.PaddingType.VISA)
    return ac.generate_ac(kd.derive_common_sk(master_key, counter + bytes(6)), data + iad, ac.PaddingType.EMV)


def visa_proof_holds(version: int, master_key: bytes, atc: int, arqc: bytes, proof: bytes) -> bool:
    """Whether tag 91 comes from the issuer: for versions 10 and 17 eight bytes and a response code (EMV 4.4 Book 2,
    8.2.1), for 18 four bytes and a card status update (8.2.2)."""
    if version != 18:
        return len(proof) == 10 and ac.generate_arpc_1(master_key, arqc, proof[8:]) == proof[:8]
    key = kd.derive_common_sk(master_key, atc.to_bytes(2, "big") + bytes(6))
    return len(proof) == 8 and ac.generate_arpc_2(key, arqc, proof[4:]) == proof[:4]
