"""Scoring attributed hosters against a truth."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.lab.score.test_compare import _episode, _id
from waterbed.lab.score.attribution import score_attribution
from waterbed.lab.world.records import TrueEpisode, Truth

_HOUR = timedelta(hours=1)


@pytest.mark.parametrize(("looked_h", "counted"), [((1, 3, 6, 9), 1), ((1, 6, 9), 0), ((3,), 0)])
def test_a_hand_over_counts_where_looks_surround_it(truth: Truth, looked_h: tuple[int, ...], counted: int) -> None:
    """Content that came between two looks and was handed over before the next was never seen at the old owner."""
    url, start = next(iter(truth.shown)), truth.world.start

    def stay(hoster: str, begin: int, end: int | None, cause: str | None) -> TrueEpisode:
        return TrueEpisode(
            url=url,
            content_id="c",
            hoster=hoster,
            origin=hoster,
            start=start + begin * _HOUR,
            end=None if end is None else start + end * _HOUR,
            cause=cause,  # type: ignore[arg-type]  # one of the literal's values
        )

    stays = [stay("fjord", 0, 2, "removed"), stay("polder", 2, 5, "lineage"), stay("veil", 5, None, None)]
    seen = [
        replace(_episode(one, truth), first_up=looks[0], last_up=looks[-1])
        for one in stays
        if (looks := [at for h in looked_h if one.start <= (at := start + h * _HOUR) < (one.end or truth.world.end)])
    ]
    found = score_attribution(
        replace(truth, episodes=tuple(stays)), [(_id(url), start + h * _HOUR, None) for h in looked_h], seen, [], _id
    )
    assert (found.handed_over, found.as_lineage) == (counted, counted)
