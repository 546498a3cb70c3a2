"""MicroPython's `micropython`, as far as the firmware's modules need it to be imported by CPython."""


def const(value):
    return value


def _as_it_is(function):
    return function


native = viper = _as_it_is
