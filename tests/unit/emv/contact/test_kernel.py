"""EMV 4.4 Book 3, 10.7 to 10.11: who decides after the first GENERATE AC."""

from step_session import session, told

from reader import outcome
from reader.emv.contact.kernel import Kernel
from reader.errors import E_CARD_DECLINED
from testing import cases, h, requirement

_NONE = "0000000000"
_AC = "0007 1122334455667788"


def _command(p1, values):
    values = h(values)
    return h("80AE" + p1 + "00") + bytes((len(values),)) + values + b"\x00"


def _answer(cid):
    return h("800B" + cid + _AC + "9000")


async def _decided(script, **changes):
    s, card = session(script, {0x8C: "9F0206", 0x8D: "8A02"}, **changes)
    kernel = Kernel(s.terminal, s.tables, s.cardholder, s.entropy)
    kernel.session = s
    result = await kernel._decide(s)
    card.done()
    return s, result


@requirement("Book 3", "10.8", "A terminal that can be online asks the host when the card answers with an ARQC.")
async def test_the_card_wants_to_go_online():
    s, result = await _decided([(_command("40", "000000005000"), _answer("80"))])
    assert (result.code, s.answer_code) == (outcome.ONLINE_REQUEST, b"")


@requirement(
    "Book 3",
    "10.11",
    "A terminal that is never online completes at once when the card wants to go online, by its default action codes.",
)
@cases(
    (23, "40", outcome.APPROVED, 0),
    (26, "40", outcome.APPROVED, 0),
    (23, "00", outcome.DECLINED, E_CARD_DECLINED),
)
async def test_never_online(kind, cid, decided, reason):
    script = [(_command("40", "000000005000"), _answer("80")), (_command("40", "5931"), _answer(cid))]
    s, result = await _decided(script, type=kind)
    assert (result.code, result.reason, s.answer_code, s.reversal) == (decided, reason, b"Y1", False)
    assert told(s) == _NONE + " 2000"
