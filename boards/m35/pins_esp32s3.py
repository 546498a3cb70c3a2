"""The M35 on an ESP32-S3-WROOM-1: the GPIO of each line. Directions, levels and wires: README.md beside this file."""

from micropython import const

NFC_TX = const(17)
NFC_RX = const(18)
NFC_RESET = const(16)
CHIP_TX = const(11)
CHIP_RX = const(12)
CHIP_RESET = const(13)
CHIP_POWER = const(14)
CHIP_OFF = const(15)
MAG_STROBE = const(21)
MAG_DATA = const(10)
I2C_SDA = const(8)
I2C_SCL = const(9)
KEY_IRQ = const(7)
LED_1 = const(47)
LED_2 = const(48)
LED_3 = const(4)
LED_4 = const(5)
BUZZER = const(38)
BATTERY = const(1)
TAMPER = const(2)
