"""What passes to a card that is not for payment, and what of its answers comes back: nothing that pays."""

from reader.app.apdu_guard import ApduGuard
from reader.errors import E_LINK_BODY, E_PASS_PAYMENT
from reader.link.protocol import APDU
from testing import cases, h, raises, requirement

_OWN = h("D156000099")  # a scheme of the acquirer's that has no RID among those everybody knows
_LOYALTY = "00A40400 07 F0000000010203 00"
_FCI = "6F09 8407 F0000000010203 9000"


def _guard():
    return ApduGuard([_OWN])


def _named():
    guard = _guard()
    guard.ask(h(_LOYALTY))
    guard.take(h(_LOYALTY), h(_FCI))
    return guard


@cases(
    (_LOYALTY,),
    ("00A40400 07 D2760000850101 00",),  # NDEF: NFC Forum Type 4 Tag, 5.4.2
    ("00A40400 09 A00000063201010500 00",),  # a transit purse
    ("00A40402 07 F0000000010203 00",),
    ("90 60 0000 00",),  # DESFire GET VERSION, wrapped
    ("90 5A 0000 03 010203 00",),
)
def test_passes_from_the_start(command):
    _guard().ask(h(command))


@cases(
    ("00B00000 00",),
    ("00B2010C 00",),
    ("80CA9F36 00",),
    ("00A4000C 02 E103",),
    ("00C00000 00",),
    ("00840000 08",),
)
def test_only_after_a_name(command):
    with raises(E_PASS_PAYMENT):
        _guard().ask(h(command))
    _named().ask(h(command))


@cases(
    ("325041592E5359532E4444463031",),  # PPSE (EMV Contactless Book B, 3.3.2)
    ("315041592E5359532E4444463031",),  # PSE (EMV Book 1, 11.3.2)
    ("325041592E",),
    ("32",),
    ("325041592E5359532E444446303158",),
    ("A000000333010101",),  # UnionPay
    ("A000000333",),
    ("A0000003",),  # could select any of them
    ("A0",),
    ("A0000000031010",),
    ("A0000000032010",),
    ("A0000000041010",),
    ("A000000025010701",),
    ("A0000000651010",),
    ("A0000001523010",),
    ("A0000006723010",),
    ("A0000007271010",),
    ("D27600002547410100",),
    ("D5780000021010",),
    ("D4100000030001",),
    ("D15600009901",),  # the reader's own
    ("D156",),
)
@requirement(
    "ISO 7816-4", "11.2.2", "SELECT by a name, whole or its beginning, reaches no payment application by pass-through."
)
def test_payment_by_name(name):
    name = h(name)
    command = bytes((0x00, 0xA4, 0x04, 0x00, len(name))) + name
    for guard in (_guard(), _named()):
        for cla in (0x00, 0x04, 0x80, 0x90):
            for tail in (b"", b"\x00"):
                with raises(E_PASS_PAYMENT):
                    guard.ask(bytes((cla,)) + command[1:] + tail)


@cases(
    ("00A40400",),  # no name: the first there is
    ("00A40400 00",),
    ("00A40000 02 3F00",),  # the master file
    ("00A40000",),
    ("00A40000 03 E10300",),
    ("00A40100 02 DF01",),  # a child, parent, by path
    ("00A40300",),
    ("00A40800 04 DF01EF01",),
    ("00A40900 04 DF01EF01",),
    ("80A80000 02 8300 00",),  # GET PROCESSING OPTIONS
    ("00A80000 02 8300 00",),
    ("80AE8000 01 00 00",),  # GENERATE AC
    ("90AE8000 01 00 00",),
    ("00C20000 04 00A40400",),  # ENVELOPE
    ("00C30000 04 00A40400",),
    ("00700000 01",),  # MANAGE CHANNEL
    ("01B00000 00",),  # channel 1
    ("03A40400 07 F0000000010203",),
    ("40B00000 00",),  # channel 4
    ("7FB00000 00",),
    ("10A40400 02 3250",),  # a chained SELECT
    ("0CA40400 0E 325041592E5359532E4444463031",),
)
@requirement(
    "ISO 7816-4", "5.4.1", "Other channels, chained commands, paths and the master file are closed to pass-through."
)
def test_never(command):
    for guard in (_guard(), _named()):
        with raises(E_PASS_PAYMENT):
            guard.ask(h(command))


@cases(("",), ("00A404",), ("00A40400 07 F00000000102",), ("00A40400 07 F0000000010203 0000",), ("00A40400 000007 F0",))
def test_no_short_apdu(command):
    with raises(E_LINK_BODY, APDU):
        _guard().ask(h(command))


@cases(("6A82",), ("6985",), ("6700",))
def test_a_name_that_is_not_there(status):
    guard = _guard()
    guard.take(h(_LOYALTY), h(status))
    with raises(E_PASS_PAYMENT):
        guard.ask(h("00B00000 00"))


@cases(("9000",), (_FCI,), ("6110",), ("6283",))
def test_a_name_that_is_there(answer):
    guard = _guard()
    guard.take(h(_LOYALTY), h(answer))
    guard.ask(h("00B00000 00"))


@cases(
    ("7004 5A02 6212 9000",),
    ("7015 5713 6212340000000019D30122010000000000000F 9000",),
    ("7706 9F6B03 621234 9000",),
    ("7003 5601 42 9000",),
    ("E106 7004 5A02 6212 9000",),
    ("7008 5F2002 4142 5A01 62 9000",),
    ("7004 5A02 6212 99 9000",),  # something behind it that is no TLV
)
def test_account_data(answer):
    guard = _named()
    with raises(E_PASS_PAYMENT):
        guard.take(h("00B2010C 00"), h(answer))
    with raises(E_PASS_PAYMENT):  # it has to begin with a name again
        guard.ask(h("00B00000 00"))


@cases(
    ("9000",),
    ("5A02 6212 9000",),  # points in a record of its own, that begins so by chance
    ("6212 3456 9000",),
    ("7004 5F2002 4142 9000",),
    ("FFFFFFFF 9000",),
    ("8400 9000",),
    ("70" * 250 + "9000",),
    ("7002" * 120 + "9000",),
)
def test_other_data(answer):
    _named().take(h("00B2010C 00"), h(answer))


def test_another_application_than_was_asked_for():
    # a partial name may mean the next application there is (ISO/IEC 7816-4, 11.2.2)
    guard = _guard()
    with raises(E_PASS_PAYMENT):
        guard.take(h("00A40400 01 F0"), h("6F0A 8408 A000000333010101 9000"))
    with raises(E_PASS_PAYMENT):
        guard.ask(h("00B00000 00"))
