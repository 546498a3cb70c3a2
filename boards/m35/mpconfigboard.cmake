# The M35 on an ESP32-WROOM-32E-N4. Variants: S3 (ESP32-S3-WROOM-1-N8), S3_N16R8.

include(${MICROPY_BOARD_DIR}/../esp32/reader.cmake)
reader_flash(4MiB)
