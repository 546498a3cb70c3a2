"""Personalise the reader in MPOS_STATE with the lines on standard input: initial key and KSN in hex, and keys of cards."""

import os
import sys

from reader.app.personalise import personalise
from reader.errors import ReaderError
from reader.storage.state_file import StateFile

state = os.getenv("MPOS_STATE")
try:
    stores = [StateFile(state + name) for name in ("/keys", "/counters", "/notices", "/cardkeys")]
    personalise(*stores, sys.stdin.read())
    print("personalised")
except ReaderError as error:
    print("refused", error.code)
    sys.exit(1)
