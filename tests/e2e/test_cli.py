"""The command as a person uses it: what it prints, and what it leaves as its exit code."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from mpos.bench.cards import CARDS
from tests.e2e.program import MPOS, TIMEOUT_S, mpos


async def test_demo_tells_all_eight_steps():
    code, out, err = await mpos("run", "--card", "approved")
    assert code == 0, err
    assert re.findall(r"^(\d)\. ", out, re.M) == list("12345678")
    assert "APPROVED" in out and "621234******0019" in out
    assert "DE35  track 2, encrypted: (16 bytes, not shown)" in out
    assert "6212340000000019" not in out
    assert "aioble" in out


async def test_a_sale_by_insert_is_told():
    code, out, err = await mpos("run", "--interface", "contact", "--card", "pin-offline")
    assert code == 0, err
    assert re.findall(r"^(\d)\. ", out, re.M) == list("12345678")
    for said in (
        "prompt: do not remove the card",
        "prompt: enter the PIN on the reader (3 tries left)",
        "to card: VERIFY",
        "GENERATE APPLICATION CRYPTOGRAM",
        "052 chip by contact, without PIN",
        "prompt: remove the card",
        "TVR 0000000000",
    ):
        assert said in out, said
    assert "621234000000" not in out and "241357" not in out


@pytest.mark.parametrize("coupler", [(), ("--coupler",)])
async def test_one_record_by_insert(coupler):
    code, out, err = await mpos("run", "--interface", "contact", "--card", "cda", "--json", *coupler)
    assert code == 0, err
    record, entry = json.loads(out), CARDS["cda"]
    assert (record["tvr"], record["tsi"]) == (entry.tvr, entry.tsi)
    assert record["interface"] == "contact" and record["notices"] == []


@pytest.mark.parametrize("head", [(), ("--edges",)], ids=["asic", "edges"])
async def test_a_sale_by_swipe_is_told(head):
    how = ("--speed", "40", "--jitter", "10", "--direction", "back", *head)
    code, out, err = await mpos("run", "--interface", "swipe", "--card", "stripe-pin", *how)
    assert code == 0, err
    assert re.findall(r"^(\d)\. ", out, re.M) == list("12345678")
    for said in (
        "prompt: swipe the card",
        "swiped backward at 40 cm/s",
        "prompt: enter the PIN on the reader",
        "021 magnetic stripe, with PIN",
        "by swipe, DE22 021, CVM online PIN",
    ):
        assert said in out, said
    assert "621234000000" not in out and "1357" not in re.sub(r"\b[0-9A-F]{8,}\b", "", out)


async def test_whichever_card_comes_first():
    script = "tap:transit@0.2s, swipe:stripe-approved@0.8s"
    code, out, err = await mpos("run", "--present", script, "--json")
    assert code == 0, err
    record = json.loads(out)
    assert (record["interface"], record["entry_mode"], record["fallback"]) == ("swipe", "022", False)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--present", "jump@1s"), "nothing a customer does"),
        (("--present", "swipe:approved@1s"), "no card to swipe"),
        (("--present", "swipe@yesterday"), "nothing a reader says"),
        (("--present", "away@1s"), "name a card"),
        ((), "name a card"),
        (("--card", "approved", "--interface", "swipe"), "is a contactless card"),
        (("--card", "stripe-pin", "--speed", "0.5"), "Invalid value"),
    ],
)
async def test_what_no_customer_can_do(arguments, said):
    code, _, err = await mpos("run", *arguments)
    assert code == 2 and said in " ".join(err.replace("│", " ").split()), err


async def test_a_fallback_is_told():
    code, out, err = await mpos("run", "--card", "stripe-fallback")
    assert code == 0, err
    assert ("a fallback: the chip failed" in out and "after a chip that could not be read" in out) or "fallback" in out


async def test_the_list_says_tvr_and_tsi():
    code, out, _ = await mpos("card", "list", "--interface", "contact", "--json")
    listed = {card["name"]: card for card in json.loads(out)}
    assert code == 0 and len(listed) >= 200
    assert all(card["tvr"] and card["tsi"] for card in listed.values() if card["outcome"] != "error")
    code, out, _ = await mpos("card", "list")
    assert code == 0 and "contactless" in out and "F800" in out


@pytest.mark.parametrize(("card", "code"), [("approved", 0), ("insufficient-funds", 1), ("not-payment", 2)])
async def test_one_record(card, code):
    left, out, _ = await mpos("run", "--card", card, "--amount", "20.5", "--json")
    assert left == code
    record = json.loads(out)
    assert (record["outcome"], record["response_code"]) == (CARDS[card].outcome, CARDS[card].response_code)
    assert record["amount"] == "20.50"
    assert record["aioble"] in ("stand-in", "0.6.2")
    assert 0 < record["heap_idle"] < record["heap_peak"] < 128 * 1024
    if card == "approved":
        assert {"card_present", "packet", "answer", "result", "total"} <= record["times_ms"].keys()
        assert len(record["rrn"]) == 12 and len(record["authorisation_code"]) == 6 and len(record["ksn"]) == 20


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--card", "nobody"], "choose one of: approved"),
        (["run", "--card", "approved", "--interface", "contact"], "is a contactless card"),
        (["run", "--card", "approved", "--amount", "0"], "more than zero"),
        (["run", "--card", "approved", "--amount", "1.234"], "write it like 12.34"),
        (["run", "--card", "approved", "--amount", "99999999"], "write it like 12.34"),
        (["run", "--card", "approved", "--fault", "sulking"], "choose one of: silent"),
        (["run", "--card", "approved", "--acquirer", "127.0.0.1:1"], "--state"),
        (["describe", "tlv", "9F0"], "mpos:"),
        (["describe", "tlv", "xyz"], "mpos:"),
        (["describe", "iso8583", "0200"], "mpos:"),
        (["describe", "apdu", "00"], "mpos:"),
    ],
)
async def test_a_mistake_is_explained(arguments, said):
    code, out, err = await mpos(*arguments)
    assert code == 2
    assert said in " ".join((out + err).split())
    assert "Traceback" not in out + err


async def test_a_kept_world_goes_on_where_it_was(tmp_path):
    records = []
    for _ in range(2):
        code, out, err = await mpos("run", "--card", "approved", "--json", "--state", str(tmp_path))
        assert code == 0, err + out
        records.append(json.loads(out))
    assert [record["stan"] for record in records] == [1, 2]
    assert records[0]["ksn"] < records[1]["ksn"]
    assert sorted(path.name for path in (tmp_path / "receipts").iterdir()) == ["000001.json", "000002.json"]


async def test_an_acquirer_of_its_own(tmp_path):
    server = await asyncio.create_subprocess_exec(
        str(MPOS), "acquirer", "serve", "--state", str(tmp_path / "books.json"), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    try:
        line = (await asyncio.wait_for(server.stdout.readline(), TIMEOUT_S)).decode()
        address = re.search(r"127\.0\.0\.1:\d+", line)
        assert address, line
        for _ in range(2):
            code, out, err = await mpos(
                "run", "--card", "approved", "--json", "--acquirer", address[0], "--state", str(tmp_path / "reader")
            )
            assert code == 0, err + out
        server.terminate()
        rest = (await asyncio.wait_for(server.stdout.read(), TIMEOUT_S)).decode()
        assert await asyncio.wait_for(server.wait(), TIMEOUT_S) == 0
        assert rest.count("approved: 12.34 CNY") == 2 and "stopped" in rest
    finally:
        if server.returncode is None:
            server.kill()
            await server.wait()


async def test_card_list_has_every_card():
    code, out, _ = await mpos("card", "list")
    assert code == 0
    assert all(re.search(rf"^{re.escape(name)} ", out, re.M) for name in CARDS)
    code, out, _ = await mpos("card", "list", "--json")
    assert [entry["name"] for entry in json.loads(out)] == list(CARDS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tlv", "9F02060000000012345F2A020156"], "AMOUNT_AUTHORISED (6 bytes): 12.34"),
        (["tlv", "5A086212340000000019"], "621234******0019"),
        (["apdu", "00A404000E325041592E5359532E444446303100"], "SELECT PPSE"),
        (["apdu", "6A82"], "6A82"),
        (["error", "605"], "E_ISO_MAC"),
    ],
)
async def test_describe(arguments, said):
    code, out, err = await mpos("describe", *arguments)
    assert code == 0, err
    assert said in out
    assert "6212340000000019" not in out
