"""Which keys a packet is under: the schemes that a reader may be told to use, and the way to the next keys of each."""

from micropython import const

from reader.errors import E_INTERNAL, ReaderError

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from reader.ports import Entropy, PacketKeys

TDES_DUKPT = const(1)
AES_DUKPT = const(2)
MASTER_SESSION = const(3)


def next_keys(ring, scheme: int, entropy: "Entropy") -> "PacketKeys":
    """The keys of the next packet, which no other packet has or will have. Their state is stored when they come back.

    `ring`: storage/key_ring.KeyRing; `entropy` fills up PIN blocks of format 4. Raises E_NO_KEY, E_KEY_EXHAUSTED,
    E_STORE; E_INTERNAL for a scheme that is no DUKPT.
    """
    if scheme == TDES_DUKPT:
        from reader.dukpt.tdes import TdesDukpt

        return TdesDukpt(ring).next()
    if scheme == AES_DUKPT:
        from reader.dukpt.aes import AesDukpt

        return AesDukpt(ring).next(entropy)
    raise ReaderError(E_INTERNAL)
