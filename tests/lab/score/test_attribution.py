"""Scoring attributed hosters against a truth."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.lab.score.test_compare import _episode, _id
from waterbed.lab.score.attribution import score_attribution
from waterbed.lab.world.records import TrueEpisode, Truth

_HOUR = timedelta(hours=1)


def _stay(truth: Truth, hoster: str, begin: int, end: int | None, cause: str | None) -> TrueEpisode:
    start = truth.world.start
    return TrueEpisode(
        url=next(iter(truth.shown)),
        content_id="c",
        hoster=hoster,
        origin=hoster,
        start=start + begin * _HOUR,
        end=None if end is None else start + end * _HOUR,
        cause=cause,  # type: ignore[arg-type]  # one of the literal's values
    )


@pytest.mark.parametrize(("looked_h", "counted"), [((1, 3, 6, 9), 1), ((1, 6, 9), 0), ((3,), 0)])
def test_a_hand_over_counts_where_looks_surround_it(truth: Truth, looked_h: tuple[int, ...], counted: int) -> None:
    """Content that came between two looks and was handed over before the next was never seen at the old owner."""
    url, start = next(iter(truth.shown)), truth.world.start
    stays = [
        _stay(truth, "fjord", 0, 2, "removed"),
        _stay(truth, "polder", 2, 5, "lineage"),
        _stay(truth, "veil", 5, None, None),
    ]
    seen = [
        replace(_episode(one, truth), first_up=looks[0], last_up=looks[-1])
        for one in stays
        if (looks := [at for h in looked_h if one.start <= (at := start + h * _HOUR) < (one.end or truth.world.end)])
    ]
    found = score_attribution(
        replace(truth, episodes=tuple(stays)), [(_id(url), start + h * _HOUR, None) for h in looked_h], seen, [], _id
    )
    assert (found.handed_over, found.as_lineage) == (counted, counted)


@pytest.mark.parametrize("counted", [0, 1])
def test_a_hand_over_is_seen_at_the_address_that_changed_hands(truth: Truth, counted: int) -> None:
    """A URL of two addresses that later answers from the other alone tells nothing of the new owner."""
    start = truth.world.start
    stays = [_stay(truth, "fjord", 0, None, None), _stay(truth, "polder", 2, 5, "lineage")]
    stays.append(_stay(truth, "veil", 5, None, None))
    other, old, new = (_episode(one, truth) for one in stays)
    seen = [
        replace(other, first_up=start + _HOUR, last_up=start + 9 * _HOUR),
        replace(old, first_up=start + 3 * _HOUR, last_up=start + 4 * _HOUR, cause="lineage" if counted else "removed"),
        *([replace(new, first_up=start + 6 * _HOUR, last_up=start + 8 * _HOUR)] if counted else ()),
    ]
    looks = [(_id(stays[0].url), start + h * _HOUR, None) for h in range(1, 10)]
    found = score_attribution(replace(truth, episodes=tuple(stays)), looks, seen, [], _id)
    assert (found.handed_over, found.as_lineage) == (counted, counted)
