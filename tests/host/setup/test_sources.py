"""The C sources: checksums, a tree of the user's own, and plain words where something is wrong with them."""

import hashlib
import io
import tarfile
from pathlib import Path

import pytest

from boards.toolchain import sources
from boards.toolchain.apt_state import AptState
from boards.toolchain.say import SetupError
from boards.toolchain.sources import Tarball


def _tree(tmp_path: Path, version: tuple[int, int, int] = (1, 25, 0), mbedtls: str | None = "2.28.3") -> Path:
    tree = tmp_path / "micropython"
    for folder in ("py", "ports/unix", "extmod", "shared"):
        (tree / folder).mkdir(parents=True)
    names = zip(("MAJOR", "MINOR", "MICRO"), version, strict=True)
    (tree / "py" / "mpconfig.h").write_text("".join(f"#define MICROPY_VERSION_{n} {v}\n" for n, v in names))
    (tree / "ports" / "unix" / "Makefile").touch()
    if mbedtls:
        for folder in ("include/mbedtls", "library"):
            (tree / "lib" / "mbedtls" / folder).mkdir(parents=True)
        header = f'#define MBEDTLS_VERSION_STRING         "{mbedtls}"\n'
        (tree / "lib" / "mbedtls" / "include" / "mbedtls" / "version.h").write_text(header)
        (tree / "lib" / "mbedtls" / "library" / "aes.c").touch()
    return tree


def _env(tree: Path) -> dict[str, str]:
    return {"MICROPYTHON_SRC": str(tree)}


def _apt(tmp_path: Path) -> AptState:
    return AptState(tmp_path / "apt", tmp_path / "logs")


def test_own_tree_is_used_as_it_is(tmp_path: Path) -> None:
    tree = _tree(tmp_path)
    trees = sources.unpack(tmp_path, _apt(tmp_path), tmp_path / "scratch", _env(tree))
    assert trees == sources.Trees(tree, tree / "lib" / "mbedtls")


def test_own_tree_with_another_mbedtls_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tree = _tree(tmp_path, mbedtls="3.6.2")
    sources.unpack(tmp_path, _apt(tmp_path), tmp_path / "scratch", _env(tree))
    assert "mbed TLS 3.6.2 (not the pinned 2.28.3" in capsys.readouterr().err


def test_named_folder_is_no_tree(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"(?s)is not a MicroPython source tree.*or leave it empty"):
        sources.own_tree(_env(tmp_path))


def test_named_folder_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="is not a MicroPython source tree"):
        sources.own_tree(_env(tmp_path / "nowhere"))


def test_own_tree_of_another_version(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"(?s)is MicroPython 1\.24\.1; .*check out the tag v1\.25\.0"):
        sources.own_tree(_env(_tree(tmp_path, version=(1, 24, 1))))


def test_own_tree_without_mbedtls(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"(?s)no mbed TLS.*git submodule update --init lib/mbedtls"):
        sources.own_tree(_env(_tree(tmp_path, mbedtls=None)))


def test_identity_follows_the_contents_of_the_own_tree(tmp_path: Path) -> None:
    tree = _tree(tmp_path)
    before = sources.identity(_env(tree))
    assert before == sources.identity(_env(tree)) != sources.identity({})
    (tree / "py" / "vm.c").write_text("changed")
    assert sources.identity(_env(tree)) != before


def _packed(folder: Path) -> Tarball:
    """A small tarball in the cache, as if it had been fetched."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as tar:
        member = tarfile.TarInfo("thing-1.0/file.c")
        member.size = 3
        tar.addfile(member, io.BytesIO(b"int"))
    tarball = Tarball("thing", "trixie", "1.0", "thing_1.0.orig.tar.xz", hashlib.sha256(data.getvalue()).hexdigest())
    (folder / "source-thing-1.0").mkdir()
    (folder / "source-thing-1.0" / tarball.file).write_bytes(data.getvalue())
    return tarball


def test_pinned_tarball_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarball = _packed(tmp_path)
    monkeypatch.setattr(sources, "PINNED", (tarball, tarball))
    with pytest.raises(ValueError, match="unpack"):  # the same top folder twice
        (tmp_path / "scratch" / "thing" / "other").mkdir(parents=True)
        sources.unpack(tmp_path, _apt(tmp_path), tmp_path / "scratch", {})
    trees = sources.unpack(tmp_path, _apt(tmp_path), tmp_path / "clean", {})
    assert (trees.micropython / "file.c").read_bytes() == b"int"


def test_changed_tarball_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarball = _packed(tmp_path)
    monkeypatch.setattr(sources, "PINNED", (tarball, tarball))
    with (tmp_path / "source-thing-1.0" / tarball.file).open("ab") as file:
        file.write(b"x")
    with pytest.raises(SetupError, match=r"(?s)is not the pinned file.*expected " + tarball.sha256):
        sources.unpack(tmp_path, _apt(tmp_path), tmp_path / "scratch", {})


def test_fetched_tarball_with_another_hash_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarball = Tarball("thing", "trixie", "1.0", "thing_1.0.orig.tar.xz", "00" * 32)
    monkeypatch.setattr(sources, "PINNED", (tarball,))
    monkeypatch.setattr(
        AptState, "source_tarball", lambda self, name, suite, into: (into / tarball.file).write_bytes(b"x")
    )
    with pytest.raises(SetupError, match="is not the pinned file"):
        sources.unpack(tmp_path, _apt(tmp_path), tmp_path / "scratch", {})
    assert not (tmp_path / "source-thing-1.0").exists()


def test_archive_has_moved_on(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"(?s)no longer has gone\.tar\.xz.*MICROPYTHON_SRC="):
        sources.check(tmp_path / "gone.tar.xz", "00")
