"""The chain from addresses to hosters, by links. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import Any

from waterbed.attribution.attribute import Asked, Attributor
from waterbed.attribution.hosters.members import holder_key
from waterbed.attribution.lookups.tables.addresses import pack
from waterbed.attribution.lookups.tables.hosting import HostingTables
from waterbed.attribution.roles import AddressRoles, transits_of
from waterbed.attribution.snapshots import Chosen, Snapshots
from waterbed.model.conclusions import Attribution, ChainLink
from waterbed.model.facts import Snapshot

BOOK = "book of hosters"
UNSEEN = "decision not seen by two people"
_Identity = tuple[str, str, str, str | None, str | None, str]


class Sources:
    """Source files of dated tables, and tables for explanations only.

    `hosting` are dated tables of what addresses are used for; a table of routes is stale after `max_age_days`.
    """

    def __init__(
        self,
        snapshots: Sequence[Snapshot],
        hosting: Sequence[tuple[date, HostingTables]] = (),
        max_age_days: float = float("inf"),
    ) -> None:
        """Take a study's snapshots; of one kind, family and day the last one applies."""
        self._known = {(snapshot.kind, snapshot.family, snapshot.data_date.date()): snapshot for snapshot in snapshots}
        self._max_age_days = max_age_days
        self.hosting = Snapshots(hosting)

    def named(self, kind: str, family: int, day: date) -> str:
        """The file's name, and its licence where that is known."""
        snapshot = self._known.get((kind, family, day))
        if snapshot is None:
            return kind
        return f"{snapshot.source} ({snapshot.licence})" if snapshot.licence else snapshot.source

    def age(self, chosen: Chosen[Any], day: date) -> str:
        """The note on a table's age on a day."""
        if chosen.early:
            return "table is younger than the day"
        return "stale" if chosen.stale(day, self._max_age_days) else ""


class Validity:
    """Distinct links, each with its first and last time.

    Newer data that say the same are no new link.
    """

    def __init__(self) -> None:
        """Start with none."""
        self._links: dict[_Identity, ChainLink] = {}
        self._newest: dict[_Identity, datetime] = {}
        self._now: frozenset[_Identity] = frozenset()
        self.changes = 0
        """How often the links became others."""
        self.returns = 0
        """How often some came back that had been gone."""

    def take(self, links: Sequence[ChainLink], since: datetime, until: datetime | None) -> list[str]:
        """Add the links of one time; return changed steps.

        Times must ascend. A step is changed if it differs from the one before.

        Nothing differs at first, nor where links only come back that were there before: that is a rotation.
        """
        named = {(link.about, link.step, link.value, link.rule, link.confidence, link.note): link for link in links}
        different = [name[1] for name in (*named, *self._links) if (name in named) != (name in self._now)]
        fresh = any(name not in self._links for name in named)
        back = any(name in self._links and name not in self._now for name in named)
        first, self._now = not self._links, frozenset(named)
        self.changes += bool(different) and not first
        self.returns += back
        for name, link in named.items():
            self._links[name] = replace(self._links.setdefault(name, replace(link, since=since)), until=until)
            if link.data_date:
                self._newest[name] = max(link.data_date, self._newest.get(name, link.data_date))
        return [] if first or (back and not fresh) else list(dict.fromkeys(different))

    def links(self) -> list[ChainLink]:
        """All links; newer data that agree are noted."""
        return [self._noted(name, link) for name, link in self._links.items()]

    def _noted(self, name: _Identity, link: ChainLink) -> ChainLink:
        newest = self._newest.get(name)
        if newest is None or link.data_date is None or newest.date() <= link.data_date.date():
            return link
        return replace(link, note=_joined(link.note, f"the same on {newest:%Y-%m-%d}"))


def links_of_set(
    attributor: Attributor,
    attribution: Attribution,
    sources: Sources,
    *,
    about: str,
    known_origin: str | None = None,
    behind_cdn: bool = False,
) -> list[ChainLink]:
    """The chain behind one attribution, in order.

    It goes from the name to addresses and their roles, the rule, and the hosters.

    `about` is what the addresses belong to, an address itself if it is the only one. `known_origin` and `behind_cdn`
    are as for the attribution.
    """
    inputs = attributor.asked(attribution.addresses, attribution.day, known_origin, behind_cdn=behind_cdn)
    chain: list[ChainLink] = []
    for roles in attributor.roles(attribution.addresses, inputs):
        if roles.address != about:
            chain.append(ChainLink(about=about, step="address", value=roles.address, source="resolver"))
        chain += _address(attributor, inputs, roles, sources)
    if attribution.platform:
        chain.append(
            ChainLink(
                about=about,
                step="platform",
                value=attribution.platform,
                source=BOOK,
                note=_seen(inputs, attribution.platform),
            )
        )
    if known_origin:
        chain.append(ChainLink(about=about, step="known origin", value=known_origin, source="report"))
        behind = replace(inputs, chains=inputs.chains[-1:], behind_cdn=False)
        for roles in attributor.roles((known_origin,), behind):
            chain += _address(attributor, behind, roles, sources)
    return [*chain, *_hosters(attributor, attribution, about)]


def _hosters(attributor: Attributor, made: Attribution, about: str) -> Iterator[ChainLink]:
    note = _joined(
        "stale routes" if made.stale else "",
        "registration stale or fetched after the day" if made.registration_stale else "",
        "several origins of one range" if made.moas else "",
        UNSEEN if made.unreviewed else "",
        "the true hoster lies behind it" if made.proxy and not made.known_origins else "",
    )
    for key in made.hosters or ("none",):
        yield ChainLink(
            about=about,
            step="hoster",
            value=_named(key, attributor),
            source=made.ruleset,
            rule=made.rule,
            confidence=made.confidence,
            note=note,
        )


