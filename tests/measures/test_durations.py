"""When half was gone, and how sure that is."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.estimators.survival.incidence import share_interval
from waterbed.measures.clocks import running_clocks
from waterbed.measures.durations import duration, half_gone, mean_hours
from waterbed.measures.takedown import CAUSES, REMOVED, Clock, clocks, incidence, last_known, worth_within
from waterbed.model.takedown import TakedownClock

from .episodes import episode, hours, spread


def group(ends, *, sites=None):
    """One clock for each end: gone in the hour before it, or still up after 80 h."""
    causes = ("removed", "moved", "name")
    return clocks(
        spread(
            [
                episode(n, end - 1 if end else 80, end, causes[n % 3], site_id=f"s{n % sites if sites else n}")
                for n, end in enumerate(ends)
            ]
        )
    )


def median_of(own):
    """The median, if the measurement ends where the last clock does."""
    return half_gone(own, until=last_known(own))


def test_half_gone_is_read_off_all_causes_together():
    """Of 40 the twentieth went by hour 20, whatever the cause; the interval is where the share's holds one half."""
    found = median_of(group(range(1, 41)))
    assert found.hours == pytest.approx(20, abs=0.5)
    worth = worth_within(group(range(1, 41)), 20.0, range(len(CAUSES)), until=hours(600)).number
    assert worth < 40
    for end, side in ((found.low, 1), (found.high, 0)):
        assert share_interval(end / 40, worth)[side] == pytest.approx(0.5, abs=0.02)


def test_no_number_of_clocks_tells_what_lies_between_two_looks():
    """Two thousand clocks looked at every four hours leave open where in the hours around the median half had gone."""
    rng = np.random.default_rng(3)
    ends = rng.exponential(8.0, 2_000)
    steps = np.cumsum(rng.uniform(3.8, 4.2, (2_000, 30)), axis=1)
    number = (steps < ends[:, None]).sum(axis=1)
    right = steps[np.arange(2_000), number]
    left = np.where(number > 0, steps[np.arange(2_000), number - 1], 0.0)
    watched = [
        Clock(left_h=a, right_h=b, cause=REMOVED, site_id=f"s{n}", origin=hours(n / 4))
        for n, (a, b) in enumerate(zip(left.tolist(), right.tolist(), strict=True))
    ]
    found = median_of(watched)
    assert found.low <= 8.0 * np.log(2.0) <= found.high
    assert 3.5 < found.high - found.low < 5.0


def test_what_was_away_and_is_up_again_may_have_ended_then():
    """Content that still runs, and that was away for perhaps a day, lets half be gone as early as it was away."""
    plain = group([*range(2, 12), *[None] * 20])
    flapped = [replace(one, flap_left_h=3.0, flap_right_h=4.0) if one.cause < 0 else one for one in plain]
    one, other = median_of(plain), median_of(flapped)
    assert one.hours is other.hours is None
    assert other.low <= 4.0 < one.low


def test_what_goes_on_half_was_not_seen_to_go():
    """Of 30 five went: half is surely not gone by the end of the follow-up; of 30 with 14 gone that is not sure."""
    found = median_of(group([*range(1, 6), *[None] * 25]))
    assert (found.hours, found.high) == (None, None)
    assert found.low == 80
    unsure = median_of(group([*range(1, 15), *[None] * 16]))
    assert (unsure.hours, unsure.high) == (None, None)
    assert unsure.low < 20


def test_few_sites_have_no_median():
    """Nine sites are too few, however many clocks they have; so is nobody."""
    assert median_of(group(range(1, 41), sites=9)) is None
    assert half_gone([], until=hours(0)) is None


def test_clocks_of_a_site_that_agree_widen_the_interval():
    """Forty clocks of ten sites that go together say less than forty of forty."""
    alike = group([1 + n % 10 * 4 for n in range(40)], sites=10)
    apart = group([1 + n % 10 * 4 for n in range(40)])
    one, other = median_of(alike), median_of(apart)
    assert one.hours == pytest.approx(other.hours)
    assert one.high - one.low > 1.5 * (other.high - other.low)


