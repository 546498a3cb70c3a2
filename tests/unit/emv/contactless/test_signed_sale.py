"""A card that approves by itself, whole: records under the signature, certificates, the signature, and the outcome."""

import oda_issuer as oda

from reader import outcome
from reader.emv.contactless.entry_point import EntryPoint
from reader.emv.data import DataStore
from reader.errors import E_EXCEPTION_FILE, E_EXPIRED, E_ODA, ReaderError
from reader.storage.parameters_file import load
from testing import FixedEntropy, ScriptedCard, h, path, requirement

HEAP_K = 160  # on the unix port the code of all kernels lies in the heap
_AID = "A000000333010101"
_AMOUNT = h("000000012345")
_CURRENCY = h("0156")
_RELATED = h("01 A1A2A3A4 0000")
_TRACK = "6212340000000018D491220100000000000F"
_PARAMETERS = load(path("boards/unix/parameters.json"))
_ATC = h("02 0001")


class _Tables(oda.Tables):
    excepted = False

    def is_excepted(self, pan, sequence):
        return self.excepted and bytes(pan) == h(oda.PAN)


def _t(tag, value):
    n = len(value)
    return h(tag) + (bytes((n,)) if n < 128 else bytes((0x81, n))) + value


def _record(body):
    return _t("70", body) + h("9000")


_CARD = []


def _script(signed=None, related=_RELATED, account=oda.RECORDS, ctq=b"\0\0", kind=b"\x40", iad="0701010390000001"):
    """`signed`: 9F4B; `account`: the record under the signature."""
    if not _CARD:
        # A signature takes longer than a test
        _CARD.append((oda.objects(), oda.dynamic_signature(_ATC, terminal=oda.NUMBER + _AMOUNT + _CURRENCY + _RELATED)))
    found, right = _CARD[0]
    keys = b"".join([_t(f"{tag:X}", found[tag]) for tag in (0x8F, 0x90, 0x92, 0x9F32)])
    own = b"".join([_t(f"{tag:X}", found[tag]) for tag in (0x9F46, 0x9F47, 0x9F48)])
    answer = _t("82", oda.PROFILE) + _t("94", h("08010101 10010200 18010100")) + _t("9F36", b"\0\1")
    answer += _t("9F26", h("0011223344556677")) + _t("9F10", h(iad)) + _t("9F27", kind) + _t("9F6C", ctq)
    answer += _t("57", h(_TRACK)) + _t("9F4B", right if signed is None else signed)
    fci = _t("6F", _t("84", h(_AID)) + _t("A5", _t("9F38", h("9F6604 9F0206 5F2A02 9F3704 9F7A01"))))
    last = b"" if related is None else _t("9F69", related)
    return [
        (
            "00A404000E325041592E5359532E444446303100",
            _t("6F", _t("A5", _t("BF0C", _t("61", _t("4F", h(_AID)))))) + h("9000"),
        ),
        ("00A4040008" + _AID + "00", fci + h("9000")),
        ("80A80000 13 8311 33004080 000000012345 0156 01020304 01 00", _t("77", answer) + h("9000")),
        ("00B2010C00", _record(account)),
        ("00B2011400", _record(keys)),
        ("00B2021400", _record(own)),
        ("00B2011C00", _record(last)),
    ]


async def _sell(script, tables=None, time=oda.TODAY):
    entry = EntryPoint(_PARAMETERS, FixedEntropy(oda.NUMBER), tables or _Tables(), 2)
    tx = entry.pre_process(12345, 156, time, 42)
    data = DataStore(2560)
    card = ScriptedCard(script)
    result = await entry.run(card.transmit, tx, data)
    card.done()
    return result, data


@requirement("PBOC 12", "7.8", "An approval counts when the card's signature over the transaction holds.")
async def test_approved():
    result, data = await _sell(_script())
    assert (result.code, result.cvm, result.reason) == (outcome.APPROVED, outcome.CVM_NONE, 0)
    assert data.get(0x9F27) == b"\x40" and data.get(0x9F34) == h("1F0002")
    # what is signed, certified and read leaves room for more
    assert data.used < 1300, data.used


