"""The run of `make bench` around the measuring: what programs say, exit codes, table and page."""

from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from tests.bench import __main__ as bench
from tests.bench import emulator, exchange, figures, run, table
from tests.bench.emulator import EmulatorFailed, card_scripts, full_stripe, read_figures
from tests.bench.figures import Figures, FiguresError

NAME = "crypto.x919_512"


def shown(now: Figures, committed: Figures) -> str:
    console = Console(file=io.StringIO(), width=200)
    table.show(now, committed, console)
    return console.file.getvalue()


def finished(now: Figures, committed: Figures, *arguments: str) -> int:
    options = bench._parser().parse_args(list(arguments))
    return bench.finish(now, committed, options, Console(file=io.StringIO(), width=200))


def test_figures_of_a_program():
    said = ["boot\n", 'FIGURE {"name": "a", "value": 3}\n', 'FIGURE {"name": "r", "value": "ff"}\n', "FIGURES END\n"]
    assert read_figures(iter(said)) == {"a": 3, "r": "ff"}


@pytest.mark.parametrize(
    "said",
    [
        [],
        ['FIGURE {"name": "a", "value": 3}\n'],
        ["Traceback (most recent call last):\n", "MemoryError: \n"],
        [">>> \n", "FIGURES END\n"],
    ],
)
def test_a_program_that_ends_early(said):
    with pytest.raises(EmulatorFailed, match="early"):
        read_figures(iter(said))


def test_a_figure_that_comes_twice():
    with pytest.raises(EmulatorFailed, match="twice"):
        read_figures(iter(['FIGURE {"name": "a", "value": 3}\n'] * 2))


def test_the_message_has_what_the_program_said():
    with pytest.raises(EmulatorFailed, match="MemoryError"):
        read_figures(iter(["Traceback (most recent call last):\n", "MemoryError: \n"]))


def test_the_cards_of_the_device_know_a_whole_sale():
    scripts = card_scripts()
    assert scripts.keys() == emulator.TAPS.keys()
    for name, script in scripts.items():
        commands = [command for command, _ in script["answers"]]
        assert [command[:4] for command in commands[:4]] == ["00a4", "00a4", "80a8", "00b2"]
        assert len(set(commands)) == len(commands)
        assert script["target"].startswith("0101")
        signs = "9f4b" in script["answers"][2][1]
        assert signs == (name != "sale"), name


def test_a_card_that_refuses(monkeypatch):
    monkeypatch.setitem(emulator._ASKED_FOR, 0x9F66, bytes(4))  # neither EMV mode nor any other
    with pytest.raises(EmulatorFailed, match="refuses"):
        card_scripts()


# One exchange of a card's command of five bytes and its answer of four, one with the chip alone
_ALONE = [(">", bytes.fromhex("0000FF02FED4022A00")), ("<", bytes.fromhex("0000FF00FF00"))]
_ALONE += [("<", bytes.fromhex("0000FF06FAD50332010607E800"))]
_APDU = [(">", bytes.fromhex("0000FF08F8D4400100B2010C002C00")), ("<", bytes.fromhex("0000FF00FF00"))]
_APDU += [("<", bytes.fromhex("0000FF07F9D5410070009000EA00"))]


def test_the_line_to_the_chip():
    found = exchange.figures([*_ALONE, *_APDU, *_ALONE])
    assert (found["line.apdus"], found["line.bytes"], found["line.overhead"]) == (1, 15 + 6 + 14, 26)
    assert found["line.overhead_ms_115200"] == pytest.approx(2.257, abs=0.001)
    assert found["line.ms_460800"] == pytest.approx(35 * 10 / 460.8)


@pytest.mark.parametrize(
    ("trace", "why"),
    [(_ALONE, "no APDU"), (_APDU[:2], "no answer"), ([*_APDU[:2], _ALONE[2]], "its own code")],
)
def test_frames_that_make_no_sense(trace, why):
    with pytest.raises(exchange.TapFailed, match=why):
        exchange.figures(trace)


def complete() -> dict:
    return {**run._EXPECTED, "c.result.mac": "aa", "result.mac": "aa", NAME: 1, "other": 2}


def test_the_work_that_was_done_is_the_work_that_was_meant():
    run.check(complete())
    assert run.kept(complete()) == {NAME: 1}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"result.insert": 4}, "result.insert"),
        ({"iso8583.request.fields": 16}, "other work"),
        ({"result.mac": "bb"}, "c.result.mac"),
    ],
)
def test_other_work(change, why):
    with pytest.raises(FiguresError, match=why):
        run.check({**complete(), **change})


def test_no_result_of_c():
    told = complete()
    del told["c.result.mac"]
    with pytest.raises(FiguresError, match="no result"):
        run.check(told)


