"""Choice of the method, static, dynamic and combined authentication: every bit of TVR byte 1, and the TSI."""

from hashlib import sha1

import oda_issuer as oda

from reader.emv.commands import Commands
from reader.emv.contact import offline_data_authentication
from reader.errors import E_CARD_REMOVED, E_STATUS_WORD, E_TAG_MISSING, E_TLV
from testing import ScriptedCard, cases, h, raises, requirement

_NOT_PERFORMED = 0x80
_SDA_FAILED = 0x40
_MISSING = 0x20
_DDA_FAILED = 0x08
_CDA_FAILED = 0x04
_SDA_SELECTED = 0x02
_PERFORMED = 0x80


def _static_card(**replaced):
    profile = h("4000")
    parts = {"t82": profile, "t93": oda.static_signature(static=oda.RECORDS + profile)}
    parts.update(replaced)
    return oda.objects(**parts)


def _dynamic_card(profile, **replaced):
    certificate, remainder = oda.icc_certificate(static=oda.RECORDS + h(profile))
    parts = {"t82": h(profile), "t9F46": certificate, "t9F48": remainder}
    parts.update(replaced)
    return oda.objects(**parts)


def _internal_authenticate(values, response):
    values = h(values)
    return ScriptedCard([(h("00880000") + bytes((len(values),)) + values + b"\x00", response)])


def _template_80(signed):
    return b"\x80" + bytes((len(signed),)) + signed + b"\x90\x00"


async def _run(found, card=None, **more):
    s = oda.session(found, Commands(card.transmit) if card else None, **more)
    await offline_data_authentication.run(s)
    if card:
        card.done()
    assert bytes(s.tvr[1:]) == bytes(4) and s.tsi[1] == 0
    return s


async def _dda(signed, found=None, values="01020304", **more):
    """Dynamic authentication by a card that answers with `signed`."""
    card = _internal_authenticate(values, _template_80(signed))
    return await _run(found or _dynamic_card("2000"), card, **more)


@requirement("Book 3", "10.3", "Without a method that both can do, TVR byte 1 bit 8 says that none was performed.")
@cases(
    ("0000", "E0F8C8"),
    ("4000", "E0F848"),
    ("2000", "E0F888"),
    ("0100", "E0F8C0"),
    ("6100", "E0F800"),
    ("9EFF", "FFFFFF"),
)
async def test_not_performed(profile, capabilities):
    s = await _run(oda.objects(t82=h(profile)), capabilities=capabilities)
    assert (s.tvr[0], s.tsi[0]) == (_NOT_PERFORMED, 0)
    assert s.issuer_key is None and not s.cda


@requirement("Book 3", "10.3", "Combined authentication is preferred to dynamic, dynamic to static.")
@cases(
    ("6100", "E0F8C8", "cda"),
    ("0100", "E0F808", "cda"),
    ("6000", "E0F8C8", "dda"),
    ("6100", "E0F8C0", "dda"),
    ("4000", "E0F8C8", "sda"),
    ("6100", "E0F880", "sda"),
)
async def test_choice(profile, capabilities, method):
    # Without the authority's key each of them fails in a way of its own
    s = await _run(oda.objects(t82=h(profile), t8F=b"\x09"), capabilities=capabilities)
    bits = {"cda": _CDA_FAILED, "dda": _DDA_FAILED, "sda": _SDA_FAILED | _SDA_SELECTED}[method]
    assert (s.tvr[0], s.tsi[0], s.cda) == (bits, _PERFORMED, False)


@requirement("Book 2", "5.4", "A right signature of the static data authenticates them, and 9F45 is kept.")
@requirement(
    "Book 3", "10.3", "Static authentication is noted as selected in TVR byte 1 bit 2, and as performed in the TSI."
)
async def test_static():
    s = await _run(_static_card())
    assert (s.tvr[0], s.tsi[0]) == (_SDA_SELECTED, _PERFORMED)
    assert s.data.need(0x9F45) == h("DAC1")


async def _sda_fails(found, bits=0, **more):
    s = await _run(found, **more)
    assert (s.tvr[0], s.tsi[0]) == (_SDA_SELECTED | _SDA_FAILED | bits, _PERFORMED)
    assert s.data.get(0x9F45) is None


@requirement("Book 2", "5.4", "Step 1: static signed data that are not as long as the issuer's modulus fail.")
async def test_static_length():
    await _sda_fails(_static_card(t93=oda.static_signature()[:-1]))


@requirement(
    "Book 2", "5.4", "Steps 2 to 4: trailer BC, header 6A and format 03 are checked in the static signed data."
)
@cases({"trailer": 0xBB}, {"header": 0x6C}, {"form": 2}, {"form": 5})
async def test_static_frame(parts):
    await _sda_fails(_static_card(t93=oda.static_signature(static=oda.RECORDS + h("4000"), **parts)))


