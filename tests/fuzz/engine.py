"""One target under the fuzzer, in a process of its own: libFuzzer ends the process when it is done.

    python -m tests.fuzz.engine TARGET [libFuzzer's options and folders]

Exit 0: nothing found.
"""

from __future__ import annotations

import sys

import atheris

from tests.fuzz import device


def main(name: str, arguments: list[str]) -> None:
    device.install()
    # Never left: a step of the kernel is imported when it is needed
    atheris.instrument_imports(include=["reader"], enable_loader_override=False).__enter__()
    from tests.fuzz.targets import named

    target = named(name)
    atheris.Setup([sys.argv[0], f"-max_len={target.longest}", *arguments], target.function)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
