"""`mpos reader` and `mpos provision` at readers that `mpos bench serve` keeps in a process of its own, over each transport.

The commands themselves run in this process: what a program needs to start would be most of the time.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mpos.bench import test_keys
from mpos.bench.world import PARAMETERS
from mpos.cli import app
from mpos.provision import toolchain
from tests.e2e.program import MPOS, TIMEOUT_S
from tests.e2e.program import mpos as program

PASSPHRASE = "four words will do"


def has_qemu() -> bool:
    try:
        toolchain.qemu()
    except toolchain.ToolchainMissing:
        return False
    return True


# How the bench serves the reader, and which of its names is tried
WAYS = {
    "bumble": ([], "bumble:"),
    "tcp": (["--serial"], "tcp:"),
    "serial": (["--serial"], "serial:"),
    **({"serial-qemu": (["--board", "qemu"], "serial:")} if has_qemu() else {}),
}


@contextlib.asynccontextmanager
async def served(*arguments: str):
    """`mpos bench serve` as a process; yields its record, and stops it as Ctrl-C does."""
    server = await asyncio.create_subprocess_exec(
        str(MPOS),
        "bench",
        "serve",
        "--json",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert server.stdout is not None and server.stderr is not None
    try:
        line = await asyncio.wait_for(server.stdout.readline(), TIMEOUT_S)
        assert line, (await asyncio.wait_for(server.stderr.read(), TIMEOUT_S)).decode()
        yield json.loads(line)
        server.send_signal(signal.SIGINT)
        rest, said = await asyncio.wait_for(server.communicate(), TIMEOUT_S)
        assert (server.returncode, rest, said) == (0, b"", b"")
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()


async def mpos(*arguments: str, typed: str = "") -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    ended = await asyncio.wait_for(asyncio.to_thread(CliRunner().invoke, app, arguments, typed), TIMEOUT_S)
    assert ended.exception is None or isinstance(ended.exception, SystemExit), ended.exception
    return ended.exit_code, ended.stdout, ended.stderr


def named(record: dict, kind: str) -> str:
    return next(name for name in record["transports"] if name.startswith(kind))


async def good(*arguments: str, code: int = 0) -> str:
    """Standard output of a command that ends with `code`."""
    left, out, err = await mpos(*arguments)
    assert left == code, (arguments, out, err)
    return out


@pytest.fixture
def words(monkeypatch) -> None:
    """The passphrase, as CI gives it."""
    monkeypatch.setenv("MPOS_VAULT_PASSPHRASE", PASSPHRASE)


@pytest.mark.parametrize("way", WAYS)
async def test_a_reader_of_the_bench(way):
    arguments, kind = WAYS[way]
    async with served(*arguments) as record:
        at = named(record, kind)
        info = json.loads(await good("reader", "info", at, "--json"))
        assert (info["reader_id"], info["state"], info["error"]) == (test_keys.READER_ID.hex().upper(), "idle", 0)
        assert test_keys.READER_ID.hex().upper() in await good("reader", "info", at)
        keys = {one["section"]: one for one in json.loads(await good("reader", "key", at, "--json"))}
        assert keys["TDES"]["serial"] == "FFFF9876543210E00001" and keys["TDES"]["left"] == (1 << 20) - 1
        assert {"AES", "MASTER_KEY", "SESSION_ROOT", "CARD_KEYS", "IN_FIELD"} <= keys.keys()
        assert "TDES DUKPT" in await good("reader", "key", at)
        assert json.loads(await good("reader", "selftest", at, "--json"))["passed"] is True
        assert "self-test passed" in await good("reader", "selftest", at)
        events = json.loads(await good("reader", "log", at, "--json"))
        names = [one["name"] for one in events]
        assert names[0] == "LOG_FACTORY_KEY" and names.index("LOG_KEY_LOADED") < names.index("LOG_FACTORY_DONE")
        assert [one["number"] for one in events] == sorted({one["number"] for one in events})
        assert "provisioning" in await good("reader", "log", at)
        # From a number on
        assert (
            json.loads(await good("reader", "log", at, "--json", "--from", str(events[-1]["number"])))[0] == events[-1]
        )


@pytest.mark.parametrize("way", ["bumble", "tcp"])
async def test_a_sale_over_a_transport(way):
    arguments, kind = WAYS[way]
    async with served("--card", "approved", *arguments) as record:
        out = await good("reader", "sale", named(record, kind), "--acquirer", record["acquirer"], "--amount", "1.00")
        assert out.startswith("APPROVED  CNY 1.00, card 621234******0019, response 00, KSN FFFF9876543210E00001")


async def test_parameters_over_a_transport(tmp_path):
    mine = tmp_path / "mine.json"
    mine.write_text(PARAMETERS.read_text().replace("MPOS TEST MERCHANT", "MPOS OTHER MERCHANT"))
    state = tmp_path / "state"
    async with served("--serial", "--state", str(state)) as record:
        at = named(record, "tcp:")
        record = json.loads(await good("reader", "parameters", "put", str(mine), at, "--json"))
        assert record["file"] == "parameters" and record["bytes"] == len(mine.read_bytes())
        info = json.loads(await good("reader", "info", at, "--json"))
        assert info["state"] == "idle"
        assert (state / "parameters.json").read_bytes() == mine.read_bytes()
        # What the reader would not start with is not taken
        mine.write_text(PARAMETERS.read_text().replace('"version": 1', '"version": 99'))
        code, _, err = await mpos("reader", "parameters", "put", str(mine), at)
        assert code == 2 and "805 E_PARAMETERS" in err
        assert json.loads(await good("reader", "info", at, "--json"))["state"] == "idle"


async def test_a_reader_of_ones_own(tmp_path, words):
    """The way of the README: vault, factory, field, sale."""
    vault, certificate = str(tmp_path / "keys.vault"), tmp_path / "certificate.json"
    assert "copy it to a safe place" in await good("provision", "vault", "new", vault)
    async with served("--blank", "--card", "approved", "--vault", vault) as record:
        at = named(record, "tcp:")
        blank = json.loads(await good("reader", "info", at, "--json", code=1))
        assert (blank["error"], blank["reader_id"]) == (501, "")
        code, _, err = await mpos("reader", "key", at, "--vault", vault)
        assert code == 2 and "mpos provision reader" in err
        out = await good("provision", "reader", at, "--vault", vault, "--certificate", str(certificate))
        made = json.loads(certificate.read_text())
        assert f"reader {made['reader_id']} is in the field" in out
        # Once
        code, _, err = await mpos("provision", "reader", at, "--vault", vault, "--certificate", str(certificate))
        assert code == 2 and "provisioned already" in err
        assert json.loads(certificate.read_text()) == made
        # Its keys are of this vault, and the bench's do not open it
        code, _, err = await mpos("reader", "key", at)
        assert code == 2 and "--vault" in err
        keys = {one["section"]: one for one in json.loads(await good("reader", "key", at, "--vault", vault, "--json"))}
        assert keys["TDES"]["serial"] == next(key["ksn"] for key in made["keys"] if key["name"] == "dukpt-tdes")
        shown = await good("provision", "key", at, "--vault", vault, "--scheme", "master-session")
        assert "master-session loaded, check value" in shown
        assert "dukpt-aes loaded" in await good("provision", "key", at, "--vault", vault, "--renew-aes")
        left, out, err = await mpos("provision", "key", at, "--vault", vault, "--card", "3:a", typed="A0A1A2A3A4A5\n")
        assert left == 0 and "card-3-a loaded" in out and "A0A1" not in out + err
        sale = ("--acquirer", record["acquirer"], "--amount", "1.00", "--vault", vault)
        assert f"APPROVED  CNY 1.00, card 621234******0019, response 00, KSN {keys['TDES']['serial']}" in await good(
            "reader", "sale", at, *sale
        )
        shown = json.loads(await good("provision", "vault", "show", vault, "--json"))
        assert shown["readers"][0]["reader_id"] == made["reader_id"] and shown["readers"][0]["provisioned"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("reader", "info", "tcp:127.0.0.1:1"), "nobody listens at 127.0.0.1:1"),
        (("reader", "info", "smoke:signals"), "names no transport"),
        (("reader", "key", "serial:/dev/mpos-none"), "there is no serial port /dev/mpos-none"),
        (("reader", "info", "bumble:tcp-client:127.0.0.1:1"), "Bumble opens no controller"),
        (("reader", "log", "tcp:127.0.0.1:1", "--vault", "nowhere.vault"), "there is no vault nowhere.vault"),
        (("provision", "key", "tcp:127.0.0.1:1", "--vault", "nowhere.vault", "--scheme", "dukpt-aes"), "vault new"),
        (("reader", "sale", "tcp:127.0.0.1:1", "--acquirer", "127.0.0.1:1", "--amount", "0"), "more than zero"),
        (("provision", "key", "tcp:127.0.0.1:1", "--vault", "x"), "which key?"),
        (("provision", "key", "tcp:127.0.0.1:1", "--vault", "x", "--scheme", "rsa"), "is no key scheme"),
    ],
)
async def test_a_mistake_is_explained(arguments, said, words):
    code, out, err = await mpos(*arguments)
    assert code == 2, out + err
    assert said in " ".join((out + err).replace("│", " ").split())
    assert "Traceback" not in out + err


@pytest.mark.parametrize(
    ("card", "said"), [("nobody", "choose one of"), ("stripe-approved", "would have to be swiped")]
)
async def test_a_card_that_cannot_be_served(card, said):
    code, out, err = await program("bench", "serve", "--card", card)
    assert code == 2 and said in " ".join(err.split()) and not out


async def test_the_passphrase(tmp_path, monkeypatch):
    monkeypatch.delenv("MPOS_VAULT_PASSPHRASE", raising=False)
    vault, words, wrong = tmp_path / "v", tmp_path / "words", tmp_path / "wrong"
    words.write_text(PASSPHRASE + "\n")
    wrong.write_text("four other words\n")
    await good("provision", "vault", "new", str(vault), "--passphrase-file", str(words))
    assert "08D7B4" not in await good("provision", "vault", "show", str(vault), "--passphrase-file", str(words))
    code, _, err = await mpos("provision", "vault", "show", str(vault), "--passphrase-file", str(wrong))
    assert code == 2 and "passphrase is wrong" in err
    # No terminal to ask on, and none given
    code, _, err = await mpos("provision", "vault", "show", str(vault))
    assert code == 2 and "MPOS_VAULT_PASSPHRASE" in err
    code, _, err = await mpos("provision", "vault", "new", str(vault), "--passphrase-file", str(words))
    assert code == 2 and "never written over" in err


async def test_a_key_of_ones_own_is_imported(tmp_path, words):
    vault = str(tmp_path / "v")
    await good("provision", "vault", "new", vault)
    for text, code, said in (
        (test_keys.BDK.hex(), 0, "check value 08D7B4"),
        ("12", 2, "wrong length"),
        ("none", 2, "written in hex digits"),
    ):
        left, out, err = await mpos("provision", "vault", "import", vault, "tdes-bdk", typed=text)
        assert left == code and said in out + err
        assert text not in out + err
    assert json.loads(await good("provision", "vault", "show", vault, "--json"))["check_values"]["tdes-bdk"] == "08D7B4"
    assert Path(vault).stat().st_mode & 0o777 == 0o600
