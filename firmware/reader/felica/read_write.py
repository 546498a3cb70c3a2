"""FeliCa: blocks of services that ask for no key (JIS X 6319-4; FeliCa Card User's Manual, Excerpted Edition, 4.4).

A frame is length (itself included), command, and what belongs to it; the card answers with the command's number plus 1 and its IDm.
"""

from micropython import const

from ..errors import E_CARD_ACCESS, E_CARD_PROTOCOL, ReaderError

BLOCK = const(16)
BLOCKS_MOST = const(12)  # a frame has 255 bytes: of a write, with a list of 3 bytes for each block
SERVICES_MOST = const(8)

_READ = const(0x06)
_WRITE = const(0x08)
_IDM = const(8)
_SHORT = const(0x80)  # 4.2, Block List Element: 2 bytes, block numbers to 255; without it 3 bytes


async def read(card, services, blocks) -> memoryview:
    """Read Without Encryption (4.4.5): 16 bytes for each block, valid until the next call.

    services: 2 bytes each, most significant first. blocks: 2 bytes each: four bits for which of the services, from 0, and
    twelve for the number of the block. Raises E_CARD_ACCESS with status flags 1 and 2.
    """
    answer = await _exchange(card, _READ, services, blocks, b"")
    count = len(blocks) // 2
    if len(answer) != 1 + count * BLOCK or answer[0] != count:
        raise ReaderError(E_CARD_PROTOCOL)
    return answer[1:]


async def write(card, services, blocks, data) -> None:
    """Write Without Encryption (4.4.6); `data`: 16 bytes for each block. Arguments and errors as `read`."""
    if len(await _exchange(card, _WRITE, services, blocks, data)):
        raise ReaderError(E_CARD_PROTOCOL)


async def _exchange(card, command: int, services, blocks, data) -> memoryview:
    frame = bytearray(2 + _IDM + 1 + len(services) + 1 + len(blocks) // 2 * 3 + len(data))
    frame[1] = command
    frame[2 : 2 + _IDM] = card.uid
    at = 2 + _IDM
    frame[at] = len(services) // 2
    at += 1
    for i in range(0, len(services), 2):
        # 4.2: codes and numbers go least significant byte first
        frame[at] = services[i + 1]
        frame[at + 1] = services[i]
        at += 2
    frame[at] = len(blocks) // 2
    at += 1
    for i in range(0, len(blocks), 2):
        order, high, low = blocks[i] >> 4, blocks[i] & 15, blocks[i + 1]
        frame[at] = order if high else _SHORT | order
        frame[at + 1] = low
        at += 2
        if high:
            frame[at] = high
            at += 1
    frame[at : at + len(data)] = data
    at += len(data)
    frame[0] = at
    answer = await card.transmit(memoryview(frame)[:at])
    if (
        len(answer) < 4 + _IDM
        or answer[0] != len(answer)
        or answer[1] != command + 1
        or answer[2 : 2 + _IDM] != card.uid
    ):
        raise ReaderError(E_CARD_PROTOCOL)
    flags = answer[2 + _IDM] << 8 | answer[3 + _IDM]
    if flags:
        raise ReaderError(E_CARD_ACCESS, flags)
    return answer[4 + _IDM :]
