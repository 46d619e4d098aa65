"""The answers of hosters' own link checks: shown apart, and left out where a study says so."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.publish.study import small_study
from waterbed.judging.rules import IGNORED
from waterbed.questions.explain.url import chain_of_url
from waterbed.questions.fact_sheet.sheet import sheet_of
from waterbed.questions.sensitivity.grid import grid_of, reference_of
from waterbed.questions.sensitivity.variants import Variants
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

ASKED = "a00"


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A study of which the looks at one URL asked a link check."""
    with small_study(tmp_path) as made:
        with sqlite3.connect(made.path / "waterbed.db") as store:
            changed = store.execute(
                "UPDATE observation SET link_check = 'pictures', link_exists = status < 300 WHERE url_id = ?", (ASKED,)
            )
            assert changed.rowcount > 0
        yield made


def telling(study: Study, word: str) -> Conclusions:
    judge = msgspec.structs.replace(study.config.judge, hoster_word=word)
    study.folder.config = msgspec.structs.replace(study.folder.config, judge=judge)
    return study.conclude()


def states(conclusions: Conclusions) -> set[tuple[str, bool]]:
    """The states of looks, and whether the rule is that of an ignored word."""
    return {(v.state, v.rule.startswith(IGNORED)) for v in conclusions.verdicts if v.url_id == ASKED}


def test_the_word_is_shown_apart(study: Study) -> None:
    """A URL's chain names the link check, and a hoster's sheet counts its looks."""
    steps = {link.step for link in chain_of_url(study, ASKED, None)}
    assert "hoster's word" in steps
    assert "look" not in steps
    conclusions = study.conclude()
    looks = sum(verdict.url_id == ASKED and verdict.state != "unknown" for verdict in conclusions.verdicts)
    assert conclusions.hoster_words.total() == looks > 0
    assert sheet_of(study, "AS64500", conclusions=conclusions).hoster_word > 0


def test_an_ignored_word_tells_nothing(study: Study) -> None:
    """The looks of the one URL are unknown, and all others are as before, in either direction of the choice."""
    counted = telling(study, "counts")
    assert ("up", False) in states(counted)
    ignored = telling(study, "ignored")
    assert states(ignored) == {("unknown", True)}
    others = [[v for v in conclusions.verdicts if v.url_id != ASKED] for conclusions in (counted, ignored)]
    assert others[0] == others[1]
    assert states(ignored.with_(config=counted.config)) == states(counted)
    assert states(counted.with_(config=ignored.config)) == states(ignored)


def test_the_choice_is_a_dimension_where_a_link_check_decided(study: Study) -> None:
    """With such looks both levels are run, without them the second is left out with why."""
    reference = reference_of(study)
    grid = grid_of(study, Variants(study, study.conclude(), reference), reference, None)
    assert tuple(grid.levels["hoster_word"]) == ("counts", "ignored")
    with sqlite3.connect(study.path / "waterbed.db") as store:
        store.execute("UPDATE observation SET link_check = NULL, link_exists = NULL")
    grid = grid_of(study, Variants(study, study.conclude(), reference), reference, None)
    assert grid.why_not["hoster_word", "ignored"] == "no check asked a link check"
