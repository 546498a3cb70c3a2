"""Which keys each scheme gives, and what it says when there are none."""

from ring_memory import RingMemory

from reader.dukpt.scheme import AES_DUKPT, MASTER_SESSION, TDES_DUKPT, check, machine, next_keys
from reader.errors import E_NO_KEY, E_SIGN_IN
from reader.storage.sections import MASTER_KEY, WORKING_KEYS
from testing import FixedEntropy, cases, raises


@cases((TDES_DUKPT, 10, 0, 8), (AES_DUKPT, 12, 4, 16))
def test_dukpt(number, length, pin_format, block):
    ring = RingMemory()
    with raises(E_NO_KEY):
        check(ring, number)
    with raises(E_NO_KEY):
        next_keys(ring, number, None)
    machine(ring, number).load_initial_key(bytes(range(16)), bytes(length))
    check(ring, number)
    keys = next_keys(ring, number, FixedEntropy(b""))
    assert (keys.scheme, keys.pin_format, keys.block) == (number, pin_format, block)
    assert keys.ksn == bytes(length - 1) + b"\x01" and machine(ring, number).serial()[-1] == 2
    # The other kind has nothing of it
    with raises(E_NO_KEY):
        check(ring, AES_DUKPT + TDES_DUKPT - number)


def test_master_session():
    ring = RingMemory()
    with raises(E_NO_KEY):
        check(ring, MASTER_SESSION)
    ring = RingMemory({MASTER_KEY: bytes(16)})
    check(ring, MASTER_SESSION)
    with raises(E_SIGN_IN):
        next_keys(ring, MASTER_SESSION, None)
    ring = RingMemory({MASTER_KEY: bytes(16), WORKING_KEYS: bytes(range(48))})
    keys = next_keys(ring, MASTER_SESSION, None, True, 7)
    assert (keys.scheme, keys.ksn, keys.pin_format, keys.block) == (MASTER_SESSION, b"", 0, 8)
