"""Scoring single looks against the truth at their time."""

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from waterbed.lab.score.looks import LookScore, score_looks
from waterbed.lab.world.records import Truth
from waterbed.model.conclusions import State, Verdict

_DAY = timedelta(days=1)


def _verdict(number: int, url: str, moment: datetime, state: State, outcome: str = "x") -> Verdict:
    return Verdict(
        observation_id=str(number),
        url_id=f"id of {url}",
        observed_at=moment,
        ruleset="r",
        rule=f"{state}-rule",
        outcome=outcome,
        state=state,
        cause=None,
        layer="-",
    )


def _scores(truth: Truth, states: list[tuple[str, datetime, State]], profile: str = "headers") -> dict[Any, LookScore]:
    verdicts = [_verdict(n, url, moment, state) for n, (url, moment, state) in enumerate(states)]
    looks: list[Any] = [SimpleNamespace(observation_id=v.observation_id, profile=profile) for v in verdicts]
    return score_looks(truth, looks, verdicts, lambda url: f"id of {url}")


def _times(truth: Truth) -> tuple[str, datetime, datetime]:
    """A URL, a time at which it is up, and one at which it is gone."""
    episode = next(e for e in truth.episodes if e.end and e.cause == "removed")
    return episode.url, episode.start, episode.end or truth.world.end


def test_right_looks_score_full(truth: Truth) -> None:
    """Looks that say what is true have precision and recall 1, and none is undecided."""
    url, up, down = _times(truth)
    score = _scores(truth, [(url, up, "up"), (url, down, "down")])["not strict"]
    assert (score.precision, score.recall, score.undecided) == (1.0, 1.0, 0.0)
    assert score.wrong_by == {}


def test_wrong_looks_are_counted_by_rule(truth: Truth) -> None:
    """A false down costs precision, a missed one recall; both are listed under the rule that decided."""
    url, up, down = _times(truth)
    states: list[tuple[str, datetime, State]] = [(url, up, "down"), (url, down, "down"), (url, down, "up")]
    score = _scores(truth, states)["not strict"]
    assert (score.precision, score.recall) == (0.5, 0.5)
    assert score.wrong_by == {"down-rule": 1, "up-rule": 1}


def test_undecided_looks_cost_neither(truth: Truth) -> None:
    """An undecided look is in no precision and no recall, but in their own share."""
    url, up, down = _times(truth)
    score = _scores(truth, [(url, up, "unknown"), (url, down, "unknown"), (url, down, "down"), (url, up, "up")])
    assert (score["not strict"].precision, score["not strict"].recall) == (1.0, 1.0)
    assert score["not strict"].undecided == 0.5
    assert score["not strict"].undecided_as == {"x": 2}


def test_strict_looks_stand_apart(truth: Truth) -> None:
    """Looks in profile strict have a score of their own; where there are none, no share is invented."""
    url, up, _ = _times(truth)
    scores = _scores(truth, [(url, up, "down")], profile="strict")
    assert scores["strict"].precision == 0.0
    assert (scores["not strict"].looks, scores["not strict"].precision, scores["not strict"].undecided) == (
        0,
        None,
        None,
    )


def test_unknown_urls_are_left_out(truth: Truth) -> None:
    """A look at a URL that the world does not have is not scored."""
    assert _scores(truth, [("http://stranger.example/", truth.world.start, "down")])["not strict"].looks == 0
