"""From a network to the one above it, as far up as somebody holds one."""

from ipaddress import ip_address

from attribution.lookups.rdap.answers import Registered
from attribution.lookups.rdap.bootstrap import Bootstrap, asn_of, in_order
from attribution.lookups.rdap.plan import Answered
from crawler.registry.queue import RdapTask
from waterbed.model.facts import Registration

_WIDEST = {4: 8, 6: 12}
"""Prefix lengths above which only registries hold networks."""

_MOST_ASES = 1024
"""AS numbers in one record; more are a registry's block, whose answer would pass for all of them."""


class Climb:
    """Where the network above is asked for; each once in a crawl."""

    def __init__(self, bootstrap: Bootstrap, answered: Answered, most_levels: int) -> None:
        """Take the registries, what is known already, and how many levels are asked for at most."""
        self._bootstrap = bootstrap
        self._answered = answered
        self._most_levels = most_levels
        self._asked: set[tuple[str, str]] = set()

    def above(self, work: RdapTask, found: Registered) -> RdapTask | None:
        """The question for the network above, None if there is none, or it is known or asked for already."""
        if work.ask.kind != "network" or work.level >= self._most_levels:
            return None
        handle = found.parent_handle
        there = self._bootstrap.of_url(found.up) if found.up else None
        if there is None and handle is not None:
            there = self._by_prefix(work.registry, found)
        if there is None or self._answered.knows(work.registry, handle):
            return None
        marks = {there, (work.registry, handle or "")} if handle else {there}
        if marks & self._asked or there[1] == work.url:
            return None
        self._asked |= marks
        return RdapTask(ask=work.ask, level=work.level + 1, registry=there[0], url=there[1], below=found)

    def is_nobodys(self, work: RdapTask, found: Registered) -> bool:
        """Whether a network is what IANA gave the registry, or more, and not what a holder has of it."""
        if work.ask.kind != "network":
            return False
        own = work.level > 0 and self._bootstrap.is_registrys_own(work.registry, found.holder)
        return own or self._bootstrap.exceeds_block(found.first, found.last)

    @staticmethod
    def as_registered(fact: Registration) -> Registered:
        """What a recorded answer had said, without links."""
        return Registered(
            first=fact.first or "",
            last=fact.last or "",
            handle=fact.handle,
            parent_handle=fact.parent_handle,
            name=fact.name,
            allocation=fact.allocation,
            country=fact.country,
            holder=fact.holder,
            holder_name=fact.holder_name,
            abuse=None,
            up=None,
        )

    def _by_prefix(self, registry: str, found: Registered) -> tuple[str, str] | None:
        """Ask for the smallest network around a prefix that is larger than this network: RDAP knows no handles here."""
        base, ends = self._bootstrap.base_of(registry), in_order(found.first, found.last)
        if base is None or ends is None:
            return None
        family, low, high = ends
        bits = 32 if family == 4 else 128
        length = bits - (low ^ high).bit_length()
        if high - low + 1 == 1 << (bits - length):
            length -= 1  # it fills its prefix: the next larger one
        if length < _WIDEST[family]:
            return None
        kind = type(ip_address(found.first))
        start = kind(low >> (bits - length) << (bits - length))
        return registry, f"{base}ip/{start}/{length}"


def encloses(found: Registered, work: RdapTask) -> bool:
    """Whether an answer fits its question: it encloses the address or AS, or is larger than the network below."""
    asn = asn_of(work.ask.asked)
    if asn is not None:
        return int(found.first) <= asn <= int(found.last) < int(found.first) + _MOST_ASES
    below = work.below
    outer = in_order(found.first, found.last)
    inner = in_order(below.first, below.last) if below else in_order(work.ask.asked, work.ask.asked)
    if outer is None or inner is None or outer[0] != inner[0]:
        return False
    inside = outer[1] <= inner[1] and inner[2] <= outer[2]
    return inside and (below is None or outer != inner)
