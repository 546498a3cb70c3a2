// The parts of QEMU's riscv32 `virt` machine that this board uses, and what its C files offer each other.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REG8(address) (*(volatile uint8_t *)(address))
#define REG16(address) (*(volatile uint16_t *)(address))
#define REG32(address) (*(volatile uint32_t *)(address))

#define CSR_READ(name) ({ uint32_t value_; __asm volatile ("csrr %0, " #name : "=r" (value_)); value_; })
#define CSR_SET(name, bits) __asm volatile ("csrs " #name ", %0" :: "r" (bits) : "memory")
#define CSR_CLEAR(name, bits) __asm volatile ("csrc " #name ", %0" :: "r" (bits) : "memory")

#define MSTATUS_MIE (1u << 3)
#define MIE_TIMER (1u << 7)
#define MIE_EXTERNAL (1u << 11)

// interrupts.c
void interrupts_init(void);
uint32_t interrupts_off(void); // returns what interrupts_restore takes
void interrupts_restore(uint32_t before);
void board_wait(unsigned timeout_ms); // until something happens, at most so long; (unsigned)-1: no limit
void board_event(void); // called by handlers: something happened, the next board_wait returns at once

// clock.c
uint64_t clock_ticks(void); // 10 MHz, since the start
#define CLOCK_TICKS_PER_MS (10000)
uint64_t clock_instructions(void); // retired since the start, without what passed while the processor slept
void clock_slept(uint64_t instructions);
uint64_t clock_raw_instructions(void);

// uart.c: a 16550 with a ring in front of it that its interrupt fills
typedef struct {
    uintptr_t base;
    bool is_console; // looks for the interrupt character
    volatile uint8_t enabled; // copy of the interrupt enable register
    volatile uint32_t in, out; // count up for ever; the ring's index is the remainder
    uint8_t ring[2048];
} uart_t;
void uart_open(uart_t *uart, uintptr_t base);
bool uart_interrupt(uart_t *uart); // false: there was nothing to do
size_t uart_available(const uart_t *uart);
size_t uart_read(uart_t *uart, uint8_t *into, size_t size);
size_t uart_write(uart_t *uart, const uint8_t *from, size_t size); // what it takes at once
bool uart_is_writable(uart_t *uart); // if not, an interrupt comes when it is

// console.c, lines.c
void console_init(void);
bool console_interrupt(void); // of uart_interrupt's kind, called by the interrupt handler
void lines_init(void);
bool lines_interrupt(void);

// pci.c
enum { PCI_SLOT_LINES = 1, PCI_SLOT_FLASH = 2 }; // as host_tools/mpos/bench/qemu.py plugs them
void pci_assign(unsigned slot, unsigned bar, uint32_t address);
void pci_enable(unsigned slot);
#define PCI_COMMAND_IO (1u << 0)
#define PCI_COMMAND_MEMORY (1u << 1)
#define PCI_IO_WINDOW (0x03000000u)
#define PCI_MEMORY_WINDOW (0x40000000u)

// flash.c
void flash_init(void);

// reset.c
void reset_note_start(void);
void board_reset(void) __attribute__((noreturn));
void board_power_off(unsigned code) __attribute__((noreturn));
