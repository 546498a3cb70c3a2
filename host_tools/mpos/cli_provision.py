"""`mpos provision`: the vault that readers' keys come from, the factory's work on a reader, keys that come later."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mpos.cli_console import err, fail, out
from mpos.cli_vault import PassphraseOption, held, passphrase

_BACK_S = 8.0  # for a restart

app = typer.Typer(no_args_is_help=True, help="Keys of readers: the vault, the factory's work, keys that come later.")
vault_app = typer.Typer(no_args_is_help=True, help="The keys that readers' keys are derived from, in one file.")
app.add_typer(vault_app, name="vault")

TransportArgument = Annotated[
    str, typer.Argument(metavar="TRANSPORT", help="serial:PORT, tcp:HOST:PORT, bumble:NAME, ble:ADDRESS")
]
VaultOption = Annotated[Path, typer.Option("--vault", help="The vault its keys come from.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one record and nothing else.")]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The vault.")]


@vault_app.command("new", epilog="Example: mpos provision vault new keys.vault")
def vault_new(
    file: FileArgument,
    key_set: Annotated[
        str | None, typer.Option(help="The 8 hex digits that all its reader ids begin with; else made up (FF......).")
    ] = None,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Make a vault, with keys of its own. Keep a copy of the file, and the passphrase apart from it."""
    from mpos.provision import vault

    try:
        words = passphrase(passphrase_file, is_new=True)
        vault.check_passphrase(words)
        made = vault.new(key_set=None if key_set is None else vault.parse_key(key_set))
        vault.save(made, file, words, replace=False)
    except vault.VaultError as error:
        raise fail(str(error)) from None
    out.print(
        f"{file}: a new vault, its readers are {made.key_set.hex().upper()}...; copy it to a safe place", markup=False
    )


@vault_app.command("import", epilog="Example: mpos provision vault import keys.vault tdes-bdk < bdk.hex")
def vault_import(
    file: FileArgument,
    name: Annotated[str, typer.Argument(metavar="KEY", help="tdes-bdk, aes-bdk, session, block or master")],
    passphrase_file: PassphraseOption = None,
) -> None:
    """Put a key of yours into the vault, in hex digits, typed or on standard input; before its first reader."""
    from mpos.provision import vault

    try:
        with vault.opened(file, passphrase(passphrase_file)) as (there, save):
            if there.readers:
                raise vault.VaultError(
                    f"{file} has given out {len(there.readers)} reader ids, whose keys come from its own: import into a new vault"
                )
            if sys.stdin.isatty():
                text = typer.prompt(f"{name} in hex digits", hide_input=True, err=True)
            else:
                text = sys.stdin.read(1024)
            there.keys.update(
                vault.new({name: vault.parse_key(text)}).keys | {k: v for k, v in there.keys.items() if k != name}
            )
            save()
            value = there.check_values()[name]
    except vault.VaultError as error:
        raise fail(str(error)) from None
    out.print(f"{name} is in {file}, check value {value}", markup=False)


@vault_app.command("show", epilog="Example: mpos provision vault show keys.vault")
def vault_show(file: FileArgument, as_json: JsonOption = False, passphrase_file: PassphraseOption = None) -> None:
    """Check values and readers of a vault. No key."""
    from mpos.provision import vault

    try:
        there = vault.load(file, passphrase(passphrase_file))
    except vault.VaultError as error:
        raise fail(str(error)) from None
    readers = [
        {
            "reader_id": reader_id.hex().upper(),
            "provisioned": entry.done,
            "aes_key_of": entry.of,
            "key_blocks": entry.serial,
            "files": entry.files,
        }
        for reader_id, entry in there.readers.items()
    ]
    record = {"key_set": there.key_set.hex().upper(), "check_values": there.check_values(), "readers": readers}
    if as_json:
        print(json.dumps(record))
        return
    table = Table("key", "check value", "what for")
    for name, value in there.check_values().items():
        table.add_row(name, value, vault.KEYS[name])
    out.print(table)
    out.print(f"key set {record['key_set']}, {len(readers)} readers")
    for reader in readers:
        state = "provisioned" if reader["provisioned"] else "in the factory"
        if reader["aes_key_of"]:
            out.print(f"  {reader['reader_id']}  AES DUKPT key of {reader['aes_key_of']}", markup=False)
            continue
        out.print(f"  {reader['reader_id']}  {state}, {reader['key_blocks']} key blocks", markup=False)


