"""Lines of a file, some at a time, and the facts that they make: work for the processor alone."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Protocol

from waterbed.intake.csv_reports import ReportLine
from waterbed.intake.csv_table import Rejected
from waterbed.intake.reports import Defaults, report_facts
from waterbed.model.bookkeeping import Due, Sealed
from waterbed.model.facts import ExternalObservation, Report, Target
from waterbed.store.bulk import Columns, columns_of
from waterbed.store.vault import Vault

LINES_AT_ONCE = 50_000
"""Lines in one transaction: ids are random, so each one touches nearly every page of the store's indexes."""

_KEYS: dict[type, str] = {
    Sealed: "entry_id",
    Report: "report_id",
    Target: "url_id",
    Due: "url_id",
    ExternalObservation: "testimony_id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What some lines come to, before it is held against what is known."""

    now: datetime
    rejected: list[Rejected]
    sources: Counter[str]
    """Good lines by source."""
    urls: list[str]
    """The URL's id of each good line."""
    first_hand: frozenset[tuple[str, datetime | None]] | None
    """URL and time of lines that tell nothing again; None if no line does."""
    facts: Mapping[type, Columns]
    """Each target, entry and due look once, since many lines name one host."""
    last: bool


class BatchSource(Protocol):
    """What gives one batch after the other."""

    def begin(self) -> None:
        """Read the first lines, and nothing else: InputError if the file is of the wrong kind."""
        ...

    def next(self, now: datetime) -> Batch:
        """The next one; the facts are of this time. Not to be called after the last one."""
        ...


class Batches:
    """Batches that are made in this process."""

    def __init__(self, lines: Iterator[ReportLine | Rejected], vault: Callable[[], Vault], defaults: Defaults) -> None:
        """Take the lines, by whose keys each batch is sealed, and what lines are that do not say."""
        self._lines, self._vault, self._defaults = lines, vault, defaults
        self._ahead: list[ReportLine | Rejected] = []

    def begin(self) -> None:
        """Read the lines of the first batch."""
        self._ahead = list(islice(self._lines, LINES_AT_ONCE))

    def next(self, now: datetime) -> Batch:
        """The next one; the first one, of a file without lines, is empty."""
        lines = [*self._ahead, *islice(self._lines, LINES_AT_ONCE - len(self._ahead))]
        self._ahead = list(islice(self._lines, 1))
        good = [line for line in lines if isinstance(line, ReportLine)]
        urls, facts = self._facts(good, now)
        columns = {kind: columns_of(kind, of) for kind, of in facts.items()}
        first_hand = None
        if any(line.retold for line in good):
            first_hand = frozenset(
                (url_id, line.reported_at) for url_id, line in zip(urls, good, strict=True) if not line.retold
            )
        else:  # of lines that are told again the first counts: their order stays
            columns = {kind: _in_order(of) for kind, of in columns.items()}
        return Batch(
            now=now,
            rejected=[line for line in lines if isinstance(line, Rejected)],
            sources=Counter(line.source or self._defaults.source for line in good),
            urls=urls,
            first_hand=first_hand,
            facts=columns,
            last=not self._ahead,
        )

    def _facts(self, lines: list[ReportLine], now: datetime) -> tuple[list[str], dict[type, list[Any]]]:
        """The URL's id of each line, and the facts of all."""
        sealed: set[str] = set()
        urls: list[str] = []
        vault = self._vault()
        seen: dict[type, dict[str, Any]] = {kind: {} for kind in _KEYS}
        for line in lines:
            for fact in report_facts(line, vault, defaults=self._defaults, now=now, sealed=sealed):
                kind = type(fact)
                key = getattr(fact, _KEYS[kind])
                seen[kind].setdefault(key, fact)
                if kind is Target:
                    urls.append(key)
        return urls, {kind: list(of.values()) for kind, of in seen.items()}


def _in_order(facts: Columns) -> Columns:
    """By URL or entry, so that what lies on one page of an index comes together."""
    ids = facts.column("entry_id" if facts.cls is Sealed else "url_id")
    return facts.only(sorted(range(facts.count), key=ids.__getitem__))


def without_forgotten(batch: Batch, gone: set[str]) -> tuple[Mapping[type, Columns], int]:
    """The facts of lines that name none of some URLs and hosts, and how many lines do."""
    if not gone:
        return batch.facts, 0
    targets = batch.facts[Target]
    pairs = list(zip(targets.column("url_id"), targets.column("host_id"), strict=True))
    kept = {url_id for url_id, host_id in pairs if url_id not in gone and host_id not in gone}
    named = kept | {host_id for url_id, host_id in pairs if url_id in kept}
    facts = {}
    for kind, columns in batch.facts.items():
        ids, stay = (columns.column("entry_id"), named) if kind is Sealed else (columns.column("url_id"), kept)
        facts[kind] = columns.only([n for n, one in enumerate(ids) if one in stay])
    return facts, sum(url_id not in kept for url_id in batch.urls)
