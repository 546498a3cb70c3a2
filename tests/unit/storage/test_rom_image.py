"""The hash behind a ROM image. The images are made here; those of a build are checked on every start of a reader."""

from hashlib import sha256

from reader.errors import E_IMAGE
from reader.storage import rom_image
from testing import cases, raises

_CONTENT = bytes(range(256)) * 40


def _image(content=_CONTENT) -> bytearray:
    n = len(content)
    # ROMFS: magic, length of what follows in groups of seven bits, content
    made = b"\xd2\xcd\x31" + bytes((0x80 | n >> 14, 0x80 | n >> 7 & 0x7F, n & 0x7F)) + content
    return bytearray(made + sha256(made).digest() + b"\xff" * 100)


def test_whole():
    image = _image()
    assert rom_image.check(memoryview(image)) == sha256(image[: 6 + len(_CONTENT)]).digest()
    assert len(rom_image.check(memoryview(_image(b"short")))) == 32


@cases((3,), (6,), (4096,), (6 + len(_CONTENT) - 1,), (6 + len(_CONTENT),), (6 + len(_CONTENT) + 31,))
def test_one_bit(at):
    image = _image()
    image[at] ^= 0x10
    with raises(E_IMAGE):
        rom_image.check(memoryview(image))


@cases((b"",), (b"\xff" * 64,), (b"\xd2\xcd\x31\x7f" + bytes(64),), (b"\xd2\xcd\x31\xff\xff\xff\xff\x00" + bytes(64),))
def test_no_image(data):
    with raises(E_IMAGE, rom_image.NO_IMAGE):
        rom_image.check(memoryview(data + b"\xff" * 0))