def _address(attributor: Attributor, inputs: Asked, roles: AddressRoles, sources: Sources) -> Iterator[ChainLink]:
    address, day = roles.address, inputs.day.astimezone(UTC).date()
    family = int(pack((address,)).family[0])
    if not family:
        return
    yield from _routes(attributor, inputs, roles, sources, family)
    yield from _registrations(roles)
    countries, hosting = inputs.countries.get(family), sources.hosting.on(day, family)
    if countries:
        source, when = sources.named("places", family, countries.data_date), _midnight(countries.data_date)
        for code in attributor.countries_at(address, inputs):
            yield ChainLink(about=address, step="delegated to", value=code, source=source, data_date=when)
    if hosting:
        source, when = sources.named("hosting", family, hosting.data_date), _midnight(hosting.data_date)
        for tag in hosting.table.tags_of((address,))[0]:
            note = sources.age(hosting, day)
            yield ChainLink(about=address, step="used for", value=tag, source=source, data_date=when, note=note)
    if roles.claimed:
        yield ChainLink(
            about=address, step="range of", value=roles.claimed, source=BOOK, note=_seen(inputs, roles.claimed)
        )
    yield from _operators(roles, inputs, attributor)
    if roles.proxy:
        yield ChainLink(about=address, step="reverse proxy", value=" ".join(roles.answers) or "unknown", source=BOOK)


def _routes(
    attributor: Attributor, inputs: Asked, roles: AddressRoles, sources: Sources, family: int
) -> Iterator[ChainLink]:
    routes, day = inputs.routes.get(family), inputs.day.astimezone(UTC).date()
    if routes is None:
        yield ChainLink(about=roles.address, step="range", value="not known", source="no table of routes")
        return
    source, when = sources.named("routes", family, routes.data_date), _midnight(routes.data_date)
    only = "" if routes.table.about.prefixes or not roles.prefix else "a table's range, no BGP prefix"
    note = _joined(only, sources.age(routes, day))
    prefix = roles.prefix or "in no route"
    yield ChainLink(about=roles.address, step="range", value=prefix, source=source, data_date=when, note=note)
    moas = "MOAS" if len(roles.origins) > 1 else ""
    for origin in roles.origins:
        name = f"AS{origin}"
        holder = routes.table.organisations.get(origin) or attributor.name_of(name)
        detail = name if holder == name else f"{name} ({holder})"
        yield ChainLink(about=roles.prefix, step="origin", value=detail, source=source, data_date=when, note=moas)
        registrant, registrant_source = attributor.registrant_of_as(origin, inputs)
        if registrant:
            yield ChainLink(about=name, step="AS registrant", value=registrant, source=registrant_source)
        key = inputs.book.key_of_as(origin)
        if key != name:
            yield ChainLink(about=name, step="AS holder", value=key, source=BOOK, note=_seen(inputs, key))


def _registrations(roles: AddressRoles) -> Iterator[ChainLink]:
    if roles.chain is None:
        yield ChainLink(
            about=roles.address, step="registration", value="not known", source="registries", note="waterbed enrich"
        )
        return
    age = "stale" if roles.chain.stale else "fetched after the day" if roles.chain.early else ""
    below, step = roles.address, "registration"
    for level in roles.chain.levels:
        span, source = f"{level.first}-{level.last}", f"{level.registry} ({level.source})"
        value = ", ".join(part for part in (span, level.handle, level.allocation) if part)
        when = level.fetched_at
        yield ChainLink(about=below, step=step, value=value, source=source, data_date=when, note=age)
        details: Mapping[str, str | None] = {
            "holder": level.holder and (f"{level.holder} ({level.holder_name})" if level.holder_name else level.holder),
            "registered in": level.country,
            "abuse mailbox": level.abuse_id,
        }
        for step_name, detail in details.items():
            if detail:
                yield ChainLink(about=span, step=step_name, value=detail, source=source, data_date=when)
        below, step = span, "network above"


def _operators(roles: AddressRoles, inputs: Asked, attributor: Attributor) -> Iterator[ChainLink]:
    holder = roles.chain.levels[0].holder if roles.chain else None
    if roles.operator:
        is_holder = holder is not None and roles.operator == holder_key(holder)
        source = "registrations" if is_holder else f"registrations, {BOOK}"
        yield ChainLink(
            about=roles.address,
            step="operator",
            value=_named(roles.operator, attributor),
            source=source,
            note=_seen(inputs, roles.operator),
        )
    elif holder and not roles.claimed:
        yield ChainLink(
            about=roles.address,
            step="operator",
            value="not told apart",
            source="registrations",
            note="the network may well be the AS's own, whose registrant is not known",
        )
    for key in roles.upstreams:
        yield ChainLink(
            about=roles.address,
            step="upstream",
            value=_named(key, attributor),
            source="registrations",
            note=_seen(inputs, key),
        )
    for key in transits_of(roles.origins, inputs.relations, inputs.book):
        yield ChainLink(
            about=roles.address,
            step="transit",
            value=_named(key, attributor),
            source="relations",
            note=_seen(inputs, key),
        )


def _named(key: str, attributor: Attributor) -> str:
    name = attributor.name_of(key)
    return key if name == key else f"{key} ({name})"


def _seen(asked: Asked, key: str) -> str:
    return UNSEEN if asked.book.unreviewed(key) else ""


def _joined(*notes: str) -> str:
    return ", ".join(note for note in notes if note)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
