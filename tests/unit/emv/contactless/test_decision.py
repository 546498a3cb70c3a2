"""What follows from the card's data: mandatory data, cryptogram type, cardholder verification."""

from contactless_session import session

from reader import outcome
from reader.emv.contactless import decision
from reader.emv.contactless.kernel7 import kernel
from reader.emv.data import DataStore
from reader.errors import E_CARD_DECLINED, E_CVM, E_EMV_DATA, E_OFFLINE_APPROVED, E_TAG_FORMAT, E_TAG_MISSING
from testing import cases, h, raises

_CARD = (
    (0x82, "2000"),
    (0x9F36, "0001"),
    (0x9F26, "0011223344556677"),
    (0x9F10, "07010103A0000001"),
    (0x57, "6212340000000018D301220100000000000F"),
    (0x9F27, "80"),
)


def process(data, **options):
    return decision.run(session(data=data, **options))


def cryptogram_type(data):
    return decision.cryptogram_type(data, kernel)


_NO_CVR = "0102030405"


def _data(ttq="22004000", without=0, **changed):
    data = DataStore(512)
    data.put(0x9F66, h(ttq))
    for tag, value in _CARD:
        name = f"t{tag:X}"
        if tag != without and changed.get(name, value) is not None:
            data.put_card(tag, h(changed.get(name, value)))
    for name in changed:
        tag = int(name[1:], 16)
        if tag != without and data.get(tag) is None and changed[name] is not None:
            data.put_card(tag, h(changed[name]))
    return data


def test_an_online_request():
    data = _data()
    result = process(data)
    assert (result.code, result.cvm, result.reason) == (outcome.ONLINE_REQUEST, outcome.CVM_NONE, 0)
    assert data.get(0x9F34) == h("1F0002")


@cases(0x82, 0x9F36, 0x9F26, 0x9F10, 0x57)
def test_mandatory_data(tag):
    with raises(E_TAG_MISSING, tag):
        process(_data(without=tag))


def test_a_card_that_declines_needs_no_track():
    result = process(_data(without=0x57, t9F27="00", t9F10="0701010380000001"))
    assert (result.code, result.reason) == (outcome.DECLINED, E_CARD_DECLINED)
    result = process(_data("22804000", without=0x57, t9F27="40", t9F10="0701010390000001"))
    assert (result.code, result.reason) == (outcome.DECLINED, E_OFFLINE_APPROVED)


@cases(0x82, 0x9F36, 0x9F26, 0x9F10)
def test_but_what_goes_with_its_cryptogram(tag):
    with raises(E_TAG_MISSING, tag):
        process(_data(without=tag, t9F27="00", t9F10="0701010380000001"))


def test_the_account_number_beside_the_track():
    assert process(_data(t5A="6212340000000018")).code == outcome.ONLINE_REQUEST
    with raises(E_EMV_DATA, 0x5A):
        process(_data(t5A="6212340000000026"))


def test_a_malformed_track():
    with raises(E_TAG_FORMAT, 0x57):
        process(_data(t57="6212340000000018A301220100000000000F"))
    with raises(E_TAG_FORMAT, 0x57):
        process(_data(t57="6212340000000018A301220100000000000F", t5A="6212340000000018"))


# 9F27 bits 8-7 (EMV 4.4 Book 3, 6.5.5.4), 9F10 byte 5 bits 6-5 (JR/T 0025.5)
@cases(
    ("00", "0701010380000001", outcome.DECLINED, E_CARD_DECLINED),
    ("40", "0701010390000001", outcome.DECLINED, E_OFFLINE_APPROVED),
    ("80", "07010103A0000001", outcome.ONLINE_REQUEST, 0),
    (None, "0701010380000001", outcome.DECLINED, E_CARD_DECLINED),
    (None, "0701010390000001", outcome.DECLINED, E_OFFLINE_APPROVED),
    (None, "07010103A0000001", outcome.ONLINE_REQUEST, 0),
    ("00", _NO_CVR, outcome.DECLINED, E_CARD_DECLINED),
    ("40", _NO_CVR, outcome.DECLINED, E_OFFLINE_APPROVED),
    ("80", _NO_CVR, outcome.ONLINE_REQUEST, 0),
    ("BF", _NO_CVR, outcome.ONLINE_REQUEST, 0),
)
def test_types_of_cryptogram(cid, iad, code, reason):
    data = _data("22804000", t9F27=cid, t9F10=iad)
    result = process(data)
    assert (result.code, result.reason) == (code, reason)
    # what only 9F10 says is there as 9F27 afterwards
    if cid is None:
        assert data.get(0x9F27)[0] >> 6 == h(iad)[4] >> 4 & 3


