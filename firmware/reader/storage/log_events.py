"""Security events, by number (storage/event_log.py). `mpos reader log` has their sentences; a lint keeps the two equal.

The number of an event stays its own for ever; there is room up to 31. A detail is a number below 2**32 and never card data.
Where it is an error, it is code << 16 | detail of reader.errors.
"""

from micropython import const

LOG_RESTART = const(1)  # detail: why, as machine.reset_cause tells; 0: not known. The same twice in a row is one record
LOG_SELFTEST = const(2)  # a self-test failed; detail: number of the primitive (crypto/selftest.py)
LOG_OUT_OF_SERVICE = const(3)  # detail: the error
LOG_REPAIRED = const(4)  # the key store was repaired: the power had gone in the middle of a change
LOG_ROLLED_BACK = const(5)  # an older key store was put back; detail: that of E_STORE
LOG_CLOCK_SET = const(6)
LOG_TAMPER = const(7)  # detail: number of the input
LOG_IMAGE = const(8)  # the firmware is not the one that was installed
LOG_FACTORY_KEY = const(9)  # personalisation began
LOG_FACTORY_DONE = const(10)  # personalisation ended: from here on the reader is in the field
LOG_KEY_LOADED = const(11)  # detail: the section (storage/sections.py)
LOG_KEY_REFUSED = const(12)  # a key block that was not taken; detail: the error
LOG_FILE_LOADED = const(13)  # detail: which file (link/protocol.py)
LOG_FILE_REFUSED = const(14)  # detail: the error
LOG_SESSION = const(15)  # a session of the factory was opened; detail: its role (link/protocol.py)
LOG_CRYPTOGRAM = const(16)  # somebody without the reader's key tried; detail: how often in a row
LOG_ROLE = const(17)  # a session asked for what its role may not do; detail: the opcode
LOG_REPLAY = const(18)  # a secured message that was none of this session, or came twice; detail: that of E_LINK_SECURED
LOG_BOND = const(19)  # a phone was paired
LOG_PAIRING = const(20)  # a pairing was refused; detail: why (link/pairing.py)
LOG_SIGN_IN = const(21)  # working keys were refused; detail: the error

LOG_KINDS = const(32)  # every number is below it
