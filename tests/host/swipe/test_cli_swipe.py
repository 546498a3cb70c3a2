"""`mpos swipe` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from mpos import cli
from mpos.bench import f2f
from mpos.bench.head_signal import edges, swiped, write
from mpos.swipe import decoder
from tests.host.swipe.tracks import TRACK_1, TRACK_2

STRIPE = f2f.Stripe(TRACK_1, TRACK_2)
SECRETS = (TRACK_2[:19], TRACK_2[6:15], "TEST/CARD", "000001234", "0000123")


def run(*arguments):
    result = CliRunner().invoke(cli.app, ["swipe", *map(str, arguments)])
    assert not any(secret in result.output for secret in SECRETS)
    return result


def test_edge_times(tmp_path):
    result = run(edges(tmp_path / "a.txt", STRIPE, direction="back"))
    assert result.exit_code == 0
    assert "track 1: read backward" in result.output and "track 2: read backward" in result.output
    assert "621234*********5003, check digit right" in result.output


def test_a_wave_as_json_and_as_a_picture(tmp_path):
    path = write(tmp_path / "a.wav", swiped(STRIPE, rate=96_000), 96_000)
    result = run(path, "--json", "--png", tmp_path / "a.png")
    assert result.exit_code == 0
    (swipe,) = json.loads(result.stdout)["swipes"]
    assert [track["ok"] for track in swipe["tracks"]] == [True, True]
    assert swipe["tracks"][1]["characters"] == "621234*********5003=3012120*******"
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_one_track_of_two(tmp_path):
    result = run(edges(tmp_path / "a.txt", STRIPE), "--track", 2)
    assert result.exit_code == 0 and "track 1" not in result.output


def test_several_swipes(tmp_path):
    (wave,) = swiped(f2f.Stripe(track2=TRACK_2))
    path = write(tmp_path / "a.wav", [np.concatenate((wave, np.zeros(44_100), wave))])
    result = run(path)
    assert result.exit_code == 0 and result.output.count("swipe at") == 2


def test_a_track_that_does_not_read(tmp_path):
    stripe = f2f.Stripe(track2=TRACK_2, flaws={2: {"bad_lrc": True}})
    result = run(edges(tmp_path / "a.txt", stripe), "--png", tmp_path / "a.png")
    assert result.exit_code == 1 and "not read: the longitudinal redundancy check" in result.output
    assert (tmp_path / "a.png").exists()


@pytest.mark.parametrize(
    ("text", "arguments", "why"),
    [
        ("nonsense", [], "line 1"),
        ("", [], "no swipe"),
        ("track 2\n1000 1000", ["--track", 1], "no track 1"),
        ("1000\n", ["--png", "/nowhere/a.png"], "nowhere"),
    ],
)
def test_errors_are_a_sentence(tmp_path, text, arguments, why):
    path = tmp_path / "a.txt"
    path.write_text(text)
    result = run(path, *arguments)
    assert result.exit_code == 2 and why in result.output and "Traceback" not in result.output


def test_no_such_file(tmp_path):
    assert run(tmp_path / "none").exit_code == 2


def test_a_firmware_that_dies_is_a_sentence(tmp_path, monkeypatch):
    path = edges(tmp_path / "a.txt", STRIPE)
    monkeypatch.setattr(decoder, "HEAP", "1k")
    result = run(path)
    assert result.exit_code == 2 and "the firmware's decoder has ended" in result.output


@pytest.mark.parametrize("name", ["swipe.wav", "swipe.txt"])
@pytest.mark.parametrize("direction", ["forward", "back"])
def test_a_card_of_the_bench_is_recorded_and_read(tmp_path: Path, name: str, direction: str):
    file = tmp_path / name
    how = ["--speed", "60", "--jitter", "8", "--direction", direction]
    result = CliRunner().invoke(cli.app, ["card", "record", "stripe-tracks-1-2-3", str(file), *how])
    assert result.exit_code == 0, result.output
    result = CliRunner().invoke(cli.app, ["swipe", str(file), "--json"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("name", ["a.wav", "a.txt"])
def test_a_blank_card_is_a_quiet_recording(tmp_path: Path, name: str):
    assert CliRunner().invoke(cli.app, ["card", "record", "stripe-blank", str(tmp_path / name)]).exit_code == 0
    result = run(tmp_path / name)
    assert result.exit_code == 2 and "there is no swipe in it" in result.output


def test_a_hand_that_stops_records_nothing(tmp_path: Path):
    how = ["--speed", "20", "--acceleration", "-400"]
    result = CliRunner().invoke(cli.app, ["card", "record", "stripe-pin", str(tmp_path / "a.wav"), *how])
    assert result.exit_code == 2 and "stops before it is through" in result.output
    assert not (tmp_path / "a.wav").exists()


@pytest.mark.parametrize(("card", "name"), [("approved", "a.wav"), ("none", "a.wav"), ("stripe-pin", "a.mp3")])
def test_what_cannot_be_recorded(tmp_path: Path, card: str, name: str):
    assert CliRunner().invoke(cli.app, ["card", "record", card, str(tmp_path / name)]).exit_code == 2
    assert not (tmp_path / name).exists()
