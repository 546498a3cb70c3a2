"""What the phone may ask of a card that is not for payment, by what the card is. Loaded for one card.

A service has `is_known`: the card has accepted a key or password, which it forgets when it is activated anew; and
`serve(opcode, body)`, which returns the function that writes the response's body.
"""

from micropython import const

from ..errors import (
    E_CARD_ACCESS,
    E_CARD_KIND,
    E_CARD_PROTOCOL,
    E_CARD_TIMEOUT,
    E_LINK_BODY,
    ReaderError,
)
from ..link import protocol
from ..util.wipe import wipe

_DATA_MOST = const(960)  # of an answer
_VALUE_MOST = const(0x7FFFFFFF)
_BLOCKS = const(256)
_KEY = const(6)

_TYPE_CHECKING = const(0)
if _TYPE_CHECKING:
    from typing import Any


class Other:
    """A card that is told of and not spoken to. owner: the PassThrough, with the card."""

    def __init__(self, owner):
        self._owner: Any = owner
        self.is_known = False

    async def serve(self, opcode: int, body):
        raise ReaderError(E_CARD_KIND)

    def _key(self, body, kind: int) -> bytearray:
        """The key that the phone names, to be wiped."""
        secret = bytearray(_KEY)
        self._key_into(protocol.need_int(body, protocol.KEY_SLOT, 1), kind, secret)
        return secret

    def _key_into(self, slot: int, kind: int, out) -> None:
        from ..storage.card_keys import CardKeys

        CardKeys(self._owner.ring).key_into(slot, kind, out)

    async def _ask(self, exchange, block: int) -> None:
        """Await what a card without ISO/IEC 14443-4 is asked. One that refuses is activated anew: E_CARD_ACCESS with the
        block."""
        try:
            await exchange
        except ReaderError as error:
            if not is_refusal(error):
                raise
            self.is_known = False
            await self._owner.activate()
            raise ReaderError(E_CARD_ACCESS, block)


class Isodep(Other):
    """ISO/IEC 7816 commands, but for payment."""

    def __init__(self, owner):
        super().__init__(owner)
        from .apdu_guard import ApduGuard

        self._guard = ApduGuard([combination.aid for combination in owner.combinations])

    async def serve(self, opcode: int, body):
        if opcode != protocol.CARD_APDU:
            raise ReaderError(E_CARD_KIND)
        c_apdu = protocol.need(body, protocol.APDU)
        self._guard.ask(c_apdu)
        r_apdu = await self._owner.card.transmit(c_apdu)
        if len(r_apdu) < 2:
            raise ReaderError(E_CARD_PROTOCOL)
        self._guard.take(c_apdu, r_apdu)
        kept = bytes(r_apdu)  # the card's buffer is used again before the link has sent it
        return lambda w: done(w).put(protocol.APDU, kept)


