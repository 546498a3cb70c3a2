"""EMV 4.4 Book 3, 10.5.1 and 6.5.12; Book 4, 6.3.4; Book 2, 7: the PIN that the card verifies."""

from step_session import Cardholder, session, told

from reader import outcome
from reader.emv.certificates import Key
from reader.emv.contact import pin
from reader.emv.contact.cardholder_verification import run
from reader.errors import E_CANCELLED, E_CARD_REMOVED, E_EMV_DATA, E_ENTROPY, E_STATUS_WORD, E_TAG_FORMAT, ReaderError
from testing import FixedEntropy, ScriptedCard, cases, h, hexed, raises, requirement

_TRIES = "80CA9F1700"
_PLAIN = "00200080 08 241234FFFFFFFFFF"
_CHALLENGE = "0084000000"

# 512 bits are enough to see what was enciphered; no certificate is looked at here
_MODULUS = h("C3" + "5A" * 62 + "F1")


async def _offline(script, answers, enciphered=False, **changes):
    s, card = session(script, cardholder=Cardholder(answers, changes.pop("has_pin_pad", True)), **changes)
    result = await pin.offline(s, enciphered)
    card.done()
    assert s.cardholder.wiped()
    return result, s


def _line(s):
    return told(s)[:10]


@requirement("Book 3", "6.5.12", "A plain PIN is sent by VERIFY with P2 80 in a block of format 2.")
@requirement("Book 3", "10.5.1", "Only the status word 9000 of VERIFY makes an offline PIN successful.")
@requirement("ISO 9564-1", "9.3.3", "The PIN goes to the card in a block of format 2: control 2, length, digits, F.")
@cases(
    ("1234", "241234FFFFFFFFFF"),
    ("12345", "2512345FFFFFFFFF"),
    ("000000", "26000000FFFFFFFF"),
    ("123456789012", "2C123456789012FF"),
)
async def test_the_right_pin(digits, block):
    script = [(_TRIES, "9F170103 9000"), ("0020008008" + block, "9000")]
    result, s = await _offline(script, [digits])
    assert (result, _line(s)) == (pin.GOOD, "0000000000")
    assert s.cardholder.asked == [(outcome.PIN_OFFLINE_PLAINTEXT, 3)]


@requirement("Book 4", "6.3.4.1", "A PIN try counter of 0 sets TVR byte 3 bit 6, and nobody is asked for a PIN.")
async def test_no_try_left():
    result, s = await _offline([(_TRIES, "9F170100 9000")], [])
    assert (result, _line(s)) == (pin.LIMIT_EXCEEDED, "0000200000")
    assert s.cardholder.asked == []


@requirement("Book 4", "6.3.4.1", "The cardholder is told when one try is left.")
async def test_the_last_try():
    script = [(_TRIES, "9F170101 9000"), (_PLAIN, "9000")]
    result, s = await _offline(script, ["1234"])
    assert result == pin.GOOD
    assert s.cardholder.asked == [(outcome.PIN_OFFLINE_PLAINTEXT, 1)]


@requirement("Book 4", "6.3.4.1", "A card that does not tell its PIN try counter is asked to verify all the same.")
@cases("6A88", "6A81", "9F1700 9000", "9F17020003 9000", "9F3601039000", "03 9000")
async def test_an_unknown_counter(response):
    result, s = await _offline([(_TRIES, response), (_PLAIN, "9000")], ["1234"])
    assert (result, _line(s)) == (pin.GOOD, "0000000000")
    assert s.cardholder.asked == [(outcome.PIN_OFFLINE_PLAINTEXT, -1)]


@requirement("Book 3", "10.5.1", "After 63Cx with tries left the cardholder is asked again.")
async def test_retries():
    script = [
        (_TRIES, "9F170103 9000"),
        ("00200080 08 241111FFFFFFFFFF", "63C2"),
        ("00200080 08 242222FFFFFFFFFF", "63C1"),
        (_PLAIN, "9000"),
    ]
    result, s = await _offline(script, ["1111", "2222", "1234"])
    assert (result, _line(s)) == (pin.GOOD, "0000000000")
    assert [tries for _, tries in s.cardholder.asked] == [3, 2, 1]


@requirement("Book 3", "10.5.1", "When the tries reach 0 (63C0) TVR byte 3 bit 6 is set and the method has failed.")
async def test_all_tries_used():
    script = [
        (_TRIES, "9F170102 9000"),
        ("00200080 08 241111FFFFFFFFFF", "63C1"),
        ("00200080 08 242222FFFFFFFFFF", "63C0"),
    ]
    result, s = await _offline(script, ["1111", "2222"])
    assert (result, _line(s)) == (pin.LIMIT_EXCEEDED, "0000200000")


