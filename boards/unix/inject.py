"""Personalise the reader in MPOS_STATE: one line on standard input, the DUKPT initial key and its KSN in hex.

The same two calls that a factory makes on a board over serial. A second injection is refused, by number.
"""

import binascii
import os
import sys

from reader.app.counters import Counters
from reader.dukpt.tdes import TdesDukpt
from reader.errors import ReaderError
from reader.storage.state_file import StateFile

state = os.getenv("MPOS_STATE")
try:
    key, ksn = sys.stdin.readline().split()
    TdesDukpt(StateFile(state + "/keys")).load_initial_key(binascii.unhexlify(key), binascii.unhexlify(ksn))
    Counters(StateFile(state + "/counters")).create()
    print("personalised")
except ReaderError as error:
    print("refused", error.code)
    sys.exit(1)
except ValueError:
    print("one line, please: 32 hex digits of key, a blank, 20 hex digits of KSN")
    sys.exit(2)
