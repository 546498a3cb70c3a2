"""Programs on the emulated core, with every instruction counted; what they print behind FIGURE comes back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from mpos.bench import f2f
from mpos.bench.cards import make_card
from mpos.bench.cards.contactless import PPSE, ContactlessCard
from mpos.bench.cards.profile import AID_DEBIT
from mpos.bench.qemu import booted
from mpos.bench.world import bench_tables
from mpos.provision import compile as mpy
from mpos.provision import rom, toolchain

_ARCHITECTURE = "rv32imc"
_DEVICE = "tests/bench/device"
_TREES = ("firmware", _DEVICE)
_PARAMETERS = mpy.TOP / "boards" / "unix" / "parameters.json"

# A clock that counts instructions, a date and random numbers that are always the same
_EXACT = ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-11-23T12:00:00,clock=vm", "-seed", "1"]
# What the board's boot runs, from the file system of its flash
_MAIN = "import program\n"
_TIMEOUT_S = 120
_SAID_MOST = 2000

_FIGURE = "FIGURE "
_END = "FIGURES END"

# The sales by tap that are counted, each with its card: both kernels, asking the issuer or not; but the first all sign
TAPS = {
    "sale": "approved",
    "signed": "tap-online",
    "offline": "tap-offline",
    "visa": "visa",
    "visa_offline": "visa-offline",
}
_UNPREDICTABLE = bytes.fromhex("01122334")  # what tests/bench/device/parts.py has for entropy
_PSE = b"1PAY.SYS.DDF01"
_SFI_1 = 1 << 3 | 4
# What the device puts into the list of GET PROCESSING OPTIONS: qualifiers without a PIN pad, amount, currency and country,
# date, unpredictable number
_ASKED_FOR = {
    0x9F66: bytes.fromhex("33004080"),
    0x9F02: bytes.fromhex("000000001234"),
    0x9F1A: bytes.fromhex("0156"),
    0x5F2A: bytes.fromhex("0156"),
    0x9A: bytes.fromhex("261123"),
    0x9F37: _UNPREDICTABLE,
}


class EmulatorFailed(RuntimeError):
    """A program ended before it had told its figures."""


def prepare(folder: Path) -> None:
    """Make the flash that every boot of `firmware` in this folder gets: nothing in it but what starts the program."""

    async def write() -> None:
        async with booted(folder) as machine:
            await machine.exec(f"with open('/main.py', 'w') as file:\n    file.write({_MAIN!r})\n")

    asyncio.run(write())
    mpy.compile_tree(mpy.build_dir(_ARCHITECTURE), _ARCHITECTURE, trees=_TREES)


def firmware(kind: str, folder: Path) -> dict[str, Any]:
    """One boot of the board with the firmware and the device programs of `kind` (single, whole)."""
    handle, name = tempfile.mkstemp(".flash", kind, folder)  # two boots of it may run side by side
    os.close(handle)
    flash = Path(name)
    shutil.copyfile(folder / "flash", flash)
    with flash.open("r+b") as file:
        file.write(_image(kind))
    return _run(
        [
            *("-kernel", str(toolchain.qemu().firmware)),
            *[part for name in "abcd" for part in ("-chardev", f"null,id={name}")],
            *("-device", "pci-serial-4x,addr=1,chardev1=a,chardev2=b,chardev3=c,chardev4=d"),
            *("-object", f"memory-backend-file,id=flash,share=on,mem-path={flash},size={flash.stat().st_size}"),
            *("-device", "ivshmem-plain,addr=2,memdev=flash"),
        ]
    )


def bare(program: Path) -> dict[str, Any]:
    """One boot of a program that needs nothing but the core and the first UART."""
    return _run(["-kernel", str(program)])


def version() -> str:
    """QEMU's."""
    qemu = toolchain.qemu()
    environment = {**os.environ, **qemu.environment}
    command = [qemu.command[0], "--version"]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=True)
    return said.stdout.split()[3]


