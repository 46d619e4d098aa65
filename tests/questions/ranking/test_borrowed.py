"""Borrowed shares of a study: which clocks they count, who sees them, and who never does."""

import json
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from math import inf
from pathlib import Path

import msgspec
import numpy as np
import pytest

from tests.study.facts import hour, written
from tests.study.rig import Run
from waterbed.estimators.survival.incidence import NOTHING
from waterbed.measures.labels import Label
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.takedown import REMOVED, Clock, never_seen, outcomes
from waterbed.model.results import BorrowedRow, PlaceRow
from waterbed.publish.release import publish_all
from waterbed.questions.ranking.borrowed import OWN_PEOPLE, _shares, borrowed_rows
from waterbed.store.settings import Norm, Publish
from waterbed.study.study import Study

BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
UNTIL = BEGIN + timedelta(days=30)


def clock(left: float, right: float, **changes: object) -> Clock:
    """A clock that ended by removal, or runs."""
    plain = {"cause": NOTHING if right == inf else REMOVED, "site_id": "s", "origin": BEGIN}
    return Clock(left_h=left, right_h=right, **{**plain, **changes})  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    ("one", "surely", "possibly"),
    [
        (clock(3, 5), True, True),
        (clock(30, 31), False, False),
        (clock(30, inf), False, False),
        (clock(3, 5, cause=REMOVED + 1), False, False),
        (clock(3, 40), False, True),
        (clock(3, inf), False, True),
        (clock(0, 2, seen=False), False, True),
        (clock(30, inf, flap_left_h=3, flap_right_h=4), False, True),
        (never_seen("s", BEGIN), False, True),
    ],
)
def test_what_was_out_of_sight_was_possibly_removed(one, surely, possibly):
    """Between two checks, lost, back after a day or never seen up but by its report; all else is known."""
    assert list(outcomes([one], 24.0, until=UNTIL)) == [(one, surely, possibly)]
    assert list(outcomes([one], 24.0, until=UNTIL, hides=True)) == [(one, False, possibly)]


def test_a_clock_that_could_not_be_followed_counts_in_no_case():
    """Those that began a day before the end are known only if they ended."""
    late = UNTIL - timedelta(hours=23)
    assert not list(outcomes([clock(3, 5, origin=late), clock(3, inf, origin=late)], 24.0, until=UNTIL))


LETTERS = "abcdefghijkl"


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """Twelve hosters: all remove within hours but for d, which removes nothing of twelve; l has two reports alone."""
    seen = {}
    for letter in LETTERS:
        for number in range(2 if letter == "l" else 12):
            # at one hour few go: else the flip of many at once is not believed
            up = 40 if letter == "d" or number == 7 else 2 + (2 * LETTERS.index(letter) + number) % 20
            seen[f"{letter}{number:02}"] = ("u" * up).ljust(45, "d" if up < 40 else "u")
    policy = Publish(publisher="a hotline", licence="CC-BY-4.0", cases=True, addresses=True, least=1)
    with written(tmp_path, seen, apart=30, publish=policy) as made:
        made.folder.clock = lambda: hour(45 + 11 * 30)
        yield made


def test_a_small_hoster_has_a_share_that_leans_on_the_others(study):
    """It has none of its own; the slow one is worth a look, first in the table, and nobody else is."""
    rows = borrowed_rows(RankingTables(conclusions=study.conclude(), kind="hoster"))
    assert [row.key for row in rows if row.worth_a_look] == [rows[0].key] == ["AS64503"]
    assert rows[0].clocks == 12
    assert rows[0].own_p is not None
    assert rows[0].own_p < 0.01
    (small,) = [row for row in rows if row.key == "AS64511"]
    assert (small.clocks, small.rank_class) == (2, "too few")
    assert small.borrowed_24h_low is not None
    assert small.borrowed_24h_low < small.borrowed_24h_best < small.borrowed_24h_high
    assert small.borrowed_24h_high < 1.0


def test_what_reports_have_in_common_counts_where_outcomes_show_it():
    """Customers who are decided for once make a hoster's clocks worth few; the same outcomes without labels, more."""
    rng = np.random.default_rng(3)
    groups = {"labels": [], "none": []}
    for hoster in range(20):
        decided = rng.random(6) < 0.4
        own = []
        for n in range(60):
            of = n % 6
            label = (Label(kind="address", value=f"{hoster} {of}"),)
            at = BEGIN + timedelta(hours=11.0 * n)
            made = clock(3, 5) if decided[of] else clock(90, inf)
            own.append((replace(made, site_id=f"{hoster} {n}", origin=at, labels=label), decided[of], decided[of]))
        groups["labels"].append(own)
        groups["none"].append([(replace(one, labels=()), *rest) for one, *rest in own])
    worth = {name: _shares(own, 0.5, 0.05).number for name, own in groups.items()}
    assert worth["labels"].max() < 8
    assert worth["none"].min() > 20


def test_nobody_is_worth_a_look_beside_a_norm_that_is_estimated(study):
    """The median of all shares is no norm fixed before the data: shares are given, and no list."""
    study.folder.config = msgspec.structs.replace(study.folder.config, norm=Norm(below_median=0.2))
    rows = borrowed_rows(RankingTables(conclusions=study.conclude(), kind="hoster"))
    assert all(row.borrowed_24h_best is not None and row.norm is None and not row.worth_a_look for row in rows)


def test_the_table_is_marked_in_every_form(study, run: Run, monkeypatch: pytest.MonkeyPatch):
    """For people with a sentence that --quiet keeps, for tools as a caveat."""
    monkeypatch.setenv("COLUMNS", "160")
    asked = ("-C", str(study.path), "rank", "--table", "borrowed")
    for quiet in ((), ("--quiet",)):
        code, said, _ = run(*quiet, *asked)
        assert code == 0
        assert OWN_PEOPLE in said
    code, said, _ = run(*asked, "--format", "json")
    assert code == 0
    assert OWN_PEOPLE in json.loads(said)["caveat"]
    code, _, said = run(*asked, "--clock", "first_seen")
    assert code
    assert "--clock reported" in said


def test_nothing_that_is_published_holds_borrowed_shares(study, tmp_path: Path):
    """Even where all else may be published: neither their columns, nor their mark, nor their numbers."""
    assert any(row.worth_a_look for row in borrowed_rows(RankingTables(conclusions=study.conclude(), kind="hoster")))
    publish_all(study, tmp_path / "out")
    own = {field.name for field in fields(BorrowedRow)} - {field.name for field in fields(PlaceRow)} - {"clocks"}
    assert len(own) == 8
    searched = 0
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            searched += 1
            text = path.read_bytes().lower()
            assert not [word for word in (*own, "borrowed", "worth a look", "own people") if word.encode() in text], (
                path
            )
    assert searched > 50
