"""Counting executed instructions. Results leave the device as lines of JSON behind the word FIGURE."""

import gc
import json

import rv

_TYPE_CHECKING = False
if _TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


_STRETCH = 64


def report(name: str, value) -> None:
    """Tell the bench one figure."""
    print("FIGURE", json.dumps({"name": name, "value": value}))


def count_once(work: "Callable[[], Any]") -> int:
    """Instructions of one call of `work`.

    No collection runs meanwhile; work that fills the heap ends in MemoryError and gives no figure. The heap it finds
    is in one piece, or how long the search for a free place takes would depend on everything that was there before.
    """
    gc.collect()
    holes = _filled_holes()
    gc.disable()
    try:
        return rv.count(work)[0] - _overhead
    finally:
        gc.enable()
        del holes


def _filled_holes() -> tuple:
    """Small objects in every free place below the first long free stretch, where they come at equal distances."""
    chain = ()
    last = distance = in_a_row = 0
    while in_a_row < _STRETCH:
        chain = (chain,)
        here = id(chain)
        in_a_row = in_a_row + 1 if here - last == distance else 0
        distance = here - last
        last = here
    return chain


def count(work: "Callable[[], Any]") -> int:
    """The same after a first call that nobody counts: modules load, lists grow."""
    work()
    return count_once(work)


def figure(name: str, work: "Callable[[], Any]") -> None:
    """Count `work` and report it."""
    report(name, count(work))


class Meter:
    """A running count from which pieces of other people's work are left out."""

    def __init__(self):
        self._left_out = 0
        self._since = 0

    def now(self) -> int:
        """Instructions since power-on, without what was left out."""
        return rv.instret() - self._left_out

    def pause(self) -> None:
        """What follows is not the reader's work: the part at the other end, or waiting for it."""
        self._since = rv.instret()

    def resume(self) -> None:
        self._left_out += rv.instret() - self._since


_overhead = 0
_overhead = count(lambda: None)
