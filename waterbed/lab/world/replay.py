"""A world whose hosts are those of a real feed.

They answer at all their addresses.
"""

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from ipaddress import ip_address
from itertools import chain
from pathlib import Path

from waterbed.intake.csv_reports import PHISHSTATS
from waterbed.intake.formats import detect_format
from waterbed.lab.servers.state import Behaviour, Listener, page
from waterbed.model.errors import BadUrl, InputError
from waterbed.model.urls import canonicalize
from waterbed.store.bounded.limits import MOST_HELD_ROWS
from waterbed.store.bounded.text import open_entries

_PAGE = b"<!doctype html><title>lab</title>" + b"<p>A page of the replayed feed.</p>\n" * 1_000
_EVERYWHERE = ("0.0.0.0/0", "::/0")


class ReplayWorld:
    """A scene of known hosts and paths, all always up."""

    def __init__(
        self, addresses: Mapping[str, tuple[str, ...]], targets: Mapping[str, frozenset[str]], ports: Iterable[int]
    ) -> None:
        """Take hosts with addresses and paths, and the ports used."""
        self._addresses = dict(addresses)
        self._targets = dict(targets)
        self._listeners = tuple(
            Listener(key=f"port-{p}", port=p, prefixes=_EVERYWHERE) for p in sorted({80, 443, *ports})
        )

    def __repr__(self) -> str:
        """Say how many hosts there are, and not which."""
        return f"<ReplayWorld of {len(self._targets)} hosts>"

    @property
    def hosts(self) -> int:
        """The number of answering hosts, address literals included."""
        return len(self._targets)

    def listeners(self) -> tuple[Listener, ...]:
        """One for each port, for all addresses."""
        return self._listeners

    def silent(self, moment: datetime) -> bool:
        """Never: the network is up."""
        return False

    def addresses(self, host: str, moment: datetime) -> tuple[str, ...] | None:
        """Return every address in the feed for a name.

        Public or not.
        """
        return self._addresses.get(host)

    def behaviour(self, listener: Listener, host: str, target: str, moment: datetime, source: str) -> Behaviour:
        """Answer 200 at the host's known paths and 404 elsewhere."""
        if target in self._targets.get(host, ()):
            return page(_PAGE, tag=f"{host}{target}")
        return page(b"<!doctype html><title>404</title>\n", status=404)


def read_feed(path: Path) -> ReplayWorld:
    """Read a CSV feed with columns URL and IP.

    Lines that begin with `#` are comments. The live form of PhishStats has no header: its columns are Date, Score, URL
    and IP. Rows without a usable URL or address are left out. InputError if a column is missing or the file cannot be
    read.
    """
    lines = (
        line
        for line in open_entries(path, "a feed to replay", "docs/lab.md, Replay", MOST_HELD_ROWS)
        if line.strip() and not line.startswith("#")
    )
    rows: Iterator[list[str]] = csv.reader(lines)
    first = next(rows, [])
    names: Sequence[str] = [cell.strip().lower() for cell in first]
    if PHISHSTATS.header and detect_format([",".join(first)]) == "phishstats" and "url" not in names:
        names, rows = PHISHSTATS.header, chain([first], rows)
    missing = [name for name in ("url", "ip") if name not in names]
    if missing:
        shown = " and ".join(name.upper() for name in missing)
        raise InputError(f"{path} lacks the column {shown}; a feed to replay needs URL and IP (docs/lab.md, Replay)")
    url, ip = names.index("url"), names.index("ip")
    return replay((row[url], row[ip]) for row in rows if len(row) > max(url, ip))


def replay(rows: Iterable[tuple[str, str]]) -> ReplayWorld:
    """Make a world of (URL, address) pairs."""
    addresses: dict[str, set[str]] = defaultdict(set)
    targets: dict[str, set[str]] = defaultdict(set)
    ports: set[int] = set()
    for url, address in rows:
        try:
            canonical = canonicalize(url)
            plain = str(ip_address(address.strip()))
        except (BadUrl, ValueError):
            continue
        targets[canonical.host].add(canonical.target)
        ports.add(canonical.port)
        if not canonical.literal:
            addresses[canonical.host].add(plain)
    return ReplayWorld(
        {host: tuple(sorted(found)) for host, found in addresses.items()},
        {host: frozenset(found) for host, found in targets.items()},
        ports,
    )
