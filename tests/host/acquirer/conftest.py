"""An acquirer that is asked without a network, and a terminal to ask it."""

from collections.abc import Callable

import pytest

from mpos.acquirer import Acquirer
from tests.host.acquirer.pos_terminal import NOW, Terminal


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def acquirer() -> Acquirer:
    """Not listening: its authoriser is asked directly."""
    return Acquirer(now=lambda: NOW)


@pytest.fixture
def ask(acquirer: Acquirer, terminal: Terminal) -> Callable[..., dict[str, str]]:
    """Pack a sale as `Terminal.sale` says, hand it in, return the checked answer's fields."""

    def run(*args: object, **kwargs: object) -> dict[str, str]:
        answer = acquirer.authoriser.handle(terminal.sale(*args, **kwargs)[2:])  # type: ignore[arg-type]
        assert answer is not None
        return terminal.read(answer)

    return run
