"""Compares the reports of a batch with those on record."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b

from waterbed.intake.batches import Batch
from waterbed.intake.reports import report_id_of
from waterbed.model.facts import Report
from waterbed.store.bulk import Columns

_Identity = tuple[str, str, datetime | None, str | None, str]
"""Source, URL, time, content and category: reports that agree in them are one."""

_Known = Callable[[Collection[str]], set[str]]
"""Those of some ids of reports that are on record."""

_OfUrls = Callable[[Collection[str]], list[Report]]
"""The reports of some URLs that are on record."""

_IDENTITY = ("source", "url_id", "reported_at", "content_id", "category")


@dataclass(slots=True, kw_only=True)
class Reversed:
    """Assessments that return to an earlier one, after another: those that count again, and those that are older.

    An assessment is older if the whole file was imported before (`again`), or if its report was last verified before
    that of the newest one. With `asked` all count again.
    """

    again: bool = False
    asked: bool = False
    counted: int = 0
    older: int = 0


def compared(
    batch: Batch, facts: Mapping[type, Columns], of_urls: _OfUrls, known: _Known, returned: Reversed
) -> Mapping[type, Columns]:
    """Return the facts that are to be stored.

    A supplement to a report of the same source, on record or in this batch, is dropped; its assessment counts as one of
    that report. An assessment that returns to an earlier one, after another, is a report of its own, unless it is older
    than the other; `returned` counts both.
    """
    reports = facts[Report]
    if not reports.count:
        return facts
    if batch.first_hand is not None:
        reports = _supplemented(of_urls, batch.first_hand, reports)
    return {**facts, Report: _returning(of_urls, reports, known, returned)}


def _identities(reports: Columns) -> list[_Identity]:
    return list(zip(*map(reports.column, _IDENTITY), strict=True))


def _supplemented(of_urls: _OfUrls, first_hand: frozenset[tuple[str, datetime | None]], reports: Columns) -> Columns:
    """Drop supplements to reports that are known; what they assess is told of the last such report."""
    known: dict[tuple[str, str], _Identity] = {}
    for one in sorted(of_urls(set(reports.column("url_id"))), key=lambda one: (one.received_at, one.report_id)):
        known[one.source, one.url_id] = (one.source, one.url_id, one.reported_at, one.content_id, one.category)
    ids, assessed = list(reports.column("report_id")), reports.column("assessed_illegal")
    identities, kept = _identities(reports), dict[str, int]()
    for n, identity in enumerate(identities):
        source, url_id, reported_at, _, _ = identity
        theirs = known.get((source, url_id))
        if theirs is None or (url_id, reported_at) in first_hand:
            known[source, url_id] = identity
        elif assessed[n] is None:
            continue
        else:
            identities[n], ids[n] = theirs, report_id_of(*theirs, assessed[n])
        kept.setdefault(ids[n], n)
    changed = {**dict(zip(_IDENTITY, zip(*identities, strict=True), strict=True)), "report_id": ids}
    cells = {**reports.cells, **changed}
    same = {name: value for name, value in reports.same.items() if name not in changed}
    return replace(reports, cells=cells, same=same).only(list(kept.values()))


def _returning(of_urls: _OfUrls, reports: Columns, known: _Known, returned: Reversed) -> Columns:
    """Give assessments that return to an earlier one, after another, ids of their own; older ones stay known."""
    ids, identities = list(reports.column("report_id")), _identities(reports)
    rows = [n for n, told in enumerate(reports.column("assessed_illegal")) if told is not None]
    told = reports.column("assessed_illegal")
    other = {n: report_id_of(*identities[n], not told[n]) for n in rows}
    here = set(ids)
    on_record = known({*other.values(), *(ids[n] for n in rows)})
    rows = [n for n in rows if ids[n] in on_record and other[n] in on_record and other[n] not in here]
    if not rows:
        return reports
    last: dict[_Identity, Report] = {}
    for one in of_urls({identities[n][1] for n in rows}):
        if one.assessed_illegal is not None:
            identity = (one.source, one.url_id, one.reported_at, one.content_id, one.category)
            newest = max(last.get(identity, one), one, key=lambda one: (one.received_at, not one.assessed_illegal))
            last[identity] = newest
    verified = reports.column("verified_at")
    for n in rows:
        newest = last[identities[n]]
        if newest.assessed_illegal is told[n]:
            continue
        before = verified[n] is not None and newest.verified_at is not None and verified[n] < newest.verified_at
        if (returned.again or before) and not returned.asked:
            returned.older += 1
        else:
            returned.counted += 1
            ids[n] = blake2b(f"{ids[n]}\x00{newest.report_id}".encode(), digest_size=16).hexdigest()
    return reports.replaced("report_id", ids)
