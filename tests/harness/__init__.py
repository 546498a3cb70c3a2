"""The host's side of the device tests: collect with pytest, run under MicroPython, report (docs/testing.md)."""
