"""Providers of a study's hosters, as of a day."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Final

from waterbed.attribution.attribute import Asked, Attributor
from waterbed.attribution.roles import AddressRoles
from waterbed.measures.keys import Appearance
from waterbed.measures.ranking import UNKNOWN
from waterbed.measures.ranking_tables import RankingTables
from waterbed.model.conclusions import Reached, Rent
from waterbed.model.facts import Resolution
from waterbed.model.progress import stage
from waterbed.study.conclusions import Conclusions

SEE: Final = "docs/attribution.md, Carriers"
METHOD: Final = (
    "reseller of: holders of the networks around the addresses seen, and of the ASes that announce them; transit: "
    f"providers of their origins up to the top, by the day's table of relations: {SEE}"
)
_SEEN: Final = "SELECT DISTINCT unnest(addresses) AS address FROM resolution WHERE status = 'ok'"


LEAST_SHARE: Final = 0.1
"""Share of a hoster's reported hosts that a provider is named from."""


def reached_through(conclusions: Conclusions) -> dict[str, list[Reached]]:
    """Direct providers of each hoster, most hosts first.

    As of the looks at its hosts; those of a tenth of its hosts or more.
    """
    hosts, urls = dict[str, set[str]](), dict[str, tuple[str, ...]]()
    for one in _appearances(conclusions, "hoster"):
        urls[one.url_id] = one.keys
        for key in one.keys:
            hosts.setdefault(key, set()).add(one.host_id)
    through: dict[tuple[str, str, Rent], set[str]] = {}
    kinds: tuple[tuple[str, Rent], ...] = (("upstream", "reseller of"), ("transit", "transit"))
    for kind, rent in kinds:
        for one in _appearances(conclusions, kind):
            for hoster in urls.get(one.url_id, ()):
                for key in one.keys:
                    if key not in (hoster, UNKNOWN):
                        through.setdefault((hoster, key, rent), set()).add(one.host_id)
    found: dict[str, list[Reached]] = {}
    for (hoster, key, rent), its in sorted(through.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        if len(its) >= LEAST_SHARE * len(hosts[hoster]):
            name = conclusions.attributor.name_of(key)
            row = Reached(key=key, name=name, kind=rent, hosts=len(its), of=len(hosts[hoster]))
            found.setdefault(hoster, []).append(row)
    return found


def _appearances(conclusions: Conclusions, kind: str) -> list[Appearance]:
    return RankingTables(conclusions=conclusions, kind=kind, clock=conclusions.config.clock).appearances


@dataclass(frozen=True, slots=True, kw_only=True)
class Rented:
    """Pairs of customer and provider, with hosters and names."""

    rents: frozenset[tuple[str, str, Rent]]
    hosters: Mapping[str, int]
    """Reported hosts of each hoster of the study."""
    names: Mapping[str, str]


@stage("who rents from whom")
def rented(conclusions: Conclusions, day: date) -> Rented:
    """Find who rents from whom on a day.

    By registrations around the addresses that the study's hosts had, and by the day's table of AS relations from their
    origins up to the top.
    """
    seen = conclusions.facts.selected(Resolution, ("status", "addresses"), _SEEN, {})
    addresses = tuple(sorted(set(seen.column("address").to_pylist())))
    rents, hosters = rents_of(conclusions.attributor, addresses, day), hosts_of(conclusions)
    keys = {*hosters, *(key for rent in rents for key in rent[:2])}
    return Rented(rents=rents, hosters=hosters, names={key: conclusions.attributor.name_of(key) for key in keys})


def rents_of(attributor: Attributor, addresses: tuple[str, ...], day: date) -> frozenset[tuple[str, str, Rent]]:
    """Customer, provider and kind, around some addresses on a day."""
    asked = attributor.asked(addresses, datetime.combine(day, time(12), tzinfo=UTC))
    roles = attributor.roles(addresses, asked)
    return frozenset({*(rent for one in roles for rent in _registered(one)), *_carried(roles, asked)})


def _registered(roles: AddressRoles) -> Iterator[tuple[str, str, Rent]]:
    """Who answers for an address rents from the holder of the network around it, and so on up to its ASes."""
    steps = [roles.answers, *((key,) for key in roles.above)]
    own = any(key in step for step in steps for key in roles.as_holders)  # others may announce it beside
    for below, above in pairwise(steps if own else [*steps, roles.as_holders]):
        for customer in below:
            for provider in above:
                yield customer, provider, "reseller of"


def _carried(roles: Iterable[AddressRoles], asked: Asked) -> Iterator[tuple[str, str, Rent]]:
    """Companies rent from those that carry their ASes."""
    if asked.relations is None:
        return
    origins = {asn for one in roles for asn in one.origins}
    for customer, provider in asked.relations.above(origins):
        yield asked.book.key_of_as(customer), asked.book.key_of_as(provider), "transit"


def hosts_of(conclusions: Conclusions, kind: str = "hoster") -> dict[str, int]:
    """Reported hosts of each hoster, or in another role."""
    hosts: dict[str, set[str]] = {}
    for one in _appearances(conclusions, kind):
        for key in one.keys:
            hosts.setdefault(key, set()).add(one.host_id)
    return {key: len(own) for key, own in hosts.items()}
