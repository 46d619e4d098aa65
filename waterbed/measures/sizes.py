"""A study's sizes on one day.

Put together from tables, registrations, looks and counts.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from waterbed.attribution.hosters.day import BookOfDay
from waterbed.attribution.hosters.members import as_of_key, holder_key
from waterbed.attribution.lookups.tables.addresses import pack
from waterbed.attribution.lookups.tables.covariates import Value
from waterbed.attribution.lookups.tables.domains import DomainTable
from waterbed.attribution.lookups.tables.seen_names import SeenDomains, domains_by_as, is_seen_names
from waterbed.attribution.named_ranges import (
    NamedRanges,
    ases_of_holders,
    claimed_ranges,
    registered_country,
    registered_ranges,
)
from waterbed.attribution.sizes import By, Counted, Measured, sizes_by_as, sizes_by_country, sizes_by_hoster
from waterbed.attribution.snapshots import latest
from waterbed.measures.keys import size_kind
from waterbed.measures.ranking import volumes_of
from waterbed.measures.ranking_tables import RankingTables
from waterbed.measures.structure import Structure
from waterbed.model.codec import microseconds
from waterbed.model.conclusions import Size
from waterbed.model.errors import InputError
from waterbed.model.facts import Resolution, Snapshot
from waterbed.model.progress import stage
from waterbed.model.registrations import Registration
from waterbed.model.table import TableInfo
from waterbed.study.conclusions import Conclusions
from waterbed.study.dated_tables import folder_name
from waterbed.study.facts import Facts
from waterbed.study.metadata import table_info
from waterbed.study.study import Study

WINDOW_DAYS = 30
_FIRST_YEAR, _LAST_YEAR = 1980, 2200
METHOD = (
    "announced: routed ranges of the day, overlaps removed, ranges with several origins in full for each; "
    "hosting: distinct addresses (IPv6: /64s) that the study's hosts had in the window; countries: delegated by the "
    "table of places, registered by the registries' answers; urls, hosts, sites: the whole study"
)


_SEEN: Final = """
SELECT DISTINCT unnest(addresses) AS address FROM resolution
WHERE status = 'ok' AND epoch_us(resolved_at) >= $first AND epoch_us(resolved_at) < $end
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeTable:
    """Sizes of one day, and what the table is."""

    sizes: list[Size]
    info: TableInfo


def add_domains(study: Study, path: Path, day: date) -> tuple[Snapshot, list[str]]:
    """Import a dated table of domains.

    Of one with names and addresses the domains of each AS are counted, by the routes of the day, and no name is kept;
    how many lie at an address becomes a table of covariates.

    Returns the snapshot, and the keys of hosters in it that the book does not know.
    """
    if is_seen_names(path):
        with TemporaryDirectory() as folder:  # numbers of ASes alone
            counted, found = Path(folder) / path.name, _seen(study, path, day)
            counted.write_text(_csv(["domains"], {key: [one.domains] for key, one in found.items()}))
            (snapshot,) = study.add_table(counted, day, kind="domains")
            dense = {key: [one.per_address, one.addresses] for key, one in found.items()}
            counted.write_text(_csv([DENSITY, DENSE], dense))
            study.add_table(counted, day, kind="covariates")
    else:
        (snapshot,) = study.add_table(path, day, kind="domains")
    named = DomainTable.load(study.folder.tables / folder_name(snapshot)).domains
    book = study.attributor().book.on(day)
    return snapshot, sorted(key for key in named if key[0].islower() and ":" not in key and not book.exists(key))


DENSITY: Final = "domains_per_address"
"""Covariate: median of the domains at an address that has any."""
DENSE: Final = "addresses_with_domains"


def _seen(study: Study, path: Path, day: date) -> Mapping[str, SeenDomains]:
    attributor, noon = study.attributor(), datetime.combine(day, time(12), tzinfo=UTC)
    if not attributor.routes.both(day):
        raise InputError(
            "counting domains by AS needs a table of routes; add one with waterbed tables add (docs/sizes.md)"
        )
    return domains_by_as(path, day, lambda addresses: attributor.origins_by_row(addresses, noon))


def _csv(names: Sequence[str], rows: Mapping[str, Sequence[float]]) -> str:
    lines = [("key", *names), *((key, *map(str, row)) for key, row in rows.items())]
    return "".join(f"{','.join(line)}\n" for line in lines)


@stage("sizes")
def size_table(
    study: Study,
    by: By,
    day: date,
    *,
    window_days: int = WINDOW_DAYS,
    everything: bool = False,
    conclusions: Conclusions | None = None,
) -> SizeTable:
    """The sizes of a day, largest first.

    Without `everything` only what the study or the table of domains names; with it every AS of the routing table,
    every hoster of the book or every country of the table of places, zeros included. `conclusions` are drawn unless
    given.
    """
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise InputError(f"the day {day} is not in the years {_FIRST_YEAR} to {_LAST_YEAR} (docs/sizes.md)")
    conclusions = conclusions or study.conclude()
    end = datetime.combine(day, time(), tzinfo=UTC) + timedelta(days=1)
    start = end - timedelta(days=window_days)
    measured = _measured(study, conclusions, by, day, start, end)
    attributor = conclusions.attributor
    if by == "country":
        rows = sizes_by_country(measured)
    elif by == "asn":
        rows = sizes_by_as(measured, attributor.name_of)
    else:
        book = attributor.book.on(day)
        rows = sizes_by_hoster(measured, book.key_of_as, book.entities, attributor.name_of)
    shown = rows if everything else [row for row in rows if _concerns(row)]
    return SizeTable(sizes=shown, info=_info(study, by, measured, start, end))


