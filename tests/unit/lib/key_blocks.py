"""Makes TR-31 key blocks on the device, for tests of what is done with one. That blocks are right at all is shown by
published ones and by psec's (tests/unit/test_tr31.py, tests/host/tr31)."""

from binascii import hexlify

from reader import tr31
from reader.crypto.aes import CBC, cipher
from reader.crypto.cmac import cmac
from reader.crypto.des import Des3


def block(protection, fields, key, optional=(), tail="00", key_bits=0):
    """`fields`: version, usage, algorithm, mode, key version, exportability: "DB1TX00N". `optional`: (name, value) each.
    `key_bits`: what stands for the key's length."""
    is_aes = fields[0] == "D"
    unit = 16 if is_aes else 8
    texts = [name + f"{len(value) + 4:02X}" + value for name, value in optional]
    filled = sum([len(text) for text in texts]) % unit
    if filled:
        n = unit - filled
        if n < 4:
            n += unit
        texts.append(f"PB{n:02X}" + "0" * (n - 4))
    clear = (key_bits or 8 * len(key)).to_bytes(2, "big") + bytes(key)
    clear += b"\x5a" * (-len(clear) % unit)
    extra = "".join(texts)
    size = 16 + len(extra) + 2 * (len(clear) + unit)
    header = f"{fields[0]}{size:04}{fields[1:]}{len(texts):02}{tail}{extra}".encode()
    mac_key = tr31._derived(protection, is_aes, 1)
    mac = cmac(mac_key, header, clear) if is_aes else tr31._cmac_tdes(mac_key, header + clear)
    secret = bytearray(clear)
    key = tr31._derived(protection, is_aes, 0)
    if is_aes:
        cipher(key, CBC, mac).encrypt(secret, secret)
    else:
        Des3(key).cbc_encrypt_into(mac, secret, secret)
    return header + hexlify(secret).upper() + hexlify(mac).upper()