def test_exit_codes():
    good, bad = Figures({NAME: 100_000}), Figures({NAME: 200_000})
    assert finished(good, good, "--check") == bench.OK
    assert finished(bad, good) == bench.OK
    assert finished(bad, good, "--check") == bench.WORSE


def test_what_is_worse_is_named(capsys):
    assert finished(Figures({NAME: 200_000}), Figures({NAME: 100_000}), "--check") == bench.WORSE
    said = capsys.readouterr().err
    assert NAME in said and "+100.0%" in said


def test_json(capsys):
    assert finished(Figures({NAME: 7}), Figures(), "--json") == bench.OK
    document = json.loads(capsys.readouterr().out)
    assert document["format"] == figures.FORMAT
    assert document["figures"] == {NAME: 7}
    assert set(document) == {"format", "versions", "figures", "unstable"}


def test_update_writes_both_files(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "COMMITTED", tmp_path / "bench.json")
    monkeypatch.setattr(bench, "PAGE", tmp_path / "bench.md")
    now = Figures({NAME: 7}, versions={"QEMU": "7.2"})
    assert finished(now, Figures({NAME: 1}), "--update") == bench.OK
    assert figures.load(tmp_path / "bench.json") == now
    page = (tmp_path / "bench.md").read_text()
    assert "X9.19" in page and "QEMU 7.2" in page and "is met" in page and "Not met" not in page


def test_update_draws_the_curve(monkeypatch, tmp_path):
    for name, file in (("COMMITTED", "bench.json"), ("PAGE", "bench.md"), ("CURVE", "curve.png")):
        monkeypatch.setattr(bench, name, tmp_path / file)
    now = Figures({NAME: 7}, curve={"0": [1.0, 1.0, 1.0], "30": [0.0, 0.0, 0.0]})
    assert finished(now, Figures(), "--update") == bench.OK
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_the_stripe_of_the_device_is_full():
    stripe = full_stripe()
    for (data, count), times, characters in zip(stripe["bits"], stripe["times"], (79 * 7, 40 * 5, 107 * 5)):
        assert count > characters and len(data) == 2 * -(-count // 8)
        assert len(times) // 4 > count


def test_a_failure_is_a_sentence_and_not_a_traceback(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(bench, "COMMITTED", tmp_path / "bench.json")

    def fail(sales, say, with_swipes):
        raise EmulatorFailed("it ended early")

    monkeypatch.setattr(run, "measure", fail)
    assert bench.main([]) == bench.FAILED
    assert "it ended early" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--sales", "-1"], ["--sales", "20", "--update"]])
def test_options_that_make_no_sense(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        bench.main(arguments)
    assert ended.value.code == bench.FAILED
    assert "--sales" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--sales", "0", "--no-swipes"], bench.OK),
        (["--sales", "5", "--no-swipes"], bench.WORSE),
        (["--sales", "0"], bench.WORSE),
    ],
)
def test_what_is_left_out_is_not_missed(arguments, code, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(bench, "COMMITTED", tmp_path / "bench.json")
    bench.COMMITTED.write_text(Figures({NAME: 7, "heap.after": 50_000, "swipes.tracks": 30_000}).as_json())
    monkeypatch.setattr(run, "measure", lambda sales, say, with_swipes: Figures({NAME: 7}))
    assert bench.main([*arguments, "--check"]) == code
    missed = capsys.readouterr().err
    assert ("heap.after" in missed) == ("5" in arguments)
    assert ("swipes.tracks" in missed) == ("--no-swipes" not in arguments)


def test_a_broken_file_is_said_before_anything_is_measured(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(bench, "COMMITTED", tmp_path / "bench.json")
    (tmp_path / "bench.json").write_text("no")
    assert bench.main([]) == bench.FAILED
    assert "UPDATE=1" in capsys.readouterr().err


def test_the_table():
    now = Figures({NAME: 300_000, "c." + NAME: 100_000, "heap.boot": 70_000})
    text = shown(now, Figures({NAME: 200_000, "heap.boot": 70_000}))
    assert "300,000" in text and "50%" in text and "+50.0%" in text and "3.0 x, budget 9 x" in text
    assert "over budget: heap.boot: 70,000" in text
    assert "The whole firmware" not in text  # nothing of it was measured
    assert "new" in shown(now, Figures())


def test_the_page_names_what_is_not_met():
    page = table.page(Figures({"heap.boot": 70_000}))
    assert "Not met: heap.boot" in page


def test_the_committed_figures_are_of_the_rows_there_are():
    committed = figures.load(bench.COMMITTED)
    assert {name for name in committed.values if not name.startswith("c.")} == set(figures.ROWS)
    assert bench.PAGE.read_text() == table.page(committed)
