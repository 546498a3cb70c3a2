"""The factory's work on one reader, and what may be loaded into it later: keys in key blocks, files with their MACs.

    blank                 FACTORY_KEY (its first key, in clear, on the factory's line), then a session of the factory
    with its first key    that session again: whatever is missing is loaded. So after a cut it goes on where it was
    in the field          refused: it has all that, and takes a key block only under its own key, in a session

Whatever is not to be given out twice (reader id, serial numbers) is saved in the vault before it leaves.
"""

from __future__ import annotations

import asyncio
import datetime
import importlib.metadata
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from mpos.acquirer import dukpt_aes
from mpos.describe import key_info
from mpos.describe.key_info import KeyInfo
from mpos.link.client import Pipe, ReaderClient, ReaderGone, ReaderRefused
from mpos.link.messages import FileName, Message, Opcode, Role, State, Tag
from mpos.link.secure import open_session
from mpos.link.session_keys import cmac, derive
from mpos.provision import keys
from mpos.provision.keys import Load
from mpos.provision.vault import Vault
from mpos.server.key_service import KeyService

SCHEMES = ("dukpt-tdes", "dukpt-aes", "master-session")
_SECTIONS = {"dukpt-tdes": "TDES", "dukpt-aes": "AES", "master-session": "MASTER_KEY", "session-root": "SESSION_ROOT"}
_SESSION_COMMAND_S = 10.0
_TRY_S = 1.0  # for the answer of a reader that may be restarting
_PIECE = 900
_AES_SCHEME = 2  # firmware/reader/dukpt/scheme.py
_NO_KEY, _KEY_EXISTS, _NO_BODY, _ROLE = 501, 502, 705, 709


class ProvisionError(RuntimeError):
    """The sentence says what to do."""


@dataclass
class Certificate:
    """What was loaded into a reader; no key. keys: name, usage and algorithm of X9.143, check value, KSN or key id."""

    reader_id: str
    board: str
    firmware: str
    image: str
    release: bool
    schemes: list[str]
    keys: list[dict[str, str]]
    resumed: bool
    time: str
    tool: str
    problems: list[str] = field(default_factory=list)

    def record(self) -> dict[str, Any]:
        return asdict(self)


class StaysOpen:
    """The caller's pipe under a client that ends before it."""

    def __init__(self, pipe: Pipe):
        self._pipe = pipe

    async def send(self, message: bytes) -> None:
        await self._pipe.send(message)

    async def receive(self) -> bytes:
        return await self._pipe.receive()

    async def close(self) -> None:
        pass


async def ask(pipe: Pipe, opcode: Opcode, body: dict[int, bytes] | None = None) -> Message:
    """One command in clear on a pipe that stays open. Raises ReaderRefused, ReaderGone, TimeoutError."""
    async with ReaderClient(StaysOpen(pipe)) as client:
        return await client.command(opcode, body)


def key_service(vault: Vault) -> KeyService:
    """Sessions with the readers of this vault, in the field and in the factory."""

    def root_of(role: Role, reader_id: bytes) -> bytes | None:
        if reader_id not in vault.readers:
            return None
        if role == Role.FACTORY:
            return keys.factory_root(vault.block_key(reader_id), reader_id)
        return vault.session_root(reader_id)

    return KeyService(root_of)


def loads(vault: Vault, reader_id: bytes, schemes: Sequence[str]) -> list[Load]:
    """What a reader gets in the factory. Raises ProvisionError on an unknown scheme."""
    makers: dict[str, Callable[[], Load]] = {
        "dukpt-tdes": lambda: keys.tdes_dukpt(vault.keys["tdes-bdk"], reader_id),
        "dukpt-aes": lambda: keys.aes_dukpt(vault.keys["aes-bdk"], reader_id),
        "master-session": lambda: keys.terminal_master(vault.keys["master"], reader_id),
    }
    for scheme in schemes:
        if scheme not in makers:
            raise ProvisionError(f"{scheme!r} is no key scheme: {', '.join(makers)}")
    return [keys.root(vault.keys["session"], reader_id), *(makers[scheme]() for scheme in schemes)]


