"""`mpos reader`: a reader at the other end of a transport. What it is, which keys it has, its self-test, log and files."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Column, Table

from mpos.cli_console import EXIT_ERROR, fail, out
from mpos.cli_vault import Held, PassphraseOption, VaultOption, held

if TYPE_CHECKING:
    from mpos.link.client import ReaderClient
    from mpos.link.messages import FileName, Message

app = typer.Typer(
    no_args_is_help=True, help="A reader, by the name of what leads to it (`mpos bench serve` prints some)."
)
parameters_app = typer.Typer(no_args_is_help=True, help="The reader's parameters.")
tables_app = typer.Typer(no_args_is_help=True, help="The acquirer's applications and keys.")
app.add_typer(parameters_app, name="parameters")
app.add_typer(tables_app, name="tables")

TransportArgument = Annotated[
    str, typer.Argument(metavar="TRANSPORT", help="serial:PORT, tcp:HOST:PORT, bumble:NAME, ble:ADDRESS")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one record and nothing else.")]
NOT_WELL = 1
_SELF_TEST_S = 30.0
_BACK_S = 30.0
_INTERFACES = {1: "contact", 2: "contactless", 4: "swipe"}


@app.command("info", epilog="Example: mpos reader info tcp:127.0.0.1:4000")
def info(transport: TransportArgument, as_json: JsonOption = False) -> None:
    """What the reader says of itself. Needs no keys. Exit code 0 in service, 1 out of service, 2 no reader."""
    from mpos.link.transports import reader_at

    async def work() -> Message:
        client, said = await reader_at(transport)
        await client.__aexit__(None, None, None)
        return said

    with explained():
        record = _described(asyncio.run(work()))
    if as_json:
        print(json.dumps(record))
    else:
        table = Table(show_header=False)
        for name, value in record.items():
            if value not in ("", None):
                table.add_row(name.replace("_", " "), ", ".join(value) if isinstance(value, list) else str(value))
        out.print(table)
    if record["error"]:
        raise typer.Exit(NOT_WELL)


@app.command("key", epilog="Example: mpos reader key tcp:127.0.0.1:4000")
def key(
    transport: TransportArgument,
    vault: VaultOption = None,
    as_json: JsonOption = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Which keys the reader has: check values, KSNs, what is left. No key."""
    from mpos.provision.factory import key_status

    async def work(client: ReaderClient, _found: bytes, _there: Held) -> Any:
        return await key_status(client)

    found = _in_session(transport, vault, passphrase_file, work)
    if as_json:
        print(json.dumps([one.record() for one in found]))
        return
    table = Table("section", "what for", "check value", Column("number", overflow="fold"), "keys left")
    for one in found:
        table.add_row(one.section, one.meaning, one.check, one.shown, "" if one.left is None else f"{one.left:,}")
    out.print(table)


