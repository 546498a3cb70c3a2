"""The host on TCP: frames in, frames out, and the ways in which a host or the way to it can go wrong."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpos.acquirer import framing, working_keys
from mpos.acquirer.authoriser import Authoriser
from mpos.acquirer.books import Books

FAULTS: dict[str, str] = {
    "silent": "takes the request, books it, never answers",
    "slow": "answers after `slow_s` seconds",
    "close": "takes the request, books it, closes the connection",
    "refuse": "does not accept connections",
    "wrong-mac": "answers with one bit of the MAC changed",
    "wrong-stan": "answers with another trace number, under a right MAC",
    "mac-refused": "answers A0, as if the request's MAC were wrong, under a right MAC",
    "wrong-check-value": "answers a sign-in with one bit of the track key's check value changed",
    "no-track-key": "answers a sign-in without a track key",
    "truncated": "answers with a well-framed message that lacks its last third",
    "cut-off": "closes the connection in the middle of the answer",
    "garbage": "answers with a frame full of rubbish",
}

# A phone sends one request per connection and at once; longer silence is no phone
IDLE_TIMEOUT_S = 60.0
_MOST_CONNECTIONS = 64
_MOST_LOGGED = 10_000
_GARBAGE = bytes(range(0x40, 0x80))


class Acquirer:
    """`async with Acquirer() as a:` listens on a.host, a.port until the block ends.

    state: a file that keeps the books from run to run; None: in memory. fault: a key of FAULTS, changeable at any
    time except to and from "refuse". log: (seconds of the monotonic clock, text) per event, masked; `on_log(text)`
    is called with each as it happens.
    Everything else (issuer, terminals, key_sets, master_keys, mac, tpdu, header, now) goes to `Authoriser`.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        state: Path | str | None = None,
        fault: str | None = None,
        slow_s: float = 5.0,
        **authoriser: Any,
    ):
        if fault is not None and fault not in FAULTS:
            raise ValueError(f"no fault is called {fault!r}; choose one of: {', '.join(FAULTS)}")
        self.host = host
        self.port = port
        self.fault = fault
        self.slow_s = slow_s
        self.log: list[tuple[float, str]] = []
        self.on_log: Callable[[str], None] | None = None
        books = Books(None if state is None else Path(state))
        self.authoriser = Authoriser(books=books, note=self.note, **authoriser)
        self._server: asyncio.Server | None = None
        self._closed_door: socket.socket | None = None
        self._connections: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def note(self, text: str) -> None:
        self.log.append((time.monotonic(), text))
        del self.log[:-_MOST_LOGGED]
        if self.on_log is not None:
            self.on_log(text)

    def balance(self, pan: str) -> int:
        """What is on the account now, in fen. Raises KeyError when the issuer has no such account."""
        account = self.authoriser.issuer.account(pan)
        if account is None:
            raise KeyError("the issuer has no such account")
        return self.authoriser.books.balance(account.id, account.balance)

    async def __aenter__(self) -> Acquirer:
        if self.fault == "refuse":
            # Bound and not listening: the port is ours, and every connection is refused
            self._closed_door = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self._closed_door.bind((self.host, self.port))
            self.port = self._closed_door.getsockname()[1]
        else:
            self._server = await asyncio.start_server(self._connected, self.host, self.port)
            self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *exc: object) -> None:
        if self._closed_door is not None:
            self._closed_door.close()
        if self._server is not None:
            self._server.close()
            for task in list(self._connections):
                task.cancel()
            await asyncio.gather(*self._connections, return_exceptions=True)
            await self._server.wait_closed()

    async def serve_forever(self) -> None:
        """Until cancelled."""
        await asyncio.Event().wait()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._connections) >= _MOST_CONNECTIONS:
            self.note("too many connections: closed the newest")
            writer.close()
            return
        self._connections.add(task)
        try:
            while await self._exchange(reader, writer):
                pass
        except TimeoutError:
            self.note("closed a connection that said nothing")
        except asyncio.IncompleteReadError as error:
            if error.partial:
                self.note("the other side closed the connection in the middle of a request")
        except OSError:
            self.note("the connection broke")
        except asyncio.CancelledError:
            pass  # the host is being closed, and waits for this
        finally:
            self._connections.discard(task)
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request and its answer. False: the connection is to be closed."""
        async with asyncio.timeout(IDLE_TIMEOUT_S):
            length = int.from_bytes(await reader.readexactly(2), "big")
            if not framing.LEAST <= length <= framing.MOST:
                self.note(f"a frame of {length} bytes is none: closed the connection")
                return False
            body = await reader.readexactly(length)
        self.note(f"request of {length} bytes")
        answer = self.authoriser.handle(body)
        if answer is None:
            return True
        return await self._send(writer, answer, body)

    async def _send(self, writer: asyncio.StreamWriter, answer: bytes, body: bytes) -> bool:
        fault = self.fault
        if fault is not None:
            self.note(f"fault: {FAULTS[fault]}")
        if fault == "close":
            return False
        if fault == "silent":
            return True
        if fault == "slow":
            await asyncio.sleep(self.slow_s)
        elif fault == "wrong-mac":
            answer = answer[:-1] + bytes([answer[-1] ^ 0x01])
        elif fault == "wrong-stan":
            answer = self.authoriser.resigned(answer, body, _next_trace)
        elif fault == "mac-refused":
            answer = self.authoriser.resigned(answer, body, _refuse)
        elif fault in ("wrong-check-value", "no-track-key"):
            answer = self.authoriser.resigned(answer, body, _spoil if fault == "wrong-check-value" else _shorten)
        elif fault == "truncated":
            answer = _frame(answer[2 : 2 + len(answer[2:]) * 2 // 3])
        elif fault == "garbage":
            answer = _frame(_GARBAGE)
        elif fault == "cut-off":
            answer = answer[: len(answer) // 2]
        writer.write(answer)
        await writer.drain()
        return fault != "cut-off"


def _next_trace(fields: dict[str, str]) -> None:
    if "11" in fields:
        fields["11"] = f"{(int(fields['11']) + 1) % 1_000_000:06d}"


def _refuse(fields: dict[str, str]) -> None:
    if fields.get("39") == "00" and "64" in fields:
        fields["39"] = "A0"
        del fields["38"]


def _spoil(fields: dict[str, str]) -> None:
    if "62" in fields:
        sent = bytes.fromhex(fields["62"])
        fields["62"] = (sent[:-1] + bytes([sent[-1] ^ 1])).hex()


def _shorten(fields: dict[str, str]) -> None:
    if "62" in fields:
        fields["62"] = working_keys.without_track_key(bytes.fromhex(fields["62"])).hex()


def _frame(body: bytes) -> bytes:
    return len(body).to_bytes(2, "big") + body
