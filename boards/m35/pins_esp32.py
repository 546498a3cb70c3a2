"""The M35 on an ESP32-WROOM-32E: the GPIO of each line. Directions, levels and wires: README.md beside this file."""

from micropython import const

NFC_TX = const(17)
NFC_RX = const(16)
NFC_RESET = const(4)
CHIP_TX = const(25)
CHIP_RX = const(26)
CHIP_RESET = const(27)
CHIP_POWER = const(32)
CHIP_OFF = const(35)
MAG_STROBE = const(18)
MAG_DATA = const(19)
I2C_SDA = const(21)
I2C_SCL = const(22)
KEY_IRQ = const(39)
LED_1 = const(13)
LED_2 = const(14)
LED_3 = const(33)
LED_4 = const(2)
BUZZER = const(23)
BATTERY = const(34)
TAMPER = const(36)
