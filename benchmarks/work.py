"""The URLs of a benchmark: invented, or those of a feed; never written to disk."""

import random
from dataclasses import dataclass, field
from pathlib import Path

from servers import SPREAD

from waterbed.attribution.lookups.dns.messages import wire_name
from waterbed.intake.csv_reports import ReportLine, read_csv_reports
from waterbed.model.errors import BadUrl
from waterbed.model.urls import CanonicalUrl, canonicalize

ZONES = 40
"""How many invented domains there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Distinct http URLs on the default port, in the order in which both crawlers are given them.

    `zones` are the domains above the hosts that have a zone of their own; they name no host.
    """

    urls: tuple[CanonicalUrl, ...] = field(repr=False)
    zones: tuple[str, ...]
    said: str

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
    texts = [f"http://www.s{n // a_host}.{SPREAD}/p{n % a_host}/login" for n in range(urls)]
    return _shuffled([canonicalize(text) for text in texts], set(), "invented")


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
