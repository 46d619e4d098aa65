"""DNS replies, as the quick reader, our whole reader and dnspython's own resolution of aliases read them.

An input is a message. Its own question is the one that was asked, if it is one that we ask.
"""

from dataclasses import dataclass

import dns.exception
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype

from tests.fuzz.finding import expect
from waterbed.attribution.lookups.dns.messages import AAAA, NS, A, answers, read_plain, read_reply
from waterbed.attribution.lookups.dns.parsed import read_any
from waterbed.attribution.lookups.dns.replies import Reply
from waterbed.model.addresses import canonical_address

HEADER = 12
DENIALS = ("nodata", "nxdomain")
SOA = (dns.rdatatype.SOA, dns.rdataclass.IN)


def question(data: bytes) -> bytes | None:
    """The question in a message as we would have asked it, None if we ask no such question."""
    at = HEADER
    while at < len(data) and 0 < data[at] < 64:
        at += 1 + data[at]
    kind = data[at + 1 : at + 5]
    if at >= len(data) or data[at] or at - HEADER > 254 or kind not in (A, AAAA, NS):
        return None
    return data[HEADER : at + 1].lower() + kind


def essence(reply: Reply) -> tuple[object, ...]:
    """All that is kept of a reply, without order."""
    return reply.status, {*reply.addresses}, reply.cnames, {*reply.name_servers}, reply.ttl_s, reply.ede


@dataclass(frozen=True, slots=True)
class Theirs:
    """A reply as dnspython reads it by itself: records or none, at the end of the aliases."""

    found: frozenset[str] | None
    cnames: tuple[str, ...]
    ttl_s: int | None
    """None for a denial without SOA record."""
    denial: str
    soas: int
    """SOA records; of several ours takes the smallest time, dnspython that of one."""


def theirs(data: bytes) -> Theirs | None:
    """The same message read by dnspython alone, None if it finds it faulty."""
    try:
        message = dns.message.from_wire(data)
        if not isinstance(message, dns.message.QueryMessage) or message.rcode() not in (0, 3):
            return None
        chain = message.resolve_chaining()
        ends = [chain.canonical_name if n + 1 == len(chain.cnames) else None for n in range(len(chain.cnames))]
        names = [end or chain.cnames[n + 1].name for n, end in enumerate(ends)]
        found = chain.answer and frozenset(
            text(record.target) if chain.answer.rdtype == dns.rdatatype.NS else canonical_address(record.address)
            for record in chain.answer
        )
    except (dns.exception.DNSException, ValueError):
        return None
    denial = "nxdomain" if message.rcode() == dns.rcode.NXDOMAIN else "nodata"
    above = [r for r in message.authority if (r.rdtype, r.rdclass) == SOA and chain.canonical_name.is_subdomain(r.name)]
    ttl = chain.minimum_ttl if above or found is not None else None
    if found is None and above and max(above, key=lambda r: len(r.name))[0].minimum >= 1 << 31:
        ttl = 0  # RFC 2181, section 8, which dnspython applies to a record's own TTL alone
    soas = sum(r.rdtype == SOA[0] for r in dns.message.from_wire(data, one_rr_per_rrset=True).authority)
    return Theirs(found, tuple(text(name) for name in names), ttl, denial, soas)


def text(name: dns.name.Name) -> str:
    """A name as we write it."""
    return name.to_text(omit_final_dot=True).lower()


def check(data: bytes) -> None:
    """Read a message by ourselves in both ways, and by dnspython alone."""
    asked = question(data)
    whole = read_any(data)
    if asked is None or not answers(data, asked):
        return
    quick = read_plain(data, asked)
    expect(quick is None or essence(quick) == essence(whole), f"{quick and quick.status}, in full {whole.status}")
    ours, peer = read_reply(data, asked), theirs(data)
    if ours.status not in ("ok", *DENIALS):
        return
    expect(peer is not None, f"{ours.status}, by dnspython no reply")
    assert peer is not None
    expect((ours.status == "ok") == (peer.found is not None), f"{ours.status}, by dnspython {peer}")
    if peer.found is None:
        expect(ours.status == peer.denial, f"{ours.status}, by dnspython {peer.denial}")
        less = None not in (ours.ttl_s, peer.ttl_s) and peer.soas > 1 and ours.ttl_s < peer.ttl_s
        expect(ours.ttl_s == peer.ttl_s or less, f"holds {ours.ttl_s} s, by dnspython {peer.ttl_s} s")
    else:
        expect(ours.ttl_s == peer.ttl_s, f"holds {ours.ttl_s} s, by dnspython {peer.ttl_s} s")
        expect({*ours.addresses, *ours.name_servers} == peer.found - {".", None}, "other records, by dnspython")
    expect(asked.endswith(NS) or ours.cnames == peer.cnames, "other aliases, by dnspython")
