"""Takedowns and what their hops say of the time after them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from waterbed.graphs.displacement.takedowns import takedowns
from waterbed.model.conclusions import Episode, Hop

START = datetime(2025, 4, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)

EPISODE = Episode(
    url_id="a",
    content_id="c",
    site_id="site",
    hoster="old",
    hosters=("old",),
    origins=(),
    countries=("NL",),
    addresses=(),
    proxy=False,
    known_up_at=START,
    reported_at=START,
    absent_at=None,
    first_up=START,
    last_up=START + 9 * HOUR,
    first_down=START + 10 * HOUR,
    cause="removed",
    looks=10,
    unknown_looks=0,
)
HOP = Hop(
    content_id="c",
    from_url_id="a",
    to_url_id="b",
    from_hoster="old",
    to_hoster="new",
    from_countries=("NL",),
    to_countries=("FR",),
    left_after=START + 9 * HOUR,
    left_before=START + 10 * HOUR,
    arrived_after=START + 11 * HOUR,
    arrived_before=START + 20 * HOUR,
    kind="copy",
    order="sequential",
    levels=("organisation",),
    evidence=("content_id",),
)


def _one(hop: Hop, episode: Episode = EPISODE, *, within: int = 24, until: int = 100):
    (found,) = takedowns(
        [episode], [hop], home="NL", seats={"new": "NL"}, within=within * HOUR, until=START + until * HOUR
    )
    return found.certain, found.possible


NO, SAME, HOME, ABROAD, UNKNOWN = (False,) * 4, *(tuple(n == way for n in range(4)) for way in range(4))


@pytest.mark.parametrize(
    ("change", "certain", "possible"),
    [
        ({}, ABROAD, ABROAD),
        ({"to_countries": ("NL",)}, HOME, HOME),
        ({"to_countries": ()}, HOME, HOME),
        ({"to_countries": (), "to_hoster": "nowhere known"}, UNKNOWN, UNKNOWN),
        ({"to_url_id": "a", "kind": "relocation", "order": "repointed"}, SAME, SAME),
        ({"order": "unknown", "arrived_after": None}, NO, ABROAD),
        ({"order": "parallel"}, NO, NO),
        ({"arrived_before": START + 34 * HOUR}, NO, ABROAD),
        ({"arrived_after": START + 35 * HOUR, "arrived_before": START + 36 * HOUR}, NO, NO),
        ({"left_before": START + 11 * HOUR}, NO, NO),
        ({"from_hoster": "third"}, NO, NO),
    ],
)
def test_order_horizon_and_way_decide(change, certain, possible) -> None:
    """Certain by the outer ends of both intervals, possible unless parallel or surely too late; of this loss alone."""
    assert _one(replace(HOP, **change)) == (certain, possible)


@pytest.mark.parametrize(
    "change",
    [{"cause": "moved"}, {"cause": "lineage"}, {"first_down": None, "cause": None}, {"proxy": True}],
)
def test_other_ends_are_no_takedowns(change) -> None:
    """What moved by itself, changed hands, is still up or was a proxy's is not counted."""
    episode = replace(EPISODE, **change)
    assert takedowns([episode], [HOP], home="NL", seats={}, within=HOUR, until=START + 100 * HOUR) == []


def test_takedowns_without_time_to_be_followed_are_left_out() -> None:
    """A takedown after the last moment that leaves time for arrivals to be known does not count."""
    assert takedowns([EPISODE], [HOP], home="NL", seats={}, within=HOUR, until=START + 9 * HOUR) == []


def test_a_takedown_without_a_hop_is_one() -> None:
    """It counts, and nothing followed it."""
    (found,) = takedowns([EPISODE], [], home="NL", seats={}, within=HOUR, until=START + 10 * HOUR)
    assert (found.url_id, found.site_id, found.hoster) == ("a", "site", "old")
    assert found.certain == found.possible == NO
