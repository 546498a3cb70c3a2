"""`mpos bench serve`: a virtual reader and an acquirer that stay, for other programs."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mpos.cli_console import fail, out
from mpos.cli_vault import PassphraseOption, VaultOption

app = typer.Typer(no_args_is_help=True, help="The simulated world, for other programs on this machine.")


class Board(StrEnum):
    unix = "unix"
    qemu = "qemu"


@app.callback()
def bench() -> None:
    """The simulated world, for other programs on this machine."""


@app.command("serve", epilog="Example: mpos bench serve --card approved")
def serve(
    board: Annotated[
        Board, typer.Option(help="What runs the firmware: a process, or the emulated board.")
    ] = Board.unix,
    card: Annotated[
        str | None, typer.Option(help="A card in the field, or in the slot: a name of `mpos card list`.")
    ] = None,
    state: Annotated[Path | None, typer.Option(help="Folder that keeps the reader and the acquirer's books.")] = None,
    serial: Annotated[
        bool, typer.Option("--serial", help="A serial line instead of the radio (always on qemu).")
    ] = False,
    blank: Annotated[bool, typer.Option("--blank", help="A reader without keys, at its factory line.")] = False,
    vault: VaultOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print where everything is as one record.")] = False,
    passphrase_file: PassphraseOption = None,
) -> None:
    """Keep a virtual reader and an acquirer alive on loopback ports until interrupted, and print their names.

    With --vault the acquirer has that vault's base derivation keys instead of the bench's.
    """
    from mpos.bench.serve import serving
    from mpos.cli_reader import explained
    from mpos.cli_vault import passphrase
    from mpos.provision import vault as vaults

    async def work(kept: vaults.Vault | None) -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        async with serving(
            board.value,
            state=state,
            card=card,
            serial=serial,
            blank=blank,
            vault=kept,
            on_log=lambda text: None if as_json else out.print(text, markup=False, soft_wrap=True),
        ) as there:
            if as_json:
                print(json.dumps({"transports": there.transports, "acquirer": there.acquirer}), flush=True)
            else:
                for transport in there.transports:
                    out.print(f"reader   {transport}", markup=False, soft_wrap=True)
                out.print(f"acquirer {there.acquirer}; stop with Ctrl-C", markup=False)
            died = asyncio.create_task(there.world.device.died())
            stopped = asyncio.create_task(stop.wait())
            await asyncio.wait([died, stopped], return_when=asyncio.FIRST_COMPLETED)
            said = "" if stop.is_set() else there.world.output.strip() or "without a word"
            for task in (died, stopped):
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.gather(died, stopped)
        if said:
            raise fail(f"the firmware ended: {said}")

    with explained():
        kept = vaults.load(vault, passphrase(passphrase_file)) if vault is not None else None
        asyncio.run(work(kept))
    if not as_json:
        out.print("stopped")
