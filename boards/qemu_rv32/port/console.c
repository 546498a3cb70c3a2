// The console: REPL and standard streams over the machine's own UART.

#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "board.h"

#define CONSOLE_UART (0x10000000u)

static uart_t console = { .is_console = true };

void console_init(void) {
    uart_open(&console, CONSOLE_UART);
}

bool console_interrupt(void) {
    return uart_interrupt(&console);
}

// These take the places of the port's functions of the same names (micropython.mk), which poll.
uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t wanted);
int __wrap_mp_hal_stdin_rx_chr(void);
mp_uint_t __wrap_mp_hal_stdout_tx_strn(const char *text, size_t length);

uintptr_t __wrap_mp_hal_stdio_poll(uintptr_t wanted) {
    uintptr_t found = 0;
    if ((wanted & MP_STREAM_POLL_RD) && uart_available(&console)) {
        found |= MP_STREAM_POLL_RD;
    }
    if ((wanted & MP_STREAM_POLL_WR) && uart_is_writable(&console)) {
        found |= MP_STREAM_POLL_WR;
    }
    return found;
}

int __wrap_mp_hal_stdin_rx_chr(void) {
    uint8_t byte;
    while (!uart_read(&console, &byte, 1)) {
        mp_event_wait_indefinite();
    }
    return byte;
}

mp_uint_t __wrap_mp_hal_stdout_tx_strn(const char *text, size_t length) {
    size_t sent = 0;
    while ((sent += uart_write(&console, (const uint8_t *)text + sent, length - sent)) < length) {
        if (!uart_is_writable(&console)) {
            board_wait(10); // the host is slow to read
        }
    }
    return length;
}
