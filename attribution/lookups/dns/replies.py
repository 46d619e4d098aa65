"""Decoded DNS answers, and their combination. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from waterbed.model.facts import NameStatus

MAX_ADDRESSES = 256
"""Maximum addresses stored of one answer.

The first in sorted order, so that two equal answers stay equal.
"""

MAX_NAME_SERVERS = 32
"""Maximum name servers stored of one domain, in sorted order."""

MAX_TTL_S = 86_400
"""Longest time an answer is remembered, seconds."""

MAX_NEGATIVE_TTL_S = 300
"""Longest caching of a denial, seconds.

RFC 2308, section 5, allows three hours; but checks that confirm a loss must each ask anew.
"""

FAILURE_TTL_S = 5
"""Caching of a failure, seconds (RFC 9520).

It keeps failed queries from being repeated at once.
"""

NO_MORE = (1 << 31) - 1
"""The largest TTL there is, seconds."""

_FAILURES: tuple[NameStatus, ...] = ("bad_answer", "too_long", "servfail", "refused", "timeout")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One decoded answer to one question.

    `ttl_s` is the smallest TTL on the way to the records, or how long a denial holds (RFC 2308), else None.
    `name_servers` are filled by an NS question alone.
    """

    status: NameStatus
    addresses: tuple[str, ...] = ()
    cnames: tuple[str, ...] = field(default=(), repr=False)
    name_servers: tuple[str, ...] = field(default=(), repr=False)
    ttl_s: int | None = None
    ede: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The resolver's answer for one host.

    A and AAAA together. `addresses` are sorted as text, in canonical spelling, at most MAX_ADDRESSES. `cnames` are
    plain host names and secret. `ttl_s` is the smallest TTL on the way to the addresses, or how long a denial holds;
    None if unknown.
    """

    status: NameStatus
    addresses: tuple[str, ...]
    cnames: tuple[str, ...] = field(repr=False)
    ttl_s: int | None
    ede: tuple[int, ...]
    resolver: str


def true_ttl(value: int) -> int:
    """A TTL, seconds; zero if the top bit is set.

    RFC 2181, section 8.
    """
    return value if value <= NO_MORE else 0


def combine(a: Reply, aaaa: Reply, resolver: str) -> tuple[Answer, float]:
    """One answer from the replies for A and AAAA.

    With it goes how long to remember it, seconds.

    - Any address makes it `ok`; if the other half failed, the set may lack addresses, so it is remembered briefly.
    - A failure beats a denial: the failed half might have held addresses, and unknown never counts as down.
    - `nxdomain` needs both. A name that does not exist has no records of any type (RFC 8020), but some servers deny
      the name when only AAAA is missing (RFC 4074, section 4.2); one denial beside a `nodata` is therefore `nodata`.
    - A denial without SOA record is not remembered (RFC 2308, section 5); beside addresses it does not shorten how long
      they are.
    """
    addresses = tuple(sorted({*a.addresses, *aaaa.addresses})[:MAX_ADDRESSES])
    failed = [s for s in _FAILURES if s in (a.status, aaaa.status)]
    denied: NameStatus = "nxdomain" if a.status == aaaa.status == "nxdomain" else "nodata"
    ttls = [r.ttl_s for r in (a, aaaa) if r.ttl_s is not None]
    if addresses:
        ttl: int | None = min(r.ttl_s or 0 for r in (a, aaaa) if r.addresses)
        hold_s = min(*ttls, FAILURE_TTL_S if failed else MAX_TTL_S)
    else:
        ttl = min(ttls) if len(ttls) == 2 and not failed else None
        hold_s = FAILURE_TTL_S if failed else min(ttl or 0, MAX_NEGATIVE_TTL_S)
    answer = Answer(
        status="ok" if addresses else failed[0] if failed else denied,
        addresses=addresses,
        cnames=a.cnames or aaaa.cnames,
        ttl_s=ttl,
        ede=tuple(sorted({*a.ede, *aaaa.ede})),
        resolver=resolver,
    )
    return answer, hold_s


def name_servers_in(replies: Sequence[Reply]) -> tuple[tuple[str, ...] | None, float]:
    """The name servers in the reply to an NS question.

    With them goes how long to remember it, seconds. Sorted, lower case, at most MAX_NAME_SERVERS; () is a denial, None
    a failure.
    """
    (reply,) = replies
    if reply.status in _FAILURES:
        return None, FAILURE_TTL_S
    servers = tuple(sorted(set(reply.name_servers))[:MAX_NAME_SERVERS])
    return servers, min(reply.ttl_s or 0, MAX_TTL_S if reply.status == "ok" else MAX_NEGATIVE_TTL_S)


MAX_LINKS = 16
"""Most CNAME links that are followed inside one answer."""
