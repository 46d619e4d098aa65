"""Shares removed within 24 hours: with their intervals, at the mix of another time, or the reason of their refusal."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np

from waterbed.estimators.calendar_time import Worth
from waterbed.estimators.changes import Share
from waterbed.estimators.refusal import Refusal
from waterbed.estimators.survival.incidence import share_interval, share_within
from waterbed.graphs.displacement.disclosure import held_back
from waterbed.graphs.displacement.known import LEVEL, Removed
from waterbed.measures.labels import Labels
from waterbed.measures.removal import Cases, Removal, interval_of, removal
from waterbed.measures.takedown import (
    FEWEST_SITES,
    REMOVED,
    WITHIN_H,
    Clock,
    clocks,
    incidence,
)
from waterbed.model.conclusions import Episode
from waterbed.model.facts import Report, reported_at
from waterbed.model.formatter import EVERYTHING, Disclosure
from waterbed.model.message import Count, Message, Number
from waterbed.model.message import Share as Percent
from waterbed.questions.intervention.curves import parted, worth_of

Mixed = tuple[str, str]
"""A category and a source, those of a URL's first report."""
Part = tuple[str, str, str]
"""The same at one of several places."""
NO_REPORT: Final = Refusal(Message.of("no report was followed"))
FEWEST_OF_PART: Final = 20
"""Reports of a part, before and after together, below which it is pooled with others that are as small."""
MOST_MISSING: Final = 0.1
"""Largest part of the mix before of which nothing may be known after."""


def mixed(reports: Iterable[Report], sources: Collection[str]) -> dict[str, Mixed]:
    """Return category and source of the first report of each URL, among those by some sources."""
    first_reports: dict[str, tuple[datetime, Mixed]] = {}
    for report in reports:
        candidate = reported_at(report), (report.category, report.source)
        if report.source in sources and (
            report.url_id not in first_reports or candidate < first_reports[report.url_id]
        ):
            first_reports[report.url_id] = candidate
    return {url_id: mix for url_id, (_, mix) in first_reports.items()}


@dataclass(frozen=True, kw_only=True)
class Group:
    """The clocks of places by place, category and source, and until when they are followed."""

    parts: Mapping[Part, Sequence[Clock]]
    until: datetime | None

    @cached_property
    def clocks(self) -> list[Clock]:
        """All of them."""
        return [clock for part in self.parts.values() for clock in part]


def grouped(
    groups: Mapping[str, Sequence[Episode]],
    keys: Collection[str],
    mix: Mapping[str, Mixed],
    received: Collection[tuple[str, str]],
    until: datetime | None,
    labels: Labels | None = None,
) -> Group:
    """The clocks of several places, each episode once, without those of URLs that a place `received`.

    Each has the labels that `labels` knows of it.
    """
    pooled: dict[Part, list[Episode]] = defaultdict(list)
    place: dict[str, str] = {}
    had: set[tuple[str, str, datetime]] = set()
    for key in keys:
        for place_episode in groups.get(key, ()):
            episode = place_episode.url_id, place_episode.hoster, place_episode.known_up_at
            if (place_episode.url_id, key) not in received and episode not in had:
                # a URL at several of the places is of one part: what goes on at the next of them never left them
                pooled[place.setdefault(place_episode.url_id, key), *mix.get(place_episode.url_id, ("", ""))].append(
                    place_episode
                )
                had.add(episode)
    return Group(parts={part: clocks(pooled[part], labels) for part in sorted(pooled)}, until=until)


def at_mix(earlier: Group, after: Group, share: Share, *, unknown: float = 0.0, level: float = 0.95) -> Share | Refusal:
    """Return the share removed after at the mix of places, categories and sources before.

    It is the sum over the parts of what was reported before, each with its share there and the part's own share removed
    after (direct standardisation); small parts are pooled (`compared_parts`). `share` is the one of all that was
    reported after: the standardised one is worth so many times less as unequal weights make it, (sum w)^2 / (n sum w^2)
    (Kish, Survey Sampling, 1965). A part of which nothing is known after is removed wholly in the best case, and not at
    all in the worst. With more than MOST_MISSING of such parts it is refused. Intervals are at `level`.
    """
    if not earlier.clocks:
        return NO_REPORT
    if after.until is None:
        return NO_REPORT
    parts, late = compared_parts(earlier.parts, after.parts)
    known_cases = {part: cases for part, group in late.items() if (cases := _cases(group, after.until)) is not None}
    weight = {part: len(group) / len(earlier.clocks) for part, group in parts.items() if group}
    if set(weight) == set(known_cases) and len(known_cases) == 1:
        return share
    missing = sum(part for key, part in weight.items() if key not in known_cases)
    if missing > MOST_MISSING:
        reason = Message.of(
            "{missing} of what was reported before is of categories or sources of which nothing was reported after, at "
            "most {most} may be",
            missing=Percent(missing),
            most=Percent(MOST_MISSING),
        )
        return Refusal(reason)
    sums = sum(part * np.array(known_cases.get(key, (share.share, 0.0, 1.0))) for key, part in weight.items())
    value, worst, best = np.clip(sums, 0.0, 1.0).tolist()
    squares = sum(weight[key] ** 2 / len(late[key]) for key in weight if key in known_cases)
    evenness = (1.0 - missing) ** 2 / squares / len(after.clocks)
    worth = Worth(number=max(0.5, share.worth.number * min(1.0, evenness)), freedom=share.worth.freedom)
    return at(value, worth, cases=(worst, best), level=level)


