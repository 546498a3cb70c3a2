# What is frozen into MicroPython for the M35: the port's own modules, the firmware, and this board's parts.

freeze("$(PORT_DIR)/modules", ("flashbdev.py", "inisetup.py"))
module("_boot.py", base_path="../esp32/frozen")
module("mpos_boot.py", base_path="../loader")
include("$(MPY_DIR)/extmod/asyncio")
require("aioble-peripheral")
require("aioble-server")
include("../../firmware/manifest.py")
module("board.py")
module("pins_esp32.py")
module("pins_esp32s3.py")
module("esp32_parts.py", base_path="../esp32")
