"""Attribution as of a day, from dated tables: pure."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from attribution.hosters import HosterBook, as_of_key
from attribution.lookups.addresses import Packed, pack
from attribution.lookups.places import PlaceTables
from attribution.lookups.routing import RouteTables
from attribution.rules import Roles, RuleSet, standard_rules
from waterbed.model.conclusions import Attribution

_REMEMBERED = 262_144


class _Covering(Protocol):
    @property
    def families(self) -> tuple[int, ...]: ...


Table = TypeVar("Table", bound=_Covering)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen(Generic[Table]):
    """The snapshot that applies to a family on a day."""

    table: Table
    data_date: date
    early: bool

    def stale(self, day: date, max_age_days: float) -> bool:
        """Whether it is older than allowed, or younger than the day."""
        return self.early or (day - self.data_date).days > max_age_days


class Snapshots(Generic[Table]):
    """Dated tables by address family.

    The one that applies is the latest not after the day; before the first there is only the first, marked early. Of two
    with one date, the one given later.
    """

    def __init__(self, dated: Sequence[tuple[date, Table]]) -> None:
        """Take tables in any order; times count as UTC days."""
        self._dates: dict[int, list[date]] = {4: [], 6: []}
        self._tables: dict[int, list[Table]] = {4: [], 6: []}
        for data_date, table in sorted(((_day(d), t) for d, t in dated), key=lambda pair: pair[0]):
            for family in table.families:
                self._dates[family].append(data_date)
                self._tables[family].append(table)

    def on(self, day: date, family: int) -> Chosen[Table] | None:
        """The snapshot for a family on a day, if any."""
        dates, tables = self._dates[family], self._tables[family]
        if not dates:
            return None
        place = bisect_right(dates, day) - 1
        if place < 0:
            place = bisect_right(dates, dates[0]) - 1
            return Chosen(table=tables[place], data_date=dates[place], early=True)
        return Chosen(table=tables[place], data_date=dates[place], early=False)

    def both(self, day: date) -> dict[int, Chosen[Table]]:
        """The snapshots on a day, by family that has any."""
        return {family: chosen for family in (4, 6) if (chosen := self.on(day, family))}

    def newest_first(self) -> list[Table]:
        """All tables, the latest date first."""
        pairs = [pair for f in (4, 6) for pair in zip(self._dates[f], self._tables[f], strict=True)]
        return [table for _, table in sorted(pairs, key=lambda pair: pair[0], reverse=True)]


_Routes = Mapping[int, Chosen[RouteTables]]
_Places = Mapping[int, Chosen[PlaceTables]]


class Attributor:
    """Says who answers for addresses on a day.

    `routes` and `places` are dated tables of either or both families; `suffix_hosters` gives the hoster's key for the
    keyed id of each platform suffix in the book. A routing table is stale after `max_age_days`.
    """

    def __init__(
        self,
        *,
        routes: Sequence[tuple[date, RouteTables]],
        places: Sequence[tuple[date, PlaceTables]] = (),
        book: HosterBook,
        suffix_hosters: Mapping[str, str],
        max_age_days: float,
        rules: RuleSet | None = None,
    ) -> None:
        """Sort the snapshots; without `rules` the standard ones apply."""
        self._routes = Snapshots(routes)
        self._places = Snapshots(places)
        self._book = book
        self._suffix_hosters = dict(suffix_hosters)
        self._max_age_days = max_age_days
        self._rules = rules or standard_rules()
        self._names = self._organisations()
        self._known: dict[object, tuple[Attribution, tuple[int, ...]]] = {}

    def attribute(self, addresses: tuple[str, ...], suffix_id: str | None, day: datetime) -> Attribution:
        """Attribute one resolved set, as of its day.

        A suffix that the book does not know is no platform: the ASes decide. `routes_date` is the oldest table used,
        null if no address needed one; the set is stale if one of the tables is.
        """
        on = _day(day)
        used = self._routes.both(on)
        located = self._places.both(on)
        key = (addresses, suffix_id, _dates(used), _dates(located))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
            known = self._known[key] = self._attributed(addresses, suffix_id, day, used, located)
        shown, families = known
        return replace(shown, day=day, stale=any(used[f].stale(on, self._max_age_days) for f in families))

    def origins_by_row(self, addresses: Sequence[str], day: datetime) -> list[tuple[int, ...]]:
        """The origin ASes of each address of a column.

        Text that is no address has none.
        """
        used = self._routes.both(_day(day))
        return _origins(pack(addresses), used)

    def name_of(self, key: str) -> str:
        """A hoster's name, else its key.

        From the book; for an unclaimed AS, its holder in the newest table that names it.
        """
        hoster = self._book.by_key.get(key)
        if hoster:
            return hoster.name
        asn = as_of_key(key)
        return self._names.get(asn, key) if asn else key

    def country_of(self, hoster_key: str) -> str | None:
        """The country of a hoster's legal seat, if known."""
        hoster = self._book.by_key.get(hoster_key)
        return hoster.country if hoster else None

    def _organisations(self) -> dict[int, str]:
        names: dict[int, str] = {}
        for table in self._routes.newest_first():
            names = table.organisations | names
        return names

    def _attributed(
        self, addresses: tuple[str, ...], suffix_id: str | None, day: datetime, used: _Routes, located: _Places
    ) -> tuple[Attribution, tuple[int, ...]]:
        packed = pack(addresses)
        families = tuple(f for f in used if (packed.family == f).any())
        asked = [used[f] for f in families]
        origins = tuple(sorted({asn for row in _origins(packed, used) for asn in row}))
        roles = self._roles(origins, suffix_id)
        rule, hosters = self._rules.choose(roles)
        oldest = min((chosen.data_date for chosen in asked), default=None)
        attribution = Attribution(
            addresses=addresses,
            suffix_id=suffix_id,
            day=day,
            origins=origins,
            organisations=tuple(sorted({self._holder(asn, asked) for asn in origins})),
            countries=_countries(packed, located),
            hosters=hosters,
            proxy=rule.proxy,
            rule=rule.id,
            routes_date=datetime.combine(oldest, time.min, UTC) if oldest else None,
            stale=False,
        )
        return attribution, families

    def _roles(self, origins: tuple[int, ...], suffix_id: str | None) -> Roles:
        platform = self._suffix_hosters.get(suffix_id) if suffix_id else None
        keys = sorted({self._book.key_of(asn) for asn in origins})
        return {
            "platform": (platform,) if platform else (),
            "proxy": tuple(k for k in keys if self._book.is_proxy(k)),
            "operator": tuple(k for k in keys if not self._book.is_proxy(k)),
        }

    def _holder(self, asn: int, asked: list[Chosen[RouteTables]]) -> str:
        """The holder's name as of the day, else the newest."""
        named = (chosen.table.organisations.get(asn) for chosen in asked)
        return next(filter(None, named), None) or self._names.get(asn, f"AS{asn}")


def _day(moment: date) -> date:
    if isinstance(moment, datetime):
        return moment.astimezone(UTC).date() if moment.tzinfo else moment.date()
    return moment


def _dates(used: Mapping[int, Chosen[Any]]) -> tuple[tuple[int, date], ...]:
    return tuple((family, chosen.data_date) for family, chosen in used.items())


def _origins(packed: Packed, used: _Routes) -> list[tuple[int, ...]]:
    rows: list[tuple[int, ...]] = [()] * len(packed)
    for family, chosen in used.items():
        which = np.flatnonzero(packed.family == family)
        found = chosen.table.table.members_by_row(chosen.table.origin_sets(packed.taken(which)))
        for row, origins in zip(which.tolist(), found, strict=True):
            rows[row] = origins
    return rows


def _countries(packed: Packed, located: _Places) -> tuple[str, ...]:
    found: set[str] = set()
    for family, chosen in located.items():
        mine = packed.taken(np.flatnonzero(packed.family == family))
        found.update(code for row in chosen.table.countries_by_row(mine) for code in row)
    return tuple(sorted(found))
