"""The effect of notices in time, on worlds with a known one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from waterbed.measures.notices.effect import notice_effects
from waterbed.model.takedown import AddressedNotice, TakedownClock

START = datetime(2026, 1, 1, tzinfo=UTC)
SAME = "the checks do not tell its effect from those of age, hoster and other notices"
LAST_H = 200.0
"""Hours for which a URL is followed."""


def world(seed, *, sites=120, told=1.0, reminded=1.0, kinds=False):
    """Clocks of hosters and the notices about each URL.

    URLs of a site are alike, hosters differ, looks are 2 to 8 hours apart. A notice multiplies the hazard by `told`, a
    reminder by `reminded`; notices are batched at random.
    """
    rng = np.random.default_rng(seed)
    groups, notices = {}, {}
    for site in range(sites):
        key, rate = f"h{site % 6}", 0.02 * np.exp(rng.normal(0, 0.5) + site % 6 / 12)
        for nth in range(1 + rng.poisson(1.5)):
            url, origin = f"{site}-{nth}", START + timedelta(hours=float(rng.uniform(0, 700)))
            first = float(rng.exponential(30))
            second = first + float(rng.exponential(40))
            end = ends(rng.exponential(), rate, ((first, told), (second, reminded)))
            gap = float(rng.uniform(2, 8))
            left = end // gap * gap
            running = left > LAST_H
            arrived = tuple(h for h in (first, second) if h < (LAST_H if running else left + gap))
            clock = TakedownClock(
                url_id=url,
                site_id=f"s{site}",
                key=key,
                clock="reported",
                origin=origin,
                known_up_at=origin,
                entered_h=0.0,
                left_h=LAST_H if running else left,
                right_h=None if running else left + gap,
                cause=None if running else "removed",
                timing="after",
                notice_id=None,
                batch=None,
                acknowledged_h=None,
                reminders_h=arrived,
                indirect_h=(),
                citizens_before=0,
                held_for_police=False,
            )
            groups.setdefault(key, []).append(clock)
            batch, kind = f"b{int(rng.integers(0, 30)) ** 2 // 20}", "legal_order" if kinds and site % 2 else "ntd"
            notices[url] = [notice(clock, hours, n > 0, batch, kind) for n, hours in enumerate(arrived)]
    return groups, notices


def ends(budget, rate, changes):
    """When a hazard that changes has used up so much."""
    since = 0.0
    for when, factor in changes:
        if budget < rate * (when - since):
            break
        budget, since, rate = budget - rate * (when - since), when, rate * factor
    return since + budget / rate


def notice(clock, hours, reminder, batch, kind):
    """One notice about a clock's URL."""
    at = clock.origin + timedelta(hours=hours)
    return AddressedNotice(
        notice_id=f"{clock.url_id} {hours}",
        url_id=clock.url_id,
        site_id=clock.site_id,
        kind=kind,
        sender="hotline",
        recipient=clock.key,
        hosters=(clock.key,),
        addressed="direct",
        role="hoster",
        look_h=0.0,
        sent_at=at,
        delivered_at=at,
        bounced=False,
        reminder=reminder,
        batch=batch,
        acknowledged_at=None,
        response=None,
        held_for_police=False,
    )


def effects(groups, notices):
    """The rows of the table."""
    return notice_effects(groups, notices, np.random.default_rng(1))


@pytest.mark.long
def test_intervals_hold_the_effects_of_notices_and_reminders():
    """In 40 worlds where a notice doubles the hazard, and 40 where it does nothing, about 95% of the intervals hold."""
    for told, reminded in ((2.0, 1.5), (1.0, 1.0)):
        found = [effects(*world(seed, told=told, reminded=reminded)) for seed in range(40)]
        for place, truth in enumerate((told, reminded, 1.0)):
            rows = [rows[place] for rows in found]
            assert sum(row.low <= truth <= row.high for row in rows) >= 34
            assert np.median([row.ratio for row in rows]) == pytest.approx(truth, rel=0.15)
    assert [row.what for row in found[0]] == [
        "a notice arrived",
        "a reminder arrived too",
        "for each doubling of its batch",
        "legal orders against other notices",
    ]


def test_rows_say_of_how_many_clocks_they_are():
    """Of all clocks those with a notice, of these those with a reminder; the rest has time before the change alone."""
    groups, notices = world(1)
    every = [clock for its in groups.values() for clock in its]
    notice, reminder, batch, _ = effects(groups, notices)
    assert notice.of_clocks == len(every)
    assert notice.clocks == sum(len(clock.reminders_h) > 0 for clock in every)
    assert (reminder.of_clocks, reminder.of_clusters) == (batch.of_clocks, batch.of_clusters)
    assert reminder.clocks < reminder.of_clocks <= notice.clocks < notice.of_clocks


