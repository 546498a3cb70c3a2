"""apt's configuration as machines have it: both formats, options, keys; and what is made of it."""

from pathlib import Path

import pytest

from boards.toolchain import apt_state
from boards.toolchain.apt_state import AptState, Source
from boards.toolchain.say import SetupError

_DEB822 = """\
# a comment
Types: deb deb-src
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
# between the fields
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
"""


def _machine(tmp_path: Path, name: str, text: str) -> list[Source]:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return apt_state.machine_sources(tmp_path)


def test_deb822(tmp_path: Path) -> None:
    found = _machine(tmp_path, "sources.list.d/debian.sources", _DEB822)
    assert [source.suites for source in found] == [["bookworm", "bookworm-updates"], ["bookworm-security"]]
    chosen = apt_state.choose(found, "bookworm")
    assert chosen.uris == "http://mirror.example/debian"
    assert chosen.signed_by == "/usr/share/keyrings/debian-archive-keyring.gpg"


def test_deb822_with_a_key_inside(tmp_path: Path) -> None:
    key = "Signed-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----\n"
    text = "Types: deb\nURIs: http://mirror.example/debian\nSuites: bookworm\nComponents: main\n" + key
    (source,) = _machine(tmp_path, "sources.list.d/a.sources", text)
    again = source.stanza("deb-src", "trixie", own_suite=False)
    assert "Suites: trixie\n" in again
    (parsed,) = _machine(tmp_path, "sources.list.d/a.sources", again)
    assert parsed.signed_by == source.signed_by
    assert "mQINBF" in parsed.signed_by


def test_deb822_switched_off(tmp_path: Path) -> None:
    assert _machine(tmp_path, "sources.list.d/a.sources", "Enabled: no\n" + _DEB822.split("\n\n")[0]) == []


def test_one_line_style(tmp_path: Path) -> None:
    text = (
        "# deb http://old.example/debian bookworm main\n"
        "deb [arch=amd64 signed-by=/a.gpg,/b.gpg trusted=yes] http://mirror.example/debian bookworm main contrib # ours\n"
        "deb-src http://mirror.example/debian bookworm main\n"
    )
    first, second = _machine(tmp_path, "sources.list", text)
    assert first == Source("http://mirror.example/debian", ["bookworm"], ["main", "contrib"], "/a.gpg /b.gpg", "yes")
    assert second.signed_by == ""


def test_files_that_apt_ignores_are_ignored(tmp_path: Path) -> None:
    assert _machine(tmp_path, "sources.list.d/debian.sources.bak", _DEB822) == []


def test_only_the_suite_is_replaced() -> None:
    source = Source("http://mirror.example/debian", ["bookworm"], ["main"], "/no/such/keyring.gpg")
    stanza = source.stanza("deb-src", "bookworm", own_suite=True)
    assert stanza.splitlines() == [
        "Types: deb-src",
        "URIs: http://mirror.example/debian",
        "Suites: bookworm",
        "Components: main",
        "Signed-By: /no/such/keyring.gpg",
    ] + [""]


def test_no_archive_of_this_release() -> None:
    with pytest.raises(SetupError, match=r"(?s)no archive for the release 'bookworm'.*MICROPYTHON_SRC="):
        apt_state.choose([Source("http://mirror.example/debian", ["trixie"], ["main"])], "bookworm")


@pytest.mark.parametrize("text", ['ID=fedora\nVERSION_CODENAME=""\n', ""])
def test_no_debian(tmp_path: Path, text: str) -> None:
    os_release = tmp_path / "os-release"
    os_release.write_text(text)
    with pytest.raises(SetupError, match=r"(?s)no Debian with apt.*What to do: name a MicroPython 1\.25 source tree"):
        apt_state.machine_codename(os_release)


def test_no_apt_on_a_debian(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os_release = tmp_path / "os-release"
    os_release.write_text("ID=debian\nVERSION_CODENAME=bookworm\n")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SetupError, match="no Debian with apt"):
        apt_state.machine_codename(os_release)


def test_the_archive_is_out_of_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where there is no network: apt-get ends with an error, which is quoted."""
    closed = Source("http://127.0.0.1:9/debian", ["bookworm"], ["main"])
    monkeypatch.setattr(apt_state, "machine_codename", lambda: "bookworm")
    monkeypatch.setattr(apt_state, "machine_sources", lambda _: [closed])
    home = tmp_path / "apt"
    home.mkdir()
    script = tmp_path / "bin" / "apt-get"
    script.parent.mkdir()
    script.write_text("#!/bin/sh\necho 'E: Failed to fetch http://127.0.0.1:9/debian' >&2\nexit 100\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{script.parent}:/usr/bin:/bin")
    with pytest.raises(
        SetupError, match=r"(?s)package lists could not be fetched.*Failed to fetch.*is the network there"
    ):
        AptState(home, tmp_path / "logs").unpack_packages(["python3-pip-whl"], tmp_path)
    config = (home / "apt.conf").read_text()
    assert f'Dir::State::lists "{home}/lists";' in config
    assert "Post-Invoke" not in config
    sources = (home / "debian.sources").read_text()
    assert [line for line in sources.splitlines() if line.startswith("Suites")] == [
        "Suites: bookworm",
        "Suites: bookworm",
        "Suites: trixie",
    ]


def test_the_private_folder_is_removed(tmp_path: Path) -> None:
    with apt_state.private_apt(tmp_path) as apt:
        assert apt.home.is_dir()
    assert list(tmp_path.iterdir()) == []
