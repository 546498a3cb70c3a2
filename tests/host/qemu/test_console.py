"""The emulated board's console under the real mpremote, and the machine as a process."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mpos.bench.qemu import Machine, MachineError, booted

Mpremote = Callable[[Machine], Callable[..., Awaitable[str]]]


async def test_mpremote_executes(machine: Machine, mpremote: Mpremote) -> None:
    assert await mpremote(machine)("exec", "print(6 * 7)") == "42\n"
    assert await mpremote(machine)("eval", "'a' * 3") == "aaa\n"


async def test_mpremote_copies_both_ways(machine: Machine, mpremote: Mpremote, tmp_path: Path) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    original.write_bytes(bytes((i * i + i // 256) & 0xFF for i in range(20_000)))
    run = mpremote(machine)
    await run("fs", "cp", str(original), ":file")
    await run("fs", "cp", ":file", str(copy))
    assert copy.read_bytes() == original.read_bytes()
    assert "20000 file" in await run("fs", "ls")
    await run("fs", "rm", ":file")
    assert "file" not in (await run("fs", "ls")).replace("ls :", "")


async def test_mpremote_mounts_a_folder_of_the_host(machine: Machine, mpremote: Mpremote, tmp_path: Path) -> None:
    folder = tmp_path / "mounted"
    folder.mkdir()
    (folder / "there.py").write_text("x = 'on the host'\n")
    said = await mpremote(machine)("mount", str(folder), "exec", "import there; print(there.x)")
    assert "on the host" in said


async def test_mpremote_resets(machine: Machine, mpremote: Mpremote) -> None:
    run = mpremote(machine)
    await run("exec", "left_behind = 1")
    assert await run("resume", "exec", "print('left_behind' in globals())") == "True\n"
    assert await run("soft-reset", "exec", "print('left_behind' in globals())") == "False\n"
    mark = len(machine.output)
    await run("reset")
    await machine.wait_for("MicroPython v1.25.0", after=mark)


async def test_output_is_kept_whoever_listens(machine: Machine, mpremote: Mpremote) -> None:
    assert await machine.exec("print('to nobody')") == "to nobody\n"
    await mpremote(machine)("exec", "print('to ' + 'mpremote')")
    assert "to mpremote" in machine.output
    assert await machine.exec("print('to nobody again')") == "to nobody again\n"


async def test_long_output_arrives_whole(machine: Machine, mpremote: Mpremote) -> None:
    """More than a terminal holds: the machine waits for a reader, and nothing is dropped."""
    said = await mpremote(machine)("exec", "for i in range(3000): print('line', i)")
    assert said.splitlines() == [f"line {i}" for i in range(3000)]


async def test_exception_of_the_code(machine: Machine) -> None:
    with pytest.raises(MachineError, match=r"(?s)Traceback.*ZeroDivisionError"):
        await machine.exec("1 / 0")
    assert await machine.exec("print(1)") == "1\n"


async def test_code_that_takes_too_long(machine: Machine) -> None:
    with pytest.raises(MachineError, match=r"did not say .* in time"):
        await machine.exec("while True: pass", limit_s=0.3)
    assert await machine.exec("print(1)") == "1\n"  # the next one interrupts it


async def test_killed_machine(machine: Machine) -> None:
    waiting = asyncio.create_task(machine.wait_for("never said"))
    await machine.kill()
    with pytest.raises(MachineError, match="the machine ended"):
        await waiting
    assert not machine.is_running
    await machine.kill()  # a second time is no error


async def test_nothing_is_left_behind(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="in the block"):
        async with booted(tmp_path) as machine:
            pid, console = machine.pid, Path(machine.console)
            assert console.exists()
            raise RuntimeError("in the block")
    assert not Path(f"/proc/{pid}").exists()
    assert not console.exists()


async def test_nothing_is_left_behind_by_a_killed_process(tmp_path: Path) -> None:
    script = f"""
import asyncio, pathlib
from mpos.bench.qemu import booted
async def main():
    async with booted(pathlib.Path({str(tmp_path)!r})) as machine:
        print(machine.pid, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""
    owner = await asyncio.create_subprocess_exec(sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE)
    try:
        assert owner.stdout is not None
        pid = int(await asyncio.wait_for(owner.stdout.readline(), 30))
        assert Path(f"/proc/{pid}").exists()
    finally:
        owner.kill()
        await owner.wait()
    async with asyncio.timeout(10):
        while _is_alive(pid):
            await asyncio.sleep(0.01)
    async with booted(tmp_path) as machine:
        assert machine.is_running


def _is_alive(pid: int) -> bool:
    """Neither gone nor a zombie that nobody has waited for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_two_machines_at_once(tmp_path: Path) -> None:
    async with booted(tmp_path / "a") as first, booted(tmp_path / "b") as second:
        assert first.console != second.console
        code = "with open('/who', 'w') as f:\n    f.write('{}')"
        await asyncio.gather(first.exec(code.format("a")), second.exec(code.format("b")))
        assert [await machine.exec("print(open('/who').read())") for machine in (first, second)] == ["a\n", "b\n"]


async def test_one_flash_is_not_for_two_machines(tmp_path: Path) -> None:
    async with booted(tmp_path):
        with pytest.raises(MachineError, match="is in use by another machine"):
            async with booted(tmp_path):
                pass
