"""EMV 4.4 Book 3, 10.6; Book 4, 6.3.5. The velocity cases are those of openemv emv-utils,
tests/emv_terminal_risk_management_test.c, typed again."""

from step_session import Tables, session, told

from reader.emv.contact.terminal_risk_management import run
from reader.errors import E_CARD_REMOVED, E_ENTROPY
from testing import FixedEntropy, cases, h, raises, requirement

_ATC = "80CA9F3600"
_LAST = "80CA9F1300"
_NO = "6A81"


async def _told(script=(), data=None, **changes):
    s, card = session(script, data, **changes)
    await run(s)
    card.done()
    return told(s)


@requirement("Book 3", "10.6.1", "A sale of the floor limit or more sets TVR byte 4 bit 8.")
@requirement("Book 3", "10.6", "Terminal risk management sets TSI bit 4, whatever it found.")
@cases((5000, "0000000000 0800"), (9999, "0000000000 0800"), (10000, "0000008000 0800"), (15000, "0000008000 0800"))
async def test_floor_limit(amount, expected):
    assert await _told(amount=amount) == expected


@requirement("Book 3", "10.6", "Terminal risk management is done even where the card's profile does not ask for it.")
async def test_whatever_the_profile_says():
    assert await _told(data={0x82: "0000"}, amount=10000) == "0000008000 0800"


# Floor limit 10000, threshold 2000, target 20 %, at most 60 %: at 6000 half of the way, so 40 %. The number is that of
# the two bytes modulo 99, plus 1.
@requirement("Book 3", "10.6.2", "Below the threshold a sale goes online when the random number is at most the target.")
@requirement("Book 3", "10.6.2", "From the threshold on the target grows with the amount up to the maximum target.")
@requirement("Book 3", "10.6.2", "A sale that chance selects sets TVR byte 4 bit 5.")
@cases(
    (1999, 20, True),
    (1999, 21, False),
    (2000, 20, True),
    (2000, 21, False),
    (6000, 40, True),
    (6000, 41, False),
    (9999, 59, True),
    (9999, 60, False),
    (6000, 1, True),
    (6000, 99, False),
)
async def test_random_selection(amount, number, selected):
    entropy = bytes((0, number - 1))
    expected = "0000001000 0800" if selected else "0000000000 0800"
    assert await _told(amount=amount, threshold=2000, target=20, max_target=60, entropy=entropy) == expected
    # the same number, one round later
    entropy = (990 + number - 1).to_bytes(2, "big")
    assert await _told(amount=amount, threshold=2000, target=20, max_target=60, entropy=entropy) == expected


@requirement("Book 3", "10.6.2", "A target of 99 percent selects every sale, of 0 percent none.")
async def test_random_always_and_never():
    for number in (0, 98, 65535):
        entropy = number.to_bytes(2, "big")
        assert await _told(threshold=9000, target=99, max_target=99, entropy=entropy) == "0000001000 0800"
    # nobody is asked for a number that decides nothing
    assert await _told(threshold=9000, target=0, max_target=99) == "0000000000 0800"
    assert await _told(amount=0, threshold=0, target=0, max_target=99) == "0000000000 0800"


@requirement("Book 3", "10.6.2", "A sale at or above the floor limit is not selected by chance.")
@requirement("Book 3", "10.6.2", "A terminal that cannot go online selects no sale by chance.")
async def test_random_not_at_all():
    assert await _told(amount=10000, target=99, max_target=99) == "0000008000 0800"
    assert await _told(type=23, target=99, max_target=99) == "0000000000 0800"


async def test_no_entropy():
    s, _ = session(target=50, max_target=50)
    s.entropy = FixedEntropy(None)
    with raises(E_ENTROPY):
        await run(s)


@requirement("Book 3", "10.6.3", "More sales since the last one online than the lower limit set TVR byte 4 bit 7.")
@requirement("Book 3", "10.6.3", "More sales since the last one online than the upper limit set TVR byte 4 bit 6.")
@requirement("Book 3", "10.6.3", "Without one of the two counters both limits are exceeded.")
@requirement("Book 3", "10.6.3", "A card that was never online (9F13 is 0) sets TVR byte 2 bit 4.")
@requirement("Book 3", "6.5.7", "GET DATA asks for ATC and last online ATC register by their tags.")
@cases(
    ("9F360204D2 9000", "9F130204D1 9000", "0000000000"),  # no risk found
    (_NO, _NO, "0000006000"),  # not possible
    ("9F360204D2 9000", "9F130204C0 9000", "0000000000"),  # lower limit reached
    ("9F360204D2 9000", "9F130204BF 9000", "0000004000"),  # lower limit exceeded
    ("9F360204D2 9000", "9F1302049E 9000", "0000004000"),  # upper limit reached
    ("9F360204D2 9000", "9F1302049D 9000", "0000006000"),  # upper limit exceeded
    ("9F36020005 9000", "9F13020000 9000", "0008000000"),  # new card
    (_NO, "9F13020000 9000", "0008006000"),  # new card without ATC
)
async def test_velocity_of_emv_utils(counter, last, tvr):
    script = [(_ATC, counter), (_LAST, last)]
    assert await _told(script, {0x9F14: "12", 0x9F23: "34"}) == tvr + " 0800"


@requirement("Book 3", "10.6.3", "A counter that is not above the last online one exceeds both limits.")
@cases(
    ("9F36020005 9000", "9F13020005 9000", "0000006000"),
    ("9F36020005 9000", "9F13020006 9000", "0000006000"),
    ("9F36020000 9000", "9F13020000 9000", "0008006000"),
    ("9F36020005 9000", _NO, "0000006000"),
    # what is no such data object is as none
    ("9F360105 9000", "9F13020000 9000", "0008006000"),
    ("9F360205 9000", "9F13020000 9000", "0008006000"),
    ("9F36020005 9F36020005 9000", "9F13020000 9000", "0008006000"),
    ("9F36020005 6283", "9F13020000 9000", "0008006000"),
    ("0005 9000", "0000 9000", "0000006000"),
)
async def test_velocity(counter, last, tvr):
    script = [(_ATC, counter), (_LAST, last)]
    assert await _told(script, {0x9F14: "12", 0x9F23: "34"}) == tvr + " 0800"


@requirement("Book 3", "10.6.3", "Velocity is checked only for a card that has both limits.")
@cases({}, {0x9F14: "12"}, {0x9F23: "34"})
async def test_no_velocity(data):
    assert await _told(data=data) == "0000000000 0800"


async def test_the_card_leaves():
    s, _ = session([(_ATC, None)], {0x9F14: "12", 0x9F23: "34"})
    with raises(E_CARD_REMOVED):
        await run(s)


@requirement("Book 4", "6.3.5", "A card in the exception file sets TVR byte 1 bit 5.")
@cases((None, 0, True), ("12", 12, True), ("01", 2, False), (None, 1, False))
async def test_exception_file(sequence, listed, found):
    tables = Tables((h("6212340000000018"), listed))
    expected = "1000000000 0800" if found else "0000000000 0800"
    assert await _told(data={0x5F34: sequence}, tables=tables) == expected


@requirement(
    "PBOC 13",
    "7.4.3",
    "Electronic cash is held against no floor limit, chance or velocity, but against the exception file.",
)
async def test_electronic_cash():
    s, card = session(
        (),
        {0x9F14: "12", 0x9F23: "34"},
        tables=Tables((h("6212340000000018"), 0)),
        amount=50000,
        target=99,
        max_target=99,
    )
    s.electronic_cash = True
    await run(s)
    card.done()
    assert told(s) == "1000000000 0800"
