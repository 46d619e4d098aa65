"""Which takedowns of a target were followed elsewhere: each hop answers one, and what stays there left nothing."""

from dataclasses import replace
from math import inf
from typing import Any

import numpy as np

from tests.graphs.displacement.movements import DAY_H, event, gain, movements, series, spell, world
from tests.graphs.displacement.test_takedowns import ABROAD, EPISODE, HOP, HOUR, NO, SAME, START, UNKNOWN
from waterbed.estimators.own_past import Compared
from waterbed.estimators.reappearance import Excess
from waterbed.graphs.displacement.movements import READINGS, Movements, moved_within_hosters
from waterbed.graphs.displacement.own import SINCE, own_after, own_answers
from waterbed.graphs.displacement.returns import _after, excess_after, followed
from waterbed.graphs.displacement.sequence import LATER, PAST
from waterbed.graphs.displacement.takedowns import Takedown, detection_by_way
from waterbed.model.conclusions import Episode, Hop

COPY = replace(
    EPISODE,
    url_id="b",
    hoster="new",
    hosters=("new",),
    countries=("FR",),
    absent_at=START + 11 * HOUR,
    known_up_at=START + 20 * HOUR,
    first_up=START + 20 * HOUR,
    last_up=START + 90 * HOUR,
    first_down=None,
    cause=None,
)
AGAIN = replace(
    EPISODE,
    known_up_at=START + 12 * HOUR,
    first_up=START + 12 * HOUR,
    last_up=START + 30 * HOUR,
    first_down=START + 31 * HOUR,
)


def _followed(episodes: list[Episode], hops: list[Hop], *, told: str = "ab", **changes: Any) -> list[Takedown]:
    plain: dict[str, Any] = {"target": "old", "controls": ("third",), "buffer": (), "buffer_controls": ()}
    asked = event(**{**plain, "date": START, "chosen_until": START, "horizon_h": 24.0, **changes})
    within = moved_within_hosters(episodes, asked.kind, asked.places, home="NL", seats={})
    known = replace(
        movements([]),
        until=START + 100 * HOUR,
        sources_of={url_id: frozenset({"hotline"}) for url_id in told},
        moves=hops if asked.kind == "hoster" else [*within, *hops],
    )
    return followed(asked, known, episodes, home="NL", seats={})


def test_a_hop_answers_one_takedown() -> None:
    """Content that ended twice at the target and moved once was displaced once, after the end that it answers."""
    first, second = _followed([EPISODE, AGAIN, COPY], [HOP])
    assert (first.certain, second.certain, second.possible) == (ABROAD, NO, NO)


def test_what_moves_within_the_target_did_not_leave_it() -> None:
    """Between hosters of one country content went nowhere, where the target is that country."""
    places = {"target": "NL", "controls": ("DE",)}
    assert [one.certain for one in _followed([EPISODE, COPY], [HOP], **places)] == [ABROAD]
    stayed = replace(COPY, countries=("NL",))
    within = replace(HOP, to_countries=("NL",))
    assert [one.possible for one in _followed([EPISODE, stayed], [within], **places)] == [NO]


def test_what_came_up_at_an_unknown_place_may_have_moved() -> None:
    """Without a table of that day its country is not known: perhaps it left, and surely it did not."""
    places = {"target": "NL", "controls": ("DE",)}
    nowhere, hop = replace(COPY, countries=()), replace(HOP, to_countries=())
    (found,) = _followed([EPISODE, nowhere], [hop], **places)
    assert (found.certain, found.possible) == (NO, UNKNOWN)
    (found,) = _followed([EPISODE, nowhere], [replace(hop, order="parallel")], **places)
    assert found.possible == NO


def test_what_no_table_knows_is_no_place_elsewhere() -> None:
    """Addresses without a hoster may be the target's own: the content may have left, and surely did not."""
    nowhere, hop = replace(COPY, hoster="unknown", hosters=()), replace(HOP, to_hoster="unknown")
    (found,) = _followed([EPISODE, nowhere], [hop])
    assert (found.certain, found.possible) == (NO, ABROAD)


def test_a_url_moves_between_the_places_of_one_hoster() -> None:
    """Gone in one country and back in another of the same hoster's, content left the country, and not the hoster."""
    back = replace(AGAIN, countries=("US",), absent_at=START + 11 * HOUR)
    (found,) = _followed([EPISODE, back], [], told="a", target="NL", controls=("DE",))
    assert found.certain == SAME
    assert [one.possible for one in _followed([EPISODE, back], [], told="a")] == [NO, NO]
    stayed = replace(back, countries=("NL",))
    assert [one.possible for one in _followed([EPISODE, stayed], [], target="NL", controls=("DE",))] == [NO, NO]


