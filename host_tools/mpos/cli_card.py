"""`mpos card`: the virtual cards of the bench, and what a phone can ask of those that are not for payment."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from mpos import cli_record
from mpos.cli_console import fail, out

app = typer.Typer(
    no_args_is_help=True, help="The virtual cards of the bench; read and write those that are not for payment."
)
app.registered_commands += cli_record.app.registered_commands

_ACCESS, _KIND, _PASS_PAYMENT, _CARD_KEY, _BODY = 114, 113, 419, 507, 705
_BLOCK_TAG, _DATA_TAG, _VALUE_TAG, _COUNT_TAG, _APDU_TAG = 0xD9, 0xDC, 0xDE, 0xDA, 0xD6
_PIECE, _FELICA_PIECE = 32, 12  # blocks of one fetch


class Interface(StrEnum):
    contact = "contact"
    contactless = "contactless"
    swipe = "swipe"


class Key(StrEnum):
    a = "a"
    b = "b"


CardName = Annotated[str, typer.Option(help="Which card lies on the reader: a name of `mpos card list`.")]
Memory = Annotated[
    Path | None, typer.Option(help="File that keeps what is on the card from run to run.", metavar="FILE")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one record and nothing else.")]
Slot = Annotated[
    int | None,
    typer.Option(min=1, max=16, help="Of the reader's key store; MIFARE Classic: 1 without it. NTAG: its password."),
]
WhichKey = Annotated[Key, typer.Option(help="MIFARE Classic: the key that the slot holds.")]
Services = Annotated[
    str | None, typer.Option(help="FeliCa: service code, like 100B; several with commas.", metavar="CODE")
]
System = Annotated[str | None, typer.Option(help="FeliCa: system code, like 12FC; any without it.", metavar="CODE")]


@app.command("list", epilog="Example: mpos card list --interface contact")
def card_list(
    interface: Annotated[Interface | None, typer.Option(help="Only the cards for this interface.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as JSON.")] = False,
) -> None:
    """Every card of the bench and how a sale with it ends: outcome, why, and for a contact card TVR and TSI.

    Below: those that are not for payment, for `mpos card read`, `write`, `value` and `apdu`.
    """
    from mpos.bench.cards import CARDS
    from mpos.bench.cards.memory import MEMORY

    cards = [card for card in CARDS.values() if interface in (None, card.interface)]
    if as_json:
        names = (
            "name",
            "interface",
            "kind",
            "story",
            "outcome",
            "response_code",
            "error",
            "tvr",
            "tsi",
            "cvm",
            "amount",
        )
        print(json.dumps([{name: getattr(card, name) for name in names} for card in cards]))
        return
    for kind in Interface:
        shown = [card for card in cards if card.interface == kind and card.kind != MEMORY]
        if shown:
            out.print(f"\n[bold]{kind.value}[/] (mpos run --interface {kind.value} --card NAME)")
            out.print(_sales(shown, kind == Interface.contact))
    others = [card for card in cards if card.kind == MEMORY]
    if others:
        table = Table(box=None, pad_edge=False)
        table.add_column("card", no_wrap=True)
        table.add_column("what it is, and what it holds")
        for entry in others:
            table.add_row(entry.name, entry.story)
        out.print("\n[bold]not for payment[/] (mpos card read --card NAME)")
        out.print(table)


def _sales(cards: list[Any], chip: bool) -> Table:
    from mpos.describe.reader_errors import ERRORS
    from mpos.describe.response_codes import RESPONSE_CODES

    table = Table(box=None, pad_edge=False)
    for title in ("card", "outcome", "why", *(("TVR", "TSI") if chip else ()), "what it is"):
        table.add_column(title, no_wrap=title in ("card", "outcome", "TVR", "TSI"))
    for entry in cards:
        why = ""
        if entry.response_code:
            why = f"{entry.response_code} {RESPONSE_CODES.get(entry.response_code, '')}"
        elif entry.error:
            why = f"{entry.error} {ERRORS[entry.error][0]}"
        elif entry.offline:
            why = "by the card itself"
        table.add_row(entry.name, entry.outcome, why, *((entry.tvr, entry.tsi) if chip else ()), entry.story)
    return table


@app.command(
    "read",
    epilog="Examples:\n\nmpos card read --card mifare-1k --block 4 --count 2 --slot 1 --key a\n\n"
    "mpos card read --card ntag213 --page 4 --count 8\n\nmpos card read --card felica --service 100B --block 0",
)
def read(
    card: CardName,
    block: Annotated[int | None, typer.Option(min=0, max=4095, help="MIFARE Classic, FeliCa: the first one.")] = None,
    page: Annotated[int | None, typer.Option(min=0, max=255, help="Ultralight, NTAG: the first one.")] = None,
    count: Annotated[int, typer.Option(min=1, max=256, help="How many.")] = 1,
    slot: Slot = None,
    key: WhichKey = Key.a,
    service: Services = None,
    system: System = None,
    memory: Memory = None,
    as_json: AsJson = False,
) -> None:
    """Read blocks or pages of a card on the bench's reader; without --block or --page, say what card it is."""
    first = page if page is not None else block
    if page is not None and block is not None:
        raise fail("--page is for Ultralight and NTAG, --block for the others: name one of them")
    services = _codes(service, "--service")

    async def ask(passed: Any) -> dict[str, Any]:
        from mpos.link.messages import CardType

        if first is None:
            return {}
        kind = passed.found.type
        _check_word(kind, page)
        if kind == CardType.FELICA:
            blocks = []
            for code in _needed(services):

                async def fetch(start: int, number: int, code: int = code) -> bytes:
                    return await passed.fetch_felica([code], range(start, start + number))

                data = await _pieces(fetch, first, count, _FELICA_PIECE)
                blocks += [
                    {"service": f"{code:04X}", "block": first + at // 16, "data": data[at : at + 16].hex().upper()}
                    for at in range(0, len(data), 16)
                ]
            return {"blocks": blocks}
        if kind == CardType.ULTRALIGHT:
            size = 4
            if slot is not None:
                await _password(passed, slot)
            data = await _pieces(passed.fetch, first, count, _PIECE)
        else:
            size = 16
            data = b""
            for start, number in _sectors(first, count):
                await _authenticate(passed, slot, key, start)
                data += await passed.fetch(start, number)
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        name = "page" if size == 4 else "block"
        return {f"{name}s": [{name: first + at, "data": part.hex().upper()} for at, part in enumerate(parts)]}

    _show(_done(card, memory, system, ask, services), as_json)


@app.command(
    "write",
    epilog="Examples:\n\nmpos card write --card ntag213 --page 6 --data 01020304\n\n"
    "mpos card write --card mifare-1k --block 4 --text POINTS --slot 1 --key a\n\n"
    "mpos card write --card felica --service 1009 --block 1 --text HELLO\n\n"
    "mpos card write --card mifare-1k --block 7 --access 7F078800 --slots 3,4 --slot 1 --key a",
)
def write(
    card: CardName,
    block: Annotated[int | None, typer.Option(min=0, max=4095, help="MIFARE Classic, FeliCa: the first one.")] = None,
    page: Annotated[int | None, typer.Option(min=0, max=255, help="Ultralight, NTAG: the first one.")] = None,
    data: Annotated[str | None, typer.Option(help="In hex: whole blocks of 16 bytes, or pages of 4.")] = None,
    text: Annotated[str | None, typer.Option(help="Instead: ASCII, filled up with blanks.")] = None,
    access: Annotated[
        str | None,
        typer.Option(
            help="MIFARE Classic, a sector's last block: access bits and user byte, 4 bytes in hex.", metavar="HEX"
        ),
    ] = None,
    slots: Annotated[
        str | None, typer.Option(help="With --access: slots of the new keys A and B, like 3,4.", metavar="A,B")
    ] = None,
    slot: Slot = None,
    key: WhichKey = Key.a,
    service: Services = None,
    system: System = None,
    memory: Memory = None,
    as_json: AsJson = False,
) -> None:
    """Write blocks or pages of a card on the bench's reader. Give --memory to find them there in the next run.

    The reader writes no block that would shut the card: not the manufacturer's, no lock bytes, no configuration. A sector's keys
    come from the reader's key store.
    """
    first = page if page is not None else block
    if first is None or (page is not None and block is not None):
        raise fail("say where: --page for Ultralight and NTAG, --block for the others")
    services = _codes(service, "--service")
    size = 4 if page is not None else 16
    new = b""
    trailer: tuple[bytes, int, int] | None = None
    if access is not None:
        pair = re.fullmatch(r"(\d{1,2}),(\d{1,2})", slots or "")
        if pair is None:
            raise fail("--access goes with --slots A,B: the slots of the sector's new keys, like --slots 3,4")
        trailer = (_hex(access, "--access"), int(pair[1]), int(pair[2]))
    elif (data is None) == (text is None):
        raise fail("say what: --data in hex, or --text")
    else:
        new = _hex(data, "--data") if data is not None else _padded(text or "", size)
        if len(new) % size:
            raise fail(f"--data has {len(new)} bytes: write whole {'pages of 4' if size == 4 else 'blocks of 16'}")
    parts = [new[at : at + size] for at in range(0, len(new), size)]

    async def ask(passed: Any) -> dict[str, Any]:
        from mpos.link.messages import CardType

        kind = passed.found.type
        _check_word(kind, page)
        if kind == CardType.FELICA:
            if len(_needed(services)) > 1:
                raise fail("--service takes one code to write to")
            await passed.store_felica(services, range(first, first + len(parts)), new)
        elif kind == CardType.ULTRALIGHT:
            if slot is not None:
                await _password(passed, slot)
            for at, part in enumerate(parts):
                await passed.store(first + at, part)
        elif trailer is not None:
            await _authenticate(passed, slot, key, first)
            await passed.store_trailer(first, *trailer)
        else:
            for start, number in _sectors(first, len(parts)):
                await _authenticate(passed, slot, key, start)
                for at in range(start, start + number):
                    await passed.store(at, parts[at - first])
        return {"written": len(parts) if trailer is None else 1}

    _show(_done(card, memory, system, ask, services), as_json)


@app.command(
    "value",
    epilog="Examples:\n\nmpos card value --card mifare-1k --block 8 --decrement 5\n\n"
    "mpos card value --card mifare-1k --block 8 --increment 20 --slot 2 --key b\n\n"
    "mpos card value --card mifare-1k --block 8 --copy-to 9 --slot 1 --key a",
)
def value(
    card: CardName,
    block: Annotated[int, typer.Option(min=0, max=255, help="A value block of MIFARE Classic.")],
    increment: Annotated[int | None, typer.Option(min=1, max=0x7FFFFFFF)] = None,
    decrement: Annotated[int | None, typer.Option(min=1, max=0x7FFFFFFF)] = None,
    copy_to: Annotated[int | None, typer.Option(min=0, max=255, help="Another block of the same sector.")] = None,
    slot: Slot = None,
    key: WhichKey = Key.a,
    memory: Memory = None,
    as_json: AsJson = False,
) -> None:
    """The value that a MIFARE Classic keeps in a block: read it, add to it, take from it, copy it."""
    if sum(choice is not None for choice in (increment, decrement, copy_to)) > 1:
        raise fail("one at a time: --increment, --decrement or --copy-to; without them the value is read")

    async def ask(passed: Any) -> dict[str, Any]:
        from mpos.link.messages import Operation

        await _authenticate(passed, slot, key, block)
        if increment is not None:
            now = await passed.value(Operation.INCREMENT, block, increment)
        elif decrement is not None:
            now = await passed.value(Operation.DECREMENT, block, decrement)
        elif copy_to is not None:
            now = await passed.value(Operation.COPY, block, target=copy_to)
        else:
            now = await passed.value(Operation.READ, block)
        return {"block": block if copy_to is None else copy_to, "value": now}

    _show(_done(card, memory, None, ask, []), as_json)


@app.command(
    "apdu",
    epilog="Example: mpos card apdu --card loyalty 00A4040007F06D504F53000100 80CA000104 805600000400000005",
)
def apdu(
    card: CardName,
    commands: Annotated[list[str], typer.Argument(metavar="HEX...", help="Command APDUs, one after the other.")],
    memory: Memory = None,
    as_json: AsJson = False,
) -> None:
    """Send command APDUs to a card on the bench's reader. Payment applications are not reached this way."""
    wanted = [_hex(command, "an APDU") for command in commands]

    async def ask(passed: Any) -> dict[str, Any]:
        return {
            "apdus": [
                {"command": command.hex().upper(), "response": (await passed.apdu(command)).hex().upper()}
                for command in wanted
            ]
        }

    _show(_done(card, memory, None, ask, []), as_json)


# --- inside


def _done(
    card: str,
    memory: Path | None,
    system: str | None,
    ask: Callable[[Any], Awaitable[dict[str, Any]]],
    services: list[int],
) -> dict[str, Any]:
    """What the card is, and what `ask` found out; the command fails with a sentence that says what to do."""
    from mpos.bench.passing import passed
    from mpos.describe import cards
    from mpos.link.card import ANY, ANY_SYSTEM, CardLost
    from mpos.link.client import ReaderGone, ReaderRefused
    from mpos.link.messages import Technology

    code = _codes(system, "--system")
    if len(code) > 1:
        raise fail("--system takes one code")
    technologies = Technology.FELICA if services or code else ANY

    async def run() -> dict[str, Any]:
        async with passed(card, memory, technologies, code[0] if code else ANY_SYSTEM) as there:
            found = there.found
            record: dict[str, Any] = {
                "card": card,
                "type": cards.what(found.type, found.version),
                "technology": cards.TECHNOLOGIES[found.technology],
                "uid": found.uid.hex().upper(),
                "says": found.says.hex().upper(),
            }
            if found.version:
                record["version"] = found.version.hex().upper()
            try:
                return record | await ask(there)
            except ReaderRefused as refused:
                raise fail(_why(refused.code, refused.detail, found.type)) from None

    try:
        return asyncio.run(run())
    except typer.Exit:
        raise
    except CardLost as lost:
        raise fail(_why_lost(lost.code, technologies == Technology.FELICA)) from None
    except ReaderRefused as refused:
        raise fail(str(refused)) from None
    except (ValueError, RuntimeError, OSError, ReaderGone, TimeoutError) as error:
        raise fail(str(error)) from None
    except KeyboardInterrupt:
        raise fail("interrupted: everything was stopped") from None


def _why(code: int, detail: int, kind: int) -> str:
    from mpos.describe.cards import felica_refusal
    from mpos.describe.reader_errors import ERRORS
    from mpos.link.messages import CardType

    name, sentence = ERRORS.get(code, ("?", "the reader gave a number this tool does not know"))
    if code == _ACCESS and kind == CardType.FELICA:
        return f"the card refused: {felica_refusal(detail)}"
    if code == _ACCESS and kind == CardType.ULTRALIGHT:
        return (
            f"the card refused page {detail} or one behind it: it is not there, its lock bytes forbid it, or the card wants its password "
            "(--slot 6 for a password of the bench, 5 for the one at delivery)"
        )
    if code == _ACCESS:
        return (
            f"the card refused block {detail}: that is not the key of its sector (--slot, --key), or its access conditions "
            "do not allow it under this key"
        )
    if code == _CARD_KEY:
        from mpos.bench.test_keys import CARD_KEYS

        there = ", ".join(f"{slot} {kept}" for slot, kept, _ in CARD_KEYS)
        return f"the reader has no key of this kind in slot {detail}; a reader of the bench has {there}"
    if code == _BODY and detail == _APDU_TAG:
        return "this is no short command APDU: CLA INS P1 P2, then the length of the data and the data, then Le"
    if code == _BODY and detail == _BLOCK_TAG:
        return (
            "there is no such block, or "
            "the reader does not write there: the manufacturer's block, serial numbers, lock bytes, one-time bits and the "
            "configuration stay as they are"
        )
    if code == _BODY and detail == _DATA_TAG:
        return (
            "these data do not fit: a sector's last block is written with --access (whose bits must agree with their "
            "complements, or the sector is lost) and --slots, others with 16 bytes, pages with 4"
        )
    if code == _BODY and detail == _VALUE_TAG:
        return "the value would leave what a value block can hold: -2147483647 to 2147483647"
    if code == _BODY and detail == _COUNT_TAG:
        return "the card has not so many blocks or pages: lower --count"
    if code == _KIND:
        return "this card cannot do that, or the block holds no value: `mpos card list` says what each card is"
    if code == _PASS_PAYMENT:
        return f"{sentence} Select another application by its name first; `mpos run` is for paying"
    return f"the reader refused: {code} {name} ({detail:X}): {sentence}"


def _why_lost(code: int, felica: bool) -> str:
    from mpos.describe.reader_errors import ERRORS

    name, sentence = ERRORS.get(code, ("?", "the reader gave a number this tool does not know"))
    if felica:
        return (
            f"{code} {name}: no FeliCa card of this system answered; --service and --system are for FeliCa cards only"
        )
    return f"{code} {name}: {sentence}"


def _show(record: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(record))
        return
    out.print(f"{record['card']}: {record['type']}, {record['technology']}, {record['uid']}", markup=False)
    for name in ("block", "page"):
        for part in record.get(f"{name}s", ()):
            data = bytes.fromhex(part["data"])
            text = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in data)
            of = f"{part['service']} " if "service" in part else ""
            out.print(f"{of}{name} {part[name]:3}  {data.hex(' ').upper()}  {text}", markup=False, soft_wrap=True)
    for exchange in record.get("apdus", ()):
        out.print(f"> {exchange['command']}\n< {exchange['response']}", markup=False, soft_wrap=True)
    if "value" in record:
        out.print(f"block {record['block']:3}  value {record['value']}", markup=False)
    if "written" in record:
        out.print("written", markup=False)


