"""The data quality page: sources, network, quarantines, schedule, table age."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from waterbed.model.conclusions import Quarantine
from waterbed.model.facts import CanaryLook
from waterbed.model.results import FeedCard
from waterbed.publish.policy import Policy, Publication
from waterbed.publish.site.figures import failures_figure
from waterbed.publish.site.layout import Page
from waterbed.store.backlog import schedule_lag
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryRecord:
    """Canary results of one vantage."""

    vantage: Annotated[str, "name of the vantage"]
    looks: Annotated[int, "canary looks"]
    failed: Annotated[int, "of these, failed: what was seen then is not believed"]
    last: Annotated[datetime, "time of the last one"]
    last_ok: Annotated[bool, "whether it was well then"]
    days: Annotated[Sequence[tuple[str, int, int]], "day, canary looks, and failed ones, in order"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A quarantine, with counts below the minimum withheld."""

    what: Annotated[str, "whom it is about, in words"]
    kind: Annotated[str, "canary, all, hoster, prefix or feed"]
    began_at: datetime
    ended_at: datetime
    figures: Annotated[str, "how many of how many, in words"]
    status: Annotated[str, "open, released or voided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Delay of the schedule against its target."""

    due: Annotated[int, "looks that are due now"]
    overdue: Annotated[int, "of these, due for longer than promised"]
    oldest_s: Annotated[float | None, "seconds since the oldest of these was due; null: nothing is due"]
    promised_s: Annotated[float, "seconds within which a due look is to be taken"]
    taken: Annotated[int, "looks taken in the last hour"]
    taken_p50_s: Annotated[float | None, "how late these were, median, seconds; null: none was taken"]
    taken_p95_s: Annotated[float | None, "the same, 95th percentile"]

    @property
    def late(self) -> bool:
        """True if the oldest check is later than promised."""
        return self.oldest_s is not None and self.oldest_s > self.promised_s


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedTable:
    """A table used for attribution."""

    kind: Annotated[str, "routes, places, ..."]
    family: Annotated[int | None, "4, 6 or null"]
    date: datetime
    age_days: Annotated[float, "days from its date to the last look; below 0: it is younger"]
    rows: int
    licence: Annotated[str, "its licence, or that none is named"]
    stale: Annotated[bool, "whether it is the newest of its kind, and older than the settings allow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Number of observations with one outcome."""

    outcome: str
    state: Annotated[str, "up, down or unknown"]
    looks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """Content of the page."""

    cards: Sequence[FeedCard]
    canaries: Annotated[Sequence[CanaryRecord], "by vantage; empty: no canary, so nothing can be called down"]
    held: Annotated[Sequence[Held], "newest first"]
    lag: Lag
    tables: Annotated[Sequence[DatedTable], "newest first within a kind"]
    outcomes: Annotated[Sequence[Outcome], "most frequent first"]
    stale_looks: Annotated[int, "looks attributed with a table too old or too young for their day"]


def quality_page(view: QualityView) -> Page:
    """Render the page on data quality."""
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
    """Format a duration for people."""
    if seconds < 90 * 60:
        return f"{max(0, round(seconds / 60))} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


_COUNTED: Final = {"feed": "{} reports came of usually {}"}
_SITES: Final = "{} of {} sites went down"


def quality_view(study: Study, conclusions: Conclusions, publication: Publication) -> QualityView:
    """Publishable facts about the quality of a study's data."""
    names = {row.key: row.name for row in publication.table("ranking-hoster").rows}
    held = sorted(conclusions.quarantines, key=lambda one: one.began_at, reverse=True)
    counted = conclusions.outcomes
    return QualityView(
        cards=publication.table("feeds").rows,
        canaries=list(_canaries(study, conclusions)),
        held=[held_in_words(one, names, publication.policy) for one in held],
        lag=_lag(study),
        tables=list(_tables(study, conclusions)),
        outcomes=[Outcome(outcome=outcome, state=state, looks=n) for (outcome, state), n in counted.most_common()],
        stale_looks=conclusions.stale_looks,
    )


def _canaries(study: Study, conclusions: Conclusions) -> Iterator[CanaryRecord]:
    need = study.config.canary.need
    looks: dict[str, list[CanaryLook]] = defaultdict(list)
    for look in sorted(conclusions.facts.canaries, key=lambda look: look.observed_at):
        looks[look.vantage].append(look)
    for vantage, own in sorted(looks.items()):
        well = [look.targets > 0 and look.reached >= need * look.targets for look in own]
        days = Counter(f"{look.observed_at:%Y-%m-%d}" for look in own)
        failed = Counter(f"{look.observed_at:%Y-%m-%d}" for look, ok in zip(own, well, strict=True) if not ok)
        yield CanaryRecord(
            vantage=vantage,
            looks=len(own),
            failed=failed.total(),
            last=own[-1].observed_at,
            last_ok=well[-1],
            days=[(day, times, failed[day]) for day, times in days.items()],
        )


def held_in_words(one: Quarantine, names: Mapping[str, str], policy: Policy) -> Held:
    """A quarantine in words, after disclosure control.

    It names no withheld hoster, gives no address unless addresses are published, and states no small count.
    """
    words = {
        "canary": f"our own network at {one.scope}",
        "all": "everything at once",
        "hoster": names.get(one.scope, "a hoster that is not shown"),
        "prefix": f"network {one.scope}" if policy.addresses else "a network",
        "feed": f"delivery of {one.scope}",
    }
    counts = [
        str(n) if n == 0 or n >= policy.least else f"fewer than {policy.least}" for n in (one.flipped, one.looked)
    ]
    return Held(
        what=words[one.kind],
        kind=one.kind,
        began_at=one.began_at,
        ended_at=one.ended_at,
        figures=_COUNTED.get(one.kind, _SITES).format(*counts),
        status=one.status,
    )


def _lag(study: Study) -> Lag:
    found = schedule_lag(study.folder)
    return Lag(
        due=found.due,
        overdue=found.overdue,
        oldest_s=found.late_max_s,
        promised_s=study.config.schedule.late_s,
        taken=found.taken,
        taken_p50_s=found.taken_p50_s,
        taken_p95_s=found.taken_p95_s,
    )


def _tables(study: Study, conclusions: Conclusions) -> Iterator[DatedTable]:
    """Dated tables, newest first; only the newest can be outdated.

    Grouped by kind.
    """
    last = conclusions.span[1] if conclusions.span else study.clock()
    allowed = study.config.routes_max_age_days
    seen: set[tuple[str, int | None]] = set()
    for one in sorted(study.snapshots(), key=lambda one: (one.kind, one.family or 0, -one.data_date.timestamp())):
        age = (last - one.data_date) / timedelta(days=1)
        newest = (one.kind, one.family) not in seen
        seen.add((one.kind, one.family))
        yield DatedTable(
            kind=one.kind,
            family=one.family,
            date=one.data_date,
            age_days=age,
            rows=one.rows,
            licence=one.licence or "not named",
            stale=newest and one.kind == "routes" and age > allowed,
        )
