"""The real driver, the bench's chip and cards of every modulation: found, talked to, pulled at each of their blocks."""

from __future__ import annotations

import math

import pytest

from mpos.bench.cards.memory.applications import TypeBCard
from mpos.bench.cards.memory.classic import MifareClassic
from mpos.bench.cards.memory.felica import FelicaCard
from mpos.bench.cards.memory.ultralight import Ultralight
from mpos.bench.field import ANSWER_GARBLED, ANSWER_LOST, ANSWER_PULLED, LOST, PULLED, Target
from mpos.bench.pn532_chip import Pn532Chip
from tests.contract.pn532.bench import (
    CARD_ACCESS,
    CARD_PROTOCOL,
    CARD_REMOVED,
    CARD_TIMEOUT,
    GOOD,
    NO_CARD,
    TWO_CARDS,
    UID,
    Card,
    act,
    chip,
    run,
)
from tests.harness.requirements import requirement

A, B, F = 1, 2, 4
SELECT = "00A4040000"


class CardB(Card):
    """A type B card that answers as the type A one. ATQB: nfcpy, test_sense_ttb_target_found."""

    modulation = "B"
    application_data = bytes.fromhex("00000011")
    protocol_info = bytes.fromhex("008185")
    attrib_response = b"\x01"

    def __init__(self) -> None:
        super().__init__(uid="E8253EEC", ats=None)


GOOD_B = ["ok", "e8253eec", *GOOD[2:]]
BLOCKS = (
    13  # of the type A card's session, whose frames have 64 bytes: the second command takes 5, and its answer as many
)


def expected_at(block: int, blocks: int) -> str:
    """The step of a session that a block belongs to: one, many, one, and the S(DESELECT)."""
    return "apdu0" if block < 1 else "apdu1" if block < blocks - 2 else "apdu2" if block < blocks - 1 else "release"


@pytest.mark.parametrize(("make", "good"), [(Card, GOOD), (CardB, GOOD_B)], ids=["A", "B"])
@requirement("ISO 14443-4", "7.5.4", "A card pulled at any block ends the session as removed, never otherwise.")
async def test_a_card_pulled_at_each_block(make: type[Card], good: list[str]) -> None:
    whole = chip(make())
    assert (await run(whole))[0, "first"] == good
    blocks = whole.field.blocks // 2
    assert blocks == (BLOCKS if make is Card else 10), "the type B card takes 256 bytes in a frame"
    cases = [(block, fate) for block in range(blocks) for fate in (PULLED, ANSWER_PULLED)]
    chips = []
    for block, fate in cases:
        one = chip(make())
        one.field.on_air[block] = fate
        chips.append(one)
    found = await run(*chips)
    for n, (block, fate) in enumerate(cases):
        step = expected_at(block, blocks)
        first = good if step == "release" else [step, str(CARD_REMOVED), "0"]
        assert found[n, "first"] == first, (block, fate)
        assert found[n, "again"] == ["wait", str(NO_CARD), "0"], (block, fate)


@requirement("Book D", "10.3", "A block that is lost or damaged once is repeated, and the card does nothing twice.")
async def test_a_block_lost_once() -> None:
    cases = [(block, fate) for block in range(BLOCKS - 1) for fate in (LOST, ANSWER_LOST, ANSWER_GARBLED)]
    chips, cards = [], []
    for block, fate in cases:
        cards.append(Card())
        one = chip(cards[-1])
        one.field.on_air[block] = fate
        chips.append(one)
    found = await run(*chips)
    for n, case in enumerate(cases):
        assert found[n, "first"] == found[n, "again"] == GOOD, case
        assert [len(command) for command in cards[n].got] == [5, 304, 5], case


async def test_a_card_that_takes_its_time() -> None:
    slow, endless, gone = Card(), Card(), Card()
    slow.delay_ms = 3000
    endless.delay_ms = gone.delay_ms = math.inf
    pulled = chip(gone)
    pulled.field.before_block = lambda target, block, n: n == 5 and pulled.field.clear()
    found = await run(chip(slow), chip(endless), pulled)
    assert found[0, "first"] == GOOD
    assert found[1, "first"] == ["apdu0", str(CARD_TIMEOUT), "0"]
    assert found[2, "first"] == ["apdu0", str(CARD_REMOVED), "0"]


@requirement("ISO 14443-3", "6.5", "Cards of one, two and three cascade levels are found, by type A and type B alike.")
async def test_what_each_card_says() -> None:
    found = await act(
        (chip(Card("08112233")), f"look:{A}"),
        (chip(Card(UID)), f"look:{A}"),
        (chip(Card("04112233445566778899")), f"look:{A}"),
        (chip(MifareClassic("4k")), f"look:{A + B + F}"),
        (chip(TypeBCard()), f"look:{A + B + F}"),
        (chip(CardB()), f"look:{B}"),
        (chip(FelicaCard({})), f"look:{A + B + F}"),
        (chip(FelicaCard({})), f"look:{A + B}"),
        (chip(Card()), f"look:{B + F}"),
    )
    assert [words[0] for words in found] == [
        "1:08112233:034420067577810280",
        f"1:{UID}:034420067577810280",
        "1:04112233445566778899:034420067577810280",
        "1:3c5d7e9f:000218",
        "2:5a3c1e07:5a3c1e0700000000007170",
        "2:e8253eec:e8253eec00000011008185",
        "4:012e3d23ba075c45:0120220427674eff12fc",
        "nobody",
        "nobody",
    ]


