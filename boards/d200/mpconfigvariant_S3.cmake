# ESP32-S3-WROOM-1-N8: 8 MB of flash, no PSRAM.

reader_esp32s3()
reader_flash(8MiB)
