"""What lies in raw flash after a change of the key ring, the power cut at any operation: an implementation written here, with
OpenSSL's AES, reads it, and finds the old state or the new one and nothing that is gone.
"""

from __future__ import annotations

import hashlib
import random
import subprocess
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from mpos.provision.compile import firmware_path
from mpos.provision.toolchain import micropython

_PROGRAM = Path(__file__).with_name("device_ring.py")
_LIB = Path(__file__).parents[2] / "unit" / "lib"
_LIMIT_S = 120
_SECTOR = 4096
_NEEDLE = 8  # bytes in a row of a value that is gone

_Sections = dict[int, bytes | None]


def _stream(secret: bytes, initial: bytes, data: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(secret[:16]), modes.CTR(initial + bytes(4))).decryptor()
    return cipher.update(data) + cipher.finalize()


def _read(secret: bytes, sector: bytes) -> tuple[int, dict[int, bytes]] | None:
    """Generation and sections, as the head of firmware/reader/storage/key_ring.py has them; None: not authentic."""
    if sector[:4] != b"mPK1":
        return None
    lengths = [int.from_bytes(sector[at : at + 2]) for at in range(20, 64, 2)]
    end = 64 + sum(lengths)
    mac = CMAC(algorithms.AES(secret[16:32]))
    mac.update(hashlib.sha256(sector[:end]).digest())
    try:
        mac.verify(sector[end : end + 16])
    except InvalidSignature:
        return None
    clear = _stream(secret, sector[8:20], sector[64:end])
    sections = {}
    for number, length in enumerate(lengths, 1):
        if length:
            sections[number] = clear[:length]
        clear = clear[length:]
    return int.from_bytes(sector[4:8]), sections


def _cases() -> list[tuple[_Sections, _Sections]]:
    chooser = random.Random(7)

    def value(length: int) -> bytes:
        return chooser.randbytes(length)

    def state() -> _Sections:
        return {1: value(371), 3: value(16), 4: value(32), 7: value(112), 9: value(48), 11: value(8)}

    return [
        (state(), {2: value(300)}),
        (state(), {1: value(371)}),
        (state(), {9: value(400)}),
        (state(), {7: value(14)}),
        (state(), {1: None}),
        (state(), {11: None}),
        (state(), {1: value(370), 3: None, 4: value(16), 22: value(1)}),
        (state(), {1: None, 3: None, 4: None, 7: None, 9: None, 11: None}),
    ]


def _text(sections: _Sections) -> str:
    return ",".join(f"{number}={'-' if data is None else data.hex()}" for number, data in sections.items())


def _pieces(sections: _Sections) -> set[bytes]:
    return {data[at : at + _NEEDLE] for data in sections.values() if data for at in range(len(data) - _NEEDLE + 1)}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    path = tmp_path_factory.mktemp("ring") / "cases"
    path.write_text("\n".join(f"{_text(before)} {_text(changes)}" for before, changes in _cases()) + "\n")
    done = subprocess.run(
        [str(micropython(32)), "-X", "heapsize=512K", str(_PROGRAM), str(path)],
        env={"MICROPYPATH": f"{firmware_path(32)}:{_LIB}"},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr + done.stdout[-500:]
    return done.stdout.splitlines()


def test_old_or_new_and_nothing_that_is_gone(lines: list[str]) -> None:
    cases = _cases()
    seen: dict[tuple[int, str], int] = {}
    initials: dict[int, set[bytes]] = {}
    for line in lines:
        case_text, at_text, _shape, secret_text, *images = line.split()
        case, secret = int(case_text), bytes.fromhex(secret_text)
        ring = {
            int(name): bytes.fromhex(data) for name, _, data in (i.partition(":") for i in images) if name[0] != "j"
        }
        raw = b"".join(bytes.fromhex(i.partition(":")[2]) for i in images)
        before, changes = cases[case]
        after = {number: data for number, data in {**before, **changes}.items() if data}
        states = [(number, _read(secret, data)) for number, data in ring.items()]
        assert len(states) == 1, "more than one sector is not blank"
        ((sector, state),) = states
        assert state is not None
        generation, sections = state
        assert sector == generation % 16
        assert sections in (before, after)
        if at_text == "0":
            assert sections == before
        which = "old" if sections == before else "new"
        seen[case, which] = seen.get((case, which), 0) + 1
        # The key streams of before and after, over everything that is in the flash
        known = initials.setdefault(case, set())
        known.add(ring[sector][8:20])
        haystacks = [raw]
        for initial in known:
            for data in ring.values():
                haystacks.append(_stream(secret, initial, data[64:].ljust(_SECTOR - 64, b"\xff")))
        gone = _pieces(before if which == "new" else changes) - _pieces(sections)
        for haystack in haystacks:
            assert not any(haystack[at : at + _NEEDLE] in gone for at in range(len(haystack) - _NEEDLE + 1))
        assert not any(piece in raw for piece in list(_pieces(sections))[::16]), "in clear"
    for case in range(len(cases)):
        assert seen[case, "old"] > 6, "cuts before the witness' bit"
        assert seen[case, "new"] > 6, "cuts behind it, and no cut"


def test_the_search_finds_what_is_there(lines: list[str]) -> None:
    _case, _at, _shape, secret_text, *images = lines[0].split()
    data = bytes.fromhex(images[0].partition(":")[2])
    state = _read(bytes.fromhex(secret_text), data)
    assert state is not None
    clear = _stream(bytes.fromhex(secret_text), data[8:20], data[64:])
    assert any(piece in clear for piece in _pieces(dict(state[1])))
    changed = data[:100] + bytes((data[100] ^ 1,)) + data[101:]
    assert _read(bytes.fromhex(secret_text), changed) is None
