"""How DNS queries are spelled and answers read. No I/O.

dnspython reads every answer that is not plain. A plain answer (addresses of the very name asked for, or a denial with
one SOA record above it, and at most an empty OPT record) is read here in a fraction of the time; whatever differs from
that by one byte is left to dnspython, and both must agree (a property test holds them to it).
"""

import re
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6, inet_ntop

import dns.edns
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from attribution.lookups.addresses import canonical
from waterbed.model.facts import NameStatus

MAX_LINKS = 16
"""Most CNAME links that are followed inside one answer."""

A = b"\x00\x01\x00\x01"
"""Type A, class IN, as they end a question."""

AAAA = b"\x00\x1c\x00\x01"
"""Type AAAA, class IN, as they end a question."""

_FLAGS_AND_COUNTS = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
_OPT_1232 = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
_HEADER = 12
_NAME = re.compile(r"[!-\-/-~]{1,63}(?:\.[!-\-/-~]{1,63})*")
_NO_MORE = (1 << 31) - 1
_RCODES: dict[int, NameStatus] = {2: "servfail", 3: "nxdomain", 4: "refused", 5: "refused"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one answer to one question says.

    `ttl_s` is the smallest TTL on the way to the addresses, or how long a denial holds (RFC 2308), else None.
    """

    status: NameStatus
    addresses: tuple[str, ...] = ()
    cnames: tuple[str, ...] = field(default=(), repr=False)
    ttl_s: int | None = None
    ede: tuple[int, ...] = ()


def wire_name(host: str) -> bytes | None:
    """A host name as it is sent, if possible.

    Lower case; a trailing dot is dropped. Any visible ASCII may stand in a label.
    """
    host = host.removesuffix(".")
    if len(host) > 253 or not _NAME.fullmatch(host):
        return None
    labels = host.lower().encode().split(b".")
    return b"".join(len(label).to_bytes(1, "big") + label for label in labels) + b"\x00"


def query(number: int, question: bytes) -> bytes:
    """A query with recursion desired and EDNS of 1232 bytes."""
    return number.to_bytes(2, "big") + _FLAGS_AND_COUNTS + question + _OPT_1232


def answers(data: bytes, question: bytes) -> bool:
    """Whether a message answers this question, letter case aside."""
    if len(data) < _HEADER + len(question) or data[2] & 0xF8 != 0x80 or data[4:6] != b"\x00\x01":
        return False
    asked = data[_HEADER : _HEADER + len(question)]
    return asked == question or asked.lower() == question


def truncated(data: bytes) -> bool:
    """Whether the TC bit says it did not fit."""
    return bool(data[2] & 0x02)


def read_reply(data: bytes, question: bytes) -> Reply:
    """What an answer says; a malformed one is `bad_answer`."""
    return read_plain(data, question) or read_any(data)


def read_plain(data: bytes, question: bytes) -> Reply | None:
    """What an answer says, None if it is not plain."""
    rcode, count, authority = data[3] & 0x0F, data[6:8], data[8:10]
    position = _HEADER + len(question)
    if rcode == 0 and count != b"\x00\x00" and authority == b"\x00\x00":
        return _plain_addresses(data, question, position)
    if rcode not in (0, 3) or count != b"\x00\x00":
        return None
    status: NameStatus = "nxdomain" if rcode == 3 else "nodata"
    if authority == b"\x00\x00":
        return Reply(status=status) if _plain_end(data, position) else None
    if authority != b"\x00\x01":
        return None
    held = _plain_soa(data, question, position)
    return Reply(status=status, ttl_s=held[1]) if held and _plain_end(data, held[0]) else None


def _plain_addresses(data: bytes, question: bytes, position: int) -> Reply | None:
    kind = question[-4:]
    size, family = (4, AF_INET) if kind == A else (16, AF_INET6)
    head, length = b"\xc0\x0c" + kind, size.to_bytes(2, "big")
    ttl, found = _NO_MORE, []
    for _ in range(int.from_bytes(data[6:8], "big")):
        start = position + 12
        if data[position : position + 6] != head or data[position + 10 : start] != length:
            return None
        ttl = min(ttl, _ttl(data[position + 6 : position + 10]))
        position = start + size
        if position > len(data):
            return None
        found.append(inet_ntop(family, data[start:position]))
    if not _plain_end(data, position):
        return None
    return Reply(status="ok", addresses=tuple(found), ttl_s=ttl)


def _plain_end(data: bytes, position: int) -> bool:
    """Whether only an OPT record without options may follow."""
    if data[10:12] == b"\x00\x00":
        return position == len(data)
    rest = data[position:]
    return (
        data[10:12] == b"\x00\x01"
        and len(rest) == 11
        and rest[:3] == b"\x00\x00\x29"
        and rest[5:7] == b"\x00\x00"
        and rest[9:] == b"\x00\x00"
    )


def _plain_soa(data: bytes, question: bytes, position: int) -> tuple[int, int] | None:
    """Where the SOA record ends, and the denial's TTL, seconds.

    Its owner must be a pointer to a label of the question, so that it stands above the name asked for.
    """
    known = _label_starts(question)
    pointer = int.from_bytes(data[position : position + 2], "big") - 0xC000
    if pointer not in known or data[position + 2 : position + 6] != b"\x00\x06\x00\x01":
        return None
    start = position + 12
    end = start + int.from_bytes(data[position + 10 : start], "big")
    first = _past_name(data, start, known)
    # the mailbox's name often shares the server's, compressed into it
    second = _past_name(data, first, known | _labels_within(data, start, known)) if first else None
    if second is None or second + 20 != end or end > len(data):
        return None
    return end, min(_ttl(data[position + 6 : position + 10]), _ttl(data[end - 4 : end]))


def _label_starts(question: bytes) -> dict[int, int]:
    """Where in the message the question's labels start, and how many bytes reach from there to the root."""
    starts, position, total = {}, 0, len(question) - 4
    while position < total:
        starts[_HEADER + position] = total - position
        position += question[position] + 1
    return starts


def _labels_within(data: bytes, start: int, known: dict[int, int]) -> dict[int, int]:
    """Where a good name's own labels start, and how many bytes reach from each to the root."""
    lengths, position = [], start
    while 0 < data[position] < 0xC0:
        lengths.append((position, data[position] + 1))
        position += data[position] + 1
    rest = 1 if data[position] == 0 else known[int.from_bytes(data[position : position + 2], "big") - 0xC000]
    within = {}
    for place, length in reversed(lengths):
        rest += length
        within[place] = rest
    return within


def _past_name(data: bytes, position: int, known: dict[int, int]) -> int | None:
    """Where a name ends that is labels and then the root or a pointer into the question; None if it is otherwise."""
    size = 1
    while position + 1 < len(data):
        length = data[position]
        if length == 0:
            return position + 1 if size <= 255 else None
        if length >= 0xC0:
            rest = known.get(int.from_bytes(data[position : position + 2], "big") - 0xC000)
            return position + 2 if rest and size - 1 + rest <= 255 else None
        if length >= 0x40:
            return None
        position += length + 1
        size += length + 1
    return None


def _ttl(four: bytes) -> int:
    """A TTL, seconds; one with the top bit set counts as zero (RFC 2181, section 8)."""
    value = int.from_bytes(four, "big")
    return value if value <= _NO_MORE else 0


def read_any(data: bytes) -> Reply:
    """What any answer says, by dnspython's parser.

    The chain of CNAMEs is followed from the question; records beside it are ignored. A loop, two CNAMEs at one name and
    whatever does not parse are `bad_answer`; more than MAX_LINKS links are `too_long`.
    """
    try:
        message = dns.message.from_wire(data)
        return _followed(message)
    except Exception:  # hostile bytes reach many parsers: none of their failures may stop a pass
        return Reply(status="bad_answer")


def _followed(message: dns.message.Message) -> Reply:
    ede = tuple(int(o.code) for o in message.options if isinstance(o, dns.edns.EDEOption))
    rcode = int(message.rcode())
    if rcode not in (0, 3):
        return Reply(status=_RCODES.get(rcode, "bad_answer"), ede=ede)
    question = message.question[0]
    held = {(r.name, r.rdtype): r for r in message.answer if r.rdclass == dns.rdataclass.IN}
    name, ttl, seen = question.name, _NO_MORE, {question.name}
    cnames: list[str] = []
    while (name, question.rdtype) not in held:
        link = held.get((name, dns.rdatatype.CNAME))
        if link is None:
            status: NameStatus = "nxdomain" if rcode == 3 else "nodata"
            holds = _denial_ttl(message, name, ttl)
            return Reply(status=status, cnames=tuple(cnames), ttl_s=holds, ede=ede)
        name, ttl = link[0].target, min(ttl, link.ttl)
        cnames.append(name.to_text(omit_final_dot=True).lower())
        if len(link) > 1 or name in seen:
            return Reply(status="bad_answer", ede=ede)
        if len(cnames) > MAX_LINKS:
            return Reply(status="too_long", ede=ede)
        seen.add(name)
    found = held[name, question.rdtype]
    if rcode == 3:
        return Reply(status="bad_answer", ede=ede)
    addresses = tuple(text for record in found if (text := canonical(record.address)))
    return Reply(status="ok", addresses=addresses, cnames=tuple(cnames), ttl_s=min(ttl, found.ttl), ede=ede)


def _denial_ttl(message: dns.message.Message, name: dns.name.Name, ttl: int) -> int | None:
    """How long a denial holds, seconds.

    The smaller of the SOA's TTL and minimum (RFC 2308, section 5); the chain's own TTLs bound it too. Without SOA it is
    not known: None.
    """
    for each in message.authority:
        if each.rdtype == dns.rdatatype.SOA and name.is_subdomain(each.name):
            return min(ttl, each.ttl, _ttl(each[0].minimum.to_bytes(4, "big")))
    return None
