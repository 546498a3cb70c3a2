"""Scripts of the issuer to its card: commands under secure messaging, in templates 71 and 72 of the answer's DE55.

EMV 4.4 Book 3, 10.10 (templates), Book 2, 9 (format 2); PBOC 3.0 part 5 (commands) and part 7 (keys, MAC, PIN block).
Derived by `pyemv`; nothing here is shared with the card that has to understand it.
"""

from dataclasses import dataclass

from pyemv import kd, sm, tools

from mpos.bench import test_keys

BEFORE, AFTER = 0x71, 0x72
_MAC_BYTES = 4


@dataclass(frozen=True)
class Script:
    """template: 71 (before the second GENERATE AC) or 72 (after it). identifier: tag 9F18, 4 bytes, or none.

    commands: what the card is to do, by name, with an argument where there is one: "block", "unblock", "block-card",
    "unblock-pin", "change-pin 1357", "put 9F79 000000050000". wrong_mac: the last command's MAC is damaged.
    filler: so many bytes of a padding command, which no card knows, at the end.
    """

    template: int
    commands: tuple[str, ...]
    identifier: bytes = b"\x00\x00\x00\x01"
    wrong_mac: bool = False
    filler: int = 0


@dataclass(frozen=True)
class Keys:
    """Of one card: session keys for MAC and data, and the master key that hides a new PIN."""

    mac: bytes
    data: bytes
    card: bytes


def keys_of(issuer_key: bytes, pan: str, sequence: int, atc: bytes) -> Keys:
    """Master keys by option A (Book 2, A1.4.1), session keys from the counter."""

    def master(key: bytes) -> bytes:
        return kd.derive_icc_mk_a(key, pan, f"{sequence:02d}")

    def session(key: bytes) -> bytes:
        inverted = tools.xor(atc, b"\xff\xff")
        return tools.encrypt_tdes_ecb(master(key), bytes(6) + atc + bytes(6) + inverted)

    return Keys(session(test_keys.ISSUER_SCRIPT_MAC_KEY), session(test_keys.ISSUER_SCRIPT_DATA_KEY), master(issuer_key))


def visa_keys_of(issuer_key: bytes, pan: str, sequence: int, atc: bytes) -> Keys:
    """Of a Visa card: each half of the card's key changed by the counter, the right one by its complement."""

    def master(key: bytes) -> bytes:
        return kd.derive_icc_mk_a(key, pan, f"{sequence:02d}")

    return Keys(
        kd.derive_visa_sm_sk(master(test_keys.VISA_SCRIPT_MAC_KEY), atc),
        kd.derive_visa_sm_sk(master(test_keys.VISA_SCRIPT_DATA_KEY), atc),
        master(issuer_key),
    )


def encode(script: Script, keys: Keys, atc: bytes, arqc: bytes) -> bytes:
    """The whole template. Raises ValueError for a command of another name."""
    parts = [_object(b"\x9f\x18", script.identifier)] if script.identifier else []
    for i, words in enumerate(script.commands):
        header, data = _command(words, keys)
        header += bytes([len(data) + _MAC_BYTES])
        mac = sm.generate_command_mac(keys.mac, header + atc + arqc + data, _MAC_BYTES)
        if script.wrong_mac and i == len(script.commands) - 1:
            mac = bytes([mac[0] ^ 0x01]) + mac[1:]
        parts.append(_object(b"\x86", header + data + mac))
    if script.filler:
        parts.append(_object(b"\x86", bytes.fromhex("04FF0000") + bytes([script.filler]) + bytes(script.filler)))
    return _object(bytes([script.template]), b"".join(parts))


def _command(words: str, keys: Keys) -> tuple[bytes, bytes]:
    """Header of four bytes, and the data, enciphered where they are secret."""
    name, *arguments = words.split()
    plain = {"block": "841E0000", "unblock": "84180000", "block-card": "84160000", "unblock-pin": "84240000"}
    if name in plain:
        return bytes.fromhex(plain[name]), b""
    if name == "change-pin":
        block = sm.format_vis_pin_block(keys.card, arguments[0])
        return bytes.fromhex("84240002"), sm.encrypt_command_data(keys.data, block, sm.EncryptionType.VISA)
    if name == "put":
        return bytes.fromhex("04DA" + arguments[0]), bytes.fromhex(arguments[1])
    raise ValueError(f"the issuer has no script command {name!r}")


def _object(tag: bytes, value: bytes) -> bytes:
    n = len(value)
    return tag + (bytes([n]) if n < 0x80 else bytes([0x81, n])) + value
