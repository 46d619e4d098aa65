"""One import: batches of facts are held against what is known, and each source's delivery is on record."""

import gc
import secrets
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from waterbed.intake.batches import Batch, BatchSource, without_forgotten
from waterbed.intake.csv_table import Rejected
from waterbed.intake.reports import Defaults
from waterbed.model.bookkeeping import Delivery
from waterbed.model.facts import ExternalObservation, Report, Target
from waterbed.store.backlog import begin_ladder
from waterbed.store.bulk import Columns, insert_columns
from waterbed.store.folder import Folder

_CACHE_MIB = 192
"""Pages of the store that are kept at hand: with few, one page is written many times in a transaction."""


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


def take_in(
    folder: Folder,
    batches: BatchSource,
    defaults: Defaults,
    *,
    file_id: str | None = None,
    progress: Callable[[int], None] | None = None,
) -> ImportReport:
    """Import batch by batch, a transaction each; the last one holds the deliveries too, with the id of their file.

    While one is written, the next is made: the database works without the interpreter's lock.
    """
    tally = _Tally(file_id=file_id)
    with _nothing_collected():
        batches.begin()  # a file of the wrong kind fails here, before anything is written
        with folder.run("import") as run, ThreadPoolExecutor(1) as writer:
            batch = batches.next(folder.clock())
            while True:
                tally.rejected += batch.rejected
                written = writer.submit(_one_batch, folder, batch, defaults, tally, run.run_id)
                following = None if batch.last else batches.next(folder.clock())
                written.result()
                run.done = tally.done
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
        forgotten=tally.forgotten,
        empty=not tally.done and not tally.rejected,
        heard=tally.heard,
    )


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


def _one_batch(folder: Folder, batch: Batch, defaults: Defaults, tally: _Tally, run_id: str) -> None:
    now, store = batch.now, folder.store
    tally.lines.update(batch.sources)
    with store.writing(_CACHE_MIB) as connection:
        facts = batch.facts
        if store.anything_forgotten(connection):
            named = {*facts[Target].column("url_id"), *facts[Target].column("host_id")}
            facts, forgotten = without_forgotten(batch, store.forgotten_among(named, connection))
            tally.forgotten += forgotten
        facts = _without_retold(folder, batch, facts)
        words = facts[ExternalObservation].column("testimony_id")
        tally.heard += len(words) - len(store.known_ids(ExternalObservation, "testimony_id", words, connection))
        reports, ids = facts[Report], facts[Report].column("report_id")
        known = store.known_ids(Report, "report_id", ids, connection)
        new = reports.only([n for n, report_id in enumerate(ids) if report_id not in known])
        tally.new.update(new.column("source"))
        for columns in facts.values():
            insert_columns(columns, connection)
        if defaults.look:
            store.make_due(now, set(new.column("url_id")), connection)
            fresh = now - timedelta(seconds=folder.config.schedule.fresh_s)
            begin_ladder(_told_after(fresh, new, now), now, fresh, connection)
        for category, url_ids in _strict(folder, reports).items():
            store.set_category(category, url_ids, connection)
        if batch.last:
            store.add(_deliveries(tally, defaults, run_id, now), connection)


def _told_after(fresh: datetime, new: Columns, now: datetime) -> list[str]:
    told = zip(new.column("url_id"), new.column("reported_at"), strict=True)
    return sorted({url_id for url_id, reported_at in told if (reported_at or now) > fresh})


def _without_retold(folder: Folder, batch: Batch, facts: Mapping[type, Columns]) -> Mapping[type, Columns]:
    """Leave out reports of lines that only tell more of what their source has reported before, or in this batch."""
    if batch.first_hand is None:
        return facts
    reports = facts[Report]
    url_ids, times, sources = (reports.column(name) for name in ("url_id", "reported_at", "source"))
    known = {(one.url_id, one.source) for one in folder.store.by_ids(Report, "url_id", set(url_ids))}
    kept = []
    for n, (url_id, reported_at, source) in enumerate(zip(url_ids, times, sources, strict=True)):
        if (url_id, reported_at) in batch.first_hand or (url_id, source) not in known:
            kept.append(n)
        known.add((url_id, source))
    return {**facts, Report: reports.only(kept)}


def _strict(folder: Folder, reports: Columns) -> dict[str, set[str]]:
    """What anyone reports in a strict category: it is looked at strictly from now on, whatever came first."""
    probe = folder.config.probe
    strict: dict[str, set[str]] = defaultdict(set)
    for category, url_id in zip(reports.column("category"), reports.column("url_id"), strict=True):
        if probe.profiles.get(category, probe.default_profile) == "strict":
            strict[category].add(url_id)
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
