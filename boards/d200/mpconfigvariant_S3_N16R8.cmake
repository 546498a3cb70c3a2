# ESP32-S3-WROOM-1-N16R8: 16 MB of flash, 8 MB of octal PSRAM (which takes GPIO35 to 37).

reader_esp32s3()
list(APPEND SDKCONFIG_DEFAULTS boards/sdkconfig.spiram_sx boards/sdkconfig.spiram_oct)
reader_flash(16MiB)
