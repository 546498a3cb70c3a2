"""Which keys a packet is under: the schemes that a reader may be told to use, and the way to the next keys of each."""

from micropython import const

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.ports import Entropy, PacketKeys

TDES_DUKPT = const(1)
AES_DUKPT = const(2)
MASTER_SESSION = const(3)


def next_keys(ring, scheme: int, entropy: "Entropy", is_ecb: bool = False, stan: int = 0) -> "PacketKeys":
    """The keys of the next packet. Of DUKPT's no other packet has or will have them, and their state is stored when they
    come back. `ring`: storage/key_ring.KeyRing; `entropy` fills up PIN blocks of format 4; the last two are what
    working.WorkingKeys asks for. Raises E_NO_KEY, E_KEY_EXHAUSTED, E_STORE, E_SIGN_IN.
    """
    if scheme == MASTER_SESSION:
        from reader.dukpt.working import WorkingKeys

        return WorkingKeys(ring, is_ecb, stan)
    return machine(ring, scheme).next(entropy)


def check(ring, scheme: int) -> None:
    """Raises what `next_keys` would, and takes no key: E_NO_KEY, E_KEY_EXHAUSTED, E_STORE."""
    if scheme == MASTER_SESSION:
        from reader.dukpt.working import check as check_master

        check_master(ring)
    else:
        machine(ring, scheme).check()


def machine(ring, scheme: int):
    """DUKPT's state machine (registers.Dukpt) of that scheme."""
    if scheme == AES_DUKPT:
        from reader.dukpt.aes import AesDukpt

        return AesDukpt(ring)
    from reader.dukpt.tdes import TdesDukpt

    return TdesDukpt(ring)
