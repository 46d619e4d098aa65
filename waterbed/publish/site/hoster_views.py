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
    moments = [one.moment for one in events if one.moment]
    tables, until = RankingTables(conclusions=conclusions, kind="hoster", clock=study.config.clock), conclusions.until
    clocks, shown = tables.clocks, [one for one in standings if one.row.key != UNKNOWN]

    def speed(one: RankingEntry) -> tuple[CauseCurves | None, list[CauseShare], Duration | None]:
        if until is None or one.row.rank_class in WITHHELD:
            return None, [], None
        part = tables.part(one.row)
        beside = removals(part.clocks, MARKS_H, until=until, hidden=part.hidden)
        curves = _curves(part.clocks, beside)
        if curves is None:
            return None, [], None
        since = counted_since(one.row, tables.running(one.row.key))
        own = [clock for clock in clocks.get(one.row.key, ()) if since is None or clock.origin >= since]
        return (
            curves,
            list(cause_shares(part.clocks, beside, until=until)),
            duration(own, within_h=MARKS_H[-1], until=until),
        )

    goes_to, comes_from = _flows(publication)
    weekly, reported = _weekly(study, conclusions, publication), _reported(publication)
    places = places_of(standings)
    by_word = {key for hosters in conclusions.hoster_words for key in hosters}
    successions = public_successions(study.folder, conclusions.attributor.book)
    reached = reached_through(conclusions)
    carriers = {one.key for its in reached.values() for one in its}
    heard = {row.hoster for row in reply_rows(study.folder, carriers) if row.state == "done"}
    for one, (curves, shares, lasted) in zip(shown, tables.each(speed, shown), strict=True):
        key = one.row.key
        yield SheetView(
            standing=one,
            places=places,
            slowest=publication.slowest["hoster"],
            seat=publication.countries.get(key),
            origins=publication.origins.get(key, ()),
            curves=curves,
            shares=shares,
            duration=lasted,
            weekly=weekly.get(key),
            reported=reported.get(key, ()),
            successions=[one for one in successions if key in (one.key, one.into)],
            reached_through=[one for one in reached.get(key, ()) if one.key in heard],
            events=[one for one in events if key in (one.target, *one.others)],
            moments=moments,
            goes_to=goes_to.get(key, ()),
            comes_from=comes_from.get(key, ()),
            hoster_word=key in by_word,
        )


def _curves(kept: Sequence[Clock], beside: Mapping[float, Removal]) -> CauseCurves | None:
    """Hourly incidence of each cause while enough sites are known.

    None where they never are.
    """
    found = hourly(kept, range(len(CAUSES)), int(HORIZON_H), beside)
    if not found:
        return None
    hours, shares = found
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
    found = defaultdict[str, list[WindowShare]](list)
    rows = (row for table in publication.tables if table.name == "weeks-hoster" for row in table.rows)
    for row in sorted(rows, key=lambda row: str(row.window)):
        found[row.key].append(row)
    return found


def _weekly(study: Study, conclusions: Conclusions, publication: Publication) -> dict[str, Weekly]:
    """Published responses of each hoster to notices, by week."""
    found: dict[str, list[ComplianceRow]] = defaultdict(list)
    for row in (row for table in publication.tables if table.name == "compliance-hoster" for row in table.rows):
        found[row.key].append(row)
    if not found:
        return {}
    least = publication.policy.least
    trends = {one.key: one for one in compliance_of(study, conclusions=conclusions).trends() if one.clusters >= least}
    return {key: _of(rows, trends.get(key)) for key, rows in found.items()}


def _of(rows: Sequence[ComplianceRow], trend: ComplianceTrend | None) -> Weekly:
    weeks = [row for row in rows if row.week and row.within_h == 24.0]
    return Weekly(
        whole=[row for row in rows if not row.week],
        weeks=sorted(weeks, key=lambda row: row.week or ""),
        trend=trend,
    )
