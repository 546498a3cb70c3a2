"""README's sample is what the command prints, but for times and what is drawn afresh in every run."""

from __future__ import annotations

import re

import pytest

from mpos.provision.compile import TOP
from tests.e2e.program import mpos


def shape(text: str) -> list[str]:
    """The lines with every number and hex value replaced; the name of the aioble at hand is left out.

    What looks like a card number in a cryptogram is masked too. Sorted: two things that happen in the same millisecond may be told in either order.
    """
    lines = [re.sub(r"aioble: .*", "aioble", line) for line in text.strip("\n").splitlines()]
    return sorted(re.sub(r"\b(?=[0-9A-F*]*\d)[0-9A-F*]+\b", "#", re.sub(r" +", " ", line)) for line in lines)


@pytest.mark.parametrize(
    ("place", "arguments"),
    [(0, ("run", "--card", "approved")), (1, ("run", "--interface", "contact", "--card", "pin-offline"))],
)
async def test_sample_output(place, arguments):
    readme = (TOP / "README.md").read_text()
    sample = readme.split("```text\n")[1 + place].split("```")[0]
    code, out, err = await mpos(*arguments)
    assert code == 0, err
    assert shape(sample) == shape(out)