@requirement("Book D", "9.3", "More than one card, of one technology or of several, is no card.")
async def test_more_than_one_card() -> None:
    pairs: list[tuple[Target, ...]] = [
        (Card(), Card("01020304")),
        (Card(), CardB()),
        (TypeBCard(), CardB()),
        (CardB(), FelicaCard({})),
        (Card(), FelicaCard({})),
        (FelicaCard({}), FelicaCard({}, uid=bytes.fromhex("0101010101010101"))),
        (Card(), CardB(), FelicaCard({})),
    ]
    found = await act(*[(chip(*pair), f"look:{A + B + F}") for pair in pairs])
    assert found == [[f"E{TWO_CARDS}.0"]] * len(pairs)


async def test_each_kind_of_card_leaves() -> None:
    cards: list[Target] = [Card(), CardB(), MifareClassic(), FelicaCard({})]
    chips = [chip(card) for card in cards]
    found = await act(*[(one, f"look:{A + B + F} present present removal:1 present") for one in chips])
    assert [words[1:4] for words in found] == [["True", "True", "False"]] * len(cards)
    chips = [chip(card) for card in cards]
    for one in chips:
        _leave_at_poll(one, 6)
    found = await act(*[(one, f"look:{A + B + F} removal:5000 stop") for one in chips])
    assert [words[1:] for words in found] == [["True", "-"]] * len(cards)


def _leave_at_poll(one: Pn532Chip, at: int) -> None:
    one.field.on_poll = lambda n: one.field.clear() if n >= at else None


# MIFARE: the commands as they reach the card, and what the chip makes of its answers

KEY = "FFFFFFFFFFFF"
LOGIN = f"send:6004{KEY}3C5D7E9F"


@requirement(
    "UM0701-02", "7.3.8", "MIFARE Classic: authentication, read, write and value operations through InDataExchange."
)
async def test_mifare_classic() -> None:
    value = "0A000000F5FFFFFF0A00000004FB04FB"
    (words,) = await act(
        (
            chip(MifareClassic()),
            f"look:{A} {LOGIN} send:A004{value} send:3004 send:C10405000000 send:B004 send:3004 "
            f"send:C00407000000 send:B005 send:3005 send:C205 send:B006 send:3006 send:3007 stop",
        )
    )
    assert words[1:] == [
        "empty",
        "empty",
        value.lower(),
        "empty",
        "empty",
        "0f000000f0ffffff0f00000004fb04fb",
        "empty",
        "empty",
        words[9],
        "empty",
        "empty",
        words[12],
        "000000000000ff078069ffffffffffff",
        "-",
    ]
    assert words[9][:8] == words[12][:8] == "08000000"


async def test_mifare_that_says_no() -> None:
    found = await act(
        (chip(MifareClassic()), f"look:{A} send:3004 present {LOGIN} send:3004"),
        (chip(MifareClassic()), f"look:{A} send:60040102030405063C5D7E9F present {LOGIN} send:3004"),
        (chip(Ultralight()), f"look:{A} send:A20000000000 present send:3004"),
        (
            chip(Ultralight("ntag213")),
            f"look:{A} raw:60 raw:1BFFFFFFFF send:A20601020304 send:3004 raw:3A0506 raw:1B00000000",
        ),
    )
    assert found[0][1:] == [f"E{CARD_PROTOCOL}.0", "True", "empty", "00" * 16]
    assert found[1][1:] == [f"E{CARD_ACCESS}.20", "True", "empty", "00" * 16]
    assert found[2][1:] == [f"E{CARD_PROTOCOL}.0", "True", "00" * 16]
    assert found[3][1:3] == ["0004040201000f03", "0000"]
    assert found[3][3] == "empty"
    assert found[3][4][16:24] == "01020304"
    assert found[3][5] == "00000000" + "01020304"
    assert found[3][6] == f"E{CARD_PROTOCOL}.0"


@requirement("JIS X 6319-4", "7", "FeliCa frames go through with their length byte, both ways.")
async def test_felica() -> None:
    card = FelicaCard({0x0009: [bytes(range(16)), bytes(16)]})
    idm = "012E3D23BA075C45"
    read = f"1006{idm}01090001" + "8000"
    (words,) = await act((chip(card), f"look:{F} send:{read} send:0A04{idm} send:FF stop"))
    assert words[1].startswith("1d07" + idm.lower() + "0000")
    assert words[1].endswith(bytes(range(16)).hex())
    assert words[2].startswith("0b05")
    assert words[3] == f"E{CARD_TIMEOUT}.0"


@requirement("ISO 14443-4", "5.3", "PPS brings a card to the highest rate that it has in both directions.")
async def test_speeds() -> None:
    plain, one_way, fast = Card(ats="0578807002"), Card(ats="0675F1810280"), Card()
    some = Card(ats="067511810280")
    found = await act(*[(chip(card), f"look:{A} speed send:{SELECT}") for card in (plain, one_way, fast, some)])
    assert [words[1] for words in found] == ["0", "0" if found[1][1] == "0" else "1", "2", "1"]
    assert all(words[2] == "6f009000" for words in found)


@pytest.mark.parametrize("step", ["SELECT 1", "SELECT 2", "RATS", "ATTRIB", "POLLING"])
async def test_a_card_that_leaves_while_it_is_activated(step: str) -> None:
    card: Target = {"ATTRIB": CardB(), "POLLING": FelicaCard({})}.get(step, Card())
    one = chip(card)

    def leave(target: Target, name: str) -> None:
        if name == step:
            one.field.clear()

    one.field.on_step = leave
    assert await act((one, f"look:{A + B + F} look:{A + B + F} stop")) == [["nobody", "nobody", "-"]]
