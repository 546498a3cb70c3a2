"""Read application data: EMV 4.4 Book 3, 10.2 and 10.3. The numbered cases are those of openemv emv-utils,
tests/emv_read_application_data_test.c, with an account number of ours."""

from contact_session import session, t

from reader.emv.contact import read_application_data
from reader.emv.contact.session import STATIC_DATA_MOST
from reader.errors import (
    E_CARD_REMOVED,
    E_DATA_FULL,
    E_EMV_DATA,
    E_STATUS_WORD,
    E_TAG_DUPLICATE,
    E_TAG_FORMAT,
    E_TAG_MISSING,
    E_TLV,
    ReaderError,
)
from reader.outcome import END_APPLICATION
from testing import cases, h, raises, requirement

_AFL = "08020200 10010400 18010201"
_TRACK = h(
    "7033 5711 6212340000000018D2212201175892888 9 5F200C 455850495245442F43415244 9F1F0E 3137353839303936303030303030"
)
_SHORT = h("7014 5A08 6212340000000018 5F340101 5F2403 221231")
_CDOLS = "8C15 9F02069F03069F1A0295055F2A029A039C019F37048D19 8A029F02069F03069F1A0295055F2A029A039C019F37049108"
_FULL = h("7046 5A08 6212340000000018 5F340101 5F2403 221231" + _CDOLS)
_KEYS = h("7013 8F0194 9200 9F320103 9F470103 9F4903 9F3704")


def _read(sfi, number):
    return bytes((0, 0xB2, number, sfi << 3 | 4, 0))


async def _run(afl, script, capacity=2560):
    s, card = session([(_read(sfi, number), record) for sfi, number, record in script], capacity=capacity)
    if afl is not None:
        s.data.put_card(0x94, h(afl))
    outcome = await read_application_data.run(s)
    card.done()
    return s, outcome


def _ok(record):
    return h(record) + h("9000")


async def test_1_no_file_locator():
    with raises(E_TAG_MISSING, 0x94):
        await _run(None, [])


async def test_2_a_malformed_file_locator():
    with raises(E_TAG_FORMAT, 0x94):
        await _run("09020200 10010400 18010201", [])


@requirement("Book 3", "10.2", "A status word other than 9000 on a record ends the transaction.")
@cases("6985", "6A83", "6A82", "6300", "6283", "9001")
async def test_3_status_words(sw):
    _, outcome = await _run(_AFL, [(1, 2, sw)])
    assert (outcome.code, outcome.reason, outcome.detail) == (END_APPLICATION, E_STATUS_WORD, int(sw, 16))
    _, outcome = await _run(_AFL, [(1, 2, _ok(_TRACK)), (2, 1, sw)])
    assert (outcome.code, outcome.detail) == (END_APPLICATION, int(sw, 16))


@requirement("Book 3", "6.5.11.4", "A record of the files 1 to 10 is one template 70, else the transaction ends.")
@cases("7100", "", "00", "5F340101", "70", "7001", "FF")
async def test_4_no_template(record):
    with raises(E_TLV):
        await _run(_AFL, [(1, 2, _ok(record))])


async def test_5_more_after_the_template():
    with raises(E_TLV):
        await _run(_AFL, [(1, 2, _TRACK + h("FFFF 9000"))])


@requirement("Book 3", "7.5", "A record whose data objects cannot be read ends the transaction.")
async def test_6_malformed_data():
    record = bytearray(_TRACK)
    record[record.find(h("9F1F0E")) + 2] = 0x0F
    with raises(E_TLV):
        await _run(_AFL, [(1, 2, _ok(record))])


async def test_7_a_malformed_entry_reads_nothing():
    with raises(E_TAG_FORMAT, 0x94):
        await _run("08020200 10010000 18010201", [])


@requirement("Book 3", "10.2", "A primitive data object that comes twice among the records ends the transaction.")
async def test_8_twice_the_same():
    with raises(E_TAG_DUPLICATE, 0x8F):
        await _run("08020200 10010200", [(1, 2, _ok(_TRACK)), (2, 1, _ok(_KEYS)), (2, 2, _ok("70038F0194"))])
    with raises(E_TAG_DUPLICATE, 0x94):
        await _run("08010100", [(1, 1, _ok(t("70", "9404 08010100")))])


