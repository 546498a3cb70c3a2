"""Bytes from a hostile card against the firmware's modules, on CPython (docs/testing.md).

Here, and only here, CPython imports the device's code: what guides a fuzzer is coverage, which MicroPython cannot
tell. shim/ stands in for the modules that only MicroPython has.
"""