def _run(machine: list[str]) -> dict[str, Any]:
    qemu = toolchain.qemu()
    # No input either: nothing of the world outside reaches the program
    command = [*qemu.command[: qemu.command.index("-kernel")], *_EXACT, *machine]
    command += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env={**os.environ, **qemu.environment},
    )
    watchdog = threading.Timer(_TIMEOUT_S, process.kill)
    watchdog.start()
    try:
        assert process.stdout is not None
        return read_figures(process.stdout)
    finally:
        watchdog.cancel()
        process.kill()
        with contextlib.suppress(BrokenPipeError):
            process.communicate(timeout=_TIMEOUT_S)


def read_figures(output: IO[str] | Iterator[str]) -> dict[str, Any]:
    """Values by name. Raises EmulatorFailed when the output ends before the figures do, or names one twice."""
    found: dict[str, Any] = {}
    said = ""
    for line in output:
        said = (said + line)[-_SAID_MOST:]
        text = line.strip()
        if text == _END:
            return found
        if text.startswith(_FIGURE):
            figure = json.loads(text.removeprefix(_FIGURE))
            if figure["name"] in found:
                raise EmulatorFailed(f"the figure {figure['name']} came twice")
            found[figure["name"]] = figure["value"]
        elif text.startswith(("Traceback", "MPY: soft reboot", ">>>")):
            said += "".join(line for line, _ in zip(output, range(20), strict=False) if ">>>" not in line)
            break
    raise EmulatorFailed(f"the program on the emulated core ended early. It said:\n{said.strip()}")


def _image(kind: str) -> bytes:
    """A ROMFS with the firmware, the programs of `kind` above it, and the data they read."""
    trees = mpy.build_dir(_ARCHITECTURE)
    mpy.compile_tree(trees, _ARCHITECTURE, trees=_TREES)
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=trees.parent) as scratch:
        content = Path(scratch) / "content"
        shutil.copytree(trees / "firmware", content)
        for folder in (trees / _DEVICE, trees / _DEVICE / kind):
            for module in folder.glob("*.mpy"):
                shutil.copyfile(module, content / module.name)
        # Another name than that of the file which imports it
        (content / "main.mpy").rename(content / "program.mpy")
        shutil.copyfile(_PARAMETERS, content / "parameters.json")
        shutil.copyfile(Path(__file__).parent / "request.json", content / "request.json")
        for name, card in (*card_scripts().items(), ("insert", contact_script())):
            (content / f"{name}.json").write_text(json.dumps(card))
        (content / "stripe.json").write_text(json.dumps(full_stripe()))
        (content / "emv.tlv").write_bytes(bench_tables())
        return rom.image(content)


def contact_script() -> list[list[str]]:
    """What a contact card answers to the commands of one sale, in order: (first bytes of the command, answer).

    It signs the unpredictable number that the board's entropy gives (DDA, 1,984-bit keys). Its cryptograms do not fit
    the amount, and EXTERNAL AUTHENTICATE finds it content with any answer: nobody on the device can tell.
    """
    (card,) = make_card("dda-1984")
    card.power_on()
    script: list[list[str]] = []

    def ask(command: bytes, good: bytes = b"\x90\x00") -> bytes:
        answer = card.exchange(command)
        if answer is None or answer[-2:] != good:
            raise EmulatorFailed(f"the card refuses {command[:5].hex()}: {answer.hex() if answer else 'mute'}")
        script.append([command[:4].hex(), answer.hex()])
        return answer[:-2]

    def select(name: bytes) -> bytes:
        return ask(bytes((0x00, 0xA4, 0x04, 0x00, len(name))) + name + b"\0")

    select(_PSE)
    ask(bytes((0x00, 0xB2, 1, _SFI_1, 0)))
    ask(bytes((0x00, 0xB2, 2, _SFI_1, 0)), b"\x6a\x83")
    select(AID_DEBIT)
    options = ask(bytes.fromhex("80A8000002830000"))
    file_locator = options[4:]
    for at in range(0, len(file_locator), 4):
        sfi, first, last, _ = file_locator[at : at + 4]
        for record in range(first, last + 1):
            ask(bytes((0x00, 0xB2, record, sfi | 4, 0)))
    ask(bytes.fromhex("0088000004") + _UNPREDICTABLE + b"\0")
    first_list = sum(size for _, size in card.applications[0].profile.cdol1)
    ask(bytes((0x80, 0xAE, 0x40, 0x00, first_list)) + bytes(first_list) + b"\0")
    request = bytes.fromhex(script[-1][1])[:-2]
    script.append(["00820000", "9000"])
    # The same answer as a TC: format 1 begins with the kind of cryptogram
    script.append(["80ae4000", (request[:2] + b"\x40" + request[3:] + b"\x90\x00").hex()])
    return script


