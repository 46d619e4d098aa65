"""DNS behaviours: each a short function from a question to the bytes of its answers."""

import struct
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from itertools import pairwise

from tests.zoo.behaviour import Behaviour, Datagram, DnsPlay, Query
from tests.zoo.http_plays import moved_to

A, NS, CNAME, SOA, AAAA, OPT = 1, 2, 5, 6, 28, 41
ASKED = b"\xc0\x0c"
"""A pointer to the question's name."""

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
_RESPONSE, _TRUNCATED = 0x8180, 0x0200


def wire(host: str) -> bytes:
    """A host name as it is sent."""
    return b"".join(bytes((len(label),)) + label.encode() for label in host.split(".")) + b"\0"


def record(owner: bytes, kind: int, data: bytes, ttl: int = 60) -> bytes:
    """One resource record of class IN."""
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def address(text: str, owner: bytes = ASKED, ttl: int = 60) -> bytes:
    """An A or AAAA record."""
    parsed = ip_address(text)
    return record(owner, A if parsed.version == 4 else AAAA, parsed.packed, ttl)


def soa(ttl: int = 60) -> bytes:
    """An SOA record of the question's own name."""
    return record(ASKED, SOA, b"\0\0" + struct.pack("!IIIII", 1, 2, 3, 4, ttl), ttl)


def opt(ede: int | None = None) -> bytes:
    """An OPT record, with an extended error if there is one (RFC 8914)."""
    option = b"" if ede is None else struct.pack("!HHH", 15, 2, ede)
    return b"\0" + struct.pack("!HHIH", OPT, 1232, 0, len(option)) + option


def message(
    query: Query,
    *answers: bytes,
    rcode: int = NOERROR,
    authority: Sequence[bytes] = (),
    extra: Sequence[bytes] = (),
    truncated: bool = False,
    number: bytes | None = None,
    name: bytes | None = None,
) -> bytes:
    """An answer to a question, right in all that is not given otherwise."""
    flags = _RESPONSE | rcode | (_TRUNCATED if truncated else 0)
    return (
        (number or query.number)
        + struct.pack("!HHHHH", flags, 1, len(answers), len(authority), len(extra))
        + (name or query.name)
        + struct.pack("!HH", query.kind, 1)
        + b"".join((*answers, *authority, *extra))
    )


def one(data: bytes) -> list[Datagram]:
    """A single answer."""
    return [Datagram(data=data)]


def healthy(query: Query) -> Sequence[Datagram]:
    """One public IPv4 address; no data for all other kinds."""
    if query.kind == A:
        return one(message(query, address(query.address), extra=[opt()]))
    return one(message(query, authority=[soa()], extra=[opt()]))


def rcode(code: int, ede: int | None = None) -> DnsPlay:
    """Nothing but a response code; a denial has its SOA record."""
    authority = [soa()] if code in (NOERROR, NXDOMAIN) else []
    return lambda query: one(message(query, rcode=code, authority=authority, extra=[opt(ede)]))


def addresses(give: Callable[[Query], Sequence[str]], ttl: int = 60) -> DnsPlay:
    """The given addresses, each to the question of its family."""

    def play(query: Query) -> Sequence[Datagram]:
        family = {A: 4, AAAA: 6}.get(query.kind)
        found = [text for text in give(query) if ip_address(text).version == family]
        records = [address(text, ttl=ttl) for text in found]
        return one(message(query, *records) if records else message(query, authority=[soa()]))

    return play


def _silence(query: Query) -> Sequence[Datagram]:
    return []


def _thousand(query: Query) -> list[str]:
    first, second, _, _ = query.address.split(".")
    return [f"{first}.{second}.{n // 250}.{1 + n % 250}" for n in range(1000)]


def _over_tcp(whole: DnsPlay) -> DnsPlay:
    return lambda query: whole(query) if query.tcp else one(message(query, truncated=True))


def _hang_up(query: Query) -> Sequence[Datagram]:
    return one(b"")


def _chain(query: Query, links: int, last: str) -> bytes:
    names = [query.host] + [f"c{n}.{query.host}" for n in range(1, links)] + [last]
    return b"".join(record(wire(a), CNAME, wire(b)) for a, b in pairwise(names))


