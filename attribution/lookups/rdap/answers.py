"""RDAP answers (RFC 9083): networks, ASes or errors."""

import re
import unicodedata
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import collapse_addresses, ip_address, ip_network
from itertools import chain
from typing import Any

from waterbed.attribution.lookups.rdap.bootstrap import asn_of, in_order
from waterbed.store.bounded.json_text import BadJson, json_in
from waterbed.store.bounded.limits import MOST_ANSWER

MOST_BYTES = MOST_ANSWER
"""A larger answer is refused: real ones have some kilobytes."""

_NOT_MANAGED = re.compile(r"NON-RIPE-NCC-MANAGED|NOT-MANAGED|IANA-(BLK|NETBLOCK|RESERVED)|ERX-NETBLOCK", re.IGNORECASE)
"""Names under which registries answer for space that is another registry's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A registry's answer on one network or AS.

    `abuse` is a mailbox: who takes this seals it. `up` is a link to the network above, as the registry wrote it.
    """

    first: str
    last: str
    handle: str | None
    parent_handle: str | None
    name: str | None
    allocation: str | None
    country: str | None
    holder: str | None
    holder_name: str | None
    abuse: str | None
    up: str | None

    def __repr__(self) -> str:
        """The range alone: the rest may name people."""
        return f"<registered {self.first} to {self.last}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadAnswer:
    """The reason an answer is unusable, without quoting it."""

    reason: str


def read_network(data: bytes, registry: str) -> Registered | BadAnswer:
    """The IP network in an answer; never raises."""
    network = object_in(data)
    if isinstance(network, BadAnswer):
        return network
    ends = _ends(network)
    if ends is None:
        return BadAnswer(reason="no range of addresses in it")
    return _registered(network, registry, *ends)


def read_as(data: bytes, registry: str) -> Registered | BadAnswer:
    """The AS (autnum) in an answer; never raises."""
    autnum = object_in(data)
    if isinstance(autnum, BadAnswer):
        return autnum
    first = _number(autnum.get("startAutnum"))
    last = _number(autnum.get("endAutnum"))
    if first is None:
        first = asn_of(plain(autnum.get("handle")) or "")
    if first is None:
        return BadAnswer(reason="no AS number in it")
    last = first if last is None else last
    if not 0 <= first <= last < 1 << 32:
        return BadAnswer(reason="no range of AS numbers in it")
    return _registered(autnum, registry, str(first), str(last))


def is_managed(registered: Registered) -> bool:
    """True if the registry manages this network.

    Some registries answer for others' space with a placeholder.
    """
    return not _NOT_MANAGED.search(registered.name or "")


