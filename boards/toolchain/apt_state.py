"""Debian packages without root and without touching the machine: a private apt state in a temporary folder.

The archive's address, its keys and the proxy are the machine's own, read from its apt configuration; only the suite
is replaced where another one is asked for.
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .say import SetupError, run, step

_KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")  # has the keys of the neighbouring releases too
_ELSEWHERE = "name a MicroPython 1.25 source tree instead: MICROPYTHON_SRC=/the/tree make setup"
_KEPT_CONFIG = re.compile(r"Acquire::(https?|ftp|Check-Valid-Until|Check-Date|ForceIPv4|ForceIPv6)\b", re.IGNORECASE)


@dataclass
class Source:
    """One archive of the machine's apt configuration."""

    uris: str
    suites: list[str]
    components: list[str]
    signed_by: str = ""
    trusted: str = ""

    def stanza(self, kind: str, suite: str, own_suite: bool) -> str:
        """The same archive as a deb822 stanza of `kind` (deb, deb-src) for `suite`."""
        signed_by = self.signed_by
        if signed_by.startswith("/") and not own_suite and _KEYRING.exists():
            signed_by = f"{signed_by} {_KEYRING}"
        lines = [f"Types: {kind}", f"URIs: {self.uris}", f"Suites: {suite}", "Components: main"]
        lines += [f"Signed-By: {signed_by}"] if signed_by else []
        lines += [f"Trusted: {self.trusted}"] if self.trusted else []
        return "\n".join(lines) + "\n\n"


def machine_sources(etc_apt: Path) -> list[Source]:
    """All archives of the machine, in apt's order: sources.list, then sources.list.d; both formats."""
    found: list[Source] = []
    for path in [etc_apt / "sources.list", *sorted((etc_apt / "sources.list.d").glob("*"))]:
        if path.suffix in (".list", ".sources") and path.is_file():
            parse = _one_line_style if path.suffix == ".list" else _deb822_style
            found += parse(path.read_text(errors="replace"))
    return found


def _one_line_style(text: str) -> list[Source]:
    # sources.list(5): deb [ option=value ... ] uri suite component...
    found = []
    for line in text.splitlines():
        match = re.match(r"\s*deb(?:-src)?\s+(?:\[([^]]*)\]\s*)?(\S+)\s+([^\s#]+)([^#]*)", line)
        if match:
            options = dict(part.split("=", 1) for part in (match[1] or "").split() if "=" in part)
            signed_by = options.get("signed-by", "").replace(",", " ")
            found.append(Source(match[2], [match[3]], match[4].split(), signed_by, options.get("trusted", "")))
    return found


def _deb822_style(text: str) -> list[Source]:
    found = []
    for block in re.split(r"\n\s*\n", text):
        fields: dict[str, str] = {}
        name = ""
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t"):  # continues the field above (an embedded key, or a list)
                fields[name] = fields.get(name, "") + "\n" + line
            elif ":" in line:
                name, value = line.split(":", 1)
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields.get("uris") and fields.get("enabled", "yes").lower() not in ("no", "false", "0"):
            found.append(
                Source(
                    " ".join(fields["uris"].split()),
                    fields.get("suites", "").split(),
                    fields.get("components", "").split(),
                    fields.get("signed-by", ""),
                    fields.get("trusted", ""),
                )
            )
    return found


def choose(sources: list[Source], codename: str) -> Source:
    """The archive that serves the machine's own release."""
    for source in sources:
        if codename in source.suites and "main" in source.components:
            return source
    raise SetupError(
        f"apt's configuration has no archive for the release {codename!r} with the component main", _ELSEWHERE
    )


def machine_codename(os_release: Path = Path("/etc/os-release")) -> str:
    """`bookworm` on Debian 12. Raises SetupError where this is no Debian."""
    try:
        text = os_release.read_text()
    except OSError:
        text = ""
    names = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    if names.get("ID", "").strip('"') != "debian" or not shutil.which("apt-get"):
        raise SetupError(
            "This machine is no Debian with apt, so nothing can be fetched from Debian's archive", _ELSEWHERE
        )
    return names.get("VERSION_CODENAME", "").strip('"')


