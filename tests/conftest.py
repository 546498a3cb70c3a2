"""What all tests share: how they are spread over processes.

Nothing here may need more than pytest itself: device tests, contract tests and lints load this file alike.
"""

from __future__ import annotations

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log):
    """`-n` without a `--dist` of the user's keeps a file together: it has one process of its own on the device."""
    from xdist.scheduler import LoadFileScheduling

    return LoadFileScheduling(config, log) if config.getoption("dist") == "load" else None
