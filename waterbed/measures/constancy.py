"""A test of whether a group's share stayed the same, and its clocks before and since a change."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, NamedTuple

import numpy as np

from waterbed.estimators.constancy import constancy
from waterbed.estimators.norm_tests import adjusted_for_all
from waterbed.estimators.refusal import Refusal
from waterbed.graphs.displacement.event import Event
from waterbed.measures.labels import by_kind
from waterbed.measures.takedown import WITHIN_H, Clock, outcomes
from waterbed.model.conclusions import RankingRow
from waterbed.model.message import NOTHING, Date, Message, Share

RATE: Final = 0.05
"""Share of wrong names among those said to have changed, at most, in the mean over studies."""
MOST_P: Final = 0.01
"""p of a row's own test above which nothing is said, however few rows are tested."""
_HOUR: Final = timedelta(hours=1)
_WITHIN: Final = timedelta(hours=WITHIN_H)


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A test of one group, and between which times its share changed if it did.

    Without times the change may have been gradual: its parts are the first and the second half of the clocks.
    """

    p: Annotated[float, "p of the share having stayed the same, for this group alone"]
    after: Annotated[datetime | None, "reports up to then were made before the change"] = None
    before: Annotated[datetime | None, "reports from then on were made after it"] = None


def constancy_test(group: Sequence[Clock], *, until: datetime, dates: Sequence[datetime] = ()) -> Changed | None:
    """Test whether a group's share removed within 24 hours was the same for all reports.

    Of clocks that could be followed so long, to `until`, in worst and best case (`restated`); a change shows in both.
    `dates` are those of events that were declared for the group; other dates are looked for. A report made less than
    WITHIN_H hours before a change lies in neither part: what was up then was removed by the new process. None where
    nothing is tested.
    """
    found = list(outcomes(group, WITHIN_H, until=until))
    if not found:
        return None
    first = min(clock.origin for clock, _, _ in found)
    sites = {site: number for number, site in enumerate(sorted({clock.site_id for clock, _, _ in found}))}
    labels, pooled = by_kind([clock.labels for clock, _, _ in found])
    given = [((date - first - _WITHIN) / _HOUR, (date - first) / _HOUR) for date in dates]
    test = constancy(
        [surely for _, surely, _ in found],
        [surely or possibly for _, surely, possibly in found],
        [(clock.origin - first) / _HOUR for clock, _, _ in found],
        [sites[clock.site_id] for clock, _, _ in found],
        known_dates=given,
        labels=labels,
        pooled=pooled,
    )
    if isinstance(test, Refusal):
        return None
    if test.date is None:
        return Changed(p=test.p)
    if test.date in given:
        date = dates[given.index(test.date)]
        return Changed(p=test.p, after=date - _WITHIN, before=date)
    after, before = (first + hours * _HOUR for hours in test.date)
    return Changed(p=test.p, after=after, before=before + _WITHIN)


def event_dates(events: Iterable[Event]) -> dict[str, tuple[datetime, ...]]:
    """The dates of declared events by the key of their target."""
    found: dict[str, set[datetime]] = defaultdict(set)
    for event in events:
        found[event.target].add(event.at)
        for other in event.events:
            found[other.target].add(other.date.astimezone(UTC))
    return {key: tuple(sorted(dates)) for key, dates in sorted(found.items())}


def parts(
    group: Sequence[Clock], hidden: Sequence[Clock], after: datetime | None, before: datetime | None
) -> tuple["Part", "Part"]:
    """The clocks before and since a change between two times; without times those before and since the middle one."""
    if after is None or before is None:
        before = sorted(clock.origin for clock in group)[len(group) // 2]
        after = before - timedelta.resolution
    early, late = (
        tuple([clock for clock in some if clock.origin <= after] for some in (group, hidden)),
        tuple([clock for clock in some if clock.origin >= before] for some in (group, hidden)),
    )
    return Part(*early), Part(*late)


class Part(NamedTuple):
    """The clocks of a part, and those of which no check could be decided."""

    clocks: list[Clock]
    hidden: list[Clock]


def counted_since(row: RankingRow, group: Sequence[Clock]) -> datetime | None:
    """The time from which on reports count in a row's share: that of its change, else of the middle one; None: all."""
    if row.rank_class != "changed" or not group:
        return None
    return row.changed_before or sorted(clock.origin for clock in group)[len(group) // 2]


def part_of_share(row: RankingRow, group: Sequence[Clock], hidden: Sequence[Clock]) -> Part:
    """The clocks that a row's share is of: of a share that changed those since."""
    since = counted_since(row, group)
    kept = ([one for one in some if since is None or one.origin >= since] for some in (group, hidden))
    return Part(*kept)


def clocks_of_share(row: RankingRow, group: Sequence[Clock], hidden: Sequence[Clock]) -> list[list[Clock]]:
    """The clocks of a row that its place and the norm's test rest on.

    Of a share that changed those since; both halves, apart, where it may have changed gradually.
    """
    if row.rank_class != "changed":
        return [[*group, *hidden]]
    early, late = parts(group, hidden, row.changed_after, row.changed_before)
    since = [*late.clocks, *late.hidden]
    return [since] if row.changed_before else [[*early.clocks, *early.hidden], since]


def changed(tests: Mapping[str, Changed]) -> set[str]:
    """The keys whose share changed, of all that were tested (Benjamini and Hochberg 1995)."""
    keys = list(tests)
    adjusted = adjusted_for_all(np.array([tests[key].p for key in keys]), dependent=False)
    return {key for key, p in zip(keys, adjusted, strict=True) if p <= RATE and tests[key].p <= MOST_P}


def change_message(row: RankingRow) -> Message:
    """The change of a row of class changed, as a clause; nothing for other classes."""
    if row.rank_class != "changed":
        return NOTHING
    shares = {
        "before": _share(row.removed_24h_before, row.removed_24h_before_low, row.removed_24h_before_high),
        "since": _share(row.removed_24h, row.removed_24h_low, row.removed_24h_high),
    }
    if row.changed_after is None or row.changed_before is None:
        return Message.of(
            "changed, perhaps gradually: {before} of the first half of its reports, {since} of the second", **shares
        )
    days = {"after": Date(row.changed_after.date()), "until": Date(row.changed_before.date())}
    return Message.of("changed between {after} and {until}: {before} before, {since} since", **days, **shares)


def _share(share: float | None, low: float | None, high: float | None) -> Message:
    """A share with its interval; the interval alone where there is no single share."""
    if low is None or high is None:
        return Message.of("not estimable") if share is None else Message.of("{share}", share=Share(share))
    ends = {"low": Share(low), "high": Share(high)}
    if share is None:
        return Message.of("{low} to {high}", **ends)
    return Message.of("{share} ({low} to {high})", share=Share(share), **ends)