class Felica(Other):
    """Services that ask for no key."""

    async def serve(self, opcode: int, body):
        from ..felica import read_write

        if opcode not in (protocol.CARD_FETCH, protocol.CARD_STORE):
            raise ReaderError(E_CARD_KIND)
        services = _list(body, protocol.SERVICE, read_write.SERVICES_MOST)
        blocks = _list(body, protocol.BLOCK, read_write.BLOCKS_MOST)
        card = self._owner.card
        if opcode == protocol.CARD_FETCH:
            return _data(bytes(await read_write.read(card, services, blocks)))
        data = protocol.need(body, protocol.DATA, len(blocks) // 2 * read_write.BLOCK)
        await read_write.write(card, services, blocks, data)
        return done


class Ultralight(Other):
    """Pages of MIFARE Ultralight and NTAG. version: what GET_VERSION said."""

    def __init__(self, owner):
        super().__init__(owner)
        self._version = owner.version

    async def serve(self, opcode: int, body):
        from ..mifare import ultralight

        card = self._owner.card
        if opcode == protocol.CARD_AUTHENTICATE and self._version:
            secret = self._key(body, protocol.KEY_PASSWORD)
            try:
                await self._ask(ultralight.authenticate(card, secret), 0)
            finally:
                wipe(secret)
            self.is_known = True
            return done
        if opcode == protocol.CARD_FETCH:
            page, count = _range(body, ultralight.PAGE)
            room = bytearray(count * ultralight.PAGE)
            await self._ask(ultralight.read_into(card, page, room), page)
            return _data(room)
        if opcode == protocol.CARD_STORE:
            page = _block(body)
            data = protocol.need(body, protocol.DATA, ultralight.PAGE)
            # Serial number, lock bytes, OTP, configuration, password: what is written there cannot be taken back, or
            # shuts the card
            if not ultralight.FIRST <= page <= ultralight.last_page(self._version):
                raise ReaderError(E_LINK_BODY, protocol.BLOCK)
            await self._ask(ultralight.write(card, page, data), page)
            return done
        raise ReaderError(E_CARD_KIND)


class Classic(Other):
    """Blocks of MIFARE Classic, sector by sector."""

    async def serve(self, opcode: int, body):
        if opcode == protocol.CARD_AUTHENTICATE:
            return await self._authenticate(body)
        if opcode == protocol.CARD_FETCH:
            from ..mifare import classic

            block, count = _range(body, classic.BLOCK)
            data = bytearray(count * classic.BLOCK)
            view = memoryview(data)
            for _ in range(count):
                await self._ask(classic.read_into(self._owner.card, block, view[: classic.BLOCK]), block)
                view = view[classic.BLOCK :]
                block += 1
            return _data(data)
        if opcode == protocol.CARD_STORE:
            return await self._store(body)
        if opcode == protocol.CARD_VALUE:
            return await self._value(body)
        raise ReaderError(E_CARD_KIND)

    async def _authenticate(self, body):
        from ..mifare import classic

        block = _block(body)
        kind = protocol.need_int(body, protocol.KEY_KIND, 1)
        if kind not in (protocol.KEY_A, protocol.KEY_B):
            raise ReaderError(E_LINK_BODY, protocol.KEY_KIND)
        secret = self._key(body, kind)
        try:
            await self._ask(classic.authenticate(self._owner.card, kind == protocol.KEY_B, block, secret), block)
        finally:
            wipe(secret)
        self.is_known = True
        return done

    async def _store(self, body):
        from ..mifare import classic

        block = _block(body)
        if not block:
            raise ReaderError(E_LINK_BODY, protocol.BLOCK)  # the manufacturer's
        card = self._owner.card
        if not classic.is_trailer(block):
            data = protocol.need(body, protocol.DATA, classic.BLOCK)
            await self._ask(classic.write(card, block, data), block)
            return done
        # A sector trailer: its keys come from their slots, its access bits from the phone
        slots = protocol.need(body, protocol.KEY_SLOT, 2)
        access = protocol.need(body, protocol.DATA, 4)
        trailer = bytearray(classic.BLOCK)
        key_a, key_b = bytearray(_KEY), bytearray(_KEY)
        try:
            self._key_into(slots[0], protocol.KEY_A, key_a)
            self._key_into(slots[1], protocol.KEY_B, key_b)
            if not classic.trailer_into(trailer, key_a, access, key_b):
                raise ReaderError(E_LINK_BODY, protocol.DATA)
            await self._ask(classic.write(card, block, trailer), block)
        finally:
            for secret in (trailer, key_a, key_b):
                wipe(secret)
        return done

    async def _value(self, body):
        from ..mifare import classic

        operation = protocol.need_int(body, protocol.OPERATION, 1)
        if not protocol.OPERATION_INCREMENT <= operation <= protocol.OPERATION_READ:
            raise ReaderError(E_LINK_BODY, protocol.OPERATION)
        block = _block(body, 4)
        room = bytearray(classic.BLOCK)
        await self._ask(classic.read_into(self._owner.card, block, room), block)
        value = classic.value_of(room)
        if operation != protocol.OPERATION_READ:
            target = protocol.need(body, protocol.BLOCK)[-1]
            if not target or classic.is_trailer(target):
                raise ReaderError(E_LINK_BODY, protocol.BLOCK)
            operand = 0
            how = classic.RESTORE
            if operation != protocol.OPERATION_COPY:
                operand = protocol.need_int(body, protocol.VALUE, 4)
                how = classic.INCREMENT
                value += operand
                if operation == protocol.OPERATION_DECREMENT:
                    how = classic.DECREMENT
                    value -= 2 * operand
                if operand > _VALUE_MOST or not -_VALUE_MOST <= value <= _VALUE_MOST:
                    raise ReaderError(E_LINK_BODY, protocol.VALUE)
            await self._ask(classic.change(self._owner.card, how, block, target, operand), block)
            await self._ask(classic.read_into(self._owner.card, target, room), target)
            if classic.value_of(room) != value:
                raise ReaderError(E_CARD_PROTOCOL)
        return lambda w: done(w).put_int(protocol.VALUE, value & 0xFFFFFFFF, 4)


def is_refusal(error: ReaderError) -> bool:
    """What a card without ISO/IEC 14443-4 says no by: a NAK, or silence."""
    return error.code in (E_CARD_ACCESS, E_CARD_TIMEOUT, E_CARD_PROTOCOL)


def done(w):
    """The body of a response that says no more than that it went well."""
    return w.put_int(protocol.ERROR, 0, 2)


def _data(data):
    return lambda w: done(w).put(protocol.DATA, data)


def _list(body, tag: int, most: int) -> memoryview:
    """One to `most` numbers of two bytes."""
    numbers = protocol.need(body, tag)
    if len(numbers) % 2 or not 2 <= len(numbers) <= 2 * most:
        raise ReaderError(E_LINK_BODY, tag)
    return numbers


def _block(body, most: int = 2) -> int:
    """The first block, or page, of as many as `most` bytes hold; all of them below 256."""
    blocks = protocol.need(body, protocol.BLOCK)
    if len(blocks) not in (2, most) or blocks[0] or blocks[-2]:
        raise ReaderError(E_LINK_BODY, protocol.BLOCK)
    return blocks[1]


def _range(body, size: int) -> tuple[int, int]:
    """The first block, or page, of `size` bytes and how many of them."""
    first = _block(body)
    count = 1
    if protocol.find(body, protocol.COUNT, 1) is not None:
        count = protocol.need_int(body, protocol.COUNT, 1)
    if not count or count * size > _DATA_MOST or first + count > _BLOCKS:
        raise ReaderError(E_LINK_BODY, protocol.COUNT)
    return first, count
