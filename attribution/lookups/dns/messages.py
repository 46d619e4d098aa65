"""Encodes DNS queries and decodes answers. No I/O.

dnspython reads every answer that is not plain, see parsed.py. A plain answer is read here in a fraction of the time:
aliases in order, then addresses; name servers of the very name; or a denial with at most one SOA record above the name;
and at most an empty OPT record. Whatever differs from that by one byte is left to dnspython, and both must agree
(property tests hold them to it).
"""

import re
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6, inet_ntop

from waterbed.attribution.lookups.dns.replies import MAX_LINKS, NO_MORE, Reply, true_ttl
from waterbed.model.facts import NameStatus

A = b"\x00\x01\x00\x01"
"""Type A, class IN, as they end a question."""

AAAA = b"\x00\x1c\x00\x01"
"""Type AAAA, class IN, as they end a question."""

NS = b"\x00\x02\x00\x01"
"""Type NS, class IN, as they end a question."""

_FLAGS_AND_COUNTS = b"\x01\x00\x00\x01\x00\x00\x00\x00\x00\x01"
_OPT_1232 = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"
_HEADER = 12
_CNAME = b"\x00\x05\x00\x01"
_USUAL = re.compile(rb"[a-z0-9_.-]+")
_NAME = re.compile(r"[!-\-/-~]{1,63}(?:\.[!-\-/-~]{1,63})*")


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
    """True if a message answers this question, ignoring case."""
    if len(data) < _HEADER + len(question) or data[2] & 0xF8 != 0x80 or data[4:6] != b"\x00\x01":
        return False
    echoed = data[_HEADER : _HEADER + len(question)]
    return echoed == question or echoed.lower() == question


def truncated(data: bytes) -> bool:
    """True if the TC bit marks a truncated message."""
    return bool(data[2] & 0x02)


def read_reply(data: bytes, question: bytes) -> Reply:
    """Decode an answer; a malformed one is `bad_answer`."""
    plain = read_plain(data, question)
    if plain is not None:
        return plain
    from waterbed.attribution.lookups.dns.parsed import read_any  # noqa: PLC0415 (a large library, which few passes need)

    return read_any(data)


def read_plain(data: bytes, question: bytes) -> Reply | None:
    """Decode a plain answer, else return None."""
    position, kind = _HEADER + len(question), question[-4:]
    if data[3] & 0x0F not in (0, 3):
        return None
    if data[6:8] == b"\x00\x00":
        return _denial(data, position, _Chain(labels=_labels(question, 0)[0]))
    count = int.from_bytes(data[6:8], "big")
    if kind == NS:
        return _name_servers(data, position, count)
    chain = _Chain(labels=[])
    if data[position + 2 : position + 6] == _CNAME:
        chain = _Chain(labels=_labels(question, 0)[0])
        followed = _follow(data, position, count, chain)
        if followed is None:
            return None
        position, count = followed
        if not count:
            return _denial(data, position, chain)
    return _addresses(data, kind, position, count, chain) if data[3] & 0x0F == 0 else None


@dataclass(slots=True, kw_only=True)
class _Chain:
    """End of the alias chain: labels of the last name, lower case; empty without an alias."""

    labels: list[bytes]
    cnames: list[str] = field(default_factory=list)
    ttl: int = NO_MORE


def _follow(data: bytes, position: int, count: int, chain: _Chain) -> tuple[int, int] | None:
    """Go along the aliases that stand in order before all else.

    Gives where they end and how many records are left. Aliases with odd characters, loops and long chains are not
    plain.
    """
    seen = [chain.labels]
    while count:
        owner, start = _labels(data, position)
        if owner != chain.labels:
            return None
        if data[start : start + 4] != _CNAME:
            break
        end = start + 10 + int.from_bytes(data[start + 8 : start + 10], "big")
        chain.labels, past = _labels(data[:end], start + 10)
        text = b".".join(chain.labels)
        if past != end or chain.labels in seen:
            return None
        if len(seen) > MAX_LINKS or text.count(b".") != len(chain.labels) - 1 or not _USUAL.fullmatch(text):
            return None
        seen.append(chain.labels)
        chain.cnames.append(text.decode())
        chain.ttl = min(chain.ttl, _ttl(data[start + 4 : start + 8]))
        position, count = end, count - 1
    return position, count


