"""Incidents: many reports of one thing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from waterbed.graphs.linking.clusters import DisjointSets
from waterbed.model.facts import Report, Target, named_contents, reported_at

WITHIN: Final = timedelta(days=7)
"""Time after its first report in which an incident takes in further ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """The parts of a report that decide its incident."""

    url_id: Annotated[str, "the reported URL"]
    host_id: Annotated[str, "its host"]
    category: Annotated[str, "what was reported"]
    content_id: Annotated[str | None, "the content, where the source names it"]
    when: Annotated[datetime, "when it was reported, else when it was received"]
    page_id: Annotated[str | None, "the page that shows it, or that it is; null: neither is known"] = None


def complaints(reports: Iterable[Report], targets: Mapping[str, Target]) -> list[Complaint]:
    """The reports of known URLs, reduced to complaints."""
    listed = list(reports)
    contents = named_contents(listed)
    pages = {report.parent_id for report in listed if report.parent_id}
    return [
        Complaint(
            url_id=report.url_id,
            host_id=targets[report.url_id].host_id,
            category=report.category,
            content_id=contents[report.url_id] if report.content_id else None,
            when=reported_at(report),
            page_id=report.parent_id or (report.url_id if report.url_id in pages else None),
        )
        for report in listed
        if report.url_id in targets
    ]


def incidents(found: Iterable[Complaint], *, within: timedelta = WITHIN) -> dict[int, set[str]]:
    """Group complaints into incidents: number to URLs.

    A complaint joins an incident that has its content id, its page, or its host and category, if it came within
    `within` of that incident's first report; else it opens a new one. One that fits two makes them one. The order of
    the input does not matter. Linear but for sorting by time.
    """
    sets = DisjointSets()
    first: list[datetime] = []
    latest: dict[tuple[str, ...], int] = {}
    urls: dict[int, set[str]] = defaultdict(set)
    ordered = sorted(found, key=lambda one: (one.when, one.url_id, one.category, one.content_id or ""))
    members: list[tuple[int, str]] = []
    for one in ordered:
        names: list[tuple[str, ...]] = [("host", one.host_id, one.category)]
        if one.content_id:
            names.append(("content", one.content_id))
        if one.page_id:
            names.append(("page", one.page_id))
        known = {sets.root(latest[name]) for name in names if name in latest}
        open_ = sorted(number for number in known if one.when - first[number] <= within)
        if open_:
            number = open_[0]
            for other in open_[1:]:
                number = sets.join(number, other)
        else:
            number = sets.add()
            first.append(one.when)
        for name in names:
            latest[name] = number
        members.append((number, one.url_id))
    for number, url_id in members:
        urls[sets.root(number)].add(url_id)
    return dict(urls)


@dataclass(slots=True)
class Share:
    """The number of incidents of a key.

    In full, and shared among the keys of each incident.
    """

    full: int = 0
    fractional: float = 0.0


def incidents_by_key(urls: Iterable[Sequence[str] | set[str]], keys: Mapping[str, Sequence[str]]) -> dict[str, Share]:
    """Count incidents under each key.

    `urls` are the URLs of each incident, `keys` those of each URL. An incident counts once under each key of its URLs,
    and as 1/k in the fractional count; one without any key counts nowhere.
    """
    counted: dict[str, Share] = defaultdict(Share)
    for members in urls:
        own = {key for url_id in members for key in keys.get(url_id, ()) if key}
        for key in own:
            counted[key].full += 1
            counted[key].fractional += 1 / len(own)
    return dict(counted)
