"""The names of a simulated world: addresses, aliases, name servers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, Literal

from waterbed.lab.world.addressing import Chances
from waterbed.lab.world.file import BEYOND, PARKING, SEIZED, Hoster
from waterbed.lab.world.names import beyond_addresses
from waterbed.lab.world.records import Truth
from waterbed.model.urls import registrable_domain

BEYOND_SERVERS: Final = {
    PARKING: ("ns1.sedoparking.com", "ns2.sedoparking.com"),
    SEIZED: ("ns1.seizedservers.com", "ns2.seizedservers.com"),
}
"""Name servers of parked and seized domains: real ones, so that lists of them can be tried."""

Trouble = Literal["", "servfail", "nxdomain", "nodata"]
_TROUBLES: Final[tuple[Trouble, ...]] = ("servfail", "servfail", "nxdomain", "nodata")
_TROUBLED_HOURS = 0.15
_HOUR = timedelta(hours=1)


def name_servers_of(hoster: Hoster) -> tuple[str, str]:
    """The two name servers that a hoster gives its customers."""
    return f"ns1.{hoster.domain}", f"ns2.{hoster.domain}"


class Names:
    """All names of a world, at any instant."""

    def __init__(self, truth: Truth) -> None:
        """Index a truth by name, alias and domain."""
        self._world = truth.world
        self._trouble = truth.world.sites.dns_errors
        self._hosts = truth.hosts
        self._places = truth.places
        self._hosters = {hoster.key: hoster for hoster in truth.world.hoster}
        self._aliased = {host for host, traits in truth.traits.items() if traits.alias}
        self._aliases = {
            _alias(host, self._hosters[key]): (host, key)
            for host in self._aliased
            for key in truth.places[host].values
            if key not in BEYOND
        }
        suffixes = {suffix for hoster in truth.world.hoster for suffix in hoster.suffixes}
        hung = tuple(f".{suffix}" for suffix in suffixes)
        # Sites of a platform hang in its zone; every other site has a registrable domain of its own.
        self._domains = {registrable_domain(host): host for host in truth.hosts if not host.endswith(hung or ("\0",))}
        self._own: Mapping[str, tuple[str, str]] = {
            domain: name_servers_of(hoster)
            for hoster in truth.world.hoster
            for domain in (hoster.domain, *hoster.suffixes)
        }
        self._machines = {
            name: (str(network[-1 - number]),)
            for hoster in truth.world.hoster
            for network in hoster.networks()[:1]
            for number, name in enumerate(name_servers_of(hoster), 1)
        }

    def trouble(self, host: str, moment: datetime) -> Trouble:
        """Return the fault of a name's servers in this hour."""
        if not self._trouble or host not in self._hosts:
            return ""
        chances = Chances(self._world, host)
        if chances.share("dns errors") >= self._trouble:
            return ""
        rng = chances.rng(f"dns errors {(moment - self._world.start) // _HOUR}")
        return rng.choice(_TROUBLES) if rng.random() < _TROUBLED_HOURS else ""

    def addresses(self, host: str, moment: datetime) -> tuple[str, ...] | None:
        """Return all addresses of a name, None if nonexistent.

        Empty if the name exists without any.
        """
        timeline = self._hosts.get(host)
        if timeline:
            trouble = self.trouble(host, moment)
            return None if trouble == "nxdomain" else () if trouble else timeline.at(moment)
        if host in self._aliases:
            named, key = self._aliases[host]
            here = self._places[named].at(moment) == key
            return self._hosts[named].at(moment) if here else None
        for place, servers in BEYOND_SERVERS.items():
            if host in servers:
                return beyond_addresses(place, host)
        if host in self._machines:
            return self._machines[host]
        return () if self.name_servers(host, moment) else None

    def alias(self, host: str, moment: datetime) -> str | None:
        """Return the canonical name of a host at a hoster."""
        if host not in self._aliased or not self._hosts[host].at(moment):
            return None
        key = self._places[host].at(moment)
        return None if key is None or key in BEYOND else _alias(host, self._hosters[key])

    def name_servers(self, domain: str, moment: datetime) -> tuple[str, ...]:
        """Return the name servers of a domain.

        They are its own, its hoster's, a parking service's, or the police's.
        """
        if domain in self._own:
            return self._own[domain]
        host = self._domains.get(domain)
        if host is None or self._hosts[host].at(moment) is None:
            return ()
        key = self._places[host].at(moment)
        if key is None:
            return ()
        return BEYOND_SERVERS[key] if key in BEYOND else name_servers_of(self._hosters[key])


def _alias(host: str, hoster: Hoster) -> str:
    # made of a hash: an alias says nothing of the name before it
    return f"s{sha256(host.encode()).hexdigest()[:12]}.edge.{hoster.domain}"