@given(st.lists(st.sampled_from([2, 5, 9, 30, None]), min_size=10, max_size=40))
def test_the_interval_holds_the_median(ends):
    """Ends hold the median, and at the median the share gone is one half or jumps over it."""
    own = group(ends)
    found = median_of(own)
    if found is None:
        return
    assert found.high is None or found.low <= found.high
    if found.hours is None:
        assert found.high is None
        return
    assert found.low <= found.hours
    assert found.high is None or found.hours <= found.high
    gone = 1 - incidence(own).survival
    assert gone[int(np.floor(found.hours))] <= 0.5 + 1e-6
    assert gone[int(np.ceil(found.hours - 1e-9))] >= 0.5 - 1e-6


END = hours(480 + 200)
"""The end of the measurement of `late_clock`s."""


def late_clock(n, end, *, entered=0.0, until=200.0):
    """A clock seen each hour from its entry on, that ends at `end` or is followed to `until`."""
    gone, began = end < until, hours(n * 0.618034 % 1.0 * 480.0)
    return TakedownClock(
        url_id=f"u{n}",
        site_id=f"s{n}",
        key="acme",
        clock="notice_delivered",
        origin=began,
        known_up_at=began,
        entered_h=entered,
        left_h=max(entered, np.ceil(end) - 1) if gone else until,
        right_h=float(np.ceil(end)) if gone else None,
        cause="removed" if gone else None,
        timing="after",
        notice_id="n",
        batch=None,
        acknowledged_h=None,
        reminders_h=(),
        indirect_h=(),
        citizens_before=0,
        held_for_police=False,
    )


def test_the_mean_heeds_late_entry():
    """Of ends of mean 30 h half are in the data only if they outlast an entry: the mean within 72 h stays true."""
    rng = np.random.default_rng(3)
    ends = rng.exponential(30.0, 600)
    entered = np.where(rng.random(600) < 0.5, rng.uniform(1, 60, 600), 0.0)
    seen = [late_clock(n, e, entered=v) for n, (e, v) in enumerate(zip(ends, entered, strict=True)) if e > v]
    found = mean_hours(seen, 72.0)
    true = 30 * (1 - np.exp(-72 / 30))
    assert found.low < true < found.high
    assert np.mean([min(one.right_h or 72.0, 72.0) for one in seen]) > found.high
    told = duration(seen, within_h=72.0, until=END)
    assert (told.mean_h, told.late, told.clocks) == (
        found.estimate,
        sum(one.entered_h > 0 for one in seen),
        told.clocks,
    )
    assert told.median_low < 30 * np.log(2) < told.median_high


@pytest.mark.parametrize("seed", range(6))
def test_a_median_is_that_of_a_ranking_to_the_end_of_the_same_measurement(seed):
    """Clocks that were followed no longer count until the measurement's end: a sheet's median is its row's."""
    ends = np.random.default_rng(seed).exponential(20.0, 40) + 1.0
    own = [late_clock(n, end) for n, end in enumerate(ends)]
    for until in (END, END + timedelta(days=20)):
        row, told = half_gone(running_clocks(own), until=until), duration(own, within_h=72.0, until=until)
        assert (told.median_h, told.median_low, told.median_high) == (row.hours, row.low, row.high)


def test_a_mean_needs_sites_from_the_start_and_the_whole_time():
    """Nine sites from the start, or a follow-up that stops before, give none."""
    early, late = [late_clock(n, 10.0) for n in range(9)], [late_clock(n, 50.0, entered=20.0) for n in range(9, 30)]
    assert mean_hours(early + late, 72.0) is None
    assert mean_hours([late_clock(n, 90.0, until=60.0) for n in range(20)], 72.0) is None
    assert mean_hours([], 72.0) is None
    assert mean_hours([late_clock(n, 9.5) for n in range(20)], 72.0).estimate == pytest.approx(9.5)


