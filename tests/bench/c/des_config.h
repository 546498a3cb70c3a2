/* mbed TLS with nothing but DES, as it ships: schedules computed, S-boxes as tables of words. */
#define MBEDTLS_DES_C
