"""boards/names/names.h: the firmware's names, near enough as they are."""

from __future__ import annotations

from pathlib import Path

import pytest

from mpos.provision import names


def test_few_are_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert names.main(["--check"]) == 0, capsys.readouterr().err


def test_what_is_in_it() -> None:
    written = names.written()
    assert {"reader.app.reader", "/rom/reader/app/reader.mpy", "peripherals", "KeyRing"} <= written
    assert len(written) > 2000


def test_a_list_that_is_old_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys) -> None:
    few = tmp_path / "names.h"
    few.write_text("".join(names.PATH.read_text().splitlines(keepends=True)[:1000]))
    monkeypatch.setattr(names, "PATH", few)
    assert names.main(["--check"]) == 1
    assert "python -m mpos.provision.names" in capsys.readouterr().err
    assert names.main([]) == 0 and names.main(["--check"]) == 0
