"""The signature that comes with the cryptogram: EMV Contactless Book C-3, 5.6 and its annex on fDDA; JR/T 0025.12, annex B."""

import oda_issuer as oda
from contactless_session import session

from reader.emv.contactless import fdda
from reader.emv.data import DataStore
from testing import cases, h, requirement

_AMOUNT = h("000000012345")
_CURRENCY = h("0156")
_RELATED = h("01 A1A2A3A4 0000")
_ATC = h("02 0001")  # the ICC dynamic number: its length, the counter
_SIGNED_1 = oda.NUMBER + _AMOUNT + _CURRENCY + _RELATED


def _session(signed, related=_RELATED, tables=None, number=oda.NUMBER, amount=_AMOUNT, currency=_CURRENCY, **replaced):
    data = DataStore(2048)
    data.put(0x9F37, number)
    data.put(0x9F02, amount)
    data.put(0x5F2A, currency)
    found = oda.objects(**replaced)
    del found[0x93]
    found[0x9F4B] = signed
    found[0x9F69] = related
    for tag, value in found.items():
        if value is not None:
            assert data.put_card(tag, value)
    s = session(data=data, tables=tables or oda.Tables(), time=oda.TODAY)
    s.static_data = bytearray(oda.RECORDS)
    return s


def _verify(signed, with_version_0=False, **options):
    return fdda.verify(_session(signed, **options), with_version_0)


@requirement("Book C-3", "5.6", "Version 01 of the signature covers number, amount, currency and 9F69.")
def test_version_1():
    assert _verify(oda.dynamic_signature(_ATC, terminal=_SIGNED_1))


# Whatever is under it and was changed on the way
@cases(
    {"number": h("01020305")},
    {"amount": h("000000000001")},
    {"currency": h("0840")},
    {"related": h("01 A1A2A3A5 0000")},
    {"related": h("01 A1A2A3A4 0080")},
    {"related": h("01 A1A2A3A4")},
    {"t82": h("2000")},
    {"t5A": h("6212340000000026")},
)
def test_what_is_changed_does_not_hold(changed):
    assert not _verify(oda.dynamic_signature(_ATC, terminal=_SIGNED_1), **changed)


@requirement("PBOC 12", "Annex B", "Version 00 of the signature covers the terminal's number alone.")
def test_version_0():
    signed = oda.dynamic_signature(_ATC)
    assert _verify(signed, True, related=None)
    assert _verify(signed, True, related=h("00 A1A2A3A4 0000"))
    assert not _verify(signed, True, related=None, number=h("01020305"))


@requirement("Book C-3", "5.6.1.1", "A kernel that knows version 01 only takes no other signature.")
def test_a_version_that_the_kernel_does_not_take():
    signed = oda.dynamic_signature(_ATC)
    assert not _verify(signed, False, related=None)
    assert not _verify(signed, False, related=h("00 A1A2A3A4 0000"))
    for version in ("02", "FF"):
        related = h(version + "A1A2A3A4 0000")
        terminal = oda.NUMBER + _AMOUNT + _CURRENCY + related
        assert not _verify(oda.dynamic_signature(_ATC, terminal=terminal), True, related=related)


def test_a_newer_signature_is_no_older_one():
    # 9F69 taken away on the way, or its version changed: then the number alone would have to be under it
    signed = oda.dynamic_signature(_ATC, terminal=_SIGNED_1)
    assert not _verify(signed, True, related=None)
    assert not _verify(signed, True, related=h("00 A1A2A3A4 0000"))


@cases(0x9F4B, 0x8F, 0x90, 0x92, 0x9F32, 0x9F46, 0x9F47, 0x9F48, 0x5A)
def test_what_is_missing_does_not_hold(tag):
    signed = None if tag == 0x9F4B else oda.dynamic_signature(_ATC, terminal=_SIGNED_1)
    replaced = {} if tag == 0x9F4B else {f"t{tag:X}": None}
    assert not _verify(signed, **replaced)


def test_no_keys_in_the_reader():
    s = _session(oda.dynamic_signature(_ATC, terminal=_SIGNED_1))
    s.tables = None
    assert not fdda.verify(s, False)


def test_a_key_that_the_reader_does_not_have():
    assert not _verify(oda.dynamic_signature(_ATC, terminal=_SIGNED_1), t8F=b"\x02")


@requirement("PBOC 12", "Annex B", "The records under the card's certificate are part of its authentication.")
def test_static_data_that_do_not_fit():
    s = _session(oda.dynamic_signature(_ATC, terminal=_SIGNED_1))
    s.static_data_bad = True
    assert not fdda.verify(s, False)
    s = _session(oda.dynamic_signature(_ATC, terminal=_SIGNED_1))
    s.static_data = bytearray(oda.RECORDS + b"\x00")
    assert not fdda.verify(s, False)


# Book 2, 6.5.2: each step of the recovery
@cases(
    {"header": 0x6B},
    {"trailer": 0xBD},
    {"form": 3},
    {"hash_algorithm": 2},
    {"length": 100},
    {"digest": bytes(20)},
    {"dynamic": h("01 01")},
    {"dynamic": h("09 010203040506070809")},
)
def test_a_signature_that_is_none(parts):
    parts = dict(parts)
    dynamic = parts.pop("dynamic", _ATC)
    assert not _verify(oda.dynamic_signature(dynamic, terminal=_SIGNED_1, **parts))


def test_signed_by_another_card():
    content = bytes((5, 1, len(_ATC))) + _ATC
    content += b"\xbb" * (len(oda.ICC.modulus) - 22 - len(content))
    assert not _verify(oda.sealed(oda.PIN, content, _SIGNED_1))


@cases(1, 47, 95, 97, 248)
def test_a_signature_of_any_length(length):
    assert not _verify(bytes(length))
