"""A world whose hosts are those of a real feed.

They answer at all their addresses.
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path

from waterbed.lab.servers.state import Behaviour, Listener, page
from waterbed.model.errors import BadUrl, InputError
from waterbed.model.urls import canonicalize

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

    Rows without a usable URL or address are left out.

    Lines that begin with `#` are comments. InputError if a column is missing or the file cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as problem:
        raise InputError(f"{path} cannot be read ({problem.strerror}); see docs/lab.md, Replay") from None
    rows = csv.DictReader(line for line in io.StringIO(text, newline="") if not line.startswith("#"))
    missing = {"URL", "IP"} - set(rows.fieldnames or ())
    if missing:
        names = " and ".join(sorted(missing))
        raise InputError(f"{path} lacks the column {names}; a feed to replay needs URL and IP (docs/lab.md, Replay)")
    return replay((row["URL"] or "", row["IP"] or "") for row in rows)


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
