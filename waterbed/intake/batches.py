"""Batches of lines, and their facts. No I/O."""

import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, Final, Protocol

from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.csv_table import Rejected, WithoutUrl, in_future
from waterbed.intake.reports import Defaults, report_facts
from waterbed.model.bookkeeping import Due, Sealed
from waterbed.model.errors import InputError, ReaderBroke, WaterbedError
from waterbed.model.facts import ExternalObservation, Report, Target
from waterbed.store.bounded.limits import MOST_SOURCES
from waterbed.store.bulk import Columns, columns_of
from waterbed.store.vault import Vault

LINES_AT_ONCE = 50_000
"""Lines in one transaction.

Ids are random, so each transaction touches nearly every page of the store's indexes.
"""

TEXT_AT_ONCE = 8 << 20
"""Characters of addresses and contents in one transaction: what is made of them takes some ten times as much memory."""

Line = ReportLine | Rejected | WithoutUrl
"""What is read of a line."""

_KEYS: dict[type, str] = {
    Sealed: "entry_id",
    Report: "report_id",
    Target: "url_id",
    Due: "url_id",
    ExternalObservation: "testimony_id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Facts of some lines, before comparison with the store."""

    now: datetime
    rejected: list[Rejected]
    without_url: int
    """Indicators that name no URL."""
    sources: Counter[str]
    """Good lines by source."""
    dated: int
    """Good lines with a time of report."""
    urls: list[str]
    """The URL's id of each good line."""
    pages: frozenset[str]
    """Reports of pages that show what a line reports: no lines of their own."""
    referers: Mapping[str, str]
    """The host's id of each referer, by the referer's id."""
    first_hand: frozenset[tuple[str, datetime | None]] | None
    """URL and time of the lines that are not supplements.

    None if no line is a supplement.
    """
    facts: Mapping[type, Columns]
    """Facts by type, each once although many lines repeat them."""
    last: bool


class BatchSource(Protocol):
    """A source of batches, one after the other."""

    def begin(self) -> None:
        """Read the first lines; InputError if the format is wrong."""
        ...

    def next(self, now: datetime) -> Batch:
        """Return the next batch, its facts dated `now`.

        Must not be called after the last batch.
        """
        ...


class Batches:
    """Batches made in this process."""

    def __init__(self, lines: Iterator[Line], vault: Callable[[], Vault], defaults: Defaults) -> None:
        """Take the lines, the vault that seals URLs, and the defaults for empty fields."""
        self._lines, self._vault, self._defaults = lines, vault, defaults
        self._ahead: list[Line] = []
        self._begun = False
        self._sources: set[str] = set()

    def begin(self) -> None:
        """Read the lines of the first batch."""
        self._ahead, self._begun = self._some(), True

    def next(self, now: datetime) -> Batch:
        """Return the next batch; empty for a file without lines."""
        lines = self._ahead if self._begun else [*self._ahead, *self._some()]
        with _costing_the_file_alone():
            self._begun, self._ahead = False, list(islice(self._lines, 1))
        lines = [_in_time(now, line) for line in lines]
        good = [line for line in lines if isinstance(line, ReportLine)]
        urls, pages, facts = self._facts(good, now)
        columns = {kind: columns_of(kind, of) for kind, of in facts.items()}
        first_hand = None
        if any(line.supplement for line in good):
            first_hand = frozenset(
                (url_id, line.reported_at) for url_id, line in zip(urls, good, strict=True) if not line.supplement
            )
        else:  # only here: among supplements the first counts, so their order must stay
            columns = {kind: _in_order(of) for kind, of in columns.items()}
        sources = Counter(line.source or self._defaults.source for line in good)
        self._sources.update(sources)
        if len(self._sources) > MOST_SOURCES:
            raise InputError(f"the file names more than {MOST_SOURCES:,} sources; split it (docs/intake.md, Bounds)")
        return Batch(
            now=now,
            rejected=[line for line in lines if isinstance(line, Rejected)],
            without_url=sum(isinstance(line, WithoutUrl) for line in lines),
            sources=sources,
            dated=sum(line.reported_at is not None for line in good),
            urls=urls,
            pages=pages,
            referers=self._referers(good),
            first_hand=first_hand,
            facts=columns,
            last=not self._ahead,
        )

    def _some(self) -> list[Line]:
        """The next lines, as many as go into one batch."""
        some, size = [], 0
        with _costing_the_file_alone():
            for line in islice(self._lines, LINES_AT_ONCE - len(self._ahead)):
                some.append(line)
                if isinstance(line, ReportLine):
                    size += sum(len(one.url) for one in (line.canonical, line.parent, line.referer) if one)
                    size += len(line.content_id or "")
                    if size > TEXT_AT_ONCE:
                        break
        return some

    def _facts(self, lines: list[ReportLine], now: datetime) -> tuple[list[str], frozenset[str], dict[type, list[Any]]]:
        """The URL's id of each line, the reports of pages, and the facts of all."""
        sealed: set[str] = set()
        urls: list[str] = []
        own: set[str] = set()
        vault = self._vault()
        seen: dict[type, dict[str, Any]] = {kind: {} for kind in _KEYS}
        for line in lines:
            first: dict[type, str] = {}
            for fact in report_facts(line, vault, defaults=self._defaults, now=now, sealed=sealed):
                kind = type(fact)
                key = getattr(fact, _KEYS[kind])
                seen[kind].setdefault(key, fact)
                first.setdefault(kind, key)
            urls.append(first[Target])
            own.add(first[Report])
        pages = frozenset(seen[Report].keys() - own)
        return urls, pages, {kind: list(of.values()) for kind, of in seen.items()}

    def _referers(self, lines: list[ReportLine]) -> dict[str, str]:
        keyed, referers = self._vault().keyed_id, {line.referer for line in lines if line.referer}
        return {keyed("url", one.url): keyed("host", one.host) for one in referers}


_AHEAD: Final = timedelta(days=1)
"""A report less than this ahead is kept, and its URL is checked: a clock may be wrong, or a time lack its zone."""


def _in_time(now: datetime, line: Line) -> Line:
    """The line, or its rejection if a time of it lies after `now`: a third party's hour ahead hides a removal."""
    if not isinstance(line, ReportLine):
        return line
    seen = line.sighting
    if seen and any(when and when > now for when in (seen.first_seen, seen.last_seen)):
        return Rejected(
            line=line.line,
            reason="first seen or last seen is in the future; name the time zone of its times with --zone",
        )
    if line.reported_at and line.reported_at > now + _AHEAD:
        latest = max(now, datetime.now(UTC))  # a replay is of a day of its own choice, and of all reports
        if line.reported_at > latest + _AHEAD:
            return Rejected(line=line.line, reason=in_future("reported_at", latest))
    return line


@contextmanager
def _costing_the_file_alone() -> Iterator[None]:
    """Turn a failure of a reader into ReaderBroke, with its place alone: its text may quote a line."""
    try:
        yield
    except WaterbedError:
        raise
    except Exception as problem:
        frame = traceback.extract_tb(problem.__traceback__)[-1]
        where = f"{type(problem).__name__} at {Path(frame.filename).stem}:{frame.lineno}"
        raise ReaderBroke(f"reading the file failed: {where}; please report this line") from None


def _in_order(facts: Columns) -> Columns:
    """Sort by URL or entry, so that rows on one page of an index come together."""
    ids = facts.column("entry_id" if facts.cls is Sealed else "url_id")
    return facts.only(sorted(range(facts.count), key=ids.__getitem__))


def without_forgotten(batch: Batch, gone: set[str]) -> tuple[Mapping[type, Columns], int]:
    """Drop facts about forgotten URLs and hosts, and such referers.

    Returns what is left, and the number of lines about them.
    """
    if not gone:
        return batch.facts, 0
    targets = batch.facts[Target]
    pairs = list(zip(targets.column("url_id"), targets.column("host_id"), strict=True))
    kept = {url_id for url_id, host_id in pairs if url_id not in gone and host_id not in gone}
    reports = batch.facts[Report]
    left = {referer_id for referer_id, host_id in batch.referers.items() if gone.isdisjoint((referer_id, host_id))}
    referers = [one if one in left else None for one in reports.column("referer_id")]
    named = kept | {host_id for url_id, host_id in pairs if url_id in kept}
    named |= {one for url_id, one in zip(reports.column("url_id"), referers, strict=True) if one and url_id in kept}
    facts = {}
    for kind, columns in {**batch.facts, Report: reports.replaced("referer_id", referers)}.items():
        ids, remaining = (columns.column("entry_id"), named) if kind is Sealed else (columns.column("url_id"), kept)
        facts[kind] = columns.only([n for n, row_id in enumerate(ids) if row_id in remaining])
    return facts, sum(url_id not in kept for url_id in batch.urls)