@app.command("reader", epilog="Example: mpos provision reader serial:/dev/ttyUSB0 --vault keys.vault")
def reader(
    transport: TransportArgument,
    vault_file: VaultOption,
    reader_id: Annotated[
        str | None, typer.Option(help="16 hex digits, the last five bits zero; else the vault's next one.")
    ] = None,
    schemes: Annotated[
        list[str] | None,
        typer.Option("--scheme", help="dukpt-tdes, dukpt-aes, master-session; may come more than once. All of them."),
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option(help="Where the record of what was loaded goes; else READERID.json here.")
    ] = None,
    as_json: JsonOption = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """The factory's work: keys into a blank reader, by its own line. One that was cut off goes on where it was.

    Exit code 0 provisioned, 2 not.
    """
    from mpos.link.client import ReaderGone
    from mpos.link.transports import open_pipe
    from mpos.provision import factory

    async def work(there: Any) -> dict[str, Any]:
        pipe = await open_pipe(transport)
        try:
            made = await factory.provision(
                pipe,
                there.vault,
                there.save,
                reader_id=None if reader_id is None else _hex(reader_id, 8, "--reader-id"),
                schemes=schemes or factory.SCHEMES,
                tell=lambda text: err.print(text, markup=False, soft_wrap=True),
            )
        finally:
            await pipe.close()
        try:
            await factory.until_back(lambda: open_pipe(transport), _BACK_S)
        except ReaderGone:
            # A reader with a radio is there from now on
            err.print(
                f"nobody answers at {transport} any more: look for the reader by radio (ble:, bumble:)", soft_wrap=True
            )
        return made.record()

    record = _run(vault_file, passphrase_file, work)
    path = certificate or Path(f"{record['reader_id']}.json")
    try:
        path.write_text(json.dumps(record, indent=1) + "\n")
    except OSError as error:
        raise fail(f"the reader is provisioned, but its certificate cannot be written: {error}") from None
    if as_json:
        print(json.dumps(record))
    else:
        table = Table("key", "check value", "KSN")
        for key in record["keys"]:
            table.add_row(key["name"], key["check"], key.get("ksn", ""))
        out.print(table)
        out.print(f"reader {record['reader_id']} is in the field; certificate: {path}", markup=False, soft_wrap=True)
    if record["problems"]:
        raise fail("; ".join(record["problems"]))


@app.command("key", epilog="Example: mpos provision key tcp:127.0.0.1:4000 --vault keys.vault --card 3:a < key.hex")
def key(
    transport: TransportArgument,
    vault_file: VaultOption,
    card: Annotated[
        str | None,
        typer.Option(
            help="SLOT:KIND (1 to 16; a, b, password): a card's key of 12 hex digits, typed or on standard input."
        ),
    ] = None,
    scheme: Annotated[
        str | None, typer.Option(help="A scheme that the reader has no key of yet; master-session renews its key.")
    ] = None,
    renew_aes: Annotated[
        bool, typer.Option("--renew-aes", help="Another AES DUKPT key, under the update key of the present one.")
    ] = False,
    as_json: JsonOption = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Load a key into a reader in the field, in a key block over its session."""
    from mpos.provision import factory, keys

    if (card is not None) + (scheme is not None) + renew_aes != 1:
        raise fail("which key? One of --card SLOT:KIND, --scheme NAME, --renew-aes")
    if scheme is not None and scheme not in factory.SCHEMES:
        raise fail(f"{scheme!r} is no key scheme: {', '.join(factory.SCHEMES)}")

    def load_for(there: Any, found: bytes) -> keys.Load:
        if card is None:
            assert scheme is not None
            return factory.loads(there.vault, found, [scheme])[1]
        slot, _, kind = card.partition(":")
        text = (
            typer.prompt("The card's key, 12 hex digits", hide_input=True, err=True)
            if sys.stdin.isatty()
            else sys.stdin.read(64)
        )
        try:
            return keys.card_key(int(slot) if slot.isdigit() else 0, kind, _hex(text.strip(), 6, "the key"))
        except ValueError as error:
            raise fail(str(error)) from None

    async def work(there: Any) -> dict[str, Any]:
        from mpos.cli_reader import session

        async with session(transport, there) as (client, found):
            if renew_aes:
                load = await factory.renew_aes(client, there.vault, there.save, found)
            else:
                load = load_for(there, found)
                await factory.load_keys(client, there.vault, there.save, found, [load])
        return {"reader_id": found.hex().upper(), "key": load.name, "check": load.check.hex().upper()}

    record = _run(vault_file, passphrase_file, work)
    if as_json:
        print(json.dumps(record))
        return
    value = f", check value {record['check']}" if record["check"] else ""
    out.print(f"reader {record['reader_id']}: {record['key']} loaded{value}", markup=False)


def _run(vault_file: Path, passphrase_file: Path | None, work: Any) -> dict[str, Any]:
    from mpos.cli_reader import explained

    with explained(), held(vault_file, passphrase_file) as there:
        return asyncio.run(work(there))
    raise AssertionError  # for type checkers


def _hex(text: str, size: int, what: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError:
        found = b""
    if len(found) != size:
        raise fail(f"{what}: {2 * size} hex digits")
    return found
