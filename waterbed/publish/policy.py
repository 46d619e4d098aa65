"""The publication policy: tables, audience, licence, and small counts."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Annotated, Any, Final

from waterbed.graphs.network.moves import Level
from waterbed.graphs.network.weeks import week_window
from waterbed.measures.speed_ranks import slowest_of
from waterbed.model.codec import columns
from waterbed.model.conclusions import Hop, RankingRow
from waterbed.model.results import FeedRow
from waterbed.model.table import TableInfo
from waterbed.model.window import ALL, Window
from waterbed.publish.changes import ranked_in
from waterbed.publish.edition import LastEdition, cells_told, edition_of, next_cells
from waterbed.publish.hop_cells import NO_CELLS, CellDisclosure, HopCells
from waterbed.publish.hop_tables import flow_rows, share_rows
from waterbed.publish.suppression import Key, Layer, few_sites, hidden_keys, told
from waterbed.publish.told_rows import TOGETHER, Held, held_weeks, told_by_week, told_notices, too_few
from waterbed.store.settings import Norm, Tlp

COUNTED: Final = ("sites", "clocks", "hosts", "hops", "urls", "contents")
"""Fields that count the independent units behind a row; the first that the row has counts."""
KEYS: Final = ("key", "from_key", "to_key")
"""Fields that identify the subject of a row."""
COMPANIES: Final = ("hoster", "asn", "platform", "upstream", "transit", "operator", "as_holder", "proxy")
"""What rows can stand for that is a company."""
ADDRESSES: Final = ("addresses", "own_addresses", "prefixes")
"""Fields that hold addresses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Permissions and markings of a publication."""

    publisher: Annotated[str, "who publishes, a name for people"]
    namespace: Annotated[str, "made of the study's id: ids of published objects are made from it"]
    tlp: Annotated[Tlp, "traffic light of everything published"]
    licence: Annotated[str, "SPDX name of the licence"]
    least: Annotated[int, "rows about fewer sites (or clocks, hosts, hops, URLs) are left out"]
    cases: Annotated[bool, "whether tables with a row for each URL id are published"]
    addresses: Annotated[bool, "whether addresses are"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One published table."""

    name: Annotated[str, "name of its files: ranking-asn, flows, ..."]
    title: Annotated[str, "what it holds, for people"]
    cls: Annotated[type, "dataclass of its rows"]
    rows: Annotated[Sequence[Any], "the rows"]
    envelope: Annotated[TableInfo, "what they are, and what they rest on"]
    case_level: Annotated[bool, "whether a row is one case by id"] = False
    among: Annotated[
        Callable[[Collection[str]], "Table"] | None, "the table with places among some keys; null: it has no places"
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis:
    """The parts that rows rest on, for suppression."""

    network: Annotated[tuple[Layer, ...], "URLs, and takedown clocks, by their keys in rankings of networks"] = ()
    alone: Annotated[Mapping[str, Layer], "URLs by their keys in one kind that the others do not tell"] = field(
        default_factory=dict
    )
    notices: Annotated[Layer, "clocks that notices started, by their keys"] = ()
    shared: Annotated[Mapping[Key, Mapping[frozenset[str], int]], "hosts and incidents of each kind, by their keys"] = (
        field(default_factory=dict)
    )
    pieces: Annotated[Sequence["Basis"], "of a window: what lies between the bounds of all windows published"] = ()
    exposed: Annotated[frozenset[Key], "of a window: keys of which a small count would follow from it"] = frozenset()
    hops: Sequence[Hop] = ()
    disclosure: Annotated[CellDisclosure | None, "of the hops; null: there are no episodes"] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A publication: all tables drawn from one set of facts."""

    title: Annotated[str, "name of the study"]
    made_at: Annotated[datetime, "when, aware"]
    first: Annotated[datetime | None, "first check; null: none yet"]
    last: Annotated[datetime | None, "last check"]
    policy: Policy
    tables: Annotated[Sequence[Table], "in the order in which a reader asks for them"]
    sources: Annotated[Mapping[str, str], "each data set used, to its licence and attribution"]
    origins: Annotated[Mapping[str, tuple[int, ...]], "AS numbers of each hoster's addresses"]
    countries: Annotated[Mapping[str, str], "country of each AS's or hoster's seat, by key"]
    companies: Annotated[Mapping[str, str], "hoster of each AS in the tables, by AS key"] = field(default_factory=dict)
    declared: Annotated[Sequence[str], "keys of places that public events name"] = ()
    addressed: Annotated[Sequence[str], "keys of hosters whose addresses are published one by one"] = ()
    basis: Basis = field(default_factory=Basis)
    cells: Annotated[HopCells, "the hops that may be told, as far as they may"] = NO_CELLS
    window: Annotated[Window, "the reports that it is about"] = ALL
    norm: Norm = field(default_factory=Norm)
    """What places are held against."""
    changed_since: Annotated[datetime | None, "last check of the edition before, which `changes-hoster` is about"] = (
        None
    )
    edition: Annotated[LastEdition | None, "what the next edition must know of this one; null: nothing is left out"] = (
        None
    )

    @property
    def slowest(self) -> Mapping[str, int]:
        """Number of rows called the slowest, by kind."""
        places = {table.envelope.by: table.rows for table in self.tables if table.name.startswith(PLACES)}
        return {by: slowest_of(sum(row.place_low is not None for row in rows)) for by, rows in places.items()}

    def table(self, name: str) -> Table:
        """The table of a name; KeyError if it is missing."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(name)


def provenance_text(publication: Publication, info: TableInfo) -> str:
    """Describe a table's origin for formats without metadata fields."""
    dates = ", ".join(f"{name} {day}" for name, day in sorted(info.data_dates.items())) or "none"
    sources = "; ".join(f"{name}: {words}" for name, words in sorted(publication.sources.items())) or "none"
    return (
        f"{info.what} by {info.by}, {info.window}; clock {info.clock}; method: {info.method}; "
        f"{'; '.join(info.remarks)}; "
        f"data of: {dates}; data licences: {sources}; run {info.run}; Waterbed {info.version}; "
        f"TLP:{publication.policy.tlp.upper()}; licence {publication.policy.licence}; "
        f"at least {info.left_out} rows left out, about fewer than {publication.policy.least} or to protect such"
    )


LEVELS: Final[Mapping[Level, str]] = {"hoster": "hoster", "as": "asn", "country": "country"}
"""The ranking whose keys may be named on each level of hops."""
RANKING: Final = "ranking-"
PLACES: Final = "places-"
EFFECTS: Final = "notice-effects"
DEADLINES: Final = "deadlines"
BEYOND: Final = "beyond"
BY_WEEK: Final = ("weeks-hoster", "compliance-hoster")
_SOURCE: Final = "source"


def named_keys(publication: Publication) -> dict[Level, frozenset[str]]:
    """Publishable keys of each level.

    These are the keys of its published ranking; the key of what no table attributes is one of them, or not, as any.
    """
    return {
        level: frozenset(row.key for row in publication.table(f"{RANKING}{kind}").rows)
        for level, kind in LEVELS.items()
    }


def publishable(publication: Publication, before: Sequence[LastEdition] = ()) -> Publication:
    """The same publication without everything that its policy withholds.

    A row about fewer than `least` sites is left out whole, further rows are, so that it does not follow from others
    (`hidden_keys`), and so is every row about something that is left out of the ranking of its kind. Flows are sums of
    cells. The envelope says how many rows were left out at least. Tables of single cases are left out unless the policy
    allows them, and hold no addresses unless it allows these. With each edition `before`, newest first, nothing hidden
    follows from both together, unless the policy now allows more than then.
    """
    policy = publication.policy
    before = [one for one in before if one.least <= policy.least]
    alike = [one for one in before if one.window == publication.window]
    hidden = _hidden(publication, alike)
    kept = [
        _without_addresses(table, policy) if table.case_level else _large_enough(publication, table, hidden, alike)
        for table in publication.tables
        if policy.cases or not table.case_level
    ]
    by_source = _few_by_source(publication.tables, kept)
    if by_source or publication.window or any(one.by_source for one in before):
        kept = [_without_margins(table) for table in kept]
    whole = next((one for one in before if not one.window), None)
    shown = _with_cells(replace(publication, tables=kept), whole)
    origins = {
        key: tuple(number for number in numbers if ("asn", f"AS{number}") not in hidden.keys)
        for key, numbers in publication.origins.items()
    }
    told = NO_CELLS if publication.window else shown.cells  # those of a window are told already
    edition = replace(
        hidden.edition(publication.basis, told, policy.least),
        window=publication.window,
        by_source=by_source,
        held={one.name: _held(one, shown, hidden) for one in publication.tables if one.name in BY_WEEK},
        data_until=publication.last,
        ranked=ranked_in(shown.tables),
    )
    return replace(shown, origins=origins, edition=edition)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Hidden:
    """Keys that are left out, and of these the small ones."""

    keys: Annotated[set[Key], "of all tables of their kind, sources among them"]
    small: set[Key]
    noticed: Annotated[set[Key], "of tables on notices"]
    few: Annotated[set[Key], "of these, the small ones"]

    def edition(self, basis: Basis, cells: HopCells, least: int) -> LastEdition:
        """The record of what is shown."""
        layers = {f"network{at}": layer for at, layer in enumerate(basis.network)} | dict(basis.alone)
        layers["notices"] = basis.notices
        return edition_of(layers, self.keys, self.small, self.noticed, self.few, cells, basis.hops, least)


def _hidden(publication: Publication, before: Sequence[LastEdition]) -> _Hidden:
    basis, least = publication.basis, publication.policy.least
    small, few = set[Key](basis.exposed), set[Key]()
    for table in publication.tables:
        kind = table.envelope.by
        if table.name.startswith(RANKING) or table.name == "feeds":
            small |= {(kind, _name(row)) for row in table.rows if row.sites < least}
        elif table.name.startswith("compliance-"):
            few |= {(kind, row.key) for row in table.rows if row.week is None and too_few(row, least)}
    networks = [f"network{at}" for at in range(len(basis.network))]
    found = hidden_keys(
        basis.network,
        {key for key in small if key[0] not in basis.alone},
        least,
        editions=[one.before(*networks) for one in before],
    )
    for kind, layer in basis.alone.items():
        own = {key for key in small if key[0] == kind}
        found |= hidden_keys([layer], own, least, editions=[one.before(kind) for one in before])
    if _told_by_cards(publication, found):
        found |= {(_SOURCE, row.source) for table in publication.tables if table.name == "feeds" for row in table.rows}
    noticed = hidden_keys(
        [basis.notices], few, least, hidden=found, editions=[one.before("notices", noticed=True) for one in before]
    )
    for piece in basis.pieces:
        found |= hidden_keys(piece.network, few_sites(piece.network[:1], least), least)
        for layer in piece.alone.values():
            found |= hidden_keys([layer], few_sites([layer], least), least)
        noticed |= found | hidden_keys([piece.notices], few_sites([piece.notices], least), least)
    return _Hidden(keys=found, small=small, noticed=noticed, few=few)


def _told_by_cards(publication: Publication, hidden: Collection[Key]) -> bool:
    """True if a source has too few hosts at a key, and a part of them follows from its card.

    Of its hosts, not more can lie elsewhere than the study has elsewhere.
    """
    cards = {row.source: row.hosts for table in publication.tables if table.name == "feeds" for row in table.rows}
    for table in publication.tables:
        kind = table.envelope.by
        if not table.name.startswith("feeds-"):
            continue
        own = {
            row.key: row.hosts for row in publication.table(f"{RANKING}{kind}").rows if (kind, row.key) not in hidden
        }
        every = sum(publication.basis.shared[kind, "hosts_fractional"].values())
        for row in table.rows:
            few = row.key in own and 0 < row.hosts < publication.policy.least
            if few and (_SOURCE, row.source) not in hidden and cards[row.source] + own[row.key] > every:
                return True
    return False


def _name(row: Any) -> str:
    return str(row.source if hasattr(row, "shared") else row.key)


def _held(table: Table, shown: Publication, left_out: _Hidden) -> Held:
    """The weeks that a table lacks of hosters shown."""
    gone = left_out.noticed if "clusters" in columns(table.cls) else left_out.keys
    return held_weeks(table.rows, shown.table(table.name).rows, gone)


def _large_enough(publication: Publication, table: Table, left_out: _Hidden, before: Sequence[LastEdition]) -> Table:
    """A table without rows that are about too few, or would tell of them."""
    fields, kind, least = columns(table.cls), table.envelope.by, publication.policy.least
    counted = next(name for name in COUNTED if name in fields)
    keys = [name for name in KEYS if name in fields]
    hidden = left_out.noticed if "clusters" in fields else left_out.keys
    rows = [
        row
        for row in table.rows
        if getattr(row, counted) >= least
        and not any((kind, getattr(row, key)) in hidden for key in keys)
        and ("source" not in fields or (_SOURCE, row.source) not in hidden)
    ]
    if table.cls is RankingRow:
        rows = [_with_parts(row, least) for row in rows]
    held = [one.held.get(table.name, {}) for one in before]
    if table.cls in TOGETHER:
        rows = TOGETHER[table.cls](rows, least)
    elif "clusters" in fields:
        rows = told_notices(rows, table.rows if kind == "hoster" else (), least, held)
    if "window" in fields:
        rows = told_by_week(rows, table.rows, least, held)
    missing = len(table.rows) - len(rows)
    layer = publication.basis.alone.get(kind) or next(iter(publication.basis.network), ())
    if "clusters" in fields:
        layer = publication.basis.notices
    about_keys = table.cls not in TOGETHER and (keys or "source" in fields)
    gone = min(missing, told(layer, hidden, kind, least) if about_keys else 1)
    if table.among:  # a place among all keys would tell of those left out
        shown = {row.key for row in rows}
        table = table.among(shown)
        rows = [row for row in table.rows if row.key in shown]
    rows = _shared_again(publication.basis, table, rows)
    if missing and "shared" in fields:  # with whom a URL is shared would tell of the sources left out
        rows = [replace(row, shared=None, first_here=None) for row in rows]
    return replace(table, rows=rows, envelope=replace(table.envelope, left_out=gone))


def _with_parts(row: RankingRow, least: int) -> RankingRow:
    """A row without the shares before and since a change, if one of them is about too few sites."""
    if row.changed_sites is None or row.changed_sites >= least:
        return row
    without: dict[str, Any] = dict.fromkeys(
        one for one in columns(RankingRow) if one.startswith(("removed_", "median_"))
    )
    return replace(row, **without, changed_sites=None)


def _shared_again(basis: Basis, table: Table, rows: Sequence[Any]) -> list[Any]:
    """Rows with places, and shares of hosts and incidents, among those shown."""
    found = list(rows)
    for name in ("hosts_fractional", "incidents_fractional"):
        sets = basis.shared.get((table.envelope.by, name))
        if sets is None or name not in columns(table.cls) or len(rows) == len(table.rows):
            continue
        shown, sums = {row.key for row in rows}, defaultdict[str, float](float)
        for keys, number in sets.items():
            for key in (own := keys & shown):
                sums[key] += number / len(own)
        found = [replace(row, **{name: round(sums[row.key], 6)}) for row in found]
    if table.name.startswith(RANKING):
        found = [row if row.place is None else replace(row, place=place) for place, row in enumerate(found, 1)]
    return found


def _few_by_source(every: Iterable[Table], kept: Iterable[Table]) -> bool:
    """True if hosts of any source at a key are left out: they are too few, or the key or source is hidden."""
    shown = {table.name: len(table.rows) for table in kept}
    return any(sum(bool(row.hosts) for row in one.rows) > shown[one.name] for one in every if one.cls is FeedRow)


def _without_margins(table: Table) -> Table:
    """A table by source and key without hosts and places.

    What a source reported of a key would follow from the hosts of the key and of the source, and from a share's digits:
    in tenths it may be of any number that has a share.
    """
    if table.cls is not FeedRow:
        return table
    tenths = [None if row.removed_24h is None else round(row.removed_24h, 1) for row in table.rows]
    rows = [replace(row, hosts=None, place=None, removed_24h=it) for row, it in zip(table.rows, tenths, strict=True)]
    return replace(table, rows=rows)


def _with_cells(publication: Publication, whole: LastEdition | None) -> Publication:
    """The publication with its hops as cells, and tables of flows that are sums of these.

    `whole` is the last edition of the whole study. Of a window, those of its cells that lie in the window whole: so
    nothing is told that was not.
    """
    basis, least, window = publication.basis, publication.policy.least, publication.window
    if basis.disclosure is None:
        return publication
    disclosure = replace(basis.disclosure, named=named_keys(publication), least=least)
    cells = (
        _within(cells_told(basis.hops, disclosure, whole), window)
        if window
        else next_cells(basis.hops, disclosure, whole)
    )
    levels: dict[str, Level] = {kind: level for level, kind in LEVELS.items()}

    def summed(table: Table) -> Table:
        if not table.name.startswith("flow"):
            return table
        level = levels[table.envelope.by]
        names = {row.from_key: row.from_name for row in table.rows} | {row.to_key: row.to_name for row in table.rows}
        rows: list[Any] = (
            flow_rows(cells, names)
            if table.name == "flows"
            else share_rows(cells, basis.hops, level, names, disclosure)
        )
        held = {(ends, cell.country, cell.passage) for cell in cells.cells if not _whole(ends := cell.ends(level))}
        return replace(table, rows=rows, envelope=replace(table.envelope, left_out=len(held)))

    return replace(publication, tables=[summed(table) for table in publication.tables], cells=cells)


def _within(cells: HopCells, window: Window) -> HopCells:
    """The cells that lie in a window whole."""
    bounds = [week_window(week) for week in cells.weeks]
    kept = [
        at
        for at, cell in enumerate(cells.cells)
        if window.holds(bounds[cell.first][0]) and window.holds(bounds[cell.last][1] - timedelta(microseconds=1))
    ]
    return replace(cells, cells=tuple(cells.cells[at] for at in kept), members=tuple(cells.members[at] for at in kept))


def _whole(ends: tuple[tuple[str, ...], tuple[str, ...]] | None) -> bool:
    return ends is not None and bool(ends[0] and ends[1])


def _without_addresses(table: Table, policy: Policy) -> Table:
    held = [name for name in ADDRESSES if name in columns(table.cls)]
    if policy.addresses or not held:
        return table
    return replace(table, rows=[replace(row, **dict.fromkeys(held, ())) for row in table.rows])
