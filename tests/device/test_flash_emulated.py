"""The real firmware on the emulated board: put there by the real mpremote, cut off in the middle, put there again.

What is cut is the power of the board (QEMU is killed) or the tool; then the board is switched on again.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from decimal import Decimal
from pathlib import Path

import pytest
import pytest_asyncio

from mpos.acquirer import Acquirer
from mpos.bench.cards import CARDS, make_card
from mpos.bench.device_qemu import PhoneLine
from mpos.bench.field import Field
from mpos.bench.icc_slot import IccSlot
from mpos.bench.pn532_chip import Pn532Chip, serve_chip
from mpos.bench.provisioned import bench_vault, provision_bench
from mpos.bench.qemu import Machine
from mpos.bench.tda8029_chip import Tda8029Chip, serve_coupler
from mpos.bench.world import bench_tables
from mpos.link.client import ReaderClient
from mpos.link.messages import Interface, State
from mpos.link.secure import open_session
from mpos.link.serial_pipe import SerialPipe
from mpos.phone.sale import Sale
from mpos.provision import device as devices
from mpos.provision import emulated, firmware, flash
from mpos.provision.device import Code, Device, FlashError
from mpos.provision.factory import key_service
from mpos.provision.flash import Progress, Report
from mpos.provision.manifest import entry_of, load
from tests.device.conftest import GREETING, Case, variant
from tests.e2e.conftest import CARD_TIMEOUT_S, CNY, state

BOARD = firmware.BOARDS["qemu_rv32"]
REFUSES = "no whole firmware is installed"
LIMIT_S = 60
TRIES = 5  # each as long as the client waits for an answer
CHIP = "chip"


class Bench:
    """The far end of the board's link, whichever machine is on."""

    def __init__(self, state: Path):
        self.state = state
        self.address = ""
        self._link: asyncio.Future[SerialPipe] = asyncio.get_running_loop().create_future()

    def machine(self) -> Machine:
        """Another life of the board."""
        self._link = asyncio.get_running_loop().create_future()
        return Machine(self.state, ["", self.address])

    def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._link.set_result(SerialPipe(reader, writer))

    async def answer(self) -> str:
        """The version that the firmware tells over the link of the machine that is on."""
        pipe = await asyncio.wait_for(asyncio.shield(self._link), LIMIT_S)
        return await asyncio.wait_for(emulated.version_over(pipe), LIMIT_S)


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    far_end = Bench(tmp_path / "state")
    async with await asyncio.start_server(far_end.connected, "127.0.0.1", 0) as server:
        host, port = server.sockets[0].getsockname()
        far_end.address = f"{host}:{port}"
        yield far_end


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flash, "START_S", 0.3)  # the link says more


async def put_on(
    machine: Machine, build: Path, rom: bool | None = None, progress: Progress | None = None, **own: bytes
) -> Report:
    """In a thread: the machine's console is carried by this loop. `own`: the merchant's parameters and tables."""

    def work() -> Report:
        with Device(machine.console) as device:
            return flash.flash(BOARD, build, device, rom=rom, progress=progress or (lambda *step: None), **own)

    return await asyncio.wait_for(asyncio.to_thread(work), LIMIT_S)


async def test_put_on_and_again(bench: Bench, new: Path) -> None:
    async with bench.machine() as machine:
        report = await put_on(machine, new)
        assert (report.place, report.firmware) == ("/rom", firmware.firmware_version())
        assert await bench.answer() == report.firmware
    async with bench.machine() as machine:
        assert await bench.answer() == report.firmware  # after a loss of power
        again = await put_on(machine, new)
        assert (again.written, again.removed) == ([], [])


@pytest.mark.parametrize("sample", ["m35", "d200"])
async def test_parameters_and_tables_of_the_merchant(new: Path, case: Case, tmp_path: Path, sample: str) -> None:
    """The sample file of a reader and the bench's keys: flashed, through the factory, switched on, it sells by insert."""
    shutil.copytree(case.state, tmp_path / "state")
    parameters = (firmware.TOP / "boards" / sample / "parameters.json").read_bytes()
    async with (
        Acquirer() as acquirer,
        serve_chip(Pn532Chip(Field())) as nfc,
        serve_coupler(Tda8029Chip(IccSlot(make_card(CHIP)[0]))) as slot,
    ):
        async with PhoneLine() as phone, Machine(tmp_path / "state", [nfc, phone.address, slot]) as machine:
            report = await put_on(machine, new, parameters=parameters, tables=bench_tables())
            assert {"/parameters.json", "/emv.tlv"} <= set(report.written)
            async with ReaderClient(await phone.pipe()) as reader:
                assert await state_once_started(reader) == State.OUT_OF_SERVICE  # it has no keys yet
            await provision_bench(phone)
        async with PhoneLine() as phone, Machine(tmp_path / "state", [nfc, phone.address, slot]):
            async with ReaderClient(await phone.pipe()) as reader:
                assert await state_once_started(reader) == State.IDLE
            async with ReaderClient(await open_session(await phone.pipe(), key_service(bench_vault()))) as reader:
                sale = Sale(reader, f"{acquirer.host}:{acquirer.port}", interfaces=Interface.CONTACT)
                record = await sale.run(int(Decimal(CARDS[CHIP].amount) * 100), CNY, CARD_TIMEOUT_S)
    assert record.outcome == "approved", record
    files = await left_on(tmp_path / "state")
    assert files["/parameters.json"] == entry_of(parameters)
    assert files["/emv.tlv"] == entry_of(bench_tables())


