"""The URLs of a benchmark: invented, or those of a feed; never written to disk."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from servers import SPREAD, public

from waterbed.attribution.lookups.dns.messages import wire_name
from waterbed.intake.csv_reports import ReportLine, read_csv_reports
from waterbed.model.errors import BadUrl
from waterbed.model.urls import CanonicalUrl, canonicalize

ZONES = 40
"""How many invented domains there are."""
BIG = "12.0.0."
"""How the addresses of the big network begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Distinct http URLs on the default port, in the order in which both crawlers are given them.

    `zones` are the domains above the hosts that have a zone of their own; they name no host. `addresses` are those of
    labels below SPREAD.
    """

    urls: tuple[CanonicalUrl, ...] = field(repr=False)
    zones: tuple[str, ...]
    said: str
    addresses: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def hosts(self) -> int:
        """How many host names there are."""
        return len({url.host for url in self.urls})


def invented(urls: int, hosts: int) -> Work:
    """URLs dealt out evenly over invented hosts, in a fixed random order."""
    texts = [f"http://shop{n % hosts}.z{n % hosts % ZONES}.example/p{n // hosts}/login" for n in range(urls)]
    return _shuffled([canonicalize(text) for text in texts], {f"z{n}.example" for n in range(ZONES)}, "invented")


def spread_out(urls: int, a_host: int) -> Work:
    """So many URLs on each host, every host below a domain of its own, at an address and in a network of its own."""
    return _labelled({f"s{n}": public(n) for n in range(urls // a_host)}, a_host)


def in_networks(hosts: int, a_host: int, networks: int, big: int = 0) -> Work:
    """So many URLs on each host, the hosts dealt out evenly over networks, and a big network with further ones.

    A host has an address of its own while its network has room.
    """
    name = f"n{networks}x{hosts}b{big}h"
    found = {f"{name}{n}": f"{public(n % networks)[:-2]}.{1 + n // networks % 254}" for n in range(hosts)}
    return _labelled(found | {f"{name}b{n}": f"{BIG}{1 + n % 254}" for n in range(big)}, a_host)


def _labelled(addresses: Mapping[str, str], a_host: int) -> Work:
    texts = [f"http://www.{label}.{SPREAD}/p{n}/login" for label in addresses for n in range(a_host)]
    return replace(_shuffled([canonicalize(text) for text in texts], set(), "invented"), addresses=addresses)


def from_feed(path: Path, limit: int | None) -> Work:
    """The distinct URLs of a feed, forced to http and the default port.

    Left out are address literals (a stock spider cannot be kept on loopback with them) and hosts that are no DNS names.
    """
    found: dict[str, CanonicalUrl] = {}
    left_out = 0
    for line in read_csv_reports(path):
        if not isinstance(line, ReportLine) or line.canonical.literal or wire_name(line.canonical.host) is None:
            left_out += 1
            continue
        try:
            plain = canonicalize(f"http://{line.canonical.host}{line.canonical.target}")
        except BadUrl:
            left_out += 1
            continue
        found.setdefault(plain.url, plain)
        if len(found) == limit:
            break
    tlds = {url.host.rpartition(".")[2] for url in found.values() if "." in url.host}
    return _shuffled(
        list(found.values()), tlds, f"{path.name}; {left_out:,} lines left out (address literals, bad lines)"
    )


def _shuffled(urls: list[CanonicalUrl], zones: set[str], said: str) -> Work:
    random.Random(7).shuffle(urls)
    return Work(urls=tuple(urls), zones=tuple(sorted(zones)), said=said)
