"""`mpos emv`: the acquirer's applications and certification authority keys, as data and as a reader's file."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mpos.cli_console import fail, out
from mpos.provision import emv_tables
from mpos.provision.emv_tables import Application, Capk, TablesError

_CODE_SHOWN = 8

app = typer.Typer(no_args_is_help=True, help="The EMV tables of a reader: applications, keys, lists.")


class Keys(StrEnum):
    production = "production"
    test = "test"
    all = "all"


@app.command("list", epilog="Example: mpos emv list --keys test")
def list_command(
    keys: Annotated[Keys, typer.Option(help="Which keys: of real cards, of test cards, or all.")] = Keys.all,
    scheme: Annotated[str | None, typer.Option(help="Only this scheme: UnionPay, Visa, ...")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one record and nothing else.")] = False,
) -> None:
    """The published applications and keys that come with these tools."""
    test = {Keys.production: False, Keys.test: True, Keys.all: None}[keys]

    def chosen(entry: Application | Capk) -> bool:
        return scheme is None or entry.scheme.lower() == scheme.lower()

    applications = [entry for entry in emv_tables.published_applications() if chosen(entry)]
    capks = [entry for entry in emv_tables.published_capks(test) if chosen(entry)]
    if not applications and not capks:
        raise fail(f"no such scheme: {scheme}")
    _show(applications, capks, as_json)


@app.command("build", epilog="Example: mpos emv build emv.tlv --revoked revoked.json")
def build_command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where to.")],
    keys: Annotated[
        Keys, typer.Option(help="production: for a terminal that handles money; test: for test cards.")
    ] = Keys.production,
    applications: Annotated[
        Path | None, typer.Option(help="The acquirer's applications, as aids.json has them; else the public defaults.")
    ] = None,
    extra: Annotated[
        Path | None,
        typer.Option(help="More keys, as capks.json has them; they replace those of the same RID and index."),
    ] = None,
    revoked: Annotated[
        Path | None, typer.Option(help='Revoked certificates: [{"rid": HEX, "index": HEX, "serial": HEX}, ...].')
    ] = None,
    exceptions: Annotated[
        Path | None, typer.Option(help='The exception file: [{"pan": DIGITS, "sequence": NUMBER or null}, ...].')
    ] = None,
) -> None:
    """Build a reader's file. Card numbers of the exception file are in it as hashes only."""
    if keys == Keys.all:
        raise fail("keys of test cards and of real ones do not belong into one reader: production, or test")
    try:
        data = emv_tables.build(
            applications=_rows(applications, "applications"),
            extra_capks=_rows(extra, "keys") or (),
            revoked=[
                (bytes.fromhex(row["rid"]), int(row["index"], 16), bytes.fromhex(row["serial"]))
                for row in _rows(revoked, "revoked") or ()
            ],
            exceptions=[(row["pan"], row["sequence"]) for row in _rows(exceptions, "exceptions") or ()],
            test=keys == Keys.test,
        )
        path.write_bytes(data)
    except (TablesError, OSError) as error:
        raise fail(str(error)) from None
    except (KeyError, TypeError, ValueError) as error:
        raise fail(f"a list has an entry that is none: {error!r}") from None
    tables = emv_tables.parse(data)
    out.print(
        f"{path}: {len(tables.applications)} applications, {len(tables.capks)} keys, {len(tables.revoked)} revoked "
        f"certificates, {len(tables.exceptions)} exceptions; {len(data):,} bytes",
        markup=False,
        soft_wrap=True,
    )


@app.command("check", epilog="Example: mpos emv check emv.tlv")
def check_command(
    path: Annotated[Path, typer.Argument(metavar="FILE")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one record and nothing else.")] = False,
) -> None:
    """Read a reader's file: what is in it, and whether every checksum is right."""
    try:
        tables = emv_tables.parse(path.read_bytes())
    except (TablesError, OSError) as error:
        raise fail(str(error)) from None
    _show(tables.applications, tables.capks, as_json, emv_tables.kinds(tables.capks))
    if not as_json:
        out.print(f"{len(tables.revoked)} revoked certificates, {len(tables.exceptions)} exceptions")


def _rows(path: Path | None, name: str) -> list[Any] | None:
    """The list in a JSON file, which may be under `name`."""
    if path is None:
        return None
    document = json.loads(path.read_text())
    rows = document.get(name) if isinstance(document, dict) else document
    if not isinstance(rows, list):
        raise TablesError(f"{path} holds no list")
    return rows


def _show(
    applications: list[Application],
    capks: list[Capk],
    as_json: bool,
    known: dict[tuple[bytes, int], bool | None] | None = None,
) -> None:
    def kind(key: Capk) -> str:
        test = key.test if known is None else known[key.rid, key.index]
        return {None: "own", True: "test", False: "production"}[test]

    if as_json:
        print(
            json.dumps(
                {
                    "applications": [
                        {
                            "aid": _hex(a.aid),
                            "scheme": a.scheme,
                            "partial": a.partial,
                            "version": _hex(a.version),
                            "tac_default": _hex(a.tac_default),
                            "tac_online": _hex(a.tac_online),
                            "tac_denial": _hex(a.tac_denial),
                            "floor_limit": a.floor_limit,
                            "ec_limit": a.ec_limit,
                        }
                        for a in applications
                    ],
                    "keys": [
                        {
                            "scheme": k.scheme,
                            "rid": _hex(k.rid),
                            "index": f"{k.index:02X}",
                            "bits": k.bits,
                            "exponent": k.exponent,
                            "expiry": k.expiry,
                            "kind": kind(k),
                            "checksum": _hex(k.checksum),
                            "checksum_right": k.checksum_right,
                        }
                        for k in capks
                    ],
                }
            )
        )
        return
    # Within 80 columns; an AID with a star may be the beginning of a longer name
    table = _table("scheme", "AID", "TAC default", "online", "denial", "floor")
    for a in applications:
        codes = (_hex(code) for code in (a.tac_default, a.tac_online, a.tac_denial))
        table.add_row(a.scheme, _hex(a.aid) + "*" * a.partial, *codes, f"{a.floor_limit / 100:.2f}")
    out.print(table)
    out.print()
    table = _table("scheme", "RID", "bits", "exp", "until", "for", "checksum")
    for k in capks:
        date = str(k.expiry)
        table.add_row(
            k.scheme,
            f"{_hex(k.rid)} {k.index:02X}",
            str(k.bits),
            str(k.exponent),
            f"{date[:4]}-{date[4:6]}-{date[6:]}" if k.expiry else "",
            kind(k),
            f"{_hex(k.checksum)[:_CODE_SHOWN]} {'right' if k.checksum_right else 'WRONG'}",
        )
    out.print(table)


def _table(*heads: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, no_wrap=True)
    return table


def _hex(data: bytes) -> str:
    return data.hex().upper()
