"""Modules that are needed once."""

import gc
import sys

# Native code that few readers need: MicroPython never gives its memory back, so once loaded it stays
_STAY = ["reader.crypto.aes192"]


def forget(name: str) -> None:
    """Unload the module `name` (full name): its code and tables leave the heap with the next collection.

    An object of one of its classes, or a reference to one of its functions, keeps all of it.
    """
    package, _, attribute = name.rpartition(".")
    del sys.modules[name]
    if package in sys.modules:  # it may have been unloaded before
        delattr(sys.modules[package], attribute)


def forget_each(*names: str) -> None:
    """Unload those of the modules `names` that are loaded."""
    for name in names:
        if name in sys.modules:
            forget(name)


def loaded() -> list:
    """The full names of all modules there are now, for `keep_only` later on."""
    return list(sys.modules)


def keep_only(names: list) -> None:
    """Unload every module of the firmware that is not among `names`: what came since `loaded` said them, but _STAY.

    Their memory is there again at once: what is allocated next then goes to the low end of the heap, and the free part
    stays in one piece.
    """
    names = names + _STAY
    for name in [name for name in sys.modules if name.startswith("reader.") and name not in names]:
        forget(name)
    gc.collect()