def ranking_sizes(study: Study, tables: RankingTables, day: date) -> list[Size]:
    """The sizes of all keys of a ranking's kind.

    Those that exist on a day; none for kinds without sizes.
    """
    by = size_kind(tables.kind)
    if by is None or tables.side or not study.tables("routes"):
        return []
    return size_table(study, by, day, everything=True, conclusions=tables.conclusions).sizes


def ranking_structure(study: Study, tables: RankingTables, day: date) -> Structure:
    """The covariates of a ranking's keys on a day.

    Each is that of the latest table that has it. A hoster without a row of its own has the commonest word, and the
    largest number, of its ASes.
    """
    by = size_kind(tables.kind)
    if not by or tables.side:
        return {}
    book = tables.conclusions.attributor.book.on(day)
    types = book.hosting_types()
    chosen = covariates_on(study, day)
    if by == "hoster":
        chosen = {name: of_hosters(column, book.key_of_as) for name, column in chosen.items()}
    elif by == "asn":
        types = {what: kind for key, kind in types.items() for what in book.members(key) if as_of_key(what)}
    if types and by != "country":
        chosen[HOSTING_TYPE] = {**chosen.get(HOSTING_TYPE, {}), **types}
    return chosen


HOSTING_TYPE: Final = "hosting_type"
"""Covariate: what a hoster mostly offers, by what two people accepted, else by a table that has it."""


def covariates_on(study: Study, day: date) -> dict[str, Mapping[str, Value]]:
    """The covariates of a day, each of its latest table."""
    dated = study.tables("covariates")
    names = sorted({name for _, table in dated for name in table.columns})
    columns = {name: [(on, table.columns[name]) for on, table in dated if name in table.columns] for name in names}
    return {name: latest(its, day) or {} for name, its in columns.items()}


def of_hosters(column: Mapping[str, Value], hoster_of: Callable[[int], str]) -> dict[str, Value]:
    """A covariate by hoster.

    Its own value, else of its ASes the commonest word or the largest number.
    """
    found: dict[str, Value] = {}
    of_ases: dict[str, list[Value]] = defaultdict(list)
    for key, value in column.items():
        if key.startswith("AS") and key[2:].isdecimal():
            of_ases[hoster_of(int(key[2:]))].append(value)
        else:
            found[key] = value
    for key, values in of_ases.items():
        counts = Counter(values)
        found.setdefault(key, min(counts, key=lambda value: _rank(value, counts[value])))
    return found


def _rank(value: Value, ases: int) -> tuple[float, str]:
    """The commonest word first, the largest number first."""
    return (-float(ases), value) if isinstance(value, str) else (-value, "")


def _concerns(row: Size) -> bool:
    seen = (
        row.urls or row.hosting_v4 or row.hosting_v6_64s or row.hosting_v4_registered or row.hosting_v6_64s_registered
    )
    return bool(seen) or row.domains is not None


def _measured(study: Study, conclusions: Conclusions, by: By, day: date, start: datetime, end: datetime) -> Measured:
    routes = conclusions.attributor.routes.both(day)
    countries = conclusions.attributor.countries.both(day) if by == "country" else {}
    if not routes and not countries:
        raise InputError(
            "measuring sizes needs a table of routes or places; add one with waterbed tables add (docs/sizes.md)"
        )
    domains = latest([(on, (on, table)) for on, table in study.tables("domains")], day)
    seen = conclusions.once(f"addresses seen from {start} to {end}", partial(_addresses, conclusions.facts, start, end))
    book = conclusions.attributor.book.on(day)
    volumes = volumes_of(RankingTables(conclusions=conclusions, kind=by, clock=conclusions.config.clock).appearances)
    return Measured(
        day=day,
        routes=routes,
        countries=countries,
        registered=_registered(study, book, by, day),
        claimed=claimed_ranges(book.held()) if by == "hoster" else None,
        addresses=pack(seen),
        domains=domains[1].domains if domains else None,
        domains_date=domains[0] if domains else None,
        counts={
            key: Counted(urls=len(volume.urls), hosts=len(volume.hosts), sites=len(volume.sites))
            for key, volume in volumes.items()
        },
        max_age_days=study.config.routes_max_age_days,
    )


def _addresses(facts: Facts, start: datetime, end: datetime) -> list[str]:
    """The addresses that names had in a time."""
    between = {"first": microseconds(start), "end": microseconds(end)}
    some = replace(facts, since=max(facts.since or date.min, start.date()))
    seen = some.selected(Resolution, ("status", "resolved_at", "addresses"), _SEEN, between)
    return sorted(set(seen.column("address").to_pylist()))


def _registered(study: Study, book: BookOfDay, by: By, day: date) -> NamedRanges | None:
    """The registered ranges by country, or by claiming hoster.

    A hoster claims a holder in the book.
    """
    if by == "asn":
        return None
    facts = study.store.all(Registration)
    if by == "country":
        return registered_ranges(facts, day, registered_country)
    own = ases_of_holders(facts)

    def hoster_of(fact: Registration) -> str | None:
        if fact.holder is None:
            return None
        holder = holder_key(fact.holder)
        asn = own.get(holder)
        return book.key_of_holder(holder) or (holder if asn is None else book.key_of_as(asn))

    return registered_ranges(facts, day, hoster_of)


def _info(study: Study, by: By, measured: Measured, start: datetime, end: datetime) -> TableInfo:
    used = {f"routes IPv{family}": chosen.data_date for family, chosen in measured.routes.items()}
    used |= {f"places IPv{family}": chosen.data_date for family, chosen in measured.countries.items()}
    if measured.domains_date:
        used["domains"] = measured.domains_date
    return replace(
        table_info(study, "sizes", by=by),
        clock="data date",
        window=f"{start.isoformat()}/{end.isoformat()}",
        method=METHOD,
        data_dates={name: on.isoformat() for name, on in used.items()},
    )