def compared_parts(
    earlier: Mapping[Part, Sequence[Clock]], after: Mapping[Part, Sequence[Clock]]
) -> tuple[dict[Part, list[Clock]], dict[Part, list[Clock]]]:
    """The parts to be compared, at both times.

    Where a place, category and source has fewer than FEWEST_OF_PART reports at both times together, it is pooled with
    others as small of its place and category; what is small still, with others of its place; then with all. The sum of
    both times decides, so that a mix that shifts changes no part, and weights of few reports tell of no shift.
    """
    clocks_by_part = {
        part: (list(earlier.get(part, ())), list(after.get(part, ()))) for part in sorted({*earlier, *after})
    }
    for key_count in (2, 1, 0):
        pooled: dict[Part, tuple[list[Clock], list[Clock]]] = defaultdict(lambda: ([], []))
        for (place, category, source), (early, late) in clocks_by_part.items():
            part = place, category, source
            if len(early) + len(late) < FEWEST_OF_PART:
                part = place if key_count else "", category if key_count > 1 else "", ""
            pooled[part][0].extend(early)
            pooled[part][1].extend(late)
        clocks_by_part = dict(pooled)
    return {part: early for part, (early, _) in clocks_by_part.items()}, {
        part: late for part, (_, late) in clocks_by_part.items()
    }


def at(value: float, worth: Worth, *, cases: tuple[float, float] | None = None, level: float = 0.95) -> Share:
    """A share of some worth, with the interval that covers its worst and best case."""
    worst, best = cases or (value, value)
    low, high = (share_interval(case, worth.number, level)[end] for end, case in enumerate((worst, best)))
    return Share(share=value, low=low, high=high, worth=worth, worst=worst, best=best)


def _cases(group: Sequence[Clock], until: datetime) -> tuple[float, float, float] | None:
    """The share that a group removed, by what its checks say, in the worst and in the best case."""
    cases = Cases.of(group, WITHIN_H, until=until) if group else None
    removed = share_within(incidence(group), REMOVED, WITHIN_H) if group else None
    if cases is None or removed is None:
        return None
    return removed, min(removed, cases.worst.share), max(removed, cases.best.share)


def removed_of(
    group: Sequence[Clock], until: datetime | None, disclosure: Disclosure = EVERYTHING
) -> tuple[Removed, Share | None]:
    """Share removed by clocks, as told and as tested.

    Followed to `until`; the second has its interval at 95% and its worth, None if it is refused.
    """
    if until is None or not group:
        return Removed(n=0, why=NO_REPORT), None
    estimate = removal(group, until=until)
    few, n = disclosure.small(len({c.site_id for c in group})), disclosure.rounded(estimate.clocks)
    if estimate.single is None or estimate.worst is None or estimate.best is None:
        return Removed(n=0 if few else n, why=_why(estimate)), None
    if any(map(disclosure.small, parted(group, WITHIN_H))):
        return Removed(n=0, why=held_back(disclosure)), None
    share, cases = disclosure.share(estimate.single), Cases.of(group, WITHIN_H, until=until)
    worth = worth_of(group, until)
    if isinstance(worth, Refusal) or cases is None:
        return Removed(n=n, share=share, why=worth if isinstance(worth, Refusal) else NO_REPORT), None
    # a case in which hardly a clock is left tells nothing: the share may be any
    found_ends = (interval_of(cases, WITHIN_H, until=until, level=level, worth_of=worth_of) for level in (0.95, LEVEL))
    (low, high), told_ends = ((interval.low, interval.high) if interval else (0.0, 1.0) for interval in found_ends)
    tested = Share(
        share=estimate.single,
        low=min(low, estimate.worst),
        high=max(high, estimate.best),
        worth=worth,
        worst=estimate.worst,
        best=estimate.best,
    )
    low, high = min(told_ends[0], estimate.worst), max(told_ends[1], estimate.best)
    return Removed(n=n, share=share, low=low, high=high, open=estimate.open), tested


def _why(estimate: Removal) -> Refusal:
    """What a share lacks: followed reports, sites, or checks that show anything."""
    if estimate.estimability == "too few followed":
        reason = Message.of(
            "{sites} were reported and followed for 24 hours, at least {least} are needed",
            sites=Count(estimate.sites, "site"),
            least=Number(FEWEST_SITES),
        )
        return Refusal(reason, "sites")
    reports = Count(estimate.clocks, "report")
    if not estimate.sites:
        return Refusal(Message.of("of {reports} none could be followed for 24 hours", reports=reports))
    return Refusal(Message.of("of {reports} no check shows if they were gone within 24 hours", reports=reports))
