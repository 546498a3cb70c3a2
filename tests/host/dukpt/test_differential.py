"""Thousands of the firmware's DUKPT keys against the receiving side of sequence.py, which can run through all of them."""

from __future__ import annotations

import random

import pytest

from mpos.acquirer import dukpt, dukpt_aes
from tests.host.dukpt.sequence import RECEIVERS, Receiver, Run, compared, device_lines

_CHOSEN = {
    # Where counters are passed over, the middle, the last one and what comes after it
    "tdes": [(1, 6000), (0x7FE, 4), (0xFF800, 14), (0xFFC00, 3), (0x1FF000, 14), (0x1FF800, 1)],
    "aes": [(1, 2000), (0x1FFFE, 4), (0x7FFF8000, 20), (0x80000000, 3), (0xFFFE0000, 19), (0xFFFF0000, 1)],
}
_RANDOM_RUNS = 30
_IN_A_RUN = 8


def _runs(receiver: Receiver) -> list[Run]:
    chooser = random.Random(20090101)
    runs = list(_CHOSEN[receiver.name])
    for _ in range(_RANDOM_RUNS):
        # So low that the run is over before the counter is
        places = chooser.sample(range(receiver.bits - 1), chooser.randint(1, receiver.most))
        runs.append((sum(1 << place for place in places), _IN_A_RUN))
    return runs


@pytest.mark.parametrize("bits", [32, 64])
@pytest.mark.parametrize("name", RECEIVERS)
def test_same_keys(name: str, bits: int) -> None:
    receiver = RECEIVERS[name]
    runs = _runs(receiver)
    assert compared(receiver, runs, bits) >= sum(count for _, count in runs) - 2 - 18


def test_a_difference_is_seen() -> None:
    right = RECEIVERS["aes-128"]
    other = type(right)(bytes(16), right.serial)
    lines = list(device_lines(other, [(1, 3)]))
    assert lines != [" ".join(part.hex() for part in right.line(n)) for n in (1, 2, 3)]
    wrong = type(right)(right.initial_key, right.serial)
    wrong.most = 3
    with pytest.raises(AssertionError, match="counter 10: not the same keys"):
        compared(wrong, [(0xE, 4)])


def test_counters() -> None:
    tdes, aes = RECEIVERS["tdes"], RECEIVERS["aes-128"]
    assert [tdes.successor(n) for n in (1, 0x7FE, 0x1FF800)] == [2, 0x800, 0]
    assert [aes.successor(n) for n in (1, 0x1FFFE, 0xFFFE2000, 0xFFFF0000)] == [2, 0x20000, 0xFFFE4000, 0]
    # X9.24-1:2009, A.1
    counter, n = 0, 0
    while counter := tdes.successor(counter):
        n += 1
    assert n == 1_048_575


@pytest.mark.parametrize("name", ["tdes", "aes-128", "aes-256"])
def test_the_acquirer_agrees(name: str) -> None:
    receiver = RECEIVERS[name]
    bdk = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")  # X9.24-1:2009, A.4
    if name != "tdes":  # X9.24-3:2017, test vectors
        bdk = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1") * (len(receiver.initial_key) // 16)
    derive = dukpt.derive if name == "tdes" else dukpt_aes.derive
    for start, count in _runs(receiver):
        counter = start
        for _ in range(min(count, 20)):
            if not counter:
                break
            serial, *expected = receiver.line(counter)
            keys = derive(bdk, serial)
            assert [keys.pin, keys.mac_request, keys.mac_response, keys.data] == expected
            counter = receiver.successor(counter)