@requirement("Book 2", "5.4", "Step 6: a hash algorithm indicator other than 01 in the static signed data fails.")
async def test_static_hash_algorithm():
    await _sda_fails(_static_card(t93=oda.static_signature(hash_algorithm=2, static=oda.RECORDS + h("4000"))))


@requirement("Book 2", "5.4", "Step 7: the hash in the static signed data is the one over them and the static data.")
async def test_static_hash():
    await _sda_fails(_static_card(), static=oda.RECORDS + b"\x00")
    await _sda_fails(_static_card(t93=oda.static_signature(digest=bytes(20))))


@requirement("Book 3", "10.3", "The application interchange profile is authenticated when the list 9F4A names it.")
async def test_static_profile():
    await _sda_fails(_static_card(t93=oda.static_signature(static=oda.RECORDS)))
    s = await _run(_static_card(t93=oda.static_signature(static=oda.RECORDS), t9F4A=None))
    assert s.tvr[0] == _SDA_SELECTED


@requirement("Book 3", "10.3", "A list 9F4A that names anything but the application interchange profile fails.")
@cases("8295", "95", "8282", "")
async def test_static_tag_list(tags):
    await _sda_fails(_static_card(t9F4A=h(tags)))


@requirement("Book 3", "10.3", "A record of another template than 70 among the static data makes each method fail.")
async def test_records_bad():
    for found, bits in (
        (_static_card(), _SDA_SELECTED | _SDA_FAILED),
        (_dynamic_card("2000"), _DDA_FAILED),
        (_dynamic_card("0100"), _CDA_FAILED),
    ):
        s = oda.session(found)
        s.static_data_bad = True
        await offline_data_authentication.run(s)
        assert (s.tvr[0], s.tsi[0]) == (bits, _PERFORMED)


@requirement("Book 3", "7.5", "Missing signed static data (93) are noted in TVR byte 1 bit 6.")
@requirement("Book 2", "5.1", "Static authentication without one of its data objects fails.")
@cases("t93", "t8F", "t90", "t92", "t9F32")
async def test_static_missing(name):
    await _sda_fails(_static_card(**{name: None}), _MISSING)


@requirement("Book 2", "6.5", "A right answer to INTERNAL AUTHENTICATE authenticates the card, and 9F4C is kept.")
async def test_dynamic():
    s = await _dda(oda.dynamic_signature())
    assert (s.tvr[0], s.tsi[0]) == (0, _PERFORMED)
    assert s.data.need(0x9F4C) == h("112233")
    assert s.icc_key.modulus == oda.ICC.modulus and not s.cda


@requirement("Book 3", "6.5.9", "The answer to INTERNAL AUTHENTICATE is 9F4B in a template 77 as well.")
async def test_dynamic_format_2():
    signed = h("9F4B") + bytes((len(oda.ICC.modulus),)) + oda.dynamic_signature()
    card = _internal_authenticate("01020304", b"\x77" + bytes((len(signed),)) + signed + b"\x90\x00")
    s = await _run(_dynamic_card("2000"), card)
    assert s.tvr[0] == 0


@requirement("Book 2", "6.5.1", "The card's own DDOL says what it signs.")
async def test_dynamic_list_of_the_card():
    signed = oda.dynamic_signature(terminal=h("01020304 E0F8C8 0000"))
    s = await _dda(signed, _dynamic_card("2000", t9F49=h("9F3704 9F3303 9F6A02")), "01020304 E0F8C8 0000")
    assert s.tvr[0] == 0


async def _dda_fails(found, card=None, **more):
    s = await _run(found, card, **more)
    assert (s.tvr[0], s.tsi[0]) == (_DDA_FAILED, _PERFORMED)


@requirement("Book 2", "6.5.1", "A DDOL without the unpredictable number makes dynamic authentication fail.")
@cases("9F3303", "9F36", "9F37", "", "9F3704 9F33")
async def test_dynamic_list_bad(ddol):
    await _dda_fails(_dynamic_card("2000", t9F49=h(ddol)))


@requirement(
    "Book 2", "6.5.1", "Without any DDOL, and with a default one that lacks 9F37, dynamic authentication fails."
)
@cases("", "9F3303")
async def test_dynamic_default_list_bad(ddol):
    class Application:
        aid = oda.RID + h("010101")
        default_ddol = h(ddol)

    await _dda_fails(_dynamic_card("2000"), application=Application)


async def test_dynamic_list_too_long():
    await _dda_fails(_dynamic_card("2000", t9F49=h("9F3704 9F027F 9F037F")), ScriptedCard([]))