@requirement("Book 3", "10.5.1", "A PIN that is blocked (6983, 6984) sets TVR byte 3 bit 6 and the method has failed.")
@cases("6983", "6984")
async def test_blocked(sw):
    result, s = await _offline([(_TRIES, "9F170103 9000"), (_PLAIN, sw)], ["1234"])
    assert (result, _line(s)) == (pin.LIMIT_EXCEEDED, "0000200000")


@requirement("Book 3", "6.3.5", "A status word that VERIFY does not have ends the transaction.")
@cases(0x6A80, 0x6985, 0x6D00, 0x6700, 0x63D1, 0x6200)
async def test_another_status_word(sw):
    script = [(_TRIES, "9F170103 9000"), (_PLAIN, sw.to_bytes(2, "big"))]
    s, card = session(script, {0x8E: "0000000000000000 4100 1F00"}, cardholder=Cardholder(["1234"]))
    result = await run(s)
    assert (result.code, result.reason, result.detail) == (outcome.END_APPLICATION, E_STATUS_WORD, sw)
    assert s.cardholder.wiped()
    card.done()


@requirement("Book 3", "6.5.12", "A card whose tries do not become fewer is not asked for ever.")
@cases(("63C3", "63C3"), ("63C1", "63C2"), ("63CF", "63CF"))
async def test_tries_that_do_not_end(first, second):
    with raises(E_EMV_DATA, 0x9F17):
        await _offline([(_TRIES, "9F170103 9000"), (_PLAIN, first), (_PLAIN, second)], ["1234", "1234"])


async def test_fifteen_tries_are_the_most():
    script = [(_TRIES, "6A88")] + [(_PLAIN, h("63C0")[:1] + bytes((0xC0 + left,))) for left in range(15, -1, -1)]
    result, s = await _offline(script, ["1234"] * 16)
    assert (result, len(s.cardholder.given)) == (pin.LIMIT_EXCEEDED, 16)


@requirement("Book 3", "10.5.1", "Without a working PIN pad TVR byte 3 bit 5 is set and the method has failed.")
async def test_no_pad():
    result, s = await _offline([], [], has_pin_pad=False)
    assert (result, _line(s)) == (pin.FAILED, "0000100000")
    result, s = await _offline([(_TRIES, "9F170103 9000")], [outcome.PIN_PAD_FAILED])
    assert (result, _line(s)) == (pin.FAILED, "0000100000")


@requirement("Book 3", "10.5.1", "A PIN that is not entered sets TVR byte 3 bit 4 and the method has failed.")
async def test_bypassed():
    result, s = await _offline([(_TRIES, "9F170103 9000")], [outcome.PIN_BYPASSED])
    assert (result, _line(s)) == (pin.BYPASSED, "0000080000")
    # also after a wrong one
    script = [(_TRIES, "9F170103 9000"), (_PLAIN, "63C2")]
    result, s = await _offline(script, ["1234", outcome.PIN_BYPASSED])
    assert (result, _line(s)) == (pin.BYPASSED, "0000080000")


@requirement("Book 4", "6.3.4", "A cardholder who cancels, or does not answer, at the PIN ends the transaction.")
@cases(outcome.PIN_CANCELLED, outcome.PIN_TIMEOUT)
async def test_cancelled(why):
    with raises(E_CANCELLED, why):
        await _offline([(_TRIES, "9F170103 9000")], [why])
    with raises(E_CANCELLED, why):
        await _offline([(_TRIES, "9F170103 9000"), (_PLAIN, "63C2")], ["1234", why])
    s, _ = session(cardholder=Cardholder([why]))
    with raises(E_CANCELLED, why):
        await pin.online(s)
    assert s.pin is None


class _Keeping:
    """A Commands whose VERIFY keeps the very block it was given."""

    def __init__(self, commands, error):
        self._commands = commands
        self._error = error
        self.block = None

    def __getattr__(self, name):
        return getattr(self._commands, name)

    async def verify(self, p2, block):
        self.block = block
        if self._error:
            raise ReaderError(self._error)
        return await self._commands.verify(p2, block)


@requirement("ISO 9564-1", "4", "Digits and PIN block are overwritten whatever becomes of the command they went into.")
@cases(("9000", 0), ("63C0", 0), ("6A80", 0), (None, 0), ("9000", E_CARD_REMOVED))
async def test_wiped(response, error):
    script = [(_TRIES, "9F170103 9000"), (_PLAIN, response)]
    s, _ = session(script, cardholder=Cardholder(["1234"]))
    s.commands = keeping = _Keeping(s.commands, error)
    try:
        await pin.offline(s, False)
        assert response is not None and not error
    except ReaderError as raised:
        assert raised.code == E_CARD_REMOVED
    assert s.cardholder.given[0] == bytes(4)
    assert keeping.block == bytes(8)
    # nor is it left where the command was
    assert not any(s.commands.field(8))


async def test_wiped_when_the_digits_are_none():
    s, _ = session([(_TRIES, "6A88")], cardholder=Cardholder(["12"]))
    with raises(E_TAG_FORMAT):
        await pin.offline(s, False)
    assert s.cardholder.wiped()


