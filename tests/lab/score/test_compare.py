"""Scoring measurements against a truth."""

from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest

from waterbed.lab.score.compare import compare
from waterbed.lab.world.records import TrueEpisode, TrueHop, Truth
from waterbed.model.conclusions import Episode, Hop, RankingRow

_HOUR = timedelta(hours=1)


def _id(url: str) -> str:
    return f"id of {url}"


def _hop(true: TrueHop) -> Hop:
    return Hop(
        content_id="keyed",
        from_url_id=_id(true.from_url),
        to_url_id=_id(true.to_url),
        from_hoster=true.from_hoster,
        to_hoster=true.to_hoster,
        from_countries=(),
        to_countries=(),
        left_after=true.left - _HOUR,
        left_before=true.left + _HOUR,
        arrived_after=None,
        arrived_before=true.arrived + _HOUR,
        kind=true.kind,
        order="parallel" if true.parallel else "sequential",
        levels=(),
        evidence=("content_id",),
    )


def _episode(true: TrueEpisode, truth: Truth) -> Episode:
    end = true.end or truth.world.end
    return Episode(
        url_id=_id(true.url),
        content_id="keyed",
        site_id="site",
        hoster=true.hoster,
        hosters=(true.hoster,),
        origins=(),
        countries=(),
        addresses=(),
        proxy=False,
        known_up_at=true.start,
        reported_at=None,
        absent_at=None,
        first_up=true.start,
        last_up=max(true.start, end - _HOUR),
        first_down=true.end and true.end + _HOUR,
        cause=true.cause,
        looks=1,
        unknown_looks=0,
    )


def _row(key: str, place: int, share: float | None) -> RankingRow:
    return RankingRow(
        place=place,
        key=key,
        name=key,
        urls=1,
        hosts=1,
        sites=1,
        hosts_fractional=1.0,
        removed_24h=share,
        removed_24h_low=None,
        removed_24h_high=None,
        removed_or_moved_24h=None,
        episodes=1,
        unknown=0,
        rank_class="ranked",
    )


def test_a_perfect_measurement_scores_full(truth: Truth) -> None:
    """When everything true was measured, precision and recall are 1 and nothing is off."""
    rows = [_row(key, 2, share.share) for key, share in truth.removal.items()]
    card = compare(
        truth,
        hops=[_hop(h) for h in truth.hops],
        episodes=[_episode(e, truth) for e in truth.episodes],
        rows=rows,
        url_id=_id,
    )
    assert (card.hop_precision, card.hop_recall, card.hop_recall_all) == (1.0, 1.0, 1.0)
    assert (card.left_covered, card.arrived_covered, card.order_wrong) == (1.0, 1.0, 0)
    assert (card.episode_precision, card.ends_covered) == (1.0, 1.0)
    assert (card.removal_most_off, card.removal_mean_off) == (0.0, 0.0)
    assert all(score.found == score.true for score in card.by_kind.values())
    assert card.top_place_agrees is None


def test_intervals_are_held_against_how_hosters_work(truth: Truth) -> None:
    """An interval holds the expected share, not what happened; one that hides from us should have none."""
    true = dict(truth.removal)
    held, missed, hider, *_ = true
    world = truth.world
    hosters = tuple(
        msgspec.structs.replace(one, blind_to=("first",), blind_after_looks=8) if one.key == hider else one
        for one in world.hoster
    )
    truth = replace(
        truth,
        world=msgspec.structs.replace(world, hoster=hosters),
        removal={key: replace(true[key], share=0.9, expected=0.5) for key in (held, missed, hider)},
    )
    rows = [
        replace(_row(held, 1, 0.6), removed_24h_low=0.4, removed_24h_high=0.7),
        replace(_row(missed, 2, 0.8), removed_24h_low=0.7, removed_24h_high=0.95),
        replace(_row(hider, 3, None), rank_class="views differ"),
    ]

    def card(rows: list[RankingRow]) -> tuple[int, int, int, int]:
        found = compare(truth, hops=[], episodes=[], rows=rows, url_id=_id)
        return found.intervals, found.intervals_hold, found.hiding, found.hiding_told

    assert card(rows) == (2, 1, 1, 0)
    fooled = replace(_row(hider, 3, 0.99), removed_24h_low=0.3, removed_24h_high=1.0)
    assert card([*rows[:2], fooled]) == (2, 1, 1, 1)


def test_only_detectable_hops_are_asked_for(truth: Truth) -> None:
    """Finding exactly the detectable hops is full recall, though not of all true ones."""
    found = [_hop(h) for h in truth.hops if h.detectable and not h.masked]
    card = compare(truth, hops=found, episodes=[], rows=[], url_id=_id)
    assert (card.hop_precision, card.hop_recall) == (1.0, 1.0)
    assert card.hop_recall_all == len(found) / len(truth.hops)
    assert card.hop_recall_all < 1


@pytest.mark.parametrize(
    "change", [{"to_hoster": "nobody"}, {"from_hoster": "nobody"}, {"to_url_id": "x"}, {"from_url_id": "x"}]
)
def test_wrong_ends_are_no_match(truth: Truth, change: dict[str, str]) -> None:
    """A hop to or from the wrong place, or of other content, is false."""
    wrong = replace(_hop(truth.hops[0]), **change)
    card = compare(truth, hops=[wrong], episodes=[], rows=[], url_id=_id)
    assert (card.hops_found, card.hop_precision) == (0, 0.0)


def test_a_hop_counts_once(truth: Truth) -> None:
    """The same hop measured twice is right once."""
    twice = [_hop(truth.hops[0])] * 2
    assert compare(truth, hops=twice, episodes=[], rows=[], url_id=_id).hop_precision == 0.5


def test_wrong_order_and_times_show(truth: Truth) -> None:
    """A parallel hop called sequential, with an interval that misses, is found and marked."""
    true = next(h for h in truth.hops if h.parallel)
    measured = replace(_hop(true), order="sequential", left_after=true.left + _HOUR, left_before=true.left + 2 * _HOUR)
    card = compare(truth, hops=[measured], episodes=[], rows=[], url_id=_id)
    assert (card.hops_found, card.order_wrong, card.left_covered) == (1, 1, 0.0)


def test_removal_differences_are_absolute(truth: Truth) -> None:
    """Shares are compared hoster by hoster; hosters without a measured share differ by nothing."""
    true = truth.removal["polder"].share
    rows = [_row("polder", 1, true - 0.1), _row("fjord", 2, None), _row("stranger", 3, 0.5)]
    card = compare(truth, hops=[], episodes=[], rows=rows, url_id=_id)
    assert [(score.hoster, score.measured) for score in card.removal] == [("polder", true - 0.1), ("fjord", None)]
    assert card.removal_most_off == card.removal_mean_off == pytest.approx(0.1)


def test_first_place_is_the_most_hosts(truth: Truth) -> None:
    """The first place agrees for the hoster with the most reported hosts, and for no other."""
    verdicts = {
        hoster.key: compare(truth, hops=[], episodes=[], rows=[_row(hoster.key, 1, None)], url_id=_id).top_place_agrees
        for hoster in truth.world.hoster
    }
    assert sum(bool(agrees) for agrees in verdicts.values()) == 1
    assert not verdicts["veil"]


def test_nothing_measured_is_no_number(truth: Truth) -> None:
    """Without measurements there is no precision, and no share is invented."""
    card = compare(truth, hops=[], episodes=[], rows=[], url_id=_id)
    assert card.hop_precision is card.episode_precision is card.removal_most_off is card.top_place_agrees is None
    assert card.hop_recall == 0.0
