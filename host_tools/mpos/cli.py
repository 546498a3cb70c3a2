"""The command `mpos`: run a transaction on the bench, look at cards, serve the acquirer, name what bytes mean."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mpos import cli_bench, cli_card, cli_emv, cli_flash, cli_provision, cli_reader, cli_record, cli_swipe
from mpos.cli_amount import CURRENCY_CNY, minor_units
from mpos.cli_card import Interface
from mpos.cli_console import EXIT_ERROR, fail, out

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    help="Host tools of the open mPOS card reader.",
)
acquirer_app = typer.Typer(no_args_is_help=True, help="The acquiring host of the bench.")
describe_app = typer.Typer(no_args_is_help=True, help="Name what bytes and numbers mean. Card data are masked, always.")
app.registered_commands += cli_flash.app.registered_commands + cli_swipe.app.registered_commands
app.add_typer(cli_bench.app, name="bench")
app.add_typer(cli_card.app, name="card")
app.add_typer(cli_emv.app, name="emv")
app.add_typer(cli_provision.app, name="provision")
app.add_typer(cli_reader.app, name="reader")
app.add_typer(acquirer_app, name="acquirer")
app.add_typer(describe_app, name="describe")

EXIT = {"approved": 0, "declined": 1}


class Type(StrEnum):
    sale = "sale"


class Target(StrEnum):
    unix = "unix"
    qemu = "qemu"


class Scheme(StrEnum):
    dukpt_tdes = "dukpt-tdes"
    dukpt_aes = "dukpt-aes"
    master_session = "master-session"


class Mac(StrEnum):
    x919 = "x919"
    ecb = "ecb"


class Bus(StrEnum):
    hsu = "hsu"
    spi = "spi"
    i2c = "i2c"


@app.command(epilog="Example: mpos run --card approved --amount 12.34")
def run(
    card: Annotated[str | None, typer.Option(help="Which card the customer has: a name of `mpos card list`.")] = None,
    type: Annotated[Type, typer.Option(help="The transaction.")] = Type.sale,
    interface: Annotated[
        Interface | None, typer.Option(help="The one that is open; without it the reader waits for any card.")
    ] = None,
    present: Annotated[
        str | None,
        typer.Option(
            help="What the customer does, and when: tap@1s,swipe:stripe@3s. Also insert, away (from the field), remove."
        ),
    ] = None,
    speed: Annotated[float | None, typer.Option(min=1, max=500, help="Of a swipe, in cm/s.")] = None,
    jitter: Annotated[float | None, typer.Option(min=0, max=100, help="Of a swipe, in percent of a bit.")] = None,
    direction: Annotated[cli_record.Direction | None, typer.Option(help="Of a swipe.")] = None,
    edges: Annotated[bool, typer.Option(help="The head has no ASIC: the firmware decodes flux reversals.")] = False,
    amount: Annotated[
        str | None, typer.Option(help="Amount in CNY, like 12.34; without it, the one of the card's story.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one record and nothing else.")] = False,
    timeout: Annotated[
        int | None, typer.Option(min=1, max=120, help="Seconds to wait for a card; 3, or as long as --present takes.")
    ] = None,
    target: Annotated[
        Target, typer.Option(help="What runs the firmware: a process, or the emulated board.")
    ] = Target.unix,
    acquirer: Annotated[
        str | None, typer.Option(help="host:port of a running `mpos acquirer serve`; without it, one is started.")
    ] = None,
    fault: Annotated[
        str | None, typer.Option(help="How the started acquirer misbehaves (see --help of acquirer serve).")
    ] = None,
    state: Annotated[
        Path | None, typer.Option(help="Folder that keeps reader, cards and acquirer from run to run.")
    ] = None,
    scheme: Annotated[
        Scheme | None, typer.Option(help="The packets' key scheme; without it, the one of the parameters: dukpt-tdes.")
    ] = None,
    mac: Annotated[
        Mac | None, typer.Option(help="The packets' MAC under master-session: x919, or UnionPay's ecb.")
    ] = None,
    pace: Annotated[bool, typer.Option(help="Give the virtual radio the pace of a real one.")] = False,
    bus: Annotated[
        Bus, typer.Option(help="How the contactless chip, a PN532, is joined: its high-speed UART, SPI or I2C.")
    ] = Bus.hsu,
    irq: Annotated[bool, typer.Option(help="The chip's IRQ line is wired, too.")] = False,
    coupler: Annotated[bool, typer.Option(help="The chip slot is a TDA8029's instead of a TDA8035's.")] = False,
    radio: Annotated[
        str | None, typer.Option(help="Put the reader on a real controller, by Bumble's name for it (usb:0).")
    ] = None,
) -> None:
    """Run one transaction on the bench: the real firmware, everything around it simulated.

    Exit code 0 approved, 1 declined, 2 error.
    """
    from mpos.bench.run import Options, run_sale
    from mpos.bench.telling import collect, show

    swipe: dict[str, Any] = {}
    if speed is not None:
        swipe["speed_cm_s"] = speed
    if jitter is not None:
        swipe["jitter_percent"] = jitter
    if direction is not None:
        swipe["direction"] = direction.value
    options = Options(
        card=card,
        amount=None if amount is None else minor_units(amount),
        interface=None if interface is None else interface.value,
        present=present,
        swipe=swipe,
        edges=edges,
        coupler=coupler,
        bus=bus.value,
        irq=irq,
        currency=CURRENCY_CNY,
        card_timeout_s=timeout,
        acquirer=acquirer,
        fault=fault,
        state=state,
        pace=pace,
        radio=radio,
        target=target.value,
        scheme=None if scheme is None else scheme.value,
        mac=None if mac is None else mac.value,
    )
    try:
        if as_json:
            done = asyncio.run(run_sale(options))
        else:
            with out.status("the reader starts, the phone connects, the card is presented ..."):
                done = asyncio.run(run_sale(options))
    except (ValueError, RuntimeError, OSError) as error:
        raise fail(str(error)) from None
    except KeyboardInterrupt:
        raise fail("interrupted: everything was stopped") from None
    if as_json:
        print(done.record.to_json())
    else:
        show(out, collect(done.story, done.field, done.slot, done.head, done.acquirer_log), done.record)
    raise typer.Exit(EXIT.get(done.record.outcome, EXIT_ERROR))


@acquirer_app.command("serve", epilog="Example: mpos acquirer serve --port 8583")
def acquirer_serve(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Loopback port; 0: the system picks one.")] = 0,
    state: Annotated[Path | None, typer.Option(help="File that keeps its books.")] = None,
    fault: Annotated[str | None, typer.Option(help="How it misbehaves: silent, slow, close, refuse, ...")] = None,
    mac: Annotated[Mac, typer.Option(help="The packets' MAC under master-session.")] = Mac.x919,
) -> None:
    """Serve the acquiring host on loopback until interrupted."""
    from mpos.acquirer import Acquirer

    async def serve() -> None:
        async with Acquirer(port=port, state=state, fault=fault, mac=mac.value) as host:
            out.print(f"acquirer listens on {host.host}:{host.port}; stop it with Ctrl-C", markup=False)
            stop = asyncio.Event()
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stop.set)
            host.on_log = lambda text: out.print(text, markup=False, soft_wrap=True)
            await stop.wait()
        out.print("stopped")

    try:
        asyncio.run(serve())
    except (ValueError, OSError) as error:
        raise fail(str(error)) from None


@describe_app.command("tlv", epilog="Example: mpos describe tlv 9F02060000000012345F2A020156")
def describe_tlv(data: Annotated[str, typer.Argument(metavar="HEX")]) -> None:
    """BER-TLV data objects: names, values, bits."""
    from mpos.describe import tlv

    _describe(tlv.lines, data)


@describe_app.command("iso8583", epilog="Example: mpos describe iso8583 0200...")
def describe_iso8583(data: Annotated[str, typer.Argument(metavar="HEX")]) -> None:
    """An ISO 8583 message of the unionpay_pos dialect, with or without length, TPDU and header."""
    from mpos.describe import iso8583

    _describe(iso8583.lines, data)


@describe_app.command("apdu", epilog="Example: mpos describe apdu 00A404000E325041592E5359532E444446303100")
def describe_apdu(data: Annotated[str, typer.Argument(metavar="HEX")]) -> None:
    """A command or response APDU."""
    from mpos.describe import apdu

    _describe(apdu.lines, data)


@describe_app.command("error", epilog="Example: mpos describe error 605")
def describe_error(number: Annotated[int, typer.Argument(metavar="NUMBER")]) -> None:
    """A number the reader gave: what happened, what to do."""
    from mpos.describe.reader_errors import details, sentence

    for line in [sentence(number), *(f"  {detail}" for detail in details(number))]:
        out.print(line, markup=False, soft_wrap=True)


def _describe(decode: Callable[[str], list[str]], data: str) -> None:
    try:
        lines = decode(data)
    except ValueError as error:
        raise fail(str(error)) from None
    for line in lines:
        out.print(line, markup=False, soft_wrap=True)


def main() -> None:
    """Entry point of the `mpos` script."""
    app()
