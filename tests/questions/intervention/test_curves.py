"""Removal curves around an event: what is told, and what it gives away."""

import itertools
from datetime import UTC, datetime, timedelta
from math import inf

from hypothesis import given, settings
from hypothesis import strategies as st

from waterbed.measures.takedown import REMOVED, Clock
from waterbed.model.formatter import EVERYTHING, Disclosure
from waterbed.questions.intervention.curves import HOURS, curve_of, parted, told_hours

START = datetime(2026, 1, 5, tzinfo=UTC)
UNTIL = START + timedelta(days=12)


def clock(site: int, gone: float | None, day: float = 0.0) -> Clock:
    """A clock of a site, removed within an hour before `gone`, or up to the end."""
    left, right = (gone - 1.0, gone) if gone else (200.0, inf)
    return Clock(
        left_h=left,
        right_h=right,
        cause=REMOVED if gone else -1,
        site_id=f"s{site}",
        origin=START + timedelta(days=day),
    )


groups = st.lists(st.tuples(st.integers(0, 25), st.one_of(st.none(), st.integers(2, 80))), min_size=1, max_size=60).map(
    lambda drawn: [clock(site, float(gone) if gone else None) for site, gone in drawn]
)


@settings(max_examples=150, deadline=None)
@given(groups, st.integers(2, 6))
def test_hours_that_are_told_differ_by_no_site_or_by_enough(group: list[Clock], least: int) -> None:
    """Between any two of them and the 24 hours none or enough sites have a removal, and so on both sides of each."""
    told = told_hours(group, Disclosure(least=least))
    gone = [parted(group, hour)[0] for hour in told]
    anchored = sorted([*gone, parted(group, 24)[0]])
    assert all(b == a or b - a >= least for a, b in itertools.pairwise(anchored))
    for hour in told:
        assert not any(0 < part < least for part in parted(group, hour))
    assert told_hours(group, EVERYTHING) == list(HOURS)


def test_a_curve_has_an_interval_where_reports_span_days() -> None:
    """Shares rise with the hours; each has an interval, a wide one below a week of reports, and none in 36 hours."""
    group = [clock(n, 12.0 + n % 24 if n % 3 else None, day=n / 6) for n in range(60)]
    found = curve_of(group, UNTIL, EVERYTHING)
    shares = [share for _, share, _, _ in found]
    assert shares == sorted(shares)
    assert shares[-1] > 0.5
    ends = {hour: (low, high) for hour, _, low, high in found}
    assert all(low is not None and high is not None for low, high in ends.values())
    assert all(low <= share <= high for _, share, low, high in found if low is not None and high is not None)
    days = curve_of([clock(n, 12.0 + n % 24, day=n / 20) for n in range(60)], UNTIL, EVERYTHING)
    assert all(low is not None and high - low > 0.5 for hour, _, low, high in days if hour and high is not None)
    short = curve_of([clock(n, 12.0 + n % 24, day=n / 50) for n in range(60)], UNTIL, EVERYTHING)
    assert [low for hour, _, low, _ in short if hour] == [None] * (len(short) - 1)