async def _signature_fails(signed):
    s = await _dda(signed)
    assert (s.tvr[0], s.tsi[0]) == (_DDA_FAILED, _PERFORMED)
    assert s.data.get(0x9F4C) is None


@requirement("Book 2", "6.5.2", "Step 1: signed dynamic data that are not as long as the card's modulus fail.")
async def test_dynamic_length():
    await _signature_fails(oda.dynamic_signature()[:-1])


@requirement(
    "Book 2", "6.5.2", "Steps 2 to 4: trailer BC, header 6A and format 05 are checked in the signed dynamic data."
)
@cases({"trailer": 0}, {"header": 0}, {"form": 3})
async def test_dynamic_frame(parts):
    await _signature_fails(oda.dynamic_signature(**parts))


@requirement("Book 2", "6.5.2", "Step 6: a hash algorithm indicator other than 01 in the signed dynamic data fails.")
async def test_dynamic_hash_algorithm():
    await _signature_fails(oda.dynamic_signature(hash_algorithm=0))


@requirement("Book 2", "6.5.2", "Step 7: the hash in the signed dynamic data is over them and what the reader sent.")
async def test_dynamic_hash():
    await _signature_fails(oda.dynamic_signature(terminal=h("01020305")))


@requirement("Book 2", "6.5.2", "The ICC dynamic number has 2 to 8 bytes, and lies within the ICC dynamic data.")
@cases(
    {"dynamic": h("01 11")},
    {"dynamic": h("09 112233445566778899")},
    {"dynamic": h("03 1122")},
    {"dynamic": h("00")},
    {"length": 72},
    {"length": 255},
    {"length": 0},
)
async def test_dynamic_number_bad(parts):
    await _signature_fails(oda.dynamic_signature(**parts))


@cases("02 1122", "08 1122334455667788", "02 1122 3344")
async def test_dynamic_number_good(dynamic):
    s = await _dda(oda.dynamic_signature(dynamic=h(dynamic)))
    assert s.tvr[0] == 0


@requirement("Book 3", "6.5.9", "A status word other than 9000 of INTERNAL AUTHENTICATE ends the transaction.")
async def test_dynamic_refused():
    card = _internal_authenticate("01020304", "6985")
    with raises(E_STATUS_WORD, 0x6985):
        await _run(_dynamic_card("2000"), card)
    card.done()


@requirement("Book 3", "6.5.9", "An answer to INTERNAL AUTHENTICATE without signed data ends the transaction.")
@cases(("77059F36020001 9000", E_TAG_MISSING), ("7000 9000", E_TAG_MISSING), ("8005 9000", E_TLV), ("9000", E_TLV))
async def test_dynamic_without_an_answer(response, code):
    with raises(code):
        await _run(_dynamic_card("2000"), _internal_authenticate("01020304", response))


async def test_dynamic_removed():
    with raises(E_CARD_REMOVED):
        await _run(_dynamic_card("2000"), _internal_authenticate("01020304", None))


@requirement("Book 2", "6.1", "Dynamic authentication without one of its data objects fails, and is noted as such.")
@cases("t8F", "t90", "t92", "t9F32", "t9F46", "t9F47", "t9F48")
async def test_dynamic_missing(name):
    s = await _run(_dynamic_card("2000", **{name: None}))
    assert s.tvr[0] == _DDA_FAILED | _MISSING


@requirement("Book 2", "6.4", "Without a right ICC certificate dynamic authentication fails and no command is sent.")
async def test_dynamic_certificate_bad():
    await _dda_fails(_dynamic_card("2000", t82=h("2004")))


@requirement(
    "Book 2", "6.6", "Before GENERATE AC combined authentication recovers the card's key, and sets no bit yet."
)
async def test_combined_prepared():
    s = await _run(_dynamic_card("0100"))
    assert s.cda and (s.tvr[0], s.tsi[0]) == (0, 0)
    assert s.icc_key.modulus == oda.ICC.modulus


@requirement("Book 2", "6.6", "When the card's key cannot be recovered CDA has failed, and no signature is asked for.")
@cases(("t90", _MISSING), ("t9F46", _MISSING), ("t8F", _MISSING))
async def test_combined_without_a_key(name, bits):
    s = await _run(_dynamic_card("0100", **{name: None}))
    assert not s.cda and (s.tvr[0], s.tsi[0]) == (_CDA_FAILED | bits, _PERFORMED)


_PDOL = h("9F7A")
_CDOL1 = h("000000001234 0156 261123")
_CDOL2 = h("3030 0000000000")
_CID = 0x80
_NUMBER = h("08 0102030405060708")
_CRYPTOGRAM = h("A1A2A3A4A5A6A7A8")
_HEAD = h("9F270180 9F36020007")
_TAIL = h("9F1007 07010103A0B001")