def _chained(links: int) -> DnsPlay:
    def play(query: Query) -> Sequence[Datagram]:
        if query.kind != A:
            return healthy(query)
        last = f"end.{query.host}"
        whole = message(query, _chain(query, links, last), address(query.address, wire(last)))
        # the chain is one piece of bytes here, so its count is put right by hand
        return one(whole[:6] + struct.pack("!H", links + 1) + whole[8:])

    return play


def _loop(query: Query) -> Sequence[Datagram]:
    other = wire(f"other.{query.host}")
    return one(message(query, record(ASKED, CNAME, other), record(other, CNAME, ASKED)))


def _two_cnames(query: Query) -> Sequence[Datagram]:
    first, second = wire(f"a.{query.host}"), wire(f"b.{query.host}")
    return one(message(query, record(ASKED, CNAME, first), record(ASKED, CNAME, second)))


def _rebinding(query: Query) -> list[str]:
    return [query.address] if query.time == 1 else ["127.0.0.1"]


def _rebinding_name(query: Query) -> list[str]:
    return ["127.0.0.1"] if query.host.startswith("www.") else [query.address]


def _wrong_number(query: Query) -> Sequence[Datagram]:
    wrong = bytes((query.number[0] ^ 1, query.number[1]))
    return one(message(query, address(query.address), number=wrong))


def _spoofed(query: Query) -> Sequence[Datagram]:
    if query.kind != A:
        return healthy(query)
    false = Datagram(data=message(query, address("28.9.9.9")), spoofed=True)
    return [false, Datagram(data=healthy(query)[0].data, after_s=0.05)]


def _wrong_question(query: Query) -> Sequence[Datagram]:
    return one(message(query, address(query.address), name=wire(f"not-{query.host}")))


def _referral(query: Query) -> Sequence[Datagram]:
    return one(message(query, authority=[record(ASKED, NS, wire(f"ns1.{query.host}"))]))


def _garbage(query: Query) -> Sequence[Datagram]:
    return one(bytes((7 * n + 13) % 256 for n in range(200)))


def _garbage_behind(query: Query) -> Sequence[Datagram]:
    return one(message(query, b"\xff\xfe" * 40))


def _pointer_loop(query: Query) -> Sequence[Datagram]:
    here = len(message(query))
    return one(message(query, record(struct.pack("!H", 0xC000 | here), A, b"\x1c\x09\x09\x09")))


def _other_name(query: Query) -> Sequence[Datagram]:
    return one(message(query, address(query.address, wire(f"other.{query.host}"))))


def _short_address(query: Query) -> Sequence[Datagram]:
    return one(message(query, record(ASKED, query.kind, b"\x1c\x09")))


def _overlong(query: Query) -> Sequence[Datagram]:
    whole = message(query, address(query.address))
    return one(whole[:6] + b"\xff\xff" + whole[8:])


def _half(first: DnsPlay, second: DnsPlay) -> DnsPlay:
    return lambda query: (second if query.kind == AAAA else first)(query)


def _late(query: Query) -> Sequence[Datagram]:
    return [Datagram(data=healthy(query)[0].data, after_s=0.6)]


def _case(query: Query) -> Sequence[Datagram]:
    return one(message(query, address(query.address), name=query.name.upper()) if query.kind == A else _nodata(query))


def _nodata(query: Query) -> bytes:
    return message(query, authority=[soa()])


def _dns(name: str, does: str, play: DnsPlay, **more: object) -> Behaviour:
    def played(query: Query) -> Sequence[Datagram]:
        # other kinds (NS of the domain) are answered as a healthy server would
        return play(query) if query.kind in (A, AAAA) else one(_nodata(query))

    return Behaviour(name=name, does=does, dns=played, kind="DNS", **more)  # type: ignore[arg-type]  # fields by name


