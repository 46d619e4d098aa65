"""The benchmark of drawn worlds: two versions read one study, figures count what was said, and the search finds."""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from benchmarks import honest_events as events
from benchmarks import honest_figures as figures
from benchmarks.event_reports import INFO
from benchmarks.honest_event_rows import BEYOND, CAUSED, MORE, MOVED, SENTENCES
from benchmarks.honest_event_rows import said as said_of_event
from benchmarks.honest_judged import SEEN, meanings
from benchmarks.honest_rows import concluded, said
from benchmarks.honest_study import NEW, OLD, Older, older, one_study
from benchmarks.honest_worst import FIRST, searched, worst_tenth
from waterbed.judging.rules import read_rules
from waterbed.lab.score.claims import RowScore, StudyScore
from waterbed.lab.simulate.grammar import numbered_world
from waterbed.lab.simulate.grammar_study import draw_study
from waterbed.lab.simulate.single_facts import keyed
from waterbed.lab.simulate.study import attributor_of_world
from waterbed.questions.intervention.estimate import findings
from waterbed.store.config import Config
from waterbed.study.conclusions import Conclusions
from waterbed.study.facts import Facts
from waterbed.study.linking import ROOT as LINK_ROOT
from waterbed.study.linking import OpenedNames

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def columns() -> dict[str, Any]:
    """A small study of a drawn world."""
    world = replace(numbered_world(2, 3), clocks=40, hosters=3, days=20.0, zipf=0.3)
    return {**draw_study(world, np.random.default_rng(7)).columns(), "together": np.array([3.0, np.nan, 1.0])}


def test_another_version_reads_the_same_study(columns: dict[str, Any], tmp_path: Path) -> None:
    """A child process with a tree of its own says of a study file what this tree says of the columns."""
    child = older(ROOT, "honest_rows.py")
    file = tmp_path / "study.npz"
    np.savez(file, **columns)
    found, again = child.answer(file), child.answer(file)
    assert found["said"] == again["said"] == json.loads(json.dumps(said(columns)))
    assert found["seconds"] > 0
    assert len(found["said"]) == 3
    assert any(row["low"] is not None for row in found["said"])


@pytest.mark.long
def test_another_tree_than_was_named_is_no_older_version(tmp_path: Path) -> None:
    """Where the named tree has no package, that of the installation must not stand in for it."""
    with pytest.raises(ValueError, match="the older version came from"):
        Older(tmp_path, "honest_rows.py")


def test_each_kind_of_answer_has_a_meaning() -> None:
    """What a check of each kind comes to is judged by the rules; a page that is there is up, an error tells nothing."""
    told = meanings()
    assert set(told) == {(seen, before) for seen in SEEN for before in (False, True)}
    for before in (False, True):
        assert told["up", before] == ("up", None)
        assert told["unknown", before] == ("unknown", None)
        assert told["gone", before] == ("down", "removed")
        assert told["away", before][0] == "unknown"
    assert told["front", True] == ("down", "removed")


@pytest.mark.parametrize("seed", range(3))
def test_a_name_that_points_to_two_hosters_leaves_neither(seed: int) -> None:
    """Of drawn names that are answered by either of two hosters at most 1% of episodes end as moved."""
    world = replace(numbered_world(8, seed), mover="round robin", moves=0.5, cloak="none", fakes="none", hiding="none")
    drawn = draw_study(replace(world, clocks=100, days=60.0), np.random.default_rng(seed))
    made = drawn.columns()
    turning = dict(zip(made["url_id"].tolist(), drawn.reported.turns.tolist(), strict=True))
    ends = [one.cause for one in concluded(made).episodes if turning[one.url_id]]
    assert len(ends) >= 100
    assert ends.count("removed") > 0
    assert ends.count("moved") <= 0.01 * len(ends)


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

    left = searched(make, 1_500)
    assert len(made) <= 1_500
    assert len(left) == 10
    assert all(number >= FIRST for number in left)
    assert np.mean([number % 10 == 0 for number in left]) > 0.9
    drawn = make(range(40), range(20))
    (wrong,) = worst_tenth(drawn, make, most=150, fresh=range(10_000, 10_050))
    assert wrong.startswith("worst tenth: ")
    assert "90% wanted" in wrong


