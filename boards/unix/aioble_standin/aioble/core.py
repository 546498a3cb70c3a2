"""The radio and its events, shared by the parts of the package."""

import bluetooth

ble = bluetooth.BLE()
_event_handlers = []
_stop_handlers = []


class GattError(Exception):
    """The other side refused, or did not acknowledge. The argument is the stack's status."""


def register_irq_handler(irq, shutdown) -> None:
    """Add a function called with every (event, data), and one called by stop(); either may be None.

    The first event handler that returns something else than None answers the event.
    """
    if irq is not None:
        _event_handlers.append(irq)
    if shutdown is not None:
        _stop_handlers.append(shutdown)


def ensure_active() -> None:
    """Switch the radio on if it is off. OSError if it cannot be."""
    if not ble.active():
        ble.active(True)


def config(*args, **kwargs):
    """BLE.config() on the active radio."""
    ensure_active()
    return ble.config(*args, **kwargs)


def stop() -> None:
    """Switch the radio off and forget the registered services."""
    ble.active(False)
    for handler in _stop_handlers:
        handler()


def _on_event(event, data):
    for handler in _event_handlers:
        answer = handler(event, data)
        if answer is not None:
            return answer
    return None


ble.irq(_on_event)
