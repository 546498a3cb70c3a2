"""What follows from the card's data: mandatory data, cryptogram type, cardholder verification."""

from contactless_session import session

from reader import outcome
from reader.emv.contactless import decision
from reader.emv.contactless.kernel7 import kernel
from reader.emv.data import DataStore
from reader.errors import (
    E_CARD_DECLINED,
    E_CONTACTLESS_LIMIT,
    E_CVM,
    E_EMV_DATA,
    E_EXPIRED,
    E_ODA,
    E_OFFLINE_APPROVED,
    E_TAG_FORMAT,
    E_TAG_MISSING,
)
from testing import cases, h, raises, requirement

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


@requirement("Book C-3", "Annex A", "Track 2 and account number name the same account.")
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
@requirement("PBOC 12", "7.5", "Without 9F27 the card's verification results say the type of the cryptogram.")
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
@requirement("PBOC 12", "7.7", "The card's qualifiers choose among online PIN, device and signature, in this order.")
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


@requirement("PBOC 12", "7.6", "An expired card that asks to go online is its issuer's to judge.")
def test_an_expired_card_goes_online():
    assert process(_data(t5F24="200131")).code == outcome.ONLINE_REQUEST


# --- kernel 3, and a card that approves by itself

_VISA = "06010A03A00000"
_VISA_TC = "06010A03900000"
_TC = {"t9F27": "40", "t9F10": "0701010390000001", "t5F24": "301231"}


def _sign(monkey, holds):
    """Let the card's signature hold, or not: test_fdda.py has the real ones. What it was asked with is returned."""
    from reader.emv.contactless import fdda

    asked = []

    def verify(s, with_version_0):
        asked.append(with_version_0)
        return holds

    monkey.append((fdda, fdda.verify))
    fdda.verify = verify
    return asked


def _with_signature(holds, *data, kernel=7, **changed):
    """The outcome, and whether (and with which versions) the signature was looked at."""
    monkey = []
    asked = _sign(monkey, holds)
    try:
        return process(_data(*data, **changed), kernel=kernel), asked
    finally:
        for module, verify in monkey:
            module.verify = verify


@requirement("PBOC 12", "7.8", "A card that approves offline and whose signature holds has paid.")
def test_approved_offline():
    for number, iad in ((7, "0701010390000001"), (3, _VISA_TC)):
        changed = dict(_TC)
        changed["t9F10"] = iad
        result, asked = _with_signature(True, kernel=number, **changed)
        assert (result.code, result.cvm, result.reason) == (outcome.APPROVED, outcome.CVM_NONE, 0)
        assert asked == [number == 7]


@requirement(
    "Book C-3", "5.6.1.2", "Without the card's signature an offline approval is declined, or goes as the card says."
)
@cases(
    (None, "22004000", outcome.DECLINED, E_ODA),
    ("0000", "22004000", outcome.DECLINED, E_ODA),
    ("2000", "22004000", outcome.ONLINE_REQUEST, 0),  # go online
    ("3000", "32004000", outcome.ONLINE_REQUEST, 0),
    ("1000", "32004000", outcome.TRY_ANOTHER_INTERFACE, E_ODA),  # the contact chip, where there is a slot
    ("1000", "22004000", outcome.DECLINED, E_ODA),
    ("2000", "2A004000", outcome.DECLINED, E_ODA),  # a reader that is never online
)
def test_the_signature_does_not_hold(ctq, ttq, code, reason):
    for number, iad in ((7, "0701010390000001"), (3, _VISA_TC)):
        result, _ = _with_signature(False, ttq, kernel=number, t9F27="40", t9F10=iad, t5F24="301231", t9F6C=ctq)
        assert (result.code, result.reason) == (code, reason)


@requirement(
    "Book C-3",
    "5.6.1.1",
    "For an online authorisation the signature is looked at where both can and the card gave one.",
)
@cases(
    ("23004000", "2000", "00", True),
    ("22004000", "2000", "00", False),  # the reader does not
    ("23004000", "1C00", "00", False),  # the card does not
    ("23004000", "2000", None, False),  # it could have, and did not
)
def test_the_signature_of_an_online_request(ttq, profile, signed, is_asked):
    for number, iad in ((7, "07010103A0000001"), (3, _VISA)):
        result, asked = _with_signature(True, ttq, kernel=number, t82=profile, t9F4B=signed, t9F10=iad)
        assert result.code == outcome.ONLINE_REQUEST
        assert len(asked) == (1 if is_asked else 0)
        result, _ = _with_signature(False, ttq, kernel=number, t82=profile, t9F4B=signed, t9F10=iad)
        assert (result.code, result.reason) == ((outcome.DECLINED, E_ODA) if is_asked else (outcome.ONLINE_REQUEST, 0))
        result, _ = _with_signature(False, ttq, kernel=number, t82=profile, t9F4B=signed, t9F10=iad, t9F6C="2000")
        assert result.code == outcome.ONLINE_REQUEST


@requirement(
    "Book C-3", "5.4.3.2", "A card that approves what the issuer was to be asked about goes online, with kernel 3."
)
def test_an_approval_that_was_not_asked_for():
    result, asked = _with_signature(False, "22804000", kernel=3, t9F27="40", t9F10=_VISA_TC)
    assert (result.code, asked) == (outcome.ONLINE_REQUEST, [])
    result, asked = _with_signature(False, "22804000", **_TC)
    assert (result.code, result.reason, asked) == (outcome.DECLINED, E_OFFLINE_APPROVED, [])