def test_what_may_have_ended_before_the_event_did_not_end_after_it() -> None:
    """Last seen up before, found gone afterwards: our own outage may lie between."""
    asked = {"date": START + 9.5 * HOUR, "chosen_until": START}
    assert _followed([EPISODE, COPY], [HOP], **asked) == []
    gone = spell("t", 158 * DAY_H, 1, gone=161 * DAY_H)
    units = [replace(gone, content_id=f"content{n}", cluster=n, last_up=(159 + n) * DAY_H) for n in range(2)]
    for reading in READINGS:
        after = _after(series(movements([], units)), reading)
        assert [one.cluster for one in after.spells] == [1]


def test_an_unknown_side_has_the_detection_of_either() -> None:
    """Of arrivals at an unknown side as many may be missed as on the side that is seen worst, or best."""
    assert detection_by_way((0.9, 0.95), (0.3, 0.4)) == [(1.0, 1.0), (0.9, 0.95), (0.3, 0.4), (0.3, 0.95)]


def test_what_was_not_asked_for_is_neither_taken_down_nor_followed() -> None:
    """URLs of other categories or sources count at neither end, nor do takedowns before the event or too late."""
    assert [one.possible for one in _followed([EPISODE, COPY], [HOP], told="a")] == [NO]
    assert _followed([EPISODE, COPY], [HOP], told="b") == []
    assert _followed([EPISODE, COPY], [HOP], date=START + 11 * HOUR, chosen_until=START) == []
    assert _followed([EPISODE, COPY], [HOP], horizon_h=91.0) == []
    assert _followed([replace(EPISODE, proxy=True), COPY], [HOP]) == []


def _moving(seed: int) -> Movements:
    """Owners move content at a constant rate, whether it was taken down or not."""
    rng, end, days = np.random.default_rng(seed), 180 * DAY_H, 24.0
    gains, spells = [], []
    for n in range(400):
        began = rng.uniform(150, 166) * DAY_H
        moves, ends = began + rng.exponential(1 / 0.15) * days, began + rng.exponential(4) * days
        gains.append(gain("t", began, n))
        gone = min(moves, ends)
        kept = replace(spell("t", began, n, gone=gone if gone < end else inf), taken_down=ends < moves and ends < end)
        spells.append(kept)
        if moves < end:
            other = {"url_id": f"new{n}", "site_id": f"new{n}", "first_ever": False, "absent": moves}
            gains.append(gain("b", moves + 0.25, n, left="t", left_at=gone, order="sequential", **other))
    return movements(gains, spells)


def test_content_that_moves_anyway_does_not_come_back_more_often() -> None:
    """Where an end changes nothing, few studies of many see more arrivals after it."""
    rejected = 0
    for seed in range(8):
        found = excess_after(series(_moving(seed), after=14, before=20), resamples=199)["not parallel"]
        assert isinstance(found, Excess)
        rejected += found.p <= 0.05
    assert rejected <= 2


def test_its_own_past_and_later_show_what_an_event_moved() -> None:
    """60% of what was taken down moved: more than before at that age, than later, and than before since first seen."""
    found = own_after(series(world(5, moved=0.6), horizon_h=72.0), resamples=199)
    assert list(found) == [PAST, LATER, SINCE]
    for one in found.values():
        assert isinstance(one, Compared)
        assert one.excess > 0.2
        assert one.low > 0
    answers = list(own_answers(found, 72.0))
    assert [one.name for one in answers] == list(found)
    assert all(one.refusal is None and one.n > 0 for one in answers)


def test_what_an_end_does_not_move_exceeds_neither_its_own_past_nor_later() -> None:
    """Where owners move content at a constant rate, few studies of many show more of it in all comparisons."""
    shown = []
    for seed in range(12):
        found = own_after(series(_moving(seed), after=10, before=20, horizon_h=48.0), resamples=199)
        shown.append(all(isinstance(found[name], Compared) and found[name].p <= 0.05 for name in (PAST, LATER)))  # type: ignore[union-attr]
    assert sum(shown) <= 1


def test_without_content_there_is_nothing_to_compare() -> None:
    """A target of which no content is known has a reason in each comparison."""
    found = own_after(series(movements([gain("c1", 1.0, 1)], [spell("c1", 1.0, 1)])))
    assert all(one.refusal is not None for one in own_answers(found, 24.0))
    assert len(found) == 3
