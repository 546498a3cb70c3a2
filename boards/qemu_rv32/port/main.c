// What the board does from power-on: its devices, then MicroPython over and over, as the esp32 port does.

#include "py/gc.h"
#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stackctrl.h"
#include "shared/readline/readline.h"
#include "shared/runtime/pyexec.h"
#include "board.h"
#include "reset.h"

extern uint8_t _sstack, _estack;
static uint8_t heap[MICROPY_HEAP_SIZE] __attribute__((aligned(16)));

enum { STACK_RESERVE = 1024 }; // for C that does not check, and for interrupts

static void run_scripts(void) {
    pyexec_frozen_module("_boot.py", false);
    if (pyexec_file_if_exists("boot.py") & PYEXEC_FORCED_EXIT) {
        return;
    }
    if (pyexec_mode_kind == PYEXEC_MODE_FRIENDLY_REPL) { // else mpremote asked for a start without the program
        if (pyexec_file_if_exists("main.py") & PYEXEC_FORCED_EXIT) {
            return;
        }
    }
    while ((pyexec_mode_kind == PYEXEC_MODE_RAW_REPL ? pyexec_raw_repl() : pyexec_friendly_repl()) == 0) {
    }
}

// Takes the place of the port's main (micropython.mk).
int __wrap_main(int argc, char **argv);
int __wrap_main(int argc, char **argv) {
    reset_note_start();
    console_init();
    lines_init();
    flash_init();
    interrupts_init();
    for (;;) {
        mp_stack_ctrl_init();
        mp_stack_set_limit(&_estack - &_sstack - STACK_RESERVE);
        gc_init(heap, heap + sizeof(heap));
        mp_init();
        mp_obj_list_append(mp_sys_path, MP_OBJ_NEW_QSTR(qstr_from_str("/lib")));
        readline_init0();
        run_scripts();
        mp_hal_stdout_tx_str("MPY: soft reboot\r\n");
        gc_sweep_all();
        mp_deinit();
        reset_note_soft();
    }
}