def test_an_expired_card_that_approves():
    result, asked = _with_signature(True, t9F27="40", t9F10="0701010390000001", t5F24="200131")
    assert (result.code, result.reason, asked) == (outcome.DECLINED, E_EXPIRED, [])
    # the card wants its issuer asked: nothing has to hold for that
    result, asked = _with_signature(False, t9F27="40", t9F10="0701010390000001", t5F24="200131", t9F6C="0800")
    assert (result.code, asked) == (outcome.ONLINE_REQUEST, [])


def test_a_pin_takes_an_approval_online():
    # Book C-3, 5.7.1.2: only the issuer can verify it
    result, _ = _with_signature(True, "26404000", t9F6C="8000", **_TC)
    assert (result.code, result.cvm) == (outcome.ONLINE_REQUEST, outcome.CVM_ONLINE_PIN)
    result, _ = _with_signature(True, "22404000", t9F6C="4000", **_TC)
    assert (result.code, result.cvm) == (outcome.APPROVED, outcome.CVM_SIGNATURE)


@requirement("Book C-3", "5.7.1.2", "The device's verification counts with signed qualifiers, or with an ARQC.")
def test_device_verification_of_an_approval():
    device = {"t9F6C": "0080"}
    result, _ = _with_signature(True, "22404000", kernel=3, t9F69="01000000000080", **device, **_TC)
    assert (result.code, result.cvm) == (outcome.APPROVED, outcome.CVM_CONFIRMATION_CODE)
    for related in ("01000000000000", "0100000000", None):
        result, _ = _with_signature(True, "22404000", kernel=3, t9F69=related, **device, **_TC)
        assert (result.code, result.reason) == (outcome.DECLINED, E_CVM)
        with raises(E_EMV_DATA, 0x9F6C):
            _with_signature(True, "22404000", t9F69=related, **device, **_TC)


@requirement(
    "Book C-3", "5.7.1.1", "A card without qualifiers leaves the method to the reader: signature, then online PIN."
)
def test_the_readers_choice():
    for number, iad in ((7, "07010103A0000001"), (3, _VISA)):
        result = process(_data("26404000", t9F10=iad), kernel=number)
        assert result.cvm == outcome.CVM_SIGNATURE
        result = process(_data("24404000", t9F10=iad), kernel=number)
        assert (result.code, result.cvm) == (outcome.ONLINE_REQUEST, outcome.CVM_ONLINE_PIN)


@requirement("Book C-3", "5.7.1.3", "Kernel 3 declines when a required verification is impossible, and only then.")
def test_an_impossible_verification_of_kernel_3():
    for ttq, ctq in (("20404000", None), ("22404000", "0000"), ("22404000", "8000"), ("32400000", "0080")):
        result = process(_data(ttq, t9F6C=ctq, t9F10=_VISA), kernel=3)
        assert (result.code, result.reason) == (outcome.DECLINED, E_CVM)
    for ttq, ctq in (("22004000", "8000"), ("20004000", "4000")):
        data = _data(ttq, t9F6C=ctq, t9F10=_VISA)
        result = process(data, kernel=3)
        assert (result.code, result.cvm) == (outcome.ONLINE_REQUEST, outcome.CVM_NONE)
        assert data.get(0x9F34) == h("1F0002")


# Published shapes of 9F10 (VIS 1.5 and 1.6, IAD formats 0/1/3 and 2): cryptogram versions 10, 17, 18 and 22
@cases(
    ("06010A03A00000", 2),
    ("06011103A00000", 2),
    ("06011203A00000", 2),
    ("1F220103A0000000000000000000000000000000000000000000000000000000", 2),
    ("06011203900000", 1),
    ("06011203800000", 0),
    ("06011203B00000", 3),
    ("06010A03A000", -1),
)
def test_where_visa_says_the_type(iad, kind):
    from reader.emv.contactless.kernel3 import kernel as kernel3

    assert kernel3.type_said(h(iad)) == kind


# 9F07: byte 1 80 domestic cash, 40 international; byte 2 80 domestic cashback, 40 international. CTQ: 04 cash, 02 cashback
@requirement(
    "Book C-3", "5.5.1.3", "Cash needs the card's usage control, and goes where its qualifiers say without it."
)
@requirement("Book C-3", "5.5.1.4", "Cashback needs the card's usage control for it.")
@cases(
    (1, "8000", "0156", None, outcome.ONLINE_REQUEST),
    (17, "4000", "0840", None, outcome.ONLINE_REQUEST),
    (1, "4000", "0156", None, outcome.DECLINED),
    (1, "8000", "0840", None, outcome.DECLINED),
    (1, None, "0156", None, outcome.DECLINED),
    (1, "8000", None, "0000", outcome.DECLINED),
    (17, "0000", "0156", "0400", outcome.TRY_ANOTHER_INTERFACE),
    (1, "0000", "0156", "0200", outcome.DECLINED),
    (9, "0080", "0156", None, outcome.ONLINE_REQUEST),
    (9, "0040", "0840", None, outcome.ONLINE_REQUEST),
    (9, "FF3F", "0156", None, outcome.DECLINED),
    (9, "FF3F", "0156", "0200", outcome.TRY_ANOTHER_INTERFACE),
    (9, "FF3F", "0156", "0400", outcome.DECLINED),
    (0, "0000", "0156", None, outcome.ONLINE_REQUEST),
    (32, "0000", "0156", None, outcome.ONLINE_REQUEST),
)
def test_usage_control(transaction_type, usage, country, ctq, code):
    data = _data(t9F07=usage, t5F28=country, t9F6C=ctq)
    result = process(data, transaction_type=transaction_type)
    assert result.code == code
    if code != outcome.ONLINE_REQUEST:
        assert result.reason == E_CONTACTLESS_LIMIT
    if code == outcome.TRY_ANOTHER_INTERFACE:
        assert result.ui == (outcome.MESSAGE_INSERT_OR_SWIPE, outcome.UI_PROCESSING_ERROR, 0)