def _check_word(kind: int, page: int | None) -> None:
    from mpos.link.messages import CardType

    if (kind == CardType.ULTRALIGHT) != (page is not None):
        raise fail("this card has pages: say --page" if page is None else "this card has blocks: say --block")


async def _authenticate(passed: Any, slot: int | None, key: Key, block: int) -> None:
    from mpos.link.messages import KeyKind

    await passed.authenticate(1 if slot is None else slot, KeyKind.A if key == Key.a else KeyKind.B, block)


async def _password(passed: Any, slot: int) -> None:
    from mpos.link.messages import KeyKind

    await passed.authenticate(slot, KeyKind.PASSWORD)


async def _pieces(fetch: Callable[[int, int], Awaitable[bytes]], first: int, count: int, most: int) -> bytes:
    data = b""
    while count:
        part = min(count, most)
        data += await fetch(first, part)
        first, count = first + part, count - part
    return data


def _sectors(first: int, count: int) -> list[tuple[int, int]]:
    """The blocks sector by sector: first one, how many (MIFARE Classic: 32 sectors of 4 blocks, then of 16)."""
    found: list[tuple[int, int]] = []
    end = first + count
    while first < end:
        size = 4 if first < 128 else 16
        number = min(end - first, size - first % size)
        found.append((first, number))
        first += number
    return found


def _codes(text: str | None, option: str) -> list[int]:
    if text is None:
        return []
    if not re.fullmatch(r"[0-9A-Fa-f]{4}(,[0-9A-Fa-f]{4})*", text):
        raise fail(f"{option} takes four hex digits, like 100B")
    return [int(part, 16) for part in text.split(",")]


def _needed(services: list[int]) -> list[int]:
    if not services:
        raise fail("a FeliCa card keeps its blocks in services: name one with --service, like --service 100B")
    return services


def _hex(text: str, option: str) -> bytes:
    from mpos.describe.hexinput import parse_hex

    try:
        return parse_hex(text)
    except ValueError as error:
        raise fail(f"{option}: {error}") from None


def _padded(text: str, size: int) -> bytes:
    if not text or not text.isascii() or not text.isprintable():
        raise fail("--text takes printable ASCII; use --data for anything else")
    data = text.encode()
    return data.ljust(-(-len(data) // size) * size)
