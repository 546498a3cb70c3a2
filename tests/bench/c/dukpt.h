/* TDES DUKPT, the originating side (ANSI X9.24-1:2009, Annex A), and the retail MAC (ANSI X9.19), on mbed TLS's DES:
 * the same work as firmware/reader/dukpt and firmware/reader/crypto/mac.py, for comparison. */
#ifndef DUKPT_H
#define DUKPT_H

#include <stddef.h>
#include <stdint.h>

#define DUKPT_REGISTERS 21
#define DUKPT_KEY 16
#define DUKPT_KSN 10

struct dukpt {
    uint8_t ksn[DUKPT_KSN];
    uint8_t key[DUKPT_REGISTERS][DUKPT_KEY];
    uint8_t check[DUKPT_REGISTERS];
};

struct dukpt_keys {
    uint8_t ksn[DUKPT_KSN];
    uint8_t pin[DUKPT_KEY], mac_request[DUKPT_KEY], mac_response[DUKPT_KEY], data[DUKPT_KEY];
};

/* Fill all registers from the initial key; the counter starts at 1. */
void dukpt_load(struct dukpt *state, const uint8_t key[DUKPT_KEY], const uint8_t ksn[DUKPT_KSN]);

/* The counter of a state whose registers are all filled, set to a single bit or to 1. */
void dukpt_set_counter(struct dukpt *state, uint32_t counter);

/* The next working keys; their register is destroyed, those below it are derived. 0, or -1 when none is left. */
int dukpt_next(struct dukpt *state, struct dukpt_keys *keys);

/* ISO/IEC 9797-1 MAC algorithm 3 with DES, padding method 1. */
void x919(const uint8_t key[DUKPT_KEY], const uint8_t *data, size_t length, uint8_t mac[8]);

#endif
