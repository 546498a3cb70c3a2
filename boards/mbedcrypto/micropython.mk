# A user module that gives the unix port AES, SHA-1, SHA-256 and MD5 from mbed TLS, and nothing else of it.
# `make setup` puts mbed TLS's own library/ and include/ beside this file when it builds; none of it is kept here.
MBEDCRYPTO_DIR := $(USERMOD_DIR)

SRC_USERMOD_LIB_C += $(addprefix $(MBEDCRYPTO_DIR)/library/, \
	aes.c \
	constant_time.c \
	md5.c \
	platform_util.c \
	sha1.c \
	sha256.c \
	)

CFLAGS_USERMOD += \
	-DMICROPY_SSL_MBEDTLS=1 \
	-DMBEDTLS_CONFIG_FILE='"mbedcrypto_config.h"' \
	-I$(MBEDCRYPTO_DIR) \
	-I$(MBEDCRYPTO_DIR)/include
