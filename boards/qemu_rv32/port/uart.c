// A 16550 whose receiver is emptied by its interrupt into a ring. QEMU hands over a byte only when the chip has room,
// so a full ring stops the far end and nothing is lost.

#include "py/runtime.h"
#include "shared/runtime/interrupt_char.h"
#include "board.h"

enum { DATA = 0, INTERRUPT_ENABLE = 1, FIFO_CONTROL = 2, LINE_STATUS = 5 };
enum { ENABLE_RECEIVED = 1, ENABLE_SENT = 2 };
enum { STATUS_RECEIVED = 1 << 0, STATUS_CAN_SEND = 1 << 5 };
enum { FIFO_SIZE = 16 };

static void enable(uart_t *uart, uint8_t set, uint8_t clear) {
    uint32_t before = interrupts_off();
    uart->enabled = (uart->enabled | set) & ~clear;
    REG8(uart->base + INTERRUPT_ENABLE) = uart->enabled;
    interrupts_restore(before);
}

void uart_open(uart_t *uart, uintptr_t base) {
    uart->base = base;
    REG8(base + FIFO_CONTROL) = 1; // FIFOs on and emptied, an interrupt for the first byte
    (void)REG8(base + DATA); // only a read tells QEMU that there is room again, if something had come before this
    enable(uart, ENABLE_RECEIVED, 0);
}

bool uart_interrupt(uart_t *uart) {
    bool has_acted = false;
    uint8_t status;
    while (((status = REG8(uart->base + LINE_STATUS)) & STATUS_RECEIVED) && (uart->enabled & ENABLE_RECEIVED)) {
        has_acted = true;
        bool is_full = uart->in - uart->out == sizeof(uart->ring);
        bool is_interruptible = uart->is_console && mp_interrupt_char >= 0;
        if (is_full && !is_interruptible) {
            enable(uart, 0, ENABLE_RECEIVED); // uart_read enables it again
            break;
        }
        uint8_t byte = REG8(uart->base + DATA);
        if (is_interruptible && byte == mp_interrupt_char) {
            mp_sched_keyboard_interrupt();
        } else if (!is_full) {
            uart->ring[uart->in++ % sizeof(uart->ring)] = byte;
        } // else: input that a running program leaves unread is dropped, or ctrl-C behind it would never be seen
    }
    if ((uart->enabled & ENABLE_SENT) && (status & STATUS_CAN_SEND)) {
        has_acted = true;
        enable(uart, 0, ENABLE_SENT);
    }
    return has_acted;
}

size_t uart_available(const uart_t *uart) {
    return uart->in - uart->out;
}

size_t uart_read(uart_t *uart, uint8_t *into, size_t size) {
    size_t count = 0;
    while (count < size && uart->in != uart->out) {
        into[count++] = uart->ring[uart->out % sizeof(uart->ring)];
        uart->out++;
    }
    if (count && !(uart->enabled & ENABLE_RECEIVED)) {
        enable(uart, ENABLE_RECEIVED, 0);
    }
    return count;
}

size_t uart_write(uart_t *uart, const uint8_t *from, size_t size) {
    size_t count = 0;
    while (count < size && (REG8(uart->base + LINE_STATUS) & STATUS_CAN_SEND)) {
        for (unsigned room = FIFO_SIZE; room && count < size; room--) {
            REG8(uart->base + DATA) = from[count++];
        }
    }
    return count;
}

bool uart_is_writable(uart_t *uart) {
    if (REG8(uart->base + LINE_STATUS) & STATUS_CAN_SEND) {
        return true;
    }
    enable(uart, ENABLE_SENT, 0);
    return false;
}
