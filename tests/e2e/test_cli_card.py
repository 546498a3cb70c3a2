"""`mpos card read`, `write`, `value`, `apdu` as a person uses them: what they print, and what they say when it does not work."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from mpos import cli_card
from mpos.cli import app
from mpos.link.messages import CardType, Tag


def mpos(*arguments: str) -> tuple[int, str]:
    """Exit code, and all that was printed, in one line each."""
    result = CliRunner().invoke(app, ["card", *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


def test_read_write_read(tmp_path):
    """A card keeps its contents in a file from run to run."""
    memory = str(tmp_path / "card.json")
    options = ("--card", "mifare-1k", "--memory", memory)
    code, said = mpos("write", *options, "--block", "5", "--text", "CUSTOMER 0000043", "--slot", "1", "--key", "a")
    assert code == 0 and "written" in said, said
    code, said = mpos("read", *options, "--block", "4", "--count", "5", "--json")
    assert code == 0, said
    record = json.loads(said)
    assert (record["type"], record["uid"]) == ("MIFARE Classic 1K", "3C5D7E9F")
    assert [part["block"] for part in record["blocks"]] == [4, 5, 6, 7, 8]
    assert bytes.fromhex(record["blocks"][1]["data"]) == b"CUSTOMER 0000043"
    code, said = mpos("value", *options, "--block", "8", "--decrement", "5")
    assert code == 0 and "block   8  value 95" in said, said
    assert json.loads((tmp_path / "card.json").read_text())["card"] == "mifare-1k"
    # the memory of another card, or of none
    code, said = mpos("read", "--card", "ntag213", "--memory", memory)
    assert code == 2 and "mifare-1k" in said, said
    (tmp_path / "none.json").write_text("{}")
    code, said = mpos("read", "--card", "ntag213", "--memory", str(tmp_path / "none.json"))
    assert code == 2 and "no memory of a card" in said, said


def test_pages_and_services():
    code, said = mpos("write", "--card", "ntag213", "--page", "6", "--data", "01020304")
    assert code == 0 and "NTAG213" in said, said
    code, said = mpos("read", "--card", "felica", "--service", "100B,108F", "--block", "0")
    assert code == 0 and "POINTS 000000120" in said and "108F block   0" in said, said


def test_apdus():
    commands = ("00A4040007F06D504F53000100", "80CA000104")
    code, said = mpos("apdu", "--card", "loyalty-b", *commands)
    assert code == 0 and "type B" in said and "< 000000239000" in said, said
    code, said = mpos("apdu", "--card", "approved", "00A404000E325041592E5359532E444446303100")
    assert code == 2 and "payment" in said, said


@pytest.mark.parametrize(
    "arguments, hint",
    [
        (("read", "--card", "nothing"), "choose one of"),
        (("read", "--card", "chip"), "contact card"),
        (("read", "--card", "ntag213", "--page", "1", "--block", "1"), "name one of them"),
        (("read", "--card", "felica", "--service", "10", "--block", "0"), "like 100B"),
        (("read", "--card", "felica", "--system", "12FC,FE00", "--block", "0"), "one code"),
        (("read", "--card", "approved", "--memory", "x"), "leave --memory out"),
        (("write", "--card", "ntag213", "--data", "00"), "say where"),
        (("write", "--card", "ntag213", "--page", "6"), "say what"),
        (("write", "--card", "ntag213", "--page", "6", "--data", "0102"), "whole pages"),
        (("write", "--card", "mifare-1k", "--block", "4", "--data", "0102"), "whole blocks"),
        (("write", "--card", "ntag213", "--page", "6", "--data", "0G"), "not hex"),
        (("write", "--card", "ntag213", "--page", "6", "--text", "\u00e9"), "printable ASCII"),
        (("write", "--card", "mifare-1k", "--block", "7", "--access", "FF078069"), "--slots 3,4"),
        (("value", "--card", "mifare-1k", "--block", "8", "--increment", "1", "--decrement", "1"), "one at a time"),
        (("apdu", "--card", "loyalty", "00A"), "missing or one too many"),
    ],
)
def test_what_cannot_be_meant(arguments, hint):
    """Said before anything is started."""
    code, said = mpos(*arguments)
    assert code == 2 and hint in said.replace("\n", " "), said


@pytest.mark.parametrize(
    "code, detail, kind, hint",
    [
        (114, 0x02A8, CardType.FELICA, "no such block (block 2 of the list)"),
        (114, 0xFFA6, CardType.FELICA, "no such service"),
        (114, 0x0100, CardType.FELICA, "no name for this"),
        (114, 16, CardType.ULTRALIGHT, "page 16"),
        (114, 12, CardType.CLASSIC_1K, "block 12"),
        (507, 9, CardType.CLASSIC_1K, "slot 9; a reader of the bench has 1 a, 2 b"),
        (705, Tag.BLOCK, CardType.ULTRALIGHT, "lock bytes"),
        (705, Tag.DATA, CardType.CLASSIC_1K, "--access"),
        (705, Tag.VALUE, CardType.CLASSIC_1K, "2147483647"),
        (705, Tag.COUNT, CardType.CLASSIC_1K, "lower --count"),
        (705, Tag.APDU, CardType.ISODEP, "CLA INS P1 P2"),
        (113, 0, CardType.FELICA, "mpos card list"),
        (419, 0, CardType.ISODEP, "mpos run"),
        (703, 0, CardType.ISODEP, "703 E_LINK_BUSY"),
        (7777, 0, CardType.ISODEP, "does not know"),
    ],
)
def test_refusals_say_what_to_do(code, detail, kind, hint):
    assert hint in cli_card._why(code, detail, kind)


def test_pages_are_no_blocks(capsys):
    for kind, page, hint in ((CardType.ULTRALIGHT, None, "--page"), (CardType.CLASSIC_1K, 4, "--block")):
        with pytest.raises(typer.Exit):
            cli_card._check_word(kind, page)
        assert hint in capsys.readouterr().err
    cli_card._check_word(CardType.FELICA, None)


def test_no_felica_card():
    assert "no FeliCa card of this system" in cli_card._why_lost(106, True)
    assert "106 E_NO_CARD" in cli_card._why_lost(106, False)


def test_the_list_has_them():
    code, said = mpos("list", "--interface", "contactless")
    assert code == 0 and "not for payment" in said and "mifare-4k" in said and "ntag216-password" in said
    code, said = mpos("list", "--json")
    assert {card["name"]: card["kind"] for card in json.loads(said)}["felica"] == "memory"
    code, said = mpos("list", "--interface", "swipe")
    assert code == 0 and "not for payment" not in said
