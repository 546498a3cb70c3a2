"""A device for flashing tests: MicroPython's unix port at a terminal, with the raw prompt and the flash of a board.

    micropython repl_board.py SETTINGS.json raw|friendly

File system, compiler and .mpy loader are MicroPython's own. Ends with 10 or 11 for a reset into that mode; whoever
started it starts it again. The settings:

    flash      file with the flash, which survives a kill: first the ROM partition, then the file system
    rom        blocks of the ROM partition, 0: there is none
    blocks     blocks of the file system
    erase      "block", or "whole": the ROM partition is erased as one (a port whose vfs.rom_ioctl writes)
    name, version, mpy, machine, platform    what it claims to be
    frozen     it has a firmware frozen into it
    worn       text that never arrives right
    says       what it says in place of any answer
"""

import builtins
import io
import json
import sys

import vfs

_BLOCK = 4096
_RAW, _FRIENDLY = 10, 11
_WINDOW = 2048


class Storage:
    """Blocks of 4 KB in a file."""

    def __init__(self, file, first, count):
        self._file = file
        self._start = first * _BLOCK
        self._count = count

    def readblocks(self, number, buffer, offset=0):
        self._file.seek(self._start + number * _BLOCK + offset)
        self._file.readinto(buffer)

    def writeblocks(self, number, buffer, offset=0):
        self._file.seek(self._start + number * _BLOCK + offset)
        self._file.write(buffer)
        self._file.flush()

    def ioctl(self, request, argument):
        if request == 6:
            self.writeblocks(argument, b"\xff" * _BLOCK)
        return {4: self._count, 5: _BLOCK}.get(request, 0)


class RomBuffer(bytearray):
    """A partition that can be read as a buffer, as VfsRom wants it."""

    def attach(self, storage):
        self.storage = storage

    def put(self, offset, data):
        for i in range(len(data)):  # NOR flash: a write only clears bits
            self[offset + i] &= data[i]
        self.storage.writeblocks(0, self)

    def erase(self, offset, size):
        for i in range(offset, offset + size):
            self[i] = 0xFF
        self.storage.writeblocks(0, self)


class RomBlocks(RomBuffer):
    """The same, erased by blocks: what the esp32 port's Partition is."""

    def ioctl(self, request, argument):
        if request == 6:
            self.erase(argument * _BLOCK, _BLOCK)
        return {4: len(self) // _BLOCK, 5: _BLOCK}.get(request, 0)

    def writeblocks(self, number, buffer, offset):
        self.put(number * _BLOCK + offset, buffer)


class Over:
    """A module with some names of our own in it."""

    def __init__(self, module, **names):
        self._module = module
        for name, value in names.items():
            setattr(self, name, value)

    def __getattr__(self, name):
        return getattr(self._module, name)


def reset(mode):
    sys.exit(mode)


def rom_module(settings, file):
    count = settings["rom"]
    if not count:
        return vfs
    storage = Storage(file, 0, count)
    rom = (RomBlocks if settings["erase"] == "block" else RomBuffer)(count * _BLOCK)
    storage.readblocks(0, rom)
    rom.attach(storage)

    def rom_ioctl(request, *arguments):
        if request == 1:
            return 1
        if request == 2:
            return rom
        if request == 3:
            rom.erase(0, len(rom))
            return 4
        if request == 4:
            rom.put(arguments[1], arguments[2])
        return 0

    if rom[:3] == b"\xd2\xcd\x31":
        vfs.mount(vfs.VfsRom(rom), "/rom")
        sys.path[:] = ["", ".frozen", "/rom", "/lib"]
    return Over(vfs, rom_ioctl=rom_ioctl)


def set_up(settings):
    file = open(settings["flash"], "r+b")
    storage = Storage(file, settings["rom"], settings["blocks"])
    sys.path[:] = ["", ".frozen", "/lib"]
    vfs.umount("/")
    try:
        vfs.mount(vfs.VfsLfs2(storage), "/")
    except OSError:
        vfs.VfsLfs2.mkfs(storage)
        vfs.mount(vfs.VfsLfs2(storage), "/")
    sys.modules["vfs"] = rom_module(settings, file)

    class Implementation:
        _mpy = settings["mpy"] or sys.implementation._mpy
        _machine = settings["machine"]

        def __getitem__(self, index):
            return (settings["name"], settings["version"])[index]

    sys.modules["sys"] = Over(sys, implementation=Implementation(), platform=settings["platform"])
    if settings["frozen"]:
        sys.modules["reader"] = True
    import binascii

    worn = settings["worn"]

    def a2b_base64(data):
        return binascii.a2b_base64(data)

    sys.modules["binascii"] = Over(binascii, a2b_base64=a2b_base64)
    if worn:
        import deflate

        class DeflateIO:
            def __init__(self, *arguments):
                self._stream = deflate.DeflateIO(*arguments)

            def read(self):
                return self._stream.read().replace(worn.encode(), b"?" * len(worn))

        sys.modules["deflate"] = Over(deflate, DeflateIO=DeflateIO)


def read():
    byte = sys.stdin.buffer.read(1)
    if not byte:
        sys.exit(1)
    return byte


def write(data):
    sys.stdout.buffer.write(data)


def run_forever():
    """What a firmware of the tests does when it has started: only ctrl-C ends it."""
    while read() != b"\x03":
        pass
    raise KeyboardInterrupt


def run_file(name, names):
    try:
        with open(name) as file:
            text = file.read()
    except OSError:
        return
    try:
        exec(text, names)
    except BaseException as error:
        if isinstance(error, SystemExit):
            raise
        sys.print_exception(error)


def friendly():
    write(b"MicroPython of the tests\r\n>>> ")
    while True:
        byte = read()
        if byte == b"\x01":
            return
        if byte == b"\x04":
            write(b"\r\nMPY: soft reboot\r\n")
            reset(_FRIENDLY)
        if byte in b"\x02\x03\r":
            write(b"\r\n>>> ")


def paste():
    """Raw-paste mode: the text, or None when it was given up."""
    write(b"R\x01" + bytes((_WINDOW & 0xFF, _WINDOW >> 8)))
    line = bytearray()
    while True:
        byte = read()
        if byte == b"\x03":
            return None
        if byte == b"\x04":
            write(b"\x04")
            return bytes(line)
        line += byte
        if not len(line) % _WINDOW:
            write(b"\x01")


def run(line, names):
    said = io.StringIO()
    try:
        exec(line, names)
    except Exception as error:
        sys.print_exception(error, said)
    write(b"\x04" + said.getvalue().encode() + b"\x04>")


def raw(names):
    write(b"raw REPL; CTRL-B to exit\r\n>")
    line = b""
    while True:
        byte = read()
        if byte == b"\x02":
            return
        if byte == b"\x03":
            line = b""
        elif byte == b"\x01":
            if line == b"\x05A":
                line = paste()
                if line is not None:
                    run(line, names)
            else:
                write(b"raw REPL; CTRL-B to exit\r\n>")
            line = b""
        elif byte != b"\x04":
            line += byte
        elif not line:
            write(b"OK\r\nMPY: soft reboot\r\n")
            reset(_RAW)
        else:
            write(b"OK")
            run(line, names)
            line = b""


def main():
    with open(sys.argv[1]) as file:
        settings = json.load(file)
    if settings["says"] is not None:
        while True:
            read()
            write(settings["says"].encode())
    set_up(settings)
    builtins.run_forever = run_forever
    names = {"__name__": "__main__"}
    run_file("boot.py", names)
    if sys.argv[2] == "friendly":
        run_file("main.py", names)
    else:
        raw(names)
    while True:
        friendly()
        raw(names)


main()
