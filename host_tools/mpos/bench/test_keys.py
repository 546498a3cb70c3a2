"""Keys of the bench. All of them are public: never load one into a reader, a host or a card that handles money."""

import warnings

from cryptography.utils import CryptographyDeprecationWarning
from psec import des, tools

# psec and pyemv take triple DES from where `cryptography` used to keep it; every call would print a warning
warnings.filterwarnings("ignore", message=".*TripleDES.*", category=CryptographyDeprecationWarning)

# X9.24-1:2009, A.4: the base derivation key and the first KSN of the standard's own examples
BDK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
KSN_BASE = bytes.fromhex("FFFF9876543210E00000")

# A made-up issuer: its range of account numbers and its master key for application cryptograms
ISSUER_IIN = "62123400"
ISSUER_MASTER_KEY = bytes.fromhex("1C2A3845546270FE8C9DAEBFC8D3E0F1")
# and those for the scripts that it sends to its cards: their MAC, and what is secret in them
ISSUER_SCRIPT_MAC_KEY = bytes.fromhex("2F3E4C5B6A7989989BABBACBDCEFFE0D")
ISSUER_SCRIPT_DATA_KEY = bytes.fromhex("3D4C5B6B7A8A9798A8B9CBDAEAF80E1F")
# and the one for the verification number on its stripes
CARD_VERIFICATION_KEY = bytes.fromhex("4A5B6D7F8091A2B3C4D5E6F708192A3B")

# Another one, of contactless Visa cards. No scheme gives out numbers that begin with 9 (ISO/IEC 7812-1, 4.2: national
# use), so none of these can be anybody's: a Visa number would begin with 4, and numbers that could be real have no place here
VISA_IIN = "99999940"
VISA_MASTER_KEY = bytes.fromhex("5B6D7F8192A4B5C7D9EAFC0D1F314257")
VISA_SCRIPT_MAC_KEY = bytes.fromhex("6D7F91A2B5C7D9EAFD0E1F3142546679")
VISA_SCRIPT_DATA_KEY = bytes.fromhex("7F91A2B4C7D9EAFC0E1F31435466798A")

# Keys of cards that are not for payment. MF1S50yyX/V1, 8.6.3, and NTAG213_215_216, 8.5.7: those at delivery
CARD_KEY_DELIVERED = bytes.fromhex("FFFFFFFFFFFF")
CARD_PASSWORD_DELIVERED = bytes.fromhex("FFFFFFFF0000")
# and made-up ones: MIFARE Classic key A and B, password and PACK of an NTAG
CARD_KEY_A = bytes.fromhex("8A41C6D2E35B")
CARD_KEY_B = bytes.fromhex("9B52D7E3F46C")
CARD_PASSWORD = bytes.fromhex("A7C3E1958D2B")
# What the bench's readers get: slot, kind, key
CARD_KEYS = (
    (1, "a", CARD_KEY_DELIVERED),
    (2, "b", CARD_KEY_DELIVERED),
    (3, "a", CARD_KEY_A),
    (4, "b", CARD_KEY_B),
    (5, "password", CARD_PASSWORD_DELIVERED),
    (6, "password", CARD_PASSWORD),
)

_COUNTER_BITS = (1 << 21) - 1
_RIGHT_HALF_MASK = bytes.fromhex("C0C0C0C000000000C0C0C0C000000000")


def initial_key(bdk: bytes, ksn: bytes) -> bytes:
    """The 16-byte initial key that a reader with this 10-byte KSN is given. X9.24-1:2009, A.6.

    The counter in `ksn` does not matter. Raises ValueError on wrong lengths.
    """
    if len(bdk) != 16 or len(ksn) != 10:
        raise ValueError("the BDK has 16 bytes and the KSN 10")
    register = (int.from_bytes(ksn, "big") & ~_COUNTER_BITS).to_bytes(10, "big")[:8]
    left = des.encrypt_tdes_ecb(bdk, register)
    return left + des.encrypt_tdes_ecb(tools.xor(bdk, _RIGHT_HALF_MASK), register)
