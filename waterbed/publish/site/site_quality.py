"""What the page on data quality shows of a study."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Final

from waterbed.model.conclusions import Quarantine
from waterbed.model.facts import CanaryLook
from waterbed.publish.policy import Policy, Publication
from waterbed.publish.site.quality import CanaryRecord, DatedTable, Held, Lag, Outcome, QualityView
from waterbed.store.lag import schedule_lag
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

_COUNTED: Final = {"feed": "{} reports came of usually {}"}
_SITES: Final = "{} of {} sites went down"


def quality_view(study: Study, done: Conclusions, publication: Publication) -> QualityView:
    """Everything about the quality of a study's data that may be published."""
    names = {row.key: row.name for row in publication.table("ranking-hoster").rows}
    held = sorted(done.quarantines, key=lambda one: one.began_at, reverse=True)
    counted = Counter((verdict.outcome, verdict.state) for verdict in done.verdicts)
    return QualityView(
        cards=publication.table("feeds").rows,
        canaries=list(_canaries(study, done)),
        held=[held_in_words(one, names, publication.policy) for one in held],
        lag=_lag(study),
        tables=list(_tables(study, done)),
        outcomes=[Outcome(outcome=outcome, state=state, looks=n) for (outcome, state), n in counted.most_common()],
        stale_looks=sum(answer.stale for answer in done.attributions if answer),
    )


def _canaries(study: Study, done: Conclusions) -> Iterator[CanaryRecord]:
    need = study.config.canary.need
    looks: dict[str, list[CanaryLook]] = defaultdict(list)
    for look in sorted(done.facts.canaries, key=lambda look: look.observed_at):
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
    """A quarantine in words: no hoster that is held back, no address unless these are published, no small count."""
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


def _tables(study: Study, done: Conclusions) -> Iterator[DatedTable]:
    """Dated tables, the newest of each kind first; only the newest can be too old."""
    last = max((look.observed_at for look in done.facts.looks), default=study.clock())
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
