/* Counts executed instructions of the C reference and prints them on the machine's UART as the device's programs do:
 * FIGURE {"name": ..., "value": ...}. Values in quotes are results, which must equal the firmware's. */

#include "dukpt.h"

#include <string.h>

#include "mbedtls/des.h"

#define UART (*(volatile uint8_t *)0x10000000)
#define COUNTERS 64
#define WORST 0x100000u

/* X9.24-1:2009, A.4: initial key and serial number */
static const uint8_t INITIAL_KEY[DUKPT_KEY] = {
    0x6A, 0xC2, 0x92, 0xFA, 0xA1, 0x31, 0x5B, 0x4D, 0x85, 0x8A, 0xB3, 0xA3, 0xD7, 0xD5, 0x93, 0x3A,
};
static const uint8_t KSN[DUKPT_KSN] = {0xFF, 0xFF, 0x98, 0x76, 0x54, 0x32, 0x10, 0xE0, 0x00, 0x00};
static const uint8_t KEY[DUKPT_KEY] = {
    0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF, 0xFE, 0xDC, 0xBA, 0x98, 0x76, 0x54, 0x32, 0x10,
};

static struct dukpt state;
static struct dukpt_keys keys;
static uint8_t data[512];

static uint32_t instret(void) {
    uint32_t n;
    __asm volatile ("csrr %0, minstret" : "=r" (n) : : "memory");
    return n;
}

static void text(const char *s) {
    while (*s) {
        UART = (uint8_t)*s++;
    }
}

static void name(const char *s) {
    text("FIGURE {\"name\": \"");
    text(s);
    text("\", \"value\": ");
}

static void figure(const char *s, uint32_t value) {
    char digits[11];
    int at = sizeof digits - 1;
    digits[at] = 0;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    name(s);
    text(digits + at);
    text("}\n");
}

static void result(const char *s, const uint8_t *bytes, size_t n) {
    name(s);
    text("\"");
    for (size_t i = 0; i < n; i++) {
        UART = (uint8_t)"0123456789abcdef"[bytes[i] >> 4];
        UART = (uint8_t)"0123456789abcdef"[bytes[i] & 15];
    }
    text("\"}\n");
}

static uint32_t overhead;

#define COUNT(work) \
    do { \
        uint32_t before = instret(); \
        work; \
        counted = instret() - before - overhead; \
    } while (0)

int main(void) {
    uint32_t counted = 0;
    uint8_t block[8] = {0};
    mbedtls_des_context des;
    mbedtls_des3_context des3;

    COUNT(__asm volatile ("" : : : "memory"));
    overhead = counted;
    COUNT(mbedtls_des_setkey_enc(&des, KEY));
    figure("c.crypto.des_schedule", counted);
    COUNT(mbedtls_des_crypt_ecb(&des, block, block));
    figure("c.crypto.des_block", counted);
    COUNT(mbedtls_des3_set2key_enc(&des3, KEY));
    figure("c.crypto.tdes_schedule", counted);
    COUNT(mbedtls_des3_crypt_ecb(&des3, block, block));
    figure("c.crypto.tdes_block", counted);

    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (uint8_t)i;
    }
    COUNT(x919(KEY, data, sizeof data, block));
    figure("c.crypto.x919_512", counted);
    result("c.result.mac", block, sizeof block);

    dukpt_load(&state, INITIAL_KEY, KSN);
    uint32_t total = 0;
    for (int i = 0; i < COUNTERS; i++) {
        COUNT(dukpt_next(&state, &keys));
        total += counted;
    }
    figure("c.dukpt.next", total / COUNTERS);
    result("c.result.data_key", keys.data, DUKPT_KEY);

    dukpt_load(&state, INITIAL_KEY, KSN);
    dukpt_set_counter(&state, WORST);
    COUNT(dukpt_next(&state, &keys));
    figure("c.dukpt.next_worst", counted);
    COUNT(dukpt_next(&state, &keys));
    result("c.result.data_key_after_worst", keys.data, DUKPT_KEY);
    text("FIGURES END\n");
    return 0;
}
