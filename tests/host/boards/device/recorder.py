"""On the device: every call of a documented part, written down as it is made (one JSON object a line in MPOS_RECORD).

The same call of a pin, with the same level, is written down a hundred times at most: the head takes 14,610 strobes.
"""

import json
import os

import behaviour

_file = open(os.getenv("MPOS_RECORD"), "a")
_ENOUGH = 100
_pins = {}  # how often each level was given to a pin, or none


def call(name, owner, args, kwargs, answers):
    """Record a call, then do what `behaviour` knows of it. One whose answer nobody has thought of is a fault."""
    if name != "machine.Pin.value" or kwargs or _counted(owner, args) <= _ENOUGH:
        record = {"call": name, "args": [_plain(a) for a in args], "kwargs": {k: _plain(v) for k, v in kwargs.items()}}
        _file.write(json.dumps(record) + "\n")
        _file.flush()
    does = getattr(behaviour, name.replace(".", "_"), None)
    if does is not None:
        return does(owner, *args, **kwargs)
    if answers:
        raise NotImplementedError(name + ": say in behaviour.py what it returns")
    return None


def _counted(owner, args):
    key = (id(owner), args)
    _pins[key] = _pins.get(key, 0) + 1
    return _pins[key]


class Recorded:
    """A module of MicroPython's own, every call of it recorded. `instead`: other functions or values by name."""

    def __init__(self, module, instead=None):
        self._module = module
        self._instead = instead or {}

    def __getattr__(self, name):
        thing = self._instead[name] if name in self._instead else getattr(self._module, name)
        if not callable(thing):
            return thing

        def recorded(*args, **kwargs):
            full = self._module.__name__ + "." + name
            record = {
                "call": full,
                "args": [_plain(a) for a in args],
                "kwargs": {k: _plain(v) for k, v in kwargs.items()},
            }
            _file.write(json.dumps(record) + "\n")
            _file.flush()
            return thing(*args, **kwargs)

        return recorded


def _plain(value):
    if value is None or isinstance(value, (bool, int, str)):
        return value
    return {"type": type(value).__name__}
