"""Cards of sources of reports.

A card says what a source delivers, how late, how much of it others have too, and what its rules hide.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Final

import numpy as np
import numpy.typing as npt

from waterbed.estimators.survival.npmle import Survival, kaplan_meier, turnbull
from waterbed.estimators.survival.spikes import Spike, hazard_spikes
from waterbed.intake.feed_presence import Delivered, Presence
from waterbed.judging.quarantines import Decisions, GuardRules, feed_quarantines
from waterbed.model.bookkeeping import Delivery
from waterbed.model.conclusions import Quarantine
from waterbed.model.facts import Report, Target, reported_at
from waterbed.model.results import FeedCard

Floats = npt.NDArray[np.float64]


def feed_cards(
    reports: Iterable[Report],
    targets: Mapping[str, Target],
    deliveries: Iterable[Delivery],
    quarantines: Iterable[Quarantine],
    *,
    not_illegal: Set[str] = frozenset(),
    unassessed: Set[str] = frozenset(),
    followed: Set[str] = frozenset(),
    first_down: Set[str] = frozenset(),
) -> list[FeedCard]:
    """One card for each source, most reports first.

    A source is one that reported or delivered. Linear in reports and deliveries. Fields that
    only a presence list gives are left open. `not_illegal` and `unassessed` are the URLs that count nowhere,
    `followed` those of which a check decided, `first_down` of these those that nobody but a report ever saw up.
    """
    of_source: dict[str, list[Report]] = defaultdict(list)
    first: dict[str, tuple[datetime, str]] = {}
    sources_of: dict[str, set[str]] = defaultdict(set)
    for report in reports:
        of_source[report.source].append(report)
        sources_of[report.url_id].add(report.source)
        own = (report.received_at, report.source)
        first[report.url_id] = min(first.get(report.url_id, own), own)
    came: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in deliveries:
        came[delivery.source].append(delivery)
    suspect: dict[str, int] = defaultdict(int)
    for quarantine in quarantines:
        suspect[quarantine.scope] += quarantine.kind == "feed" and quarantine.status != "released"
    shared = {url_id for url_id, sources in sources_of.items() if len(sources) > 1}
    cards = [
        _card(
            source,
            of_source.get(source, []),
            targets,
            shared,
            first,
            deliveries=came.get(source, []),
            suspect=suspect[source],
        )
        for source in {*of_source, *came}
    ]
    urls_of = {source: {report.url_id for report in own} for source, own in of_source.items()}
    cards = [
        replace(
            card,
            not_illegal=len(urls_of.get(card.source, set()) & not_illegal),
            unassessed=len(urls_of.get(card.source, set()) & unassessed),
            followed=len(urls_of.get(card.source, set()) & followed),
            first_down=len(urls_of.get(card.source, set()) & first_down),
        )
        for card in cards
    ]
    return sorted(cards, key=lambda card: (-card.reports, card.source))


def _card(
    source: str,
    own: Sequence[Report],
    targets: Mapping[str, Target],
    shared: set[str],
    first: Mapping[str, tuple[datetime, str]],
    *,
    deliveries: Sequence[Delivery],
    suspect: int,
) -> FeedCard:
    urls = {report.url_id for report in own}
    known = [targets[url_id] for url_id in urls if url_id in targets]
    days = {_day(reported_at(report)) for report in own}
    # a report's own time may be missing, or wrong: after it came it cannot have been made
    delays = [max(timedelta(0), r.received_at - r.reported_at) / timedelta(hours=1) for r in own if r.reported_at]
    both = urls & shared
    return FeedCard(
        source=source,
        reports=len(own),
        urls=len(urls),
        hosts=len({target.host_id for target in known}),
        sites=len({target.site_id for target in known}),
        first_day=min(days, default=None),
        last_day=max(days, default=None),
        days_covered=len(days),
        days=(max(days) - min(days)).days + 1 if days else 0,
        undated=len(own) - len(delays),
        delay_median_h=round(float(np.median(delays)), 3) if delays else None,
        delay_p90_h=round(float(np.quantile(delays, 0.9)), 3) if delays else None,
        shared=round(len(both) / len(urls), 6) if urls else 0.0,
        first_here=round(sum(first[url_id][1] == source for url_id in both) / len(both), 6) if both else None,
        deliveries=len(deliveries),
        empty=sum(delivery.reports == 0 for delivery in deliveries),
        suspect=suspect,
    )


def _day(when: datetime) -> datetime:
    return datetime.combine(when.date(), time(), tzinfo=when.tzinfo)


def retention_spike(left_days: Floats, right_days: Floats) -> Spike | None:
    """The age at which a source drops entries by rule.

    The strongest if there are several; None if there is none. Entry i was last listed at age left_days[i] and first
    missing at right_days[i], inf if it still is listed. Presence in such a source says nothing of whether a page is up.
    """
    found = hazard_spikes(left_days, right_days) if left_days.size else []
    return found[0] if found else None


_TIMES, _CONSTANT = 20, 0.9
"""Deliveries that tell a window from a list of constant length by chance, and the share of them with that length."""


def window_length(entries: Iterable[Presence]) -> int | None:
    """Return how many entries a source always lists.

    Such a source lists as many entries each time, so that as many leave as come: how long one stays is the source's
    pace, and tells nothing of its page. None if its length varies, or if fewer entries left it than it holds.
    """
    rows = [(one.first_listed or one.entered, one.last_listed, one.first_missing) for one in entries]
    came = np.sort([_days(row[0]) for row in rows])
    last = np.sort([_days(row[1]) for row in rows])
    left = [_days(row[2]) for row in rows if row[2] is not None]
    times = np.unique(np.concatenate([last, left]))
    if times.size < _TIMES:
        return None
    held = np.searchsorted(came, times, side="right") - np.searchsorted(last, times, side="left")
    lengths, counts = np.unique(held, return_counts=True)
    length = int(lengths[counts.argmax()])
    since = int(np.argmax(held == length))
    constant = float((held[since:] == length).mean())
    window = times.size - since >= _TIMES and constant >= _CONSTANT and len(left) >= length > 0
    return length if window else None


HOUR: Final = 1 / 24
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FeedRetention:
    """Ages of entries in days.

    Age when last listed, when first missing (inf: still listed), and when it came into sight.
    """

    left: Floats
    right: Floats
    entry: Floats


def suspect_deliveries(source: str, deliveries: Iterable[Delivered], rules: GuardRules) -> list[Quarantine]:
    """The deliveries that are empty or much too small.

    In time order, by the rule for imports (`feed_quarantines`).
    """
    came = [
        Delivery(
            delivery_id=f"{number:09}",
            source=source,
            run_id="",
            received_at=one.received,
            reports=one.entries,
            new=0,
            rejected=0,
        )
        for number, one in enumerate(deliveries)
    ]
    return feed_quarantines(came, rules, Decisions())


def retention_ages(entries: Iterable[Presence], believed: Sequence[datetime] = ()) -> FeedRetention:
    """The ages of each entry.

    `believed` are the times of the deliveries that show absence, increasing: an entry is missing from the first of
    them after it was last listed, whatever its own `first_missing` says. Without them that holds. An entry came into
    sight at `first_listed`, else with itself.
    """
    rows = [(one.entered, one.first_listed, one.last_listed, one.first_missing) for one in entries]
    days = np.array([_days(when) for when in believed])
    entered = np.array([_days(row[0]) for row in rows])
    last = np.array([_days(row[2]) for row in rows])
    missing = np.array([np.inf if row[3] is None else _days(row[3]) for row in rows])
    if days.size:
        missing = np.append(days, np.inf)[np.searchsorted(days, np.maximum(last, entered), side="right")]
    left = np.maximum(last - entered, 0.0)
    seen = np.array([_days(row[1] or row[0]) for row in rows]) - entered
    return FeedRetention(left=left, right=missing - entered, entry=np.clip(seen, 0.0, left))


def staying(ages: FeedRetention, *, midpoint: bool = False, ignore_entry: bool = False) -> Survival:
    """The survival of entries in a feed, in days.

    The interval estimate on an hour grid, given entry. `midpoint` puts each end in the middle of its interval and takes
    the product limit. With it `ignore_entry` counts what was there before the first delivery as followed from its
    beginning, and warns. Both exist to reproduce what others published. ValueError for `ignore_entry` alone, or without
    any entry.
    """
    if midpoint:
        return kaplan_meier(ages.left, ages.right, ages.entry, midpoint=True, ignore_entry=ignore_entry)
    if ignore_entry:
        raise ValueError("only the product limit of midpoints can ignore entry")
    return turnbull(ages.left, ages.right, ages.entry, step=HOUR)


def _days(when: datetime) -> float:
    return when.timestamp() / _DAY.total_seconds()