def _combined(hashed, number=_NUMBER, cid=_CID, **parts):
    return oda.dynamic_signature(number + bytes((cid,)) + _CRYPTOGRAM + sha1(hashed).digest(), **parts)


def _response(signed):
    return _HEAD + h("9F4B") + bytes((len(signed),)) + signed + _TAIL


async def _verify(signed, cdol2=b"", response=None, cid=_CID):
    s = await _run(_dynamic_card("0100"))
    s.pdol_values = _PDOL
    good = offline_data_authentication.verify_cda(s, _CDOL1, cdol2, response or _response(signed), cid)
    assert (s.tvr[0], s.tsi[0]) == (0 if good else _CDA_FAILED, _PERFORMED)
    assert (s.data.get(0x9F26) is None) == (not good)
    return s, good


@requirement(
    "Book 2", "6.6.2", "Step 10: the first GENERATE AC's hash is over PDOL, CDOL1 and the answer but for 9F4B."
)
@requirement("Book 2", "6.6.2", "After a right signature 9F26 and 9F4C are taken from the ICC dynamic data.")
async def test_combined_first():
    s, good = await _verify(_combined(_PDOL + _CDOL1 + _HEAD + _TAIL))
    assert good
    assert s.data.need(0x9F26) == _CRYPTOGRAM
    assert s.data.need(0x9F4C) == h("0102030405060708")


@requirement("Book 2", "6.6.2", "Step 10: the second GENERATE AC's hash is over PDOL, CDOL1, CDOL2 and the answer.")
async def test_combined_second():
    assert (await _verify(_combined(_PDOL + _CDOL1 + _CDOL2 + _HEAD + _TAIL), _CDOL2))[1]
    assert not (await _verify(_combined(_PDOL + _CDOL1 + _HEAD + _TAIL), _CDOL2))[1]


async def test_combined_padding_is_not_hashed():
    signed = _combined(_PDOL + _CDOL1 + _HEAD + _TAIL)
    assert (await _verify(signed, response=b"\x00" + _response(signed) + b"\x00\x00"))[1]


@requirement("Book 2", "6.6.2", "Step 12: a transaction data hash code other than the reader's makes CDA fail.")
@cases(b"", _PDOL + _CDOL1 + _HEAD, _CDOL1 + _HEAD + _TAIL, _PDOL + _CDOL1 + _TAIL + _HEAD)
async def test_combined_hash_code(hashed):
    assert not (await _verify(_combined(hashed)))[1]


@requirement("Book 2", "6.6.2", "Step 6: a CID other than the one in clear makes CDA fail.")
async def test_combined_cid():
    signed = _combined(_PDOL + _CDOL1 + _HEAD + _TAIL, cid=0x40)
    assert not (await _verify(signed))[1]
    assert not (await _verify(_combined(_PDOL + _CDOL1 + _HEAD + _TAIL), cid=0x40))[1]


@requirement("Book 2", "6.6.2", "Steps 1 to 4: length, trailer, header and format of the signed data are checked.")
@cases({"trailer": 1}, {"header": 1}, {"form": 1}, {"hash_algorithm": 7})
async def test_combined_frame(parts):
    assert not (await _verify(_combined(_PDOL + _CDOL1 + _HEAD + _TAIL, **parts)))[1]


async def test_combined_length():
    assert not (await _verify(_combined(_PDOL + _CDOL1 + _HEAD + _TAIL)[1:]))[1]


@requirement("Book 2", "6.6.2", "Steps 7 to 9: the hash of the signed data is over them and the unpredictable number.")
async def test_combined_unpredictable_number():
    assert not (await _verify(_combined(_PDOL + _CDOL1 + _HEAD + _TAIL, terminal=bytes(4))))[1]


@requirement("Book 2", "6.6.2", "Step 5: ICC dynamic data too short for cryptogram and hash code make CDA fail.")
@cases({"length": 37}, {"number": h("02 0102"), "length": 31}, {"number": h("01 01")}, {"length": 72})
async def test_combined_lengths(parts):
    assert not (await _verify(_combined(_PDOL + _CDOL1 + _HEAD + _TAIL, **parts)))[1]


async def test_combined_without_signed_data():
    assert not (await _verify(b"", response=_HEAD + _TAIL))[1]


async def test_combined_without_a_key_of_the_card():
    s = oda.session(_dynamic_card("0100"))
    assert not offline_data_authentication.verify_cda(s, b"", b"", _response(bytes(96)), _CID)
    assert s.tvr[0] == _CDA_FAILED


async def test_combined_broken_template():
    s = await _run(_dynamic_card("0100"))
    with raises(E_TLV):
        offline_data_authentication.verify_cda(s, b"", b"", h("9F2701"), _CID)
