"""Primitives that MicroPython's hashlib and cryptolib do not have, and the known answers of all of them."""
