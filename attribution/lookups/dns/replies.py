"""Decodes any DNS answer with dnspython's parser. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import dns.edns
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from waterbed.model.addresses import canonical_address
from waterbed.model.facts import NameStatus

MAX_ADDRESSES = 256
"""Maximum addresses stored of one answer.

The first in sorted order, so that two equal answers stay equal.
"""

MAX_NAME_SERVERS = 32
"""Maximum name servers stored of one domain, in sorted order."""

MAX_TTL_S = 86_400
"""Longest time an answer is remembered, seconds."""

MAX_NEGATIVE_TTL_S = 10_800
"""Longest caching of a denial, seconds (RFC 2308, section 5)."""

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
    found = tuple(sorted({*a.addresses, *aaaa.addresses})[:MAX_ADDRESSES])
    failed = [s for s in _FAILURES if s in (a.status, aaaa.status)]
    denied: NameStatus = "nxdomain" if a.status == aaaa.status == "nxdomain" else "nodata"
    known = [r.ttl_s for r in (a, aaaa) if r.ttl_s is not None]
    if found:
        ttl: int | None = min(r.ttl_s or 0 for r in (a, aaaa) if r.addresses)
        hold_s = min(*known, FAILURE_TTL_S if failed else MAX_TTL_S)
    else:
        ttl = min(known) if len(known) == 2 and not failed else None
        hold_s = FAILURE_TTL_S if failed else min(ttl or 0, MAX_NEGATIVE_TTL_S)
    answer = Answer(
        status="ok" if found else failed[0] if failed else denied,
        addresses=found,
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
    kept = tuple(sorted(set(reply.name_servers))[:MAX_NAME_SERVERS])
    return kept, min(reply.ttl_s or 0, MAX_TTL_S if reply.status == "ok" else MAX_NEGATIVE_TTL_S)


MAX_LINKS = 16
"""Most CNAME links that are followed inside one answer."""

_RCODES: dict[int, NameStatus] = {2: "servfail", 3: "nxdomain", 4: "refused", 5: "refused"}
_FILTERED = frozenset({4, 15, 16, 17})
"""Extended errors of a resolver that answers by its own policy: forged, blocked, censored, filtered (RFC 8914)."""

_Held = dict[tuple[dns.name.Name, dns.rdatatype.RdataType], dns.rrset.RRset]


def read_any(data: bytes) -> Reply:
    """Decode any answer for A, AAAA or NS.

    The chain of CNAMEs is followed from the question; records beside it are ignored. A loop, two CNAMEs at one name and
    whatever does not parse are `bad_answer`; more than MAX_LINKS links are `too_long`. Name servers are taken from the
    very name alone: behind an alias they would be another domain's, and the answer is `bad_answer`.
    """
    try:
        # each record by itself: gathered into sets, of two CNAMEs the parser would silently keep the last
        message = dns.message.from_wire(data, one_rr_per_rrset=True)
        ede = tuple(int(o.code) for o in message.options if isinstance(o, dns.edns.EDEOption))
        rcode = int(message.rcode())
        if _FILTERED.intersection(ede):
            # the resolver says itself that policy speaks here, not the name's own servers
            return Reply(status="refused", ede=ede)
        if rcode not in (0, 3):
            return Reply(status=_RCODES.get(rcode, "bad_answer"), ede=ede)
        held = _gathered(message.answer)
        if held is None:
            return Reply(status="bad_answer", ede=ede)
        if message.question[0].rdtype == dns.rdatatype.NS:
            return _name_servers(message, held, ede)
        return _followed(message, held, ede)
    except Exception:  # hostile bytes reach many parsers: none of their failures may stop a pass
        return Reply(status="bad_answer")


def _gathered(records: list[dns.rrset.RRset]) -> _Held | None:
    """The records by name and type; None if a name has two CNAMEs."""
    held: _Held = {}
    for record in records:
        if record.rdclass != dns.rdataclass.IN:
            continue
        known = held.setdefault((record.name, record.rdtype), record)
        if known is not record:
            if record.rdtype == dns.rdatatype.CNAME and record[0] != known[0]:
                return None
            known.update(record)  # type: ignore[no-untyped-call]  # the library has no types here
    return held


def _is_denial(message: dns.message.Message, cnames: list[str]) -> bool:
    """True if an answer without the queried records denies them.

    A referral (name servers and no SOA, RFC 2308, section 2.2) and records of other names do not.
    """
    kinds = {record.rdtype for record in message.authority}
    referral = dns.rdatatype.NS in kinds and dns.rdatatype.SOA not in kinds and message.rcode() == 0
    strange = not cnames and any(record.name != message.question[0].name for record in message.answer)
    return not referral and not strange


def _name_servers(message: dns.message.Message, held: _Held, ede: tuple[int, ...]) -> Reply:
    name = message.question[0].name
    found = held.get((name, dns.rdatatype.NS))
    if found is None:
        if (name, dns.rdatatype.CNAME) in held:
            return Reply(status="bad_answer", ede=ede)
        denied: NameStatus = "nxdomain" if message.rcode() == 3 else "nodata"
        return Reply(status=denied, ttl_s=_denial_ttl(message, name, NO_MORE), ede=ede)
    if message.rcode() == 3:
        return Reply(status="bad_answer", ede=ede)
    servers = tuple(_text(record.target) for record in found if record.target != dns.name.root)
    return Reply(status="ok", name_servers=servers, ttl_s=found.ttl, ede=ede)


def _followed(message: dns.message.Message, held: _Held, ede: tuple[int, ...]) -> Reply:
    question, rcode = message.question[0], int(message.rcode())
    name, ttl, seen = question.name, NO_MORE, {question.name}
    cnames: list[str] = []
    while (name, question.rdtype) not in held:
        link = held.get((name, dns.rdatatype.CNAME))
        if link is None:
            if not _is_denial(message, cnames):
                return Reply(status="bad_answer", ede=ede)
            status: NameStatus = "nxdomain" if rcode == 3 else "nodata"
            holds = _denial_ttl(message, name, ttl)
            return Reply(status=status, cnames=tuple(cnames), ttl_s=holds, ede=ede)
        name, ttl = link[0].target, min(ttl, link.ttl)
        cnames.append(_text(name))
        if name in seen:
            return Reply(status="bad_answer", ede=ede)
        if len(cnames) > MAX_LINKS:
            return Reply(status="too_long", ede=ede)
        seen.add(name)
    found = held[name, question.rdtype]
    if rcode == 3:
        return Reply(status="bad_answer", ede=ede)
    addresses = tuple(text for record in found if (text := canonical_address(record.address)))
    return Reply(status="ok", addresses=addresses, cnames=tuple(cnames), ttl_s=min(ttl, found.ttl), ede=ede)


def _denial_ttl(message: dns.message.Message, name: dns.name.Name, ttl: int) -> int | None:
    """TTL of a denial, seconds.

    The smaller of the SOA's TTL and minimum (RFC 2308, section 5); the chain's own TTLs bound it too. Without SOA it is
    not known: None.
    """
    for each in message.authority:
        if each.rdtype == dns.rdatatype.SOA and name.is_subdomain(each.name):
            return min(ttl, each.ttl, true_ttl(each[0].minimum))
    return None


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
