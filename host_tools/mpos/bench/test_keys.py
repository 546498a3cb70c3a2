"""Keys of the bench. All of them are public: never load one into a reader, a host or a card that handles money."""

from mpos.provision.keys import initial_ksn, master_key, tdes_initial_key

# X9.24-1:2009, A.4: the base derivation key and the first KSN of the standard's own examples
BDK = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
READER_ID = bytes.fromhex("FFFF9876543210E0")
KSN_BASE = initial_ksn(READER_ID)
# X9.24-3:2017, supplement with test vectors: the base derivation key of its examples
AES_BDK = bytes.fromhex("FEDCBA9876543210F1F1F1F1F1F1F1F1")

# Made up: what a reader's own keys are derived from (mpos.provision.keys). Session root, first key, TMK
SESSION_MASTER = bytes.fromhex("6D504F532062656E63682073657373AA")
BLOCK_MASTER = bytes.fromhex("6D504F532062656E636820626C6F63BB")
MASTER_MASTER = bytes.fromhex("6D504F532062656E6368206D617374CC")
MASTER_KEY = master_key(MASTER_MASTER, READER_ID)

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

# The initial key that a reader with this KSN is given (X9.24-1:2009, A.6)
initial_key = tdes_initial_key
