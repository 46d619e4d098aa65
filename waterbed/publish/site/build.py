"""Builds a study's site from its publishable data alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from waterbed.measures.clocks import CLOCK_WORDS
from waterbed.measures.ranking import UNKNOWN
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.removal_curves import removal_curves
from waterbed.model.conclusions import NO_VERDICT, WITH_SHARE, ClockKind
from waterbed.model.progress import stage, staged
from waterbed.publish.exports import chosen
from waterbed.publish.policy import BEYOND, EFFECTS, PLACES, Publication, Table, named_keys
from waterbed.publish.site.added import added_pages
from waterbed.publish.site.displacement import PATH as DISPLACEMENT
from waterbed.publish.site.displacement import displacement_pages
from waterbed.publish.site.hops_shown import why_no_hops
from waterbed.publish.site.hoster import sheet_page, sheet_paths
from waterbed.publish.site.hoster_views import sheet_views
from waterbed.publish.site.letter import LetterView, letter_page
from waterbed.publish.site.method import MethodView, PublishedTable, method_page
from waterbed.publish.site.overview import (
    OverviewView,
    Slow,
    Total,
    overview_page,
    passages_of,
    slowest_of_all,
    weeks_of,
)
from waterbed.publish.site.quality import held_in_words, quality_page, quality_view
from waterbed.questions.intervention.page import EventPage, intervention_pages
from waterbed.shown.figures.moments import in_weeks
from waterbed.shown.layout import Layout, Site, make_site
from waterbed.shown.rankings import RankingEntry, RankingView, below_norm, norm_share, ranking_page
from waterbed.study.conclusions import Conclusions
from waterbed.study.study import Study

CURVES = 6
"""Maximum number of removal curves on the first page."""
_RANKING = "ranking-"


@stage("pages")
def site_of(study: Study, conclusions: Conclusions, publication: Publication) -> Site:
    """Build all pages; `publication` holds only publishable data."""
    placed = study.config.clock == "reported"  # as places and the norm are: of other clocks they say nothing
    rankings = [_ranking(publication, table, placed) for table in publication.tables if table.name.startswith(_RANKING)]
    hosters = next(view for view in rankings if view.kind == "hoster")
    sheets = sheet_paths([entry.row.key for entry in hosters.standings if entry.row.key != UNKNOWN])
    start = start_words(study.config.clock)
    kinds = [view.kind for view in rankings]
    events = intervention_pages(
        study, conclusions.whole, named=named_keys(publication), least=publication.policy.least, under=DISPLACEMENT
    )
    moments = [event.moment for event in events if event.moment]
    pages = [
        *(ranking_page(_linked(view, sheets), kinds, start) for view in rankings),
        *displacement_pages(conclusions, publication, sheets, events, home=study.config.home),
        quality_page(quality_view(study, conclusions, publication, moments)),
        method_page(_method(publication), start),
        *added_pages(publication, chosen(study.config.publish.plugins).pages),
    ]
    view = _overview(study, conclusions, publication, hosters.standings, sheets, events)
    tables = {table.name: table.rows for table in publication.tables if placed or not table.name.startswith(PLACES)}
    letter = LetterView(
        tables=tables, passages=view.passages, home=study.config.home, events=view.events, no_hops=view.no_hops
    )
    pages.insert(0, letter_page(letter, pages))
    first = overview_page(view, pages, start)
    hoster_pages = [
        sheet_page(view, sheets, start)
        for view in staged(
            "sheets of hosters", sheet_views(study, conclusions, publication, hosters.standings, events), len(sheets)
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
        info=heading,
    )


def _ranking(publication: Publication, table: Table, placed: bool) -> RankingView:
    """One ranking with its keys' volumes, if published, and places if `placed`."""
    kind = table.name.removeprefix(_RANKING)
    places, volumes = (_by_key(publication, f"{prefix}-{kind}") for prefix in ("places", "volume"))
    return RankingView(
        kind=kind,
        standings=[
            RankingEntry(row=row, place=places.get(row.key) if placed else None, volume=volumes.get(row.key))
            for row in table.rows
        ],
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
    events: Sequence[EventPage],
) -> OverviewView:
    names = {entry.row.key: entry.row.name for entry in standings}
    biggest = [entry.row for entry in standings if entry.row.rank_class in WITH_SHARE][:CURVES]
    ranked = RankingTables(conclusions=conclusions, kind="hoster", clock=conclusions.config.clock)
    until = conclusions.until
    curves = removal_curves({row.key: ranked.part(row) for row in biggest}, names=names, until=until) if until else []
    slowest = slowest_of_all(standings)
    weeks = [row for table in publication.tables if table.name == "weeks-hoster" for row in table.rows]
    slowest_weeks = [(entry, weeks_of(weeks, entry.row.key)) for entry in slowest]
    moments = [event.moment for event in events if event.moment]
    open_ones = sorted(
        (quarantine for quarantine in conclusions.quarantines if quarantine.status == "open"),
        key=lambda quarantine: quarantine.began_at,
    )
    return OverviewView(
        title=publication.title,
        totals=list(_totals(conclusions, publication, standings)),
        standings=standings,
        slowest=[
            Slow(
                entry=entry,
                country=publication.countries.get(entry.row.key),
                weeks=its,
                moments=in_weeks([week for week, _ in its], moments),
            )
            for entry, its in slowest_weeks
        ],
        changes=publication.table("changes-hoster").rows,
        changed_since=publication.changed_since,
        curves=curves,
        passages=passages_of(publication.cells.cells),
        beyond=[row for table in publication.tables if table.name == BEYOND for row in table.rows],
        held=[held_in_words(quarantine, publication) for quarantine in reversed(open_ones)],
        notes=list(_notes(conclusions)),
        events=[(event.page.path, event.page.title, event.paragraphs) for event in events],
        sheets=sheets,
        window=bool(publication.window),
        no_hops=why_no_hops(conclusions.hops, window=bool(publication.window), least=publication.policy.least),
    )


