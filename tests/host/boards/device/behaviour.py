"""On the device: what the stubs of machine and bluetooth answer. Bases by class name, functions by full name."""

import io
import os
import select
import socket

_MP_STREAM_POLL = 3
_MP_STREAM_CLOSE = 4
_radio = {"on": False, "broken": os.getenv("MPOS_RADIO_BROKEN")}


class machine_UART(io.IOBase):
    """The line to the bench's PN532, non-blocking as the esp32 port's with timeout=0."""

    def ioctl(self, request, flags):
        if request == _MP_STREAM_POLL:
            ready = flags & select.POLLOUT
            for _, event in self._poll.ipoll(0):
                ready |= event
            return ready & (flags | select.POLLHUP | select.POLLERR)
        return 0 if request == _MP_STREAM_CLOSE else -1


def machine_UART___init__(uart, *args, **kwargs):
    uart._line = socket.socket()
    host, port = os.getenv("MPOS_NFC").split(":")
    uart._line.connect(socket.getaddrinfo(host, int(port))[0][-1])
    uart._line.setblocking(False)
    uart._poll = select.poll()
    uart._poll.register(uart._line, select.POLLIN)


def machine_UART_write(uart, buf):
    return uart._line.write(buf)


def machine_UART_readinto(uart, buf):
    return uart._line.readinto(buf)


def machine_Pin_value(pin, *level):
    if level:
        pin._level = level[0]
        return None
    return pin._level


def bluetooth_BLE_active(ble, *on):
    if on:
        if _radio["broken"]:
            raise OSError(5)
        _radio["on"] = on[0]
    return _radio["on"]


def bluetooth_BLE_irq(ble, handler):
    return None


def bluetooth_BLE_config(ble, *query, **settings):
    return None


def bluetooth_BLE_gatts_register_services(ble, services):
    number = iter(range(1, 1000))
    return tuple([tuple([next(number) for _ in characteristics]) for _, characteristics in services])