@pytest.mark.parametrize(
    ("kind", "true"),
    [("no event", set()), ("removal only", {MORE, BEYOND, CAUSED}), ("displaced", {MORE, BEYOND, CAUSED, MOVED})],
)
def test_sentences_on_events_are_true_as_the_world_is(kind: str, true: set[str]) -> None:
    """Without an event all four are false; a target that removes all makes three true, content that moves the last."""
    world = events.drawn_world(kind, random.Random(3), (300, 300))
    truth = events.simulate(world)
    without = events.simulate(msgspec.structs.replace(world, intervention=()))
    at = world.start + timedelta(days=events.AT)
    event = events.Event(target=events.TARGET, date=at, chosen_until=at, controls=events.CONTROLS, before=28, after=28)
    found = events.sentences(truth, without, event)
    assert {name for name, holds in found.items() if holds} == true
    assert set(found) == set(SENTENCES)


@pytest.mark.long
def test_a_case_in_files_is_concluded_as_in_memory(tmp_path: Path) -> None:
    """What is said of an event from files is what the study in memory says."""
    one = events.case("removal only", random.Random(5), (300, 300))
    events.write_case(tmp_path, one)
    found = said_of_event(tmp_path)
    plain = findings(_in_memory(one), one.truth.world.home, INFO, one.event)
    assert plain.summary is not None
    assert found["branch"] == plain.summary.branch
    assert set(found["claims"]) == set(SENTENCES)
    assert found["takedowns"] == (plain.moved.ended if plain.moved else 0)
    assert found["answered"] == (plain.summary.branch not in ("refused", "held back"))


def _in_memory(one: events.Case) -> Conclusions:
    facts = Facts(
        targets=one.facts.targets,
        reports=one.facts.reports,
        looks=one.facts.looks,
        resolutions=one.facts.resolutions,
        controls=one.facts.controls,
        canaries=one.facts.canaries,
    )
    config = Config(study="virtual", home=one.truth.world.home)
    opened = OpenedNames(common=frozenset([keyed("path", LINK_ROOT)]))
    return Conclusions(facts, attributor_of_world(one.truth.world), read_rules(), config, opened)


def reported(kind: str, new: set[str], old: set[str], true: set[str], *, answered: bool = True) -> dict[str, Any]:
    """One report by both versions."""
    said = {
        version: {"claims": {name: name in claims for name in SENTENCES}, "answered": answered}
        for version, claims in ((NEW, new), (OLD, old))
    }
    return {"kind": kind, "true": {name: name in true for name in SENTENCES}, **said}


def test_false_sentences_are_counted_by_kind() -> None:
    """A sentence said where it is false counts in its cell and over all nulls; one said less often than before, too."""
    quiet = [reported("quiet", set(), set(), set()) for _ in range(90)]
    wrong = [reported("quiet", {MORE}, set(), set()) for _ in range(10)]
    moved = [reported("moves", {MORE, BEYOND, CAUSED}, {MORE, BEYOND, MOVED}, set(SENTENCES)) for _ in range(10)]
    lines = list(events.report([*quiet, *wrong, *moved]))
    assert any(line.startswith(f"{MORE}, quiet: 10.0%") for line in lines)
    assert any(line.startswith(f"{MORE}: 10.0%") for line in lines)
    assert any(line.startswith(f"{MOVED}: shown in 0.00") for line in lines)
    assert list(events.report([*quiet, *[reported("moves", set(SENTENCES), set(SENTENCES), set(SENTENCES))] * 9])) == []
