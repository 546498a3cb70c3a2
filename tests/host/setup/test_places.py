"""The cache: where it is, what counts as done in it, and what changes a fingerprint."""

from pathlib import Path

import pytest

from boards.toolchain import places, say
from boards.toolchain.say import SetupError


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home-of/somebody")
    assert places.cache_dir({}) == Path("/home-of/somebody/.cache/mpos")
    assert places.cache_dir({"XDG_CACHE_HOME": "/xdg"}) == Path("/xdg/mpos")
    assert places.cache_dir({"XDG_CACHE_HOME": "/xdg", "MPOS_CACHE": "/mine"}) == Path("/mine")


def test_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MPOS_CACHE", str(tmp_path / "file" / "below"))
    with pytest.raises(SetupError, match=r"(?s)cannot be written.*MPOS_CACHE=/some/folder make setup"):
        places.make_cache_dir()


def test_interrupted_work_does_not_count_as_done(tmp_path: Path) -> None:
    target = tmp_path / "build"

    def half_a_build() -> None:
        with places.finished_folder(target) as partial:
            (partial / "half").touch()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half_a_build()
    assert not target.exists()
    assert list(tmp_path.iterdir()) == []


def test_finished_work_replaces_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "build"
    for name in ("old", "new"):
        with places.finished_folder(target) as partial:
            assert not target.exists() or [path.name for path in target.iterdir()] == ["old"]
            (partial / name).touch()
    assert [path.name for path in target.iterdir()] == ["new"]


def test_fingerprint_follows_names_contents_and_words(tmp_path: Path) -> None:
    folder = tmp_path / "recipe"
    folder.mkdir()
    file = folder / "a"
    file.write_text("1")
    seen = {places.fingerprint([folder]), places.fingerprint([folder], "gcc 12")}
    file.write_text("2")
    seen.add(places.fingerprint([folder]))
    file.rename(folder / "b")
    seen.add(places.fingerprint([folder]))
    assert len(seen) == 4
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "b.pyc").touch()
    assert places.fingerprint([folder]) in seen


def test_broken_note_is_an_empty_one(tmp_path: Path) -> None:
    note = tmp_path / "build" / "note.json"
    assert places.read_json(note) == {}
    places.write_json(note, {"key": "1"})
    assert places.read_json(note) == {"key": "1"}
    note.write_text('{"key": ')
    assert places.read_json(note) == {}
    note.write_text("[]")
    assert places.read_json(note) == {}


def test_failed_command_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"(?s)It broke \(exit 3\).*\| the reason\n  What to do: mend it"):
        say.run(["sh", "-c", "echo the reason; exit 3"], tmp_path / "logs" / "x.log", "It broke", "mend it")


def test_missing_command_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"(?s)no-such-command is not on this machine.*install it"):
        say.run(["no-such-command"], tmp_path / "x.log", "It broke", "install it")


def test_command_without_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="no end after 0 s"):
        say.run(["tail", "-f", "/dev/null"], tmp_path / "x.log", "It broke", "mend it", timeout_s=0)
