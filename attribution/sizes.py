"""Sizes of hosters, ASes and countries on a day. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from waterbed.attribution.lookups.tables.addresses import Packed
from waterbed.attribution.lookups.tables.contents import country_code
from waterbed.attribution.lookups.tables.countries import CountryTables
from waterbed.attribution.lookups.tables.ranges import RangeTable
from waterbed.attribution.lookups.tables.routes import RouteTables
from waterbed.attribution.named_ranges import NamedRanges
from waterbed.attribution.snapshots import Chosen
from waterbed.attribution.space import (
    Groups,
    Space,
    group_sets,
    joined,
    measure,
    overlaid,
    seen_space,
    shared_space,
    table_space,
)
from waterbed.model.conclusions import Size

By = Literal["hoster", "asn", "country"]
UNKNOWN = "unknown"
"""Key of unattributed content; listed last, without a size."""

_UNIT = {4: "v4", 6: "v6_64s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Numbers of URLs, hosts and sites under one key."""

    urls: int = 0
    hosts: int = 0
    sites: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that sizes are made of.

    `routes` and `countries` are the tables of the day by family. `registered` gives the registered networks by country
    or by hoster, like the sizes; `claimed` the ranges that hosters claim, whatever AS announces them. `addresses` are
    those that the study's hosts had in the window, `domains` is the user's table, `counts` the study by key.
    """

    day: date
    routes: Mapping[int, Chosen[RouteTables]]
    countries: Mapping[int, Chosen[CountryTables]] = field(default_factory=dict)
    registered: NamedRanges | None = None
    claimed: NamedRanges | None = None
    addresses: Packed
    domains: Mapping[str, int] | None = None
    domains_date: date | None = None
    counts: Mapping[str, Counted] = field(default_factory=dict)
    max_age_days: float = 31.0


_NOTHING = Counted()
_Columns = dict[str, Mapping[str, float]]


def sizes_by_as(measured: Measured, names: Callable[[str], str]) -> list[Size]:
    """The size of every AS.

    Of all in the routing tables, the study or the table of domains.
    """
    columns = _routed(measured, lambda asn: f"AS{asn}")
    if measured.domains is not None:
        columns["domains"] = {key: n for key, n in measured.domains.items() if key.startswith("AS")}
    return _rows(measured, columns, (), names)


def sizes_by_hoster(
    measured: Measured, hoster_of: Callable[[int], str], hosters: Iterable[str], names: Callable[[str], str]
) -> list[Size]:
    """The size of every hoster.

    Of all that `hosters` lists, and of every AS that none of them claims.

    `hoster_of` gives the hoster of an AS. The domains of a hoster are those of its own row in the table of domains,
    else those of its ASes added up.
    """
    columns = _routed(measured, hoster_of)
    columns |= _registered(measured)
    if measured.domains is not None:
        columns["domains"] = _domains_of_hosters(measured.domains, hoster_of)
    return _rows(measured, columns, hosters, names)


def sizes_by_country(measured: Measured) -> list[Size]:
    """The size of every country, by delegation and by registration.

    Announced space of a country is what is both routed and delegated to it.
    """
    columns = _registered(measured)
    for family, unit in _UNIT.items():
        located, routed = measured.countries.get(family), measured.routes.get(family)
        if not located:
            continue
        table = located.table.table
        groups = group_sets(table, country_code)
        columns[f"delegated_{unit}"] = _full(table_space(family, table), groups)
        columns[f"hosting_{unit}"] = _full(seen_space(family, measured.addresses, table), groups)
        if routed:
            space = _within(family, table, routed.table.table)
            columns[f"announced_{unit}"], columns[f"announced_{unit}_fractional"] = _both(space, groups)
        if measured.registered:
            columns[f"delegated_{unit}_there"] = _full(_within(family, table, measured.registered.table), groups)
    if measured.domains is not None:
        columns["domains"] = {key: n for key, n in measured.domains.items() if len(key) == 2 and key.isupper()}
    return _rows(measured, columns, (), lambda key: key)


def _routed(measured: Measured, key_of: Callable[[int], str]) -> _Columns:
    columns: _Columns = {}
    for family, unit in _UNIT.items():
        if family not in measured.routes:
            continue
        table = measured.routes[family].table.table
        announced, groups = table_space(family, table), group_sets(table, key_of)
        seen = seen_space(family, measured.addresses, table)
        if measured.claimed:
            shift, claimed = len(table.offsets) - 1, measured.claimed.table
            announced = overlaid(*_where_routed(*shared_space(family, table, claimed)), shift)
            seen = overlaid(seen, seen_space(family, measured.addresses, claimed), shift)
            groups = joined(groups, group_sets(claimed, measured.claimed.value_of))
        columns[f"announced_{unit}"], columns[f"announced_{unit}_fractional"] = _both(announced, groups)
        columns[f"hosting_{unit}"] = _full(seen, groups)
    return columns


def _where_routed(routed: Space, claimed: Space) -> tuple[Space, Space]:
    """Both spaces, only where something is routed: what is claimed and not announced has no size."""
    stretches, parts = routed.sets >= 0, routed.part_sets >= 0
    return _taken(routed, stretches, parts), _taken(claimed, stretches, parts)


def _registered(measured: Measured) -> _Columns:
    columns: _Columns = {}
    if measured.registered:
        table = measured.registered.table
        groups = group_sets(table, measured.registered.value_of)
        for family, unit in _UNIT.items():
            columns[f"registered_{unit}"] = _full(table_space(family, table), groups)
            columns[f"hosting_{unit}_registered"] = _full(seen_space(family, measured.addresses, table), groups)
    return columns


def _within(family: int, table: RangeTable, other: RangeTable) -> Space:
    """A table's space, only where the other table has a set too."""
    space, its = shared_space(family, table, other)
    return _taken(space, its.sets >= 0, its.part_sets >= 0)