@dataclass
class AptState:
    """apt with a state of its own in `home`. Lists are fetched when something is first asked for."""

    home: Path
    logs: Path
    _env: dict[str, str] = field(default_factory=dict)

    def source_tarball(self, package: str, suite: str, into: Path) -> None:
        """Fetch the upstream tarball of a source package of `suite` (bookworm or trixie) into the folder `into`."""
        self._prepare()
        self._apt(
            ["source", "--download-only", "--tar-only", f"{package}/{suite}"],
            f"The source package {package} of Debian {suite} could not be fetched",
            cwd=into,
        )

    def unpack_packages(self, names: list[str], into: Path) -> None:
        """Fetch binary packages of the machine's own release and unpack their files below `into`."""
        self._prepare()
        with tempfile.TemporaryDirectory(dir=self.home) as folder:
            self._apt(["download", *names], f"Debian's {', '.join(names)} could not be fetched", cwd=Path(folder))
            self._unpack(Path(folder), into)

    def unpack_missing(self, names: list[str], into: Path, status: Path = Path("/var/lib/dpkg/status")) -> None:
        """The same with all they depend on, as far as the machine does not have it: `status` is dpkg's list."""
        self._prepare()
        with tempfile.TemporaryDirectory(dir=self.home) as folder:
            (Path(folder) / "partial").mkdir()
            options = {"Dir::State::status": status, "Dir::Cache::archives": folder, "Debug::NoLocking": "true"}
            self._apt(
                [
                    "install",
                    "--download-only",
                    "--no-install-recommends",
                    "--yes",
                    *(f"--option={name}={value}" for name, value in options.items()),
                    *names,
                ],
                f"Debian's {', '.join(names)} could not be fetched",
            )
            self._unpack(Path(folder), into)

    def _unpack(self, folder: Path, into: Path) -> None:
        for deb in sorted(folder.glob("*.deb")):
            run(
                ["dpkg-deb", "-x", deb, into],
                self.logs / "dpkg-deb.log",
                f"{deb.name} could not be unpacked",
                "is the disk full? Run `make setup` again.",
            )

    def _prepare(self) -> None:
        if self._env:
            return
        own = machine_codename()
        archive = choose(machine_sources(Path("/etc/apt")), own)
        step(f"reading Debian's package lists through {archive.uris} (private apt state)")
        for name in ("lists/partial", "cache/archives/partial", "state", "empty"):
            (self.home / name).mkdir(parents=True)
        (self.home / "state" / "status").touch()
        (self.home / "debian.sources").write_text(
            archive.stanza("deb", own, True)
            + "".join(archive.stanza("deb-src", s, s == own) for s in ("bookworm", "trixie"))
        )
        config = self.home / "apt.conf"
        config.write_text(self._machine_config() + self._private_config())
        env = {**os.environ, "APT_CONFIG": str(config), "LC_ALL": "C.UTF-8"}
        self._apt(["update"], "Debian's package lists could not be fetched", env=env)
        self._env = env

    def _apt(self, arguments: list[str], what: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> None:
        do = f"is the network there, and does `apt-get update` work on this machine? Run `make setup` again, or {_ELSEWHERE}"
        command = (
            ["apt-get", "-qq", "--error-on=any", *arguments]
            if arguments == ["update"]
            else ["apt-get", "-qq", *arguments]
        )
        run(command, self.logs / f"apt-{arguments[0]}.log", what, do, cwd=cwd, env=env or self._env)

    @staticmethod
    def _machine_config() -> str:
        # How the machine reaches the archive (proxy, certificates), and none of its hooks.
        dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
        return "".join(line + "\n" for line in dump.splitlines() if _KEPT_CONFIG.match(line))

    def _private_config(self) -> str:
        options = {
            "Dir::Etc::main": "/dev/null",
            "Dir::Etc::parts": f"{self.home}/empty",
            "Dir::Etc::sourcelist": f"{self.home}/debian.sources",
            "Dir::Etc::sourceparts": f"{self.home}/empty",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": f"{self.home}/empty",
            "Dir::State": f"{self.home}/state",
            "Dir::State::status": f"{self.home}/state/status",
            "Dir::State::lists": f"{self.home}/lists",
            "Dir::Cache": f"{self.home}/cache",
            "Dir::Log": f"{self.home}/state",
            "APT::Sandbox::User": "root",  # when run by root: the folders are root's alone
            "Acquire::Languages": "none",
            "Acquire::PDiffs": "false",
            "Acquire::Retries": "2",
            "Acquire::http::Timeout": "20",
            "Acquire::https::Timeout": "20",
        }
        return "".join(f'{name} "{value}";\n' for name, value in options.items())


@contextmanager
def private_apt(cache: Path) -> Iterator[AptState]:
    """An AptState in a folder that is removed at the end."""
    with tempfile.TemporaryDirectory(prefix=".apt-", dir=cache) as home:
        yield AptState(Path(home), cache / "logs")