async def provision(
    pipe: Pipe,
    vault: Vault,
    save: Callable[[], None],
    *,
    reader_id: bytes | None = None,
    schemes: Sequence[str] = SCHEMES,
    also: Sequence[Load] = (),
    tell: Callable[[str], None] = lambda text: None,
) -> Certificate:
    """All of it. `also`: keys beside those of the schemes. `save` keeps the vault. The reader restarts at the end.

    Raises ProvisionError, VaultError, ReaderRefused, ReaderGone, TimeoutError.
    """
    loads(vault, reader_id or bytes(keys.READER_ID), schemes)
    information = await ask(pipe, Opcode.GET_INFO)
    found, resumed = await _first_key(pipe, vault, save, information, reader_id, tell)
    secure = await open_session(StaysOpen(pipe), key_service(vault), Role.FACTORY)
    async with ReaderClient(secure) as client:
        there = {info.section for info in await key_status(client)}
        wanted = [*loads(vault, found, schemes), *also]
        missing = [load for load in wanted if _SECTIONS.get(load.name) not in there]
        await load_keys(client, vault, save, found, missing, tell)
        status = await key_status(client)
        await client.command(Opcode.FACTORY_DONE, timeout_s=_SESSION_COMMAND_S)
    vault.entry(found).done = True
    save()
    tell("the reader leaves the factory and restarts")
    return _certificate(information, found, schemes, wanted, status, resumed)


async def _first_key(
    pipe: Pipe,
    vault: Vault,
    save: Callable[[], None],
    information: Message,
    wanted: bytes | None,
    tell: Callable[[str], None],
) -> tuple[bytes, bool]:
    """The reader's id, and whether it had its first key already."""
    known = information.body.get(Tag.READER_ID, b"")
    if not known:
        await _must_be_blank(pipe, information)
        reader_id = vault.new_reader(wanted)
        save()
        protection = vault.block_key(reader_id)
        try:
            answer = await ask(pipe, Opcode.FACTORY_KEY, {Tag.KEY: protection, Tag.READER_ID: reader_id})
        except ReaderRefused as refused:
            raise ProvisionError(_refusal(refused, reader_id)) from None
        if answer.body.get(Tag.KEY_CHECK) != keys.aes_check_value(protection):
            raise ProvisionError("the reader stored another key than it was given: it is defective, do not use it")
        tell(f"reader {reader_id.hex().upper()}: has its first key")
        return reader_id, False
    try:
        await ask(pipe, Opcode.OPEN_SESSION, {Tag.ROLE: bytes([Role.FACTORY]), Tag.NONCE: secrets.token_bytes(16)})
    except ReaderRefused as refused:
        raise ProvisionError(_refusal(refused, known)) from None
    if wanted is not None and wanted != known:
        raise ProvisionError(
            f"this reader is {known.hex().upper()} already, not {wanted.hex().upper()}: leave --reader-id out"
        )
    vault.entry(known)
    tell(f"reader {known.hex().upper()}: was cut off in the factory, and goes on there")
    return known, True


async def _must_be_blank(pipe: Pipe, information: Message) -> None:
    """And at the factory's line: asked without a key, so that no reader id is given out for nothing. Raises ProvisionError."""
    code = information.number_of(Tag.DETAIL)
    if information.number_of(Tag.READER_STATE) != State.OUT_OF_SERVICE or code != _NO_KEY:
        raise ProvisionError(
            f"the reader is neither blank nor does it say who it is (error {code}): `mpos describe error {code}`"
        )
    try:
        await ask(pipe, Opcode.FACTORY_KEY)
    except ReaderRefused as refused:
        if refused.code == _NO_BODY:
            return
        raise ProvisionError(
            f"this is not the reader's factory line ({refused.code}): its first key goes by a serial line, never by radio"
        ) from None
    raise ProvisionError("the reader took a key that it was not sent: it is defective, do not use it")


def _refusal(refused: ReaderRefused, reader_id: bytes) -> str:
    name = reader_id.hex().upper()
    if refused.code in (_ROLE, _KEY_EXISTS):
        return (
            f"the reader refused ({refused.code}): it is provisioned already and in the field (reader {name}), or this is not "
            "its factory line. An initial key is loaded once; later keys: `mpos provision key`"
        )
    return str(refused)


async def key_status(client: ReaderClient) -> list[KeyInfo]:
    return key_info.parse((await client.command(Opcode.KEY_STATUS)).body.get(Tag.KEY_INFO, b""))


async def load_keys(
    client: ReaderClient,
    vault: Vault,
    save: Callable[[], None],
    reader_id: bytes,
    wanted: Sequence[Load],
    tell: Callable[[str], None] = lambda text: None,
    protection: bytes | None = None,
    body: Mapping[int, bytes] = MappingProxyType({}),
) -> None:
    """Under the reader's key block protection key (`protection`: another one, as `body` tells the reader). The numbers of all of them are used up first, so
    that none is sent under two keys. Raises ProvisionError when the reader has another key afterwards than it was sent."""
    serials = [vault.next_serial(reader_id) for _ in wanted]
    if wanted:
        save()
    for load, serial in zip(wanted, serials, strict=True):
        block = load.block(protection or vault.block_key(reader_id), serial)
        answer = await client.command(Opcode.KEY_LOAD, {Tag.KEY_BLOCK: block.encode(), **body}, _SESSION_COMMAND_S)
        if load.check and answer.body.get(Tag.KEY_CHECK) != load.check:
            raise ProvisionError(f"{load.name}: the check value is wrong; the reader is defective, do not use it")
        tell(f"{load.name} loaded" + (f", check value {load.check.hex().upper()}" if load.check else ""))


