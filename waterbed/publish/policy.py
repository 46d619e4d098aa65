"""The publication policy: tables, audience, licence, and small counts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated, Any, Final

from waterbed.model.codec import columns
from waterbed.model.table import TableInfo
from waterbed.store.settings import Tlp

COUNTED: Final = ("sites", "clocks", "hosts", "hops", "urls")
"""Fields that count the independent units behind a row; the first that the row has counts."""
KEYS: Final = ("key", "from_key", "to_key")
"""Fields that identify the subject of a row."""
_OF_CASES: Final = ("hoster", "hosters", "from_hoster", "to_hoster")
"""Fields of single cases that name hosters."""
COMPANIES: Final = ("hoster", "asn", "platform", "upstream", "operator", "as_holder", "proxy")
"""What rows can stand for that is a company."""
_COUNTRY: Final = re.compile("[A-Z]{2}")
_NOBODY: Final = {"unknown", "others"}
"""Keys that stand for no hoster."""
ADDRESSES: Final = ("addresses", "prefixes")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """A publication: all tables drawn from one set of facts."""

    title: Annotated[str, "name of the study"]
    made_at: Annotated[datetime, "when, aware"]
    first: Annotated[datetime | None, "first look; null: none yet"]
    last: Annotated[datetime | None, "last look"]
    policy: Policy
    tables: Annotated[Sequence[Table], "in the order in which a reader asks for them"]
    sources: Annotated[Mapping[str, str], "each data set used, to its licence and attribution"]
    origins: Annotated[Mapping[str, tuple[int, ...]], "AS numbers of each hoster's addresses"]
    countries: Annotated[Mapping[str, str], "country of each AS's or hoster's seat, by key"]
    slowest: Annotated[Mapping[str, int], "how many are called the slowest, by kind of ranking"]
    companies: Annotated[Mapping[str, str], "hoster of each AS in the tables, by AS key"] = field(default_factory=dict)
    declared: Annotated[Sequence[str], "keys of places that public events name"] = ()
    addressed: Annotated[Sequence[str], "keys of hosters whose addresses are published one by one"] = ()

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
        f"{info.left_out} rows about fewer than {publication.policy.least} left out"
    )


def named_hosters(publication: Publication) -> list[str]:
    """Keys of all companies that a publication names, in order.

    An AS stands for the company that holds it; countries and categories are no company's. Targets, controls and buffers
    of public events are named too.
    """
    named = {*publication.addressed, *(key for key in publication.declared if not _COUNTRY.fullmatch(key))}
    for table in publication.tables:
        fields = _OF_CASES if table.case_level else KEYS if table.envelope.by in COMPANIES else ()
        for value in (getattr(row, name) for name in fields if name in columns(table.cls) for row in table.rows):
            named |= {value} if isinstance(value, str) else set(value)
    return sorted({publication.companies.get(key, key) for key in named} - _NOBODY)


def publishable(publication: Publication) -> Publication:
    """The same publication without everything that its policy withholds.

    A row about fewer than `least` sites is left out whole, and so is every row about something that is left out of the
    ranking of its kind; the envelope says how many were. Tables of single cases are left out unless the policy allows
    them, and hold no addresses unless it allows these.
    """
    policy = publication.policy
    small = {
        (table.envelope.by, row.key)
        for table in publication.tables
        if table.name.startswith("ranking-")
        for row in table.rows
        if row.sites < policy.least
    }
    kept = [
        _without_addresses(table, policy) if table.case_level else _large_enough(table, policy.least, small)
        for table in publication.tables
        if policy.cases or not table.case_level
    ]
    return replace(publication, tables=kept)


def _large_enough(table: Table, least: int, small: set[tuple[str, str]]) -> Table:
    fields = columns(table.cls)
    counted = next(name for name in COUNTED if name in fields)
    keys = [name for name in KEYS if name in fields]
    rows = [
        row
        for row in table.rows
        if getattr(row, counted) >= least
        and not 0 < getattr(row, "clusters", 0) < least
        and not any((table.envelope.by, getattr(row, key)) in small for key in keys)
    ]
    left_out = len(table.rows) - len(rows)
    return replace(table, rows=rows, envelope=replace(table.envelope, left_out=left_out))


def _without_addresses(table: Table, policy: Policy) -> Table:
    held = [name for name in ADDRESSES if name in columns(table.cls)]
    if policy.addresses or not held:
        return table
    return replace(table, rows=[replace(row, **dict.fromkeys(held, ())) for row in table.rows])
