"""The acquirer's side of AES DUKPT against the vectors of ANSI X9.24-3:2017, which the firmware's tests have too."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from mpos.acquirer import dukpt_aes
from mpos.acquirer.dukpt_aes import Algorithm, Usage
from mpos.provision.keys import aes_initial_key

_FILE = Path(__file__).parents[2] / "unit" / "dukpt" / "x9_24_3.py"


def _vectors() -> ModuleType:
    found = importlib.util.spec_from_file_location("x9_24_3", _FILE)
    assert found is not None and found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


_X = _vectors()
_ID = bytes.fromhex(_X.INITIAL_KEY_ID)
_INITIAL = {128: bytes.fromhex(_X.INITIAL_KEY_128), 256: bytes.fromhex(_X.INITIAL_KEY_256)}
_BDK = {128: bytes.fromhex(_X.BDK_128), 256: bytes.fromhex(_X.BDK_256)}


def _rows(text: str) -> list[list[bytes]]:
    return [[bytes.fromhex(part) for part in row.split()] for row in text.splitlines() if row]


@pytest.mark.parametrize("bits", [128, 256])
def test_initial_and_update_key(bits: int) -> None:
    assert aes_initial_key(_BDK[bits], _ID) == _INITIAL[bits]
    assert dukpt_aes.update_key(_BDK[bits], _ID + bytes(4)).hex().upper() == getattr(_X, f"UPDATE_{bits}")
    last = dukpt_aes.current_key(_INITIAL[bits], _ID + b"\xff" * 4)
    assert last.hex().upper() == getattr(_X, f"LAST_CURRENT_{bits}")


@pytest.mark.parametrize("bits", [128, 256])
def test_sequence(bits: int) -> None:
    for counter, current, pin, mac, data, *_ in _rows(getattr(_X, f"SEQUENCE_{bits}")):
        ksn = _ID + counter
        assert dukpt_aes.current_key(_INITIAL[bits], ksn) == current
        keys = dukpt_aes.derive(_BDK[bits], ksn)
        assert (keys.pin, keys.mac_request, keys.data) == (pin, mac, data)


def test_current_keys() -> None:
    for counter, short, long in _rows(_X.ROLLOVER + _X.SEVENTEEN + _X.LAST):
        assert dukpt_aes.current_key(_INITIAL[128], _ID + counter) == short
        assert dukpt_aes.current_key(_INITIAL[256], _ID + counter) == long
        assert dukpt_aes.is_possible(_ID + counter) == (counter != bytes.fromhex("0001FFFF"))


def test_shorter_keys_of_a_longer_one() -> None:
    for counter, *keys in _rows(_X.SEQUENCE_128_OF_256):
        current = dukpt_aes.current_key(_INITIAL[256], _ID + counter)
        for usage, key in zip((Usage.PIN_ENCRYPTION, Usage.MAC_GENERATION, Usage.DATA_ENCRYPTION), keys, strict=True):
            assert dukpt_aes.working_key(current, usage, _ID + counter, Algorithm.AES_128, 16) == key


def test_keys_of_other_algorithms() -> None:
    ksn = _ID + bytes.fromhex("00000001")
    current = dukpt_aes.current_key(_INITIAL[128], ksn)
    usages = (Usage.PIN_ENCRYPTION, Usage.MAC_GENERATION, Usage.DATA_ENCRYPTION)
    for algorithm, size, text in ((Algorithm.TDEA_2, 16, _X.TDEA_2), (Algorithm.TDEA_3, 24, _X.TDEA_3)):
        for usage, key in zip(usages, text.split(), strict=True):
            assert dukpt_aes.working_key(current, usage, ksn, algorithm, size).hex().upper() == key
    key = dukpt_aes.working_key(current, Usage.KEY_ENCRYPTION, ksn)
    assert key.hex().upper() == _X.KEY_ENCRYPTION_1
