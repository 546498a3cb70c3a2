"""Properties of the device's code that hold for every input, against code that is none of its own."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import example, given
from hypothesis import strategies as st

from mpos.bench.cards.tlv import dol as made_dol
from mpos.bench.cards.tlv import tlv as made_tlv
from mpos.bench.icc import atr as card_atr
from mpos.bench.icc import t0 as card_t0
from mpos.bench.icc import t1 as card_t1
from tests.fuzz import device
from tests.fuzz.lines import AnsweredLine
from tests.fuzz.properties import EVERY

device.install()
from reader.emv import dol, tag_formats
from reader.emv.data import DataStore
from reader.iso7816 import atr
from reader.iso7816.t0 import T0
from reader.iso7816.t1 import T1
from reader.util import bcd, ber_tlv

# Data objects

_TAGS = st.one_of(
    st.integers(1, 0xDF).filter(lambda tag: tag & 0x3F != 0x1F and tag & 0x1F != 0x1F and not tag & 0x20),
    st.builds(lambda first, last: first << 8 | last, st.sampled_from((0x1F, 0x5F, 0x9F, 0xDF)), st.integers(1, 0x7F)),
    st.builds(lambda middle, last: 0xDF8000 | middle << 8 | last, st.integers(1, 0x7F), st.integers(0, 0x7F)),
)
_OBJECTS = st.lists(st.tuples(_TAGS, st.binary(max_size=300)), max_size=6)


@EVERY
@given(_OBJECTS, st.integers(0, 3))
def test_what_is_written_elsewhere_is_read_here(objects: list[tuple[int, bytes]], padding: int) -> None:
    filler = bytes(padding)
    data = filler + b"".join(made_tlv(tag, value) + filler for tag, value in objects)
    assert [(tag, bytes(value)) for tag, value in ber_tlv.objects(data)] == objects
    template = made_tlv(0x70, data)
    assert bytes(ber_tlv.only(template, 0x70)) == data
    for tag, value in objects:
        found = device.attempt(ber_tlv.find, template, 0x70, tag)
        # None where it is there twice, which is an error
        assert found is None or bytes(found) == value
        assert found is not None or [each for each, _ in objects].count(tag) > 1


@EVERY
@given(_OBJECTS)
def test_what_is_written_here_is_the_same_bytes(objects: list[tuple[int, bytes]]) -> None:
    expected = b"".join(made_tlv(tag, value) for tag, value in objects)
    out = bytearray(len(expected))
    writer = ber_tlv.Writer(out)
    for tag, value in objects:
        writer.put(tag, value)
    assert bytes(out) == expected and writer.length == len(expected)


@EVERY
@given(_OBJECTS.filter(bool), st.data())
def test_a_cut_template_is_refused(objects: list[tuple[int, bytes]], data: st.DataObject) -> None:
    template = made_tlv(0x70, *(made_tlv(tag, value) for tag, value in objects))
    cut = data.draw(st.integers(1, len(template) - 1))
    assert device.attempt(ber_tlv.only, template[:cut], 0x70) is None


_KEPT = {0x5A: tag_formats.COMPRESSED, 0x9F02: tag_formats.NUMERIC, 0x82: tag_formats.BINARY, 0x50: tag_formats.TEXT}
_VALUES = {
    0x5A: bytes.fromhex("6212340000000018"),
    0x9F02: bytes.fromhex("000000001234"),
    0x82: bytes.fromhex("7C00"),
    0x50: b"PBOC DEBIT",
}


def _fitted(tag: int, length: int) -> bytes:
    """EMV 4.4 Book 3, 5.4, the other way round: from the value, not from the place."""
    value = _VALUES.get(tag)
    if value is None:
        return bytes(length)
    if _KEPT[tag] == tag_formats.NUMERIC:
        return (bytes(length) + value)[-length:] if length else b""
    return (value + (b"\xff" if _KEPT[tag] == tag_formats.COMPRESSED else b"\x00") * length)[:length]


@EVERY
@given(st.lists(st.tuples(st.sampled_from([*_VALUES, 0x9F66, 0x57, 0xDF01]), st.integers(0, 0x7F)), max_size=8))
def test_a_data_object_list_is_answered_as_long_as_it_asks(entries: list[tuple[int, int]]) -> None:
    store = DataStore(128)
    for tag, value in _VALUES.items():
        store.put(tag, value)
    listed = made_dol(*entries)
    out = bytearray(sum(length for _, length in entries))
    assert dol.length_of(listed) == len(out) == dol.build_into(listed, store, out)
    assert bytes(out) == b"".join(_fitted(tag, length) for tag, length in entries)


@EVERY
@given(st.integers(0, 10**12 - 1))
def test_digits_there_and_back(number: int) -> None:
    packed = bcd.from_int(number, 6)
    assert packed == bytes.fromhex(f"{number:012d}") and bcd.to_int(packed) == number


# Answer to reset

_MAYBE = st.one_of(st.none(), st.integers(0, 255))
_ROUND = st.builds(card_atr.Interface, _MAYBE, _MAYBE, _MAYBE, st.integers(0, 15))
_LAST = st.builds(card_atr.Interface, _MAYBE, _MAYBE, _MAYBE)


@EVERY
@given(st.lists(_ROUND, max_size=4), _LAST, st.binary(max_size=15), st.booleans())
@example([card_atr.Interface(t=1), card_atr.Interface(t=1)], card_atr.Interface(ta=0xFE), b"", True)
def test_an_answer_to_reset_is_read_as_it_was_put_together(rounds, last, history: bytes, inverse: bool) -> None:
    data = card_atr.assemble([*rounds, last], history, inverse=inverse)
    parsed = device.attempt(atr.parse, data)
    facts = card_atr.facts(data)
    if parsed is None:
        return  # too long, or reserved values
    assert bytes(parsed.history) == history and parsed.inverse == inverse
    assert list(parsed.protocols) == facts.protocols
    assert (parsed.ifsc, parsed.crc) == (facts.ifsc, facts.crc)
    assert parsed.specific == (facts.specific is not None) and parsed.specific_implicit == facts.implicit
    f, d = card_atr.F.get(facts.ta1 >> 4), card_atr.D.get(facts.ta1 & 0x0F)
    assert (parsed.f, parsed.d) == ((f, d) if f and d else (372, 1))
    at = 0
    while (wanted := atr.expected(data[:at], at)) > at:
        at = wanted
    assert at == len(data)


# Transmission: the reader's side and the bench's card were written apart

_ATR_T0 = "3B600000"
_INS = st.sampled_from((0xA4, 0xA8, 0xAE, 0x88))
_STATUS = st.sampled_from((b"\x90\x00", b"\x6a\x82", b"\x69\x85"))


def _apdu(ins: int, data: bytes) -> bytes:
    return bytes((0x80, ins, 0, 0, len(data))) + data + b"\x00"


class _Wire:
    """The bench's protocol machine at the other end of an AnsweredLine."""

    def __init__(self) -> None:
        self.card: card_t0.T0 | card_t1.T1 | None = None
        self.said = b""

    def hear(self, data: bytes) -> None:
        self.said += data

    def answer(self, sent: bytes) -> bytes:
        assert self.card is not None
        self.said = b""
        if not sent and isinstance(self.card, card_t1.T1):
            self.card.quiet()
        for byte in sent:
            self.card.receive(byte)
        return self.said


