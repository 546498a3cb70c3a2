"""What a host answers, or whoever is between: a sale's answer under each key scheme, and the sign-in's.

The first byte says what the rest is: a whole frame as it is; a message, framed as it should be; a message under its right
MAC, as from a host that knows the keys and not the dialect.
"""

from __future__ import annotations

from types import SimpleNamespace as Parts
from typing import Any
from unittest.mock import patch

from psec import des

from mpos.acquirer.packet_keys import ECB, AesKeys, TdesKeys
from mpos.acquirer.working_keys import check_value
from tests.fuzz import device
from tests.fuzz.feed import Feed
from tests.fuzz.targets import target

device.install()
from reader.dukpt import working
from reader.errors import E_ISO_FRAME, E_ISO_MAC, E_ISO_MISMATCH, E_KEY_CHECK, ReaderError
from reader.iso8583 import messages, sign_in
from reader.storage.sections import MASTER_KEY, WORKING_KEYS

HOST = Parts(
    tpdu=bytes.fromhex("6000030000"),
    header=bytes.fromhex("603100310000"),
    terminal_id="MPOS0001",
    merchant_id="104110058120001",
    batch=1,
)
SALE = Parts(amount=1234, currency=156, stan=1)
MASTER = bytes.fromhex("70F2A84CCBC2AE8625CBB0F2C22AB923")
OLD = bytes(range(48))
_HALVES = [bytes.fromhex(half) for half in ("0123456789ABCDEF", "FEDCBA9876543210")]
_KEY = _HALVES[0] + _HALVES[1]
_TDES = TdesKeys(_KEY, _KEY, _KEY, _KEY)
_AES = AesKeys(_KEY, _KEY, _KEY, _KEY)
_SINGLE = TdesKeys(_KEY, _KEY, _HALVES[0], _HALVES[0], mac=ECB)
# Scheme, KSN, keys: TDES DUKPT, AES DUKPT, working keys with X9.19 and with the ECB MAC
_SCHEMES = (
    (1, bytes.fromhex("FFFF9876543210E00001"), _TDES),
    (2, bytes.fromhex("FFFF9876543210E000000001"), _AES),
    (3, b"", _TDES),
    (3, b"", _SINGLE),
)
_RAW, _FRAMED, _SIGNED = range(3)
_MAC = 8
_CODES = range(601, 607)


class _Keys:
    """ports.PacketKeys with the host's cryptography, which is none of the device's."""

    def __init__(self, scheme: int, ksn: bytes, keys: Any):
        self.scheme, self.ksn, self.keys, self.block = scheme, ksn, keys, keys.block

    def mac_matches(self, data: Any, mac: Any) -> bool:
        return bytes(mac) == self.keys.answer_mac(bytes(data))


class _Cipher:
    """In the place of Des and Des3, whose code is native."""

    def __init__(self, key: Any):
        self._key = bytes(key)

    def encrypt_into(self, data: Any, out: Any) -> None:
        out[:] = des.encrypt_tdes_ecb(self._key, bytes(data))

    def decrypt_into(self, data: Any, out: Any) -> None:
        out[:] = des.decrypt_tdes_ecb(self._key, bytes(data))

    def wipe(self) -> None:
        pass


class _Ring:
    def __init__(self) -> None:
        self.sections = {MASTER_KEY: MASTER, WORKING_KEYS: OLD}
        self.writes: list[list[tuple[int, bytes]]] = []

    def size(self, section: int) -> int:
        return len(self.sections[section])

    def load(self, section: int) -> bytearray:
        return bytearray(self.sections[section])

    def read_into(self, section: int, out: Any) -> int:
        out[: self.size(section)] = self.sections[section]
        return self.size(section)

    def write(self, changes: Any) -> None:
        self.writes.append([(section, bytes(data)) for section, data in changes])


def framed(message: bytes) -> bytes:
    return (len(message) + 11).to_bytes(2, "big") + bytes.fromhex("6000000003603100310000") + message


@target("iso-answer", longest=700, runs=500)
def iso_answer(data: bytes) -> None:
    feed = Feed(data)
    choice = feed.byte()
    keys = _Keys(*_SCHEMES[choice & 3])
    how = (choice >> 2) % 3
    frame = feed.rest()
    if how == _FRAMED:
        frame = framed(frame)
    elif how == _SIGNED:
        frame = framed(frame + keys.keys.answer_mac(frame))
    try:
        answer = messages.check_answer(HOST, SALE, keys, frame)
    except ReaderError as error:
        assert error.code in _CODES and 0 <= error.detail <= 64, error
        if how == _SIGNED:
            assert error.code != E_ISO_MAC or not data[11:12] or not data[10] & 1, error
        return
    message = frame[13:]
    assert message[:2] == b"\x02\x10" and message[-_MAC:] == keys.keys.answer_mac(message[:-_MAC])
    assert (len(answer.response_code) == 2 and answer.response_code.isalnum()) or " " in answer.response_code
    assert answer.response_code != "00" or (len(answer.auth_code) == 6 and len(answer.rrn) == 12)
    assert len(answer.icc_data) <= 255


@target("iso-sign-in", longest=400, runs=500)
def iso_sign_in(data: bytes) -> None:
    """The ring is what it was, or has all three keys of an answer whose check values are right."""
    feed = Feed(data)
    choice = feed.byte()
    is_ecb = bool(choice & 1)
    frame = feed.rest()
    if choice & 2:
        frame = framed(frame)
    ring = _Ring()
    with patch.object(working, "Des", _Cipher), patch.object(working, "Des3", _Cipher):
        try:
            code, sent = sign_in.unpack(HOST, SALE.stan, frame)
            if code != "00":
                assert not ring.writes
                return
            sent = bytes(sent)
            if choice & 4:
                # From a host with the master key: whatever the keys are, they come as it would send them
                sent = _right(sent, is_ecb)
            working.take(ring, sent, is_ecb)
        except ReaderError as error:
            assert error.code in (*_CODES, E_KEY_CHECK), error
            assert not ring.writes and ring.sections == {MASTER_KEY: MASTER, WORKING_KEYS: OLD}
            assert error.code != E_ISO_FRAME or not choice & 2 or len(frame) > 1024 or len(frame) == 13
            assert error.code not in (E_ISO_MAC,) and (
                error.code != E_ISO_MISMATCH or error.detail in (0, 11, 41, 42, 60)
            )
            return
    assert frame[13:15] == b"\x08\x10" and len(sent) == 60
    ((section, kept),) = ring.writes[0]
    assert len(ring.writes) == 1 and section == WORKING_KEYS and len(kept) == 48
    pin, mac, track = kept[:16], kept[16 : 24 if is_ecb else 32], kept[32:]
    halves = [pin[:8], pin[8:], mac[:8], *([] if is_ecb else [mac[8:]]), track[:8], track[8:]]
    assert len(set(halves)) == len(halves) and not (is_ecb and any(kept[24:32]))
    for key, at in ((pin, 0), (mac, 20), (track, 40)):
        assert sent[at : at + len(key)] == des.encrypt_tdes_ecb(MASTER, key)
        assert check_value(key) == sent[at + 16 : at + 20]


def _right(keys: bytes, is_ecb: bool) -> bytes:
    """Three keys, as far as there are bytes for them, with their check values."""
    out = b""
    for number in range(3):
        key = keys[16 * number : 16 * number + 16].ljust(16, bytes([number + 1]))
        if number == 1 and is_ecb:
            key = key[:8]
        out += des.encrypt_tdes_ecb(MASTER, key).ljust(16, b"\0") + check_value(key)
    return out
