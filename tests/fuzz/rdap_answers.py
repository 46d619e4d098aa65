"""RDAP answers, as we and as whoisit read them: one range, one country, one holder, one desk for abuse.

An input is an answer's body.
"""

import json
import re
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

from whoisit.parser import ParseAutnum, ParseIPNetwork

from tests.fuzz.finding import expect
from waterbed.attribution.lookups.rdap.answers import BadAnswer, Registered, read_as, read_network

REGISTRY = "ripe"
_BOOTSTRAP = SimpleNamespace(get_rir_name_by_endpoint_url=lambda _: "")
_ORGANISATIONS = ("org", "group", "organization", "organisation")
_MAILBOX = re.compile(r"[a-z0-9.+-]{1,64}@[a-z0-9-]{1,60}\.[a-z]{2,20}")
"""Mailboxes that everybody takes for one."""


def document(data: bytes) -> dict[str, Any] | None:
    """The answer as Python's own parser reads it."""
    try:
        found = json.loads(data.decode("utf-8-sig", errors="replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def theirs(parser: type[Any], kind: str, found: dict[str, Any]) -> dict[str, Any] | None:
    """What whoisit makes of an answer, None if it gives up."""
    try:
        parsed: dict[str, Any] = parser(
            _BOOTSTRAP, {**found, "objectClassName": kind}, "", using_overrides=True
        ).parse()
    except Exception:
        return None
    return parsed


def check(data: bytes) -> None:
    """Read an answer as a network and as an AS, by ourselves and by whoisit."""
    found = document(data)
    network, number = read_network(data, REGISTRY), read_as(data, REGISTRY)
    for ours in (network, number):
        expect(isinstance(ours, BadAnswer) or found is not None, "an answer, by Python's parser no JSON object")
    if found is None or "errorCode" in found:
        return
    if peer := theirs(ParseIPNetwork, "ip network", found):
        _range(network, found, peer)
        if isinstance(network, Registered):
            _texts(network, found, peer)
            _entities(network, found, peer["entities"])
    if (peer := theirs(ParseAutnum, "autnum", found)) and type(found.get("startAutnum")) is int:
        _numbers(number, peer["asn_range"])
        if isinstance(number, Registered):
            _texts(number, found, peer)
            _entities(number, found, peer["entities"])


def _range(ours: Registered | BadAnswer, found: dict[str, Any], peer: dict[str, Any]) -> None:
    """First and last address, or the prefixes of cidr0 in their place."""
    ends = _addresses(found, peer)
    if isinstance(ours, Registered):
        expect(ends is None or (ours.first, ours.last) == ends, f"{ours.first} to {ours.last}, by whoisit {ends}")
    elif ours.reason.startswith("no range"):
        expect(ends is None, f"{ours.reason}, by whoisit {ends}")


def _addresses(found: dict[str, Any], peer: dict[str, Any]) -> tuple[str, str] | None:
    """The range that whoisit read, None where it is no range."""
    try:
        first, last = ip_address(peer["start_address"]), ip_address(peer["end_address"])
        if first <= last and "%" not in f"{first}{last}":  # type: ignore[operator]  # of two versions: a TypeError
            return str(first), str(last)
    except (ValueError, TypeError):
        pass
    nets, said = peer["cidrs"], found.get("cidr0_cidrs")
    if (
        not nets
        or not isinstance(said, list)
        or len(said) != len(nets)
        or any(n.version != nets[0].version for n in nets)
    ):
        return None
    nets = sorted(nets)
    end = int(nets[0].network_address) - 1
    for net in nets:
        if int(net.network_address) > end + 1:
            return None
        end = max(end, int(net.broadcast_address))
    return str(nets[0].network_address), str(type(nets[0].network_address)(end))


def _texts(ours: Registered, found: dict[str, Any], peer: dict[str, Any]) -> None:
    """Names and words, where they are texts of one line; whoisit folds the case of some."""
    pairs = {
        "handle": (ours.handle, peer["handle"]),
        "parentHandle": (ours.parent_handle, peer["parent_handle"]),
        "name": (ours.name, peer["name"]),
        "type": (ours.allocation, peer["assignment_type"]),
    }
    for key, (one, other) in pairs.items():
        if _is_plain(found.get(key)) and found[key].strip():
            expect((one or "").upper() == other.upper(), f"{key} {one!r}, by whoisit {other!r}")
    country = peer["country"].upper() if re.fullmatch("[A-Za-z]{2}", peer["country"]) else None
    expect(not _is_plain(found.get("country")) or ours.country == country, f"{ours.country}, by whoisit {country}")
    if (
        "parent_url" in peer
        and _has_regular_links(found)
        and not any("rdap-up" in link["rel"] for link in peer["links"])
    ):
        up = peer["parent_url"]
        expect(not up or len(up) > 200 or ours.up == up, "another way up, by whoisit")


def _has_regular_links(found: dict[str, Any]) -> bool:
    """True if each link has texts of one small word: whoisit reads others in ways of its own."""
    return all(
        isinstance(link, dict)
        and all(_is_plain(text) and " " not in text for text in link.values())
        and link.get("type", "") == link.get("type", "").lower()
        for link in found.get("links") or []
    )


def _entities(ours: Registered, found: dict[str, Any], peer: dict[str, list[dict[str, Any]]]) -> None:
    """Whoever holds it, and the desk for abuse: one of those that whoisit sees, at any depth."""
    if not _is_regular(found):
        return
    registrants = peer.get("registrant", [])
    handles = {one["handle"] for one in registrants if "handle" in one}
    expect(bool(ours.holder) == bool(handles), f"holder: {bool(ours.holder)}, by whoisit {bool(handles)}")
    expect(not handles or (ours.holder or "").partition(":")[2].upper() in handles, "another holder, by whoisit")
    kinds = {one.get("kind", "") for one in registrants if one.get("name")}
    if not kinds & {*_ORGANISATIONS}:
        expect(ours.holder_name is None, f"the name of what is, by whoisit, {sorted(kinds)}")
    desks = [mailbox for one in peer.get("abuse", []) for mailbox in one.get("emails", [])]
    if any(_MAILBOX.fullmatch(mailbox) for mailbox in desks):
        expect(ours.abuse, "no mailbox for abuse, by whoisit there is one")


def _numbers(ours: Registered | BadAnswer, ends: list[int] | None) -> None:
    """First and last AS number."""
    if ends is None or not 0 < ends[0] <= ends[1] < 1 << 32:
        return
    read = (ours.first, ours.last) if isinstance(ours, Registered) else None
    expect(read == (str(ends[0]), str(ends[1])), f"{read}, by whoisit {ends}")


def _is_plain(text: Any) -> bool:
    """True if a text is one line that nothing need be cut from."""
    return isinstance(text, str) and text.isascii() and text.isprintable() and len(text) <= 200 and "  " not in text


def _is_regular(found: dict[str, Any]) -> bool:
    """True if each entity has a plain handle or none, roles in a list, and a card of texts: whoisit reads no others."""
    waiting: list[Any] = [found]
    while waiting:
        entities = waiting.pop().get("entities") or []
        if not isinstance(entities, list) or not all(isinstance(one, dict) for one in entities):
            return False
        for one in entities:
            texts, roles = [one.get("handle", "")], one.get("roles") or []
            if not isinstance(roles, list) or not all(_is_plain(text) for text in [*texts, *roles]):
                return False
            if not _is_card(one.get("vcardArray")):
                return False
        waiting += entities
    return True


def _is_card(card: Any) -> bool:
    if card is None:
        return True
    return (
        isinstance(card, list)
        and len(card) == 2
        and card[0] == "vcard"
        and isinstance(card[1], list)
        and all(
            isinstance(line, list)
            and len(line) == 4
            and line[2] == "text"
            and all(_is_plain(line[at]) for at in (0, 3))
            for line in card[1]
        )
    )
