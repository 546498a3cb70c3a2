"""The firmware's decoder of magnetic stripes as a server on standard input and output, for `mpos swipe` and the bench.

A request is a head of 6 bytes, little-endian, and its data; an answer has a head of 5 bytes and its data.

    request    kind (1 byte), number (1), count (2), skip (2)
      T        count times in us, 2 bytes each: the whole decoder on track `number`
      B        count bits, the first one in the MSB: the same from an ASIC's bits
      F        count times: clock recovery alone; number 0 from the first time on, 1 from the last one back; skip: how
               many times to leave out
      K        count characters of track `number`: its fields
      J        what `T` or `B` answered to tracks 1, 2 and 3 of a swipe, one after the other: what the reader makes of them
    answer     value (2 bytes, signed), flags (1), count (2)
      T, B     value: characters, or the reason below 0; flags: 1 read from its end; data: the characters
      F        value: bits; data: the bits
      K        value: what kind of track it is; data: 8 numbers of 2 bytes: PAN at, its digits, expiry, service code, name
               at, its length, discretionary data at, 1 if the check digit is right. No data: no fields of a payment card
      J        value: 0, or the error of a swipe that is refused; flags: the track that counts; data: tracks 2 and 3 as they go
               to the host, each its count of digits (1 byte), then packed digits
"""

import struct
import sys
from array import array

import uctypes

from reader.drivers.swipe import Swipe
from reader.errors import ReaderError
from reader.iso7811 import f2f, track

_TIMES_MOST = 4095
_HEAD = "<hBH"
_HEAD_SIZE = 5
_BACKWARD = 128

_times = array("H", bytes(2 * _TIMES_MOST))
_times_bytes = memoryview(uctypes.bytearray_at(uctypes.addressof(_times), 2 * _TIMES_MOST))  # the same memory
_bytes = bytearray(1024)
_out = bytearray(128)
_scratch = bytearray(track.SCRATCH)
_swipe = Swipe()


def _exactly(view) -> bool:
    """Fill `view` from the input. False when the input has ended."""
    done = 0
    while done < len(view):
        n = sys.stdin.buffer.readinto(view[done:])
        if not n:
            return False
        done += n
    return True


def _answer(value: int, flags: int, data) -> None:
    sys.stdout.buffer.write(struct.pack(_HEAD, value, flags, len(data)) + bytes(data))


def _track(result: int) -> None:
    length = result & track.LENGTH if result > 0 else 0
    _answer(length or result, int(result > track.LENGTH), memoryview(_out)[:length])


def _clock(count: int, direction: int, skip: int) -> None:
    n = f2f.decode_into(_times, count, _bytes, -1 if direction else 1, skip)
    _answer(n, 0, memoryview(_bytes)[: max(n + 7, 0) // 8])


def _fields(number: int, characters) -> None:
    from reader.iso7813 import kind, pan, track1, track2, track3

    what = kind.kind(characters, number)
    try:
        fields = (track1, track2, track3)[number - 1].fields(characters)
        right = pan.check_digit_is_right(characters, fields.pan_at, fields.pan_digits)
    except ReaderError:
        _answer(what, 0, b"")
        return
    data = struct.pack(
        "<8h",
        fields.pan_at,
        fields.pan_digits,
        fields.expiry,
        fields.service_code,
        fields.name_at,
        fields.name_length,
        fields.discretionary_at,
        right,
    )
    _answer(what, 0, data)


def _judge(answers) -> None:
    """As the drivers of a head, and app/swipe.py, put it together."""
    from reader.iso7813.stripe import judge

    at = 0
    for number in range(1, 4):
        value, flags, length = struct.unpack_from(_HEAD, answers, at)
        at += _HEAD_SIZE
        _swipe.room(number)[:length] = answers[at : at + length]
        _swipe.put(number, value | _BACKWARD if flags else value)
        at += length
    try:
        stripe = judge(_swipe.track(1), _swipe.track(2), _swipe.track(3))
        data = b""
        for number in (2, 3):
            n = stripe.pack_into(number, _out)
            data += bytes((n,)) + _out[: (n + 1) // 2]
        _answer(0, stripe.number, data)
    except ReaderError as error:
        _answer(error.code, 0, b"")
    finally:
        _swipe.wipe()


def serve() -> None:
    head = bytearray(6)
    while _exactly(memoryview(head)):
        request, number, count, skip = struct.unpack("<BBHH", head)
        if request in b"TF":
            if not _exactly(_times_bytes[: 2 * count]):
                return
        elif not _exactly(memoryview(_bytes)[: (count + 7) // 8 if request == ord("B") else count]):
            return
        if request == ord("T"):
            _track(track.read_times_into(_times, count, number, _out, _scratch))
        elif request == ord("B"):
            _track(track.read_bits_into(_bytes, count, number, _out))
        elif request == ord("F"):
            _clock(count, number, skip)
        elif request == ord("J"):
            _judge(memoryview(_bytes)[:count])
        else:
            _fields(number, memoryview(_bytes)[:count])


serve()
