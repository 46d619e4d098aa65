"""Allocations by day; routing, country and hoster tables."""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from ipaddress import ip_address
from typing import Final

from waterbed.lab.servers.scene import LINK_CHECK
from waterbed.lab.world.file import BEYOND, PARKING, SEIZED, Hoster, Network, World

_RIRS = {"US": "arin", "CA": "arin", "AU": "apnic", "JP": "apnic", "SC": "afrinic", "ZA": "afrinic", "BR": "lacnic"}
"""Registry of a country's networks; RIPE for all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """One network on one day: holder, origin ASes, enclosing network."""

    network: Network
    holder: Hoster
    origins: tuple[int, ...]
    """Empty where only the larger network around it is announced."""
    parent: "Allocation | None"

    @property
    def registry(self) -> str:
        """The registry of its parent, or of its holder's country."""
        return self.parent.registry if self.parent else registry_of(self.holder)


def registry_of(hoster: Hoster) -> str:
    """The registry that a hoster is a member of."""
    return _RIRS.get(hoster.country, "ripe")


def handle_of(hoster: Hoster) -> str:
    """Its handle there, as registry:HANDLE."""
    registry = registry_of(hoster)
    return f"{registry}:ORG-{hoster.key.upper()}-{registry.upper()}"


class Allocations:
    """The allocations of a world's networks."""

    def __init__(self, world: World) -> None:
        """Index its networks, sales and renamings."""
        self._world = world
        self._hosters = {hoster.key: hoster for hoster in world.hoster}
        self._networks = [(network, hoster) for hoster in world.hoster for network in hoster.networks()]
        self._smallest: dict[str, tuple[Network, Hoster] | None] = {}

    def days(self) -> list[date]:
        """Return the days on which allocations change, and the first."""
        return sorted({self._world.start.date(), *(moment.date() for moment in self.changes())})

    def of_day(self, moment: datetime) -> Iterator[Allocation]:
        """Yield the allocations of all networks."""
        for network, hoster in self._networks:
            yield self._allocation(network, hoster, moment)

    def owner(self, address: str, moment: datetime) -> Hoster | None:
        """Return the holder of the smallest network around an address."""
        if address not in self._smallest:
            wanted = ip_address(address)
            around = [pair for pair in self._networks if pair[0].version == wanted.version and wanted in pair[0]]
            self._smallest[address] = max(around, key=lambda pair: pair[0].prefixlen, default=None)
        found = self._smallest[address]
        return self._holder(*found, moment) if found else None

    def key_at(self, addresses: Sequence[str], second: int) -> str | None:
        """Return the one holder of all these addresses.

        None if they are several hosters' or nobody's, or if networks never change hands.
        """
        if not self.changes():
            return None
        moment = self._world.start + timedelta(seconds=second)
        owners = {owner.key for address in addresses if (owner := self.owner(address, moment))}
        return owners.pop() if len(owners) == 1 else None

    def changes(self) -> list[datetime]:
        """Return the times at which networks change hands or name."""
        days = [sale.day for sale in self._world.sale] + [renaming.day for renaming in self._world.renaming]
        return sorted({self._from(day) for day in days})

    def _allocation(self, network: Network, hoster: Hoster, moment: datetime) -> Allocation:
        holder = self._holder(network, hoster, moment)
        parent = None
        if hoster.within:
            above = self._hosters[hoster.within]
            wider = next(n for n in above.networks() if n.version == network.version and network.subnet_of(n))  # type: ignore[arg-type]  # versions are equal
            parent = self._allocation(wider, above, moment)
        beside = (self._as_on(self._hosters[key], moment) for key in hoster.also_announced_by)
        own = holder.further_as.get(str(network), holder.asn)
        origins = () if parent else tuple(sorted({own, *beside}))
        return Allocation(network=network, holder=holder, origins=origins, parent=parent)

    def _holder(self, network: Network, hoster: Hoster, moment: datetime) -> Hoster:
        for sale in sorted(self._world.sale, key=lambda sale: sale.day):
            if (
                sale.prefix in (*hoster.v4, *hoster.v6)
                and str(network) == sale.prefix
                and moment >= self._from(sale.day)
            ):
                hoster = self._hosters[sale.to]
        return self._named(hoster, moment)

    def _named(self, hoster: Hoster, moment: datetime) -> Hoster:
        for renaming in self._world.renaming:
            if renaming.hoster == hoster.key and moment >= self._from(renaming.day):
                return self._hosters[renaming.to]
        return hoster

    def _as_on(self, hoster: Hoster, moment: datetime) -> int:
        return self._named(hoster, moment).asn

    def _from(self, day: float) -> datetime:
        return self._world.start + timedelta(days=day)


