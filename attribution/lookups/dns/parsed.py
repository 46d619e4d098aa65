"""Decodes any DNS answer with dnspython's parser. No I/O."""

import dns.edns
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from waterbed.attribution.lookups.dns.replies import MAX_LINKS, NO_MORE, Reply, true_ttl
from waterbed.model.addresses import canonical_address
from waterbed.model.facts import NameStatus

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
        message.authority = [record for record in message.authority if record.rdclass == dns.rdataclass.IN]
        gathered = _gathered(message.answer)
        if gathered is None:
            return Reply(status="bad_answer", ede=ede)
        if message.question[0].rdtype == dns.rdatatype.NS:
            return _name_servers(message, gathered, ede)
        return _followed(message, gathered, ede)
    except Exception:  # hostile bytes reach many parsers: none of their failures may stop a pass
        return Reply(status="bad_answer")


def _gathered(records: list[dns.rrset.RRset]) -> _Held | None:
    """The records by name and type; None if a name has two CNAMEs."""
    gathered: _Held = {}
    for record in records:
        if record.rdclass != dns.rdataclass.IN:
            continue
        previous = gathered.setdefault((record.name, record.rdtype), record)
        if previous is not record:
            if record.rdtype == dns.rdatatype.CNAME and record[0] != previous[0]:
                return None
            previous.update(record)  # type: ignore[no-untyped-call]  # the library has no types here
    return gathered


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
    server_records = held.get((name, dns.rdatatype.NS))
    if server_records is None:
        if (name, dns.rdatatype.CNAME) in held:
            return Reply(status="bad_answer", ede=ede)
        denied: NameStatus = "nxdomain" if message.rcode() == 3 else "nodata"
        return Reply(status=denied, ttl_s=_denial_ttl(message, name, NO_MORE), ede=ede)
    if message.rcode() == 3:
        return Reply(status="bad_answer", ede=ede)
    servers = tuple(_text(record.target) for record in server_records if record.target != dns.name.root)
    return Reply(status="ok", name_servers=servers, ttl_s=server_records.ttl, ede=ede)


def _followed(message: dns.message.Message, gathered: _Held, ede: tuple[int, ...]) -> Reply:
    question, rcode = message.question[0], int(message.rcode())
    name, ttl, seen = question.name, NO_MORE, {question.name}
    cnames: list[str] = []
    while (name, question.rdtype) not in gathered:
        link = gathered.get((name, dns.rdatatype.CNAME))
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
    address_records = gathered[name, question.rdtype]
    if rcode == 3:
        return Reply(status="bad_answer", ede=ede)
    addresses = tuple(text for record in address_records if (text := canonical_address(record.address)))
    return Reply(status="ok", addresses=addresses, cnames=tuple(cnames), ttl_s=min(ttl, address_records.ttl), ede=ede)


def _denial_ttl(message: dns.message.Message, name: dns.name.Name, ttl: int) -> int | None:
    """TTL of a denial, seconds.

    The smaller of the SOA's TTL and minimum (RFC 2308, section 5), the smallest if there are several; the chain's own
    TTLs bound it too. Without SOA it is not known: None.
    """
    above = [each for each in message.authority if each.rdtype == dns.rdatatype.SOA and name.is_subdomain(each.name)]
    return min((min(ttl, each.ttl, true_ttl(each[0].minimum)) for each in above), default=None)


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower()
