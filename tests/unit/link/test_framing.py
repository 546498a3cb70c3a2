"""Fragments and messages: what is put together, and what is refused with which number (docs/link.md)."""

from reader.errors import E_LINK_FRAGMENT, E_LINK_LENGTH
from reader.link.framing import HEADER, MAX_MESSAGE, Assembler, fragment_into
from testing import cases, h, raises

_MESSAGE = h("01 10 0007 0004 AABBCCDD")


def _message(n):
    body = n - HEADER
    return bytes((1, 16, 0, 1, body >> 8, body & 255)) + bytes(i & 0xFF for i in range(body))


def _cut(message, room):
    out = bytearray(room)
    fragments = []
    offset = 0
    while offset < len(message):
        n = fragment_into(message, offset, len(fragments), out)
        fragments.append(bytes(out[:n]))
        offset += n - 1
    return fragments


def test_one_fragment_is_first_and_last():
    assert _cut(_MESSAGE, 20) == [b"\xc0" + _MESSAGE]
    assert Assembler().feed(b"\xc0" + _MESSAGE) == _MESSAGE


@cases((20,), (23,), (64,), (244,), (1025,))
def test_cut_and_put_together(room):
    for n in (HEADER, HEADER + 1, room - 1, room, room + 1, MAX_MESSAGE):
        if not HEADER <= n <= MAX_MESSAGE:
            continue
        message = _message(n)
        fragments = _cut(message, room)
        assert all(len(fragment) <= room for fragment in fragments)
        assembler = Assembler()
        for fragment in fragments[:-1]:
            assert assembler.feed(fragment) is None
        assert assembler.feed(fragments[-1]) == message


def test_header_bits():
    fragments = _cut(_message(60), 20)
    assert [fragment[0] for fragment in fragments] == [0x80, 0x01, 0x02, 0x43]


def test_gap_is_refused_and_the_rest_dropped():
    fragments = _cut(_message(100), 20)
    assembler = Assembler()
    assert assembler.feed(fragments[0]) is None
    with raises(E_LINK_FRAGMENT):
        assembler.feed(fragments[2])
    for fragment in fragments[3:]:
        assert assembler.feed(fragment) is None
    assert assembler.feed(b"\xc0" + _MESSAGE) == _MESSAGE


def test_out_of_order_is_refused():
    fragments = _cut(_message(100), 20)
    assembler = Assembler()
    assembler.feed(fragments[0])
    assembler.feed(fragments[1])
    with raises(E_LINK_FRAGMENT):
        assembler.feed(fragments[1])


def test_continuation_without_a_first_is_dropped():
    assert Assembler().feed(b"\x41" + _MESSAGE) is None


def test_a_first_fragment_begins_anew():
    assembler = Assembler()
    assembler.feed(_cut(_message(100), 20)[0])
    assert assembler.feed(b"\xc0" + _MESSAGE) == _MESSAGE


def test_reset_forgets_what_was_begun():
    fragments = _cut(_message(30), 20)
    assembler = Assembler()
    assembler.feed(fragments[0])
    assembler.reset()
    assert assembler.feed(fragments[1]) is None


@cases((b"",), (b"\xc0",), (b"\x80",), (b"\xc1" + _MESSAGE,))
def test_malformed_fragment(fragment):
    with raises(E_LINK_FRAGMENT):
        Assembler().feed(fragment)


@cases(
    (b"\xc0" + _MESSAGE[:-1],),  # shorter than its header says
    (b"\xc0" + _MESSAGE + b"\0",),  # longer
    (b"\xc0" + _MESSAGE[:5],),  # no whole header
)
def test_length_must_be_what_the_header_says(fragment):
    with raises(E_LINK_LENGTH):
        Assembler().feed(fragment)


def test_overlong_message():
    assembler = Assembler()
    fragments = _cut(_message(MAX_MESSAGE + 1), 244)
    for fragment in fragments[:-1]:
        assembler.feed(fragment)
    with raises(E_LINK_LENGTH):
        assembler.feed(fragments[-1])


def test_more_than_sixty_four_fragments():
    assembler = Assembler()
    assembler.feed(b"\x80\x01")
    for i in range(1, 63):
        assert assembler.feed(bytes((i, 0))) is None
    with raises(E_LINK_LENGTH):
        assembler.feed(bytes((63, 0)))
