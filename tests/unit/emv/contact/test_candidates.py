"""The candidate list: EMV 4.4 Book 1, 12.2 to 12.4."""

from contact_session import MASTERCARD, VISA, Terminal

from reader.emv.contact.candidates import CANDIDATES_MOST, Candidates, is_name, matches, shown, to_be_confirmed
from testing import cases, h, requirement


@requirement("Book 1", "12.3.1", "An AID of the reader matches the name of an application that is equal to it.")
@requirement("Book 1", "12.3.1", "A longer name matches only an AID that the reader may take as its beginning.")
@cases(
    ("A0000000031010", "A0000000031010", False, True),
    ("A0000000031010", "A0000000031010", True, True),
    ("A000000003101001", "A0000000031010", True, True),
    ("A000000003101001", "A0000000031010", False, False),
    ("A00000000310", "A0000000031010", True, False),
    ("A0000000041010", "A0000000031010", True, False),
)
def test_matching(name, aid, partial, good):
    assert matches(h(name), h(aid), partial) == good
    assert matches(memoryview(h(name)), h(aid), partial) == good


@requirement("Book 1", "12.2.1", "The name of an application has 5 to 16 bytes.")
def test_names():
    assert not is_name(None) and not is_name(bytes(4)) and not is_name(bytes(17))
    assert is_name(bytes(5)) and is_name(memoryview(bytes(16)))


def _order(*rows):
    candidates = Candidates()
    for priority, last in rows:
        candidates.add(None if priority is None else h(priority), VISA + bytes((last,)), b"")
    return [name[-1] for _, name, _ in candidates.list]


@requirement("Book 1", "12.4", "Candidates are listed by their priority, 1 first, those without one last.")
@requirement("Book 1", "12.4", "Candidates of one priority, or of none, keep the order in which they were found.")
@cases(
    ((("02", 1), ("01", 2), ("0F", 3)), [2, 1, 3]),
    (((None, 1), ("0F", 2), ("00", 3), ("01", 4)), [4, 2, 1, 3]),
    ((("01", 1), ("81", 2), ("01", 3)), [1, 2, 3]),
    ((("F1", 1), ("02", 2)), [1, 2]),
    ((("0101", 1), ("0F", 2)), [2, 1]),
)
def test_order(rows, order):
    assert _order(*rows) == order


def test_the_same_name_counts_once():
    assert _order(("02", 1), ("03", 2), ("01", 1)) == [1, 2]


def test_the_bound():
    rows = [("02", i) for i in range(CANDIDATES_MOST)]
    assert _order(*rows) == list(range(CANDIDATES_MOST))
    # the last falls off, whether it is the new one or not
    assert _order(*rows, ("03", 99)) == list(range(CANDIDATES_MOST))
    assert _order(*rows, ("01", 99)) == [99] + list(range(CANDIDATES_MOST - 1))


@requirement("Book 1", "12.2.3", "Bit 8 of the priority indicator asks for the cardholder's confirmation.")
def test_confirmation():
    candidates = Candidates()
    candidates.add(h("81"), VISA, b"")
    candidates.add(h("02"), MASTERCARD, b"")
    candidates.add(None, MASTERCARD + b"\1", b"")
    assert [to_be_confirmed(candidate) for candidate in candidates.list] == [True, False, False]


@requirement("Book 1", "12.4", "The preferred name is shown when the reader has the card's code table.")
@requirement("Book 1", "12.4", "Without a code table that the reader has, the application label is shown.")
@cases(
    (b"DEBIT", b"Karte", "01", b"Karte"),
    (b"DEBIT", b"Z\xfcrich", "01", b"Z\xfcrich"),
    (b"DEBIT", b"Karte", "02", b"DEBIT"),
    (b"DEBIT", b"Karte", "0101", b"DEBIT"),
    (b"DEBIT", b"Karte", None, b"DEBIT"),
    (b"DEBIT", None, "01", b"DEBIT"),
    (b"DEBIT", b"", "01", b"DEBIT"),
    (None, b"Karte", "02", b"a0000000031010"),
    (b"", None, None, b"a0000000031010"),
    (b"D\x1bBIT\n\xfc", None, None, b"D?BIT??"),
    (None, b"\x00\x80\x9f\xa0~\x7f", "01", b"???\xa0~?"),
    (b"x" * 17, None, None, b"x" * 16),
)
def test_what_is_shown(label, preferred, table, text):
    assert shown(VISA, label, preferred, None if table is None else h(table), Terminal()) == text


def test_a_reader_without_the_code_table():
    terminal = Terminal()
    terminal.additional_capabilities = h("6000F0A000")
    assert shown(VISA, b"DEBIT", b"Karte", h("01"), terminal) == b"DEBIT"