_BEYOND: Final = {
    key: Hoster(key=key, name=name, asn=asn, country="US", v4=(BEYOND[key],))
    for key, name, asn in ((PARKING, "Parked Names Ltd.", 65_535), (SEIZED, "Bureau of Seized Names", 65_534))
}
"""Holders of addresses of names that lead to no hoster; no hosters of the world."""


def routing_csv(world: World, family: int | None = None, moment: datetime | None = None) -> str:
    """Write rows of start, end, AS number and organisation, sorted.

    `family` 4 or 6, else both. No header.

    `moment` is when they are so, else the world's start.
    """
    names = {asn: hoster.name for hoster in (*world.hoster, *_BEYOND.values()) for asn in _asns(hoster)}
    return _csv(
        (str(allocation.network[0]), str(allocation.network[-1]), str(asn), names[asn])
        for allocation in _allocations(world, family, moment)
        for asn in allocation.origins
    )


def country_csv(world: World, family: int | None = None, moment: datetime | None = None) -> str:
    """Write rows of start, end and country code, sorted.

    The code is ISO; `family` 4 or 6, else both. No header.
    """
    return _csv(
        (str(allocation.network[0]), str(allocation.network[-1]), allocation.holder.country)
        for allocation in _allocations(world, family, moment)
    )


def hosters_toml(world: World) -> str:
    """Write the hoster entities: key, name, asns, country, kind, suffixes."""
    return "\n".join(_entity(hoster) for hoster in world.hoster)


def _allocations(world: World, family: int | None, moment: datetime | None) -> list[Allocation]:
    beyond = [
        Allocation(network=network, holder=_BEYOND[key], origins=(_BEYOND[key].asn,), parent=None)
        for key in world.beyond
        for network in _BEYOND[key].networks()
    ]
    allocations = [*Allocations(world).of_day(moment or world.start), *beyond]
    found = [allocation for allocation in allocations if family in (None, allocation.network.version)]
    return sorted(found, key=lambda p: (p.network.version, int(p.network.network_address), p.network.prefixlen))


def _csv(rows: Iterator[tuple[str, ...]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def link_checks_toml(world: World) -> str:
    """Write the link checks of image hosters; empty without any."""
    return "\n".join(
        _table(
            "link_check",
            {
                "name": f"{hoster.key}-{number}" if number else hoster.key,
                "suffix": suffix,
                "path": "^/i/([a-z0-9]+)",
                "ask": f"{LINK_CHECK}{{1}}",
                "exists": [200, 204],
                "missing": [404, 410],
            },
        )
        for hoster in world.hoster
        if hoster.link_check
        for number, suffix in enumerate(hoster.suffixes)
    )


def _entity(hoster: Hoster) -> str:
    values = {
        "key": hoster.key,
        "name": hoster.name,
        "asns": _asns(hoster),
        "country": hoster.country,
        "kind": hoster.kind,
        "suffixes": list(hoster.suffixes),
        "holders": [handle_of(hoster)],
    }
    return _table("hoster", values)


def _asns(hoster: Hoster) -> list[int]:
    return [hoster.asn, *sorted(set(hoster.further_as.values()))]


def _table(kind: str, values: Mapping[str, object]) -> str:
    # A JSON string is a TOML basic string, and a JSON list of them a TOML array.
    return f"[[{kind}]]\n" + "".join(
        f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items()
    )
