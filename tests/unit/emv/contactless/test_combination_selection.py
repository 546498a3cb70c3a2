"""EMV Contactless Book B, 3.3.2: the candidate list."""

from reader.emv.contactless.combination_selection import CANDIDATES_MOST, candidates
from reader.errors import E_TAG_DUPLICATE, E_TLV, ReaderError
from testing import cases, h, raises, requirement

_DEBIT = "A000000333010101"
_CREDIT = "A000000333010102"


def _t(tag, value):
    value = h(value)
    n = len(value)
    return h(tag) + (bytes((n,)) if n < 128 else bytes((0x81, n))) + value


def _entry(aid, more=""):
    return _t("61", _t("4F", aid) + h(more))


def _fci(*entries):
    body = b""
    for entry in entries:
        body += entry
    return _t("6F", _t("84", b"2PAY.SYS.DDF01") + _t("A5", _t("BF0C", body)))


class _Row:
    kernel = 7

    def __init__(self, aid, extended_selection=False):
        self.aid = h(aid)
        self.extended_selection = extended_selection


def _find(fci, aids=(_DEBIT, _CREDIT), allowed=lambda i: True):
    return candidates(fci, [_Row(aid) for aid in aids], allowed)


def test_one_application():
    assert _find(_fci(_entry(_DEBIT, "870101 5003515042"))) == [(1, 0, h(_DEBIT), b"")]


@requirement("Book B", "3.3.2", "Candidates are ordered by the card's priority, then as its directory has them.")
def test_priority_comes_before_order():
    found = _find(_fci(_entry(_DEBIT, "870102"), _entry(_CREDIT, "870101")))
    assert [c[2] for c in found] == [h(_CREDIT), h(_DEBIT)]


def test_order_of_the_directory_where_priorities_are_equal():
    found = _find(_fci(_entry(_CREDIT, "870101"), _entry(_DEBIT, "870101")))
    assert [c[2] for c in found] == [h(_CREDIT), h(_DEBIT)]


@cases(("", 15), ("870100", 15), ("8701F3", 3), ("87010F", 15), ("870181", 1))
def test_priorities(more, priority):
    assert _find(_fci(_entry(_DEBIT, more)))[0][0] == priority


@requirement("Book B", "3.3.2", "A reader's AID matches an ADF name that begins with it.")
def test_an_adf_name_that_goes_on_matches():
    name = _DEBIT + "0099"
    assert _find(_fci(_entry(name))) == [(15, 0, h(name), b"")]


def test_an_adf_name_that_is_shorter_does_not():
    assert _find(_fci(_entry("A0000003330101"))) == []


def test_a_short_aid_of_the_reader_matches_all_under_it():
    found = _find(_fci(_entry(_DEBIT), _entry(_CREDIT)), ("A000000333",))
    assert [c[2] for c in found] == [h(_DEBIT), h(_CREDIT)]


def test_a_combination_that_pre_processing_excluded():
    found = _find(_fci(_entry(_DEBIT), _entry(_CREDIT)), allowed=lambda i: i != 0)
    assert found == [(15, 1, h(_CREDIT), b"")]


# Kernel identifier, 9F2A: 00 leaves it to the reader, 07 is this kernel; bits 8 and 7 of 10 and 11 are domestic ones
@requirement(
    "Book B", "3.3.2", "A kernel identifier of the card chooses the kernel, a domestic one none of this reader's."
)
@cases(
    ("", True),
    ("9F2A00", True),
    ("9F2A0100", True),
    ("9F2A0107", True),
    ("9F2A080700000000000000", True),
    ("9F2A0103", False),
    ("9F2A0187", False),
    ("9F2A03870156", False),
    ("9F2A01C0", False),
    ("9F2A09070000000000000000", False),
)
def test_kernels(more, matches):
    assert len(_find(_fci(_entry(_DEBIT, more)))) == (1 if matches else 0)


@requirement("Book B", "3.3.2", "Without an identifier the kernel is that of the scheme.")
def test_the_default_kernel_of_another_scheme_is_not_ours():
    assert _find(_fci(_entry("A0000000031010")), ("A0000000031010",)) == []
    # a scheme without a default kernel takes what the reader has
    assert len(_find(_fci(_entry("A0000009991010")), ("A0000009991010",))) == 1


