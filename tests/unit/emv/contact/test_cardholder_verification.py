"""EMV 4.4 Book 3, 10.5 and Annex C3; Book 4, 6.3.4: the CVM list, its conditions, what is told of it."""

from step_session import Cardholder, session, told

from reader import outcome
from reader.emv.contact.cardholder_verification import run
from reader.errors import E_TAG_FORMAT
from testing import cases, h, hexed, raises, requirement

_AMOUNTS = "00002710 000003E8"  # X is 100.00, Y 10.00
_TRIES = ("80CA9F1700", "9F170103 9000")
_PLAIN = "00200080 08 241234FFFFFFFFFF"
_ALL = "E0F8C8"


async def _run(rules, script=(), answers=(), has_pin_pad=True, data=None, **changes):
    values = {0x8E: rules and _AMOUNTS + rules, 0x9F42: "0156"}
    values.update(data or {})
    s, card = session(script, values, cardholder=Cardholder(answers, has_pin_pad), **changes)
    assert await run(s) is None
    card.done()
    assert s.cardholder.wiped() or s.pin is not None
    return s


def _results(s):
    return hexed(s.data.get(0x9F34))


# The rules of openemv emv-utils, tests/emv_cvmlist_test.c (typed again), on a reader that can do everything
@cases(
    ("1E03", "1E0300"),  # signature, if supported
    ("4201", "3F0001"),  # online PIN, if unattended cash
    ("4201 1F03", "1F0302"),
)
async def test_lists_of_emv_utils(rules, results):
    s = await _run(rules)
    assert _results(s) == results


@requirement("Book 3", "10.5", "Rules are tried in their order until one is successful.")
async def test_a_long_list():
    # the last list of emv-utils: enciphered offline PIN finds no key, the plain one succeeds
    s = await _run("4201 4403 4103 5E03 4203 1F03", [_TRIES, (_PLAIN, "9000")], ["1234"])
    assert (_results(s), told(s), s.cvm) == ("410302", "2000000000 4000", outcome.CVM_OFFLINE_PIN)


@requirement("Book 3", "10.5", "A card that does not support cardholder verification is not asked for any.")
@requirement("Book 4", "6.3.4.5", "CVM results are 3F0000 when no verification was to be performed.")
async def test_the_card_does_not_want_it():
    s = await _run("0100", data={0x82: "6D00"})
    assert (_results(s), told(s), s.cvm) == ("3F0000", "0000000000 0000", outcome.CVM_NOT_APPLICABLE)


@requirement(
    "Book 3", "10.5", "A list without a rule is as none: the TSI does not say that verification was performed."
)
@requirement(
    "Book 3", "7.5", "A CVM list that the card's profile promises and that is missing sets 'ICC data missing'."
)
@cases(None, "", _AMOUNTS)
async def test_no_list(rules):
    s, _ = session(data={0x8E: rules})
    assert await run(s) is None
    assert (_results(s), told(s), s.cvm) == ("3F0000", "2000000000 0000", outcome.CVM_NOT_APPLICABLE)


@requirement("Book 3", "7.5", "A CVM list of an odd length, or shorter than its amounts, ends the transaction.")
@cases(_AMOUNTS + "1E0342", _AMOUNTS + "1E", "00", "00002710", "00002710 0003E8")
async def test_a_malformed_list(rules):
    s, _ = session(data={0x8E: rules})
    with raises(E_TAG_FORMAT, 0x8E):
        await run(s)


@requirement("Book 3", "C3", "Condition 00 is always met.")
@requirement("Book 3", "C3", "Condition 01 is cash at an unattended terminal.")
@requirement("Book 3", "C3", "Condition 02 is neither cash nor a purchase with cashback.")
@requirement("Book 3", "C3", "Condition 04 is cash at an attended terminal.")
@requirement("Book 3", "C3", "Condition 05 is a purchase with cashback.")
@cases(
    # transaction type, amount other, terminal type, conditions met among 00, 01, 02, 04, 05
    (0, 0, 22, "0002"),
    (0, 0, 25, "0002"),
    (1, 0, 22, "0004"),
    (1, 0, 14, "0001"),
    (17, 0, 22, "0004"),
    (17, 0, 26, "0001"),
    (9, 500, 22, "0005"),
    (9, 0, 22, "0005"),
    (0, 500, 22, "0005"),
    (1, 500, 22, "0004"),
    (1, 0, 21, "0004"),
    (1, 0, 23, "0004"),
    (1, 0, 24, "0001"),
    (31, 0, 22, "0002"),
)
async def test_conditions(kind, other, terminal, met):
    for condition in ("00", "01", "02", "04", "05"):
        s = await _run("1E" + condition, transaction_type=kind, amount_other=other, type=terminal)
        expected = "1E" + condition + "00" if h(condition) in h(met) else "3F0001"
        assert (condition, _results(s)) == (condition, expected)


