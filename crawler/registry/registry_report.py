"""The report of a crawl of registries, registry by registry."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from waterbed.crawler.registry.queue import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRow:
    """One registry in one crawl."""

    registry: Annotated[str, "the registry; none: nobody is in charge"]
    asked: Annotated[int, "addresses, ASes and domains to be looked up there"]
    ok: Annotated[int, "of these, answered"]
    covered: Annotated[int, "of these, within a network that another answer gave"]
    failed: Annotated[tuple[str, ...], "reasons, each with how many look-ups ended so, at any level"]
    requests: Annotated[int, "HTTP requests"]
    waited_s: Annotated[float, "time waited for the pace, seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlReport:
    """The counts of one crawl."""

    rows: tuple[RegistryRow, ...]
    stopped: bool

    @property
    def without(self) -> int:
        """Count the look-ups that ended without a registration."""
        return sum(row.asked - row.ok - row.covered for row in self.rows)

    @property
    def requests(self) -> int:
        """Count all HTTP requests."""
        return sum(row.requests for row in self.rows)


def report_of(queues: Iterable[Queue], *, without: int, stopped: bool) -> CrawlReport:
    """Build the report; `without` counts look-ups without a registry."""
    rows = [
        RegistryRow(
            registry=queue.name,
            asked=queue.asked,
            ok=queue.answered,
            covered=queue.covered,
            failed=tuple(f"{count} {reason}" for reason, count in queue.failed.most_common()),
            requests=queue.requests,
            waited_s=round(queue.waited.total_seconds(), 1),
        )
        for queue in sorted(queues, key=lambda queue: queue.name)
    ]
    if without:
        nobody = (f"{without} no_registry",)
        rows.append(
            RegistryRow(registry="none", asked=without, ok=0, covered=0, failed=nobody, requests=0, waited_s=0.0)
        )
    return CrawlReport(rows=tuple(rows), stopped=stopped)
