"""What `make setup` runs: everything the rest of the project needs, made on a machine that has nothing of it.

Standard library only, because it runs before the virtual environment exists. `python3 -m boards.toolchain` from the
top of the clone. One file per thing that is made: venv, sources, sysroot, unix (the MicroPython builds), aioble; with
TARGET=qemu also riscv and qemu (the emulated microcontroller).
"""
