"""Attribution as of a day, from tables and registrations. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from math import floor
from typing import Any, Protocol, TypeVar

from waterbed.attribution.hosters.book import HosterBook
from waterbed.attribution.hosters.members import as_of_key
from waterbed.attribution.lookups.tables.addresses import pack
from waterbed.attribution.lookups.tables.countries import CountryTables
from waterbed.attribution.lookups.tables.organisations import AsOrganisations
from waterbed.attribution.lookups.tables.relations import RelationTable
from waterbed.attribution.lookups.tables.routes import RouteTables
from waterbed.attribution.roles import AddressRoles, Book, Chain, roles_of, transits_of
from waterbed.attribution.rows import Countries, LookedUp, Routes, countries_of_rows, origins_of_rows, prefixes_of_rows
from waterbed.attribution.rules import Roles, Rule, RuleSet, standard_rules
from waterbed.attribution.snapshots import Chosen, Snapshots, dates_of, day_of, latest
from waterbed.model.conclusions import Attribution, Confidence

_REMEMBERED = 65_536
Ordered = TypeVar("Ordered", int, str)
_STEPS: tuple[Confidence, ...] = ("low", "medium", "high")


class Registered(Protocol):
    """Registrations as of a day."""

    def chain(self, address: str, day: datetime) -> Chain | None:
        """The networks around an address, smallest first.

        None if no registry answer covers it.
        """
        ...

    def of_as(self, asn: int, day: datetime) -> Chain | None:
        """The registration of an AS, in one level."""
        ...

    def changes(self, address: str) -> set[date]:
        """Days from which another chain may hold for an address."""
        ...

    def changes_of_as(self) -> set[date]:
        """Days from which an AS has another registrant."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Tables, book and registrations for one set of addresses."""

    day: datetime
    book: Book
    routes: Routes
    countries: Countries
    organisations: AsOrganisations | None
    relations: RelationTable | None
    chains: tuple[Chain | None, ...]
    """Of each address; the known origin's comes last."""
    behind_cdn: bool = False


