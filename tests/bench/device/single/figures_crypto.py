"""DES, triple DES and the retail MAC."""

from measure import count, figure, report

from reader.crypto.des import Des, Des3
from reader.crypto.mac import x919_into

_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")
_DATA = bytes(range(256)) * 2
_BLOCKS = 64


def run() -> None:
    block = bytearray(8)
    single = Des(_KEY[:8])
    triple = Des3(_KEY)
    figure("crypto.des_schedule", lambda: single.rekey(_KEY[:8]))
    report("crypto.des_block", _per_block(single))
    figure("crypto.tdes_schedule", lambda: triple.rekey(_KEY))
    report("crypto.tdes_block", _per_block(triple))
    figure("crypto.x919_512", lambda: x919_into(_KEY, _DATA, block))
    report("result.mac", block.hex())


def _per_block(cipher) -> int:
    """Without the call around them: what one more block takes, in the middle of many."""
    many = bytearray(8 * (_BLOCKS + 1))
    few = bytearray(8)
    return (count(lambda: cipher.encrypt_into(many, many)) - count(lambda: cipher.encrypt_into(few, few))) // _BLOCKS
