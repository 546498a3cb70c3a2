#include "dukpt.h"

#include <string.h>

#include "mbedtls/des.h"
#include "mbedtls/platform_util.h"

#define FIRST_BIT 0x100000u
#define MOST_ONE_BITS 10

static uint32_t counter_of(const uint8_t *ksn) {
    return (uint32_t)(ksn[7] & 0x1F) << 16 | (uint32_t)ksn[8] << 8 | ksn[9];
}

static void set_counter(uint8_t *ksn, uint32_t counter) {
    ksn[7] = (uint8_t)((ksn[7] & 0xE0) | (counter >> 16 & 0x1F));
    ksn[8] = (uint8_t)(counter >> 8);
    ksn[9] = (uint8_t)counter;
}

static int register_of(uint32_t bit) {
    int i = 0;
    while (bit < FIRST_BIT) {
        bit <<= 1;
        i++;
    }
    return i;
}

static int one_bits(uint32_t x) {
    int n = 0;
    for (; x; x &= x - 1) {
        n++;
    }
    return n;
}

static uint8_t check_of(const uint8_t key[DUKPT_KEY]) {
    uint8_t x = 0;
    for (int i = 0; i < DUKPT_KEY; i++) {
        x ^= key[i];
    }
    return x;
}

static void xor_block(uint8_t *out, const uint8_t *a, const uint8_t *b) {
    for (int i = 0; i < 8; i++) {
        out[i] = a[i] ^ b[i];
    }
}

/* Half of X9.24-1:2009, A.2, "Non-reversible Key Generation Process": encrypt under one key between two XORs */
static void generate_half(uint8_t *out, const uint8_t *data, mbedtls_des_context *des, const uint8_t *right) {
    uint8_t block[8];
    xor_block(block, data, right);
    mbedtls_des_crypt_ecb(des, block, block);
    xor_block(out, block, right);
    mbedtls_platform_zeroize(block, sizeof block);
}

/* Registers of `bit` and all lower bits. Both keys of the process are the same for all of them: scheduled once */
static void derive(struct dukpt *state, const uint8_t key[DUKPT_KEY], uint32_t bit) {
    if (!bit) {
        return;
    }
    uint8_t masked[DUKPT_KEY];
    uint8_t data[8];
    mbedtls_des_context plain, variant;
    for (int i = 0; i < DUKPT_KEY; i++) {
        masked[i] = key[i] ^ ((i & 4) ? 0x00 : 0xC0);
    }
    mbedtls_des_init(&plain);
    mbedtls_des_init(&variant);
    mbedtls_des_setkey_enc(&plain, key);
    mbedtls_des_setkey_enc(&variant, masked);
    for (; bit; bit >>= 1) {
        memcpy(data, state->ksn + 2, 8);
        data[5] |= (uint8_t)(bit >> 16);
        data[6] |= (uint8_t)(bit >> 8);
        data[7] |= (uint8_t)bit;
        int i = register_of(bit);
        generate_half(state->key[i], data, &variant, masked + 8);
        generate_half(state->key[i] + 8, data, &plain, key + 8);
        state->check[i] = check_of(state->key[i]);
    }
    mbedtls_des_free(&plain);
    mbedtls_des_free(&variant);
    mbedtls_platform_zeroize(masked, sizeof masked);
}

static void variant_of(uint8_t *out, const uint8_t *key, int byte) {
    memcpy(out, key, DUKPT_KEY);
    out[byte] ^= 0xFF;
    out[8 + byte] ^= 0xFF;
}

void dukpt_load(struct dukpt *state, const uint8_t key[DUKPT_KEY], const uint8_t ksn[DUKPT_KSN]) {
    memcpy(state->ksn, ksn, DUKPT_KSN);
    set_counter(state->ksn, 0);
    derive(state, key, FIRST_BIT);
    set_counter(state->ksn, 1);
}

void dukpt_set_counter(struct dukpt *state, uint32_t counter) {
    set_counter(state->ksn, counter);
}

int dukpt_next(struct dukpt *state, struct dukpt_keys *keys) {
    uint32_t counter, bit;
    int i;
    for (;;) {
        counter = counter_of(state->ksn);
        if (!counter) {
            return -1;
        }
        bit = counter & -counter;
        i = register_of(bit);
        if (check_of(state->key[i]) == state->check[i]) {
            break;
        }
        set_counter(state->ksn, counter + bit);
    }
    uint8_t key[DUKPT_KEY];
    memcpy(key, state->key[i], DUKPT_KEY);
    memcpy(keys->ksn, state->ksn, DUKPT_KSN);
    variant_of(keys->pin, key, 7);
    variant_of(keys->mac_request, key, 6);
    variant_of(keys->mac_response, key, 4);
    variant_of(keys->data, key, 5);
    mbedtls_des3_context own;
    mbedtls_des3_init(&own);
    mbedtls_des3_set2key_enc(&own, keys->data);
    mbedtls_des3_crypt_ecb(&own, keys->data, keys->data);
    mbedtls_des3_crypt_ecb(&own, keys->data + 8, keys->data + 8);
    mbedtls_des3_free(&own);
    if (one_bits(counter) < MOST_ONE_BITS) {
        derive(state, key, bit >> 1);
        bit = 1;
    }
    mbedtls_platform_zeroize(key, sizeof key);
    mbedtls_platform_zeroize(state->key[i], DUKPT_KEY);
    state->check[i] = 1;
    set_counter(state->ksn, counter + bit);
    return 0;
}

void x919(const uint8_t key[DUKPT_KEY], const uint8_t *data, size_t length, uint8_t mac[8]) {
    mbedtls_des_context des;
    mbedtls_des3_context last;
    uint8_t block[8] = {0};
    mbedtls_des_init(&des);
    mbedtls_des_setkey_enc(&des, key);
    mbedtls_des3_init(&last);
    mbedtls_des3_set2key_enc(&last, key);
    for (;;) {
        size_t n = length < 8 ? length : 8;
        for (size_t i = 0; i < n; i++) {
            block[i] ^= data[i];
        }
        data += n;
        length -= n;
        if (!length) {
            break;
        }
        mbedtls_des_crypt_ecb(&des, block, block);
    }
    mbedtls_des3_crypt_ecb(&last, block, mac);
    mbedtls_des_free(&des);
    mbedtls_des3_free(&last);
}
