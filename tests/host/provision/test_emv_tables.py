"""The published applications and keys, and the file that is made of them: here and on the device."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from mpos import cli_console, cli_emv
from mpos.provision import emv_tables
from mpos.provision.compile import firmware_path
from mpos.provision.emv_tables import TablesError
from mpos.provision.toolchain import micropython
from tests.harness.requirements import requirement

_LIMIT_S = 30
_SCHEMES = {"UnionPay", "Visa", "Mastercard", "JCB", "Amex", "Discover"}
_KEYS: list[dict[str, Any]] = json.loads(resources.files("mpos.provision").joinpath("capks.json").read_text())["keys"]
_APPLICATIONS: list[dict[str, Any]] = json.loads(resources.files("mpos.provision").joinpath("aids.json").read_text())[
    "applications"
]


@requirement("Book 2", "11.2.2", "Every published authority key has the SHA-1 that is published with it.")
@pytest.mark.parametrize("row", _KEYS, ids=lambda row: f"{row['scheme']}-{row['index']}")
def test_published_key(row: dict[str, Any]) -> None:
    modulus = bytes.fromhex(row["modulus"])
    exponent = {3: b"\x03", 65537: b"\x01\x00\x01"}[row["exponent"]]
    digest = hashlib.sha1(bytes.fromhex(row["rid"] + row["index"]) + modulus + exponent)
    assert digest.hexdigest().upper() == row["checksum"]
    assert row["bits"] == int.from_bytes(modulus, "big").bit_length() == 8 * len(modulus)
    assert row["bits"] <= 1984 and modulus[-1] & 1
    assert row["expiry"] is None or len(str(row["expiry"])) == 8
    assert row["source"] and isinstance(row["test"], bool)


def test_published_keys_of_every_scheme() -> None:
    for test in (False, True):
        assert {key.scheme for key in emv_tables.published_capks(test)} == _SCHEMES
        names = [(key.rid, key.index) for key in emv_tables.published_capks(test)]
        assert len(set(names)) == len(names)
    assert len(emv_tables.published_capks()) == len(_KEYS)


def test_published_applications() -> None:
    applications = emv_tables.published_applications()
    assert {a.scheme for a in applications} == _SCHEMES
    assert all(row["source"] for row in _APPLICATIONS)
    unionpay = [a for a in applications if a.scheme == "UnionPay"]
    assert [a.aid.hex()[-2:] for a in unionpay] == ["01", "02", "03", "06"]
    for a in unionpay:
        assert (a.tac_default.hex(), a.tac_denial.hex(), a.tac_online.hex()) == (
            "d84000a800",
            "0010000000",
            "d84004f800",
        )
        assert (a.floor_limit, a.threshold, a.target, a.max_target) == (10000, 0, 0, 0)
        assert (a.version, a.ddol) == (b"\x00\x30", bytes.fromhex("9F3704"))
    assert [a.ec_limit for a in unionpay] == [100000, 100000, 100000, None]
    assert all(a.floor_limit == 0 for a in applications if a not in unionpay)


def _extra(**more: Any) -> dict[str, Any]:
    row = {key: _KEYS[0][key] for key in ("rid", "modulus", "exponent")}
    return row | {"index": 0xE1, "expiry": 20491231} | more


def test_build_and_parse() -> None:
    exceptions = [("6212340000000018", 1), ("6212340000000026", None)]
    revoked = [(bytes.fromhex("A000000333"), 0xE1, b"\0\0\2"), (bytes.fromhex("A000000333"), 0xE1, b"\0\0\1")]
    data = emv_tables.build(extra_capks=[_extra()], revoked=revoked, exceptions=exceptions)
    tables = emv_tables.parse(data)
    assert [a.aid for a in tables.applications] == [a.aid for a in emv_tables.published_applications()]
    production = {(k.rid, k.index, k.modulus, k.expiry) for k in emv_tables.published_capks(False)}
    assert production < {(k.rid, k.index, k.modulus, k.expiry) for k in tables.capks}
    assert len(tables.capks) == len(production) + 1
    assert tables.revoked == [bytes.fromhex("A000000333E1000001"), bytes.fromhex("A000000333E1000002")]
    assert sorted(tables.exceptions) == tables.exceptions and len(tables.exceptions) == 2
    assert not any(pan.encode() in data or bytes.fromhex(pan) in data for pan, _ in exceptions)
    assert emv_tables.parse(emv_tables.build([], [])) == emv_tables.Tables()


def test_an_extra_key_replaces() -> None:
    row = _extra(index=1, modulus=_KEYS[1]["modulus"])
    (key,) = [
        k for k in emv_tables.parse(emv_tables.build(extra_capks=[row])).capks if (k.scheme, k.index) == ("UnionPay", 1)
    ]
    assert key.modulus.hex().upper() == _KEYS[1]["modulus"]


def test_test_keys_are_asked_for() -> None:
    data = emv_tables.build(test=True)
    assert {(k.rid, k.index) for k in emv_tables.parse(data).capks} == {
        (k.rid, k.index) for k in emv_tables.published_capks(True)
    }


@pytest.mark.parametrize(
    "change",
    [
        {"exponent": 2},
        {"exponent": 17},
        {"modulus": "00" * 128},
        {"modulus": "FF" * 249},
        {"modulus": "FE" * 128},
        {"rid": "A0000003"},
        {"index": 256},
        {"index": "x"},
        {"expiry": 20491331},
        {"expiry": 491231},
        {"checksum": "00" * 20},
        {"modulus": None},
    ],
)
def test_a_key_that_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(TablesError):
        emv_tables.build(extra_capks=[_extra(**change)])


@pytest.mark.parametrize(
    "change",
    [
        {"aid": "A0000003"},
        {"aid": "A0" * 17},
        {"version": "30"},
        {"tac_online": "D84004F8"},
        {"floor_limit": 2**32},
        {"threshold": -1},
        {"target": 60, "max_target": 50},
        {"max_target": 100},
        {"ddol": "9F3704" * 100},
        {"ec_limit": 10**12},
        {"tac_denial": "xx"},
        {"floor_limit": "1"},
    ],
)
def test_an_application_that_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(TablesError):
        emv_tables.build(applications=[_APPLICATIONS[0] | change])


def test_an_application_that_lacks_something() -> None:
    with pytest.raises(TablesError):
        emv_tables.build(applications=[{"aid": "A0000000031010"}])


def test_twice_and_too_many() -> None:
    with pytest.raises(TablesError, match="twice"):
        emv_tables.build(applications=[_APPLICATIONS[0], _APPLICATIONS[0]])
    with pytest.raises(TablesError, match="twice"):
        emv_tables.build(capks=[_KEYS[0], _KEYS[0]])
    with pytest.raises(TablesError, match="room"):
        emv_tables.build(extra_capks=[_extra(index=i) for i in range(256)])
    with pytest.raises(TablesError, match="65,535"):
        emv_tables.build(exceptions=[(f"62123400{i:08d}", None) for i in range(5000)])
    with pytest.raises(TablesError, match="revoked"):
        emv_tables.build(revoked=[(b"\xa0", 1, b"\0\0\1")])


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda data: data[:-1], "ends"),
        (lambda data: data + b"\xe2", "ends"),
        (lambda data: data + b"\xe5\x00", "unknown"),
        (lambda data: data + data, "ascending|twice"),
        (lambda data: data.replace(bytes.fromhex("DF1105"), bytes.fromhex("DF1205")), "twice"),
        (lambda data: data.replace(bytes.fromhex("DF1105"), bytes.fromhex("DF5505")), "lacks"),
        (lambda data: data.replace(bytes.fromhex(_KEYS[0]["modulus"]), b"\xff" * 128), "checksum"),
        (lambda data: data + b"\xe3\x08" + bytes(8), "list"),
        (lambda data: data + b"\xe4\x20" + bytes(32), "list"),
        (lambda data: data + b"\xe3\x83\0\0\x09" + bytes(9), "length"),
        (lambda data: data + b"\xe3\0" * 256, "room"),
        (lambda data: data + (b"\xe4\x82\xff\xf0" + b"".join(i.to_bytes(16, "big") for i in range(4095))) * 2, "room"),
        (lambda data: _applications_as(data, "DF0101", "DF5501"), "beginning"),
        (lambda data: _applications_as(data, "DF010100", "DF010102"), "lacks"),
        (lambda data: _applications_as(data, "9F09020030", "9F090130"), "9F09 has 1 bytes"),
        (lambda data: _applications_as(data, "9F1B0400002710", "9F1B022710"), "9F1B has 2 bytes"),
        (lambda data: data.replace(bytes.fromhex("DF060101"), bytes.fromhex("DF060102")), "SHA-1"),
    ],
)
def test_a_file_that_is_none(spoil: Any, said: str, tmp_path: Path) -> None:
    """Neither the tools nor the reader take it."""
    data = spoil(emv_tables.build())
    with pytest.raises(TablesError, match=said):
        emv_tables.parse(data)
    assert _refused_on_the_device([data], tmp_path) == [True]


def _applications_as(data: bytes, old: str, new: str) -> bytes:
    """The same file with every application changed; a record's own length goes with it."""
    out = b""
    for tag, value in emv_tables._objects(data):
        changed = value.replace(bytes.fromhex(old), bytes.fromhex(new)) if tag == 0xE1 else value
        out += emv_tables._record(tag, changed)
    assert out != data
    return out