@cases(
    ("80", "0701010390000001"),  # a TC made to look like an ARQC
    ("40", "07010103A0000001"),
    ("80", "0701010380000001"),
    ("C0", _NO_CVR),  # reserved
    ("C0", "07010103B0000001"),
    (None, "07010103B0000001"),
)
def test_types_that_contradict(cid, iad):
    with raises(E_EMV_DATA, 0x9F27):
        cryptogram_type(_data(t9F27=cid, t9F10=iad))


@cases(_NO_CVR, "06010103A00000", "07010104A0000001", "07010103A000")
def test_nothing_says_the_type(iad):
    with raises(E_TAG_MISSING, 0x9F27):
        cryptogram_type(_data(t9F27=None, t9F10=iad))


# TTQ: 02 signature, 04 online PIN in byte 1; 40 CVM required in byte 2; 40 device CVM in byte 3.
# CTQ: 80 online PIN, 40 signature in byte 1; 80 device CVM done in byte 2.
@cases(
    ("22004000", None, outcome.CVM_NONE, "1F0002"),
    ("22404000", None, outcome.CVM_SIGNATURE, "1E0000"),
    ("22004000", "0000", outcome.CVM_NONE, "1F0002"),
    ("22004000", "4000", outcome.CVM_SIGNATURE, "1E0000"),
    ("22404000", "4000", outcome.CVM_SIGNATURE, "1E0000"),
    ("22404000", "C000", outcome.CVM_SIGNATURE, "1E0000"),
    ("22404000", "0080", outcome.CVM_CONFIRMATION_CODE, "010002"),
    ("22004000", "0080", outcome.CVM_CONFIRMATION_CODE, "010002"),
    ("22404000", "4080", outcome.CVM_CONFIRMATION_CODE, "010002"),
    ("22404000", "8080", outcome.CVM_CONFIRMATION_CODE, "010002"),
    ("22400000", "4080", outcome.CVM_SIGNATURE, "1E0000"),
    ("26404000", "8000", outcome.CVM_ONLINE_PIN, "020000"),
    ("26004000", "8000", outcome.CVM_ONLINE_PIN, "020000"),
    ("26404000", "C080", outcome.CVM_ONLINE_PIN, "020000"),
    ("20004000", "0000", outcome.CVM_NONE, "1F0002"),
)
def test_cardholder_verification(ttq, ctq, cvm, results):
    data = _data(ttq, t9F6C=ctq)
    result = process(data)
    assert (result.code, result.cvm) == (outcome.ONLINE_REQUEST, cvm)
    assert data.get(0x9F34) == h(results)


@cases(
    ("20404000", None),  # required, and the reader can do none
    ("22404000", "0000"),  # required, and the card names none
    ("22404000", "8000"),  # online PIN, for which there is no keypad
    ("22004000", "8000"),
    ("20004000", "4000"),  # signature, which the reader does not take
    ("22400000", "0080"),  # device CVM, which the reader does not take
)
def test_a_verification_that_is_impossible(ttq, ctq):
    data = _data(ttq, t9F6C=ctq)
    result = process(data)
    assert (result.code, result.reason) == (outcome.END_APPLICATION, E_CVM)
    assert data.get(0x9F34) is None
    # where the reader takes chip cards too, that is the way out
    result = process(_data("3" + ttq[1:], t9F6C=ctq))
    assert (result.code, result.reason) == (outcome.TRY_ANOTHER_INTERFACE, E_CVM)


def test_the_qualifiers_are_repeated_in_the_authentication_data():
    result = process(_data("22404000", t9F6C="0080", t9F69="01000000000080"))
    assert result.cvm == outcome.CVM_CONFIRMATION_CODE
    for related in ("01000000000000", "0100000000", "01000000008000"):
        with raises(E_EMV_DATA, 0x9F6C):
            process(_data("22404000", t9F6C="0080", t9F69=related))


def test_an_expired_card_goes_online():
    assert process(_data(t5F24="200131")).code == outcome.ONLINE_REQUEST
