"""The benchmark of drawn worlds: two versions read one study, figures count what was said, and the search finds."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import honest_figures as figures
from benchmarks.honest_judged import SEEN, meanings
from benchmarks.honest_rows import said
from benchmarks.honest_study import NEW, OLD, Older, one_study
from benchmarks.honest_worst import FIRST, searched, worst_tenth
from waterbed.lab.score.claims import RowScore, StudyScore
from waterbed.lab.simulate.grammar import numbered_world
from waterbed.lab.simulate.grammar_study import draw_study

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def columns() -> dict[str, Any]:
    """A small study of a drawn world."""
    world = replace(numbered_world(2, 3), clocks=40, hosters=3, days=20.0, zipf=0.3)
    return draw_study(world, np.random.default_rng(7)).columns()


def test_another_version_reads_the_same_study(columns: dict[str, Any], tmp_path: Path) -> None:
    """A child process with a tree of its own says of a study file what this tree says of the columns."""
    child = Older(ROOT)
    found, seconds = child.said(columns)
    again, _ = child.said(columns)
    child.end()
    assert found == again == json.loads(json.dumps(said(columns)))
    assert seconds > 0
    assert len(found) == 3
    assert any(row["low"] is not None for row in found)
    with pytest.raises(ValueError, match="the older version came from"):
        Older(tmp_path)


def test_each_kind_of_answer_has_a_meaning() -> None:
    """What a check of each kind comes to is judged by the rules; a page that is there is up, an error tells nothing."""
    told = meanings()
    assert set(told) == {(seen, before) for seen in SEEN for before in (False, True)}
    for before in (False, True):
        assert told["up", before] == ("up", None)
        assert told["unknown", before] == ("unknown", None)
        assert told["gone", before] == ("down", "removed")


def test_a_study_is_scored_by_both_versions() -> None:
    """One numbered study gives a row for each hoster and version, and equal trees the same scores."""
    row = one_study((5, 6, 0), ROOT)
    world = numbered_world(5, 6)
    assert (row["seed"], row["world"], row["number"]) == (5, 6, 0)
    assert len(row[NEW]["rows"]) == world.hosters
    assert {**row[NEW], "seconds": 0} == {**row[OLD], "seconds": 0}
    assert json.loads(json.dumps(row))["world"] == 6


def scored(holds: Sequence[bool | None], *, shown: bool = True, **parts: Any) -> dict[str, Any]:
    """One study of one version."""
    row = RowScore(
        rank_class="ranked", shown=shown, holds=True, above=False, width=0.3, gap=0.1, together=None, false_class=False
    )
    rows = tuple(
        replace(row, holds=one) if one is not None else replace(row, holds=None, width=None, gap=None) for one in holds
    )
    counts = dict.fromkeys(("names", "false_names", "below", "orders", "false_orders", "different"), 0)
    made = StudyScore(rows=rows, quick_different=0, quick_right=0, **counts)
    return asdict(replace(made, **parts))


def study(new: dict[str, Any], old: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"seed": 5, NEW: new, OLD: old or new}


def test_worlds_weigh_alike(capsys: pytest.CaptureFixture[str]) -> None:
    """Coverage is the mean over worlds, whatever their rows; what nothing shows is printed apart."""
    worlds = {
        1: [study(scored([True, True, True, True]))],
        2: [study(scored([False]))],
        3: [study(scored([False, True], shown=False))],
    }
    assert figures.coverage(worlds, NEW) == (0.5, pytest.approx(0.5 / np.sqrt(2)))
    assert figures.coverage(worlds, NEW, shown=False)[0] == 0.5
    drawn = {number: replace(numbered_world(5, 6), dependence="independent", label="none") for number in worlds}
    wrong = list(figures.report(worlds, drawn, {}))
    assert any(line.startswith("shares: 50.0%") for line in wrong)
    assert "estimated shares that hold" in capsys.readouterr().out


def test_too_much_false_is_decided_by_fresh_studies() -> None:
    """A world with a false order in many of its studies is told, unless fresh ones clear it."""
    drawn = {1: replace(numbered_world(5, 6), dependence="independent", regime_h=0.0)}
    bad, good = study(scored([True], orders=1, false_orders=1)), study(scored([True], orders=1))
    worlds = {1: [bad, good]}
    assert figures.over_in(worlds, drawn) == [1]
    assert figures.over_in({1: [good] * 40}, drawn) == []
    undecided = list(figures.report(worlds, drawn, {}))
    assert any("no fresh study decides" in line for line in undecided)
    cleared = list(figures.report(worlds, drawn, {1: [good] * 100 + [bad]}))
    assert not any("false orders" in line for line in cleared)
    convicted = list(figures.report(worlds, drawn, {1: [good] * 80 + [bad] * 20}))
    assert any("false orders 20.0% (se 4.0%) in 100 fresh studies" in line for line in convicted)


def test_saying_less_than_the_older_version_is_told() -> None:
    """Fewer shares, wider intervals and fewer right orders are named, each beside the older version's."""
    drawn = {1: replace(numbered_world(5, 6), dependence="independent", hiding="none", fakes="none", cloak="none")}
    drawn[1] = replace(drawn[1], returns="none")
    old = scored([True, True], orders=4, different=4, quick_right=2, quick_different=2)
    new = scored([True, None], orders=3, different=4, quick_right=1, quick_different=2)
    for row in new["rows"][:1]:
        row["width"] = 0.6
    wrong = list(figures.report({1: [study(new, old)]}, drawn, {}))
    for start in (
        "estimated: 0.50",
        "width: 0.600",
        "ordered, all pairs: 0.75",
        "ordered, pairs of the quickest third",
    ):
        assert any(line.startswith(start) for line in wrong), (start, wrong)
    same = list(figures.report({1: [study(old, old)]}, drawn, {}))
    assert not any(line.startswith(("estimated:", "width", "ordered")) for line in same)


def test_the_search_ends_with_the_worst_worlds_and_within_its_studies() -> None:
    """Of many worlds of which one in ten is bad, the search keeps bad ones, and makes no more studies than allowed."""
    made = set[tuple[int, int]]()

    def make(numbers: Iterable[int], studies: Iterable[int]) -> Mapping[int, Sequence[Mapping[str, Any]]]:
        wanted = list(studies)
        found = {}
        for number in numbers:
            rng = np.random.default_rng(number)
            miss = 0.5 if number % 10 == 0 else 0.05
            made.update((number, one) for one in wanted)
            found[number] = [study(scored([bool(rng.random() > miss) for _ in range(4)])) for _ in wanted]
        return found

    left = searched(make, 3_000)
    assert len(made) <= 3_000
    assert len(left) == 20
    assert all(number >= FIRST for number in left)
    assert np.mean([number % 10 == 0 for number in left]) > 0.9
    drawn = make(range(40), range(20))
    (wrong,) = worst_tenth(drawn, make, most=3_000, fresh=range(10_000, 10_050))
    assert wrong.startswith("worst tenth: ")
    assert "90% wanted" in wrong
