"""EMV 4.4 Book 3, 10.4. The cases named so are those of openemv emv-utils, tests/emv_processing_restrictions_test.c
(its dates and usage bytes, typed again)."""

from step_session import session, told

from reader.emv.contact.processing_restrictions import run
from reader.errors import E_TAG_FORMAT, E_TAG_MISSING
from testing import cases, h, raises, requirement

_DUTCH = {"country": 528, "version": "1313", "additional_capabilities": "F000000000"}


def _tvr(data, **changes):
    s, _ = session(data=data, **changes)
    run(s)
    assert s.tsi == h("0000")
    return told(s)[:10]


# Application versions, usage control, issuer country, expiration, effective date; what is different on the other side
@cases(
    ("1313", "FFC0", "0528", "250511", "250511", {}, "0000000000"),  # no restrictions
    ("1310", None, None, "250511", None, {}, "0080000000"),  # application version differs
    (None, "FDC0", None, "250511", None, {"type": 15}, "0010000000"),  # ATM not allowed
    (
        "1313",
        "FEC0",
        "0528",
        "250511",
        "250511",
        {"additional_capabilities": "7000000000"},
        "0010000000",
    ),  # other than ATM not allowed
    ("1313", "D7C0", "0528", "250511", "250511", {}, "0010000000"),  # domestic goods and services not allowed
    ("1313", "FF80", "0840", "250511", "250511", {"transaction_type": 9}, "0010000000"),  # international cashback
    (None, None, None, "250511", "250511", {"time": (2025, 5, 10, 0, 0, 0)}, "0020000000"),  # not yet effective
    (None, None, None, "250511", "250511", {"time": (2025, 5, 12, 0, 0, 0)}, "0040000000"),  # expired
    ("1314", "7FC0", "0528", "250510", "250512", {"transaction_type": 1}, "00F0000000"),  # all restrictions
)
def test_emv_utils(version, usage, issuer_country, expires, effective, changes, tvr):
    data = {0x9F08: version, 0x9F07: usage, 0x5F28: issuer_country, 0x5F24: expires, 0x5F25: effective}
    settings = dict(_DUTCH)
    settings.update(changes)
    assert _tvr(data, **settings) == tvr


@requirement("Book 3", "10.4.1", "A card whose application version (9F08) is not the reader's sets TVR byte 2 bit 8.")
@requirement("Book 3", "10.4.1", "A card without an application version is taken to have the reader's.")
@cases(("0030", "0000000000"), ("0020", "0080000000"), ("0031", "0080000000"), (None, "0000000000"))
def test_versions(version, tvr):
    assert _tvr({0x9F08: version}) == tvr


@requirement("Book 3", "10.4.2", "At an ATM the usage control needs 'valid at ATMs'.")
@requirement("Book 3", "10.4.2", "At any other terminal the usage control needs 'valid at terminals other than ATMs'.")
@requirement("Book 4", "A1", "An ATM is a terminal of type 14, 15 or 16 that gives cash.")
@cases(
    ("FD00", 22, "6000F0A001", True),
    ("FE00", 22, "6000F0A001", False),
    ("FE00", 14, "8000000000", True),
    ("FE00", 15, "8000000000", True),
    ("FE00", 16, "8000000000", True),
    ("FD00", 14, "8000000000", False),
    ("FD00", 14, "6000000000", True),  # it gives no cash
    ("FE00", 16, "6000000000", False),
    ("FE00", 16, "7F00000000", False),
    ("FD00", 13, "8000000000", True),
    ("FD00", 21, "8000000000", True),
)
def test_atm(usage, kind, additional, allowed):
    tvr = _tvr({0x9F07: usage}, type=kind, additional_capabilities=additional)
    assert tvr == ("0000000000" if allowed else "0010000000")


# Table 36: each bit alone, and for which transaction in which country it is enough
@requirement("Book 3", "10.4.2", "Cash in the issuer's country needs 'valid for domestic cash transactions'.")
@requirement("Book 3", "10.4.2", "Cash abroad needs 'valid for international cash transactions'.")
@requirement("Book 3", "10.4.2", "A sale in the issuer's country needs domestic goods or domestic services.")
@requirement("Book 3", "10.4.2", "A sale abroad needs international goods or international services.")
@requirement("Book 3", "10.4.2", "Cashback needs the cashback bit for its country besides that of the sale.")
@cases(
    (1, 0, "0156", ("8100",)),
    (17, 0, "0156", ("8100",)),
    (1, 0, "0840", ("4100",)),
    (0, 0, "0156", ("2100", "0900")),
    (0, 0, "0840", ("1100", "0500")),
    (9, 100, "0156", ("2180", "0980")),
    (9, 100, "0840", ("1140", "0540")),
    (0, 100, "0156", ("2180", "0980")),
)
def test_usage(kind, other, country, enough):
    for usage in (
        "8100",
        "4100",
        "2100",
        "1100",
        "0900",
        "0500",
        "2180",
        "2140",
        "0980",
        "1140",
        "0540",
        "1180",
        "213F",
        "112F",
    ):
        tvr = _tvr({0x9F07: usage, 0x5F28: country}, transaction_type=kind, amount_other=other)
        # a sale without cashback does not ask for the second byte
        fits = usage in enough or (other == 0 and usage[:2] + "00" in enough)
        assert (usage, tvr) == (usage, "0000000000" if fits else "0010000000")


@requirement(
    "Book 3", "10.4.2", "Without the issuer's country the usage control is not held against the transaction type."
)
@requirement("Book 3", "10.4.2", "Without a usage control every service is allowed.")
def test_what_is_not_there():
    assert _tvr({0x9F07: "0100"}) == "0000000000"
    assert _tvr({0x9F07: "0100", 0x5F28: "0156"}) == "0010000000"
    assert _tvr({0x5F28: "0156"}) == "0000000000"
    # a type that the table does not have
    assert _tvr({0x9F07: "0100", 0x5F28: "0156"}, transaction_type=20) == "0000000000"


@requirement("Book 3", "10.4.3", "An application is effective from the day 5F25 on; before it TVR byte 2 bit 6 is set.")
@cases(("250510", "0000000000"), ("250511", "0000000000"), ("250512", "0020000000"), (None, "0000000000"))
def test_effective(date, tvr):
    assert _tvr({0x5F25: date}) == tvr


@requirement(
    "Book 3", "10.4.4", "An application is valid to the end of the day 5F24; after it TVR byte 2 bit 7 is set."
)
@cases(("250510", "0040000000"), ("250511", "0000000000"), ("250512", "0000000000"))
def test_expired(date, tvr):
    assert _tvr({0x5F24: date}) == tvr


@requirement("Book 4", "6.7.3", "Years 00 to 49 of a card's date are of this century, 50 to 99 of the last one.")
@cases(("491231", "0000000000"), ("500101", "0040000000"), ("991231", "0040000000"), ("000131", "0040000000"))
def test_century(date, tvr):
    assert _tvr({0x5F24: date}) == tvr


@requirement("Book 3", "7.5", "A date of the card with a month or a day that does not exist ends the transaction.")
@cases("251301", "250001", "250532", "250500")
def test_no_date(date):
    for tag in (0x5F24, 0x5F25):
        with raises(E_TAG_FORMAT, tag):
            _tvr({tag: date})


def test_no_expiration():
    with raises(E_TAG_MISSING, 0x5F24):
        _tvr({0x5F24: None})
