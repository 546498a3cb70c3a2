# What the boards on ESP32 modules share, for MicroPython's esp32 port; a board's mpconfigboard.cmake includes it.

set(READER_MODULES ${CMAKE_CURRENT_LIST_DIR})

set(SDKCONFIG_DEFAULTS
    boards/sdkconfig.base
    boards/sdkconfig.ble
    ${READER_MODULES}/sdkconfig.reader
    ${MICROPY_BOARD_DIR}/sdkconfig.board
)

set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest.py)

# The flash of a module: its size, and the partition table for it. ESP-IDF looks for a table's file below the port, so
# the folder of this one has to be written in, which the port's way of joining sdkconfig files does not do by itself.
macro(reader_flash SIZE)
    set(READER_PARTITIONS ${READER_MODULES}/partitions-${SIZE}.csv)
    configure_file(${READER_MODULES}/sdkconfig.partitions.in ${CMAKE_BINARY_DIR}/sdkconfig.partitions-${SIZE} @ONLY)
    list(APPEND SDKCONFIG_DEFAULTS
        ${READER_MODULES}/sdkconfig.flash-${SIZE}
        ${CMAKE_BINARY_DIR}/sdkconfig.partitions-${SIZE}
    )
endmacro()

# An ESP32-S3 in place of the ESP32: its console is its own USB.
macro(reader_esp32s3)
    set(IDF_TARGET esp32s3)
    list(APPEND SDKCONFIG_DEFAULTS boards/sdkconfig.usb)
    list(APPEND MICROPY_DEF_BOARD MICROPY_HW_MCU_NAME="ESP32S3")
endmacro()

# For the field: another manifest, no console that could be typed at, no key that interrupts.
macro(reader_release)
    set(MICROPY_FROZEN_MANIFEST ${MICROPY_BOARD_DIR}/manifest_release.py)
    list(APPEND MICROPY_DEF_BOARD MICROPY_HW_ENABLE_UART_REPL=0 MICROPY_KBD_EXCEPTION=0)
endmacro()
