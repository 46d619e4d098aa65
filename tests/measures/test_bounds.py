"""Worst and best case of a share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from waterbed.measures.clocks import running_clocks, takedown_clocks
from waterbed.measures.notices.compliance import compliance
from waterbed.measures.notices.returns import returns
from waterbed.measures.ranking import rank
from waterbed.measures.removal import removal
from waterbed.measures.takedown import clocks, outcomes

from .episodes import appearance, episode, hours
from .sent_notices import notice, told_of


def bounds(episodes, until=200):
    found = removal(clocks(episodes), until=hours(until))
    return None if found.worst is None else (found.worst, found.best)


def test_without_anything_out_of_sight_both_are_the_share():
    """Ten of twenty removed, ten followed to the end: nothing is open."""
    group = [episode(n, 2, 3, "removed") for n in range(10)] + [episode(n, 80, None) for n in range(10, 20)]
    share = removal(clocks(group), until=hours(200)).removed
    assert bounds(group) == pytest.approx((share, share))


def test_what_was_lost_from_sight_is_the_width():
    """Four of twenty were lost after 2 h: at worst none of them went, at best all did."""
    group = [episode(n, 2, 3, "removed") for n in range(10)]
    group += [episode(n, 2, None) for n in range(10, 14)] + [episode(n, 80, None) for n in range(14, 20)]
    assert bounds(group) == pytest.approx((0.5, 0.7))


def test_a_removal_seen_only_long_after_is_open_too():
    """Up at 2 h, next seen gone at 90 h: removed within a day or not."""
    group = [episode(n, 2, 90, "removed") for n in range(5)] + [episode(n, 80, None) for n in range(5, 20)]
    assert bounds(group) == pytest.approx((0.0, 0.25))


def test_other_ends_are_no_removal_in_either_case():
    """What moved did not stay, and was not removed."""
    group = [episode(n, 2, 90, "moved") for n in range(5)] + [episode(n, 80, None) for n in range(5, 20)]
    assert bounds(group) == pytest.approx((0.0, 0.0))


@pytest.mark.parametrize("gone_by", [3, 23, 24, 90])
def test_an_end_that_nobody_saw_at_this_hoster_is_open_too(gone_by):
    """Lost after 2 h where others alone answered: removed in the best case, whenever the URL was found gone."""
    group = [episode(n, 2, 3, "removed") for n in range(5)] + [episode(n, 80, None) for n in range(5, 15)]
    lost = [episode(n, 2, gone_by, "lost") for n in range(15, 20)]
    assert bounds(group + lost) == pytest.approx((0.25, 0.5))
    late = [episode(n, 30, 40, "lost") for n in range(15, 20)]
    assert bounds(group + late) == pytest.approx((0.25, 0.25)), "up for a day"
    told = outcomes(clocks(lost), 24.0, until=hours(200))
    assert {(surely, possibly) for _, surely, possibly in told} == {(False, True)}


def test_what_is_removed_at_one_hoster_and_lost_at_another_is_lost_to_both():
    """Their country is credited with a removal in the best case alone, in whatever order the two come."""
    pairs = [
        [episode(n, 2, down, "removed", hoster="a"), episode(n, 2, 4, "lost", hoster="b")]
        for n, down in enumerate([4, 4, 5, 3] * 5)
    ]
    for turned in (False, True):
        both = [one for pair in pairs for one in (pair[::-1] if turned else pair)]
        assert bounds(both) == pytest.approx((0.0, 1.0))


def test_the_end_of_the_study_is_not_our_blindness():
    """Clocks that the freeze cuts before 24 h are running, not out of sight."""
    group = [episode(n, 2, 3, "removed") for n in range(10)] + [episode(n, 80, None) for n in range(10, 20)]
    fresh = [episode(n, 1, None, at=89) for n in range(20, 30)]
    assert bounds(group + fresh, until=90) == pytest.approx(bounds(group, until=90), abs=1e-3)


@pytest.mark.parametrize(("back", "best"), [(20, 0.0), (26, 0.0), (27, 0.25), (70, 0.25)])
def test_what_may_have_been_away_for_a_day_is_open_too(back, best):
    """A quarter were up at 2 h, gone at 3 h and up later: within a day not removed, else removed at best."""
    flap = {"flap_last_up": hours(2), "flap_first_down": hours(3), "flap_up_again": hours(back)}
    group = [episode(n, 80, None, **flap) for n in range(5)]
    group += [episode(n, 80, None) for n in range(5, 20)]
    assert bounds(group) == pytest.approx((0.0, best))
    (row,) = rank([appearance(n, "acme") for n in range(20)], group, by="hoster", names={}, until=hours(200))
    assert (row.removed_24h, row.removed_24h_best, row.rank_class) == (None if best else 0.0, best, "too few days")


@pytest.mark.parametrize(
    ("claimed", "left", "right", "cause", "surely", "possibly"),
    [
        (-4, 2, 3, "removed", True, True),
        (-21, 2, 3, "removed", True, True),
        (-22, 2, 3, "removed", False, True),
        (-90, 2, 3, "removed", False, True),
        (-90, 30, 40, "removed", False, False),
        (-90, 30, None, None, False, False),
        (-90, 2, 3, "moved", False, False),
        (None, 2, 3, "removed", True, True),
    ],
)
def test_an_earlier_time_that_a_report_claims_counts_in_the_worst_case_alone(
    claimed, left, right, cause, surely, possibly
):
    """Whoever reports first makes nobody look quick, and whoever dates back makes nobody look slow, by any clock."""
    at = None if claimed is None else hours(claimed)
    plain = [episode(n, 2, 3, "removed") for n in range(12)]
    group = plain + [episode(n, left, right, cause, claimed_at=at) for n in range(12, 24)]
    assert bounds(group) == pytest.approx(((1 + surely) / 2, (1 + possibly) / 2), abs=1e-3)
    for clock in ("reported", "first_seen", "episode_start"):
        own = takedown_clocks(group, told_of(), key="acme", clock=clock)
        both = [outcomes(made, 24.0, until=hours(200)) for made in (running_clocks(own), clocks(group))]
        assert sorted(its[1:] for its in both[0]) == sorted(its[1:] for its in both[1])
        (row,) = compliance({"acme": own}, {}, until=hours(200), within_h=(24.0,))
        assert (row.removed_worst, row.removed_best) == pytest.approx(bounds(group), abs=1e-3)
        assert (row.surely, row.possibly) == (12 + 12 * surely, 12 + 12 * possibly)
    (back,) = returns({"acme": group}, group, {}, until=hours(1000), by="hoster")
    assert (back.gone_24h_worst, back.gone_24h_best) == ((1 + surely) / 2, (1 + possibly) / 2)
    assert (back.durable_30d_worst, back.durable_30d_best) == ((1 + surely) / 2, (1 + possibly) / 2)


@given(
    stays=st.lists(
        st.tuples(
            st.sampled_from([1.0, 5.0, 23.0, 30.0]),
            st.sampled_from(["removed", "removed", "removed", "moved", None]),
            st.integers(0, 5),
            st.integers(0, 2),
        ),
        min_size=10,
        max_size=24,
    )
)
def test_removal_after_too_few_checks_is_sure_in_no_table(stays):
    """Where 60% went after one or two checks, only what went after more surely was removed, by clocks of every kind."""
    group = [
        episode(
            n,
            right - 1,
            right if cause else None,
            cause,
            first_up=hours(n) if ups else None,
            at=float(n),
            looks=ups + unknown,
            looks_until_last=ups,
            unknown_looks=unknown,
        )
        for n, (right, cause, ups, unknown) in enumerate(stays)
    ]
    in_time = [ups for right, cause, ups, _ in stays if cause == "removed" and right <= 24 and ups]
    least = 3 if in_time and sum(ups <= 2 for ups in in_time) >= 0.6 * len(in_time) else 1
    surely = sum(ups >= least for ups in in_time)
    found = bounds(group)
    for clock in ("reported", "first_seen", "episode_start"):
        own = takedown_clocks(group, told_of(), key="acme", clock=clock)
        assert sum(one for _, one, _ in outcomes(running_clocks(own), 24.0, until=hours(200))) == surely
        (row,) = compliance({"acme": own}, {}, until=hours(200), within_h=(24.0,))
        assert (row.removed_worst, row.removed_best) == pytest.approx(found, abs=1e-3)
        assert row.surely == surely
    (back,) = returns({"acme": group}, group, {}, until=hours(1000), by="hoster")
    if back.gone_24h_best is not None:
        assert (back.gone_24h_worst, back.gone_24h_best) == pytest.approx(found, abs=1e-3)
        assert (back.gone_24h is None) is (back.gone_24h_best - back.gone_24h_worst > 0.1)


def test_an_earlier_claim_starts_no_clock_of_a_notice():
    """Its clock runs from the notice in both cases."""
    group = [episode(n, 2, 3, "removed", claimed_at=hours(-90)) for n in range(12)]
    told = told_of(*(notice(n, 1) for n in range(12)))
    own = takedown_clocks(group, told, key="acme", clock="notice_delivered")
    assert {its[1:] for its in outcomes(running_clocks(own), 24.0, until=hours(200))} == {(True, True)}


def test_too_few_sites_have_no_bounds():
    """Nine sites are too few here as well."""
    assert bounds([episode(n, 2, 3, "removed") for n in range(9)]) is None


def test_rows_that_cannot_be_measured_have_bounds():
    """A hoster that shuts us out after a look has no share, and at worst removed nothing."""
    group = [episode(n, 2, None) for n in range(12)]
    seen = [appearance(n, "acme") for n in range(12)]
    (row,) = rank(seen, group, by="hoster", names={}, until=hours(300))
    assert (row.rank_class, row.removed_24h) == ("unmeasurable", None)
    assert (row.removed_24h_worst, row.removed_24h_best) == (0.0, 1.0)
    few = rank(seen[:5], group[:5], by="hoster", names={}, until=hours(300))
    assert (few[0].rank_class, few[0].removed_24h_worst, few[0].removed_24h_best) == ("too few", None, None)


_ENDS = st.sampled_from([(2, 3, "removed"), (2, 30, "removed"), (2, 3, "moved"), (2, None, None), (80, None, None)])


@given(st.lists(_ENDS, min_size=10, max_size=30))
def test_bounds_hold_the_share(ends):
    """Whatever happened, worst <= share <= best in a row."""
    group = [episode(n, left, right, cause) for n, (left, right, cause) in enumerate(ends)]
    (row,) = rank([appearance(n, "acme") for n in range(len(ends))], group, by="hoster", names={}, until=hours(200))
    if row.rank_class == "too few followed":
        assert row.removed_24h_worst is row.removed_24h_best is None
        return
    assert 0 <= row.removed_24h_worst <= row.removed_24h_best <= 1
    if row.removed_24h is not None:
        assert row.removed_24h_worst <= row.removed_24h <= row.removed_24h_best