def test_kinds_of_notices_are_compared_by_permuted_clusters():
    """Legal orders that act as others do are hardly ever found to differ; without batches that span both, all count."""
    ps = []
    for seed in range(30):
        groups, notices = world(seed, kinds=True)
        alone = {url: [replace(one, batch=None) for one in its] for url, its in notices.items()}
        ps.append(effects(groups, alone)[3].p)
    assert None not in ps
    assert sum(p < 0.05 for p in ps) <= 5


def test_what_the_data_cannot_tell_is_refused():
    """Without notices, without time before them, and with few sites there is a reason and no number."""
    groups, notices = world(1)
    assert all(row.refusal == "no clock runs from a report" for row in effects({}, {})[:3])
    silent = {key: [replace(clock, reminders_h=()) for clock in its] for key, its in groups.items()}
    assert {row.refusal for row in effects(silent, {})[:3]} == {"fewer than 10 clusters were followed after one did"}
    at_once = {key: [replace(clock, reminders_h=(0.0,)) for clock in its] for key, its in groups.items()}
    assert effects(at_once, notices)[0].refusal == "fewer than 10 clusters were followed before a notice arrived"
    few, about = world(1, sites=8)
    assert all(row.ratio is None and row.refusal for row in effects(few, about))


@pytest.mark.parametrize(
    ("side", "reason"),
    [
        ("after", "nothing was surely removed before a notice arrived: the ratio has no upper end"),
        ("before", "nothing was surely removed after one did: the ratio has no lower end"),
    ],
)
def test_a_ratio_without_an_end_is_refused(side, reason):
    """Where each removal before a notice may have come after it, or each after it before, no ratio is the likeliest."""
    groups, notices = world(1)
    held = {key: [straddling(clock, side) for clock in its] for key, its in groups.items()}
    row = effects(held, notices)[0]
    assert (row.ratio, row.low, row.high, row.p) == (None, None, None, None)
    assert row.refusal == reason


def straddling(clock, side):
    """The clock, its removal not surely on the other side of its notice; without one it is before any notice."""
    if clock.right_h is None or not clock.reminders_h:
        return replace(clock, right_h=None, cause=None) if side == "after" else clock
    arrived = clock.reminders_h[0]
    if side == "after":
        return replace(clock, left_h=min(clock.left_h, arrived), right_h=max(clock.right_h, arrived + 1.0))
    return replace(clock, left_h=0.0, right_h=arrived + 0.01)


def scarce(seed):
    """A world of few sites, of whose removals few are left, with notices that may do very much or nearly nothing."""
    rng = np.random.default_rng(1_000_000 + seed)
    sites, told, reminded = int(rng.integers(14, 60)), rng.normal(0, 2.5), rng.normal(0, 1.5)
    groups, notices = world(seed, sites=sites, told=float(np.exp(told)), reminded=float(np.exp(reminded)))
    part = rng.uniform(0.02, 0.5)
    return {key: [held(clock, part, rng) for clock in its] for key, its in groups.items()}, notices


def held(clock, part, rng):
    """The clock with its removal, or at random without."""
    gone = clock.right_h is not None and rng.uniform() <= part
    return clock if gone else replace(clock, right_h=None, cause=None)


def test_few_removals_give_an_interval_or_a_reason():
    """In the worlds that hardly have a likeliest ratio too: one is a long ridge, in one a single cluster decides."""
    found = {seed: effects(*scarce(seed))[:3] for seed in (130, 145, *range(20))}
    for row in [row for rows in found.values() for row in rows]:
        assert row.refusal or 0 < row.low <= row.ratio <= row.high < np.inf
    assert [row.refusal for row in found[130][:2]] == [
        SAME,
        "nothing was surely removed between a notice and a reminder: the ratio has no upper end",
    ]
    assert found[145][1].refusal.startswith("its clusters differ too much")
    assert sum(row.ratio is not None for rows in found.values() for row in rows) >= 20


def test_what_always_comes_at_one_age_is_refused():
    """The effect of notices that all arrive a day after the report is that of the age, or not: nothing tells."""
    groups, notices = world(1, sites=300)
    at_a_day = {
        key: [replace(clock, reminders_h=(24.0,) if (clock.right_h or LAST_H) > 24 else ()) for clock in its]
        for key, its in groups.items()
    }
    rows = effects(at_a_day, notices)
    assert rows[0].refusal == SAME


def test_one_site_that_holds_nearly_all_tells_nothing():
    """Three hundred clocks of one site beside fourteen others: an interval without an end is no number."""
    groups, notices = world(1, sites=40)
    clocks = [clock for its in groups.values() for clock in its]
    one = next(clock for clock in clocks if clock.reminders_h)
    many = [replace(one, url_id=f"{one.url_id}-{n}") for n in range(3_000)]
    about = notices | {clock.url_id: notices[one.url_id] for clock in many}
    rows = effects(groups | {"huge": many}, about)[:3]
    assert {row.ratio for row in rows} == {None}
    assert all(row.refusal and row.refusal.startswith("the largest clusters hold nearly all") for row in rows)
