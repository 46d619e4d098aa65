"""Counts requests to the lab's servers and bytes sent.

Counts are kept by class of request.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from waterbed.lab.servers.state import Behaviour

RequestClass = Literal[
    "HEAD plain",
    "HEAD answered with a body",
    "HEAD refused or answered falsely",
    "GET page",
    "GET image",
    "GET image labelled text/html",
    "GET page behind a refused HEAD",
    "GET image behind a refused HEAD",
    "GET image labelled text/html behind a refused HEAD",
    "other",
]
"""Method and response of a request, as its server knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassCounts:
    """Requests of one class, and their excess bytes.

    Excess is as in `Counts`; `most` is the maximum of one connection.
    """

    requests_plain: int = 0
    requests_tls: int = 0
    plain_total: int = 0
    plain_most: int = 0
    tls_total: int = 0
    tls_most: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Requests to the lab's servers, and bytes sent.

    Excess is bytes past the response heads that the client's kernel acknowledged: exact without TLS; with TLS an
    upper bound, since a client sees whole records only.
    """

    dns_queries: int = 0
    dns_special: int = 0
    """Of these, for names of special use."""
    connections: int = 0
    requests: Mapping[str, int] = field(default_factory=dict)
    excess_plain_total: int = 0
    excess_plain_most: int = 0
    excess_tls_total: int = 0
    excess_tls_most: int = 0
    by_class: Mapping[str, ClassCounts] = field(default_factory=dict)
    """By request class; classes that did not occur are missing."""
    tunnels: int = 0
    tunnels_refused: int = 0
    """Tunnels that the lab's proxy made, and refused."""

    @property
    def beside_pages(self) -> tuple[int, int]:
        """Maximum excess per connection, GET of pages apart: plain, TLS."""
        others = [found for name, found in self.by_class.items() if not name.startswith("GET page")]
        return max((o.plain_most for o in others), default=0), max((o.tls_most for o in others), default=0)


def request_class(answer: Behaviour, method: str) -> RequestClass:
    """Return the class of a request by method and response."""
    misled = answer.head == "refused" or bool(answer.head_status)
    if method == "HEAD":
        if misled:
            return "HEAD refused or answered falsely"
        return "HEAD answered with a body" if answer.head == "body" and answer.body else "HEAD plain"
    if method != "GET":
        return "other"
    if not answer.image:
        return "GET page behind a refused HEAD" if misled else "GET page"
    if ("Content-Type", "text/html") in answer.headers:
        return "GET image labelled text/html behind a refused HEAD" if misled else "GET image labelled text/html"
    return "GET image behind a refused HEAD" if misled else "GET image"


class Counted(Protocol):
    """A connection, as far as it is counted."""

    @property
    def tls(self) -> bool:
        """True if it speaks TLS."""
        ...

    def excess(self) -> Mapping[str, int]:
        """Excess bytes acknowledged so far, by class of request."""
        ...


class _Sums:
    """Total and maximum of excess bytes over connections.

    Of all bytes, and of those of each class.
    """

    def __init__(self) -> None:
        self.total: Counter[tuple[str, bool]] = Counter()
        self.most: dict[tuple[str, bool], int] = defaultdict(int)

    def add(self, connection: Counted) -> None:
        excess = connection.excess()
        for label, size in (*excess.items(), ("", sum(excess.values()))):
            key = (label, connection.tls)
            self.total[key] += size
            self.most[key] = max(self.most[key], size)

    def copy(self) -> "_Sums":
        copied = _Sums()
        copied.total.update(self.total)
        copied.most.update(self.most)
        return copied


class Tally:
    """Counts in the making, over all connections, closed and open."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.connections = 0
        self.requests: Counter[str] = Counter()
        self.tunnels = 0
        self.tunnels_refused = 0
        self.open: set[Counted] = set()
        self._closed = _Sums()
        self._classes: Counter[tuple[str, bool]] = Counter()

    def asked(self, label: str, *, tls: bool) -> None:
        """Count a request of a class."""
        self._classes[label, tls] += 1

    def close(self, connection: Counted) -> None:
        """Keep what a connection gave, now that it ends."""
        self.open.discard(connection)
        self._closed.add(connection)

    def counts(self, dns_queries: int, dns_special: int) -> Counts:
        """Sum up."""
        sums = self._closed.copy()
        for connection in self.open:
            sums.add(connection)
        return Counts(
            dns_queries=dns_queries,
            dns_special=dns_special,
            connections=self.connections,
            requests=dict(self.requests),
            excess_plain_total=sums.total["", False],
            excess_plain_most=sums.most["", False],
            excess_tls_total=sums.total["", True],
            excess_tls_most=sums.most["", True],
            by_class={label: self._of_class(label, sums) for label in sorted({label for label, _ in self._classes})},
            tunnels=self.tunnels,
            tunnels_refused=self.tunnels_refused,
        )

    def _of_class(self, label: str, sums: _Sums) -> ClassCounts:
        return ClassCounts(
            requests_plain=self._classes[label, False],
            requests_tls=self._classes[label, True],
            plain_total=sums.total[label, False],
            plain_most=sums.most[label, False],
            tls_total=sums.total[label, True],
            tls_most=sums.most[label, True],
        )
