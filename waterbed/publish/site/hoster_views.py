"""Gathers what each hoster's sheet shows."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from waterbed.governance.reply import public_successions
from waterbed.governance.reply import rows as reply_rows
from waterbed.graphs.network.flows import Flow
from waterbed.measures.carriers import reached_through
from waterbed.measures.constancy import counted_since
from waterbed.measures.durations import duration
from waterbed.measures.notices.tables import compliance_of
from waterbed.measures.ranking import UNKNOWN, WITHHELD
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.removal import Removal, removals
from waterbed.measures.removal_curves import MARKS_H, hourly
from waterbed.measures.takedown import CAUSES, Clock
from waterbed.model.results import WindowShare
from waterbed.model.takedown import CauseShare, ComplianceRow, ComplianceTrend, Duration
from waterbed.publish.policy import Publication
from waterbed.publish.site.hoster import CauseCurves, SheetView, Weekly
from waterbed.questions.fact_sheet.sheet import cause_shares
from waterbed.questions.intervention.page import EventPage
from waterbed.shown.rankings import RankingEntry, places_of
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

HORIZON_H = 168


def sheet_views(
    study: Study,
    conclusions: Conclusions,
    publication: Publication,
    standings: Sequence[RankingEntry],
    events: Sequence[EventPage] = (),
) -> Iterator[SheetView]:
    """The sheet of each hoster in the published ranking.

    In its order.
    """
    moments = [event.moment for event in events if event.moment]
    tables, until = RankingTables(conclusions=conclusions, kind="hoster", clock=study.config.clock), conclusions.until
    clocks, entries = tables.clocks, [entry for entry in standings if entry.row.key != UNKNOWN]

    def speed(one: RankingEntry) -> tuple[CauseCurves | None, list[CauseShare], Duration | None]:
        if until is None or one.row.rank_class in WITHHELD:
            return None, [], None
        part = tables.part(one.row)
        removal_by_hours = removals(part.clocks, MARKS_H, until=until, hidden=part.hidden)
        curves = _curves(part.clocks, removal_by_hours)
        if curves is None:
            return None, [], None
        since = counted_since(one.row, tables.running(one.row.key))
        recent_clocks = [clock for clock in clocks.get(one.row.key, ()) if since is None or clock.origin >= since]
        return (
            curves,
            list(cause_shares(part.clocks, removal_by_hours, until=until)),
            duration(recent_clocks, within_h=MARKS_H[-1], until=until),
        )

    goes_to, comes_from = _flows(publication)
    weekly, reported = _weekly(study, conclusions, publication), _reported(publication)
    places = places_of(standings)
    by_word = {key for hosters in conclusions.hoster_words for key in hosters}
    successions = public_successions(study.folder, conclusions.attributor.book)
    reached = reached_through(conclusions)
    carriers = {carrier.key for its in reached.values() for carrier in its}
    heard = {row.hoster for row in reply_rows(study.folder, carriers) if row.state == "done"}
    for entry, (curves, shares, lasted) in zip(entries, tables.each(speed, entries), strict=True):
        key = entry.row.key
        yield SheetView(
            standing=entry,
            places=places,
            slowest=publication.slowest["hoster"],
            seat=publication.countries.get(key),
            origins=publication.origins.get(key, ()),
            curves=curves,
            shares=shares,
            duration=lasted,
            weekly=weekly.get(key),
            reported=reported.get(key, ()),
            successions=[succession for succession in successions if key in (succession.key, succession.into)],
            reached_through=[carrier for carrier in reached.get(key, ()) if carrier.key in heard],
            events=[event for event in events if key in (event.target, *event.others)],
            moments=moments,
            goes_to=goes_to.get(key, ()),
            comes_from=comes_from.get(key, ()),
            hoster_word=key in by_word,
        )


def _curves(clocks: Sequence[Clock], removal_by_hours: Mapping[float, Removal]) -> CauseCurves | None:
    """Hourly incidence of each cause while enough sites are known.

    None where they never are.
    """
    incidence = hourly(clocks, range(len(CAUSES)), int(HORIZON_H), removal_by_hours)
    if not incidence:
        return None
    hours, shares = incidence
    return CauseCurves(
        hours=hours,
        shares={cause: shares[number] for number, cause in enumerate(CAUSES)},
    )


def _flows(publication: Publication) -> tuple[Mapping[str, list[Flow]], Mapping[str, list[Flow]]]:
    """Published flows by hoster left and by hoster entered."""
    goes_to, comes_from = defaultdict[str, list[Flow]](list), defaultdict[str, list[Flow]](list)
    for flow in publication.table("flows").rows:
        goes_to[flow.from_key].append(flow)
        comes_from[flow.to_key].append(flow)
    return goes_to, comes_from


def _reported(publication: Publication) -> Mapping[str, list[WindowShare]]:
    """Published rows by week of the report, of each hoster."""
    rows_by_hoster = defaultdict[str, list[WindowShare]](list)
    rows = (row for table in publication.tables if table.name == "weeks-hoster" for row in table.rows)
    for row in sorted(rows, key=lambda row: str(row.window)):
        rows_by_hoster[row.key].append(row)
    return rows_by_hoster


def _weekly(study: Study, conclusions: Conclusions, publication: Publication) -> dict[str, Weekly]:
    """Published responses of each hoster to notices, by week."""
    rows_by_hoster: dict[str, list[ComplianceRow]] = defaultdict(list)
    for row in (row for table in publication.tables if table.name == "compliance-hoster" for row in table.rows):
        rows_by_hoster[row.key].append(row)
    if not rows_by_hoster:
        return {}
    least = publication.policy.least
    trends = {
        trend.key: trend for trend in compliance_of(study, conclusions=conclusions).trends() if trend.clusters >= least
    }
    return {key: _of(rows, trends.get(key)) for key, rows in rows_by_hoster.items()}


def _of(rows: Sequence[ComplianceRow], trend: ComplianceTrend | None) -> Weekly:
    weeks = [row for row in rows if row.week and row.within_h == 24.0]
    return Weekly(
        whole=[row for row in rows if not row.week],
        weeks=sorted(weeks, key=lambda row: row.week or ""),
        trend=trend,
    )
