"""Cards of sources: what each delivers, how late, how much of it others have too, and what its rules hide."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, timedelta

import numpy as np
import numpy.typing as npt

from waterbed.estimators.spikes import Spike, hazard_spikes
from waterbed.model.bookkeeping import Delivery
from waterbed.model.conclusions import Quarantine
from waterbed.model.facts import Report, Target
from waterbed.model.standings import FeedCard

Floats = npt.NDArray[np.float64]


def feed_cards(
    reports: Iterable[Report],
    targets: Mapping[str, Target],
    deliveries: Iterable[Delivery],
    quarantines: Iterable[Quarantine],
) -> list[FeedCard]:
    """One card for each source that reported or delivered, most reports first.

    Linear in reports and deliveries. What only a presence list tells is left open.
    """
    of_source: dict[str, list[Report]] = defaultdict(list)
    first: dict[str, tuple[datetime, str]] = {}
    sources_of: dict[str, set[str]] = defaultdict(set)
    for report in reports:
        of_source[report.source].append(report)
        sources_of[report.url_id].add(report.source)
        told = (report.received_at, report.source)
        first[report.url_id] = min(first.get(report.url_id, told), told)
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
    days = {_day(report.reported_at or report.received_at) for report in own}
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
    """The age at which a source drops its entries by rule, the strongest if several; None if there is none.

    Entry i was last listed at age left_days[i] and first missing at right_days[i], inf if it still is listed. Presence
    in such a source says nothing of whether a page is up.
    """
    found = hazard_spikes(left_days, right_days) if left_days.size else []
    return found[0] if found else None