async def state_once_started(reader: ReaderClient) -> State:
    """What a board that was just switched on says it is doing: what comes before its lines are open is lost."""
    for _ in range(TRIES):
        with contextlib.suppress(TimeoutError):
            return await state(reader)
    raise TimeoutError("it does not answer")


async def left_on(folder: Path) -> dict[str, tuple[int, str]]:
    """Every file of the board, after a loss of power."""

    def work(console: str) -> dict[str, tuple[int, str]]:
        with Device(console) as device:
            device.enter()
            return device.tree("")[1]

    async with Machine(folder) as machine:
        return await asyncio.wait_for(asyncio.to_thread(work, machine.console), LIMIT_S)


async def test_the_tool_says_when_the_firmware_does_not_run(
    bench: Bench, new: Path, case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(case.state, bench.state)
    monkeypatch.setattr(flash, "START_S", 20.0)  # it ends within one
    size = (new / "mpy" / "board.mpy").stat().st_size
    broken = variant(new, tmp_path / "broken", "board.mpy", b"not a module".ljust(size))
    async with bench.machine() as machine:
        with pytest.raises(FlashError, match=r"does not keep running: ValueError: incompatible \.mpy file") as caught:
            await put_on(machine, broken)
    assert caught.value.code == Code.NO_ANSWER


def _is(what: str, name: str = "", least: int = 0) -> Callable[[str, str, int], bool]:
    return lambda w, n, done: w == what and name in n and done >= least


_BEFORE_ALL = _is("removing", "/installed.json")
_WITHIN = _is("writing", least=1)  # a file, or a block of ROM
_BEFORE_THE_MARKER = _is("writing", "/installed.json")
_AFTER_THE_MARKER = _is("installed")


@pytest.mark.parametrize(
    ("case", "point", "left"),
    [
        ("romfs", _BEFORE_ALL, "firmware"),
        ("romfs", _WITHIN, "nothing"),
        ("romfs", _BEFORE_THE_MARKER, "nothing"),
        ("romfs", _AFTER_THE_MARKER, "firmware"),
        ("files", _WITHIN, "nothing"),
        ("files", _BEFORE_THE_MARKER, "nothing"),
    ],
    indirect=["case"],
    ids=["rom-first", "rom-within", "rom-before-marker", "rom-after-marker", "files-within", "files-before-marker"],
)
async def test_power_is_cut(
    bench: Bench, case: Case, point: Callable[[str, str, int], bool], left: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(case.state, bench.state)
    loop = asyncio.get_running_loop()
    was_cut: list[str] = []

    async def runs(machine: Machine, after: int = 0) -> None:
        if case.rom:
            assert await bench.answer() == firmware.firmware_version()
        else:
            await machine.wait_for(GREETING, after=after)

    with monkeypatch.context() as patch:
        patch.setattr(devices, "_ANSWER_S", 3.0)
        patch.setattr(devices, "_RUN_S", 3.0)
        async with bench.machine() as machine:

            def cut(what: str, name: str, done: int, total: int) -> None:
                if not was_cut and point(what, name, done):
                    was_cut.append(f"{what} {name} {done}")
                    asyncio.run_coroutine_threadsafe(machine.kill(), loop).result(LIMIT_S)

            with pytest.raises(FlashError) as caught:
                await put_on(machine, case.new, case.rom, cut)
            assert caught.value.code == Code.LOST
    assert was_cut
    async with bench.machine() as machine:
        if left == "firmware":
            await runs(machine)
        else:
            await machine.wait_for(REFUSES)
            await machine.wait_for(">>> ")
        report = await put_on(machine, case.new, case.rom)
        assert report.build == load(case.new).build
        await runs(machine, machine.output.encode().rfind(b"soft reboot"))


async def test_the_tool_is_killed(bench: Bench, new: Path, case: Case) -> None:
    """The board keeps its power; the program that flashed it dies without a word."""
    shutil.copytree(case.state, bench.state)
    code = (
        "import sys, pathlib; from mpos.provision import device, firmware, flash\n"
        "with device.Device(sys.argv[1]) as d:\n"
        "    flash.flash(firmware.BOARDS['qemu_rv32'], pathlib.Path(sys.argv[2]), d, rom=False,"
        " progress=lambda what, name, done, total: print(what, name, done, flush=True))\n"
    )
    async with bench.machine() as machine:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, machine.console, str(new), stdout=asyncio.subprocess.PIPE
        )
        assert process.stdout is not None
        while not (line := await asyncio.wait_for(process.stdout.readline(), LIMIT_S)).startswith(
            b"writing /mpos/reader"
        ):
            assert line
        process.kill()
        assert await asyncio.wait_for(process.wait(), LIMIT_S) == -signal.SIGKILL
        report = await put_on(machine, new)
        assert report.written
        assert (
            "/mpos/main.mpy" in report.removed or "/mpos/board.mpy" in report.removed
        )  # what the tool had copied; now the ROM has it
        assert await bench.answer() == report.firmware


async def test_mounted_for_development(bench: Bench, new: Path) -> None:
    """`make mount`: the modules stay on the host, and the device imports them from there."""
    code = "from reader.app.version import VERSION; import reader.util.bcd as b; print(VERSION, b.__file__)"
    async with bench.machine() as machine:
        await machine.wait_for(">>> ")
        command = [
            sys.executable,
            "-m",
            "mpremote",
            "connect",
            machine.console,
            "mount",
            str(new / "mpy"),
            "exec",
            code,
        ]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(), LIMIT_S)
        finally:
            if process.returncode is None:
                process.kill()
    # Among its own words, in the order in which it empties its buffers
    assert f"{firmware.firmware_version()} reader/util/bcd.mpy" in said.decode().splitlines()
