"""The keys of one packet under triple DES (ports.PacketKeys): used here, and read by nobody."""

from micropython import const

from reader.crypto.des import BLOCK, Des3
from reader.crypto.mac import x919_into, x919_matches
from reader.iso9564 import format0_into
from reader.util.wipe import wipe

_PADDING = const(0x80)


class TdesKeys:
    """`scheme`: of dukpt/scheme.py; `ksn`: 10 bytes, or b"". The four keys are bytearrays of 16 bytes, which this owns."""

    pin_format = 0
    block = BLOCK
    initial = bytes(BLOCK)  # of CBC: a key that is not used for one packet alone has another for each (working.py)

    def __init__(self, scheme: int, ksn, pin, data, mac_request, mac_response):
        self.scheme = scheme
        self.ksn = ksn
        self.pin = pin
        self.data = data
        self.mac_request = mac_request
        self.mac_response = mac_response

    def encrypt_data(self, clear, length: int) -> bytes:
        """The first `length` bytes of `clear` with padding method 2 of ISO/IEC 9797-1, for which it has room, in
        TDES-CBC from `initial`. The caller wipes `clear`."""
        padded = memoryview(clear)[: (length // BLOCK + 1) * BLOCK]
        wipe(padded[length:])
        padded[length] = _PADDING
        out = bytearray(len(padded))
        cipher = Des3(self.data)
        try:
            cipher.cbc_encrypt_into(self.initial, padded, out)
        finally:
            cipher.wipe()
        return bytes(out)

    def pin_block(self, pin, account) -> bytes:
        """`pin` (one digit a byte) as an encrypted block of ISO 9564-1 format 0. `account`: what iso9564.account_into
        made in 8 bytes. The caller wipes both. Raises E_TAG_FORMAT for no PIN."""
        out = bytearray(BLOCK)
        try:
            format0_into(pin, account, out)
            cipher = Des3(self.pin)
            cipher.encrypt_into(out, out)
            cipher.wipe()
            return bytes(out)
        finally:
            wipe(out)

    def mac_into(self, data, out) -> None:
        """The X9.19 MAC of the request `data` into the 8 bytes `out`."""
        x919_into(self.mac_request, data, out)

    def mac_matches(self, data, mac) -> bool:
        """Whether the 8 bytes `mac` are the X9.19 MAC of the answer `data`."""
        return x919_matches(self.mac_response, data, mac)

    def wipe(self) -> None:
        """Overwrite the keys with zeros; the serial number stays."""
        for key in (self.pin, self.data, self.mac_request, self.mac_response):
            wipe(key)
