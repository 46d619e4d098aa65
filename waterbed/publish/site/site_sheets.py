"""What the sheet of each hoster shows of a study."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from graphs.network.flows import Flow
from waterbed.analysis.compliance import compliance_of
from waterbed.analysis.fact_sheet import cause_shares
from waterbed.analysis.rankings.clocks import running_clocks
from waterbed.analysis.rankings.durations import duration
from waterbed.analysis.rankings.ranking import UNKNOWN
from waterbed.analysis.rankings.tables import RankingTables
from waterbed.analysis.rankings.takedown import CAUSES, FEWEST_SITES, Clock, incidence
from waterbed.estimators.incidence import share_within
from waterbed.model.takedown import ComplianceRow, ComplianceTrend
from waterbed.publish.policy import Publication
from waterbed.publish.site.hoster import MARKS_H, CauseCurves, SheetView, Weekly
from waterbed.publish.site.rankings import Standing, places_of
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

HORIZON_H = 168


def sheet_views(
    study: Study, done: Conclusions, publication: Publication, standings: Sequence[Standing]
) -> Iterator[SheetView]:
    """The sheet of each hoster in the published ranking, in its order."""
    clocks = RankingTables(done=done, kind="hoster", clock=study.config.clock).clocks
    goes_to, comes_from = _flows(publication)
    weekly = _weekly(study, done, publication)
    places = places_of(standings)
    for one in standings:
        key = one.row.key
        if key == UNKNOWN:
            continue
        own = clocks.get(key, ())
        kept = running_clocks(own)
        curves = _curves(kept)
        yield SheetView(
            standing=one,
            places=places,
            slowest=publication.slowest["hoster"],
            seat=publication.countries.get(key),
            origins=publication.origins.get(key, ()),
            curves=curves,
            shares=list(cause_shares(kept, MARKS_H)) if curves else (),
            duration=duration(own, within_h=MARKS_H[-1]) if curves else None,
            weekly=weekly.get(key),
            goes_to=goes_to.get(key, ()),
            comes_from=comes_from.get(key, ()),
        )


def _curves(kept: Sequence[Clock]) -> CauseCurves | None:
    """Each cause's incidence, hour by hour; None where the clocks are of too few sites."""
    if len({one.site_id for one in kept}) < FEWEST_SITES:
        return None
    curves = incidence(kept)
    hours = range(int(min(HORIZON_H, curves.known_until_h)) + 1)
    return CauseCurves(
        hours=tuple(map(float, hours)),
        shares={
            cause: tuple(share_within(curves, number, hour) or 0.0 for hour in hours)
            for number, cause in enumerate(CAUSES)
        },
    )


def _flows(publication: Publication) -> tuple[Mapping[str, list[Flow]], Mapping[str, list[Flow]]]:
    """The published flows by hoster left, and by hoster arrived at."""
    goes_to, comes_from = defaultdict[str, list[Flow]](list), defaultdict[str, list[Flow]](list)
    for flow in publication.table("flows").rows:
        goes_to[flow.from_key].append(flow)
        comes_from[flow.to_key].append(flow)
    return goes_to, comes_from


def _weekly(study: Study, done: Conclusions, publication: Publication) -> dict[str, Weekly]:
    """What each hoster acted on after notices, as far as its rows are published."""
    found: dict[str, list[ComplianceRow]] = defaultdict(list)
    for table in publication.tables:
        if table.name == "compliance-hoster":
            for row in table.rows:
                found[row.key].append(row)
    if not found:
        return {}
    least = publication.policy.least
    trends = {one.key: one for one in compliance_of(study, done=done).trends() if one.clusters >= least}
    return {key: _of(rows, trends.get(key)) for key, rows in found.items()}


def _of(rows: Sequence[ComplianceRow], trend: ComplianceTrend | None) -> Weekly:
    weeks = [row for row in rows if row.week and row.within_h == 24.0]
    return Weekly(
        whole=[row for row in rows if not row.week],
        weeks=sorted(weeks, key=lambda row: row.week or ""),
        trend=trend,
    )
