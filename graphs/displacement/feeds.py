"""Feeds that stop or start at the event."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import scipy

from waterbed.graphs.displacement.series import AREAS, Series
from waterbed.model.message import Argument, Count, Message, Name, Term, joined
from waterbed.model.results import Area

LEVEL: Final = 0.01
"""Error of all tests of feeds together; it adds to no claim, since a changed feed is left out."""
FACTOR: Final = 4.0
"""Least change of a feed's rate at an area that is a stop or a start."""
COUNTED: Final = (
    "mean change",
    "mean change, places",
    "mean change, blocks",
    "mean change, drift",
    "step",
    "slope",
    "peak",
    "beyond the peak",
    "half-life",
    "WDD",
    "WDQ",
    "TNE",
    "many events",
)
"""Answers that count what was reported: a feed that changes changes them."""
AT_THE_EVENT: Final = Message.of("at the event")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFeed:
    """A feed whose reports of an area stop or start.

    Counts are of site clusters; those of other feeds are None if there is no other.
    """

    source: str
    area: Area
    before: int
    after: int
    others: tuple[int, int] | None

    def words(self, when: Message = AT_THE_EVENT) -> Message:
        """The change, in one clause; `when` it came, in words."""
        arguments: dict[str, Argument] = {
            "feed": Name(self.source, public=True),
            "area": Term(self.area),
            "when": when,
            "before": Count(self.before, "site"),
            "after": Count(self.after),
        }
        if self.after < self.before:
            change = Message.of(
                "feed {feed} stopped reporting the {area} {when}: {before} before, {after} after", **arguments
            )
        else:
            change = Message.of(
                "feed {feed} began reporting the {area} {when}: {before} before, {after} after", **arguments
            )
        if self.others is None:
            return change
        count_before, after = map(Count, self.others)
        return joined(change, Message.of("other feeds {before}, then {after}", before=count_before, after=after))


def changed_feeds(series: Series) -> list[ChangedFeed]:
    """Find feeds that stop or start at the event.

    A feed's reports of each area in the windows before and after are compared with those of all other feeds there, by
    Fisher's exact test of site clusters (Fisher 1922): an event changes an area in all feeds, a feed's own change in
    one. Its rate must change by FACTOR besides. Where an area has no other feed, the test is against the lengths of the
    windows, and a change cannot be told from the event's. p is corrected for all tests (Bonferroni).
    """
    counts = _counts(series)
    sources = sorted({source for source, _ in counts})
    tests = max(1, len(sources) * len(AREAS))
    return [
        feed
        for source in sources
        for area in AREAS
        for feed in _changed(counts, sources, source, area, series, LEVEL / tests)
    ]


_Counts = dict[tuple[str, Area], tuple[int, int]]


def _counts(series: Series) -> _Counts:
    sites: dict[tuple[str, Area], tuple[set[int], set[int]]] = defaultdict(lambda: (set(), set()))
    windows = (series.before, series.after)
    for report in series.movements.reports:
        area_index = series.area(report.place)
        for number, (start, end) in enumerate(windows):
            if area_index >= 0 and start <= report.when < end:
                sites[report.source, AREAS[area_index]][number].add(report.cluster)
    return {key: (len(sites_before), len(after)) for key, (sites_before, after) in sites.items()}


def _changed(
    found: _Counts, sources: Sequence[str], source: str, area: Area, series: Series, level: float
) -> Iterator[ChangedFeed]:
    count_before, after = found.get((source, area), (0, 0))
    lengths = [end - start for start, end in (series.before, series.after)]
    rates = [(count + 0.5) / length for count, length in zip((count_before, after), lengths, strict=True)]
    if count_before + after == 0 or max(rates) < FACTOR * min(rates):
        return
    rest = [found.get((other, area), (0, 0)) for other in sources if other != source]
    other_counts = (sum(count for count, _ in rest), sum(count for _, count in rest))
    if sum(other_counts):
        p = float(scipy.stats.fisher_exact([[count_before, after], other_counts]).pvalue)
    else:
        p = float(scipy.stats.binomtest(after, count_before + after, lengths[1] / sum(lengths)).pvalue)
    if p <= level:
        yield ChangedFeed(
            source=source,
            area=area,
            before=count_before,
            after=after,
            others=other_counts if sum(other_counts) else None,
        )
