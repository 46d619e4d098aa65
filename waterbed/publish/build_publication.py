"""Builds a publication: rankings, compliance, flows and cases."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from itertools import chain
from typing import Final, get_args
from uuid import NAMESPACE_URL, uuid5

from waterbed.graphs.beyond import Beyond
from waterbed.graphs.network.flows import Flow, FlowShare, evidence_by_pair, flow_shares, flows
from waterbed.graphs.network.measures import hop_matrix
from waterbed.graphs.network.moves import Level, moves_of, origins_index
from waterbed.measures.about import ranking_info, volume_method
from waterbed.measures.by_source import cards, side_by_side, sources
from waterbed.measures.constancy import event_dates
from waterbed.measures.keys import REPORTED, Kind, told_kinds
from waterbed.measures.notices.tables import Compliance, compliance_of
from waterbed.measures.ranking import UNKNOWN
from waterbed.measures.ranking_tables import PLACES_METHOD, RankingTables
from waterbed.measures.sizes import ranking_sizes, ranking_structure
from waterbed.measures.speed_ranks import slowest_of
from waterbed.measures.takedown import By
from waterbed.measures.volume import WORST
from waterbed.model.codec import columns
from waterbed.model.conclusions import WITH_SHARE, Episode, Hop, RankingRow
from waterbed.model.progress import staged
from waterbed.model.registrations import Registration
from waterbed.model.results import ChangeRow, FeedCard, FeedRow, PlaceRow, VolumeRow, WindowShare
from waterbed.model.takedown import ComplianceRow, DeadlineRow, NoticeEffect
from waterbed.model.window import ALL, Window
from waterbed.publish.basis import basis_of
from waterbed.publish.changes import METHOD as CHANGES_METHOD
from waterbed.publish.changes import TABLE, change_rows
from waterbed.publish.edition import LastEdition
from waterbed.publish.pieces import WEEKS, pieces
from waterbed.publish.policy import BEYOND, COMPANIES, DEADLINES, EFFECTS, KEYS, Policy, Publication, Table
from waterbed.questions.intervention.declared_events import public_events
from waterbed.store.forked import beside
from waterbed.store.lake.reading import observed_span
from waterbed.study.conclusions import Conclusions
from waterbed.study.kept_runs import Replaced
from waterbed.study.metadata import table_info
from waterbed.study.study import Study
from waterbed.study.windowed import by_window

KINDS: Final[tuple[Kind, ...]] = (*get_args(By), "registered", "seat", "upstream", "platform", "category", *REPORTED)
"""Published rankings; those after the first three only where a table or a report tells them."""
LEVELS: Final[Mapping[By, Level]] = {"hoster": "hoster", "asn": "as", "country": "country"}
NOUNS: Final[Mapping[str, str]] = {
    "asn": "AS",
    "category": "category of reports",
    "site_type": "type of site",
    "commercial": "whether it is commercial",
    "registered": "registered country",
}
"""Display names of kinds whose own name is not plain English."""
FLOWS_METHOD: Final = "hops not known to be parallel; certain: surely displacement (docs/graph.md)"
BEYOND_METHOD: Final = (
    "nobody checks there, so that no order is known; published bounds are rounded outwards (docs/graph.md)"
)
REGISTRIES: Final = "terms of AFRINIC, APNIC, ARIN, LACNIC and RIPE NCC"


def publication_of(study: Study, conclusions: Conclusions, before: Sequence[LastEdition] = ()) -> Publication:
    """Build a study's full publication; `publishable` applies the policy.

    Of a window, the editions `before` say which other windows are known.
    """
    config, window = study.config, conclusions.window
    first, last = observed_span(study.folder)
    now = study.clock()
    kinds = told_kinds(conclusions.whole.facts.reports, KINDS)
    public = public_events(study).values()
    dates = event_dates(public)  # a private event changes no published row
    ranked = {
        kind: RankingTables(conclusions=conclusions, kind=kind, clock=config.clock, events=dates) for kind in kinds
    }
    told = {
        by: compliance_of(study, by=by, conclusions=conclusions, events=dates)
        for by in LEVELS
        if conclusions.facts.notices
    }
    with _beside(ranked["hoster"]) as weeks:
        rankings = ranking_tables(study, ranked, told, weeks)
        made = (rankings, flow_tables(study, conclusions), case_tables(study, conclusions))
        tables = list(staged("tables", chain.from_iterable(made)))
    book = conclusions.attributor.book.on(now.date())
    declared = sorted({key for event in public for key in event.all_places})
    return Publication(
        title=f"{config.name} ({window.words})" if window else config.name,
        made_at=max(now, last) if last else now,
        first=first,
        last=last,
        policy=policy_of(study, window),
        window=window,
        tables=tables,
        sources=data_sources(study),
        origins=_origins(conclusions),
        countries=_countries(conclusions),
        norm=config.norm,
        companies={key: book.company(key) for key in (*_keys(tables), *declared)},
        declared=declared,
        addressed=_addressed(conclusions) if config.publish.addresses else (),
        basis=replace(
            basis_of(conclusions, [its for kind, its in ranked.items() if kind in LEVELS or _attributes(its)], told),
            **(pieces(study, conclusions, list(ranked.values()), before) if window else {}),
        ),
    )


def changes_since(until: datetime | None) -> str:
    """The edition that changes are against, by its last check."""
    return f"against the edition with checks to {until:%Y-%m-%d %H:%M}" if until else "no edition with older checks"


def with_changes(publication: Publication, before: LastEdition | None) -> Publication:
    """The publication with what changed since an edition.

    Without an edition with older checks the table has no row.
    """
    told = publication.edition
    heading = publication.table(TABLE).envelope
    until = before.data_until if before else None
    since = changes_since(until)
    table = Table(
        name="changes-hoster",
        title=f"what changed at hosters: {since}",
        cls=ChangeRow,
        rows=change_rows(before.ranked, told.ranked) if before and told else (),
        envelope=replace(heading, what="changes", method=f"{CHANGES_METHOD}; {since}", left_out=0),
    )
    at = 1 + next(place for place, one in enumerate(publication.tables) if one.name == TABLE)
    tables = [*publication.tables[:at], table, *publication.tables[at:]]
    return replace(publication, tables=tables, changed_since=until)


def _keys(tables: Iterable[Table]) -> set[str]:
    """All keys of rows about companies."""
    return {
        getattr(row, name)
        for table in tables
        if table.envelope.by in COMPANIES and not table.case_level
        for name in KEYS
        if name in columns(table.cls)
        for row in table.rows
    }


def policy_of(study: Study, window: Window = ALL) -> Policy:
    """Permissions and markings from the settings.

    Ids of what is published of a window are of their own.
    """
    config = study.config
    asked = config.publish
    return Policy(
        publisher=asked.publisher or config.name,
        namespace=str(uuid5(NAMESPACE_URL, f"waterbed:{config.study}{f':{window.label}' if window else ''}")),
        tlp=asked.tlp,
        licence=asked.licence,
        least=asked.least,
        cases=asked.cases,
        addresses=asked.addresses,
    )


def data_sources(study: Study) -> dict[str, str]:
    """Data sets behind the conclusions, with licences and attributions."""
    found = {
        f"{one.kind}{f' IPv{one.family}' if one.family else ''} of {one.data_date.date()}": one.licence
        or "licence not named"
        for one in study.snapshots()
    }
    return found | ({"registrations": REGISTRIES} if study.store.count(Registration) else {})


def _attributes(its: RankingTables) -> bool:
    return any(key and key != UNKNOWN for appearance in its.appearances for key in appearance.keys)


@contextmanager
def _beside(its: RankingTables) -> Iterator[Callable[[], list[WindowShare]]]:
    """A ranking's rows by week; they and the study's hops are found beside the block if there is much."""
    whole, shared = its.conclusions.whole, its.shared
    rows = partial(_week_rows, its)
    if shared:  # the other processes find at hand what the database is asked for
        _ = its.rows
        if finding := not whole.hops_kept:
            _ = whole.hop_context, whole.judged
        if weekly := not its.conclusions.window:
            _ = len(whole.past)
    else:
        finding = weekly = False

    def alone() -> list[WindowShare]:
        whole.processes = 1  # in this process
        return rows()

    def told() -> list[WindowShare]:
        try:
            return weeks()
        except Replaced:  # another command kept newer runs meanwhile
            return rows()

    hops = whole.found_beside("hops", lambda: whole.hops) if finding else nullcontext()
    with beside(alone if weekly else rows, forked=weekly) as weeks, hops:
        yield told


def ranking_tables(
    study: Study,
    ranked: Mapping[Kind, RankingTables],
    told: Mapping[By, Compliance],
    weeks: Callable[[], Sequence[WindowShare]],
) -> Iterator[Table]:
    """Ranking and compliance tables: group counts, no URLs or ids."""
    clock, conclusions = study.config.clock, ranked["hoster"].conclusions
    for kind, its in ranked.items():
        if kind in LEVELS or _attributes(its):
            title = f"ranking by {NOUNS.get(kind, kind)}: how much, and how fast it goes"
            yield Table(
                name=f"ranking-{kind}",
                title=title,
                cls=RankingRow,
                rows=its.rows,
                envelope=ranking_info(study, its, "ranking"),
            )
    for by in LEVELS:
        # places, and what sources are held against, run from the report
        its = (
            ranked[by]
            if clock == "reported"
            else RankingTables(conclusions=conclusions, kind=by, events=ranked[by].events)
        )
        yield from _by(study, its, by, told.get(by))
    if found := told.get("hoster"):
        heading, title = found.info_of("effect"), "how much sooner content is removed once a notice has arrived"
        yield Table(name=EFFECTS, title=title, cls=NoticeEffect, rows=found.effects(), envelope=heading)
        rows, title = found.deadlines(together=True), "what was removed by the deadlines of notices, at all hosters"
        if rows:
            heading = replace(found.info_of("deadlines"), by="kind of notice")
            yield Table(name=DEADLINES, title=title, cls=DeadlineRow, rows=rows, envelope=heading)
    if not conclusions.window:
        yield _by_week(study, ranked["hoster"], weeks())
    heading = table_info(study, "feeds", by="source", window=conclusions.window)
    yield Table(name="feeds", title="sources of reports", cls=FeedCard, rows=cards(conclusions), envelope=heading)


def _week_rows(its: RankingTables) -> list[WindowShare]:
    """The ranking by week of the first report; none for a window."""
    own = columns(WindowShare).keys() & columns(RankingRow).keys()
    return [
        WindowShare(
            window=one.window.label,
            window_since=one.window.since,
            window_until=one.window.until,
            followed_to=one.window.end,
            **{name: getattr(row, name) for name in own},
        )
        for one in ([] if its.conclusions.window else by_window(its.conclusions, WEEKS, "week"))
        for row in RankingTables(conclusions=one, kind="hoster", clock=its.clock, events=its.events).rows
    ]


def _by_week(study: Study, its: RankingTables, rows: Sequence[WindowShare]) -> Table:
    """The ranking by week; weeks stand by hoster alone."""
    heading = ranking_info(study, its, "ranking by week")
    heading = replace(heading, reports=f"{heading.reports}, by week, each followed for {WEEKS.follow.days} days more")
    title = "ranking by hoster, by week of the first report"
    return Table(name="weeks-hoster", title=title, cls=WindowShare, rows=rows, envelope=heading)


def _by(study: Study, its: RankingTables, by: By, found: Compliance | None) -> Iterator[Table]:
    conclusions, noun = its.conclusions, NOUNS.get(by, by)
    if conclusions.until:
        yield _volume(study, its, by, conclusions.until.date())
    yield _places(study, its, by)
    if len(sources(conclusions)) > 1:
        title = f"ranking by {noun}, by each source"
        rows_of_feeds = side_by_side(its)[0]
        yield Table(
            name=f"feeds-{by}", title=title, cls=FeedRow, rows=rows_of_feeds, envelope=ranking_info(study, its, "feeds")
        )
    if found:
        title = f"what was removed after notices, by {noun}"
        shares = found.shares(weeks=True)
        yield Table(name=f"compliance-{by}", title=title, cls=ComplianceRow, rows=shares, envelope=found.info)


def _volume(study: Study, its: RankingTables, by: By, day: date, among: Collection[str] | None = None) -> Table:
    """Volume against size, with places among some keys."""
    known = [] if among is None else ranking_sizes(study, its, day)
    rows, remark = its.volume(known, WORST, ranking_structure(study, its, day) if known else {}, among)
    rows = [replace(row, twins=None, twins_sites=None, twins_fewer=None) for row in rows]  # who may be left out
    return Table(
        name=f"volume-{by}",
        title=f"volume against size by {NOUNS.get(by, by)}",
        cls=VolumeRow,
        rows=rows,
        envelope=ranking_info(study, its, "volume", volume_method(remark)),
        among=partial(_volume, study, its, by, day) if among is None else None,
    )


def _places(study: Study, its: RankingTables, by: By, among: Collection[str] | None = None) -> Table:
    """Places by speed among some keys."""
    slowest = slowest_of(sum(row.rank_class in WITH_SHARE and row.key in (among or ()) for row in its.rows))
    method = f"{PLACES_METHOD}; among_worst: among the {slowest} slowest"
    return Table(
        name=f"places-{by}",
        title=f"places by speed of removal by {NOUNS.get(by, by)}",
        cls=PlaceRow,
        rows=its.unplaced if among is None else its.places(slowest, among),
        envelope=ranking_info(study, its, "places", method),
        among=partial(_places, study, its, by) if among is None else None,
    )


def flow_tables(study: Study, conclusions: Conclusions) -> Iterator[Table]:
    """Flows of hops between hosters, and shares of departures.

    Flows are by border crossing; shares are by hoster, AS and country.
    """
    names = hoster_names(conclusions)
    heading = replace(table_info(study, "flows", by="hoster", window=conclusions.window), method=FLOWS_METHOD)
    rows = flows(conclusions.hops, names=names, home=study.config.home)
    yield Table(name="flows", title="flows between hosters", cls=Flow, rows=rows, envelope=heading)
    if found := conclusions.whole.beyond if not conclusions.window else []:
        title = "contents of hosters that were reported at Tor, chats or live streams too"
        info = replace(table_info(study, BEYOND, by="medium"), method=BEYOND_METHOD)
        yield Table(name=BEYOND, title=title, cls=Beyond, rows=found, envelope=info)
    for by, level in LEVELS.items():
        origins = origins_index(conclusions.whole.episodes) if level == "as" else None
        moves = moves_of(conclusions.hops, by=level, origins=origins)
        named = names if by == "hoster" else _named(conclusions, moves.keys) if by == "asn" else {}
        yield Table(
            name=f"flow-shares-{by}",
            title=f"what part of what left each {NOUNS.get(by, by)} arrived where",
            cls=FlowShare,
            rows=flow_shares(hop_matrix(moves), named, evidence_by_pair(conclusions.hops, level, origins)),
            envelope=replace(heading, what="flow shares", by=by),
        )


def case_tables(study: Study, conclusions: Conclusions) -> Iterator[Table]:
    """Episodes and hops one by one, under keyed ids."""
    for name, cls, rows in (("episodes", Episode, conclusions.episodes), ("hops", Hop, conclusions.hops)):
        heading = table_info(study, name, window=conclusions.window)
        yield Table(name=name, title=f"{name}, one by one", cls=cls, rows=rows, envelope=heading, case_level=True)


def hoster_names(conclusions: Conclusions) -> dict[str, str]:
    """The display name of each hoster."""
    return _named(conclusions, conclusions.hosters)


def last_seen(conclusions: Conclusions) -> list[tuple[str, int | None, str, datetime]]:
    """The last time up of each address, origin and category.

    Addresses of reverse proxies are left out: the content is behind them. The origin is None where an address was seen
    among others of other ASes.
    """
    categories: dict[str, set[str]] = defaultdict(set)
    for report in conclusions.facts.reports:
        categories[report.url_id].add(report.category)
    found: dict[tuple[str, int | None, str], datetime] = {}
    for episode in conclusions.episodes:
        if episode.proxy:
            continue
        origin = episode.origins[0] if len(episode.origins) == 1 else None
        for address in episode.addresses:
            for category in categories[episode.url_id]:
                which = address, origin, category
                found[which] = max(found.get(which, episode.last_up), episode.last_up)
    return sorted(((*which, last) for which, last in found.items()), key=lambda one: (one[0], one[2], one[3]))


def _addressed(conclusions: Conclusions) -> list[str]:
    """Hosters with an address in `last_seen`."""
    return sorted({key for episode in conclusions.episodes if not episode.proxy for key in episode.hosters} - {UNKNOWN})


def _named(conclusions: Conclusions, keys: "tuple[str, ...] | list[str]") -> dict[str, str]:
    return {key: conclusions.attributor.name_of(key) for key in keys if key != UNKNOWN}


def _origins(conclusions: Conclusions) -> dict[str, tuple[int, ...]]:
    """AS numbers observed where one hoster answered alone."""
    found: dict[str, set[int]] = defaultdict(set)
    for answer in conclusions.answers:
        if len(answer.hosters) == 1:
            found[answer.hosters[0]].update(answer.origins)
    return {key: tuple(sorted(numbers)) for key, numbers in found.items()}


def _countries(conclusions: Conclusions) -> dict[str, str]:
    systems = {f"AS{number}" for answer in conclusions.answers for number in answer.origins}
    seats = {key: conclusions.attributor.country_of(key) for key in systems}
    return {key: seat for key, seat in seats.items() if seat} | conclusions.seats
