"""The vault: the keys from which readers' keys are derived, in one file under a passphrase.

    magic(8) scrypt N, r, p (4 bytes each) salt(16) nonce(12) | AES-256-GCM of JSON, the 48 bytes before it authenticated

Nothing here prints a key. The file is made with mode 0600 and replaced whole; who changes it holds a lock beside it, so that a
reader id or a serial number is never given out twice, and both are in the file before they leave the tool.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import struct
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from mpos.provision import keys

MAGIC = b"mPOSvlt1"
_HEADER = struct.Struct(">8sIII16s12s")
# RFC 7914, 2: N = 2**15, r = 8 take 32 MB and a tenth of a second
_N, _R, _P = 1 << 15, 8, 1
_MEMORY_MOST = 1 << 28  # what a header may ask for: else a changed one would eat the machine's memory
_FILE_MOST = 1 << 24
PASSPHRASE_LEAST = 12
KEYS = {
    "tdes-bdk": "base derivation key of TDES DUKPT",
    "aes-bdk": "base derivation key of AES DUKPT",
    "session": "master of the session roots",
    "block": "master of the key block protection keys",
    "master": "master of the terminals' master keys (master/session)",
}
_READERS_MOST = 1 << 27  # device numbers of a key set: 27 bits, above the counter of TDES DUKPT


class VaultError(Exception):
    """The sentence says what to do."""


@dataclass
class Entry:
    """What was given out to one reader. serial: of its last key block; files: number of the last file of each name.

    An id may also be that of a later AES DUKPT key of another reader, whose own id is `of`, in hex.
    """

    serial: int = 0
    files: dict[str, int] = field(default_factory=dict)
    done: bool = False  # it is provisioned
    of: str = ""


@dataclass
class Vault:
    """keys: name -> bytes (KEYS). key_set: the 4 bytes that all its reader ids begin with."""

    keys: dict[str, bytes] = field(repr=False)
    key_set: bytes
    readers: dict[bytes, Entry] = field(default_factory=dict)

    def check_values(self) -> dict[str, str]:
        """Of each key, in hex."""
        return {
            name: (keys.tdes_check_value if name == "tdes-bdk" else keys.aes_check_value)(key).hex().upper()
            for name, key in self.keys.items()
        }

    def new_reader(self, wanted: bytes | None = None) -> bytes:
        """The next reader id, or `wanted` if nobody has had it. Raises VaultError."""
        if wanted is not None:
            try:
                keys.check_reader_id(wanted)
            except ValueError as error:
                raise VaultError(f"{error}") from None
            if wanted in self.readers:
                raise VaultError(
                    f"reader id {wanted.hex().upper()} was given out before, and its first KSN with it: leave --reader-id "
                    "out, and the vault takes the next one"
                )
            self.readers[wanted] = Entry()
            return wanted
        own = [int.from_bytes(known[4:], "big") >> 5 for known in self.readers if known[:4] == self.key_set]
        number = max(own, default=0) + 1
        if number >= _READERS_MOST:
            raise VaultError(
                "this vault's key set has no reader ids left: make a new one with `mpos provision vault new`"
            )
        reader_id = self.key_set + (number << 5).to_bytes(4, "big")
        self.readers[reader_id] = Entry()
        return reader_id

    def entry(self, reader_id: bytes) -> Entry:
        """Raises VaultError for a reader of another vault."""
        try:
            return self.readers[reader_id]
        except KeyError:
            raise VaultError(
                f"reader {reader_id.hex().upper()} is none of this vault's: name the vault it was provisioned from"
            ) from None

    def new_key_id(self, reader_id: bytes) -> bytes:
        """An initial key ID for a later AES DUKPT key of this reader."""
        self.entry(reader_id)
        key_id = self.new_reader()
        self.readers[key_id].of = reader_id.hex().upper()
        return key_id

    def next_serial(self, reader_id: bytes) -> int:
        """For a key block: goes up for each reader, and is never given twice once the vault is saved."""
        entry = self.entry(reader_id)
        if entry.serial >= 0xFFFF_FFFF:
            raise VaultError(f"reader {reader_id.hex().upper()} has had all serial numbers of key blocks")
        entry.serial += 1
        return entry.serial

    def next_file(self, reader_id: bytes, name: str) -> int:
        """As `next_serial`, for a file over the link."""
        entry = self.entry(reader_id)
        entry.files[name] = entry.files.get(name, 0) + 1
        return entry.files[name]

    def block_key(self, reader_id: bytes) -> bytes:
        return keys.block_key(self.keys["block"], reader_id)

    def session_root(self, reader_id: bytes) -> bytes:
        return keys.session_root(self.keys["session"], reader_id)


def new(imported: dict[str, bytes] | None = None, key_set: bytes | None = None) -> Vault:
    """A vault with keys of its own, but for those that are handed in. Raises VaultError on a name or a length."""
    imported = imported or {}
    for name, key in imported.items():
        if name not in KEYS:
            raise VaultError(f"{name!r} is no key of a vault: {', '.join(KEYS)}")
        if len(key) not in ((16,) if name == "tdes-bdk" else (16, 24, 32) if name == "aes-bdk" else (16, 32)):
            raise VaultError(f"{name} has the wrong length: {len(key)} bytes")
    if key_set is not None and len(key_set) != 4:
        raise VaultError("a key set id has 4 bytes (8 hex digits)")
    made = {name: imported.get(name) or secrets.token_bytes(16 if name == "tdes-bdk" else 32) for name in KEYS}
    # An id of one's own, made up, beside those that a brand's operator gives out
    return Vault(made, key_set or b"\xff" + secrets.token_bytes(3))


def save(vault: Vault, path: Path, passphrase: str, *, replace: bool = True) -> None:
    """Raises VaultError when the file is there and must not be, or cannot be written."""
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(12)
    header = _HEADER.pack(MAGIC, _N, _R, _P, salt, nonce)
    sealed = AESGCM(_key(passphrase, salt, _N, _R, _P)).encrypt(nonce, _to_json(vault), header)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(header + sealed)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            partial.replace(path)
        else:
            os.link(partial, path)
        _sync_folder(path.parent)
    except FileExistsError as error:
        if error.filename2 is None:
            raise VaultError(f"{path} cannot be written: {error.strerror}") from None
        raise VaultError(f"{path} is there already; a vault is never written over: choose another name") from None
    except OSError as error:
        raise VaultError(f"{path} cannot be written: {error.strerror}") from None
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def load(path: Path, passphrase: str) -> Vault:
    """Raises VaultError: no file, no vault, a wrong passphrase or a damaged file."""
    try:
        with path.open("rb") as file:
            data = file.read(_FILE_MOST + 1)
    except FileNotFoundError:
        raise VaultError(f"there is no vault {path}: make one with `mpos provision vault new {path}`") from None
    except OSError as error:
        raise VaultError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) < _HEADER.size + 16 or not data.startswith(MAGIC) or len(data) > _FILE_MOST:
        raise VaultError(f"{path} is no vault, or not all of one: take it from your backup")
    _, n, r, p, salt, nonce = _HEADER.unpack_from(data)
    if n < _N or n & (n - 1) or r < 1 or p != _P or 128 * n * r > _MEMORY_MOST:
        raise VaultError(f"{path} is damaged in its header: take it from your backup")
    try:
        plain = AESGCM(_key(passphrase, salt, n, r, p)).decrypt(nonce, data[_HEADER.size :], data[: _HEADER.size])
    except InvalidTag:
        raise VaultError(
            f"{path} does not open: the passphrase is wrong (try again), or the file is damaged (take it from your backup)"
        ) from None
    return _from_json(plain)


@contextlib.contextmanager
def opened(path: Path, passphrase: str) -> Iterator[tuple[Vault, _Save]]:
    """The vault, for as long as nobody else changes it, and what saves it. Raises VaultError."""
    if not path.exists():
        load(path, passphrase)  # says that there is none
    try:
        lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise VaultError(f"{path} cannot be locked: {error.strerror}") from None
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VaultError(f"{path} is in use by another `mpos provision`: wait until that has ended") from None
        vault = load(path, passphrase)
        yield vault, _Save(vault, path, passphrase)
    finally:
        os.close(lock)


@dataclass(frozen=True)
class _Save:
    vault: Vault
    path: Path
    passphrase: str = field(repr=False)

    def __call__(self) -> None:
        save(self.vault, self.path, self.passphrase)


def check_passphrase(text: str) -> None:
    """For a new vault. Raises VaultError."""
    if len(text) < PASSPHRASE_LEAST:
        raise VaultError(f"a passphrase has {PASSPHRASE_LEAST} characters at least: four words will do")


def parse_key(text: str) -> bytes:
    """Hex digits, blanks between them allowed. Raises VaultError, which does not repeat them."""
    digits = re.sub(r"\s", "", text)
    if not re.fullmatch(r"([0-9A-Fa-f]{2})+", digits):
        raise VaultError("a key is written in hex digits, two for each byte")
    return bytes.fromhex(digits)


def _key(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode())


def _to_json(vault: Vault) -> bytes:
    record: dict[str, Any] = {
        "keys": {name: key.hex() for name, key in vault.keys.items()},
        "key_set": vault.key_set.hex(),
        "readers": {reader_id.hex(): asdict(entry) for reader_id, entry in vault.readers.items()},
    }
    return json.dumps(record).encode()


def _from_json(plain: bytes) -> Vault:
    record = json.loads(plain)  # authentic: it is what `_to_json` wrote
    return Vault(
        {name: bytes.fromhex(key) for name, key in record["keys"].items()},
        bytes.fromhex(record["key_set"]),
        {bytes.fromhex(reader_id): Entry(**entry) for reader_id, entry in record["readers"].items()},
    )


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
