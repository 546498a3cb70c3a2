"""What is Visa's own: EMV Contactless Book C-3."""

from contactless_session import session

from reader import outcome
from reader.emv.contactless.kernel3 import kernel
from reader.emv.data import DataStore
from reader.emv.icc_data import icc_data_into
from reader.errors import E_TAG_FORMAT, E_TAG_MISSING
from testing import ScriptedCard, cases, h, raises, requirement

_AID = h("A0000000031010")
_GPO = "80A80000 06 8304 22804000 00"
_TRACK = "6212340000000018D301220100000000000F"
_OBJECTS = {
    0x82: "2000",
    0x9F36: "0001",
    0x9F26: "0011223344556677",
    0x9F10: "06011203A00000",
    0x57: _TRACK,
}


def _t(tag, value):
    value = h(value)
    return (bytes((tag,)) if tag < 256 else bytes((tag >> 8, tag & 0xFF))) + bytes((len(value),)) + value


def _fci():
    return _t(0x6F, _t(0x84, _AID) + _t(0xA5, _t(0x9F38, "9F6604")))


async def _run(ttq="22804000", without=0, **more):
    data = DataStore(1024)
    data.put(0x9F66, h(ttq))
    objects = dict(_OBJECTS)
    for name, value in more.items():
        objects[int(name[1:], 16)] = value
    body = b"".join([_t(tag, objects[tag]) for tag in objects if tag != without])
    card = ScriptedCard([("80A80000 06 8304" + ttq + "00", _t(0x77, body) + h("9000"))])
    s = session(card, data, kernel=3, name=_AID, fci=_fci())
    result = await kernel.run(s)
    card.done()
    return result, data


async def test_an_online_request():
    result, data = await _run()
    assert (result.code, result.cvm, result.start) == (outcome.ONLINE_REQUEST, outcome.CVM_NONE, 0)
    assert data.get(0x9F27) == b"\x80"  # from 9F10 alone


@requirement("Book C-3", "5.4.2.1", "Cryptogram, counter, profile, issuer application data and track 2 are mandatory.")
@cases(0x82, 0x9F36, 0x9F26, 0x9F10, 0x57)
async def test_mandatory_data(tag):
    with raises(E_TAG_MISSING, tag):
        await _run(without=tag)


@requirement("Book C-3", "4.1.1.1", "The form factor goes to the host with the technology that the reader saw.")
async def test_the_form_factor_and_the_customers_data_go_to_the_host():
    _, data = await _run(t9F6E="20700F7F", t9F7C="0102030405")
    assert data.get(0x9F6E) == h("20700F70")
    out = bytearray(255)
    sent = bytes(out[: icc_data_into(data, out)])
    assert sent.find(h("9F6E0420700F70 9F7C050102030405")) > 0


@cases("207000", "2070000000")
async def test_a_form_factor_of_another_length(value):
    with raises(E_TAG_FORMAT, 0x9F6E):
        await _run(t9F6E=value)


@requirement("Book C-3", "5.8.1.2", "Where both can, the card is presented once more after the issuer's answer.")
async def test_issuer_update_is_announced():
    result, _ = await _run("22808000", t9F6C="0040")
    assert (result.code, result.start) == (outcome.ONLINE_REQUEST, outcome.START_B)
    assert result.ui_restart == (outcome.MESSAGE_PRESENT_AGAIN, outcome.UI_READY_TO_READ, 0)
    for ttq, ctq in (("22804000", "0040"), ("22808000", "0000")):
        result, _ = await _run(ttq, t9F6C=ctq)
        assert (result.start, result.ui_restart) == (0, None)
