"""PBOC 3.0 part 13 (JR/T 0025.13): electronic cash by contact."""

from step_session import session

from reader.emv.contact import electronic_cash
from reader.errors import E_CARD_REMOVED, E_TAG_MISSING
from testing import cases, hexed, raises, requirement

_BALANCE = "80CA9F7900"
_THRESHOLD = "80CA9F6D00"
_CODE = "454343303031"  # ECC001


@requirement("PBOC 13", "7.5", "Electronic cash is offered for a sale below the application's limit (9F7B).")
@requirement(
    "PBOC 13", "7.5", "Electronic cash is not offered for an application without a limit, nor for cash or cashback."
)
@cases(
    ({}, True),
    ({"amount": 99999}, True),
    ({"amount": 100000}, False),
    ({"ec_limit": None}, False),
    ({"ec_limit": 0, "amount": 0}, False),
    ({"transaction_type": 1}, False),
    ({"transaction_type": 9}, False),
    ({"transaction_type": 20}, False),
    ({"amount_other": 100}, False),
    ({"currency": 156}, True),
)
def test_offers(changes, offered):
    s, _ = session(**changes)
    assert electronic_cash.offers(s) is offered


@requirement("PBOC 13", "7.5", "Electronic cash is not offered in another currency than the terminal's.")
def test_offers_in_its_currency():
    s, _ = session()
    s.tx.currency = 840
    assert not electronic_cash.offers(s)


@requirement("PBOC 13", "7.4.2", "A card that has 9F74 among its records after the offer takes it.")
@requirement("PBOC 13", "7.4.2", "Balance (9F79) and reset threshold (9F6D) are asked for by GET DATA.")
async def test_taken():
    script = [(_BALANCE, "9F7906000000012345 9000"), (_THRESHOLD, "9F6D06000000001000 9000")]
    s, card = session(script, {0x9F7A: "01", 0x9F74: _CODE})
    await electronic_cash.after_read(s)
    card.done()
    assert s.electronic_cash
    assert (hexed(s.data.get(0x9F79)), hexed(s.data.get(0x9F6D))) == ("000000012345", "000000001000")


async def test_an_empty_one():
    script = [(_BALANCE, "9F7906000000000000 9000"), (_THRESHOLD, "9F6D06000000000000 9000")]
    s, _ = session(script, {0x9F7A: "01", 0x9F74: _CODE})
    await electronic_cash.after_read(s)
    assert s.electronic_cash


@requirement("PBOC 13", "7.4.2", "Without the offer or without 9F74 the sale is an ordinary one.")
@cases((None, _CODE), ("00", _CODE), ("01", None))
async def test_not_taken(offered, code):
    s, card = session((), {0x9F7A: offered, 0x9F74: code})
    await electronic_cash.after_read(s)
    card.done()
    assert not s.electronic_cash


@requirement(
    "PBOC 13", "7.4.2", "A card that takes the offer and does not give balance and threshold ends the transaction."
)
@cases("6A88", "9F7905 0000012345 9000", "9F790600000001234A 9000", "9F7906000000012345 6283", "7900 9000", "9F79 9000")
async def test_taken_without_a_balance(response):
    s, _ = session([(_BALANCE, response)], {0x9F7A: "01", 0x9F74: _CODE})
    with raises(E_TAG_MISSING, 0x9F79):
        await electronic_cash.after_read(s)
    script = [(_BALANCE, "9F7906000000012345 9000"), (_THRESHOLD, response)]
    s, _ = session(script, {0x9F7A: "01", 0x9F74: _CODE})
    with raises(E_TAG_MISSING, 0x9F6D):
        await electronic_cash.after_read(s)
    assert not s.electronic_cash


@requirement("PBOC 13", "7.4.6", "The balance after the sale is asked for again.")
@cases(
    ("9F7906000000007345 9000", 7345), ("9F7906000000000000 9000", 0), ("6A88", None), ("9F7906FFFFFFFFFFFF 9000", None)
)
async def test_balance(response, amount):
    s, card = session([(_BALANCE, response)])
    assert await electronic_cash.balance(s) == amount
    card.done()


async def test_the_card_leaves():
    s, _ = session([(_BALANCE, None)], {0x9F7A: "01", 0x9F74: _CODE})
    with raises(E_CARD_REMOVED):
        await electronic_cash.after_read(s)
