# The board's own C, as a user module. Its parts replace the port's: main, the console, exit.
QEMU_RV32_DIR := $(USERMOD_DIR)

SRC_USERMOD_C += $(addprefix $(QEMU_RV32_DIR)/, \
	clock.c \
	console.c \
	flash.c \
	interrupts.c \
	lines.c \
	main.c \
	pci.c \
	reset.c \
	rv.c \
	uart.c \
	)

LDFLAGS_USERMOD += $(patsubst %,-Xlinker --wrap=%, \
	main \
	exit \
	mp_hal_stdin_rx_chr \
	mp_hal_stdio_poll \
	mp_hal_stdout_tx_strn \
	)
