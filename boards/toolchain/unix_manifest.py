# What is frozen into the unix builds: asyncio alone. The firmware itself is loaded from .mpy files, as in a reader.
include("$(MPY_DIR)/extmod/asyncio")
