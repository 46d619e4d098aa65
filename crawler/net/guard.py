"""Maps a checked address to the endpoint to connect to."""

from collections.abc import Callable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from waterbed.model.addresses import carried
from waterbed.model.errors import InputError
from waterbed.store.machine_settings import Lab
from waterbed.store.settings import Guard

Connector = Callable[[str, int], tuple[str, int] | str | None]
"""Maps a checked public address and port to the endpoint to connect to.

None if it lies outside the lab, or the reason for another refusal.
"""

# fmt: off
OTHER_PROTOCOLS = frozenset((
    0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109,
    110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530,
    531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190,
    5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    1433, 1521, 2375, 2376, 3306, 5432, 5984, 6379, 9042, 9200, 9300, 11211, 27017,
))
# fmt: on
"""Ports at which a request could be taken for another protocol's: the Fetch standard's bad ports, and databases'.

Source: https://fetch.spec.whatwg.org/#port-blocking, as of 2026-11. The last row holds the default ports of databases
and of Docker, as their manuals have them.
"""


def connector(lab: Lab | None, guard: Guard, special: Sequence[IPv4Network | IPv6Network] = ()) -> Connector:
    """Return the connector of a study.

    It refuses ports of other protocols, networks that the settings deny, and `special` ones of the study's lists.
    Outside a lab every other address is its own endpoint. In a lab an address outside the map is refused, and the map
    may name loopback listeners only, so that no packet leaves the machine.
    """
    endpoint = _listeners(lab) if lab else lambda address, port: (address, port)
    blocked = OTHER_PROTOCOLS.difference(guard.ports)
    denied = (*(ip_network(net) for net in guard.deny), *special)

    @lru_cache(maxsize=2048)
    def is_denied(address: str) -> bool:
        parsed = ip_address(address)
        inside = (parsed, *carried(parsed)) if isinstance(parsed, IPv6Address) else (parsed,)
        return any(
            inner_address in net for inner_address in inside for net in denied if net.version == inner_address.version
        )

    def guarded(address: str, port: int) -> tuple[str, int] | str | None:
        if port in blocked:
            return "blocked_port"
        return "denied_network" if denied and is_denied(address) else endpoint(address, port)

    return guarded


def _listeners(lab: Lab) -> Callable[[str, int], tuple[str, int] | None]:
    """The endpoints of a lab's addresses."""
    rules: list[tuple[IPv4Network | IPv6Network, int, tuple[str, int]]] = [
        (ip_network(entry.prefix), entry.port, loopback(entry.listener)) for entry in lab.connect_to
    ]
    rules.sort(key=lambda rule: -rule[0].prefixlen)

    @lru_cache(maxsize=2048)
    def listener(address: str, port: int) -> tuple[str, int] | None:
        parsed = ip_address(address)
        return next(
            (endpoint for net, p, endpoint in rules if p == port and parsed.version == net.version and parsed in net),
            None,
        )

    return listener


def loopback(listener: str) -> tuple[str, int]:
    """Parse a `host:port` of the lab.

    InputError unless it is loopback.
    """
    host, _, port = listener.rpartition(":")
    try:
        if not ip_address(host.strip("[]")).is_loopback:
            raise ValueError
        return host.strip("[]"), int(port)
    except ValueError:
        raise InputError(f"lab.toml names the listener {listener!r}; only loopback address:port is allowed") from None