@requirement("Book 3", "10.2", "A mandatory data object that is missing after the records ends the transaction.")
async def test_9_mandatory_data_objects():
    with raises(E_TAG_MISSING, 0x8C):
        await _run("08020200 10010201", [(1, 2, _ok(_TRACK)), (2, 1, _ok(_SHORT)), (2, 2, _ok(_KEYS))])


@requirement("Book 3", "7.2", "Expiration date, PAN and both CDOLs are mandatory.")
@cases(("5F24", 0x5F24), ("5A", 0x5A), ("8C", 0x8C), ("8D", 0x8D))
async def test_each_mandatory_one(left_out, tag):
    parts = []
    for name, value in (
        ("5F24", "221231"),
        ("5A", "6212340000000018"),
        ("8C", "9F0206"),
        ("8D", "8A02"),
    ):
        if name != left_out:
            parts.append(t(name, value))
    with raises(E_TAG_MISSING, tag):
        await _run("08010100", [(1, 1, _ok(t("70", *parts)))])


@requirement("Book 3", "10.3", "A record to be authenticated that is no template 70 makes the authentication fail.")
@requirement("Book 3", "10.2", "A record of the files 11 to 30 that is no template 70 is passed over.")
async def test_10_an_invalid_record_to_be_authenticated():
    s, outcome = await _run(
        "08020200 60010101 10010201 58010101",
        [
            (1, 2, _ok(_TRACK)),
            (12, 1, "FF9000"),
            (2, 1, _ok(_FULL)),
            (2, 2, _ok(_KEYS)),
            (11, 1, "70030101FF9000"),
        ],
    )
    assert outcome is None and s.static_data_bad


@requirement(
    "Book 3", "10.3", "Of the files 1 to 10 the value of the template is authenticated, of the others the whole record."
)
@requirement("Book 3", "10.3", "The records to be authenticated are taken in the order of the file locator.")
async def test_11_normal_processing():
    s, outcome = await _run(
        "08020200 10010201 58010101",
        [(1, 2, _ok(_TRACK)), (2, 1, _ok(_FULL)), (2, 2, _ok(_KEYS)), (11, 1, "70030101FF9000")],
    )
    assert outcome is None and not s.static_data_bad
    assert bytes(s.static_data) == _FULL[2:] + h("70030101FF")
    for tag, value in (
        (0x57, "6212340000000018D22122011758928889"),
        (0x5A, "6212340000000018"),
        (0x5F24, "221231"),
        (0x8F, "94"),
        (0x92, ""),
        (0x9F32, "03"),
        (0x9F49, "9F3704"),
        (0x5F20, "455850495245442F43415244"),
    ):
        assert s.data.get(tag) == h(value), hex(tag)


async def test_the_first_records_of_a_file_are_the_signed_ones():
    records = (t("70", "5F280201 56"), t("70", "5F300202 01"), _FULL)
    s, outcome = await _run("08010302", [(1, i + 1, _ok(records[i])) for i in range(3)])
    assert outcome is None and bytes(s.static_data) == h("5F28020156 5F30020201")


async def test_a_long_form_length_is_no_part_of_the_static_data():
    body = _FULL[2:] + t("9F46", bytes(128))
    s, outcome = await _run("08010101", [(1, 1, _ok(t("70", body)))])
    assert outcome is None and bytes(s.static_data) == body


@requirement("Book 3", "10.2", "What a card sends that is none of its own, or unknown, changes nothing.")
async def test_what_is_ignored():
    s, _ = session(
        [
            (_read(1, 1), _ok(_FULL)),
            (_read(1, 2), _ok(t("70", "9F0206000000000001", "9F2608 0011223344556677", "9F7D0155", "9505FFFFFFFFFF"))),
        ]
    )
    s.data.put(0x9F02, h("000000012345"))
    s.data.put(0x95, bytes(5))
    s.data.put_card(0x94, h("08010200"))
    assert await read_application_data.run(s) is None
    assert s.data.get(0x9F02) == h("000000012345") and s.tvr == bytes(5)
    assert s.data.get(0x9F26) is None and s.data.get(0x9F7D) is None


async def test_certificates_and_lists_are_kept():
    objects = [_FULL[2:]]
    for tag, length in (("90", 248), ("9F46", 248), ("9F2D", 248), ("93", 176), ("8E", 240)):
        objects.append(t(tag, bytes(length)))
    s, outcome = await _run("08010605", [(1, 1 + i, _ok(t("70", objects[i]))) for i in range(6)])
    assert outcome is None and len(s.data.get(0x9F2D)) == 248 and len(s.data.get(0x8E)) == 240
    assert bytes(s.static_data) == b"".join(objects[:5])