def behaviours() -> list[Behaviour]:
    """All of them."""
    return [
        _dns("dns-healthy", "One address, one site that is up: the measure for the others.", healthy),
        _dns("nxdomain", "The name does not exist.", rcode(NXDOMAIN)),
        _dns("nodata", "The name exists and has no address.", rcode(NOERROR)),
        _dns("servfail", "The resolver failed.", rcode(SERVFAIL)),
        _dns("refused-query", "The resolver refuses the question.", rcode(REFUSED)),
        _dns("formerr", "The resolver does not understand the question.", rcode(FORMERR)),
        _dns("notimp", "The resolver does not do such questions.", rcode(NOTIMP)),
        _dns("dns-timeout", "No answer ever comes.", _silence),
        _dns("late-answer", "The answer comes after the first try's time.", _late),
        _dns("truncated", "UDP says 'truncated', TCP has it all.", _over_tcp(healthy)),
        _dns("truncated-tcp-closes", "UDP says 'truncated', TCP hangs up.", _over_tcp(_hang_up)),
        _dns("truncated-tcp-hangs", "UDP says 'truncated', TCP never answers.", _over_tcp(_silence)),
        _dns("truncated-twice", "UDP and TCP say 'truncated'.", lambda q: one(message(q, truncated=True))),
        _dns("cname-loop", "Two names point to each other.", _loop),
        _dns("cname-twice", "One name points to two others.", _two_cnames),
        _dns("cname-chain-5", "Five links lead to an address.", _chained(5)),
        _dns("cname-chain-20", "Twenty links lead to an address.", _over_tcp(_chained(20))),
        _dns("thousand-addresses", "1,000 addresses, over TCP.", _over_tcp(addresses(_thousand))),
        _dns(
            "private-answers",
            "Only private, loopback and link-local addresses.",
            addresses(lambda q: ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "fd00::1"]),
        ),
        _dns(
            "private-and-public", "A private address beside a public one.", addresses(lambda q: ["10.0.0.1", q.address])
        ),
        _dns(
            "rebinding", "Public at first, loopback from the second question on; TTL 0.", addresses(_rebinding, ttl=0)
        ),
        _dns(
            "rebinding-by-name",
            "Redirects to its `www.` name, which is at 127.0.0.1.",
            addresses(_rebinding_name),
            http=moved_to("http://www.{host}/reported/page"),
        ),
        _dns("nat64-private", "127.0.0.1 inside a NAT64 address.", addresses(lambda q: ["64:ff9b::7f00:1"])),
        _dns("mapped-private", "10.0.0.1 inside an IPv4-mapped address.", addresses(lambda q: ["::ffff:10.0.0.1"])),
        _dns("6to4-private", "192.168.0.1 inside a 6to4 address.", addresses(lambda q: ["2002:c0a8:1::1"])),
        _dns("wrong-id", "The answer's id is another.", _wrong_number),
        _dns("spoofed-port", "A false answer from another port, then the true one.", _spoofed),
        _dns("wrong-question", "The answer repeats another question.", _wrong_question),
        _dns("lame-delegation", "No answer, only a referral to a name server.", _referral),
        _dns("ttl-0", "An address with TTL 0.", addresses(lambda q: [q.address], ttl=0)),
        _dns("ttl-huge", "An address with a TTL of 2^32 - 1 seconds.", addresses(lambda q: [q.address], ttl=2**32 - 1)),
        _dns("garbage", "200 bytes of no DNS message.", _garbage),
        _dns("garbage-behind-question", "A right question, then bytes of no record.", _garbage_behind),
        _dns("pointer-loop", "A compressed name that points to itself.", _pointer_loop),
        _dns("answer-for-another", "A right question, an address of another name.", _other_name),
        _dns("short-address", "An address of two bytes.", _short_address),
        _dns("overlong-count", "65,535 records are promised, one comes.", _overlong),
        _dns("other-letter-case", "The question comes back in capitals.", _case),
        _dns("half-aaaa-servfail", "An IPv4 address; SERVFAIL for IPv6.", _half(healthy, rcode(SERVFAIL))),
        _dns("half-a-servfail", "SERVFAIL for IPv4; no IPv6 address.", _half(rcode(SERVFAIL), rcode(NOERROR))),
        _dns("half-a-silent", "No answer for IPv4; no IPv6 address.", _half(_silence, rcode(NOERROR))),
        _dns("half-nxdomain", "NXDOMAIN for IPv6 alone; no IPv4 data.", _half(rcode(NOERROR), rcode(NXDOMAIN))),
        _dns("servfail-with-reason", "SERVFAIL with extended error 6 (DNSSEC bogus).", rcode(SERVFAIL, ede=6)),
        _dns("nxdomain-blocked", "NXDOMAIN with extended error 15 (blocked by the resolver).", rcode(NXDOMAIN, ede=15)),
    ]
