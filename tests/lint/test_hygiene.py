"""What no tracked file may hold: places of one machine, hosts of a registry, card numbers from outside the test range."""

import re
from collections.abc import Iterator

import pytest

from tests.lint.sources import File, findings, read, tracked

# Put together here so that this file does not find itself.
_SLASH = "/"
_MACHINE_PATH = re.compile(rf"(?<![\w.$}}]){_SLASH}(work|farm|root|home{_SLASH}\w+|tmp{_SLASH}\w+){_SLASH}")
_REGISTRY_HOST = re.compile(
    r"(pypi\.org|pythonhosted\.org|(deb|snapshot|security|ftp)\.debian\.org|registry\.npmjs|proxy\.golang"
    r"|--(extra-)?index-url|--find-links|--trusted-host)".replace("pypi", "pyp[i]").replace("--", "-[-]")
)
_DIGITS = re.compile(r"(?<![0-9A-Fa-f])\d{13,19}(?![0-9A-Fa-f])")
_TEXT = (
    ".py",
    ".pyi",
    ".md",
    ".toml",
    ".txt",
    ".lock",
    ".json",
    ".mk",
    ".h",
    ".c",
    ".ini",
    ".yml",
    ".sh",
    "Makefile",
    "run",
)
# The first digits of synthetic cards: the project's UnionPay range, and one that is no issuer's.
_TEST_RANGES = ("621234", "999999")


def luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def places_of_this_machine(file: File) -> Iterator[str]:
    for number, line in enumerate(file.text.splitlines(), 1):
        if _MACHINE_PATH.search(line):
            yield file.says(number, "a path of one machine; derive it, or take it from the environment")
        host = _REGISTRY_HOST.search(line)
        if host and file.path != "boards/toolchain/lock.py":  # which keeps such options out of the lock by name
            yield file.says(number, f"{host[0]} names a registry; use what the machine is configured for")


def card_numbers(file: File) -> Iterator[str]:
    """13 to 19 digits that pass Luhn and begin like a card (3 to 6), outside the test ranges."""
    for number, line in enumerate(file.text.splitlines(), 1):
        for digits in _DIGITS.findall(line):
            if digits[0] in "3456" and not digits.startswith(_TEST_RANGES) and luhn(digits) and len(set(digits)) > 3:
                yield file.says(number, f"{digits[:6]}...: looks like a card number; take one from 621234")


def _text_files() -> list[File]:
    return [read(path) for path in tracked() if path.endswith(_TEXT)]


def test_no_places_of_one_machine() -> None:
    found = findings(places_of_this_machine, [f for f in _text_files() if f.path != "tests/lint/test_hygiene.py"])
    assert not found, "\n" + "\n".join(found)


def test_no_card_numbers() -> None:
    found = findings(card_numbers, [f for f in _text_files() if f.path != "requirements.lock"])
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize("sample", ["open('/work/x/y')", "cd /root/src/", "https://pypi.org/simple", "--index-url x"])
def test_place_law_finds(sample: str) -> None:
    assert findings(places_of_this_machine, [File("docs/x.md", sample)])


def test_place_law_lets_pass() -> None:
    assert (
        findings(places_of_this_machine, [File("docs/x.md", "see $HOME/work/ and /usr/share/, ~/.cache/mpos/")]) == []
    )


def test_card_law() -> None:
    real_looking = "5412" + "75000000" + "0008"  # a made-up number that passes Luhn
    real_looking = next(real_looking[:-1] + d for d in "0123456789" if luhn(real_looking[:-1] + d))
    assert findings(card_numbers, [File("docs/x.md", f"pan {real_looking}")])
    assert findings(card_numbers, [File("docs/x.md", "pan 6212340000000018, id 104110058120001")]) == []
