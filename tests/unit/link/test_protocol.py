"""Messages of the link: written, read, refused (docs/link.md)."""

from reader.errors import E_LINK_BODY, E_LINK_LENGTH, E_TLV, ReaderError
from reader.link import protocol, session
from reader.link.protocol import Writer
from testing import cases, h, raises


def test_written_message():
    writer = Writer().begin(protocol.EVENT, protocol.STATE, 0x0102)
    writer.put_int(protocol.READER_STATE, 3, 1).put(protocol.VERSION, "0.1")
    assert writer.message() == h("03 20 0102 0008 83 01 03 91 03 302E31")


def test_the_buffer_serves_one_message_after_another():
    writer = Writer()
    writer.begin(protocol.EVENT, protocol.STATE, 1).put(protocol.PACKET, bytes(100)).message()
    assert writer.begin(protocol.RESPONSE, protocol.CANCEL, 2).message() == h("02 12 0002 0000")


def test_error_body():
    message = Writer().begin(2, 0x10, 1).error(ReaderError(706, 0x6985)).message()
    assert message[6:] == h("80 02 02C2 81 04 00006985")


def test_a_message_too_long_is_refused():
    with raises(E_TLV):
        Writer().begin(3, 0x22, 1).put(protocol.PACKET, bytes(997))
    message = Writer().begin(3, 0x22, 1).put(protocol.PACKET, bytes(996)).message()
    assert len(message) == 1006  # secured it has 1,024


def test_a_message_is_secured_where_it_lies():
    writer = Writer()
    for tag in (protocol.PACKET, protocol.DATA):
        clear = bytes(writer.begin(3, 0x22, 1).put(tag, bytes(996)).message())
        phone = session.Session()
        sealed = writer.message(session.Session())
        assert len(sealed) == 1024 and sealed[0] == protocol.SECURED
        assert phone.open(memoryview(bytearray(sealed))) == clear


def test_found_by_tag():
    body = h("84 01 01 85 06 000000001234 86 02 0156")
    assert protocol.need_int(body, protocol.TYPE, 1) == 1
    assert protocol.need_bcd(body, protocol.AMOUNT, 6) == 1234
    assert protocol.need_bcd(body, protocol.CURRENCY, 2) == 156
    assert protocol.find(body, protocol.TIMEOUT, 2) is None


@cases(
    (h("84"),),
    (h("84 02 01"),),
    (h("84 01 01 84 01 01"),),  # twice
    (h("84 80"),),
    (h("84 83 000001 01"),),
    (h("85 01 01"),),  # absent
    (h("84 02 0001"),),  # not the length it must have
)
def test_malformed_body(body):
    with raises(E_LINK_BODY):
        protocol.need(body, protocol.TYPE, 1)


def test_amount_with_a_letter():
    with raises(E_LINK_BODY, protocol.AMOUNT):
        protocol.need_bcd(h("85 06 00000000123A"), protocol.AMOUNT, 6)


def test_a_body_written_before():
    body = Writer().begin(3, 0x23, 1).put(protocol.RRN, "123").put_int(protocol.STAN, 7, 4).body()
    assert body == h("8D 03 313233 95 04 00000007")
    assert Writer().begin(2, 0x13, 5).put_int(protocol.ERROR, 0, 2).put_objects(body).message()[10:] == body
    with raises(E_LINK_LENGTH):
        Writer().begin(2, 0x13, 5).put_objects(bytes(1001))
    assert len(Writer().begin(2, 0x13, 5).put_objects(bytes(1000)).body()) == 1000
