"""The emulated board's flash: files that survive, images run in place, and NOR flash's own ways."""

from __future__ import annotations

import ast
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from mpremote.romfs import make_romfs

from mpos.bench.qemu import ROM_SIZE, Machine, MachineError, booted
from mpos.provision.compile import compile_tree

Mpremote = Callable[[Machine], Callable[..., Awaitable[str]]]


def _image(folder: Path, **modules: str) -> Path:
    """A ROMFS image of compiled modules."""
    for name, text in modules.items():
        source = folder / "source" / "rom" / f"{name}.py"
        source.parent.mkdir(parents=True, exist_ok=True)
        source.write_text(text)
    compile_tree(folder / "compiled", "rv32imc", base=folder / "source", trees=("rom",))
    image = folder / "rom.img"
    image.write_bytes(make_romfs(str(folder / "compiled" / "rom"), mpy_cross=False))
    return image


async def test_files_survive_a_restart(tmp_path: Path) -> None:
    async with booted(tmp_path) as machine:
        await machine.exec("with open('/kept', 'wb') as f:\n    f.write(bytes(range(256)) * 40)")
        await machine.kill()
        assert not machine.is_running
    async with booted(tmp_path) as machine:
        code = "d = open('/kept', 'rb').read()\nprint(len(d), d == bytes(range(256)) * 40)"
        assert await machine.exec(code) == "10240 True\n"