@requirement("Book B", "3.3.2", "A directory entry with malformed data is passed over.")
@cases(
    _t("61", "870101"),  # no ADF name
    _t("61", _t("4F", "A0000003")),  # 4 bytes
    _t("61", _t("4F", "A000000333010101 0000000000000000 00")),  # 17 bytes
    _t("61", _t("4F", _DEBIT) + h("87020101")),  # priority of two bytes
    _t("61", b""),
    _t("9F4D", "0B0A"),  # no directory entry
)
def test_an_entry_that_is_passed_over(entry):
    assert _find(_fci(entry, _entry(_CREDIT, "870101"))) == [(1, 1, h(_CREDIT), b"")]


@cases(
    _t("6F", ""),
    _t("6F", _t("84", b"2PAY.SYS.DDF01")),
    _t("6F", _t("84", b"2PAY.SYS.DDF01") + h("A500")),
    _t("6F", _t("84", b"2PAY.SYS.DDF01") + _t("A5", "8701018801FF")),
    _fci(),
)
def test_no_directory_no_candidates(fci):
    assert _find(fci) == []


@cases("", "6F", "7000", "6F02 A501", "6F0184", "00")
def test_not_an_fci(text):
    with raises(E_TLV):
        _find(h(text))


def test_twice_the_same_in_an_entry():
    with raises(E_TAG_DUPLICATE, 0x4F):
        _find(_fci(_t("61", _t("4F", _DEBIT) + _t("4F", _CREDIT))))
    with raises(E_TAG_DUPLICATE, 0x87):
        _find(_fci(_entry(_DEBIT, "870101870102")))


def test_the_bound_keeps_the_best():
    # priorities 15 first: what comes later and is better drives them out
    entries = [_t("61", _t("4F", _DEBIT + f"{i:02X}") + h("87010F")) for i in range(CANDIDATES_MOST)]
    found = _find(_fci_long(entries))
    assert len(found) == CANDIDATES_MOST
    entries.append(_t("61", _t("4F", _DEBIT + "FF") + h("870101")))
    found = _find(_fci_long(entries))
    assert len(found) == CANDIDATES_MOST
    assert found[0] == (1, 0, h(_DEBIT + "FF"), b"")
    assert found[-1][2] == h(_DEBIT + "%02X" % (CANDIDATES_MOST - 2))


def _fci_long(entries):
    body = b"".join(entries)
    directory = h("BF0C81") + bytes((len(body),)) + body
    return h("6F81") + bytes((len(directory) + 3,)) + h("A581") + bytes((len(directory),)) + directory


def test_cut_at_every_byte():
    fci = _fci(_entry(_DEBIT, "870101 9F2A0107"), _entry(_CREDIT, "870102"))
    assert len(_find(fci)) == 2
    for n in range(len(fci)):
        with raises(E_TLV):
            _find(fci[:n])


def test_whatever_comes():
    fci = _fci(_entry(_DEBIT, "870101 9F2A0107"), _entry(_CREDIT, "870102"))
    rows = [_Row(_DEBIT)]
    state = 0x9E3779B9
    good = 0
    for _ in range(2000):
        data = bytearray(fci)
        for _ in range(1 + (state & 3)):
            state ^= state << 13 & 0xFFFFFFFF
            state ^= state >> 17
            state = (state ^ state << 5) & 0xFFFFFFFF
            data[(state >> 3) % len(data)] = state >> 16 & 0xFF
        try:
            assert len(candidates(data, rows, lambda i: True)) <= 2
            good += 1
        except ReaderError as error:
            assert error.code in (E_TLV, E_TAG_DUPLICATE), error.code
    assert 100 < good < 1900, good


# Book B, 3.3.2 and 3.3.3: 9F29 is sent behind the ADF name by a combination that supports it
@requirement("Book B", "3.3.3", "Extended selection is sent behind the ADF name where the combination supports it.")
@cases(
    ("9F2902 AABB", True, "AABB"),
    ("9F2902 AABB", False, ""),
    ("9F2908 0102030405060708", True, "0102030405060708"),
    ("9F2909 010203040506070809", True, ""),  # with it the name would be longer than 16 bytes
    ("9F2900", True, ""),
    ("", True, ""),
)
def test_extended_selection(more, supported, extension):
    found = candidates(_fci(_entry(_DEBIT, more)), [_Row(_DEBIT, supported)], lambda i: True)
    assert found == [(15, 0, h(_DEBIT), h(extension))]
