"""One import: lines that are parsed become facts, and each source's delivery is on record."""

import gc
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from operator import attrgetter
from typing import Any

from waterbed.intake.csv_reports import Rejected, ReportLine
from waterbed.intake.reports import Defaults, report_facts
from waterbed.model.bookkeeping import Delivery, Due, Sealed
from waterbed.model.facts import Report, Target, Testimony
from waterbed.store.backlog import begin_ladder
from waterbed.store.folder import Folder, Pass

_LINES_AT_ONCE = 50_000
"""Lines in one transaction: ids are random, so each one touches nearly every page of the store's indexes."""

_CACHE_MIB = 192
"""Pages of the store that are kept at hand: with few, one page is written many times in a transaction."""

_KEYS: dict[type, str] = {
    Sealed: "entry_id",
    Report: "report_id",
    Target: "url_id",
    Due: "url_id",
    Testimony: "testimony_id",
}
_PLACES = {kind: attrgetter("entry_id" if kind is Sealed else "url_id") for kind in _KEYS}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did. Every line that is no report's is in one of these counts."""

    imported: int
    known: int
    rejected: tuple[Rejected, ...]
    forgotten: int
    """Lines whose URL or host was forgotten: they are not taken in."""
    empty: bool
    """Whether it held no line at all: a delivery of nothing, on record as such."""
    heard: int = 0
    """New words of another observer on what it saw itself."""


