"""Why the fields of a stripe are wrong: the detail of E_STRIPE_DATA. `mpos.describe.stripe` has the sentences."""

from micropython import const

CHARACTER = const(1)  # one that its place may not have
SEPARATOR = const(2)  # none behind the account number or the name
SHORT = const(3)  # ends inside a field
LONG = const(4)  # more characters than its track may have
PAN_LENGTH = const(5)  # not 12 to 19 digits
CHECK_DIGIT = const(6)  # ISO/IEC 7812-1, Annex B
NAME_LENGTH = const(7)  # not 2 to 26 characters
EXPIRY = const(8)  # no month
FORMAT_CODE = const(9)  # none of a bank's
PAN_DIFFERS = const(10)  # two tracks name two accounts
EXPIRY_DIFFERS = const(11)
SERVICE_CODE_DIFFERS = const(12)
NO_TRACK = const(13)  # track 3 alone was read, which sells nothing
