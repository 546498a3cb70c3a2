"""RSA's public operation: EMV 4.4 Book 2, B2.1 (recovery of signatures, PIN encipherment).

MicroPython's big integers do the work. While one operation runs, its four or five numbers of the modulus's length
are in the heap; nothing stays.
"""

from micropython import const

from reader.errors import E_INTERNAL, ReaderError

MODULUS_MOST = const(248)  # bytes: 1,984 bits, the longest key of EMV
MODULUS_LEAST = const(64)  # 512 bits
EXPONENTS = (3, 65537)


def is_key(modulus, exponent: int) -> bool:
    """Whether it is a public key as EMV has them: Book 2, B2.1.

    The modulus takes whole bytes, its leftmost bit is 1, and being a product of odd primes it is odd.
    """
    n = len(modulus)
    return (
        MODULUS_LEAST <= n <= MODULUS_MOST and modulus[0] > 0x7F and modulus[n - 1] & 1 == 1 and exponent in EXPONENTS
    )


def public(data, modulus, exponent: int) -> bytes:
    """`data` to the power of `exponent`, modulo `modulus`: as many bytes as the modulus has.

    No bytes when `data` has another length or is no number below the modulus, so that no signature has two forms.
    Raises E_INTERNAL for what is no key (`is_key`).
    """
    if not is_key(modulus, exponent):
        raise ReaderError(E_INTERNAL)
    size = len(modulus)
    if len(data) != size:
        return b""
    n = int.from_bytes(modulus, "big")
    x = int.from_bytes(data, "big")
    if x >= n:
        return b""
    return pow(x, exponent, n).to_bytes(size, "big")
