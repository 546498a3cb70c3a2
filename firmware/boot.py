"""Runs before main.py. Nothing here may fail or wait: the prompt through which a device is repaired comes after it."""

import micropython

# So that an exception in an interrupt handler can be shown
micropython.alloc_emergency_exception_buf(100)
