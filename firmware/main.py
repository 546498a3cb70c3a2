"""The composition root: the board supplies the parts, the reader runs on them."""

import board

from reader.app.reader import Reader

Reader(board.peripherals()).run()
