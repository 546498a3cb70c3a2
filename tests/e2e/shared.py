"""One reader for the cards of many tests, one after another, as at a till: it must survive each of them.

    async with worlds.at_rest("unix") as (there, reader):
        there.slot.insert(card)

A test that fails takes the reader with it: the next one gets a fresh one. Cards, cardholder and acquirer are each test's
own. The tests share an event loop with the world (`shared` marks them).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from mpos.acquirer import Acquirer
from mpos.bench.keypad import Typist
from mpos.bench.world import World
from mpos.link.client import ReaderClient

shared = pytest.mark.asyncio(loop_scope="module")


class Hands(Typist):
    """Whoever stands at the PIN pad: `at_pad`, which each test replaces."""

    def __init__(self) -> None:
        super().__init__(None)
        self.at_pad = Typist(None)

    def keys(self, kind: int) -> bytes:
        return self.at_pad.keys(kind)


class Worlds:
    """The worlds of a module, by their options."""

    def __init__(self) -> None:
        self._open: dict[tuple, tuple[AsyncExitStack, World, ReaderClient, Hands]] = {}

    @asynccontextmanager
    async def at_rest(
        self, typist: Typist | None = None, fault: str | None = None, **options: Any
    ) -> AsyncIterator[tuple[World, ReaderClient]]:
        """The world with these options, no card anywhere, and a phone at it. fault: of the acquirer."""
        key = tuple(sorted(options.items()))
        _, there, reader, hands = self._open.get(key) or await self._opened(key, options)
        hands.at_pad = typist or Typist(None)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._end, key)
            async with Acquirer(fault=fault) as running:
                there.acquirer, there.acquirer_address = running, f"{running.host}:{running.port}"
                yield there, reader
                there.field.clear()
                there.slot.remove()
                stack.pop_all()

    async def close(self) -> None:
        for key in list(self._open):
            await self._end(key)

    async def _opened(self, key: tuple, options: dict[str, Any]) -> tuple[AsyncExitStack, World, ReaderClient, Hands]:
        hands = Hands()
        async with AsyncExitStack() as stack:
            head = options.pop("head", None)
            there = await stack.enter_async_context(World(typist=hands, head=head and head(), **options))
            reader = await stack.enter_async_context(await there.connect())
            self._open[key] = stack.pop_all(), there, reader, hands
        return self._open[key]

    async def _end(self, key: tuple) -> None:
        stack, *_ = self._open.pop(key)
        await stack.aclose()