def full_stripe() -> dict[str, Any]:
    """A swipe of a card with as many characters on each track as the standard has room for: the bits of each track as
    an ASIC has them (hex, how many), and the times between its flux reversals (16 bits each, little-endian, hex)."""
    pan = "6212340000000005003"
    stripe = f2f.Stripe(
        f"B{pan}^CARD HOLDER/TEST^3012120".ljust(76, "5"),
        f"{pan}=3012120".ljust(37, "5"),
        f"99{pan}=156156".ljust(104, "5"),
    )
    swiped = f2f.swipe(stripe, speed_cm_s=30, acceleration=40, jitter_percent=8, seed=1)
    bits = ["".join(map(str, f2f.bits(times))) for times in swiped.values()]
    return {
        "times": [times.astype("<u2").tobytes().hex() for times in swiped.values()],
        "bits": [
            (bytes(int(text[i : i + 8].ljust(8, "0"), 2) for i in range(0, len(text), 8)).hex(), len(text))
            for text in bits
        ],
    }


def card_scripts() -> dict[str, Any]:
    """What a PN532 says of each of the bench's cards in TAPS, and what that one answers to each command, by the command's
    first bytes.

    The card is asked here once, with what the device will ask: its signature over the unpredictable number fits. Its
    cryptogram does not, which nobody there can tell.
    """
    return {name: _card_script(card) for name, card in TAPS.items()}


def _card_script(name: str) -> dict[str, Any]:
    (card,) = make_card(name)
    assert isinstance(card, ContactlessCard)
    card.power_on()
    answers: list[list[str]] = []

    def ask(command: bytes) -> bytes:
        answer = card.exchange(command)
        if answer is None or answer[-2:] != b"\x90\x00":
            raise EmulatorFailed(f"the card refuses {command[:5].hex()}: {answer.hex() if answer else 'mute'}")
        answers.append([command[:5].hex(), answer.hex()])
        return answer[:-2]

    for application in (PPSE, card.profile.aid):
        ask(bytes((0x00, 0xA4, 0x04, 0x00, len(application))) + application + b"\0")
    options = b"".join(_ASKED_FOR.get(tag, bytes(size)) for tag, size in card.profile.pdol)
    said = ask(bytes((0x80, 0xA8, 0x00, 0x00, len(options) + 2, 0x83, len(options))) + options + b"\0")
    file_locator = _objects(_objects(said)[0x77]).get(0x94, b"")
    for at in range(0, len(file_locator), 4):
        sfi, first, last, _ = file_locator[at : at + 4]
        for record in range(first, last + 1):
            ask(bytes((0x00, 0xB2, record, sfi | 4, 0x00)))
    # UM0701-02, 7.3.5: number of targets, Tg, SENS_RES, SEL_RES, NFCID1, ATS
    target = bytes((1, 1)) + card.atqa + bytes((card.sak, len(card.uid))) + card.uid + (card.ats or b"")
    return {"target": target.hex(), "answers": answers}


def _objects(data: bytes) -> dict[int, bytes]:
    """Data objects by tag, none of them longer than 127 bytes but a template."""
    found, at = {}, 0
    while at < len(data):
        size = 2 if data[at] & 0x1F == 0x1F else 1
        tag, at = int.from_bytes(data[at : at + size], "big"), at + size
        if data[at] == 0x81:
            at += 1
        found[tag] = data[at + 1 : at + 1 + data[at]]
        at += 1 + data[at]
    return found
