"""Maps a checked address to the endpoint to connect to."""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from waterbed.model.errors import InputError
from waterbed.store.settings import Lab

Connector = Callable[[str, int], tuple[str, int] | None]
"""Maps a checked public address and port to the endpoint to connect to, None if that is refused."""


def connector(lab: Lab | None) -> Connector:
    """Return the connector of a study.

    Outside a lab every address is its own endpoint. In a lab an address outside the map is refused, and the map may
    name loopback listeners only, so that no packet leaves the machine.
    """
    if lab is None:
        return lambda address, port: (address, port)
    rules: list[tuple[IPv4Network | IPv6Network, int, tuple[str, int]]] = [
        (ip_network(entry.prefix), entry.port, loopback(entry.listener)) for entry in lab.connect_to
    ]
    rules.sort(key=lambda rule: -rule[0].prefixlen)

    @lru_cache(maxsize=8192)
    def listener(address: str, port: int) -> tuple[str, int] | None:
        parsed = ip_address(address)
        return next((at for net, p, at in rules if p == port and parsed.version == net.version and parsed in net), None)

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
