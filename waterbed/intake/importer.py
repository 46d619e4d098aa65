"""One import: facts are stored in batches, and deliveries recorded."""

import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from waterbed.intake.batches import Batch, BatchSource, without_forgotten
from waterbed.intake.csv_table import Rejected
from waterbed.intake.known_reports import Reversed, compared
from waterbed.intake.reports import Defaults
from waterbed.model.bookkeeping import Delivery
from waterbed.model.collector import collector_paused
from waterbed.model.facts import ExternalObservation, Report, Target
from waterbed.model.progress import stage
from waterbed.store.backlog import begin_ladder, end_refuted
from waterbed.store.bounded.limits import MOST_REJECTED
from waterbed.store.bulk import Columns, insert_columns
from waterbed.store.folder import Folder

_CACHE_MIB = 192
"""Cache of the store's pages: with a small one, a page is written many times in a transaction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """Results of an import; each line is in one count."""

    imported: int
    known: int
    rejected: tuple[Rejected, ...]
    """The first MOST_REJECTED rejected lines."""
    rejections: int
    """Rejected lines."""
    forgotten: int
    """Lines skipped because their URL or host was forgotten."""
    empty: bool
    """True if the file has no lines: an empty delivery."""
    external: int = 0
    """New external observations."""
    dated: int = 0
    """Lines with a time of report."""
    without_url: int = 0
    """Indicators that name no URL: addresses, names, checksums."""
    undated: tuple[str, ...] = ()
    """Names of what is not read in a file whose reports have no time of their own."""
    returned: Reversed = field(default_factory=Reversed)
    """Assessments that returned to an earlier one: those that count, and those that are older and do not."""


@dataclass(slots=True, kw_only=True)
class _Tally:
    """Counts of an import so far."""

    file_id: str | None
    lines: Counter[str] = field(default_factory=Counter)
    """Valid lines by source, including known and forgotten ones."""
    new: Counter[str] = field(default_factory=Counter)
    dated: int = 0
    external: int = 0
    forgotten: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    """The first rejected lines."""
    rejections: int = 0
    without_url: int = 0
    returned: Reversed = field(default_factory=Reversed)

    @property
    def done(self) -> int:
        return sum(self.lines.values())


def import_reports(
    folder: Folder,
    batches: BatchSource,
    defaults: Defaults,
    *,
    file_id: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import reports in batches, one transaction each.

    The last transaction also records the deliveries, with the id of their file. While one batch is written, the next
    is made: the database works without the interpreter's lock. `progress` gets the number of lines so far.
    """
    again = file_id is not None and bool(folder.store.by_ids(Delivery, "file_id", [file_id]))
    tally = _Tally(file_id=file_id, returned=Reversed(again=again, asked=defaults.reassess))
    with collector_paused():
        batches.begin()  # a file of the wrong kind fails here, before anything is written
        with folder.run("import") as run, ThreadPoolExecutor(1) as writer, stage("reports") as advance:
            batch = batches.next(folder.clock())
            while True:
                tally.rejections += len(batch.rejected)
                tally.without_url += batch.without_url
                tally.rejected += batch.rejected[: MOST_REJECTED - len(tally.rejected)]
                written = writer.submit(_one_batch, folder, batch, defaults, tally, run.run_id)
                following = None if batch.last else batches.next(folder.clock())
                written.result()
                run.done = advance.done = tally.done
                if progress:
                    progress(tally.done)
                if following is None:
                    break
                batch = following
    imported = sum(tally.new.values())
    return ImportReport(
        imported=imported,
        known=tally.done - imported - tally.forgotten,
        rejected=tuple(tally.rejected),
        rejections=tally.rejections,
        forgotten=tally.forgotten,
        empty=not tally.done and not tally.rejections and not tally.without_url,
        external=tally.external,
        dated=tally.dated,
        without_url=tally.without_url,
        returned=tally.returned,
    )


def _one_batch(folder: Folder, batch: Batch, defaults: Defaults, tally: _Tally, run_id: str) -> None:
    now, store = batch.now, folder.store
    tally.lines.update(batch.sources)
    tally.dated += batch.dated
    with store.writing(_CACHE_MIB) as connection:
        facts = batch.facts
        if store.anything_forgotten(connection):
            named = {*facts[Target].column("url_id"), *facts[Target].column("host_id")}
            named |= {*batch.referers, *batch.referers.values()}
            facts, forgotten = without_forgotten(batch, store.forgotten_among(named, connection))
            tally.forgotten += forgotten
        every = facts[Report]
        known_of = partial(store.known_ids, Report, "report_id", connection=connection)
        of_urls = partial(store.by_ids, Report, "url_id", connection=connection)
        facts = compared(batch, facts, of_urls, known_of, tally.returned)
        observed = facts[ExternalObservation].column("testimony_id")
        tally.external += len(observed) - len(
            store.known_ids(ExternalObservation, "testimony_id", observed, connection)
        )
        reports, ids = facts[Report], facts[Report].column("report_id")
        known = known_of(ids)
        new = reports.only([n for n, report_id in enumerate(ids) if report_id not in known])
        own = (n for n, report_id in enumerate(new.column("report_id")) if report_id not in batch.pages)
        tally.new.update(new.only(list(own)).column("source"))
        for columns in facts.values():
            insert_columns(columns, connection)
        if defaults.look:
            store.make_due(now, set(new.column("url_id")), connection)
            fresh = now - timedelta(seconds=folder.config.schedule.fresh_s)
            begin_ladder(_reported_after(fresh, new, now), now, fresh, connection)
        for category, url_ids in _strict(folder, every).items():
            store.set_category(category, url_ids, connection)
        if batch.last:
            if folder.config.judge.assessment == "decides":
                end_refuted(connection)
            store.add(_deliveries(tally, defaults, run_id, now), connection)


def _reported_after(fresh: datetime, new: Columns, now: datetime) -> list[str]:
    reports = zip(new.column("url_id"), new.column("reported_at"), strict=True)
    return sorted({url_id for url_id, reported_at in reports if (reported_at or now) > fresh})


def _strict(folder: Folder, reports: Columns) -> dict[str, set[str]]:
    """URLs reported in a strict category: they are checked strictly from now on, whatever came first."""
    probe = folder.config.probe
    strict: dict[str, set[str]] = defaultdict(set)
    for category, url_id in zip(reports.column("category"), reports.column("url_id"), strict=True):
        if probe.profile_of(category) == "strict":
            strict[category].add(url_id)
    return strict


def _deliveries(tally: _Tally, defaults: Defaults, run_id: str, now: datetime) -> Iterator[Delivery]:
    """One delivery for each source; an import without a valid line is an empty delivery of the default source.

    The source of a rejected line is unknown: it counts with the default source, or with the largest if that has none.
    A file of indicators without URLs alone is no delivery of reports.
    """
    if tally.without_url and not tally.lines and not tally.rejections:
        return
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
            rejected=tally.rejections if source == blamed else 0,
            file_id=tally.file_id,
        )
