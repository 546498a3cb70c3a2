"""EMV Contactless Book B, 3.1.1, limit by limit, each at its bound."""

from reader.emv.contactless.pre_processing import pre_process
from reader.errors import E_AMOUNT, E_CONTACTLESS_LIMIT
from reader.outcome import TRY_ANOTHER_INTERFACE, Outcome
from testing import cases, h, raises, requirement

_TIME = (2026, 3, 14, 15, 9, 26)


class _Row:
    aid = h("A000000333010101")
    kernel = 7

    def __init__(self, **values):
        self.ttq = h("22004000")
        self.transaction_limit = None
        self.cvm_limit = None
        self.floor_limit = None
        self.status_check = False
        self.zero_amount = True
        for name in values:
            setattr(self, name, values[name])


class _Terminal:
    currency = 156
    exponent = 2


class _Parameters:
    terminal = _Terminal

    def __init__(self, *rows):
        self.contactless = rows


_ALL = (True, True, True)


def _run(amount, *rows, kept=_ALL):
    return pre_process(_Parameters(*rows), kept, amount, 156, _TIME, 7, 0)


# TTQ byte 2: bit 8 online cryptogram required, bit 7 CVM required
@requirement("Book B", "3.1.1", "Limits and status check of each combination set what its qualifiers ask the card for.")
@cases(
    # floor limit: above it, online (an amount equal to the limit is not above)
    (1000, {"floor_limit": 1000}, "22004000"),
    (1001, {"floor_limit": 1000}, "22804000"),
    (1, {"floor_limit": 0}, "22804000"),
    (999999999999, {}, "22004000"),
    # CVM required limit: from it on
    (999, {"cvm_limit": 1000}, "22004000"),
    (1000, {"cvm_limit": 1000}, "22404000"),
    (1000, {"cvm_limit": 1000, "floor_limit": 0}, "22C04000"),
    (5, {"cvm_limit": 0}, "22404000"),
    # transaction limit: below it
    (999, {"transaction_limit": 1000}, "22004000"),
    # status check: exactly one unit of the currency, and only when configured
    (100, {"status_check": True}, "22804000"),
    (101, {"status_check": True}, "22004000"),
    (1, {"status_check": True}, "22004000"),
    (100, {}, "22004000"),
    # zero amount: online
    (0, {}, "22804000"),
    (0, {"cvm_limit": 1000, "transaction_limit": 1}, "22804000"),
    # the configuration's own bits 8 and 7 of byte 2 do not count
    (1, {"ttq": h("22C04000")}, "22004000"),
    (1, {"ttq": h("22FF4000")}, "223F4000"),
)
def test_qualifiers(amount, row, ttq):
    tx = _run(amount, _Row(**row))
    assert tx.allowed(0)
    assert bytes(tx.ttq(0)) == h(ttq)


@requirement("Book B", "3.1.1", "An amount that no combination allows is for another interface.")
@cases(
    (1000, {"transaction_limit": 1000}),
    (1001, {"transaction_limit": 1000}),
    (0, {"transaction_limit": 0}),
    (0, {"zero_amount": False}),
    (0, {"ttq": h("2A004000")}),  # an offline-only reader
)
def test_no_combination_left(amount, row):
    outcome = _run(amount, _Row(**row))
    assert isinstance(outcome, Outcome)
    assert outcome.code == TRY_ANOTHER_INTERFACE and outcome.reason == E_CONTACTLESS_LIMIT


def test_each_combination_for_itself():
    tx = _run(1000, _Row(transaction_limit=1000), _Row(floor_limit=0), _Row(cvm_limit=1000))
    assert [tx.allowed(i) for i in range(3)] == [False, True, True]
    assert bytes(tx.ttq(1)) == h("22804000")
    assert bytes(tx.ttq(2)) == h("22404000")


def test_what_the_transaction_keeps():
    tx = _run(1234, _Row())
    assert (tx.amount, tx.currency, tx.time, tx.sequence, tx.transaction_type) == (1234, 156, _TIME, 7, 0)


def test_the_configuration_is_not_changed():
    row = _Row(floor_limit=0)
    _run(1, row)
    assert row.ttq == h("22004000")


@cases((-1, 156), (1000000000000, 156), (100, 840))
def test_not_an_amount_of_this_reader(amount, currency):
    with raises(E_AMOUNT):
        pre_process(_Parameters(_Row()), _ALL, amount, currency, _TIME, 7, 0)


# Byte 1: 10 contact chip, 04 online PIN, 01 offline data authentication for online authorisations
@requirement("Book A", "5.7", "The qualifiers promise the card nothing that the board does not keep.")
@cases(
    ((True, True, True), "37000080"),
    ((False, True, True), "33000080"),
    ((True, False, True), "27000080"),
    ((True, True, False), "36800080"),  # and without keys nothing but an online cryptogram is worth anything
    ((0, 0, False), "22800080"),
)
def test_a_promise_that_the_board_does_not_keep(kept, ttq):
    tx = _run(100, _Row(ttq=h("37000080")), kept=kept)
    assert tx.ttq(0) == h(ttq)
