"""One operation at a time, each module of figures by itself."""

import gc
import sys


def run() -> None:
    for name in ("crypto", "keys", "ring", "objects", "packet", "frames", "session", "oda", "stripe"):
        module = __import__("figures_" + name)
        module.run()
        del sys.modules["figures_" + name]
        del module
        gc.collect()
    print("FIGURES END")


run()