def _with_key(script, answers, entropy):
    s, card = session(script, cardholder=Cardholder(answers), entropy=entropy)
    s.issuer_key = Key(_MODULUS, 3)
    s.icc_key = Key(_MODULUS, 3)
    return s, card


def _enciphered(challenge, entropy, digits="241234FFFFFFFFFF"):
    clear = int.from_bytes(h("7F" + digits) + challenge + entropy, "big")
    modulus = int.from_bytes(_MODULUS, "big")
    return (clear * clear % modulus * clear % modulus).to_bytes(64, "big")


@requirement(
    "Book 2", "7.2", "An enciphered PIN is 7F, the PIN block, the card's challenge and random bytes under its key."
)
@requirement("Book 2", "7.1", "A card without a key for PINs of its own has them enciphered under its general key.")
@requirement("Book 3", "6.5.12", "An enciphered PIN is sent by VERIFY with P2 88.")
@requirement("Book 2", "7.2", "Every try takes a new challenge from the card.")
async def test_enciphered():
    random = bytes(range(94))
    challenges = (h("A1A2A3A4A5A6A7A8"), h("B1B2B3B4B5B6B7B8"))
    script = [
        (_TRIES, "9F170103 9000"),
        (_CHALLENGE, challenges[0] + h("9000")),
        (h("0020008840") + _enciphered(challenges[0], random[:47], "241111FFFFFFFFFF"), "63C2"),
        (_CHALLENGE, challenges[1] + h("9000")),
        (h("0020008840") + _enciphered(challenges[1], random[47:]), "9000"),
    ]
    s, card = _with_key(script, ["1111", "1234"], random)
    assert await pin.offline(s, True) == pin.GOOD
    card.done()
    assert _line(s) == "0000000000"
    assert [kind for kind, _ in s.cardholder.asked] == [outcome.PIN_OFFLINE_ENCIPHERED] * 2
    assert s.cardholder.wiped()


@requirement("Book 4", "6.3.4.5", "An enciphered offline PIN is told as a plain one is: 2 when successful, 1 when not.")
@cases(
    ("0400", "9000", "040002", outcome.CVM_OFFLINE_PIN),
    ("0500", "9000", "050000", outcome.CVM_PIN_AND_SIGNATURE),
    ("0400", "6984", "040001", outcome.CVM_FAILED),
    ("0500", "6984", "050001", outcome.CVM_FAILED),
)
async def test_enciphered_in_a_list(rule, sw, results, cvm):
    random = bytes(47)
    challenge = h("A1A2A3A4A5A6A7A8")
    script = [
        (_TRIES, "6A88"),
        (_CHALLENGE, challenge + h("9000")),
        (h("0020008840") + _enciphered(challenge, random), sw),
    ]
    s, card = _with_key(script, ["1234"], random)
    s.data.set(0x8E, h("0000000000000000" + rule))
    assert await run(s) is None
    card.done()
    assert (hexed(s.data.get(0x9F34)), s.cvm) == (results, cvm)
    # 10.5.1: 6984 is a recovery that failed, and counts as blocked
    assert _line(s) == ("0000000000" if sw == "9000" else "0000A00000")


@requirement("Book 2", "7.2", "A challenge that is not eight bytes with 9000 makes an enciphered PIN fail.")
@cases("6D00", "A1A2A3A4A5A6A7 9000", "A1A2A3A4A5A6A7A8A9 9000", "9000", "A1A2A3A4A5A6A7A8 6283")
async def test_no_challenge(response):
    s, card = _with_key([(_TRIES, "6A88"), (_CHALLENGE, response)], ["1234"], b"")
    assert await pin.offline(s, True) == pin.FAILED
    card.done()
    assert _line(s) == "0000000000"
    assert s.cardholder.wiped()


@requirement("Book 2", "7.1", "Without a key an enciphered PIN fails before anybody is asked for it.")
async def test_no_key():
    s, _ = session(cardholder=Cardholder([]))
    assert await pin.offline(s, True) == pin.FAILED
    assert s.cardholder.asked == []


async def test_wiped_without_entropy():
    s, _ = _with_key([(_TRIES, "6A88"), (_CHALLENGE, "A1A2A3A4A5A6A7A8 9000")], ["1234"], b"")
    s.entropy = FixedEntropy(None)
    with raises(E_ENTROPY):
        await pin.offline(s, True)
    assert s.cardholder.wiped()


@cases(0, 1, 2)
async def test_the_card_leaves(at):
    script = [(_TRIES, "9F170103 9000"), (_PLAIN, "63C2"), (_PLAIN, "63C1")]
    script = script[:at] + [(script[at][0], None)]
    s, _ = session(card=ScriptedCard(script), cardholder=Cardholder(["1234"] * at))
    with raises(E_CARD_REMOVED):
        await pin.offline(s, False)
    assert s.cardholder.wiped()