@requirement("Book 3", "C3", "Condition 06 is an amount under X in the application currency, 07 one over X.")
@requirement("Book 3", "C3", "Condition 08 is an amount under Y in the application currency, 09 one over Y.")
@cases((999, "0608"), (1000, "06"), (1001, "0609"), (9999, "0609"), (10000, "09"), (10001, "0709"))
async def test_amount_conditions(amount, met):
    for condition in ("06", "07", "08", "09"):
        s = await _run("1E" + condition, amount=amount)
        expected = "1E" + condition + "00" if h(condition) in h(met) else "3F0001"
        assert (condition, _results(s)) == (condition, expected)


@requirement("Book 3", "10.5", "Conditions on an amount are not met in another currency, nor without 9F42.")
@cases(None, "0840")
async def test_amounts_of_another_currency(currency):
    s = await _run("1E06 1E07 1E08 1E09", data={0x9F42: currency})
    assert _results(s) == "3F0001"


async def test_an_amount_of_four_bytes():
    values = {0x8E: "FFFFFFFF 80000000 1E06", 0x9F42: "0156"}
    s, _ = session(data=values, amount=4294967294)
    assert await run(s) is None
    assert _results(s) == "1E0600"


@requirement("Book 3", "10.5", "A rule whose condition the reader does not know is passed over.")
@cases("0A", "3F", "80", "FF")
async def test_an_unknown_condition(condition):
    # without bit 7: the rule does not fail, it is not there
    s = await _run("1E" + condition + "1F00")
    assert (_results(s), told(s)) == ("1F0002", "0000000000 4000")


@requirement("Book 3", "C3", "Condition 03 is met by a method that the terminal capabilities have.")
@requirement("Book 4", "A2", "Terminal capabilities byte 2 say which methods the reader supports.")
@cases(
    ("01", "E078C8", False),
    ("02", "E0BFC8", False),
    ("03", "E0D8C8", False),
    ("03", "E078C8", False),
    ("04", "E0E8C8", False),
    ("05", "E0D8C8", False),
    ("05", "E0E8C8", False),
    ("1E", "E0D8C8", False),
    ("1E", "E020C8", True),
    ("1F", "E0F0C8", False),
    ("1F", "E008C8", True),
    ("06", _ALL, False),
    ("20", _ALL, False),
)
async def test_if_supported(method, capabilities, met):
    s = await _run(method + "03", capabilities=capabilities)
    if met:
        assert (_results(s)[:4], told(s)) == (method + "03", "0000000000 4000")
    else:
        # not supported is a condition that is not met: nothing else is told of it
        assert (_results(s), told(s)) == ("3F0001", "0000800000 4000")


@requirement("Book 3", "10.5", "A method that the reader recognises and does not support is unsuccessful.")
@requirement(
    "Book 3", "10.5.1", "A reader without any offline PIN says that there is no PIN pad when the list asks for one."
)
@requirement("Book 3", "10.5.2", "A reader without online PIN says that there is no PIN pad when the list asks for it.")
@cases(
    ("4100", "E060C8", "0000900000"),
    ("4300", "E060C8", "0000900000"),
    ("4400", "E060C8", "0000900000"),
    ("4500", "E060C8", "0000900000"),
    ("4400", "E0A0C8", "0000800000"),  # it can do the other offline PIN
    ("4100", "E010C8", "0000800000"),
    ("4300", "E080C8", "0000800000"),  # it is the signature that is missing
    ("4200", "E0A0C8", "0000900000"),
    ("5E00", "E080C8", "0000800000"),
    ("5F00", "E080C8", "0000800000"),
)
async def test_unsupported(rule, capabilities, tvr):
    s = await _run(rule, capabilities=capabilities)
    assert (_results(s), told(s), s.cvm) == ("3F0001", tvr + " 4000", outcome.CVM_FAILED)


