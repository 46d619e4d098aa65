"""Shares removed around an event: at another time's mix, however few days tell of them, or why there is none."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.graphs.displacement.movements import event
from tests.study.facts import hour, report
from waterbed.estimators.calendar_time import Worth
from waterbed.estimators.changes import Share
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import NOTHING, share_interval
from waterbed.graphs.displacement.removal_sentences import _share
from waterbed.measures.takedown import REMOVED, Clock, worth_within
from waterbed.model.formatter import OWN
from waterbed.questions.intervention.curves import worth_of
from waterbed.questions.intervention.removed import FEWEST_OF_PART, Group, at_mix, compared_parts, mixed, removed_of
from waterbed.questions.intervention.shares import stretches, too_short

ZERO = datetime(2026, 3, 1, tzinfo=UTC)
UNTIL = ZERO + timedelta(days=60)


def clock(number: int, at_h: float, *, gone: bool) -> Clock:
    """The clock of a site of its own, removed after five hours or up to the end."""
    origin = ZERO + timedelta(hours=at_h)
    left = (UNTIL - origin) / timedelta(hours=1)
    end = (4.0, 5.0, REMOVED) if gone else (left, inf, NOTHING)
    return Clock(left_h=end[0], right_h=end[1], cause=end[2], site_id=f"site {number}", origin=origin)


def group(parts: Mapping[str, tuple[int, int]]) -> Group:
    """Of each category so many reports, of which so many were removed within a day."""
    made: dict[tuple[str, str, str], Sequence[Clock]] = {}
    number = 0
    at = 12.0 * np.random.default_rng(1).permutation(sum(reports for reports, _ in parts.values()))
    for category, (reports, gone) in parts.items():
        made["h", category, "feed"] = [
            clock(number + one, float(at[number + one]), gone=one < gone) for one in range(reports)
        ]
        number += reports
    return Group(parts=made, until=UNTIL)


def share_of(one: Group) -> Share:
    told, share = removed_of(one.clocks, one.until)
    assert share is not None
    assert told.share == share.share
    return share


def test_a_urls_category_and_source_are_those_of_its_first_report() -> None:
    """Among the sources that count; a later report of another category changes nothing."""
    times = [{"reported_at": hour(n), "received_at": hour(n)} for n in (5, 1, 2)]
    later, first = report("a", category="malware", **times[0]), report("a", **times[1])
    other = report("b", source="feed", **times[2])
    assert mixed([later, first, other], {"hotline", "feed"}) == {
        "a": ("phishing", "hotline"),
        "b": ("phishing", "feed"),
    }
    assert mixed([later, first, other], {"feed"}) == {"b": ("phishing", "feed")}


def test_another_mix_is_no_change() -> None:
    """Each category is removed as before, and mostly the quick one is reported now: at the mix before, nothing rose."""
    before, after = group({"quick": (10, 9), "slow": (40, 4)}), group({"quick": (40, 36), "slow": (10, 1)})
    raw = share_of(after)
    found = at_mix(before, after, raw)
    assert isinstance(found, Share)
    assert raw.share == pytest.approx(0.74)
    assert found.share == pytest.approx(0.26) == share_of(before).share
    # 1 / (0.2^2/40 + 0.8^2/10) of 50 reports: few of those that were reported tell of most of the mix
    assert found.worth.number == pytest.approx(raw.worth.number * (1 / (0.2**2 / 40 + 0.8**2 / 10)) / 50)
    assert found.low < 0.26 < found.high
    assert at_mix(before, group({"quick": (10, 9), "slow": (40, 4)}), share_of(before)).share == pytest.approx(0.26)  # type: ignore[union-attr]


def test_one_category_is_left_as_it_is() -> None:
    """With nothing to weigh the share is that of all reports."""
    before, after = group({"one": (30, 3)}), group({"one": (30, 27)})
    assert at_mix(before, after, share_of(after)) is not None
    assert at_mix(before, after, (own := share_of(after))) is own


def test_what_is_not_reported_any_more_may_be_removed_or_not() -> None:
    """Up to a tenth of the mix widens worst and best case; more than that is a reason."""
    after = group({"one": (40, 20)})
    few = at_mix(group({"one": (38, 5), "gone": (2, 1)}), after, share_of(after))
    assert isinstance(few, Share)
    assert few.cases == (pytest.approx(0.5 * 0.95), pytest.approx(0.5 * 0.95 + 0.05))
    many = at_mix(group({"one": (30, 5), "gone": (10, 1)}), after, share_of(after))
    assert isinstance(many, Refusal)
    assert OWN.text(many.reason).startswith("25% of what was reported before is of categories or sources of which")
    none = at_mix(Group(parts={}, until=UNTIL), after, share_of(after))
    assert isinstance(none, Refusal)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.tuples(st.sampled_from("hg"), st.sampled_from("abc"), st.sampled_from("xyz")),
        st.tuples(st.integers(0, 30), st.integers(0, 30)),
        min_size=1,
    )
)
def test_small_parts_are_pooled_and_no_report_is_lost(numbers: dict[tuple[str, str, str], tuple[int, int]]) -> None:
    """Large parts stay as they are at both times, and of those that are left at most one is small."""
    sides: list[dict[tuple[str, str, str], list[Clock]]] = [
        {part: [clock(n, n, gone=False) for n in range(each[side])] for part, each in numbers.items() if each[side]}
        for side in (0, 1)
    ]
    early, late = compared_parts(*sides)
    assert sum(map(len, early.values())) == sum(before for before, _ in numbers.values())
    assert sum(map(len, late.values())) == sum(after for _, after in numbers.values())
    large = {part for part, each in numbers.items() if sum(each) >= FEWEST_OF_PART}
    assert all((len(early[part]), len(late[part])) == numbers[part] for part in large)
    assert sum(0 < len(early[part]) + len(late[part]) < FEWEST_OF_PART for part in early) <= 1


def test_parts_of_few_reports_cost_hardly_any_worth() -> None:
    """Of 30 categories with three reports each, before and after, the share is that of all; two large ones are kept."""
    many = group({f"category {n}": (3, n % 2) for n in range(30)})
    found = at_mix(many, many, share_of(many))
    assert isinstance(found, Share)
    assert found.worth.number == share_of(many).worth.number
    after = group({"quick": (40, 36), "slow": (10, 1), "rare": (3, 1)})
    shifted = at_mix(group({"quick": (10, 9), "slow": (40, 4), "rare": (2, 1)}), after, share_of(after))
    assert isinstance(shifted, Share)
    assert shifted.share == pytest.approx((10 * 0.9 + 40 * 0.1 + 2 / 3) / 52)


@pytest.mark.parametrize(
    ("days", "number"),
    [([0.0, 25.0], 2), ([0.0, 2.0, 4.0], 3), ([0.0, 1.6], 2)],
    ids=["two bursts in 25 days", "three days within a week", "two blocks"],
)
def test_few_days_make_an_interval_wide_and_do_not_withhold_it(days: list[float], number: int) -> None:
    """A share is worth no more than the blocks of 36 hours with reports, however many sites were reported in them."""
    found = [clock(n, 24.0 * day + n / 10, gone=n % 3 > 0) for n, day in enumerate(days * 20)]
    assert isinstance(worth_within(found, 24.0, (REMOVED,), until=UNTIL), Refusal)
    worth = worth_of(found, UNTIL)
    assert isinstance(worth, Worth)
    assert worth.number <= number
    told, share = removed_of(found, UNTIL)
    assert share is not None
    assert told.low is not None
    assert share.high - share.low > 0.5


def test_one_day_tells_nothing_of_how_a_hoster_works() -> None:
    """All reports within 36 hours, at one time even: the share of these reports alone, and the reason."""
    for apart in (0.0, 0.5):
        told, share = removed_of([clock(n, n * apart, gone=n < 20) for n in range(40)], UNTIL)
        assert share is None
        assert told.share == 0.5
        assert told.why is not None
        assert OWN.text(told.why.reason).startswith("all reports that were followed came within 36 hours")


def test_many_days_are_worth_what_they_were() -> None:
    """Where calendar time tells enough, nothing is added to it."""
    found = [clock(n, 12.0 * n, gone=n % 2 > 0) for n in range(60)]
    assert worth_of(found, UNTIL) == worth_within(found, 24.0, (REMOVED,), until=UNTIL)


@pytest.mark.long
def test_intervals_of_few_days_hold() -> None:
    """Of 600 studies with bursts of reports, each decided as one: at least 95% of intervals hold the chance."""
    rng = np.random.default_rng(12)
    held = 0
    for _ in range(600):
        chance, bursts = rng.uniform(0.1, 0.9), int(rng.integers(2, 5))
        at = rng.choice(np.arange(0.0, 28.0, 4.0), bursts, replace=False)
        gone = rng.random(bursts) < chance
        found = [clock(n, 24.0 * at[n % bursts] + n / 10, gone=bool(gone[n % bursts])) for n in range(30)]
        worth = worth_of(found, UNTIL)
        assert isinstance(worth, Worth)
        low, high = share_interval(float(np.mean([c.cause == REMOVED for c in found])), worth.number)
        held += low <= chance <= high
    assert held / 600 >= 0.95


def test_a_refusal_says_what_was_lacking() -> None:
    """Reports at all, reports that could be followed, or sites."""
    assert _reason([], UNTIL) == "no report was followed"
    assert _reason([clock(1, 1.0, gone=False)], None) == "no report was followed"
    late = [clock(n, 24.0 * 60 - 3.0, gone=False) for n in range(20)]
    assert _reason(late, UNTIL) == "of 20 reports none could be followed for 24 hours"
    few = [clock(n, 24.0 * n, gone=True) for n in range(4)]
    assert _reason(few, UNTIL) == "4 sites were reported and followed for 24 hours, at least 10 are needed"


def _reason(found: list[Clock], until: datetime | None) -> str:
    told, share = removed_of(found, until)
    assert share is None
    assert told.share is None
    assert told.why is not None
    return OWN.text(told.why.reason)


def test_stretches_are_as_long_as_the_window_or_a_third_of_what_was_before() -> None:
    """The last one after the event; none of less than a week, for which the reason gives their length."""
    one = event(before=28, after=28)
    for before, days, count in ((120, 28.0, 4), (84, 28.0, 3), (60, 20.0, 3), (21, 7.0, 3)):
        found = stretches(one, one.at - timedelta(days=before))
        assert len(found) == count + 1
        assert {(w.until - w.since) / timedelta(days=1) for w in found if w.since and w.until} == {days}
        assert (found[-2].until, found[-1].since) == (one.at, one.at)
    assert stretches(one, one.at - timedelta(days=20)) == []
    assert "would have 6.7 days each, at least 7 are needed" in OWN.text(
        too_short(one, one.at - timedelta(days=20)).reason
    )
    assert len(stretches(one, one.at - timedelta(days=28 * 20))) == 9


@pytest.mark.parametrize(("unseen", "apart"), [(0, False), (3, False), (12, True)])
def test_where_the_cases_are_far_apart_the_interval_stands_alone(unseen: int, apart: bool) -> None:
    """An event gives one number for a share only where a ranking does."""
    found = [replace(clock(n, n * 12.0, gone=n < 30), seen=n >= unseen) for n in range(60)]
    told, share = removed_of(found, UNTIL)
    assert share is not None
    assert told.open is apart
    assert share.cases == pytest.approx(((30 - unseen) / 60, 0.5))
    text = OWN.text(_share(told, alone=False))
    assert ("(" in text) is not apart
