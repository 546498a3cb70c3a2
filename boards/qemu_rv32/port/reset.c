// Reset and power off, through the machine's test device. QEMU loads the program anew at a reset; RAM stays.

#include "py/mphal.h"
#include "py/mpprint.h"
#include "board.h"
#include "reset.h"

#define TEST_DEVICE (0x00100000u)
enum { TEST_RESET = 0x7777, TEST_PASS = 0x5555, TEST_FAIL = 0x3333 };

// RAM is zero at power-on, and a reset does not clear this word (memory.ld)
extern uint32_t _was_running;
#define WAS_RUNNING (0x6d504f53u)
static int cause;

void reset_note_start(void) {
    cause = _was_running == WAS_RUNNING ? RESET_CAUSE_HARD : RESET_CAUSE_POWER_ON;
    _was_running = WAS_RUNNING;
}

void reset_note_soft(void) {
    cause = RESET_CAUSE_SOFT;
}

int reset_cause(void) {
    return cause;
}

static __attribute__((noreturn)) void tell_test_device(uint32_t what) {
    interrupts_off();
    REG32(TEST_DEVICE) = what;
    for (;;) {
        __asm volatile ("wfi");
    }
}

void board_reset(void) {
    tell_test_device(TEST_RESET);
}

void board_power_off(unsigned code) {
    tell_test_device(code ? code << 16 | TEST_FAIL : TEST_PASS);
}

// The port ends here when an exception is caught by nobody, and the C library when an assertion fails.
void __wrap_exit(int status);
void __wrap_exit(int status) {
    mp_printf(&mp_plat_print, "\r\nthe program ended: exit(%d)\r\n", status);
    board_power_off(status & 0x7f ? status & 0x7f : 1);
}
