# The emulated microcontroller: QEMU's riscv32 `virt` machine, as a board of MicroPython's qemu port, out of its tree.
# `make setup TARGET=qemu` builds it (boards/toolchain/qemu.py) and passes USER_C_MODULES, where port/ is one module.

QEMU_ARCH = riscv32
QEMU_MACHINE = virt
LDSCRIPT = $(BOARD_DIR)/memory.ld

# The instruction set of an ESP32-C3. With the older ISA specification the CSR instructions belong to "i", which is
# how Debian's gcc names the C library that it has for this processor.
RV32_ARCH = rv32imc -misa-spec=2.2
MPY_CROSS_FLAGS += -march=rv32imc
SRC_BOARD_O += shared/runtime/gchelper_native.o shared/runtime/gchelper_rv32i.o
SRC_C += shared/timeutils/timeutils.c

MICROPY_HEAP_SIZE = 131072
MICROPY_VFS_LFS2 = 1
FROZEN_MANIFEST = $(BOARD_DIR)/manifest.py

CFLAGS += -DQEMU_SOC_VIRT -I$(BOARD_DIR) -DMP_CONFIGFILE='"mpconfigboard.h"'
# As MicroPython's esp32 port. The port's own -Os stands before it on the command line.
CFLAGS_EXTRA += -O2