def _addresses(data: bytes, kind: bytes, position: int, count: int, chain: _Chain) -> Reply | None:
    """The addresses that stand to the end of the message, all of the name asked for or of the chain's last."""
    if data[8:10] != b"\x00\x00":
        return None
    size, family = (4, AF_INET) if kind == A else (16, AF_INET6)
    length, ttl, addresses = size.to_bytes(2, "big"), chain.ttl, []
    owner = data[position : position + 2] if chain.labels else b"\xc0\x0c"
    if owner[:1] < b"\xc0" or (chain.labels and _labels(data, position)[0] != chain.labels):
        return None
    for _ in range(count):
        start = position + 12
        if data[position : position + 6] != owner + kind or data[position + 10 : start] != length:
            return None
        ttl = min(ttl, _ttl(data[position + 6 : position + 10]))
        position = start + size
        if position > len(data):
            return None
        addresses.append(inet_ntop(family, data[start:position]))
    if not _plain_end(data, position):
        return None
    return Reply(status="ok", addresses=tuple(addresses), cnames=tuple(chain.cnames), ttl_s=ttl)


def _name_servers(data: bytes, position: int, count: int) -> Reply | None:
    """The name servers that stand to the end of the message, all of the name asked for."""
    if data[8:10] != b"\x00\x00" or data[3] & 0x0F:
        return None
    ttl, servers = NO_MORE, []
    for _ in range(count):
        if data[position : position + 6] != b"\xc0\x0c" + NS:
            return None
        end = position + 12 + int.from_bytes(data[position + 10 : position + 12], "big")
        labels, past = _labels(data[:end], position + 12)
        text = b".".join(labels)
        if past != end or text.count(b".") != len(labels) - 1 or not _USUAL.fullmatch(text):
            return None
        ttl = min(ttl, _ttl(data[position + 6 : position + 10]))
        position = end
        servers.append(text.decode())
    return Reply(status="ok", name_servers=tuple(servers), ttl_s=ttl) if _plain_end(data, position) else None


def _denial(data: bytes, position: int, chain: _Chain) -> Reply | None:
    """A denial, with at most one SOA record above the name that gives its TTL."""
    status: NameStatus = "nxdomain" if data[3] & 0x0F == 3 else "nodata"
    cnames = tuple(chain.cnames)
    if data[8:10] == b"\x00\x00":
        return Reply(status=status, cnames=cnames) if _plain_end(data, position) else None
    if data[8:10] != b"\x00\x01":
        return None
    owner, start = _labels(data, position)
    if data[start : start + 4] != b"\x00\x06\x00\x01" or (owner and chain.labels[-len(owner) :] != owner):
        return None
    end = start + 10 + int.from_bytes(data[start + 8 : start + 10], "big")
    record = data[:end]
    numbers = _labels(record, _labels(record, start + 10)[1])[1]
    if numbers + 20 != end or not _plain_end(data, end):
        return None
    ttl = min(chain.ttl, _ttl(data[start + 4 : start + 8]), _ttl(data[end - 4 : end]))
    return Reply(status=status, cnames=cnames, ttl_s=ttl)


def _plain_end(data: bytes, position: int) -> bool:
    """True if at most an OPT record without options follows."""
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


def _labels(data: bytes, position: int) -> tuple[list[bytes], int]:
    """A name's labels in lower case, and where it ends.

    Each pointer must lead before the place where the name, or the part it continues, began, and what it leads to must
    not reach past the first pointer. A name that is otherwise, or too long, ends beyond the message, where nothing can
    follow it.
    """
    labels: list[bytes] = []
    end, size, bound, last = 0, 1, position, len(data) - 1
    while position <= last:
        length = data[position]
        if length == 0:
            return labels, end or position + 1
        if length < 0x40:
            size += length + 1
            labels.append(data[position + 1 : position + 1 + length].lower())
            position += length + 1
        else:
            target = int.from_bytes(data[position : position + 2], "big") - 0xC000
            if position == last or not 0 <= target < bound:
                break
            end = end or position + 2
            position, bound, last = target, target, end - 1
        if size > 255:
            break
    return labels, len(data) + 1


def _ttl(four: bytes) -> int:
    return true_ttl(int.from_bytes(four, "big"))
