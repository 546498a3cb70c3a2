/* What is compiled of mbed TLS: the primitives behind MicroPython's `cryptolib` and `hashlib`, as on an ESP32. */

#define MBEDTLS_AES_C
#define MBEDTLS_AES_ROM_TABLES /* tables in flash rather than built in RAM at the first use */
#define MBEDTLS_CIPHER_MODE_CBC
#define MBEDTLS_CIPHER_MODE_CTR

#define MBEDTLS_MD5_C
#define MBEDTLS_SHA1_C
#define MBEDTLS_SHA224_C /* mbed TLS 2.28 has SHA-224 and SHA-256 under one switch, 3.x needs this one too */
#define MBEDTLS_SHA256_C
