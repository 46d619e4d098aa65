"""Records of the lab's registries: networks, ASes, holders."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from waterbed.lab.servers.rdap_domains import TrueDomain, domain_object
from waterbed.lab.world.allocations import Allocation, Allocations, handle_of
from waterbed.lab.world.records import Truth


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueNetwork:
    """One registered network; its parent is at the same registry."""

    registry: str
    prefix: str
    handle: str
    parent: str | None = None
    name: str = "LAB-NET"
    allocation: str = "ASSIGNED PA"
    country: str | None = "NL"
    holder: str | None = None
    holder_name: str = "Lab Hosting B.V."
    holder_kind: str | None = "org"
    abuse: str | None = None
    abuse_depth: int = 0
    """Entities around the one with the role abuse."""
    up: str = "parent"
    """Link to the network above: parent, missing, or self (a cycle)."""
    rotten: str | None = None
    """A fault that every answer about it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrueAs:
    """One registered AS."""

    registry: str
    asn: int
    handle: str
    name: str = "LAB-AS"
    holder: str | None = None
    holder_name: str = "Lab Transit B.V."


class Registries:
    """All registries' records, by what they are asked for."""

    def __init__(
        self,
        networks: Iterable[TrueNetwork],
        ases: Iterable[TrueAs] = (),
        domains: Iterable[TrueDomain] = (),
        suffixes: Iterable[str] = (),
    ) -> None:
        """Take the records of all registries.

        A registry of names is called by its top-level domain; `suffixes` names those without a domain yet.
        """
        self._domains = {one.name: one for one in domains}
        self._suffixes = {*suffixes, *(one.registry for one in self._domains.values())}
        self.networks = tuple(networks)
        self.by_handle = {(one.registry, one.handle): one for one in self.networks}
        self._ases = {(one.registry, one.asn): one for one in ases}
        self._by_prefix: dict[str, dict[IPv4Network | IPv6Network, TrueNetwork]] = defaultdict(dict)
        for one in self.networks:
            self._by_prefix[one.registry][ip_network(one.prefix)] = one

    @property
    def names(self) -> tuple[str, ...]:
        """The registries that there are."""
        numbers = {*(one.registry for one in self.networks), *(name for name, _ in self._ases)}
        return tuple(sorted(numbers | self._suffixes))

    @property
    def suffixes(self) -> tuple[str, ...]:
        """The top-level domains whose registries there are."""
        return tuple(sorted(self._suffixes))

    def network(self, registry: str, asked: str) -> TrueNetwork | None:
        """The registry's smallest network around an address or a prefix."""
        known = self._by_prefix[registry]
        try:
            net = ip_network(asked, strict=False)
        except ValueError:
            return None
        while net not in known:
            if not net.prefixlen:
                return None
            net = net.supernet()
        return known[net]

    def autnum(self, registry: str, asn: str) -> TrueAs | None:
        """An AS of a registry."""
        return self._ases.get((registry, int(asn))) if asn.isdecimal() else None

    def domain(self, registry: str, name: str) -> TrueDomain | None:
        """A domain of a registry."""
        one = self._domains.get(name)
        return one if one and one.registry == registry else None

    def keeper(self, asked: str, among: Sequence[str]) -> str | None:
        """The registry that knows an address."""
        return next((name for name in among if self.network(name, asked)), None)

    def document(self, one: TrueNetwork | TrueAs | TrueDomain, base: str) -> bytes:
        """The RDAP object of a record, as JSON."""
        if isinstance(one, TrueDomain):
            found = domain_object(one, base)
        else:
            found = self._network(one, base) if isinstance(one, TrueNetwork) else _autnum(one)
        return json.dumps({"rdapConformance": ["rdap_level_0"], **found}).encode()

    def _network(self, one: TrueNetwork, base: str) -> dict[str, Any]:
        net = ip_network(one.prefix)
        links = [{"rel": "self", "href": f"{base}ip/{one.prefix}"}]
        parent = self.by_handle.get((one.registry, one.parent or ""))
        if one.up == "self":
            links.append({"rel": "up", "href": f"{base}ip/{one.prefix}"})
        elif parent is not None and one.up == "parent":
            links.append({"rel": "up", "href": f"{base}ip/{parent.prefix}"})
        found: dict[str, Any] = {
            "objectClassName": "ip network",
            "handle": one.handle,
            "startAddress": str(net.network_address),
            "endAddress": str(net.broadcast_address),
            "ipVersion": f"v{net.version}",
            "name": one.name,
            "type": one.allocation,
            "links": links,
            "entities": _entities(one),
        }
        if one.country:
            found["country"] = one.country
        if one.parent:
            found["parentHandle"] = one.parent
        return found