def test_hours_that_depend_on_the_day_widen_the_mean() -> None:
    """The same hours, in runs of days or mixed: the mean is the same, its interval wider where days differ."""
    hours_of = [10.0] * 60 + [50.0] * 60
    mixed = [replace(late_clock(n, hours_of[n * 7 % 120]), origin=hours(4.0 * n)) for n in range(120)]
    runs = [replace(late_clock(n, hours_of[n]), origin=hours(4.0 * n)) for n in range(120)]
    one, other = mean_hours(mixed, 72.0), mean_hours(runs, 72.0)
    assert one.estimate == pytest.approx(other.estimate)
    assert other.high - other.low > 2 * (one.high - one.low)
    assert mean_hours([replace(clock, origin=hours(0)) for clock in runs], 72.0) is None


def test_one_large_site_widens_median_and_mean() -> None:
    """Forty of 160 URLs that one site shares, gone at one time, tell less than forty of as many sites."""
    rng = np.random.default_rng(8)
    ends = np.append(np.full(40, 40.0), rng.exponential(30.0, 120))
    apart = [late_clock(n, ends[n]) for n in range(160)]
    together = [replace(one, site_id="one" if n < 40 else one.site_id) for n, one in enumerate(apart)]
    few, many = duration(together, within_h=72.0, until=END), duration(apart, within_h=72.0, until=END)
    assert (few.median_h, few.mean_h) == (many.median_h, many.mean_h)
    assert few.median_high - few.median_low > 1.3 * (many.median_high - many.median_low)
    assert few.mean_high - few.mean_low > 1.5 * (many.mean_high - many.mean_low)


def test_removals_that_were_not_confirmed_lower_the_lower_ends_alone() -> None:
    """A third were away at 4 h for less than a confirmation takes: median and mean stay, and may be earlier."""
    rng = np.random.default_rng(9)
    plain = [late_clock(n, end) for n, end in enumerate(20.0 + rng.exponential(20.0, 90))]
    flapped = [replace(one, flap_left_h=3.0, flap_right_h=4.0) if n % 3 == 0 else one for n, one in enumerate(plain)]
    one, other = duration(plain, within_h=72.0, until=END), duration(flapped, within_h=72.0, until=END)
    assert (one.median_h, one.median_high, one.mean_h, one.mean_high) == (
        other.median_h,
        other.median_high,
        other.mean_h,
        other.mean_high,
    )
    assert other.median_low < one.median_low
    assert other.mean_low < one.mean_low


def test_no_mean_over_hours_in_which_nobody_was_under_study():
    """From hour 10 to 40 no clock was under study: curves as likely have other means within 72 h, and none is told."""
    early = [late_clock(n, 5.0 if n % 4 == 0 else 900.0, until=10.0) for n in range(16)]
    late = [late_clock(n, 52.0 if n % 2 else 900.0, entered=40.0, until=100.0) for n in range(16, 40)]
    assert mean_hours([*early, *late], 72.0) is None
    assert mean_hours([*early, *late], 10.0) is not None


@pytest.mark.parametrize("apart", [1.0, 3.0])
def test_who_removes_all_at_one_age_has_a_median(apart):
    """Fourteen sites gone near hour 4: few are known at that hour itself, all soon after, and the median is told."""
    rng = np.random.default_rng(1)
    ends = 4.0 + rng.uniform(-0.2, 0.2, 14)
    left = np.maximum(0.0, ends - rng.uniform(0.0, apart, 14))
    seen = [
        Clock(left_h=a, right_h=a + apart, cause=REMOVED, site_id=f"s{n}", origin=hours(48.0 * n))
        for n, a in enumerate(left.tolist())
    ]
    found = half_gone(seen, until=hours(48.0 * 20))
    assert found.low <= 4.0 <= found.high < 4.5 + apart
    assert found.low <= found.hours <= found.high