async def test_no_online_pin_for_this_application():
    s = await _run("4203 4200", online_pin=False)
    assert (_results(s), told(s)) == ("3F0001", "0000900000 4000")


@requirement("Book 3", "10.5", "After an unsuccessful method with bit 7 the next rule is applied.")
@requirement("Book 3", "10.5", "After an unsuccessful method without bit 7 verification has failed.")
@cases(
    ("4300 1F00", "1F0002", "0000000000"),
    ("0300 1F00", "3F0001", "0000800000"),
    ("4100 1E02", "3F0001", "0000800000"),  # and the next has no luck either
)
async def test_go_on(rules, results, tvr):
    capabilities = "E018C8" if "1E" in rules or "43" in rules or "03" in rules[:2] else _ALL
    s = await _run(rules, capabilities=capabilities)
    assert (_results(s), told(s)) == (results, tvr + " 4000")


@requirement("Book 3", "10.5", "A method that the reader does not recognise sets TVR byte 3 bit 7.")
@requirement("Book 3", "C3", "Biometric methods and those of payment systems and issuers are not recognised.")
@cases("06", "07", "0A", "0F", "1D", "20", "2F", "30", "3E", "3F")
async def test_unrecognised(method):
    s = await _run(method + "00 1F00")
    assert (_results(s), told(s), s.cvm) == ("3F0001", "0000C00000 4000", outcome.CVM_FAILED)
    go_on = hexed(bytes((h(method)[0] | 0x40,)))
    s = await _run(go_on + "00 1F00")
    assert (_results(s), told(s), s.cvm) == ("1F0002", "0000400000 4000", outcome.CVM_NONE)


@requirement("Book 3", "10.5", "'Fail CVM processing' ends verification unsuccessfully, also with bit 7.")
@requirement("Book 4", "6.3.4.5", "A failed method is told with its condition and the result 1.")
@cases("00", "40")
async def test_fail(code):
    s = await _run(code + "00 1F00")
    assert (_results(s), told(s), s.cvm) == (code + "0001", "0000800000 4000", outcome.CVM_FAILED)


@requirement("Book 3", "10.5", "When the list ends without success TVR byte 3 bit 8 is set.")
@requirement("Book 4", "6.3.4.5", "CVM results are 3F0001 when no rule of the list could be performed.")
async def test_exhausted():
    s = await _run("1E01 1E04 1E05 1E07")
    assert (_results(s), told(s), s.cvm) == ("3F0001", "0000800000 4000", outcome.CVM_FAILED)


@requirement("Book 3", "10.5.3", "A signature is successful when the reader supports it.")
@requirement("Book 4", "6.3.4.5", "A signature is told with the result 0, since it is seen later.")
async def test_signature():
    s = await _run("1E00")
    assert (_results(s), told(s), s.cvm) == ("1E0000", "0000000000 4000", outcome.CVM_SIGNATURE)


@requirement("Book 3", "C3", "'No CVM required' is successful when the reader supports it.")
@requirement("Book 4", "6.3.4.5", "'No CVM required' is told with the result 2.")
@requirement("Book 3", "10.5", "Verification that was performed sets TSI bit 7, successful or not.")
async def test_no_cvm():
    s = await _run("1F00")
    assert (_results(s), told(s), s.cvm) == ("1F0002", "0000000000 4000", outcome.CVM_NONE)


@requirement("Book 3", "10.5.2", "An online PIN that was entered sets TVR byte 3 bit 3 and is successful.")
@requirement("Book 4", "6.3.4.5", "An online PIN is told with the result 0: the issuer has yet to see it.")
async def test_online_pin():
    s = await _run("4203 1F00", answers=["123456"])
    assert (_results(s), told(s), s.cvm) == ("420300", "0000040000 4000", outcome.CVM_ONLINE_PIN)
    assert s.cardholder.asked == [(outcome.PIN_ONLINE, -1)]
    assert bytes(s.pin) == h("010203040506")
    digits = s.pin
    s.wipe()
    assert digits == bytes(6) and s.pin is None