def object_in(data: bytes) -> dict[str, Any] | BadAnswer:
    """The JSON object of an answer; never raises."""
    if len(data) > MOST_BYTES:
        return BadAnswer(reason="larger than 1 MiB")
    head = data[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    if not head.startswith(b"{"):
        return BadAnswer(reason="HTML instead of JSON" if head.startswith(b"<") else "no JSON")
    try:
        parsed = json_in(data.decode("utf-8-sig", errors="replace"))
    except BadJson as problem:
        return BadAnswer(reason=str(problem))
    if not isinstance(parsed, dict):
        return BadAnswer(reason="no JSON object")
    return parsed if "errorCode" not in parsed else BadAnswer(reason="an error in place of an answer")


def _registered(found: dict[str, Any], registry: str, first: str, last: str) -> Registered:
    entity_list = list(entities(found))
    holder, name = registrant(entity_list, registry)
    country = plain(found.get("country")) or ""
    return Registered(
        first=first,
        last=last,
        handle=plain(found.get("handle")),
        parent_handle=plain(found.get("parentHandle")),
        name=plain(found.get("name")),
        allocation=plain(found.get("type")),
        country=country.upper() if re.fullmatch(r"[A-Za-z]{2}", country) else None,
        holder=holder,
        holder_name=name,
        abuse=abuse_mailbox(entity_list),
        up=next(_links_up(found), None),
    )


def _ends(found: dict[str, Any]) -> tuple[str, str] | None:
    """First and last address, from startAddress and endAddress, else from the prefixes of the extension cidr0."""
    first, last = _address(found.get("startAddress")), _address(found.get("endAddress"))
    if first and last and in_order(first, last):
        return first, last
    nets: list[Any] = []
    for cidr in listed(found.get("cidr0_cidrs")):
        prefix = cidr.get("v4prefix") or cidr.get("v6prefix") if isinstance(cidr, dict) else None
        length = cidr.get("length") if isinstance(cidr, dict) else None
        try:
            nets.append(ip_network(f"{plain(prefix)}/{length}", strict=False))
        except ValueError:
            return None
    if not nets or len({net.version for net in nets}) != 1:
        return None
    low = min(int(net.network_address) for net in nets)
    high = max(int(net.broadcast_address) for net in nets)
    if sum(net.num_addresses for net in collapse_addresses(nets)) != high - low + 1:
        return None  # prefixes with gaps are no one network
    kind = type(nets[0].network_address)
    return str(kind(low)), str(kind(high))


def _address(value: Any) -> str | None:
    """An address in canonical form; some registries pad IPv4 with zeros or add the prefix length."""
    text = (plain(value) or "").partition("/")[0].strip()
    if re.fullmatch(r"\d{1,3}(\.\d{1,3}){3}", text, re.ASCII):
        text = ".".join(str(int(part)) for part in text.split("."))
    try:
        return str(ip_address(text)) if "%" not in text else None
    except ValueError:
        return None


def _links_up(answer: dict[str, Any]) -> Iterator[str]:
    for relation in ("rdap-up", "up"):  # rdap-up is the newer and narrower word (RFC 9910)
        for link in listed(answer.get("links")):
            if not isinstance(link, dict) or not plain(link.get("href")):
                continue
            relations, media = link.get("rel"), plain(link.get("type")) or ""
            if media.lower().startswith("text/html"):
                continue  # a page for people
            if isinstance(relations, str) and relation in relations.lower().split() and len(link["href"]) <= 300:
                yield str(link["href"])


def _number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    text = (plain(value) or "").upper().removeprefix("AS")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None


def listed(value: Any) -> list[Any]:
    """The first 1,000 of a list, else none."""
    return value[:1000] if isinstance(value, list) else []


_MOST_ENTITIES = 500
_MOST_TEXT = 200
_ORGANISATIONS = {"org", "group", "organization", "organisation"}
"""Kinds of vCard (RFC 6350, section 6.1.4) that stand for no natural person, and two spellings that occur."""

_TYPED = "email of the type abuse"
"""Name under which such a property of a vCard stands once more."""
_MAILBOX = re.compile(r"[^\s@<>\"'(),;:\\\[\]]{1,64}@[\w.-]{1,190}\.[\w-]{2,63}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """An entity of an answer: handle, roles, vCard properties."""

    handle: str | None
    roles: frozenset[str]
    card: tuple[tuple[str, Any], ...]
    depth: int
    public_ids: tuple[tuple[str, str], ...] = ()
    """Kind and number of each public identifier, the kind in lower case."""

    def __repr__(self) -> str:
        """Give no field: they may name a person."""
        return "<entity>"


def entities(found: dict[str, Any]) -> Iterator[Entity]:
    """All entities of an object, outer before nested ones."""
    waiting = deque((outermost, 0) for outermost in listed(found.get("entities")))
    for _ in range(_MOST_ENTITIES):
        if not waiting:
            return
        entity, depth = waiting.popleft()
        if not isinstance(entity, dict):
            continue
        inner = listed(entity.get("entities"))
        waiting.extend((nested, depth + 1) for nested in inner)
        roles = entity.get("roles")
        role_names = roles if isinstance(roles, list) else [roles]
        yield Entity(
            handle=plain(entity.get("handle")),
            roles=frozenset(word.strip().lower() for word in role_names if isinstance(word, str)),
            card=tuple(_properties(entity.get("vcardArray"))),
            depth=depth,
            public_ids=tuple(_public_ids(entity.get("publicIds"))),
        )


def registrant(known: Sequence[Entity], registry: str) -> tuple[str | None, str | None]:
    """The outermost registrant as `registry:HANDLE`, and its name.

    The name is None unless it is an organisation's.
    """
    for entity in known:
        if "registrant" in entity.roles and entity.handle:
            return f"{registry.lower()}:{entity.handle}", name_of(entity, organisations_alone=True)
    return None, None


def abuse_mailbox(entity_list: Sequence[Entity]) -> str | None:
    """The outermost mailbox whose type is abuse, of any entity, else that of the outermost abuse entity; lower case.

    Entities without a mailbox are skipped.
    """
    typed = (value for entity in entity_list for name, value in entity.card if name == _TYPED)
    of_role = (
        value for entity in entity_list if "abuse" in entity.roles for name, value in entity.card if name == "email"
    )
    for value in chain(typed, of_role):
        mailbox = _MAILBOX.search(value) if isinstance(value, str) else None
        if mailbox:
            return mailbox[0].lower().removeprefix("mailto:")
    return None


def plain(value: Any) -> str | None:
    """A registry's text, shortened, without control characters.

    None if it is empty or not text.
    """
    if not isinstance(value, str):
        return None
    visible = "".join(" " if unicodedata.category(mark)[0] in "CZ" else mark for mark in value[: 4 * _MOST_TEXT])
    return " ".join(visible.split())[:_MOST_TEXT].strip() or None


def name_of(one: Entity, *, organisations_alone: bool = False) -> str | None:
    """The full name on an entity's vCard, unless a person's.

    With `organisations_alone` that of who does not say is not given either.
    """
    kinds = {value.strip().lower() for name, value in one.card if name == "kind" and isinstance(value, str)}
    if "individual" in kinds or (organisations_alone and not (kinds and kinds <= _ORGANISATIONS)):
        return None
    for property_name in ("fn", "org"):
        for name, value in one.card:
            text = plain(value[0] if isinstance(value, list) and value else value)
            if name == property_name and text:
                return text
    return None


def _public_ids(identifiers: Any) -> Iterator[tuple[str, str]]:
    for identifier in listed(identifiers):
        if isinstance(identifier, dict) and (kind := plain(identifier.get("type"))):
            number = identifier.get("identifier")
            text = str(number) if isinstance(number, int) and not isinstance(number, bool) else plain(number)
            if text:
                yield kind.lower(), text


def _properties(cards: Any) -> Iterator[tuple[str, Any]]:
    """Name and value of each property of a jCard (RFC 7095); several cards are taken together."""
    for part in listed(cards):
        for line in listed(part):
            # a card's own properties, or one more list around each of several cards
            lines = [line] if line and isinstance(line, list) and isinstance(line[0], str) else listed(line)
            for line_property in lines:
                if isinstance(line_property, list) and len(line_property) >= 4 and isinstance(line_property[0], str):
                    yield line_property[0].strip().lower(), line_property[3]
                    if line_property[0].strip().lower() == "email" and "abuse" in _types(line_property[1]):
                        yield _TYPED, line_property[3]


def _types(parameters: Any) -> set[str]:
    """The types of a property, in lower case: `{"type": "abuse"}`, or a list of them."""
    declared = parameters.get("type") if isinstance(parameters, dict) else None
    return {
        type_name.strip().lower()
        for type_name in (declared if isinstance(declared, list) else [declared])
        if isinstance(type_name, str)
    }
