# What is frozen into the board: asyncio, and the mounting of its flash. The firmware comes in the ROM image.
include("$(MPY_DIR)/extmod/asyncio")
freeze("frozen", "_boot.py")
module("mpos_boot.py", base_path="../loader")