@requirement("Book 3", "10.5.2", "An online PIN without a working PIN pad sets TVR byte 3 bit 5 and is unsuccessful.")
@cases((True, [outcome.PIN_PAD_FAILED]), (False, []))
async def test_online_pin_without_a_pad(has_pin_pad, answers):
    s = await _run("4203 1F00", answers=answers, has_pin_pad=has_pin_pad)
    assert (_results(s), told(s), s.cvm) == ("1F0002", "0000100000 4000", outcome.CVM_NONE)
    s = await _run("0203 1F00", answers=answers, has_pin_pad=has_pin_pad)
    assert (_results(s), told(s), s.cvm) == ("020301", "0000900000 4000", outcome.CVM_FAILED)


@requirement("Book 3", "10.5.2", "An online PIN that is not entered sets TVR byte 3 bit 4 and is unsuccessful.")
async def test_online_pin_bypassed():
    s = await _run("4203", answers=[outcome.PIN_BYPASSED])
    assert (_results(s), told(s), s.cvm) == ("420301", "0000880000 4000", outcome.CVM_FAILED)
    assert s.pin is None


@requirement("Book 4", "6.3.4.3", "A PIN that was bypassed once is not asked for by a later rule.")
async def test_bypassed_once():
    s = await _run("4103 4203 4103 1E00", [_TRIES], [outcome.PIN_BYPASSED])
    assert (_results(s), told(s), s.cvm) == ("1E0000", "0000080000 4000", outcome.CVM_SIGNATURE)
    s = await _run("4203 4103 1E00", answers=[outcome.PIN_BYPASSED])
    assert (_results(s), told(s), s.cvm) == ("1E0000", "0000080000 4000", outcome.CVM_SIGNATURE)
    # and what failed last is what is told
    s = await _run("4103 4203", [_TRIES], [outcome.PIN_BYPASSED])
    assert (_results(s), told(s)) == ("420301", "0000880000 4000")


@requirement("Book 3", "10.5.4", "A PIN with a signature is unknown after the right PIN, until the signature was seen.")
@requirement("Book 3", "10.5.4", "A PIN with a signature fails with the PIN.")
async def test_pin_and_signature():
    s = await _run("0300", [_TRIES, (_PLAIN, "9000")], ["1234"])
    assert (_results(s), told(s), s.cvm) == ("030000", "0000000000 4000", outcome.CVM_PIN_AND_SIGNATURE)
    s = await _run("0300", [_TRIES, (_PLAIN, "63C0")], ["1234"])
    assert (_results(s), told(s), s.cvm) == ("030001", "0000A00000 4000", outcome.CVM_FAILED)


@requirement("Book 3", "10.5.1", "A card whose tries are used up is not asked again by a later rule.")
async def test_used_up_once():
    s = await _run("4103 4303 1F00", [_TRIES, (_PLAIN, "6983")], ["1234"])
    assert (_results(s), told(s), s.cvm) == ("1F0002", "0000200000 4000", outcome.CVM_NONE)


@requirement("Book 3", "10.5.1", "A card whose tries are used up does not keep the issuer from seeing an online PIN.")
async def test_used_up_and_online():
    s = await _run("4103 4203", [_TRIES, (_PLAIN, "6983")], ["1234", "1234"])
    assert (_results(s), told(s), s.cvm) == ("420300", "0000240000 4000", outcome.CVM_ONLINE_PIN)


# Balance 100.00, threshold 30.00
@requirement("PBOC 13", "7.4.4", "Electronic cash that has to go online asks for an online PIN beyond the card's list.")
@cases(
    (7001, ["1234"], "1F0002", "0000040000", outcome.CVM_ONLINE_PIN),
    (7001, [outcome.PIN_BYPASSED], "1F0002", "0000080000", outcome.CVM_NONE),
    (7000, [], "1F0002", "0000000000", outcome.CVM_NONE),
)
async def test_electronic_cash(amount, answers, results, tvr, cvm):
    values = {0x8E: _AMOUNTS + "1F00", 0x9F79: "000000010000", 0x9F6D: "000000003000"}
    s, _ = session(data=values, cardholder=Cardholder(answers), amount=amount)
    s.electronic_cash = True
    assert await run(s) is None
    assert (_results(s), told(s), s.cvm) == (results, tvr + " 4000", cvm)