@EVERY
@given(
    _INS,
    st.binary(min_size=1, max_size=255),
    st.binary(max_size=256),
    _STATUS,
    st.builds(card_t0.T0Options, nulls=st.integers(0, 5), one_by_one=st.booleans(), part=st.integers(1, 256)),
)
def test_t0_brings_command_and_response(ins: int, data: bytes, answer: bytes, status: bytes, options) -> None:
    heard = []
    if status != b"\x90\x00":
        answer = b""
    # The reader takes 128 of them in a command, and there are some before each procedure byte and status
    most = 64 // (2 + len(answer) // options.part + len(data))
    options = replace(options, nulls=min(options.nulls, most))
    wire = _Wire()
    wire.card = card_t0.T0(lambda command: heard.append(command) or answer + status, wire.hear, options)
    protocol = T0(AnsweredLine(wire.answer), atr.parse(bytes.fromhex(_ATR_T0)))
    command = _apdu(ins, data)
    response = device.drive(protocol.transmit(command))
    assert heard == [command] and bytes(response) == answer + status


_FAULTS = st.sampled_from(("bad-edc", "silence", "short", "bad-nad", "bad-pcb", "len-more", "len-255"))


def _script(faults: dict[int, str]):
    """Faults by the number of the block; never two within three blocks, which is what the rules recover from."""
    number = -1
    last = -3

    def next_fault() -> str | None:
        nonlocal number, last
        number += 1
        fault = faults.get(number)
        if fault is None or number - last < 3:
            return None
        last = number
        return fault

    return next_fault


@EVERY
@given(
    st.lists(
        st.tuples(_INS, st.binary(min_size=1, max_size=255), st.binary(max_size=256), _STATUS), min_size=1, max_size=3
    ),
    st.sampled_from((16, 32, 100, 254)),
    st.booleans(),
    st.builds(
        card_t1.T1Options,
        wtx=st.lists(st.integers(1, 5), max_size=2).map(tuple),
        ifs=st.one_of(st.none(), st.integers(16, 254)),
        part=st.integers(1, 254),
    ),
    st.dictionaries(st.integers(0, 40), _FAULTS, max_size=8),
)
def test_t1_brings_command_and_response_through_faults(exchanges, ifsc: int, crc: bool, options, faults) -> None:
    heard: list[bytes] = []

    def application(command: bytes) -> bytes:
        heard.append(command)
        return exchanges[len(heard) - 1][2] + exchanges[len(heard) - 1][3]

    wire = _Wire()
    wire.card = card_t1.T1(application, wire.hear, options, ifsc=ifsc, crc=crc, sent_fault=_script(faults))
    parsed = atr.parse(card_atr.basic_t1(ifsc=ifsc, tc3=1 if crc else None))
    protocol = T1(AnsweredLine(wire.answer), parsed)
    device.drive(protocol.start())
    for ins, data, answer, status in exchanges:
        response = device.drive(protocol.transmit(_apdu(ins, data)))
        assert bytes(response) == answer + status
    assert heard == [_apdu(ins, data) for ins, data, _, _ in exchanges]
