"""Where the commands print, and how they fail."""

from __future__ import annotations

import typer
from rich.console import Console

EXIT_ERROR = 2

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fail(text: str, code: int = EXIT_ERROR) -> typer.Exit:
    """To be raised: says what happened, and ends the command with this exit code."""
    err.print(f"mpos: {text}", markup=False, soft_wrap=True)
    return typer.Exit(code)