class Attributor:
    """Says who answers for addresses on a day.

    The first four are dated tables; `registered` is what registries said, `holder_names` how
    registrants are called there; `suffixes` gives the suffix for each keyed id of one that the book may know. A routing
    table is stale after `max_age_days`.
    """

    def __init__(
        self,
        *,
        routes: Sequence[tuple[date, RouteTables]],
        countries: Sequence[tuple[date, CountryTables]] = (),
        organisations: Sequence[tuple[date, AsOrganisations]] = (),
        relations: Sequence[tuple[date, RelationTable]] = (),
        registered: Registered | None = None,
        holder_names: Mapping[str, str] | None = None,
        book: HosterBook,
        suffixes: Mapping[str, str],
        max_age_days: float,
        rules: RuleSet | None = None,
    ) -> None:
        """Sort the snapshots; without `rules` the standard ones apply."""
        self.routes = Snapshots(routes)
        self.countries = Snapshots(countries)
        self.book = book
        self._last_book = book.on(date.max)
        self._holder_names = dict(holder_names or {})
        self._organisations = organisations
        self._relations = relations
        self._registered = registered
        self._suffixes = dict(suffixes)
        self._max_age_days = max_age_days
        self._rules = rules or standard_rules()
        self._known: dict[object, tuple[Attribution, tuple[int, ...]]] = {}
        self._tabled: dict[tuple[int, ...], dict[str, LookedUp]] = {}
        self._same: dict[tuple[object, ...], tuple[Any, ...]] = {}

    def attribute(
        self,
        addresses: tuple[str, ...],
        suffix_id: str | None,
        day: datetime,
        known_origin: str | None = None,
        *,
        behind_cdn: bool = False,
    ) -> Attribution:
        """Attribute one resolved set of addresses, as of its day.

        `known_origin` is the reported address behind a proxy, if any.

        `behind_cdn`: the name's aliases or addresses are a known CDN's (tag `cdn` of its resolution). A suffix that the
        book does not know is no platform: the addresses decide. `routes_date` is the oldest table used, null if no
        address needed one; the set is stale if one of the tables is.
        """
        inputs = self.asked(addresses, day, known_origin, behind_cdn=behind_cdn)
        on = day_of(day)
        key = (
            (
                addresses,
                suffix_id,
                known_origin,
                behind_cdn,
                id(inputs.book),
                id(inputs.organisations),
                id(inputs.relations),
            ),
            (dates_of(inputs.routes), dates_of(inputs.countries), bisect_right(self._changes_of_as, on)),
            tuple(chain and (chain.fetched_at, chain.stale, chain.early, chain.levels) for chain in inputs.chains),
        )
        cached = self._known.get(key)
        if cached is None:
            if len(self._known) >= _REMEMBERED:
                self._known.clear()
                self._same.clear()
            cached = self._known[key] = self._attributed(addresses, suffix_id, known_origin, inputs)
        attribution, families = cached
        stale = any(inputs.routes[family].stale(on, self._max_age_days) for family in families)
        confidence = _lowered(attribution.confidence, steps=stale and not attribution.stale)
        if (attribution.day, attribution.stale, attribution.confidence) == (day, stale, confidence):
            return attribution
        return replace(attribution, day=day, stale=stale, confidence=confidence)

    @cached_property
    def changes(self) -> tuple[date, ...]:
        """Days from which other tables or registrants apply.

        Books and registrants of ASes count too.
        Between two of them an attribution differs by what registries said of its addresses alone (`changes_of`).
        """
        dates = [*self.routes.dates(), *self.countries.dates()]
        dates += [day_of(day) for day, _ in (*self._organisations, *self._relations)]
        old = [day + timedelta(days=floor(self._max_age_days) + 1) for day in self.routes.dates()]
        return tuple(sorted({*dates, *old, *self.book.boundaries, *self._changes_of_as}))

    @cached_property
    def _changes_of_as(self) -> tuple[date, ...]:
        return tuple(sorted(self._registered.changes_of_as())) if self._registered else ()

    def registered_network(self, address: str, day: datetime) -> str | None:
        """The smallest registered network around an address on a day: its first and last address, None: not known."""
        chain = self._registered.chain(address, day) if self._registered else None
        smallest = chain.levels[0] if chain else None
        return f"{smallest.first} {smallest.last}" if smallest and smallest.first else None

    def changes_of(self, address: str) -> set[date]:
        """Days from which registries say something else of an address."""
        return self._registered.changes(address) if self._registered else set()

    def gives(self, hoster: str, suffix_id: str | None, day: datetime) -> bool:
        """True if a suffix is a hoster's on a day.

        Whatever its key was before.
        """
        suffix = self._suffixes.get(suffix_id) if suffix_id else None
        if suffix is None:
            return False
        book = self.book.on(day_of(day))
        return book.key_of_suffix(suffix) == book.company(hoster)

    def asked(
        self, addresses: tuple[str, ...], day: datetime, known_origin: str | None = None, *, behind_cdn: bool = False
    ) -> Asked:
        """Select what applies to a set on a day.

        These are the tables, the book and the registrations.
        """
        on = day_of(day)
        all_addresses = (*addresses, *((known_origin,) if known_origin else ()))
        chains = (
            tuple(self._registered.chain(a, day) for a in all_addresses)
            if self._registered
            else (None,) * len(all_addresses)
        )
        return Asked(
            day=day,
            book=self.book.on(on),
            routes=self.routes.both(on),
            countries=self.countries.both(on),
            organisations=latest(self._organisations, on),
            relations=latest(self._relations, on),
            chains=chains,
            behind_cdn=behind_cdn,
        )

    def prepare(self, addresses: Sequence[str], day: datetime) -> None:
        """Look up many addresses at once, for a day."""
        on = day_of(day)
        self._looked_up(addresses, self.routes.both(on), self.countries.both(on))

    def _looked_up(self, addresses: Sequence[str], routes: Routes, countries: Countries) -> list[LookedUp]:
        """What the tables say of each address."""
        tables = (
            *(id(chosen.table) for chosen in routes.values()),
            *(id(chosen.table) for chosen in countries.values()),
        )
        answers = self._tabled.setdefault(tables, {})
        if new := [address for address in dict.fromkeys(addresses) if address not in answers]:
            if len(answers) >= _REMEMBERED:
                answers.clear()
                new = list(dict.fromkeys(addresses))
            packed = pack(new)
            rows = zip(
                packed.family.tolist(),
                origins_of_rows(packed, routes),
                prefixes_of_rows(packed, routes),
                countries_of_rows(packed, countries),
                strict=True,
            )
            answers.update(zip(new, map(LookedUp._make, rows), strict=True))
        return [answers[address] for address in addresses]

    def roles(self, addresses: tuple[str, ...], asked: Asked) -> list[AddressRoles]:
        """The roles of each address, with `asked.chains` in order."""
        looked_up = self._looked_up(addresses, asked.routes, asked.countries)

        def holder_of_as(asn: int) -> str | None:
            return self.registrant_of_as(asn, asked)[0]

        return [
            roles_of(
                address,
                prefix=looked_up[row].prefix,
                origins=looked_up[row].origins,
                chain=asked.chains[row],
                book=asked.book,
                holder_of_as=holder_of_as,
                behind_cdn=asked.behind_cdn,
            )
            for row, address in enumerate(addresses)
        ]

    def registrant_of_as(self, asn: int, inputs: Asked) -> tuple[str | None, str]:
        """The handle of an AS's registrant, and its source.

        The source is the registries or a table of organisations; the handle is None if unknown.
        """
        registration = self._registered.of_as(asn, inputs.day) if self._registered else None
        if registration and registration.levels[0].holder:
            return registration.levels[0].holder, "registries"
        organisation = inputs.organisations.of(asn) if inputs.organisations else None
        return (organisation.holder if organisation else None), "organisations"

    def origins_by_row(self, addresses: Sequence[str], day: datetime) -> list[tuple[int, ...]]:
        """The origin ASes of each address of a column.

        Text that is not an address has none.
        """
        return origins_of_rows(pack(addresses), self.routes.both(day_of(day)))

    def countries_at(self, address: str, inputs: Asked) -> tuple[str, ...]:
        """The countries that an address is delegated to."""
        return tuple(sorted(countries_of_rows(pack((address,)), inputs.countries)[0]))

    def name_of(self, key: str) -> str:
        """A hoster's name, else its key.

        From the book; for an unclaimed AS, its holder in the newest table that names it; for an unclaimed registrant,
        its registered name.
        """
        name = self._last_book.name(key) or self._holder_names.get(key)
        if name:
            return name
        asn = as_of_key(key)
        return self._names.get(asn, key) if asn else key

    def country_of(self, hoster_key: str) -> str | None:
        """The country of a hoster's legal seat, if known."""
        return self._last_book.country(hoster_key)

    @cached_property
    def _names(self) -> dict[int, str]:
        """Holders' names by AS, the newest table's first; unpacked only when a name is asked for."""
        names: dict[int, str] = {}
        for table in self.routes.newest_first():
            names = dict(table.organisations) | names
        return names

    def _attributed(
        self, addresses: tuple[str, ...], suffix_id: str | None, known_origin: str | None, asked: Asked
    ) -> tuple[Attribution, tuple[int, ...]]:
        looked_up = self._looked_up(addresses, asked.routes, asked.countries)
        families = tuple(family for family in asked.routes if any(answer.family == family for answer in looked_up))
        each = self.roles(addresses, asked)
        behind: list[AddressRoles] = []
        if known_origin:
            behind = self.roles((known_origin,), replace(asked, chains=asked.chains[-1:], behind_cdn=False))
        suffix = self._suffixes.get(suffix_id) if suffix_id else None
        platform = asked.book.key_of_suffix(suffix) if suffix else None
        roles = _roles(each, platform, behind)
        rule, hosters = self._rules.choose(roles)
        countries = tuple(sorted({code for answer in looked_up for code in answer.countries}))
        return self._made(addresses, suffix_id, asked, families, countries, each, roles, rule, hosters), families

    def _made(
        self,
        addresses: tuple[str, ...],
        suffix_id: str | None,
        asked: Asked,
        families: tuple[int, ...],
        countries: tuple[str, ...],
        each: Sequence[AddressRoles],
        roles: Roles,
        rule: Rule,
        hosters: tuple[str, ...],
    ) -> Attribution:
        used = [asked.routes[family] for family in families]
        oldest = min((chosen.data_date for chosen in used), default=None)
        origins = self._once({asn for address_roles in each for asn in address_roles.origins})
        chains = [address_roles.chain for address_roles in each if address_roles.chain]
        unclear = any(len(address_roles.origins) > 1 and len(address_roles.answers) > 1 for address_roles in each)
        unreviewed = any(asked.book.unreviewed(key) for key in hosters)
        registration_stale = any(chain.stale or chain.early for chain in chains)
        if rule.chooses == "platform":
            answers = ["+".join(hosters)] * len(each)
        else:
            answers = ["+".join(address_roles.answers) for address_roles in each]
        return Attribution(
            addresses=addresses,
            suffix_id=suffix_id,
            day=asked.day,
            origins=origins,
            organisations=self._once({self._holder(asn, used) for asn in origins}),
            countries=self._once(countries),
            hosters=self._once(hosters),
            proxy=rule.proxy,
            rule=rule.id,
            routes_date=_midnight(oldest) if oldest else None,
            stale=False,
            address_hosters=self._shared(tuple(answers)),
            prefixes=self._shared(tuple(address_roles.prefix for address_roles in each)),
            moas=any(len(address_roles.origins) > 1 for address_roles in each),
            platform=next(iter(roles.get("platform", ())), None),
            proxies=roles.get("proxy", ()),
            known_origins=roles.get("known_origin", ()),
            operators=self._once({address_roles.operator for address_roles in each if address_roles.operator}),
            upstreams=self._once({key for address_roles in each for key in address_roles.upstreams}),
            as_holders=self._once({key for address_roles in each for key in address_roles.as_holders}),
            transits=self._once(transits_of(origins, asked.relations, asked.book)),
            registered_countries=self._once(
                {address_roles.registered_country for address_roles in each if address_roles.registered_country}
            ),
            seats=self._once({seat for key in hosters if (seat := asked.book.country(key))}),
            registered_at=min((chain.fetched_at for chain in chains), default=None),
            registration_stale=registration_stale,
            confidence=_lowered(rule.confidence, steps=unclear + unreviewed + registration_stale),
            unreviewed=unreviewed,
            ruleset=self._rules.name,
        )

    def _once(self, found: Iterable[Ordered]) -> tuple[Ordered, ...]:
        """Values sorted; many attributions share one tuple of them."""
        return self._shared(tuple(sorted(found)))

    def _shared(self, found: tuple[Ordered, ...]) -> tuple[Ordered, ...]:
        return self._same.setdefault(found, found)

    def _holder(self, asn: int, tables: list[Chosen[RouteTables]]) -> str:
        """The holder's name as of the day, else the newest."""
        named = (chosen.table.organisations.get(asn) for chosen in tables)
        return next(filter(None, named), None) or self._names.get(asn, f"AS{asn}")


@lru_cache(1024)
def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, UTC)


def _roles(each: Sequence[AddressRoles], platform: str | None, behind: Sequence[AddressRoles]) -> Roles:
    direct = [address_roles for address_roles in each if not address_roles.proxy]
    operators = {address_roles.claimed or address_roles.operator for address_roles in direct} - {None}
    holders = {
        key
        for address_roles in direct
        if not (address_roles.claimed or address_roles.operator)
        for key in address_roles.as_holders
    }
    return {
        "platform": (platform,) if platform else (),
        "known_origin": tuple(
            sorted({key for address_roles in behind if not address_roles.proxy for key in address_roles.answers})
        ),
        "proxy": tuple(sorted({key for address_roles in each if address_roles.proxy for key in address_roles.answers})),
        "outside": tuple(sorted({key for key in operators if key} | holders)),
        "operator": tuple(sorted(key for key in operators if key)),
        "as_holder": tuple(sorted(holders)),
    }


def _lowered(confidence: Confidence, *, steps: int) -> Confidence:
    return _STEPS[max(0, _STEPS.index(confidence) - steps)]
