"""Rows whose share changed: class, both shares, dates, places, norm, totals, and dates of declared events."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.measures.constancy import Changed, change_message, changed, constancy_test, parts
from waterbed.measures.labels import Labels
from waterbed.measures.ranking import rank
from waterbed.measures.speed_ranks import speed_places
from waterbed.measures.takedown import clocks, episodes_by_key
from waterbed.measures.totals import over_all_reports, weighing
from waterbed.model.formatter import OWN

from .episodes import START, appearance, episode, hours

DAYS = 40


def series(key, share_at, *, n=120, days=DAYS, seed=0):
    """URLs of one hoster, reported one after the other; `share_at` is the chance of a removal at each time, 0..1."""
    rng = np.random.default_rng([seed, *key.encode()])
    found, ends = [], []
    for number, at in enumerate(np.sort(rng.uniform(0, 24 * days, n))):
        name = f"{key}-{number}"
        quick = rng.random() < share_at(at / (24 * days))
        found.append(appearance(name, key))
        removed = (2, 3, "removed") if quick else (90, None)
        ends.append(episode(name, *removed, hoster=key, at=float(at), countries=("NL",)))
    return found, ends


def step(before, since, at=0.5):
    return lambda when: before if when < at else since


def ranked(*worlds, by="hoster", splits=True, **options):
    seen = [one for found, _ in worlds for one in found]
    ends = [one for _, own in worlds for one in own]
    until = hours(24 * DAYS + 100)
    if by == "country":
        seen = [replace(one, keys=("NL",)) for one in seen]
    rows = rank(seen, ends, by=by, names={}, until=until, splits=splits, **options)
    return rows, ends, until


def by_key(rows):
    return {row.key: row for row in rows}


def placed(*worlds, **options):
    rows, ends, until = ranked(*worlds)
    groups = episodes_by_key(ends, "hoster")
    made = speed_places(rows, groups, {}, until=until, rng=np.random.default_rng(1), resamples=300, worst=1, **options)
    return by_key(rows), by_key(made)


def test_a_share_that_changed_is_given_before_and_since():
    """Nothing, then nearly all: class changed, both shares with intervals, dates around the true one, p and words."""
    rows = by_key(ranked(series("acme", step(0.0, 0.95)), series("beta", step(0.5, 0.5)))[0])
    row = rows["acme"]
    assert row.rank_class == "changed"
    assert row.removed_24h_before == 0.0
    assert row.removed_24h > 0.85
    assert row.removed_24h_before_high < 0.3
    assert row.removed_24h_low > 0.6
    assert row.changed_after < START + timedelta(days=DAYS / 2) <= row.changed_before
    assert row.changed_before - row.changed_after < timedelta(days=8)
    assert 0.3 < row.removed_24h_overall < 0.7
    assert row.constancy_p < 0.001
    words = OWN.text(change_message(row))
    assert words.startswith(
        f"changed between {row.changed_after:%Y-%m-%d} and {row.changed_before:%Y-%m-%d}: 0% (0% to"
    )
    assert words.endswith("since")
    other = rows["beta"]
    assert (other.rank_class, other.changed_after, other.removed_24h_before, OWN.text(change_message(other))) == (
        "ranked",
        None,
        None,
        "",
    )
    assert other.constancy_p > 0.05


def test_place_and_norm_go_by_the_reports_since_the_change():
    """Who improved is not below the norm and among the quick; who got worse is below it, whatever it did before."""
    rows, places = placed(
        series("better", step(0.0, 0.95)), series("worse", step(0.95, 0.05)), series("middle", step(0.5, 0.5))
    )
    assert {key: row.rank_class for key, row in rows.items()} == {
        "better": "changed",
        "worse": "changed",
        "middle": "ranked",
    }
    assert {key: row.below_norm for key, row in places.items()} == {"better": False, "worse": True, "middle": False}
    assert places["worse"].place_high < places["middle"].place_low
    assert places["middle"].place_high < places["better"].place_low
    assert places["better"].removed_24h == rows["better"].removed_24h


def test_a_gradual_change_counts_with_both_halves():
    """A trend has no date; its place spans both halves, and it is below the norm only if both are."""
    rows, places = placed(
        series("trend", lambda when: 1 / (1 + np.exp(-7 * (when - 0.5))), n=200),
        series("slow", lambda when: 0.3 / (1 + np.exp(-16 * (when - 0.5))), n=400),
        series("middle", step(0.5, 0.5)),
    )
    row = rows["trend"]
    assert (row.rank_class, row.changed_after, row.changed_before) == ("changed", None, None)
    assert row.removed_24h_before < 0.35
    assert row.removed_24h > 0.65
    assert OWN.text(change_message(row)).startswith("changed, perhaps gradually: ")
    place = places["trend"]
    assert place.removed_24h is None
    assert place.removed_24h_worst < 0.35
    assert place.removed_24h_best > 0.65
    assert (place.place_low <= 2, place.place_high) == (True, 3)
    assert not place.below_norm
    assert places["slow"].below_norm


def test_rows_that_stand_for_no_company_go_on_and_say_so():
    """A country's share holds both parts and is marked; its class, interval and share are those without the test."""
    world = series("acme", step(0.0, 0.95))
    (row,) = ranked(world, by="country", splits=False)[0]
    assert (row.rank_class, row.spans_change, row.changed_after) == ("ranked", True, None)
    split = by_key(ranked(world)[0])["acme"]
    assert (row.removed_24h, row.removed_24h_worst) == (split.removed_24h_overall, split.removed_24h_overall_worst)
    assert not split.spans_change
    brief = by_key(ranked(world, brief=True)[0])["acme"]
    assert (brief.rank_class, brief.removed_24h, brief.constancy_p) == ("ranked", row.removed_24h, None)


