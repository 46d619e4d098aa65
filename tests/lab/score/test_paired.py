"""Comparing two measurements of one truth."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.lab.score.test_compare import _episode, _id, _row
from waterbed.lab.score.compare import compare_runs, false_removals
from waterbed.lab.world.records import Truth

_MINUTE = timedelta(minutes=1)


def test_true_ends_are_no_false_removals(truth: Truth) -> None:
    """An end measured at or after the true one is right, whatever comes later at the same URL."""
    assert false_removals(truth, [_episode(e, truth) for e in truth.episodes], _id) == []


def test_an_end_before_the_true_one_is_false(truth: Truth) -> None:
    """An end measured while the content is there counts, of an episode that ends later or never."""
    ended = next(e for e in truth.episodes if e.end and e.end - e.start > timedelta(hours=2))
    open_one = next(e for e in truth.episodes if e.end is None)
    early = [
        replace(_episode(e, truth), last_up=e.start + _MINUTE, first_down=e.start + 2 * _MINUTE, cause="network")
        for e in (ended, open_one)
    ]
    assert len(false_removals(truth, early, _id)) == 2


def test_differences_are_by_hoster_and_over_all(truth: Truth) -> None:
    """Mean and largest are over hosters with both shares, the overall one by their clocks, the others are named."""
    before = [
        replace(_row("polder", 1, 0.5), episodes=30),
        replace(_row("fjord", 2, 0.2), episodes=10),
        _row("pages", 3, 0.9),
    ]
    after = [_row("polder", 1, 0.6), _row("fjord", 2, 0.2), _row("pages", 3, None)]
    comparison = compare_runs(truth, undisturbed=([], before, _id), disturbed=([], after, _id))
    assert comparison.most_off == pytest.approx(0.1)
    assert comparison.mean_off == pytest.approx(0.05)
    assert comparison.overall.difference == pytest.approx(0.075)
    assert comparison.missing == ("pages",)
    assert (comparison.false_removals, comparison.ends) == (0, 0)


def test_equal_runs_differ_in_nothing(truth: Truth) -> None:
    """A run compared with itself has no difference and no false removal."""
    run = ([_episode(e, truth) for e in truth.episodes], [_row("polder", 1, 0.5)], _id)
    comparison = compare_runs(truth, undisturbed=run, disturbed=run)
    assert (comparison.most_off, comparison.false_removals, comparison.missing) == (0.0, 0, ())
