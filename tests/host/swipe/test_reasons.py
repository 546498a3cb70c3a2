"""The words for the firmware's reasons are complete."""

from __future__ import annotations

import re
from pathlib import Path

from mpos.provision.compile import TOP
from mpos.swipe.reasons import REASONS, reason


def test_every_reason_of_the_firmware_has_words():
    text = Path(TOP, "firmware/reader/iso7811/reasons.py").read_text()
    numbers = {int(number) for number in re.findall(r"^[A-Z_]+ = const\((\d+)\)", text, re.MULTILINE)}
    assert numbers - {0} == set(REASONS)
    assert "(4)" in reason(4) and "unknown" in reason(99)