@dataclass(slots=True, kw_only=True)
class _Tally:
    """What one import has come to so far."""

    file_id: str | None
    lines: Counter[str] = field(default_factory=Counter)
    """Good lines by source, known and forgotten ones too."""
    new: Counter[str] = field(default_factory=Counter)
    heard: int = 0
    forgotten: int = 0
    rejected: list[Rejected] = field(default_factory=list)

    @property
    def done(self) -> int:
        return sum(self.lines.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """Lines that are ready to be written, and the facts that they make."""

    lines: list[ReportLine]
    facts: list[Any]
    now: datetime
    last: bool


def take_in(
    folder: Folder,
    lines: Iterator[ReportLine | Rejected],
    defaults: Defaults,
    *,
    file_id: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import lines, 50,000 a transaction; the last one holds the deliveries too, with the id of their file.

    While one batch is written, the next is read and encrypted: the database works without the interpreter's lock.
    """
    tally = _Tally(file_id=file_id)
    batch = list(islice(lines, _LINES_AT_ONCE))  # a file of the wrong kind fails here, before anything is written
    with folder.run("import") as run, _nothing_collected(), ThreadPoolExecutor(1) as writer:
        written: Future[None] | None = None
        while True:
            tally.rejected += [line for line in batch if isinstance(line, Rejected)]
            good = [line for line in batch if isinstance(line, ReportLine)]
            now = folder.clock()
            facts = _facts(folder, good, defaults, now)
            batch = list(islice(lines, _LINES_AT_ONCE))
            _await(written, tally, run, progress)
            ready = _Batch(lines=good, facts=facts, now=now, last=not batch)
            written = writer.submit(_one_batch, folder, ready, defaults, tally, run.run_id)
            if not batch:
                break
        _await(written, tally, run, progress)
    imported = sum(tally.new.values())
    return ImportReport(
        imported=imported,
        known=tally.done - imported - tally.forgotten,
        rejected=tuple(tally.rejected),
        forgotten=tally.forgotten,
        empty=not tally.done and not tally.rejected,
        heard=tally.heard,
    )


def _await(written: Future[None] | None, tally: _Tally, run: Pass, progress: Callable[[int], None] | None) -> None:
    """Wait until the batch before is written, and tell how far it is."""
    if written is None:
        return
    written.result()
    run.done = tally.done
    if progress:
        progress(tally.done)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """No search for cycles meanwhile: of millions of facts none is in one, and looking costs a seventh of the time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _one_batch(folder: Folder, batch: _Batch, defaults: Defaults, tally: _Tally, run_id: str) -> None:
    lines, facts, now, store = batch.lines, batch.facts, batch.now, folder.store
    tally.lines.update(line.source or defaults.source for line in lines)
    with store.writing(_CACHE_MIB) as connection:
        gone = store.forgotten_among(_ids(facts), connection) if store.anything_forgotten(connection) else set()
        if gone:
            kept = [line for line in lines if not _ids(_facts(folder, [line], defaults, now)) & gone]
            tally.forgotten += len(lines) - len(kept)
            facts = _facts(folder, kept, defaults, now)
        facts = _without_retold(folder, lines, facts)
        reports = {fact.report_id: fact for fact in facts if isinstance(fact, Report)}
        words = [fact.testimony_id for fact in facts if isinstance(fact, Testimony)]
        tally.heard += len(words) - len(store.known_ids(Testimony, "testimony_id", words, connection))
        known = store.known_ids(Report, "report_id", reports, connection)
        new = [report for report_id, report in reports.items() if report_id not in known]
        tally.new.update(report.source for report in new)
        store.add(facts, connection)
        if defaults.look:
            store.make_due(now, {report.url_id for report in new}, connection)
            fresh = now - timedelta(seconds=folder.config.schedule.fresh_s)
            again = sorted({report.url_id for report in new if (report.reported_at or now) > fresh})
            begin_ladder(again, now, fresh, connection)
        for category, url_ids in _strict(folder, reports.values()).items():
            store.set_category(category, url_ids, connection)
        if batch.last:
            store.add(_deliveries(tally, defaults, run_id, now), connection)


def _facts(folder: Folder, lines: list[ReportLine], defaults: Defaults, now: datetime) -> list[Any]:
    """The facts of some lines; each target, entry and due look once, since many lines name one host.

    By URL or entry, so that what lies on one page of an index comes together; but as they were told if some lines are
    told again, since of those the first one counts.
    """
    sealed: set[str] = set()
    seen: dict[type, dict[str, Any]] = {kind: {} for kind in _KEYS}
    for line in lines:
        for fact in report_facts(line, folder.vault, defaults=defaults, now=now, sealed=sealed):
            kind = type(fact)
            seen[kind].setdefault(getattr(fact, _KEYS[kind]), fact)
    if any(line.retold for line in lines):
        return [fact for of in seen.values() for fact in of.values()]
    return [fact for kind, of in seen.items() for fact in sorted(of.values(), key=_PLACES[kind])]


def _without_retold(folder: Folder, lines: list[ReportLine], facts: list[Any]) -> list[Any]:
    """Leave out reports of lines that only tell more of what their source has reported before, or in this batch."""
    if not any(line.retold for line in lines):
        return facts
    first_hand = {_said(folder, line) for line in lines if not line.retold}
    reports = [fact for fact in facts if isinstance(fact, Report)]
    known = {(one.url_id, one.source) for one in folder.store.by_ids(Report, "url_id", {r.url_id for r in reports})}
    dropped: set[str] = set()
    for report in reports:
        if (report.url_id, report.reported_at) not in first_hand and (report.url_id, report.source) in known:
            dropped.add(report.report_id)
        known.add((report.url_id, report.source))
    return [fact for fact in facts if not isinstance(fact, Report) or fact.report_id not in dropped]


def _said(folder: Folder, line: ReportLine) -> tuple[str, datetime | None]:
    """The URL of a line and when it was reported."""
    return folder.vault.keyed_id("url", line.spelled.url), line.reported_at


def _ids(facts: list[Any]) -> set[str]:
    """The ids of all URLs and hosts in some facts."""
    return {found for fact in facts if isinstance(fact, Target) for found in (fact.url_id, fact.host_id)}


def _strict(folder: Folder, reports: Iterable[Report]) -> dict[str, set[str]]:
    """What anyone reports in a strict category: it is looked at strictly from now on, whatever came first."""
    probe = folder.config.probe
    strict: dict[str, set[str]] = defaultdict(set)
    for report in reports:
        if probe.profiles.get(report.category, probe.default_profile) == "strict":
            strict[report.category].add(report.url_id)
    return strict


def _deliveries(tally: _Tally, defaults: Defaults, run_id: str, now: datetime) -> Iterator[Delivery]:
    """One for each source; an import without a good line is a delivery of nothing by its default source.

    A rejected line's source is unknown: it counts with the default source, or with the largest if that has no line.
    """
    counts = tally.lines or Counter({defaults.source: 0})
    blamed = defaults.source if defaults.source in counts else counts.most_common(1)[0][0]
    for source, reports in sorted(counts.items()):
        yield Delivery(
            delivery_id=secrets.token_hex(16),
            source=source,
            run_id=run_id,
            received_at=now,
            reports=reports,
            new=tally.new[source],
            rejected=len(tally.rejected) if source == blamed else 0,
            file_id=tally.file_id,
        )