def _taken(space: Space, stretches: NDArray[np.bool_], parts: NDArray[np.bool_]) -> Space:
    return Space(
        counts=space.counts[stretches],
        sets=space.sets[stretches],
        part_high=space.part_high[parts],
        part_sets=space.part_sets[parts],
    )


def _full(space: Space, groups: Groups) -> dict[str, float]:
    return _both(space, groups)[0]


def _both(space: Space, groups: Groups) -> tuple[dict[str, float], dict[str, float]]:
    """The space of each key, full and fractional."""
    amounts = measure(space, groups)
    full: dict[str, float] = dict(zip(groups.keys, amounts.full.tolist(), strict=True))
    return full, dict(zip(groups.keys, amounts.fractional.round(6).tolist(), strict=True))


def _domains_of_hosters(domains: Mapping[str, int], hoster_of: Callable[[int], str]) -> dict[str, int]:
    summed: dict[str, int] = {}
    for key, count in domains.items():
        if key.startswith("AS"):
            hoster = hoster_of(int(key[2:]))
            summed[hoster] = summed.get(hoster, 0) + count
    own_rows = {key: count for key, count in domains.items() if not key[0].isupper()}
    return summed | own_rows


def _rows(measured: Measured, columns: _Columns, known: Iterable[str], names: Callable[[str], str]) -> list[Size]:
    """A row for each key that any column has, most announced IPv4 first; what nothing attributes comes last."""
    keys = {key for column in columns.values() for key in column} | set(known) | set(measured.counts)
    v4: Mapping[str, float] = columns.get("announced_v4") or columns.get("delegated_v4") or {}
    ordered = sorted(keys - {UNKNOWN}, key=lambda key: (-v4.get(key, 0), key))
    counted = [measured.counts.get(key, _NOTHING) for key in ordered]
    filled: dict[str, Iterable[Any]] = {
        "key": ordered,
        "name": map(names, ordered),
        "urls": [count.urls for count in counted],
        "hosts": [count.hosts for count in counted],
        "sites": [count.sites for count in counted],
        # a table of domains may leave out what it did not count; every other table tells of all there is
        **{
            name: [column.get(key, None if name == "domains" else 0) for key in ordered]
            for name, column in columns.items()
        },
    }
    blank: dict[str, Any] = {**dict.fromkeys(_NUMBERS), **_shared(measured)}
    rows = [Size(**blank | dict(zip(filled, row, strict=True))) for row in zip(*filled.values(), strict=True)]
    nowhere = measured.counts.get(UNKNOWN)
    if nowhere:
        counts = {"urls": nowhere.urls, "hosts": nowhere.hosts, "sites": nowhere.sites}
        rows.append(Size(**blank | counts, key=UNKNOWN, name="not attributed"))
    return rows


_NUMBERS = (
    *(f"{quantity}_{unit}" for unit in _UNIT.values() for quantity in ("announced", "hosting", "delegated",
    "registered")), *(f"{quantity}_{unit}_{basis}" for unit in _UNIT.values() for quantity, basis in (
        ("announced", "fractional"), ("delegated", "there"), ("hosting", "registered"))),
    "domains",
)  # fmt: skip
"""Every field of a size that may be null."""


def _shared(measured: Measured) -> dict[str, Any]:
    """Fields that all rows of one day share."""
    countries = [chosen.data_date for chosen in measured.countries.values()]
    return {
        "day": _midnight(measured.day),
        "routes_v4_date": _midnight(measured.routes[4].data_date if 4 in measured.routes else None),
        "routes_v6_date": _midnight(measured.routes[6].data_date if 6 in measured.routes else None),
        "places_date": _midnight(min(countries, default=None)),
        "domains_date": _midnight(measured.domains_date),
        "stale": any(chosen.stale(measured.day, measured.max_age_days) for chosen in measured.routes.values()),
    }


def _midnight(day: date | None) -> datetime | None:
    return datetime.combine(day, time(), tzinfo=UTC) if day else None
