"""Builds a study's site from its publishable data alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from waterbed.analysis.rankings.clocks import CLOCK_WORDS
from waterbed.analysis.rankings.ranking import UNKNOWN
from waterbed.analysis.rankings.tables import RankingTables
from waterbed.analysis.rankings.takedown import removal_curves
from waterbed.model.conclusions import ClockKind
from waterbed.model.progress import stage, staged
from waterbed.publish.exports import chosen
from waterbed.publish.policy import EFFECTS, Publication, Table
from waterbed.publish.site.added import added_pages
from waterbed.publish.site.displacement import displacement_pages
from waterbed.publish.site.hoster import sheet_page, sheet_paths, sheet_views
from waterbed.publish.site.layout import Layout, Site, make_site
from waterbed.publish.site.overview import MethodView, Number, OverviewView, PublishedTable, method_page, overview_page
from waterbed.publish.site.quality import quality_page, quality_view
from waterbed.publish.site.rankings import RankingEntry, RankingView, ranking_page
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

CURVES = 6
"""Maximum number of removal curves on the first page."""
_RANKING = "ranking-"


@stage("pages")
def site_of(study: Study, conclusions: Conclusions, publication: Publication) -> Site:
    """Build all pages; `publication` holds only publishable data."""
    rankings = [_ranking(publication, table) for table in publication.tables if table.name.startswith(_RANKING)]
    hosters = next(view for view in rankings if view.kind == "hoster")
    sheets = sheet_paths([one.row.key for one in hosters.standings if one.row.key != UNKNOWN])
    start = start_words(study.config.clock)
    kinds = [view.kind for view in rankings]
    pages = [
        *(ranking_page(_linked(view, sheets), kinds, start) for view in rankings),
        *displacement_pages(study, conclusions, publication, sheets),
        quality_page(quality_view(study, conclusions, publication)),
        method_page(_method(publication), start),
        *added_pages(publication, chosen(study.config.publish.plugins).pages),
    ]
    first = overview_page(_overview(study, conclusions, publication, hosters.standings, sheets), pages, start)
    hoster_pages = [
        sheet_page(view, sheets, start)
        for view in staged(
            "sheets of hosters", sheet_views(study, conclusions, publication, hosters.standings), len(sheets)
        )
    ]
    return make_site(_frame(study, publication), [first, *pages, *hoster_pages])


def start_words(clock: ClockKind) -> str:
    """The clocks' origin in words, after "within 24 hours of"."""
    return "the report" if clock == "reported" else f"the time at which {CLOCK_WORDS[clock]}"


def _frame(study: Study, publication: Publication) -> Layout:
    heading, policy = publication.table("ranking-hoster").envelope, publication.policy
    return Layout(
        title=publication.title,
        made_at=publication.made_at,
        first=publication.first,
        last=publication.last,
        home=study.config.home,
        publisher=policy.publisher,
        tlp=policy.tlp,
        licence=policy.licence,
        least=policy.least,
        clock=heading.clock,
        run=heading.run,
        version=heading.version,
        data_dates=heading.data_dates,
        protocol=heading.protocol,
        deviations=heading.deviations,
        caveat=heading.caveat,
    )


def _ranking(publication: Publication, table: Table) -> RankingView:
    """One ranking with its keys' ranks and volumes, if published."""
    kind = table.name.removeprefix(_RANKING)
    places, volumes = (_by_key(publication, f"{what}-{kind}") for what in ("places", "volume"))
    return RankingView(
        kind=kind,
        standings=[RankingEntry(row=row, place=places.get(row.key), volume=volumes.get(row.key)) for row in table.rows],
        left_out=table.envelope.left_out,
        slowest=publication.slowest.get(kind, 0),
        norm=publication.norm,
    )


def _by_key(publication: Publication, name: str) -> dict[str, Any]:
    return {row.key: row for table in publication.tables if table.name == name for row in table.rows}


def _linked(view: RankingView, sheets: Mapping[str, str]) -> RankingView:
    """Add links to sheets to the ranking by hoster."""
    if view.kind != "hoster":
        return view
    return replace(view, sheets=sheets)


def _overview(
    study: Study,
    conclusions: Conclusions,
    publication: Publication,
    standings: Sequence[RankingEntry],
    sheets: Mapping[str, str],
) -> OverviewView:
    names = {one.row.key: one.row.name for one in standings}
    biggest = [one.row.key for one in standings if one.row.rank_class == "ranked"][:CURVES]
    curves = removal_curves(
        conclusions.episodes,
        by="hoster",
        keys=biggest,
        names=names,
        started=RankingTables(conclusions=conclusions, kind="hoster", clock=conclusions.config.clock).started,
    )
    return OverviewView(
        title=publication.title,
        numbers=_numbers(conclusions, publication, standings),
        standings=standings,
        curves=curves,
        flows=publication.table("flows").rows,
        notes=list(_notes(conclusions)),
        sheets=sheets,
    )


def _numbers(conclusions: Conclusions, publication: Publication, standings: Sequence[RankingEntry]) -> list[Number]:
    """Headline numbers; totals are held back where nothing else of the study is shown."""
    least = publication.policy.least
    undecided = sum(looks for (_, state), looks in conclusions.outcomes.items() if state == "unknown")
    hosters = sum(one.row.place is not None for one in standings)
    hops, shown = len(conclusions.hops), sum(cell.hops for cell in publication.cells.cells)
    reported = f"{len(conclusions.facts.targets):,}" if standings else "held back"
    return [
        Number(
            label="URLs reported",
            value=reported if conclusions.facts.targets else "0",
            note=f"{len(conclusions.facts.reports):,} reports" if standings else "",
        ),
        Number(label="looks taken", value=f"{conclusions.look_count:,}", note=f"{undecided:,} undecided"),
        Number(label="hosters", value=f"{hosters:,}", note=f"shown, with at least {least} reported sites"),
        Number(
            label="hops seen",
            value=f"of fewer than {least} sites" if hops and not shown else f"{shown:,}",
            note="without copies known to be parallel; unreported arrivals are not seen",
        ),
    ]


def _notes(conclusions: Conclusions) -> Iterator[str]:
    """Caveats that a reader needs before trusting a number."""
    if not conclusions.facts.canaries:
        yield "No canary was configured: outages cannot be told from removals, so no removal is shown."
    held = [one for one in conclusions.quarantines if one.status == "open" and one.kind not in ("canary", "feed")]
    if held:
        looks = conclusions.outcomes["quarantined", "unknown"]
        where = ", ".join(sorted({one.kind for one in held}))
        yield (
            f"{looks:,} checks in mass outages ({where}) are quarantined until a person decides: "
            "they count as undecided."
        )
    hidden = conclusions.outcomes["unobserved", "unknown"]
    if hidden:
        yield f"{hidden:,} checks failed from one network only: they count as undecided, never as removed."
    stale = conclusions.stale_looks
    if stale:
        yield f"{stale:,} checks were attributed with a routing table too far from their day."


def _method(publication: Publication) -> MethodView:
    methods: dict[str, str] = {}
    for table in publication.tables:
        if table.envelope.method not in methods.values():
            methods[table.envelope.what] = table.envelope.method
    return MethodView(
        methods=methods,
        tables=[
            PublishedTable(name=table.name, title=table.title, rows=len(table.rows), left_out=table.envelope.left_out)
            for table in publication.tables
        ],
        sources=dict(sorted(publication.sources.items())),
        effects=[row for table in publication.tables if table.name == EFFECTS for row in table.rows],
    )
