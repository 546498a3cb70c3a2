"""One session written out, step by step as docs/link.md says it, on the primitives of `cryptography` alone.

.venv/bin/python -m tests.host.link.transcript        the numbers of tests/unit/link/test_session.py
"""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

ROOT = bytes(range(0x10, 0x20))
READER = b"\x4d\x50\x00\x00\x00\x00\x00\x01"
ROLE = b"\x01"
N_S = bytes(range(0xA0, 0xB0))
N_R = bytes(range(0xC0, 0xD0))
TO_READER = bytes.fromhex("0115000A0007820200079B0101")  # CONTINUE
FROM_READER = bytes.fromhex("032000010003830102")  # STATE 2 of transaction 1


def mac(key: bytes, *parts: bytes) -> bytes:
    made = CMAC(algorithms.AES(key))
    for part in parts:
        made.update(part)
    return made.finalize()


def derived(key: bytes, label: bytes, context: bytes, length: int) -> bytes:
    blocks = [
        mac(key, bytes([i]), label, b"\0", context, (8 * length).to_bytes(2, "big")) for i in range(1, length // 16 + 2)
    ]
    return b"".join(blocks)[:length]


def secured(encryption: bytes, authentication: bytes, number: bytes, count: int, message: bytes) -> bytes:
    counter = count.to_bytes(4, "big")
    head = b"\x04\x00" + number + (len(message) + 12).to_bytes(2, "big")
    stream = Cipher(algorithms.AES(encryption), modes.ECB()).encryptor()
    blocks = b"".join(stream.update(number + counter + i.to_bytes(10, "big")) for i in range((len(message) + 15) // 16))
    text = bytes(a ^ b for a, b in zip(message, blocks))
    return head + counter + text + mac(authentication, head, counter, text)[:8]


def transcript() -> dict[str, bytes]:
    auth = derived(ROOT, b"mPOS auth", ROLE + READER, 16)
    context = ROLE + READER + N_S + N_R
    keys = derived(ROOT, b"mPOS session", context, 66)
    number = keys[64:]
    return {
        "PROOF": mac(auth, b"\x01", context),
        "ANSWER": mac(auth, b"\x02", context),
        "KEYS": keys,
        "FIRST": secured(keys[:16], keys[16:32], number, 1, TO_READER),
        "THIRD": secured(keys[:16], keys[16:32], number, 3, TO_READER),
        "LAST": secured(keys[:16], keys[16:32], number, 0xFFFF, TO_READER),
        "AFTER_LAST": secured(keys[:16], keys[16:32], number, 0x10000, TO_READER),
        "EVENT": secured(keys[32:48], keys[48:64], number, 1, FROM_READER),
    }


if __name__ == "__main__":
    for name, value in transcript().items():
        print(f"_{name} = h({value.hex().upper()!r})".replace("'", '"'))