def test_totals_go_on_over_a_change():
    """The share by hoster and by content is that of rows that are not split, and it counts the changed ones."""
    worlds = series("acme", step(0.0, 0.95)), series("beta", step(0.6, 0.6)), series("gamma", step(0.3, 0.3))
    split, whole = (weighing(ranked(*worlds, splits=splits)[0]) for splits in (True, False))
    assert (split.changed, whole.changed) == (1, 0)
    assert replace(split, changed=0) == whole


def test_an_event_splits_only_the_row_of_its_target():
    """Eighteen days are too few to look for a date; one that was declared is tested, at its own row alone."""
    worlds = [series(key, step(0.05, 0.95), n=200, days=18) for key in ("acme", "beta")]
    date = hours(24 * 9)
    without, declared = (by_key(ranked(*worlds, dates=dates)[0]) for dates in ({}, {"acme": (date,)}))
    assert {row.rank_class for row in without.values()} == {"ranked"}
    assert declared["beta"] == without["beta"]
    row = declared["acme"]
    assert (row.rank_class, row.changed_after, row.changed_before) == ("changed", date - timedelta(days=1), date)
    assert row.removed_24h_before < 0.3
    assert row.removed_24h > 0.7
    wrong = by_key(ranked(*worlds, dates={"acme": (hours(24 * 200),)})[0])
    assert wrong == without
    (country,) = ranked(*worlds, by="country", splits=False, dates={"NL": (date,)})[0]
    assert country.rank_class == "changed"


def test_an_event_without_a_change_splits_nothing():
    """A company is not said to have changed because an event was declared."""
    split = 0
    for seed in range(12):
        world = series("acme", step(0.5, 0.5), seed=seed)
        (row,) = ranked(world, dates={"acme": (hours(24 * 20),)})[0]
        split += row.rank_class == "changed"
    assert split == 0


def test_reports_first_found_down_show_no_change():
    """A feed of URLs that nobody but it ever saw up begins half-way: the hoster has not changed."""
    found, ends = series("acme", step(0.1, 0.1), n=150)
    fake = [
        replace(one, hoster="acme", hosters=("acme",), first_up=None, last_up=one.reported_at)
        for one in series("fake", step(1.0, 1.0), n=100)[1]
        if one.reported_at > hours(24 * DAYS / 2)
    ]
    seen = [*found, *(appearance(one.url_id.removeprefix("u"), "acme") for one in fake)]
    rows = rank(seen, [*ends, *fake], by="hoster", names={}, until=hours(24 * DAYS + 100), splits=True)
    assert rows[0].first_down == len(fake) > 30
    assert rows[0].rank_class == "ranked"


def test_few_of_many_constant_hosters_are_said_to_have_changed():
    """Of forty hosters with one share each none is named, or hardly ever."""
    worlds = [series(f"k{n}", step(share, share), n=60) for n, share in enumerate(np.linspace(0.05, 0.95, 40))]
    rows = ranked(*worlds)[0]
    assert all(row.constancy_p is not None for row in rows)
    assert sum(row.rank_class == "changed" for row in rows) == 0


def test_the_rule_allows_for_all_rows_and_for_each():
    """Benjamini and Hochberg over all tests, and a p of a hundredth at most for each."""
    assert changed({}) == set()
    assert changed({"a": Changed(p=0.009)}) == {"a"}
    assert changed({"a": Changed(p=0.02)}) == set()
    many = {f"k{n}": Changed(p=0.5) for n in range(20)}
    assert changed(many | {"a": Changed(p=0.009)}) == set()
    assert changed(many | {"a": Changed(p=0.001)}) == {"a"}


@settings(max_examples=30, deadline=None)
@given(after=st.integers(0, 40), length=st.integers(0, 20), n=st.integers(1, 60))
def test_parts_are_apart_and_in_order(after, length, n):
    """Each clock is before, since, or between; without a date it is before or since the middle one."""
    group = clocks([episode(k, 2, 3, "removed", at=24.0 * k / 2) for k in range(n)])
    early, late = parts(group, group[:3], hours(24 * after), hours(24 * (after + length)))
    if length:
        assert not set(map(id, early.clocks)) & set(map(id, late.clocks))
    assert all(one.origin <= hours(24 * after) for one in (*early.clocks, *early.hidden))
    assert all(one.origin >= hours(24 * (after + length)) for one in (*late.clocks, *late.hidden))
    early, late = parts(group, group[:3], None, None)
    assert [*early.clocks, *late.clocks] == group
    assert len(late.clocks) - len(early.clocks) in (0, 1)
    assert len(early.hidden) + len(late.hidden) == len(group[:3])