async def test_power_cut_while_writing(tmp_path: Path) -> None:
    """Cut at several points of a series of writes, the file system mounts, and a file is one of those written."""
    write = (
        "n = 0\nwhile True:\n    n += 1\n    with open('/n', 'w') as f:\n        f.write(str(n) * 400)\n    print(n)\n"
    )
    async with booted(tmp_path) as machine:
        await machine.exec("with open('/n', 'w') as f:\n    f.write('0' * 400)")
    for last in (3, 8, 17):
        async with booted(tmp_path) as machine:
            await machine.write(b"\x05" + write.replace("\n", "\r").encode() + b"\x04")
            await machine.wait_for(f"\n{last}\r\n")
            await machine.kill()
            said = machine.output
        async with booted(tmp_path) as machine:
            text = await machine.exec("print(open('/n').read())")
        number = int(text[: len(text.strip()) // 400])
        assert text.strip() == str(number) * 400
        # The last line may be cut too: of the whole ones, and what was under way behind it
        whole = int(said[: said.rindex("\r\n")].split()[-1])
        assert last <= number <= whole + 2


async def test_module_runs_in_place_from_the_image(tmp_path: Path) -> None:
    """Its bytecode and constants take no heap: 8 KB of a constant are imported for a few hundred bytes."""
    image = _image(tmp_path, big=f"DATA = {bytes(range(256)) * 32!r}\ndef answer():\n    return 42\n")
    async with booted(tmp_path / "board", rom=image) as machine:
        assert ast.literal_eval(await machine.exec("import sys\nprint(sys.path)")) == [
            "",
            ".frozen",
            "/rom",
            "/rom/lib",
            "/lib",
        ]
        code = "import gc\ngc.collect()\na = gc.mem_alloc()\nimport big\ngc.collect()\nprint(gc.mem_alloc() - a)"
        assert int(await machine.exec(code)) < 1500
        assert await machine.exec("import big\nprint(big.__file__, len(big.DATA), big.answer())") == (
            "/rom/big.mpy 8192 42\n"
        )
    async with booted(tmp_path / "board") as machine:  # and the image stays
        assert await machine.exec("import big\nprint(big.answer())") == "42\n"


async def test_native_code_in_the_image(tmp_path: Path) -> None:
    text = """
@micropython.viper
def mix(data: ptr8, n: int) -> int:
    s = 0
    t = 1
    for i in range(n):
        s = (s + int(data[i])) & 0xFFFF
        t = (t ^ (s << (i & 7))) & 0xFFFF
    return s << 8 ^ t

def plain(data, n):
    s = 0
    t = 1
    for i in range(n):
        s = (s + int(data[i])) & 0xFFFF
        t = (t ^ (s << (i & 7))) & 0xFFFF
    return s << 8 ^ t
"""
    async with booted(tmp_path / "board", rom=_image(tmp_path, mixer=text)) as machine:
        code = "import mixer\nd = bytes(range(200))\nprint(mixer.mix(d, 200) == mixer.plain(d, 200), mixer.mix(d, 9))"
        same, value = (await machine.exec(code)).split()
        assert same == "True"
        assert int(value) != 0


async def test_program_is_started_from_the_file_system(tmp_path: Path, mpremote: Mpremote) -> None:
    """boot.py and main.py, as on an ESP32; they can load the rest from the image. mpremote starts without main.py."""
    image = _image(tmp_path, program="print('from the image')\n")
    async with booted(tmp_path / "board", rom=image) as machine:
        assert "from the image" not in machine.output
        code = "for n, t in (('boot', 'print(1)'), ('main', 'import program')):\n    with open(n + '.py', 'w') as f:\n        f.write(t)"
        await machine.exec(code)
    async with booted(tmp_path / "board") as machine:
        assert "1\r\nfrom the image\r\nMicroPython" in machine.output
        mark = len(machine.output)
        await mpremote(machine)("soft-reset", "eval", "2 * 3")
        assert "\n1\r\n" in machine.output[mark:]
        assert "from the image" not in machine.output[mark:]


async def test_mpremote_deploys_an_image(machine: Machine, mpremote: Mpremote, tmp_path: Path) -> None:
    image = _image(tmp_path, deployed="print('deployed')\n")
    said = await mpremote(machine)("romfs", "deploy", str(image))
    assert "ROMFS image deployed" in said or "success" in said.lower(), said
    assert (await mpremote(machine)("soft-reset", "exec", "import deployed")).endswith("deployed\n")
    assert machine.flash.read_bytes().startswith(image.read_bytes())


async def test_image_that_is_too_large(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(bytes(ROM_SIZE + 1))
    with pytest.raises(MachineError, match="1048577 bytes, the ROM region 1048576"):
        async with Machine(tmp_path / "board", rom=image):
            pass


async def test_writing_clears_bits_and_erasing_sets_them(machine: Machine) -> None:
    code = """
import flash
rom = flash.rom
b = bytearray(4)
rom.ioctl(6, 3)
rom.writeblocks(3, b"\\xf0\\x0f", 8)
rom.writeblocks(3, b"\\x3c\\x3c", 8)
rom.readblocks(3, b, 7)
print(b.hex())
rom.writeblocks(3, bytes(4096))
rom.readblocks(3, b, 4092)
print(b.hex())
rom.ioctl(6, 3)
rom.readblocks(3, b, 4092)
print(b.hex(), rom.ioctl(4, 0), rom.ioctl(5, 0), rom.ioctl(6, 256), rom.ioctl(9, 0))
"""
    assert (await machine.exec(code)).splitlines() == ["ff300cff", "00000000", "ffffffff 256 4096 -22 None"]


@pytest.mark.parametrize(
    "call", ["{0}, b", "-1, b", "0, b, -1", "{0} - 1, b, 4093", "0, b, {0} * 4096", "0, b, 2000000000"]
)
@pytest.mark.parametrize("region", ["rom", "storage", "keys", "journal"])
async def test_outside_the_region(machine: Machine, call: str, region: str) -> None:
    """None reaches into its neighbour."""
    code = f"import flash\nb = bytearray(4)\nr = flash.{region}\nn = r.ioctl(4, 0)\n"
    for name in ("readblocks", "writeblocks"):
        with pytest.raises(MachineError, match=r"OSError: .*EINVAL"):
            await machine.exec(code + f"r.{name}({call.format('n')})")


async def test_the_regions_are_these(machine: Machine) -> None:
    code = "import flash\nprint([r.ioctl(4, 0) for r in (flash.rom, flash.storage, flash.keys, flash.journal)])"
    assert await machine.exec(code) == "[256, 512, 16, 8]\n"


async def test_storage_is_no_buffer(machine: Machine) -> None:
    """What changes under a file system is not to be looked at directly; and nobody writes through the ROM's buffer."""
    with pytest.raises(MachineError, match="TypeError: object with buffer protocol required"):
        await machine.exec("import flash\nmemoryview(flash.storage)")
    assert await machine.exec("import flash\nprint(len(memoryview(flash.rom)))") == f"{ROM_SIZE}\n"
    with pytest.raises(MachineError, match="TypeError"):
        await machine.exec("import flash\nmemoryview(flash.rom)[0] = 1")


async def test_a_foreign_file_system_is_not_erased(tmp_path: Path) -> None:
    async with booted(tmp_path) as machine:
        await machine.exec("import flash\nfor b in (0, 1):\n    flash.storage.writeblocks(b, b'not ours' * 512)")
    async with booted(tmp_path) as machine:
        assert "flash: no file system that can be mounted" in machine.output
        code = "import flash\nb = bytearray(8)\nflash.storage.readblocks(0, b)\nprint(b)"
        assert await machine.exec(code) == "bytearray(b'not ours')\n"


async def test_rom_segments(machine: Machine) -> None:
    code = "import flash, vfs\nprint(vfs.rom_ioctl(1), vfs.rom_ioctl(2, 0) is flash.rom, vfs.rom_ioctl(2, 1), vfs.rom_ioctl(7))"
    assert await machine.exec(code) == "1 True -22 -22\n"