@requirement("Book 3", "7.5", "A date out of its range ends the transaction.")
@cases(
    ("5F24", "221331"),
    ("5F24", "220031"),
    ("5F24", "221200"),
    ("5F24", "221232"),
    ("5F25", "211301"),
    ("5F25", "210100"),
    ("5F24", "2212AA"),
    ("5F24", "2212"),
)
async def test_dates(name, value):
    parts = [t("5A", "6212340000000018"), h(_CDOLS), t(name, value)]
    if name == "5F25":
        parts.append(t("5F24", "221231"))
    with raises(E_TAG_FORMAT, int(name, 16)):
        await _run("08010100", [(1, 1, _ok(t("70", *parts)))])


async def test_a_good_effective_date():
    s, outcome = await _run("08010200", [(1, 1, _ok(_FULL)), (1, 2, _ok(t("70", "5F2503 200229")))])
    assert outcome is None and s.data.get(0x5F25) == h("200229")


@requirement("Book 3", "7.5", "A data object of the wrong length or format ends the transaction.")
@cases(
    ("5F3400", 0x5F34),
    ("5F28020A00", 0x5F28),
    ("8F00", 0x8F),
    ("9F080101", 0x9F08),
    ("9F0D0400000000", 0x9F0D),
    ("9F42020A56", 0x9F42),
    ("9F070300FF00", 0x9F07),
)
async def test_the_wrong_format(more, tag):
    with raises(E_TAG_FORMAT, tag):
        await _run("08010200", [(1, 1, _ok(t("70", h(_CDOLS)))), (1, 2, _ok(t("70", more)))])


@cases("6212340000000026D22122011758928889", "62123400000000189D221220117589288F")
async def test_two_accounts(track):
    with raises(E_EMV_DATA, 0x5A):
        await _run("08010200", [(1, 1, _ok(_FULL)), (1, 2, _ok(t("70", t("57", track))))])


async def test_a_malformed_track():
    with raises(E_TAG_FORMAT, 0x57):
        await _run("08010200", [(1, 1, _ok(_FULL)), (1, 2, _ok(t("70", t("57", "6212340000000018222122011758"))))])


async def test_the_bound_of_the_static_data():
    # files above 10 are taken whole: eight records of 253 bytes and one of the rest
    long = t("70", bytes(250))
    rest = STATIC_DATA_MOST - 8 * len(long)
    for n, bad in ((rest, False), (rest + 1, True)):
        script = [(1, 1, _ok(_FULL))]
        for i in range(8):
            script.append((11, 1 + i, _ok(long)))
        script.append((11, 9, _ok(t("70", bytes(n - 2)))))
        s, outcome = await _run("08010100 58010909", script)
        assert outcome is None and s.static_data_bad == bad
        assert len(s.static_data) == (8 * len(long) if bad else STATIC_DATA_MOST)


async def test_more_than_a_transaction_may_hold():
    with raises(E_DATA_FULL):
        await _run("08010100", [(1, 1, _ok(_FULL))], capacity=40)


@cases(0, 1)
async def test_the_card_leaves(at):
    script = [(1, 1, _ok(_FULL)), (1, 2, _ok(_KEYS))]
    script = script[:at] + [(1, at + 1, None)]
    with raises(E_CARD_REMOVED):
        await _run("08010200", script)


async def test_a_record_cut_at_every_byte():
    for n in range(len(_FULL)):
        with raises(E_TLV):
            await _run("08010101", [(1, 1, _ok(_FULL[:n]))])


async def test_whatever_a_record_holds():
    state = 0x51ED270B
    good = 0
    for _ in range(1500):
        record = bytearray(_FULL)
        for _ in range(1 + (state & 1)):
            state ^= state << 13 & 0xFFFFFFFF
            state ^= state >> 17
            state = (state ^ state << 5) & 0xFFFFFFFF
            record[(state >> 3) % len(record)] = state >> 16 & 0xFF
        try:
            await _run("08010101", [(1, 1, _ok(record))])
            good += 1
        except ReaderError as error:
            assert error.code // 100 == 3 or error.code == E_EMV_DATA, error.code
    assert 100 < good < 1400, good