async def test_the_same_as_an_online_request():
    result, _ = await _sell(_script(kind=b"\x80", iad="07010103A0000001"))
    assert result.code == outcome.ONLINE_REQUEST


async def test_a_record_that_was_changed():
    changed = bytearray(oda.RECORDS)
    changed[-5] ^= 1  # the expiration date
    result, _ = await _sell(_script(account=bytes(changed)))
    assert (result.code, result.reason) == (outcome.DECLINED, E_ODA)


async def test_signed_by_nobody():
    result, data = await _sell(_script(bytes(96)))
    assert (result.code, result.reason) == (outcome.DECLINED, E_ODA)
    assert data.used == 0
    result, _ = await _sell(_script(bytes(96), ctq=h("2000")))
    assert result.code == outcome.ONLINE_REQUEST
    result, _ = await _sell(_script(bytes(96), ctq=h("1000")))
    assert result.code == outcome.TRY_ANOTHER_INTERFACE
    # and where the issuer is asked anyway
    result, _ = await _sell(_script(bytes(96), kind=b"\x80", iad="07010103A0000001"))
    assert (result.code, result.reason) == (outcome.DECLINED, E_ODA)


async def test_qualifiers_that_were_changed():
    # byte 6 of 9F69 repeats them; both changed, the signature does not hold
    result, _ = await _sell(_script(related=h("01 A1A2A3A4 2000"), ctq=h("0000")))
    assert (result.code, result.reason) == (outcome.DECLINED, E_ODA)


async def test_a_signature_over_the_number_alone():
    signed = oda.dynamic_signature(_ATC)
    result, _ = await _sell(_script(signed, related=None))
    assert result.code == outcome.APPROVED


async def test_expired_and_excepted():
    result, _ = await _sell(_script(), time=(2050, 1, 1, 0, 0, 0))
    assert (result.code, result.reason) == (outcome.DECLINED, E_EXPIRED)
    tables = _Tables()
    tables.excepted = True
    result, _ = await _sell(_script(), tables)
    assert (result.code, result.reason) == (outcome.DECLINED, E_EXCEPTION_FILE)


@requirement(
    "Book C-3", "5.6.1.2", "More static data than the reader has room for fail the authentication, and no more."
)
async def test_too_much_under_the_signature():
    script = _script()
    locator = h("940C 08010101 10010200 18010100")
    before, after = script[2][1].split(locator)
    # behind the usual files nine records of 253 bytes under the signature
    answer = bytearray(before + h("9410 08010101 10010200 18010100 20010909") + after)
    answer[2] += 4
    script[2] = (script[2][0], bytes(answer))
    record = _record(_t("9F7D", bytes(247)))
    script += [(f"00B2{i:02X}2400", record) for i in range(1, 10)]
    result, _ = await _sell(script)
    assert (result.code, result.reason) == (outcome.DECLINED, E_ODA)


# Whatever is changed on the way, no sale comes of it that the card has not signed
async def test_every_response_with_a_bit_changed():
    state = 0x2545F491
    approved = 0
    for _ in range(120):
        script = _script()
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state = (state ^ state << 5) & 0xFFFFFFFF
        at = 2 + state % 5
        response = bytearray(script[at][1])
        bit = (state >> 8) % (8 * (len(response) - 2))
        response[bit >> 3] ^= 1 << (bit & 7)
        script[at] = (script[at][0], bytes(response))
        card = ScriptedCard(script)
        entry = EntryPoint(_PARAMETERS, FixedEntropy(oda.NUMBER), _Tables(), 2)
        tx = entry.pre_process(12345, 156, oda.TODAY, 42)
        data = DataStore(2560)
        try:
            result = await entry.run(card.transmit, tx, data)
        except ReaderError as error:
            assert error.code < 500, error.code
            continue
        except AssertionError:
            continue  # another command than the script's: a changed file locator
        if result.code == outcome.APPROVED:
            approved += 1
            # what may change: data that nothing protects and that say nothing about what was paid
            assert data.get(0x9F02) == _AMOUNT and bytes(data.need(0x5A)) == h(oda.PAN)
    assert approved < 40, approved
