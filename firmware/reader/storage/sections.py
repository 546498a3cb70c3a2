"""What the key store keeps, by number (storage/key_ring.py). A number is never given to anything else."""

from micropython import const

TDES = const(1)  # TDES DUKPT: serial number and future key registers (dukpt/tdes.py)
AES = const(2)  # AES DUKPT, likewise (dukpt/aes.py)
SESSION_ROOT = const(3)  # 16 bytes: what session keys of the field are derived from (link/session.py)
BLOCK_KEY = const(4)  # key block protection key, 16, 24 or 32 bytes (app/key_load.py)
SERIALS = const(5)  # the last serial numbers of key blocks and files
UPDATE_KEY = const(6)  # what an update of the firmware is verified with
CARD_KEYS = const(7)  # keys of cards that are not for payment, by slot (storage/card_keys.py)
MASTER_KEY = const(8)  # terminal master key of the master/session scheme
WORKING_KEYS = const(9)  # what the last sign-in gave
BONDS = const(10)  # of the radio (link/pairing.py)
READER_ID = const(11)  # 8 bytes
BLOCK_KEY_TDES = const(
    12
)  # key block protection key of version B blocks, 16 bytes (one key, one algorithm: ANSI X9.143)
IN_FIELD = const(13)  # 1 byte: the factory's work is done