@app.command("selftest", epilog="Example: mpos reader selftest tcp:127.0.0.1:4000")
def selftest(
    transport: TransportArgument,
    vault: VaultOption = None,
    as_json: JsonOption = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Known answers of every primitive, entropy, key store, image, now. Exit code 0 passed, 1 failed, 2 no reader."""
    from mpos.describe.reader_errors import sentence
    from mpos.link.client import ReaderRefused
    from mpos.link.messages import Opcode

    async def work(client: ReaderClient, found: bytes, _there: Held) -> dict[str, Any]:
        record = {"reader_id": found.hex().upper(), "passed": True, "error": 0, "detail": 0, "text": ""}
        try:
            await client.command(Opcode.SELF_TEST, timeout_s=_SELF_TEST_S)
        except ReaderRefused as refused:
            record |= {"passed": False, "error": refused.code, "detail": refused.detail, "text": sentence(refused.code)}
        return record

    record = _in_session(transport, vault, passphrase_file, work)
    if as_json:
        print(json.dumps(record))
    else:
        how = "passed" if record["passed"] else f"FAILED, detail {record['detail']}: {record['text']}"
        out.print(f"reader {record['reader_id']}: self-test {how}", markup=False, soft_wrap=True)
    if not record["passed"]:
        raise typer.Exit(NOT_WELL)


@app.command("log", epilog="Example: mpos reader log tcp:127.0.0.1:4000")
def log(
    transport: TransportArgument,
    first: Annotated[int, typer.Option("--from", min=0, help="The number of the first record.")] = 0,
    vault: VaultOption = None,
    as_json: JsonOption = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """The reader's security events, oldest first. There is no card data in them."""
    from mpos.describe.log_events import parse
    from mpos.link.messages import Opcode, Tag

    async def work(client: ReaderClient, _found: bytes, _there: Held) -> Any:
        records: list[Any] = []
        at = first
        while True:
            answer = await client.command(Opcode.LOG, {Tag.LOG_NUMBER: at.to_bytes(4, "big")})
            part = parse(answer.body.get(Tag.LOG_RECORDS, b""))
            records += part
            if not part:
                return records
            at = part[-1].number + 1

    records = _in_session(transport, vault, passphrase_file, work)
    if as_json:
        print(json.dumps([one.record() for one in records]))
        return
    table = Table("number", "time", "event", "detail")
    for one in records:
        table.add_row(str(one.number), one.time or "no clock", one.meaning, one.shown)
    out.print(table)


@parameters_app.command(
    "put", epilog="Example: mpos reader parameters put mine.json tcp:127.0.0.1:4000 --vault keys.vault"
)
def parameters_put(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The parameter file.")],
    transport: TransportArgument,
    vault: VaultOption = None,
    as_json: JsonOption = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Send the reader its parameters, under a MAC. It checks them, and restarts with them."""
    from mpos.link.messages import FileName

    _put(FileName.PARAMETERS, file, transport, vault, passphrase_file, as_json)


@tables_app.command("put", epilog="Example: mpos reader tables put mine.tlv tcp:127.0.0.1:4000 --vault keys.vault")
def tables_put(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file of `mpos emv build`.")],
    transport: TransportArgument,
    vault: VaultOption = None,
    as_json: JsonOption = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Send the reader its acquirer's applications and keys, under a MAC. It checks them, and restarts with them."""
    from mpos.link.messages import FileName

    _put(FileName.TABLES, file, transport, vault, passphrase_file, as_json)


@app.command("sale", epilog="Example: mpos reader sale tcp:127.0.0.1:4000 --acquirer 127.0.0.1:8583 --amount 12.34")
def sale(
    transport: TransportArgument,
    acquirer: Annotated[str, typer.Option(help="HOST:PORT of the acquirer.")],
    amount: Annotated[str, typer.Option(help="Amount in CNY, like 12.34.")],
    timeout: Annotated[int, typer.Option(min=1, max=120, help="Seconds to wait for a card.")] = 30,
    vault: VaultOption = None,
    as_json: JsonOption = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """One sale, as a phone leads it. Exit code 0 approved, 1 declined, 2 error."""
    from mpos.cli_amount import CURRENCY_CNY, minor_units
    from mpos.link.messages import Interface
    from mpos.phone.sale import Sale

    units = minor_units(amount)

    async def work(client: ReaderClient, _found: bytes, _there: Held) -> Any:
        every = Interface.CONTACT | Interface.CONTACTLESS | Interface.SWIPE
        return await Sale(client, acquirer, interfaces=every).run(units, CURRENCY_CNY, timeout)

    record = _in_session(transport, vault, passphrase_file, work)
    if as_json:
        print(record.to_json())
    elif record.error:
        out.print(f"error {record.error}: {record.error_text}", markup=False, soft_wrap=True)
    else:
        out.print(
            f"{record.outcome.upper()}  CNY {record.amount}, card {record.masked_pan}, response {record.response_code}, "
            f"KSN {record.ksn}",
            markup=False,
            soft_wrap=True,
        )
    if record.outcome != "approved":
        raise typer.Exit(NOT_WELL if record.outcome == "declined" else EXIT_ERROR)


def _put(
    name: FileName, file: Path, transport: str, vault: Path | None, passphrase_file: Path | None, as_json: bool
) -> None:
    from mpos.provision.factory import put_file

    try:
        content = file.read_bytes()
    except OSError as error:
        raise fail(f"{file} cannot be read: {error.strerror}") from None

    async def work(client: ReaderClient, found: bytes, there: Held) -> dict[str, Any]:
        number = await put_file(client, there.vault, there.save, found, name, content)
        return {"reader_id": found.hex().upper(), "file": name.name.lower(), "number": number, "bytes": len(content)}

    record = _in_session(transport, vault, passphrase_file, work)
    if as_json:
        print(json.dumps(record))
        return
    out.print(
        f"reader {record['reader_id']} has its {record['file']}, number {record['number']}, and restarts with them",
        markup=False,
    )


@asynccontextmanager
async def session(transport: str, there: Held) -> AsyncIterator[tuple[ReaderClient, bytes]]:
    """A client in a session of the field, and the reader's id. Raises ReaderGone, ReaderRefused, KeyRefused, VaultError."""
    from mpos.link.client import ReaderClient, ReaderGone
    from mpos.link.messages import Tag
    from mpos.link.secure import open_session
    from mpos.link.transports import reader_at
    from mpos.provision.factory import StaysOpen, key_service

    first, said = await reader_at(transport)
    pipe = first.pipe
    first.pipe = StaysOpen(pipe)
    await first.__aexit__(None, None, None)
    try:
        found = said.body.get(Tag.READER_ID, b"")
        if not found:
            raise ReaderGone("the reader has no keys yet: `mpos provision reader` gives it some, by its factory line")
        if there.is_bench and found not in there.vault.readers:
            raise ReaderGone(
                f"reader {found.hex().upper()} is none of the bench's: name the vault of its keys with --vault"
            )
        there.vault.entry(found)
        secure = await open_session(StaysOpen(pipe), key_service(there.vault))
        async with ReaderClient(secure) as client:
            yield client, found
    finally:
        await pipe.close()


def _in_session(
    transport: str,
    vault: Path | None,
    passphrase_file: Path | None,
    work: Callable[[ReaderClient, bytes, Held], Awaitable[Any]],
) -> Any:
    async def run(there: Held) -> Any:
        async with session(transport, there) as (client, found):
            return await work(client, found, there)

    with explained(), held(vault, passphrase_file) as there:
        return asyncio.run(run(there))


@contextmanager
def explained() -> Iterator[None]:
    """What may go wrong, as a sentence and exit code 2."""
    from mpos.link.client import ReaderRefused
    from mpos.link.messages import LinkError
    from mpos.provision.vault import VaultError
    from mpos.server.key_service import KeyRefused

    try:
        yield
    except typer.Exit:
        raise
    except (VaultError, KeyRefused, ReaderRefused, LinkError, ValueError, RuntimeError) as error:
        raise fail(str(error)) from None
    except TimeoutError:
        raise fail("the reader did not answer in time: is it still there?") from None
    except OSError as error:
        raise fail(f"the line failed: {error}") from None
    except KeyboardInterrupt:
        raise fail("interrupted") from None


def _described(said: Message) -> dict[str, Any]:
    from mpos.describe.reader_errors import sentence
    from mpos.link.messages import State, Tag
    from mpos.phone.sale import STATE_TEXT

    state = State(said.number_of(Tag.READER_STATE))
    error = said.number_of(Tag.DETAIL)
    interfaces = said.number_of(Tag.INTERFACES)
    tested = said.number_of(Tag.SELF_TESTED) if Tag.SELF_TESTED in said.body else None
    return {
        "reader_id": said.body.get(Tag.READER_ID, b"").hex().upper(),
        "board": said.text_of(Tag.BOARD),
        "firmware": said.text_of(Tag.VERSION),
        "build": "release" if said.number_of(Tag.RELEASE) else "development",
        "image": said.body.get(Tag.IMAGE_HASH, b"").hex(),
        "state": STATE_TEXT[state],
        "error": error,
        "why": sentence(error) if error else "",
        "interfaces": [name for bit, name in _INTERFACES.items() if interfaces & bit],
        "self_tested_s_ago": tested,
        "notices": said.number_of(Tag.NOTICES),
        "heap": said.number_of(Tag.HEAP),
        "link": said.text_of(Tag.AIOBLE),
    }