def test_a_change_between_two_reports_allows_for_what_was_up_then():
    """The date ends a day after the last report that may lie before it: that URL may have gone by the new process."""
    _, ends = series("acme", step(0.0, 1.0), n=300)
    found = constancy_test(clocks(ends), until=hours(24 * DAYS + 100))
    assert found.after <= hours(24 * DAYS / 2)
    assert found.before >= hours(24 * DAYS / 2 + 24)
    assert constancy_test([], until=hours(1)) is None


def test_rows_over_all_reports_are_those_that_were_not_split():
    """Of other classes they are the row itself."""
    rows = by_key(ranked(series("acme", step(0.0, 0.95)), series("beta", step(0.5, 0.5)))[0])
    assert over_all_reports(rows["beta"]) is rows["beta"]
    assert over_all_reports(rows["acme"]).removed_24h == pytest.approx(rows["acme"].removed_24h_overall)


@pytest.mark.parametrize(("days", "added"), [(180, 100), (90, 30)])
def test_a_fortnight_at_the_end_is_no_way_of_working(days, added):
    """Removals of its own in the last fortnight do not make a slow hoster look quicker since, nor take its name off."""
    rng = np.random.default_rng(days)
    slow = [(float(at), rng.random() < 0.05) for at in np.sort(rng.uniform(0, 24 * days, 3 * days))]
    own = [(float(at), True) for at in np.sort(rng.uniform(24 * (days - 14), 24 * days, added))]
    seen, ends = [], []
    for n, (at, quick) in enumerate([*slow, *own]):
        seen.append(appearance(n, "slow"))
        removed = (2, 3, "removed") if quick else (90, None)
        ends.append(episode(n, *removed, hoster="slow", at=at))
    until = hours(24 * days + 100)
    test = constancy_test(clocks(ends), until=until)
    assert test is not None
    assert test.p < 0.01
    (row,) = rank(seen, ends, by="hoster", names={}, until=until, splits=True)
    assert (row.rank_class, row.spans_change) == ("ranked", True)
    assert row.removed_24h < 0.25


def test_customers_who_come_one_after_the_other_are_no_change():
    """Each has an address and is decided once: a hoster that kept one way of working is not said to change."""
    rng, found = np.random.default_rng(7), {"labels": 0, "none": 0}
    for _ in range(40):
        decided = rng.random(4) < 0.5
        ends = []
        for n, at in enumerate(np.sort(rng.uniform(0, 24 * 120, 240))):
            of = int(at // (24 * 30))
            quick = bool(decided[of])
            ends.append(
                episode(
                    n, *((2, 3) if quick else (90, None)), "removed", at=float(at), addresses=(f"192.0.2.{8 * of}",)
                )
            )
        until = hours(24 * 120 + 100)
        for name, labels in (("labels", Labels()), ("none", None)):
            test = constancy_test(clocks(ends, labels), until=until)
            found[name] += test is not None and test.p <= 0.01
    assert found["labels"] <= 1
    assert found["none"] >= 10


@pytest.mark.parametrize("share", [0.05, 0.95])
def test_reports_since_must_span_time_whoever_sends_none_afterwards(share):
    """Twelve days of another share are no new way of working, though the study goes on without reports."""
    rng = np.random.default_rng(11)
    seen, ends = [], []
    for n, at in enumerate(np.sort([*rng.uniform(0, 24 * 140, 300), *rng.uniform(24 * 141, 24 * 153, 60)])):
        quick = rng.random() < (share if at > 24 * 140.5 else 1 - share)
        seen.append(appearance(n, "k"))
        ends.append(episode(n, *((2, 3, "removed") if quick else (90, None)), hoster="k", at=float(at)))
    (row,) = rank(seen, ends, by="hoster", names={}, until=hours(24 * 190), splits=True)
    assert (row.rank_class, row.spans_change) == ("ranked", True)


@pytest.mark.parametrize("added", [8, 30])
def test_a_day_of_false_reports_hides_no_change(added):
    """What nobody but the report saw up makes no stretch of its own."""
    found = 0
    for seed in range(6):
        rng = np.random.default_rng(seed)
        ends = [
            episode(
                n, *((2, 3) if rng.random() < (0.1 if at < 24 * 90 else 0.9) else (90, None)), "removed", at=float(at)
            )
            for n, at in enumerate(np.sort(rng.uniform(0, 24 * 180, 400)))
        ]
        ends += [
            replace(episode(f"f{n}", 0, 1, "removed", at=24.0 * 130 + n / 10), first_up=None) for n in range(added)
        ]
        test = constancy_test(clocks(ends), until=hours(24 * 190))
        found += test is not None and test.p <= 0.01
    assert found >= 4
