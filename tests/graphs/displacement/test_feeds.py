"""Feeds that stop or start at the event are told from an event that all feeds see."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from tests.graphs.displacement.movements import series, world
from tests.model.said import said
from waterbed.graphs.displacement.feeds import changed_feeds
from waterbed.graphs.displacement.movements import PlacedReport
from waterbed.graphs.displacement.series import Series


def reported(own: Series, rates: dict[tuple[str, str], tuple[float, float]], seed: int = 1) -> Series:
    """The series with reports by feed and place at rates a day before and after the event."""
    rng = np.random.default_rng(seed)

    def made() -> Iterator[PlacedReport]:
        cluster = 0
        for (source, place), rate in rates.items():
            for (start, end), daily in zip((own.before, own.after), rate, strict=True):
                for when in rng.uniform(start, end, rng.poisson(daily * (end - start) / 24.0)):
                    cluster += 1
                    yield PlacedReport(when=float(when), place=place, source=source, cluster=cluster)

    return replace(own, movements=replace(own.movements, reports=list(made())))


@pytest.fixture(scope="module")
def plain() -> Series:
    return series(world(1, fall=1.0, moved=0.0))


def test_a_feed_that_stops_at_the_target_is_named(plain: Series) -> None:
    """One of two feeds reports the target no more: it alone is found, with its counts and the other's."""
    (one,) = changed_feeds(reported(plain, {("a", "t"): (4, 0), ("b", "t"): (4, 4), ("a", "c1"): (4, 4)}))
    assert (one.source, one.area, one.after) == ("a", "target", 0)
    assert one.others is not None
    assert "feed a stopped reporting the target at the event" in said(one.words())


def test_a_feed_that_begins_is_named(plain: Series) -> None:
    """A new feed of the controls would make them grow: it is found as one that began."""
    (one,) = changed_feeds(reported(plain, {("a", "c1"): (5, 5), ("b", "c1"): (0, 6), ("a", "t"): (4, 4)}))
    assert (one.source, one.area) == ("b", "control")
    assert "began" in said(one.words())


def test_an_event_that_all_feeds_see_is_no_change_of_a_feed(plain: Series) -> None:
    """Where the target falls in every feed alike, no feed is named."""
    assert changed_feeds(reported(plain, {("a", "t"): (6, 1), ("b", "t"): (6, 1), ("a", "c1"): (5, 5)})) == []


def test_the_only_feed_cannot_be_told_from_the_event(plain: Series) -> None:
    """It is named, without others to compare it with."""
    (one,) = changed_feeds(reported(plain, {("a", "t"): (6, 0), ("a", "c1"): (5, 5)}))
    assert one.others is None


def test_an_area_without_reports_names_no_feed() -> None:
    """Also where the windows are of very unequal lengths."""
    uneven = series(world(1, fall=1.0, moved=0.0), before=60, after=7)
    assert changed_feeds(reported(uneven, {("a", "c1"): (5, 5)})) == []


def test_steady_feeds_are_seldom_named(plain: Series) -> None:
    """Of 200 studies with steady feeds at most a few name one: 1% in all tests of a study together."""
    rates = {(feed, place): (3.0, 3.0) for feed in "ab" for place in ("t", "c1", "b")}
    assert sum(bool(changed_feeds(reported(plain, rates, seed))) for seed in range(200)) <= 4
