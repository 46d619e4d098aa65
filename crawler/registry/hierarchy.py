"""Finds the parent network of a registered network."""

from ipaddress import ip_address

from waterbed.attribution.lookups.rdap.answers import Registered
from waterbed.attribution.lookups.rdap.bootstrap import Bootstrap, asn_of, in_order
from waterbed.attribution.lookups.rdap.plan import Answered
from waterbed.crawler.registry.queue import RdapTask
from waterbed.model.registrations import Registration

_WIDEST = {4: 8, 6: 12}
"""Prefix lengths above which only registries hold networks."""

_MOST_ASES = 1024
"""Most AS numbers in one record; more are a registry's block, whose answer would cover all of them."""


class Hierarchy:
    """Plans the queries for parent networks, each once."""

    def __init__(self, bootstrap: Bootstrap, answered: Answered, most_levels: int) -> None:
        """Take the registries, the known answers and the greatest level."""
        self._bootstrap = bootstrap
        self._answered = answered
        self._most_levels = most_levels
        self._asked: set[tuple[str, str]] = set()

    def parent(self, task: RdapTask, registered: Registered) -> RdapTask | None:
        """Return the query for the parent network.

        None if there is no parent, or if it is known or queried already.
        """
        if task.ask.kind != "network" or task.level >= self._most_levels:
            return None
        handle = registered.parent_handle
        location = self._bootstrap.of_url(registered.up) if registered.up else None
        if location is None and handle is not None:
            location = self._by_prefix(task.registry, registered)
        if location is None or self._answered.knows(task.registry, handle):
            return None
        marks = {location, (task.registry, handle or "")} if handle else {location}
        if marks & self._asked or location[1] == task.url:
            return None
        self._asked |= marks
        return RdapTask(ask=task.ask, level=task.level + 1, registry=location[0], url=location[1], below=registered)

    def is_registry_block(self, task: RdapTask, registered: Registered) -> bool:
        """True if a network is the registry's own IANA block."""
        if task.ask.kind != "network":
            return False
        is_own = task.level > 0 and self._bootstrap.is_registrys_own(task.registry, registered.holder)
        return is_own or self._bootstrap.exceeds_block(registered.first, registered.last)

    @staticmethod
    def as_registered(fact: Registration) -> Registered:
        """Return the registered network of a recorded answer, without links."""
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

    def _by_prefix(self, registry: str, registered: Registered) -> tuple[str, str] | None:
        """Return the query for the next larger prefix; RDAP has no look-up of networks by handle."""
        base, ends = self._bootstrap.base_of(registry), in_order(registered.first, registered.last)
        if base is None or ends is None:
            return None
        family, low, high = ends
        bits = 32 if family == 4 else 128
        length = bits - (low ^ high).bit_length()
        if high - low + 1 == 1 << (bits - length):
            length -= 1  # it fills its prefix: the next larger one
        if length < _WIDEST[family]:
            return None
        kind = type(ip_address(registered.first))
        start = kind(low >> (bits - length) << (bits - length))
        return registry, f"{base}ip/{start}/{length}"


def encloses(registered: Registered, task: RdapTask) -> bool:
    """True if an answer fits its query.

    It encloses the address or AS, or is larger than the network below.
    """
    asn = asn_of(task.ask.asked)
    if asn is not None:
        return int(registered.first) <= asn <= int(registered.last) < int(registered.first) + _MOST_ASES
    below = task.below
    outer = in_order(registered.first, registered.last)
    inner = in_order(below.first, below.last) if below else in_order(task.ask.asked, task.ask.asked)
    if outer is None or inner is None or outer[0] != inner[0]:
        return False
    inside = outer[1] <= inner[1] and inner[2] <= outer[2]
    return inside and (below is None or outer != inner)
