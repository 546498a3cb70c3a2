"""The emulated board by itself: what it is, its heap, clock, entropy, primitives, resets."""

from __future__ import annotations

import ast
import time
from pathlib import Path

import pytest

from mpos.bench.qemu import Machine, MachineError, booted

_SECONDS_1970_TO_2000 = 946684800
_RV32IMC = 11  # mpy-cross's number of the architecture, in sys.implementation._mpy >> 10
_HEAP = 128 * 1024


async def _value(machine: Machine, expression: str, before: str = "") -> object:
    return ast.literal_eval(await machine.exec(f"{before}\nprint(repr(({expression})))"))


async def test_says_what_it_is(machine: Machine) -> None:
    assert "MicroPython v1.25.0" in machine.output
    assert await _value(machine, "sys.platform, os.uname()[4]", "import os, sys") == (
        "qemu",
        "mPOS emulated board with RV32IMC",
    )
    assert await _value(machine, "sys.implementation._mpy >> 10", "import sys") == _RV32IMC


async def test_heap_is_that_of_a_microcontroller(machine: Machine) -> None:
    used, free = await _value(machine, "gc.mem_alloc(), gc.mem_free()", "import gc; gc.collect()")  # type: ignore[misc]
    # The collector's own tables take one part in 33: two bits for each block of 16 bytes, one for finalisers
    assert _HEAP * 0.96 < used + free < _HEAP
    assert used < 2048
    with pytest.raises(MachineError, match="MemoryError"):
        await machine.exec(f"bytearray({_HEAP})")


async def test_recursion_ends_in_an_exception(machine: Machine) -> None:
    with pytest.raises(MachineError, match="RuntimeError: maximum recursion depth exceeded"):
        await machine.exec("def f(): f()\nf()")
    assert await _value(machine, "1 + 1") == 2


async def test_clock_is_right(machine: Machine) -> None:
    before = time.time()
    seconds, nanoseconds, *date = await _value(  # type: ignore[misc]
        machine, "(time.time(), time.time_ns()) + time.localtime()[:6]", "import time"
    )
    after = time.time()
    assert before - 2 < seconds + _SECONDS_1970_TO_2000 < after + 2
    assert before - 2 < nanoseconds / 1e9 + _SECONDS_1970_TO_2000 < after + 2
    assert date in [list(time.gmtime(moment)[:6]) for moment in range(int(before) - 2, int(after) + 3)]


async def test_sleeps_as_long_as_it_is_told(machine: Machine) -> None:
    code = "import time\nt = time.ticks_ms()\ntime.sleep_ms(120)\nprint(time.ticks_diff(time.ticks_ms(), t))"
    assert int(await machine.exec(code)) >= 120
    code = "import time\nt = time.ticks_us()\ntime.sleep_us(700)\nprint(time.ticks_diff(time.ticks_us(), t))"
    assert int(await machine.exec(code)) >= 700


async def test_entropy_is_new_at_each_start(tmp_path: Path) -> None:
    drawn = []
    for start in ("first", "second"):
        async with booted(tmp_path / start) as machine:
            drawn += ast.literal_eval(
                await machine.exec("import os\nprint([os.urandom(16), os.urandom(16), os.urandom(0), os.urandom(3)])")
            )
    assert [len(bytes_) for bytes_ in drawn] == [16, 16, 0, 3] * 2
    sixteens = [bytes_ for bytes_ in drawn if len(bytes_) == 16]
    assert len(set(sixteens)) == len(sixteens)


async def test_entropy_of_no_length(machine: Machine) -> None:
    with pytest.raises(MachineError, match="ValueError"):
        await machine.exec("import os\nos.urandom(-1)")


async def test_known_answers(machine: Machine) -> None:
    code = """
import cryptolib, hashlib
key, block = bytes(range(16)), bytes(range(0, 256, 17))
print(cryptolib.aes(key, 1).encrypt(block).hex())
print(hashlib.sha1(b"abc").digest().hex())
print(hashlib.sha256(b"abc").digest().hex())
print(hashlib.md5(b"abc").digest().hex())
counter = bytes.fromhex("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff")
key = bytes.fromhex("2b7e151628aed2a6abf7158809cf4f3c")
text = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
print(cryptolib.aes(key, 6, counter).encrypt(text).hex())
print(cryptolib.aes(key, 2, bytes(range(16))).encrypt(text).hex())
"""
    assert (await machine.exec(code)).split() == [
        "69c4e0d86a7b0430d8cdb78070b4c55a",  # FIPS 197, appendix C.1
        "a9993e364706816aba3e25717850c26c9cd0d89d",  # FIPS 180-4's example "abc"
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "900150983cd24fb0d6963f7d28e17f72",  # RFC 1321, A.5
        "874d6191b620e3261bef6864990db6ce",  # NIST SP 800-38A, F.5.1
        "7649abac8119b246cee98e9b12e9197d",  # NIST SP 800-38A, F.2.1
    ]


async def test_reset_starts_the_machine_anew(machine: Machine) -> None:
    assert await _value(machine, "machine.reset_cause() == machine.PWRON_RESET", "import machine") is True
    await machine.exec("left_behind = 1")
    mark = len(machine.output)
    await machine.write(b"import machine; machine.reset()\r")
    banner = await machine.wait_for("MicroPython v1.25.0", after=mark)
    await machine.wait_for(">>> ", after=banner)
    assert await _value(machine, "machine.reset_cause() == machine.HARD_RESET", "import machine") is True
    assert await _value(machine, "'left_behind' in globals()") is False


async def test_soft_reset_starts_the_interpreter_anew(machine: Machine) -> None:
    await machine.exec("left_behind = 1\nopen('/boot.py', 'w').write('print(6 * 7)')")
    mark = len(machine.output)
    await machine.write(b"\x04")
    reboot = await machine.wait_for("MPY: soft reboot\r\n42\r\n", after=mark)
    await machine.wait_for(">>> ", after=reboot)
    assert await _value(machine, "'left_behind' in globals()") is False
    assert await _value(machine, "machine.reset_cause() == machine.SOFT_RESET", "import machine") is True


async def test_control_c_stops_a_program(machine: Machine) -> None:
    for program in ("while True: pass", "import time; time.sleep(1000)", "import sys; sys.stdin.read(1)"):
        mark = len(machine.output)
        await machine.write(f"print('be' 'gun'); {program}\r".encode() if "while" not in program else b"")
        if "while" in program:
            await machine.write(b"\x05print('be' 'gun')\r" + program.encode() + b"\r\x04")  # paste mode
        begun = await machine.wait_for("begun", after=mark)
        await machine.write(b"\x03")
        raised = await machine.wait_for("KeyboardInterrupt", after=begun)
        await machine.wait_for(">>> ", after=raised)


async def test_control_c_behind_unread_input(machine: Machine) -> None:
    """A program that reads nothing is stopped all the same, whatever was typed before."""
    mark = len(machine.output)
    await machine.write(b"\x05print('be' 'gun')\rwhile True: pass\r\x04")
    begun = await machine.wait_for("begun", after=mark)
    await machine.write(b"x" * 5000 + b"\x03")
    await machine.wait_for("KeyboardInterrupt", after=begun)


async def test_a_fault_of_the_program_ends_the_machine(machine: Machine) -> None:
    """As on hardware a bad address is fatal; here the machine stops, and says where."""
    with pytest.raises(
        MachineError, match=r"(?s)the machine ended with 99.*exception: mcause=00000005.*mtval=00070000"
    ):
        await machine.exec("import machine\nmachine.mem32[0x70000]")
    assert not machine.is_running
