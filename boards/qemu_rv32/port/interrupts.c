// Interrupts, exceptions, and the wait that lets the processor (and so the host's core) sleep.

#include <stdio.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "board.h"

// Core-local interruptor and platform interrupt controller of QEMU's `virt` machine (hw/riscv/virt.c)
#define CLINT_COMPARE (0x02004000u)
#define PLIC (0x0c000000u)
#define PLIC_PRIORITY(source) (PLIC + 4 * (source))
#define PLIC_ENABLE(source) (PLIC + 0x2000 + (source) / 32 * 4)
#define PLIC_THRESHOLD (PLIC + 0x200000)
#define PLIC_CLAIM (PLIC + 0x200004)
enum { SOURCE_CONSOLE = 10, SOURCE_PCI_FIRST = 32, SOURCE_PCI_LAST = 35 };

#define CAUSE_INTERRUPT (0x80000000u)
#define CAUSE_TIMER (CAUSE_INTERRUPT | 7)
#define CAUSE_EXTERNAL (CAUSE_INTERRUPT | 11)

static volatile bool event;

void board_event(void) {
    event = true;
}

static void external(void) {
    uint32_t source;
    while ((source = REG32(PLIC_CLAIM)) != 0) {
        // QEMU's controller sees edges, and several causes share one signal: it must have been low once, which is
        // sure when nothing was found to do for any of them.
        while (source == SOURCE_CONSOLE ? console_interrupt() : lines_interrupt()) {
        }
        board_event();
        REG32(PLIC_CLAIM) = source;
    }
}

__attribute__((noreturn)) static void exception(uint32_t cause) {
    // The program itself is at fault: say where, and stop the machine with an error that the host sees.
    static const char names[][9] = {"mcause", "mepc", "mtval"};
    uint32_t values[] = {cause, CSR_READ(mepc), CSR_READ(mtval)};
    for (unsigned i = 0; i < MP_ARRAY_SIZE(names); i++) {
        mp_printf(&mp_plat_print, "%s %s=%08x", i ? "" : "\r\nexception:", names[i], (unsigned)values[i]);
    }
    mp_print_str(&mp_plat_print, "\r\n");
    board_power_off(99);
}

__attribute__((interrupt("machine"), aligned(4))) static void trap(void) {
    uint32_t cause = CSR_READ(mcause);
    if (cause == CAUSE_EXTERNAL) {
        external();
    } else if (cause == CAUSE_TIMER) {
        CSR_CLEAR(mie, MIE_TIMER);
        board_event();
    } else {
        exception(cause);
    }
}

static void enable_source(unsigned source) {
    REG32(PLIC_PRIORITY(source)) = 1;
    REG32(PLIC_ENABLE(source)) |= 1u << source % 32;
}

void interrupts_init(void) {
    interrupts_off();
    __asm volatile ("csrw mtvec, %0" :: "r" ((uintptr_t)trap));
    enable_source(SOURCE_CONSOLE);
    for (unsigned source = SOURCE_PCI_FIRST; source <= SOURCE_PCI_LAST; source++) {
        enable_source(source);
    }
    REG32(PLIC_THRESHOLD) = 0;
    __asm volatile ("csrw mie, %0" :: "r" (MIE_EXTERNAL));
    interrupts_restore(MSTATUS_MIE);
}

uint32_t interrupts_off(void) {
    uint32_t before;
    __asm volatile ("csrrc %0, mstatus, %1" : "=r" (before) : "r" (MSTATUS_MIE) : "memory");
    return before;
}

void interrupts_restore(uint32_t before) {
    CSR_SET(mstatus, before & MSTATUS_MIE);
}

static void set_alarm(uint64_t at) {
    REG32(CLINT_COMPARE + 4) = UINT32_MAX; // never early while the halves are written
    REG32(CLINT_COMPARE) = (uint32_t)at;
    REG32(CLINT_COMPARE + 4) = (uint32_t)(at >> 32);
}

void board_wait(unsigned timeout_ms) {
    if (timeout_ms == 0) {
        return;
    }
    interrupts_off();
    if (!event) {
        if (timeout_ms != (unsigned)-1) {
            set_alarm(clock_ticks() + (uint64_t)timeout_ms * CLOCK_TICKS_PER_MS);
            CSR_SET(mie, MIE_TIMER);
        }
        uint64_t before = clock_raw_instructions();
        __asm volatile ("wfi" ::: "memory"); // wakes with interrupts off too
        clock_slept(clock_raw_instructions() - before);
        interrupts_restore(MSTATUS_MIE); // what woke it is handled here
        interrupts_off();
        CSR_CLEAR(mie, MIE_TIMER);
    }
    event = false; // whoever waited looks at everything now
    interrupts_restore(MSTATUS_MIE);
}
