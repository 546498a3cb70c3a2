// The M35: what MicroPython's esp32 port is built with.

#define MICROPY_HW_BOARD_NAME           "mPOS M35"

// A variant names another module's microcontroller. board.py finds its pins by this name.
#ifndef MICROPY_HW_MCU_NAME
#define MICROPY_HW_MCU_NAME             "ESP32"
#endif

// The firmware runs out of the romfs partition (mpremote romfs deploy).
#define MICROPY_VFS_ROM                 (1)

// Frozen modules do not say where they come from: their paths would be in the heap.
#define MICROPY_PY___FILE__             (0)

// AES in counter mode: of the session and of the key store.
#define MICROPY_PY_CRYPTOLIB_CTR        (1)

// The reader speaks BLE; it joins no network.
#define MICROPY_PY_NETWORK_WLAN         (0)
#define MICROPY_PY_ESPNOW               (0)

// A console on UART0, with or without USB; a release has none (../esp32/reader.cmake).
#ifndef MICROPY_HW_ENABLE_UART_REPL
#define MICROPY_HW_ENABLE_UART_REPL     (1)
#endif
