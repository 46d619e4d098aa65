"""Controls that receive the target's content are left out; where none is left, what is compared is refused."""

from dataclasses import replace

import numpy as np
import pytest

from tests.graphs.displacement.movements import DAY_H, day, event, gain, movements, series, world
from tests.model.said import said
from waterbed.estimators.reappearance import Excess
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.wdd import Windows, clustered_difference
from waterbed.graphs.displacement.areas import balance
from waterbed.graphs.displacement.movements import Gain
from waterbed.graphs.displacement.receivers import receivers, without
from waterbed.graphs.displacement.returns import excess_after
from waterbed.graphs.displacement.series import Series
from waterbed.graphs.displacement.time_series import TimeSeries


def arrivals(place: str, first: float, count: int, number: int, *, left: str | None = None) -> list[Gain]:
    """One site an hour from a day on, each of its own, that came up or came from a place."""
    changes = {"left": left, "order": "unknown", "first_ever": False} if left else {}
    return [gain(place, first * DAY_H + n, number + n, **changes) for n in range(count)]


def two(*gains: list[Gain]) -> Series:
    """Controls c0 and c1: twenty sites each come up in the 20 days before the event, 7 are to be expected after it."""
    own = [one for number, place in enumerate(("t", "c0", "c1")) for one in arrivals(place, 141, 20, number * 100)]
    every = [*own, *(one for group in gains for one in group)]
    return series(movements(every), controls=("c0", "c1"), buffer=(), buffer_controls=())


def test_hops_beyond_those_before_are_set_against_what_arrives_anyway() -> None:
    """Seven a window come up by themselves: two that came from the target are 2 of 9, and no more than a fifth is 1."""
    assert receivers(two(arrivals("c0", 161, 1, 1000, left="t"))) == []
    (one,) = receivers(two(arrivals("c0", 161, 2, 1000, left="t")))
    assert (one.place, one.came, one.expected, one.usual) == ("c0", 2, 0.0, 7.0)
    assert one.share == pytest.approx(2 / 9)
    assert said(one.words("Polder", 0.2, left_out=True)) == (
        "A control received the target's content after the event (Polder): 2 sites, 0 to be expected by those before. "
        "That is 22% of what arrives there, more than 20% (most_contaminated); it is left out."
    )


def test_mirrors_that_came_before_as_often_fill_no_control() -> None:
    """Twenty in 20 days before make 7 in 7 days after no news; content of other places is none of it."""
    before = arrivals("c0", 142, 20, 1000, left="t")
    assert receivers(two(before, arrivals("c0", 161, 8, 2000, left="t"))) == []
    assert receivers(two(arrivals("c0", 161, 30, 1000, left="c1"))) == []


def test_a_controls_own_course_after_the_event_decides_nothing() -> None:
    """With nothing of its own after the event, or ten times as much, it received the same."""
    came = arrivals("c0", 161, 2, 1000, left="t")
    more = receivers(two(came, arrivals("c0", 161, 70, 3000)))
    assert more == receivers(two(came))


def test_sites_count_once() -> None:
    """Many URLs of one site are one decision of one owner."""
    same = [replace(one, cluster=1000) for one in arrivals("c0", 161, 30, 1000, left="t")]
    assert receivers(two(same)) == []


def test_a_group_keeps_what_did_not_receive_or_all() -> None:
    """One of two is left out of each group; both stay where both received."""
    asked = event(controls=("c0", "c1"))
    assert without(asked, ["c0", "d2"]).controls == ("c1",)
    assert without(asked, ["c0", "d2"]).buffer_controls == ("d1",)
    assert without(asked, ["c0", "c1"]) == asked


def test_where_all_received_what_is_compared_is_refused() -> None:
    """Series and areas have a reason; the excess is measured against content at the target alone."""
    full = replace(series(world(5, fall=1 / 3, moved=1.0, to="c0"), controls=("c0",)), received=["c0"])
    reason = "all of the controls received the target's content after the event, more than 20% of what arrives there"
    assert isinstance(own := TimeSeries(series=full, reading="not parallel").own, Refusal)
    assert reason in said(own)
    assert all(reason in said(one.refusal) for one in balance(full, "not parallel"))
    assert all(isinstance(one, Excess | Refusal) for one in excess_after(full).values())
    buffers = replace(series(world(5)), received=["d1", "d2"])
    assert all("the buffer's controls received" in said(one.refusal) for one in balance(buffers, "not parallel"))
    assert not isinstance(TimeSeries(series=buffers, reading="not parallel").own, Refusal)


def test_leaving_controls_out_by_what_they_received_makes_no_effect() -> None:
    """Of 300 studies with mirrors but no effect, WDD rejects in about 5% after receivers are left out, as before it."""
    rng, rejected, left = np.random.default_rng(35), 0, 0
    for _ in range(300):
        every = list[Gain]()
        for number, place in enumerate(("t", "c0", "c1", "c2")):
            for when in np.sort(rng.uniform(140, 167, rng.poisson(60))):
                one = gain(place, when * DAY_H, len(every) + 10_000 * number)
                mirror = place != "t" and rng.random() < 0.15
                every.append(replace(one, left="t", order="unknown", first_ever=False) if mirror else one)
        plain = series(movements(every), controls=("c0", "c1", "c2"), buffer=(), buffer_controls=())
        filled = [one.place for one in receivers(plain)]
        left += bool(filled)
        kept = replace(plain, event=without(plain.event, filled), received=filled)
        rows = list(kept.rows("not parallel"))
        counted = Windows(before=kept.before, after=kept.after, chosen_until=0.0).counted(
            [one.when for one in rows], [kept.area(one.place) for one in rows], range(len(rows)), roles=2
        )
        assert not isinstance(counted, Refusal)
        found = clustered_difference(counted, rng, lengths=(20.0, 7.0), resamples=199)
        rejected += not isinstance(found, Refusal) and found.p <= 0.05
    assert left > 30
    assert rejected / 300 < 0.05 + 3 * (0.05 * 0.95 / 300) ** 0.5


def test_the_window_decides_what_counts() -> None:
    """What came in before the window or after it is not counted."""
    assert receivers(two(arrivals("c0", 120, 30, 1000, left="t"), arrivals("c0", 167, 30, 2000, left="t"))) == []
    assert day(167) == two().event.window[1]