def _totals(conclusions: Conclusions, publication: Publication, standings: Sequence[RankingEntry]) -> Iterator[Total]:
    """Numbers about the whole study; some are held back where nothing else of it is shown."""
    least, norm, cells = publication.policy.least, publication.norm, publication.cells.cells
    facts, outcomes = conclusions.facts, conclusions.outcomes
    counts_shown = bool(standings) or not facts.targets
    hosters = [entry for entry in standings if entry.row.key != UNKNOWN]
    has_hidden_hops = bool(publication.window) or any(hop.order != "parallel" for hop in conclusions.hops)
    hops = sum(cell.hops for cell in cells) if cells or not has_hidden_hops else None
    undecided = sum(looks for (_, state), looks in outcomes.items() if state == "unknown")
    tested = norm_share(standings)
    leaving = [cell for cell in cells if cell.passage == "leaves home"]
    open_way = sum(cell.hops for cell in cells if cell.passage in (None, "unknown"))
    for name, value, meaning in (
        ("urls", len(facts.targets) if counts_shown else None, "URLs reported"),
        ("reports", len(facts.reports) if counts_shown else None, "reports of these"),
        ("looks", conclusions.look_count, "checks of them"),
        ("looks_undecided", undecided, "of the checks, those that show neither up nor down"),
        ("looks_quarantined", outcomes["quarantined", "unknown"], "of the checks, those in mass outages"),
        (
            "looks_one_network",
            outcomes["unobserved", "unknown"],
            "of the checks, those that failed from one network only",
        ),
        (
            "looks_stale",
            conclusions.stale_looks,
            "checks attributed with a table of routes too old for them, or of a later day",
        ),
        (
            "looks_hoster_word",
            conclusions.hoster_words.total(),
            "of the checks, those that a hoster's own link check decided: its word",
        ),
        ("hosters", len(hosters), "hosters in the ranking: those with enough sites, proxies among them"),
        (
            "hosters_with_share",
            sum(entry.row.removed_24h_low is not None for entry in hosters),
            "of these, those with a share",
        ),
        (
            "hosters_changed",
            sum(entry.row.rank_class == "changed" for entry in hosters),
            "of these, those whose share changed: it is given before and since, and totals go on over the change",
        ),
        (
            "below_norm",
            None if tested is None else len(below_norm(standings)),
            "of these, those that surely removed less than the norm; null: none was held against it",
        ),
        ("norm_share", tested, "the norm: share removed within 24 hours; null: none of these was held against it"),
        ("norm_rate", norm.rate, "most that are wrongly said to be below it, as a share of those named"),
        ("hops", hops, "hops that are not known to be parallel copies; of a window, those told of the whole study"),
        ("hops_certain", sum(cell.certain for cell in cells), "of these, surely displacement"),
        ("left_home_least", sum(cell.certain for cell in leaving), "hops that surely are displacement and left home"),
        ("left_home_most", sum(cell.hops for cell in leaving) + open_way, "hops that may have left home"),
        (
            "quarantines_open",
            sum(quarantine.status == "open" for quarantine in conclusions.quarantines),
            "quarantines open",
        ),
        (
            "quarantines_open_no_verdict",
            sum(
                quarantine.status == "open" and quarantine.kind in NO_VERDICT for quarantine in conclusions.quarantines
            ),
            "of these, those of our own network or of a delivery, which change no verdict",
        ),
        ("quarantines", len(conclusions.quarantines), "quarantines in all"),
        ("least", least, "sites that a row is about at least"),
    ):
        yield Total(name=name, value=None if value is None else float(value), meaning=meaning)


def _notes(conclusions: Conclusions) -> Iterator[tuple[str, str, str]]:
    """Caveats that a reader needs before trusting a number, each with a link."""
    if not conclusions.facts.canaries:
        yield "No canary was configured: outages cannot be told from removals, so no removal is shown.", "", ""
    outages = [
        quarantine
        for quarantine in conclusions.quarantines
        if quarantine.status == "open" and quarantine.kind not in NO_VERDICT
    ]
    if outages:
        looks = conclusions.outcomes["quarantined", "unknown"]
        where = ", ".join(sorted({quarantine.kind for quarantine in outages}))
        yield (
            f"{looks:,} checks in mass outages ({where}) are quarantined until a person decides: "
            "they count as undecided.",
            "held",
            "All quarantines",
        )
    hidden = conclusions.outcomes["unobserved", "unknown"]
    if hidden:
        yield f"{hidden:,} checks failed from one network only: they count as undecided, never as removed.", "", ""
    stale = conclusions.stale_looks
    if stale:
        yield (
            f"{stale:,} checks were attributed with a table of routes that is too old for them, or of a later day: the "
            "network that answered may be another.",
            "tables",
            "The tables, and what to do",
        )


def _method(publication: Publication) -> MethodView:
    methods: dict[str, str] = {}
    for table in publication.tables:
        if table.envelope.method not in methods.values():
            methods[table.envelope.what] = table.envelope.method
    return MethodView(
        methods=methods,
        tables=[
            PublishedTable(
                name=table.name,
                title=table.title,
                rows=len(table.rows),
                left_out=table.envelope.left_out,
                cases=table.case_level,
            )
            for table in publication.tables
        ],
        sources=dict(sorted(publication.sources.items())),
        effects=[row for table in publication.tables if table.name == EFFECTS for row in table.rows],
    )
