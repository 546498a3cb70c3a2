"""What no tracked file may hold: places of one machine, hosts of a registry, card numbers from outside the test range."""

import re
from collections.abc import Iterator

import pytest

from tests.lint.sources import File, findings, read, tracked

# In pieces, so that this file holds none of them either.
_SLASH = "/"
_MACHINE_FOLDERS = ("work", "farm", "root", rf"home{_SLASH}\w+", rf"tmp{_SLASH}\w+")
_MACHINE_PATH = re.compile(rf"(?<![\w.$}}]){_SLASH}({'|'.join(_MACHINE_FOLDERS)}){_SLASH}")
_REGISTRIES = ("py" + "pi", "pythonhosted", "debian", "npm" + "js", "golang", "micropython")
_REGISTRY_HOST = re.compile(rf"\b({'|'.join(_REGISTRIES)})\.(org|com|net)\b")
_INDEX_OPTION = re.compile("-" + r"-((extra-)?index-url|find-links|trusted-host)")
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
        # toolchain/lock.py keeps such options out of the lock by name
        option = file.path != "boards/toolchain/lock.py" and _INDEX_OPTION.search(line)
        named = _REGISTRY_HOST.search(line) or option
        if named:
            yield file.says(number, f"{named[0]} names a registry; use what the machine is configured for")


def card_numbers(file: File) -> Iterator[str]:
    """13 to 19 digits that pass Luhn and begin like a card (3 to 6), outside the test ranges."""
    for number, line in enumerate(file.text.splitlines(), 1):
        for digits in _DIGITS.findall(line):
            if digits[0] in "3456" and not digits.startswith(_TEST_RANGES) and luhn(digits) and len(set(digits)) > 3:
                yield file.says(number, f"{digits[:6]}...: looks like a card number; take one from 621234")


def _text_files() -> list[File]:
    return [read(path) for path in tracked() if path.endswith(_TEXT)]


def test_no_places_of_one_machine() -> None:
    found = findings(places_of_this_machine, _text_files())
    assert not found, "\n" + "\n".join(found)


def test_no_card_numbers() -> None:
    found = findings(card_numbers, [f for f in _text_files() if f.path != "requirements.lock"])
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "sample",
    [
        f"open('{_SLASH}work{_SLASH}x')",
        f"cd {_SLASH}root{_SLASH}src",
        f"https://{_REGISTRIES[0]}.org/simple",
        f"deb.{_REGISTRIES[2]}.org",
        "-" + "-index-url x",
    ],
)
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
