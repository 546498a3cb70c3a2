"""What `make bench` makes of numbers: comparison, budgets, stability, the file. No emulator takes part."""

from __future__ import annotations

import json

import pytest

from tests.bench import figures
from tests.bench.figures import BYTES, COUNT, GROUPS, INSTRUCTIONS, MS, ROWS, WALL, Figures, FiguresError

NAME = "crypto.x919_512"
AIOBLE = {"aioble": "1"}


def one(value: float, name: str = NAME) -> Figures:
    return Figures({name: value}, versions=AIOBLE)


def test_the_rows_name_each_other_rightly():
    assert len(ROWS) == sum(len(group.rows) for group in GROUPS)
    for row in ROWS.values():
        assert row.unit in (INSTRUCTIONS, BYTES, WALL, COUNT, MS)
        assert not row.other or row.other == f"c.{row.name}"
        assert row.other_most is None or row.other
    # DESIGN: the budgets of the whole firmware
    assert ROWS["heap.boot"].budget == 57_344
    assert ROWS["heap.peak"].budget == 106_496
    assert ROWS["sale.tap_to_packet"].budget == 24_000_000
    assert ROWS["stripe.bits"].budget == 2_000_000
    assert ROWS["stripe.edges"].budget == 6_000_000
    assert ROWS["swipes.refused"].budget == ROWS["swipes.wrong"].budget == ROWS["swipes.wrong_inside"].budget == 0
    assert ROWS["swipes.wrongly"].budget == 0


def test_equal_runs_are_exact():
    found = Figures()
    found.add_runs({NAME: 5}, {NAME: 5})
    assert found.values == {NAME: 5}
    assert not found.spread


@pytest.mark.parametrize("runs", [(5, 7), (7, 5)])
def test_unequal_runs_are_unstable_and_the_worse_one_counts(runs):
    found = Figures()
    found.add_runs({NAME: runs[0]}, {NAME: runs[1]})
    assert found.values == {NAME: 7}
    assert found.spread == {NAME: (5, 7)}
    (group,) = [group for group in GROUPS if ROWS[NAME] in group.rows]
    (line,) = figures.lines(group, found, Figures())
    assert line.now == "5 to 7 (unstable)"


def test_a_figure_that_only_one_run_has():
    with pytest.raises(FiguresError, match=NAME):
        Figures().add_runs({NAME: 5}, {})


@pytest.mark.parametrize(
    ("now", "committed", "is_worse"),
    [
        (1_030_600, 1_000_000, False),
        (1_030_601, 1_000_000, True),
        (970_000, 1_000_000, False),
        (1_630, 1_000, False),  # more than half as much again, and no more than a dictionary's layout may take
        (1_631, 1_000, True),
    ],
)
def test_worse_past_the_tolerance(now, committed, is_worse):
    found = figures.worse(one(now), one(committed))
    assert bool(found) == is_worse
    assert not found or (NAME in found[0] and "committed" in found[0])


def test_a_figure_that_is_gone_is_worse():
    assert "not measured" in figures.worse(Figures(), one(1))[0]


def test_a_new_figure_is_not():
    assert figures.worse(one(1), Figures()) == []
    assert figures.change(NAME, one(1), Figures()) is None


def test_wall_time_and_other_peoples_work_are_not_judged():
    committed = Figures({"wall.iso8583.pack": 1.0, "c.crypto.x919_512": 1}, versions=AIOBLE)
    now = Figures({"wall.iso8583.pack": 9.0, "c.crypto.x919_512": 10_000}, versions=AIOBLE)
    assert figures.worse(now, committed) == []


def test_heap_with_another_aioble_is_not_compared():
    committed = one(50_000, "heap.boot")
    now = Figures({"heap.boot": 60_000}, versions={"aioble": "2"})
    assert figures.worse(now, committed) == []
    assert figures.change("heap.boot", now, committed) is None
    assert figures.worse(one(60_000, "heap.boot"), committed)


def test_budgets():
    assert figures.missed(one(600_000)) == []
    (text,) = figures.missed(one(600_001))
    assert "600,001" in text and "600,000" in text
    (text,) = figures.missed(Figures({NAME: 100_000, "c." + NAME: 10_000}))
    assert "10.0 times C" in text
    assert figures.missed(Figures({NAME: 90_000, "c." + NAME: 10_000})) == []


@pytest.mark.parametrize(("after", "is_missed"), [(51_024, False), (51_025, True), (48_975, True)])
def test_what_many_sales_leave_behind(after, is_missed):
    assert bool(figures.missed(Figures({"heap.boot": 50_000, "heap.after": after}))) == is_missed


def test_from_nothing_to_something():
    assert figures.change(NAME, one(1), one(0)) == float("inf")
    assert figures.change(NAME, one(0), one(0)) == 0


def test_the_file_gives_back_what_it_was_given(tmp_path):
    path = tmp_path / "bench.json"
    given = Figures({NAME: 7, "heap.boot": 5.0}, {NAME: (6, 7)}, {"QEMU": "7.2"})
    path.write_text(given.as_json())
    assert figures.load(path) == given


def test_a_swipe_that_is_read_wrong_is_over_its_budget_and_worse():
    assert figures.missed(Figures({"swipes.wrong": 0})) == []
    assert figures.missed(Figures({"swipes.wrong": 1})) == ["swipes.wrong: 1, the budget is 0"]
    assert figures.worse(Figures({"swipes.wrong": 1}), Figures({"swipes.wrong": 0}))


def test_the_curve_is_kept(tmp_path):
    now = Figures({NAME: 1}, curve={"0": [1.0, 1.0, 1.0], "20": [0.97, 0.8, 0.98]})
    (tmp_path / "f").write_text(now.as_json())
    assert figures.load(tmp_path / "f") == now


def test_the_file_is_sorted_so_that_a_diff_shows_what_changed():
    text = Figures({"b": 1, "a": 2}).as_json()
    assert list(json.loads(text)["figures"]) == ["a", "b"]
    assert text.endswith("}\n")
    assert '"b": 1\n' in text or '"b": 1.0\n' in text


def test_no_file_yet(tmp_path):
    assert figures.load(tmp_path / "none.json") == Figures()


@pytest.mark.parametrize(
    "text",
    [
        "no json",
        "[]",
        '{"format": 0}',
        '{"format": 1}',
        '{"format": 1, "versions": {}, "unstable": {}, "figures": {"a": "x"}}',
        '{"format": 1, "versions": {}, "unstable": {"a": [1]}, "figures": {}}',
    ],
)
def test_a_broken_file_says_what_to_do(tmp_path, text):
    path = tmp_path / "bench.json"
    path.write_text(text)
    with pytest.raises(FiguresError, match="UPDATE=1"):
        figures.load(path)