async def renew_aes(client: ReaderClient, vault: Vault, save: Callable[[], None], reader_id: bytes) -> Load:
    """Another AES DUKPT initial key, of another id, under the update key of the one that the reader has (X9.24-3:2017, 6.5.3).

    Raises ProvisionError when it has none.
    """
    status = {info.section: info for info in await key_status(client)}
    if "AES" not in status:
        raise ProvisionError("the reader has no AES DUKPT key to renew: load its first one with --scheme dukpt-aes")
    present = bytes.fromhex(status["AES"].serial)
    load = keys.aes_dukpt(vault.keys["aes-bdk"], vault.new_key_id(reader_id))
    update = dukpt_aes.update_key(vault.keys["aes-bdk"], present)
    await load_keys(client, vault, save, reader_id, [load], protection=update, body={Tag.SCHEME: bytes([_AES_SCHEME])})
    return load


async def put_file(
    client: ReaderClient,
    vault: Vault,
    save: Callable[[], None],
    reader_id: bytes,
    name: FileName,
    content: bytes,
    progress: Callable[[int], None] = lambda done: None,
) -> int:
    """Its number. The reader restarts when it has taken it. Raises ReaderRefused, ReaderGone, TimeoutError."""
    number = vault.next_file(reader_id, name.name.lower())
    save()
    size = len(content).to_bytes(4, "big")
    head = bytes([name]) + number.to_bytes(4, "big") + size
    key = derive(vault.session_root(reader_id), b"mPOS files", reader_id, 16)
    await client.command(
        Opcode.FILE_BEGIN,
        {Tag.FILE_NAME: bytes([name]), Tag.FILE_NUMBER: number.to_bytes(4, "big"), Tag.FILE_SIZE: size},
    )
    for at in range(0, len(content), _PIECE):
        await client.command(
            Opcode.FILE_DATA, {Tag.FILE_OFFSET: at.to_bytes(4, "big"), Tag.DATA: content[at : at + _PIECE]}
        )
        progress(min(at + _PIECE, len(content)))
    await client.command(Opcode.FILE_COMMIT, {Tag.FILE_MAC: cmac(key, head + content)}, _SESSION_COMMAND_S)
    return number


async def until_back(pipe_of: Callable[[], Any], limit_s: float) -> Message:
    """GET_INFO of a reader that is restarting, over pipes made anew until one answers. Raises ReaderGone."""
    loop = asyncio.get_running_loop()
    end = loop.time() + limit_s
    while loop.time() < end:
        try:
            pipe = await pipe_of()
        except ReaderGone:
            continue
        try:
            # One that is about to restart says nothing
            return await asyncio.wait_for(ask(pipe, Opcode.GET_INFO), _TRY_S)
        except (ReaderGone, TimeoutError):
            continue
        finally:
            await pipe.close()
    raise ReaderGone("the reader did not come back after its restart")


def _certificate(
    information: Message,
    reader_id: bytes,
    schemes: Sequence[str],
    wanted: Sequence[Load],
    status: Sequence[KeyInfo],
    resumed: bool,
) -> Certificate:
    checks = {info.section: info for info in status}
    records, problems = [], []
    for load in wanted:
        record = {
            "name": load.name,
            "usage": load.usage,
            "algorithm": load.algorithm,
            "check": load.check.hex().upper(),
        }
        info = checks.get(_SECTIONS.get(load.name, ""))
        if load.name in ("dukpt-tdes", "dukpt-aes") and info is not None:
            record["ksn"] = info.serial
        elif info is not None and info.check and not record["check"].startswith(info.check):
            problems.append(f"{load.name}: the reader says check value {info.check}")
        records.append(record)
    return Certificate(
        reader_id=reader_id.hex().upper(),
        board=information.text_of(Tag.BOARD),
        firmware=information.text_of(Tag.VERSION),
        image=information.body.get(Tag.IMAGE_HASH, b"").hex(),
        release=bool(information.number_of(Tag.RELEASE)),
        schemes=list(schemes),
        keys=records,
        resumed=resumed,
        time=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        tool=f"mpos {importlib.metadata.version('mpos')}",
        problems=problems,
    )
