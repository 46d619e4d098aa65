"""The data quality page: sources, network, quarantines, schedule, table age."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Final

from waterbed.model.conclusions import Quarantine
from waterbed.model.facts import CanaryLook
from waterbed.model.results import FeedCard
from waterbed.publish.policy import Publication
from waterbed.shown.figures.curves import days_of, failures_scene
from waterbed.shown.figures.events import line_keys
from waterbed.shown.figures.marks import Figure
from waterbed.shown.figures.moments import Moment, in_days, moment_keys, moment_words
from waterbed.shown.figures.plot import figure_of
from waterbed.shown.layout import Page, PageTable
from waterbed.store.backlog import schedule_lag
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryDay:
    """Canary checks of one vantage on one day."""

    vantage: Annotated[str, "name of the vantage"]
    day: Annotated[str, "the day, UTC"]
    looks: Annotated[int, "canary checks"]
    failed: Annotated[int, "of these, failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CanaryRecord:
    """Canary results of one vantage."""

    vantage: Annotated[str, "name of the vantage"]
    looks: Annotated[int, "canary checks"]
    failed: Annotated[int, "of these, failed: what was seen then is not believed"]
    last: Annotated[datetime, "time of the last one"]
    last_ok: Annotated[bool, "whether it was well then"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canaries:
    """Canary results of all vantages, whole and by day."""

    vantages: Sequence[CanaryRecord]
    days: Annotated[Sequence[CanaryDay], "by vantage, in order of time"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A quarantine, with counts below the minimum withheld."""

    what: Annotated[str, "whom it is about, in words"]
    kind: Annotated[str, "canary, all, hoster, prefix or feed"]
    began_at: Annotated[datetime, "from when"]
    ended_at: Annotated[datetime, "until when"]
    figures: Annotated[str, "how many of how many, in words; withheld: of what is not named"]
    status: Annotated[str, "open, released or voided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lag:
    """Delay of the schedule against its target."""

    due: Annotated[int, "checks that are due now"]
    overdue: Annotated[int, "of these, due for longer than promised"]
    oldest_s: Annotated[float | None, "seconds since the oldest of these was due; null: nothing is due"]
    promised_s: Annotated[float, "seconds within which a due check is to be made"]
    taken: Annotated[int, "checks made in the last hour"]
    taken_p50_s: Annotated[float | None, "how late these were, median, seconds; null: none was taken"]
    taken_p95_s: Annotated[float | None, "the same, 95th percentile"]

    @property
    def now(self) -> str:
        """The checks that are due now, against the promise."""
        return "nothing" if self.oldest_s is None else self._in_time(self.oldest_s)

    @property
    def last_hour(self) -> str:
        """The last hour's checks, against the promise.

        Late where more than 5% of them were.
        """
        return "none" if self.taken_p95_s is None else self._in_time(self.taken_p95_s)

    def _in_time(self, late_s: float) -> str:
        return "late" if late_s > self.promised_s else "in time"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedTable:
    """A table used for attribution."""

    kind: Annotated[str, "routes, places, ..."]
    family: Annotated[int | None, "4, 6 or null"]
    date: Annotated[datetime, "its day"]
    age_days: Annotated[float, "days from its date to the last check; below 0: it is younger"]
    rows: Annotated[int, "rows of it"]
    licence: Annotated[str, "its licence, or that none is named"]
    stale: Annotated[bool, "whether it is the newest of its kind, and older than the settings allow"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Number of observations with one outcome."""

    outcome: Annotated[str, "what a check came to"]
    state: Annotated[str, "what it is taken as: up, down or unknown"]
    looks: Annotated[int, "checks"]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """Content of the page."""

    cards: Sequence[FeedCard]
    canaries: Annotated[Canaries, "without vantages: no canary, so nothing can be called down"]
    moments: Annotated[Sequence[Moment], "events that are marked"]
    held: Annotated[Sequence[Held], "newest first"]
    lag: Lag
    tables: Annotated[Sequence[DatedTable], "newest first within a kind"]
    outcomes: Annotated[Sequence[Outcome], "most frequent first"]
    hoster_word: Annotated[int, "checks that a hoster's own link check decided"]
    stale_looks: Annotated[int, "checks attributed with a table too old or too young for their day"]


def quality_page(view: QualityView) -> Page:
    """Render the page on data quality."""
    looks = sum(outcome.looks for outcome in view.outcomes)
    undecided = sum(outcome.looks for outcome in view.outcomes if outcome.state == "unknown")
    return Page(
        path="quality.html",
        template="quality.html",
        title="Data quality",
        menu="Data quality",
        scripts=("tables.js",),
        figures=tuple(_figures(view.canaries, view.moments)),
        tables=tuple(_page_tables(view)),
        values={"view": view, "looks": looks, "undecided": undecided, "hours": hours},
    )


def _figures(canaries: Canaries, moments: Sequence[Moment]) -> Iterator[Figure]:
    if failed := [day for day in canaries.days if day.failed]:
        vantages = [
            (
                record.vantage,
                [(day.day, day.looks, day.failed) for day in canaries.days if day.vantage == record.vantage],
            )
            for record in canaries.vantages
        ]
        placed = in_days(*days_of(vantages), moments)
        yield figure_of(
            "canary",
            "Share of each day's canary checks that failed",
            f"{len(failed)} days with failed canary checks; the table lists them.{moment_words(placed)}",
            "A point is a day on which some failed. Checks made while the canary failed count "
            "neither as up nor as down.",
            "data/canary-days",
            lambda width: failures_scene(vantages, width, placed),
            (*line_keys([name for name, _ in vantages]), *moment_keys(placed)),
        )


def _page_tables(view: QualityView) -> Iterator[PageTable]:
    counted = "counted over the whole study"
    for name, cls, rows, subject, by in (
        ("canaries", CanaryRecord, view.canaries.vantages, "canary checks", "vantage"),
        ("canary-days", CanaryDay, view.canaries.days, "canary checks by day", "vantage and day"),
        ("quarantines", Held, view.held, "quarantines", "quarantine"),
        ("schedule", Lag, [view.lag], "delay of the schedule", "study"),
        ("outcomes", Outcome, view.outcomes, "outcomes of checks", "outcome"),
        ("tables-used", DatedTable, view.tables, "dated tables that attribution rests on", "table"),
    ):
        yield PageTable(path=f"data/{name}", cls=cls, rows=rows, what=subject, by=by, method=counted)


def hours(seconds: float) -> str:
    """Format a duration for people."""
    if seconds < 90 * 60:
        return f"{max(0, round(seconds / 60))} min"
    if seconds < 48 * 3600:
        return f"{seconds / 3600:.1f} h"
    return f"{seconds / 86400:.1f} days"


_COUNTED: Final = {"feed": "{} reports came of usually {}"}
_SITES: Final = "{} of {} sites went down"
_UNNAMED: Final = {
    "hoster": "a hoster that is not shown",
    "prefix": "a network",
    "feed": "delivery of a source that is not shown",
}


def quality_view(
    study: Study, conclusions: Conclusions, publication: Publication, moments: Sequence[Moment]
) -> QualityView:
    """Publishable facts about the quality of a study's data.

    `moments` are events that axes of time may mark.
    """
    quarantines = sorted(conclusions.quarantines, key=lambda quarantine: quarantine.began_at, reverse=True)
    counted = conclusions.outcomes
    return QualityView(
        cards=publication.table("feeds").rows,
        canaries=_canaries(study, conclusions),
        moments=moments,
        held=[held_in_words(quarantine, publication) for quarantine in quarantines],
        lag=_lag(study),
        tables=list(_tables(study, conclusions)),
        outcomes=[Outcome(outcome=outcome, state=state, looks=n) for (outcome, state), n in counted.most_common()],
        hoster_word=conclusions.hoster_words.total(),
        stale_looks=conclusions.stale_looks,
    )


def _canaries(study: Study, conclusions: Conclusions) -> Canaries:
    need = study.config.canary.need
    looks: dict[str, list[CanaryLook]] = defaultdict(list)
    for look in sorted(conclusions.facts.canaries, key=lambda look: look.observed_at):
        looks[look.vantage].append(look)
    vantages, by_day = [], []
    for vantage, checks in sorted(looks.items()):
        well = [look.targets > 0 and look.reached >= need * look.targets for look in checks]
        days = Counter(f"{look.observed_at:%Y-%m-%d}" for look in checks)
        failed = Counter(f"{look.observed_at:%Y-%m-%d}" for look, ok in zip(checks, well, strict=True) if not ok)
        vantages.append(
            CanaryRecord(
                vantage=vantage, looks=len(checks), failed=failed.total(), last=checks[-1].observed_at, last_ok=well[-1]
            )
        )
        by_day += [CanaryDay(vantage=vantage, day=day, looks=n, failed=failed[day]) for day, n in days.items()]
    return Canaries(vantages=vantages, days=by_day)


def held_in_words(quarantine: Quarantine, publication: Publication) -> Held:
    """A quarantine in words, after disclosure control.

    It names no withheld hoster or source, gives no address unless addresses are published, and states no small count,
    and none at all of what it does not name.
    """
    policy = publication.policy
    hosters = {row.key: row.name for row in publication.table("ranking-hoster").rows}
    sources = {row.source: f"delivery of {row.source}" for row in publication.table("feeds").rows}
    named = {
        "canary": f"our own network at {quarantine.scope}",
        "all": "everything at once",
        "hoster": hosters.get(quarantine.scope),
        "prefix": f"network {quarantine.scope}" if policy.addresses else None,
        "feed": sources.get(quarantine.scope),
    }
    counts = [
        str(n) if n == 0 or n >= policy.least else f"fewer than {policy.least}"
        for n in (quarantine.flipped, quarantine.looked)
    ]
    return Held(
        what=named[quarantine.kind] or _UNNAMED[quarantine.kind],
        kind=quarantine.kind,
        began_at=quarantine.began_at,
        ended_at=quarantine.ended_at,
        figures=_COUNTED.get(quarantine.kind, _SITES).format(*counts) if named[quarantine.kind] else "withheld",
        status=quarantine.status,
    )


def _lag(study: Study) -> Lag:
    lag = schedule_lag(study.folder)
    return Lag(
        due=lag.due,
        overdue=lag.overdue,
        oldest_s=lag.late_max_s,
        promised_s=study.config.schedule.late_s,
        taken=lag.taken,
        taken_p50_s=lag.taken_p50_s,
        taken_p95_s=lag.taken_p95_s,
    )


def _tables(study: Study, conclusions: Conclusions) -> Iterator[DatedTable]:
    """Dated tables, newest first; only the newest can be outdated.

    Grouped by kind.
    """
    last = conclusions.span[1] if conclusions.span else study.clock()
    allowed = study.config.routes_max_age_days
    seen: set[tuple[str, int | None]] = set()
    for snapshot in sorted(
        study.snapshots(), key=lambda snapshot: (snapshot.kind, snapshot.family or 0, -snapshot.data_date.timestamp())
    ):
        age = (last - snapshot.data_date) / timedelta(days=1)
        newest = (snapshot.kind, snapshot.family) not in seen
        seen.add((snapshot.kind, snapshot.family))
        yield DatedTable(
            kind=snapshot.kind,
            family=snapshot.family,
            date=snapshot.data_date,
            age_days=age,
            rows=snapshot.rows,
            licence=snapshot.licence or "not named",
            stale=newest and snapshot.kind == "routes" and age > allowed,
        )
