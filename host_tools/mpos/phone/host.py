"""The phone's line to the acquirer: the reader's frame out, the host's frame back, neither of them read."""

from __future__ import annotations

import asyncio
import contextlib

ANSWER_TIMEOUT_S = 20.0
CONNECT_TIMEOUT_S = 5.0
LENGTH = 2


class HostUnreachable(Exception):
    """The packet did not leave the phone."""


class HostSilent(Exception):
    """The packet left; no whole answer came."""


async def forward(address: str, frame: bytes, timeout_s: float = ANSWER_TIMEOUT_S) -> bytes:
    """Send one frame to `host:port` and return the frame that comes back (length prefix included in both)."""
    host, _, port = address.rpartition(":")
    try:
        reader, writer = await asyncio.wait_for(asyncio.open_connection(host, int(port)), CONNECT_TIMEOUT_S)
    except (OSError, TimeoutError, ValueError) as error:
        raise HostUnreachable(f"no connection to the acquirer at {address}: {error}") from None
    try:
        writer.write(frame)
        await writer.drain()
        async with asyncio.timeout(timeout_s):
            length = await reader.readexactly(LENGTH)
            return length + await reader.readexactly(int.from_bytes(length, "big"))
    except TimeoutError:
        raise HostSilent(f"the acquirer did not answer within {timeout_s:g} s") from None
    except (OSError, asyncio.IncompleteReadError):
        raise HostSilent("the acquirer closed the connection without a whole answer") from None
    finally:
        writer.close()
        with contextlib.suppress(OSError, TimeoutError):
            await asyncio.wait_for(writer.wait_closed(), 1)
