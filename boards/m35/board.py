"""The M35 (README.md beside this file): which module it is, and with it which pins."""

import esp32_parts


def peripherals() -> esp32_parts.Esp32Board:
    """The parts of this board (ports.Board). ValueError on any module but the two that it is made for."""
    if esp32_parts.mcu() == "ESP32":
        import pins_esp32 as pins
    else:
        import pins_esp32s3 as pins
    return esp32_parts.Esp32Board("mPOS M35", pins)
