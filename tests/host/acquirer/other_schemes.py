"""Terminals whose packets are under AES DUKPT, or under working keys: what pos_terminal.Terminal does, with other keys."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC
from psec import des, pinblock, tools

from mpos.acquirer import dukpt_aes
from mpos.bench import test_keys
from tests.host.acquirer.pos_terminal import Terminal, framed


@dataclass
class AesTerminal(Terminal):
    bdk: bytes = test_keys.AES_BDK
    pin_block: bytes = b""

    def next_keys(self) -> Any:
        self.counter += 1
        self.ksn = test_keys.READER_ID + self.counter.to_bytes(4, "big")
        self.keys = dukpt_aes.derive(self.bdk, self.ksn)  # type: ignore[assignment]
        self.pin_block = b""
        return self.keys

    def common(self, stan: int, amount: int) -> dict[int, bytes]:
        return super().common(stan, amount) | {53: bytes.fromhex("0710000000000000"), 57: self.de57()}

    def de57(self, end: bytes = b"") -> bytes:
        data = bytes.fromhex("DF010C") + self.ksn + bytes.fromhex("DF020102") + end
        return bytes.fromhex(f"{len(data):04d}") + data

    def padded(self, clear: bytes) -> bytes:
        return clear + b"\x80" + bytes(-(len(clear) + 1) % 16)

    def encrypted(self, track: bytes) -> bytes:
        assert self.keys is not None
        return Cipher(algorithms.AES(self.keys.data), modes.CBC(bytes(16))).encryptor().update(track)

    def mac(self, key: bytes, data: bytes) -> bytes:
        state = CMAC(algorithms.AES(key))
        state.update(data)
        return state.finalize()[:8]

    def add_pin(self, fields: dict[int, bytes], pin: str, account: str) -> None:
        assert self.keys is not None
        block = pinblock.encipher_pinblock_iso_4(self.keys.pin, pin, account)
        fields |= {
            26: bytes.fromhex("12"),
            53: bytes.fromhex("2710000000000000"),
            57: self.de57(bytes.fromhex("DF0310") + block),
        }


@dataclass
class SessionTerminal(Terminal):
    """ecb: the MAC is UnionPay's."""

    ecb: bool = False
    master: bytes = test_keys.MASTER_KEY
    terminal: bytes = b"MPOS0001"

    def sign_in(self, network: str = "004", change: Any = lambda fields: None) -> bytes:
        self.stan += 1
        fields = {
            11: bytes.fromhex(f"{self.stan:06d}"),
            41: self.terminal,
            42: b"104110058120001",
            60: bytes.fromhex(f"001100{self.batch}{network}0"),
            63: bytes.fromhex("0003") + b"01 ",
        }
        change(fields)
        bitmap = sum(1 << 64 - number for number in fields)
        return framed(bytes.fromhex("0800") + bitmap.to_bytes(8, "big") + b"".join(fields[n] for n in sorted(fields)))

    def take(self, sent: bytes) -> None:
        """DE62 of the answer: the keys, each against its check value."""
        assert len(sent) == 60
        found = []
        for name, at in (("pin", 0), ("mac", 20), ("track", 40)):
            n = 8 if name == "mac" and self.ecb else 16
            key = des.decrypt_tdes_ecb(self.master, sent[at : at + n])
            assert not any(sent[at + n : at + 16])
            assert des.encrypt_tdes_ecb(key, bytes(8))[:4] == sent[at + 16 : at + 20]
            found.append(key)
        pin, mac_key, track = found
        assert len({key[i : i + 8] for key in found for i in range(0, len(key), 8)}) == sum(map(len, found)) // 8
        self.keys = SimpleNamespace(pin=pin, data=track, mac_request=mac_key, mac_response=mac_key)  # type: ignore[assignment]

    def next_keys(self) -> Any:
        return self.keys

    def common(self, stan: int, amount: int) -> dict[int, bytes]:
        return super().common(stan, amount) | {57: bytes.fromhex("0004 DF020103"), 41: self.terminal}

    def encrypted(self, track: bytes) -> bytes:
        assert self.keys is not None
        key = self.keys.data
        return des.encrypt_tdes_cbc(key, des.encrypt_tdes_ecb(key, self.stan.to_bytes(8, "big")), track)

    def mac(self, key: bytes, data: bytes) -> bytes:
        if not self.ecb:
            return super().mac(key, data)
        total = bytes(8)
        for at in range(0, len(data), 8):
            total = tools.xor(total, data[at : at + 8].ljust(8, b"\0"))
        digits = total.hex().upper().encode()
        half = tools.xor(des.encrypt_tdes_ecb(key, digits[:8]), digits[8:])
        return des.encrypt_tdes_ecb(key, half).hex().upper().encode()[:8]
