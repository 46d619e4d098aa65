"""The page on data quality: sources, our own network, what is not believed, the schedule, and the age of tables."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from waterbed.model.standings import FeedCard
from waterbed.publish.site.figures import failures_figure
from waterbed.publish.site.layout import Page


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryRecord:
    """How well one vantage's own network was."""

    vantage: Annotated[str, "name of the vantage"]
    looks: Annotated[int, "canary looks"]
    failed: Annotated[int, "of these, failed: what was seen then is not believed"]
    last: Annotated[datetime, "time of the last one"]
    last_ok: Annotated[bool, "whether it was well then"]
    days: Annotated[Sequence[tuple[str, int, int]], "day, canary looks, and failed ones, in order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Looks or a delivery that are not believed; no number below what may be published."""

    what: Annotated[str, "whom it is about, in words"]
    kind: Annotated[str, "canary, all, hoster, prefix or feed"]
    began_at: datetime
    ended_at: datetime
    figures: Annotated[str, "how many of how many, in words"]
    status: Annotated[str, "open, released or voided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """How far the schedule is behind its promise."""

    due: Annotated[int, "looks that are due now"]
    overdue: Annotated[int, "of these, due for longer than promised"]
    oldest_s: Annotated[float | None, "seconds since the oldest of these was due; null: nothing is due"]
    promised_s: Annotated[float, "seconds within which a due look is to be taken"]
    taken: Annotated[int, "looks taken in the last hour"]
    taken_p50_s: Annotated[float | None, "how late these were, median, seconds; null: none was taken"]
    taken_p95_s: Annotated[float | None, "the same, 95th percentile"]

    @property
    def late(self) -> bool:
        """Whether the oldest is later than promised."""
        return self.oldest_s is not None and self.oldest_s > self.promised_s


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedTable:
    """One table that attribution rests on."""

    kind: Annotated[str, "routes, places, ..."]
    family: Annotated[int | None, "4, 6 or null"]
    date: datetime
    age_days: Annotated[float, "days from its date to the last look; below 0: it is younger"]
    rows: int
    licence: Annotated[str, "its licence, or that none is named"]
    stale: Annotated[bool, "whether it is the newest of its kind, and older than the settings allow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How often looks came to one outcome."""

    outcome: str
    state: Annotated[str, "up, down or unknown"]
    looks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """Everything the page shows."""

    cards: Sequence[FeedCard]
    canaries: Annotated[Sequence[CanaryRecord], "by vantage; empty: no canary, so nothing can be called down"]
    held: Annotated[Sequence[Held], "newest first"]
    lag: Lag
    tables: Annotated[Sequence[DatedTable], "newest first within a kind"]
    outcomes: Annotated[Sequence[Outcome], "most frequent first"]
    stale_looks: Annotated[int, "looks attributed with a table too old or too young for their day"]


def quality_page(view: QualityView) -> Page:
    """The page on data quality."""
    figures: dict[str, Any] = {}
    if any(failed for record in view.canaries for _, _, failed in record.days):
        figures["canary"] = failures_figure([(record.vantage, record.days) for record in view.canaries])
    looks = sum(one.looks for one in view.outcomes)
    undecided = sum(one.looks for one in view.outcomes if one.state == "unknown")
    return Page(
        path="quality.html",
        template="quality.html",
        title="Data quality",
        menu="Data quality",
        scripts=("tables.js",),
        figures=figures,
        values={"view": view, "looks": looks, "undecided": undecided, "hours": hours},
    )


def hours(seconds: float) -> str:
    """Spell a length of time for people."""
    if seconds < 90 * 60:
        return f"{max(0, round(seconds / 60))} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"
