"""Instruction counts: the same in each run, and none of them for sleeping. And the host's core while it waits."""

from __future__ import annotations

import ast
import asyncio
import os
from pathlib import Path

from mpos.bench.qemu import booted

_WORK = """
import gc, rv
def work():
    s = 0
    for i in range(1000):
        s = (s * 31 + i) & 0xFFFF
    return s
rv.count(work)
gc.collect()
print([rv.count(work) for _ in range(3)])
"""


async def test_counts_are_the_same_in_each_run(tmp_path: Path) -> None:
    counts = []
    for start in ("first", "second"):
        async with booted(tmp_path / start, icount=True) as machine:
            counts.append(ast.literal_eval(await machine.exec(_WORK)))
    assert counts[0] == counts[1]
    assert len(set(counts[0])) == 1
    instructions, result = counts[0][0]
    expected = 0
    for i in range(1000):
        expected = (expected * 31 + i) & 0xFFFF
    assert result == expected
    assert 100_000 < instructions < 1_000_000  # a few hundred for each turn of a loop of bytecode


async def test_counts_are_those_of_the_instructions(tmp_path: Path) -> None:
    """A loop of known length in native code: ten times as often is ten times as many, to the instruction."""
    code = """
import rv
@micropython.asm_rv32
def loop(a0):
    label(again)
    addi(a0, a0, -1)
    bne(a0, zero, again)
def measure(n):
    return rv.count(lambda: loop(n))[0]
measure(1)
print(measure(1001) - measure(1), measure(10001) - measure(1))
"""
    async with booted(tmp_path, icount=True) as machine:
        thousand, ten_thousand = map(int, (await machine.exec(code)).split())
    assert (thousand, ten_thousand) == (2 * 1000, 2 * 10000)


async def test_sleeping_counts_for_nothing(tmp_path: Path) -> None:
    code = "import rv, time\nprint(rv.count(lambda: time.sleep_ms(200))[0], rv.instret() > 0)"
    for sleep in (False, True):
        async with booted(tmp_path / str(sleep), icount=True, sleep=sleep) as machine:
            count, running = (await machine.exec(code)).split()
            assert int(count) < 20_000  # 200 ms are 200 million instructions of this machine
            assert running == "True"


async def test_a_machine_that_waits_leaves_the_host_alone(tmp_path: Path) -> None:
    """At the prompt, in a sleep and in asyncio: far less than a tenth of a core."""
    programs = ("", "import time; time.sleep(100)", "import asyncio; asyncio.run(asyncio.sleep(100))")
    for options in ({}, {"icount": True, "sleep": True}):
        async with booted(tmp_path, **options) as machine:
            for program in programs:
                await machine.write(program.encode() + b"\r")
                await asyncio.sleep(0.1)
                before = _processor_time(machine.pid)
                await asyncio.sleep(0.4)
                used = _processor_time(machine.pid) - before
                assert used < 0.1 * 0.4, f"{used} s in {program!r} with {options}"
                await machine.write(b"\x03")


def _processor_time(pid: int) -> float:
    """Seconds that a process has used, all its threads together (proc(5), fields 14 and 15 of stat)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
