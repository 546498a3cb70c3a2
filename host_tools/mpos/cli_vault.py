"""Which vault, and its passphrase: from a file, from the environment (for CI), or typed; never an argument."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mpos.cli_console import fail

if TYPE_CHECKING:
    from collections.abc import Callable

    from mpos.provision.vault import Vault

VARIABLE = "MPOS_VAULT_PASSPHRASE"

VaultOption = Annotated[Path | None, typer.Option("--vault", help="The vault the reader was provisioned from.")]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file", help=f"A file with the passphrase; else {VARIABLE} (for CI), else it is asked for."
    ),
]


@dataclass(frozen=True)
class Held:
    """A vault for as long as the command runs; `save` keeps what was given out. is_bench: the bench's public keys."""

    vault: Vault
    save: Callable[[], None]
    is_bench: bool = False


@contextmanager
def held(path: Path | None, passphrase_file: Path | None) -> Iterator[Held]:
    """The vault at `path`; without one the bench's. Raises VaultError."""
    if path is None:
        from mpos.bench.provisioned import bench_vault

        yield Held(bench_vault(), lambda: None, is_bench=True)
        return
    from mpos.provision import vault

    with vault.opened(path, passphrase(passphrase_file)) as (there, save):
        yield Held(there, save)


def passphrase(file: Path | None, *, is_new: bool = False) -> str:
    """Raises typer.Exit when there is none to be had."""
    if file is not None:
        try:
            return file.read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise fail(f"the passphrase file cannot be read: {error}") from None
    if VARIABLE in os.environ:
        return os.environ[VARIABLE]
    if not sys.stdin.isatty():
        raise fail(
            f"the vault's passphrase: give --passphrase-file FILE, or set {VARIABLE} (it is asked for on a terminal only)"
        )
    return typer.prompt("Passphrase of the vault", hide_input=True, confirmation_prompt=is_new, err=True)
