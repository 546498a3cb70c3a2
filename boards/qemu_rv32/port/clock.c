// Time. The `time` CSR counts at 10 MHz, as the machine's timer does; reading the CSR is cheap on the host, reading
// the timer's register is not. The date comes from the machine's real-time clock.

#include "py/mphal.h"
#include "py/runtime.h"
#include "shared/timeutils/timeutils.h"
#include "board.h"

#define RTC (0x00101000u) // Goldfish: nanoseconds since 1970; reading the low word keeps the high one
#define RTC_LOW (RTC + 0)
#define RTC_HIGH (RTC + 4)

// A 64-bit counter in two CSRs: read again when the lower half ran over in between
#define CSR_READ64(name) ({ \
        uint32_t high_, low_, again_; \
        do { \
            high_ = CSR_READ(name##h); \
            low_ = CSR_READ(name); \
            again_ = CSR_READ(name##h); \
        } while (high_ != again_); \
        (uint64_t)high_ << 32 | low_; \
    })

static uint64_t slept;

uint64_t clock_ticks(void) {
    return CSR_READ64(time);
}

uint64_t clock_raw_instructions(void) {
    return CSR_READ64(minstret);
}

uint64_t clock_instructions(void) {
    return clock_raw_instructions() - slept;
}

void clock_slept(uint64_t instructions) {
    slept += instructions;
}

mp_uint_t mp_hal_ticks_ms(void) {
    return clock_ticks() / CLOCK_TICKS_PER_MS;
}

mp_uint_t mp_hal_ticks_us(void) {
    return clock_ticks() / (CLOCK_TICKS_PER_MS / 1000);
}

mp_uint_t mp_hal_ticks_cpu(void) {
    return clock_instructions();
}

uint64_t mp_hal_time_ns(void) {
    uint32_t before = interrupts_off();
    uint64_t low = REG32(RTC_LOW);
    uint64_t ns = (uint64_t)REG32(RTC_HIGH) << 32 | low;
    interrupts_restore(before);
    return ns - (uint64_t)TIMEUTILS_SECONDS_1970_TO_2000 * 1000000000;
}

void mp_hal_delay_us(mp_uint_t us) {
    uint64_t end = clock_ticks() + (uint64_t)us * (CLOCK_TICKS_PER_MS / 1000);
    while (clock_ticks() < end) {
    }
}

void mp_hal_delay_ms(mp_uint_t ms) {
    uint64_t end = clock_ticks() + (uint64_t)ms * CLOCK_TICKS_PER_MS;
    uint64_t now;
    while (mp_event_handle_nowait(), (now = clock_ticks()) < end) {
        board_wait((end - now + CLOCK_TICKS_PER_MS - 1) / CLOCK_TICKS_PER_MS);
    }
}
