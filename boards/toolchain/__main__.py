"""`python3 -m boards.toolchain [setup|lock]`, called by the Makefile."""

import sys

from . import places, venv
from .say import SetupError


def setup() -> None:
    venv.ensure(places.make_cache_dir())


def main() -> int:
    try:
        setup()
    except SetupError as error:
        print(f"\nmake setup stopped. {error}", file=sys.stderr)
        return 1
    return 0


sys.exit(main())
