"""The chain from a set of addresses to its hosters, link by link. Pure."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from attribution.attribute import Asked, Attributor
from attribution.roles import AddressRoles
from attribution.snapshots import Chosen
from waterbed.model.conclusions import Attribution, ChainLink
from waterbed.model.facts import Registration, Snapshot

Link = Callable[..., ChainLink]


class Sources:
    """Which file each dated table came from, and how it is laid out."""

    def __init__(self, snapshots: Sequence[Snapshot]) -> None:
        """Take a study's snapshots; of one kind, family and day the last one applies."""
        self._known = {(one.kind, one.family, one.data_date.date()): one for one in snapshots}

    def named(self, kind: str, family: int, day: date) -> str:
        """The file's name, and its licence where that is known."""
        found = self._known.get((kind, family, day))
        if found is None:
            return kind
        return f"{found.source} ({found.licence})" if found.licence else found.source


def links_of_set(
    attributor: Attributor,
    made: Attribution,
    sources: Sources,
    *,
    about: str,
    known_origin: str | None = None,
    behind_cdn: bool = False,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[ChainLink]:
    """The chain behind one attribution, in order: name, addresses and their roles, the rule, the hosters.

    `about` is what the addresses belong to; `since` and `until` are when it was seen so.
    """

    def link(about: str, step: str, value: str, source: str, when: datetime | None, **more: Any) -> ChainLink:
        note = more.pop("note", "")
        return ChainLink(
            since=since,
            until=until,
            about=about,
            step=step,
            value=value,
            source=source,
            data_date=when,
            rule=more.pop("rule", None),
            confidence=more.pop("confidence", None),
            note=note,
        )

    asked = attributor.asked(made.addresses, made.day, known_origin, behind_cdn=behind_cdn)
    chain = [link(about, "address", address, "resolver", made.day) for address in made.addresses]
    for roles in attributor.roles(made.addresses, asked):
        chain += _address(attributor, asked, roles, sources, link)
    if made.platform:
        chain.append(link(about, "platform", made.platform, "book of hosters", None, note=_seen(asked, made.platform)))
    if known_origin:
        chain.append(link(about, "known origin", known_origin, "report", None))
        chain += [link(known_origin, "hoster", key, "book of hosters", None) for key in made.known_origins]
    notes = [
        *(["stale routes"] if made.stale else []),
        *(["stale registration"] if made.registration_stale else []),
        *(["several origins of one range"] if made.moas else []),
        *(["decision not seen by two people"] if made.unreviewed else []),
    ]
    for key in made.hosters or ("none",):
        name = f"{key} ({attributor.name_of(key)})" if attributor.name_of(key) != key else key
        rule, confidence = made.rule, made.confidence
        chain.append(
            link(about, "hoster", name, made.ruleset, None, rule=rule, confidence=confidence, note=", ".join(notes))
        )
    return chain


def _address(
    attributor: Attributor, asked: Asked, roles: AddressRoles, sources: Sources, link: Link
) -> Iterator[ChainLink]:
    family = 6 if ":" in roles.address else 4
    routes, places = asked.routes.get(family), asked.places.get(family)
    if routes and roles.prefix:
        day = routes.data_date
        source, when = sources.named("routes", family, day), _midnight(day)
        only = "" if routes.table.about.prefixes else "a table's range, no BGP prefix"
        yield link(roles.address, "range", roles.prefix, source, when, note=_joined(only, _age(routes)))
        moas = "MOAS" if len(roles.origins) > 1 else ""
        for origin in roles.origins:
            holder = attributor.name_of(f"AS{origin}")
            said = f"AS{origin}" if holder == f"AS{origin}" else f"AS{origin} ({holder})"
            yield link(roles.prefix, "origin", said, source, when, note=moas)
            key = asked.book.key_of_as(origin)
            if key != f"AS{origin}":
                yield link(f"AS{origin}", "AS holder", key, "book of hosters", None, note=_seen(asked, key))
    yield from _registrations(roles, asked, link)
    if places:
        for code in attributor.countries_at(roles.address, asked):
            source = sources.named("places", family, places.data_date)
            yield link(roles.address, "delegated to", code, source, _midnight(places.data_date))
    if roles.claimed:
        yield link(roles.address, "range of", roles.claimed, "book of hosters", None, note=_seen(asked, roles.claimed))
    for role, found in (("operator", (roles.operator,)), ("upstream", roles.upstreams)):
        for company in found:
            if company:
                yield link(roles.address, role, company, "registrations", None, note=_seen(asked, company))
    if roles.proxy:
        yield link(roles.address, "reverse proxy", " ".join(roles.answers), "book of hosters", None)


def _registrations(roles: AddressRoles, asked: Asked, link: Link) -> Iterator[ChainLink]:
    if roles.chain is None:
        yield link(roles.address, "registration", "not known", "registries", None, note="run: waterbed enrich")
        return
    age = "stale" if roles.chain.stale else "fetched after the day" if roles.chain.early else ""
    below = roles.address
    for level in roles.chain.levels:
        yield link(
            below, "registration", _network(level), f"{level.registry} ({level.source})", level.fetched_at, note=age
        )
        below = f"{level.first}-{level.last}"


def _network(level: Registration) -> str:
    said: Mapping[str, str | None] = {
        "": f"{level.first}-{level.last}",
        "handle ": level.handle,
        "type ": level.allocation,
        "holder ": level.holder,
        "called ": level.holder_name,
        "in ": level.country,
        "abuse role ": level.abuse_id,
    }
    return ", ".join(f"{word}{value}" for word, value in said.items() if value)


def _seen(asked: Asked, key: str) -> str:
    return "decision not seen by two people" if asked.book.unreviewed(key) else ""


def _age(chosen: Chosen[Any]) -> str:
    return "table is younger than the day" if chosen.early else ""


def _joined(*notes: str) -> str:
    return ", ".join(note for note in notes if note)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