def test_what_the_tools_take_the_reader_takes(tmp_path: Path) -> None:
    """Files with one byte of another value: where they cannot be told from good ones here, the reader starts with them."""
    choose = random.Random(4)
    whole = emv_tables.build(
        capks=_KEYS[:3],
        revoked=[(bytes.fromhex("A000000333"), 1, bytes((0, 0, serial))) for serial in (1, 2)],
        exceptions=[("6212340000000018", 1), ("6212340000000026", None)],
    )
    files = [whole]
    while len(files) < 400:
        data = bytearray(whole)
        data[choose.randrange(len(data))] = choose.randrange(256)
        try:
            emv_tables.parse(bytes(data))
        except TablesError:
            continue
        files.append(bytes(data))
    assert _refused_on_the_device(files, tmp_path) == [False] * len(files)


_CHECKED_ON_THE_DEVICE = """
import sys
from reader.errors import ReaderError
from reader.storage.emv_tables import EmvTables
for i in range(int(sys.argv[2])):
    try:
        EmvTables("%s/%d.tlv" % (sys.argv[1], i)).check()
        print(False)
    except ReaderError as error:
        assert error.code == 805  # E_PARAMETERS
        print(True)
"""


def _refused_on_the_device(files: list[bytes], folder: Path) -> list[bool]:
    for i, data in enumerate(files):
        (folder / f"{i}.tlv").write_bytes(data)
    (folder / "check.py").write_text(_CHECKED_ON_THE_DEVICE)
    done = subprocess.run(
        [str(micropython(32)), "-X", "heapsize=128K", str(folder / "check.py"), str(folder), str(len(files))],
        env={"MICROPYPATH": firmware_path(32)},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    return [line == "True" for line in done.stdout.splitlines()]


_ON_THE_DEVICE = """
import sys
from binascii import hexlify, unhexlify
from reader.storage.emv_tables import EmvTables
tables = EmvTables(sys.argv[1])
tables.check()
for aid, partial in tables.aids():
    a = tables.application(aid)
    print(hexlify(aid).decode(), partial, a.floor_limit, a.ec_limit, hexlify(a.tac_online).decode(), a.online_pin)
for name in sys.stdin.readline().split():
    key = tables.capk(unhexlify(name[:10]), int(name[10:], 16))
    print(name, hexlify(key.modulus).decode(), key.exponent, key.expiry)
print(tables.is_revoked(unhexlify("A000000333"), 0xE1, b"\\0\\0\\2"), tables.is_revoked(unhexlify("A000000333"), 0xE1, b"\\0\\0\\3"))
print(tables.is_excepted(unhexlify("6212340000000018"), 1), tables.is_excepted(unhexlify("6212340000000018"), 2))
print(tables.is_excepted(unhexlify("6212340000000026"), 9), tables.is_excepted(unhexlify("6212340000000034"), 0))
"""


@pytest.mark.parametrize("test", [False, True])
def test_the_device_reads_it(test: bool, tmp_path: Path) -> None:
    data = emv_tables.build(
        extra_capks=[_extra(expiry=None)],
        revoked=[(bytes.fromhex("A000000333"), 0xE1, bytes((0, 0, serial))) for serial in (1, 2, 4, 9)],
        exceptions=[("6212340000000018", 1), ("6212340000000026", None)],
        test=test,
    )
    (tmp_path / "emv.tlv").write_bytes(data)
    tables = emv_tables.parse(data)
    names = " ".join(f"{key.rid.hex()}{key.index:02x}" for key in tables.capks)
    (tmp_path / "ask.py").write_text(_ON_THE_DEVICE)
    done = subprocess.run(
        [str(micropython(32)), "-X", "heapsize=128K", str(tmp_path / "ask.py"), str(tmp_path / "emv.tlv")],
        input=names + "\n",
        env={"MICROPYPATH": firmware_path(32)},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr or done.stdout
    expected = [
        f"{a.aid.hex()} {a.partial} {a.floor_limit} {a.ec_limit} {a.tac_online.hex()} {a.online_pin}"
        for a in tables.applications
    ]
    expected += [f"{k.rid.hex()}{k.index:02x} {k.modulus.hex()} {k.exponent} {k.expiry or 0}" for k in tables.capks]
    assert done.stdout.splitlines() == [*expected, "True False", "True False", "True False"]


_run = CliRunner().invoke


def test_cli_list() -> None:
    done = _run(cli_emv.app, ["list", "--json"])
    assert done.exit_code == 0
    document = json.loads(done.stdout)
    assert len(document["keys"]) == len(_KEYS) and all(key["checksum_right"] for key in document["keys"])
    assert {key["kind"] for key in document["keys"]} == {"production", "test"}
    done = _run(cli_emv.app, ["list", "--keys", "test", "--scheme", "visa"])
    assert done.exit_code == 0 and "C4A3C43C" in done.stdout and "1FF80A40" not in done.stdout
    assert _run(cli_emv.app, ["list", "--scheme", "nobody"]).exit_code == cli_console.EXIT_ERROR


def test_cli_build_and_check(tmp_path: Path) -> None:
    file = tmp_path / "emv.tlv"
    lists = {
        "revoked": [{"rid": "A000000333", "index": "01", "serial": "000001"}],
        "exceptions": [{"pan": "6212340000000018", "sequence": None}],
        "extra": {"keys": [_extra()]},
    }
    options = []
    for name, content in lists.items():
        (tmp_path / name).write_text(json.dumps(content))
        options += [f"--{name}", str(tmp_path / name)]
    done = _run(cli_emv.app, ["build", str(file), *options])
    assert done.exit_code == 0, done.output
    assert "1 revoked" in done.stdout and "6212340000000018" not in done.stdout
    done = _run(cli_emv.app, ["check", str(file), "--json"])
    assert done.exit_code == 0
    kinds = {key["index"]: key["kind"] for key in json.loads(done.stdout)["keys"] if key["scheme"] == "UnionPay"}
    assert kinds["E1"] == "own" and kinds["01"] == "production"
    done = _run(cli_emv.app, ["check", str(file)])
    assert "1 revoked certificates, 1 exceptions" in done.stdout
    assert _run(cli_emv.app, ["build", str(file), "--keys", "test"]).exit_code == 0
    assert "test" in _run(cli_emv.app, ["check", str(file)]).stdout


@pytest.mark.parametrize(
    ("arguments", "content"),
    [
        (["build", "FILE", "--keys", "all"], "[]"),
        (["build", "FILE", "--extra", "LIST"], '[{"rid": "A0"}]'),
        (["build", "FILE", "--revoked", "LIST"], "[{}]"),
        (["build", "FILE", "--exceptions", "LIST"], '{"exceptions": 1}'),
        (["build", "FILE", "--applications", "LIST"], "nothing"),
        (["build", "nowhere/FILE", "--applications", "LIST"], "[]"),
        (["check", "LIST"], "no tlv"),
        (["check", "nowhere"], ""),
    ],
)
def test_cli_says_what_is_wrong(arguments: list[str], content: str, tmp_path: Path) -> None:
    (tmp_path / "LIST").write_text(content)
    done = _run(cli_emv.app, [str(tmp_path / a) if a.isupper() or "/" in a else a for a in arguments])
    assert done.exit_code == cli_console.EXIT_ERROR