def etag_of(document: bytes) -> str:
    """The ETag of a document."""
    return f'"{hashlib.sha256(document).hexdigest()[:16]}"'


def _autnum(one: TrueAs) -> dict[str, Any]:
    return {
        "objectClassName": "autnum",
        "handle": one.handle,
        "startAutnum": one.asn,
        "endAutnum": one.asn,
        "name": one.name,
        "country": "NL",
        "entities": [_card(one.holder, ["registrant"], one.holder_name, "org")] if one.holder else [],
    }


def _entities(one: TrueNetwork) -> list[dict[str, Any]]:
    found = [_card(one.holder, ["registrant"], one.holder_name, one.holder_kind)] if one.holder else []
    if one.abuse:
        desk = _card(f"{one.handle}-ABUSE", ["abuse"], "Abuse desk", "group", one.abuse)
        for depth in range(one.abuse_depth):
            outer = _card(f"{one.handle}-{depth}", ["administrative"], "Jo Doe", "individual")
            outer["entities"] = [desk]
            desk = outer
        found.append(desk)
    return found


def _card(handle: str | None, roles: list[str], name: str, kind: str | None, email: str = "") -> dict[str, Any]:
    lines: list[list[Any]] = [["version", {}, "text", "4.0"], ["fn", {}, "text", name]]
    lines += [["kind", {}, "text", kind]] if kind else []
    lines += [["email", {}, "text", email]] if email else []
    return {"objectClassName": "entity", "handle": handle, "roles": roles, "vcardArray": ["vcard", lines]}


def registries_of(truth: Truth, moment: datetime) -> Registries:
    """The records of a world's registries at an instant.

    Of networks if registries of them answer, of names if the world has registrars.
    """
    world = truth.world
    suffixes = sorted(world.sites.suffixes) if world.registrar else []
    names = {one.iana: one.name for one in world.registrar}
    spellings = {suffix: world.naming.spellings[n % len(world.naming.spellings)] for n, suffix in enumerate(suffixes)}
    domains = (
        TrueDomain(
            name=name,
            registrar=domain.registrar,
            registrar_name=names[domain.registrar],
            created=domain.created,
            expires=domain.expires,
            states=domain.states,
            spelling=spellings[name.rpartition(".")[2]],
        )
        for name, changes in truth.domains.items()
        if (domain := changes.at(moment)) is not None
    )
    networks = Allocations(world).of_day(moment) if world.registries else ()
    return Registries(map(_record, networks), domains=domains, suffixes=suffixes)


def _record(allocation: Allocation) -> TrueNetwork:
    holder = allocation.holder
    return TrueNetwork(
        registry=allocation.registry,
        prefix=str(allocation.network),
        handle=_handle(allocation),
        parent=_handle(allocation.parent) if allocation.parent else None,
        name=f"{holder.key.upper()}-NET",
        allocation="ASSIGNED PA" if allocation.parent else "ALLOCATED PA",
        country=holder.country,
        holder=handle_of(holder).partition(":")[2],
        holder_name=holder.name,
        abuse=f"abuse@{holder.domain}",
        abuse_depth=1 if allocation.parent else 0,
    )


def _handle(allocation: Allocation) -> str:
    return f"NET-{str(allocation.network).replace('/', '-')}"
