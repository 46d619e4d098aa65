"""What a crawl of registries did, registry by registry."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from crawler.registry.queue import Queue


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryRow:
    """One registry in one crawl."""

    registry: Annotated[str, "the registry; none: nobody is in charge"]
    asked: Annotated[int, "addresses and ASes to be looked up there"]
    ok: Annotated[int, "of these, answered"]
    covered: Annotated[int, "of these, within a network that another answer gave"]
    failed: Annotated[tuple[str, ...], "reasons, each with how many look-ups ended so, at any level"]
    requests: Annotated[int, "HTTP requests"]
    waited_s: Annotated[float, "time waited for the pace, seconds"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrawlReport:
    """What a crawl did."""

    rows: tuple[RegistryRow, ...]
    stopped: bool

    @property
    def without(self) -> int:
        """How many look-ups of addresses and ASes ended without a registration."""
        return sum(row.asked - row.ok - row.covered for row in self.rows)

    @property
    def requests(self) -> int:
        """All HTTP requests."""
        return sum(row.requests for row in self.rows)


def report_of(desks: Iterable[Queue], *, without: int, stopped: bool) -> CrawlReport:
    """The report of a crawl; `without`: how many had no registry to ask."""
    rows = [
        RegistryRow(
            registry=desk.name,
            asked=desk.asked,
            ok=desk.answered,
            covered=desk.covered,
            failed=tuple(f"{count} {reason}" for reason, count in desk.failed.most_common()),
            requests=desk.requests,
            waited_s=round(desk.waited.total_seconds(), 1),
        )
        for desk in sorted(desks, key=lambda desk: desk.name)
    ]
    if without:
        nobody = (f"{without} no_registry",)
        rows.append(
            RegistryRow(registry="none", asked=without, ok=0, covered=0, failed=nobody, requests=0, waited_s=0.0)
        )
    return CrawlReport(rows=tuple(rows), stopped=stopped)
