"""Vantage points: this machine, its addresses, or a proxy."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from waterbed.model.errors import InputError
from waterbed.store.config import Config
from waterbed.store.machine_settings import Lab

_WHERE = "docs/operations.md, Vantage points"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vantage:
    """A point in the network from which URLs are checked."""

    name: str
    network: str
    source: str | None = None
    """Outgoing address of this machine; None leaves the choice to the kernel."""
    proxy: tuple[str, int] | None = None
    """HTTP CONNECT proxy: it gets the checked address, never a name."""
    agent: str | None = None
    """User agent of its own; None: that of the study."""

    def reaches(self, address: str) -> bool:
        """True if a connection can be made from here.

        The connection goes to this address, or to the proxy instead; its family must be the source address's.
        """
        return self.source is None or (":" in self.source) == (":" in (self.proxy[0] if self.proxy else address))


def first_vantage(config: Config) -> Vantage:
    """Return the first vantage of a pass: this machine."""
    return Vantage(name=config.vantage, network=config.network)


def further_vantages(config: Config, lab: Lab | None) -> tuple[Vantage, ...]:
    """Return the further vantages of a study.

    InputError for two vantages of one name, for an invalid address or proxy, and in a lab for any outside loopback.
    """
    names = [config.vantage, *(entry.name for entry in config.vantages)]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two vantage points are named {name!r}; each needs a name of its own ({_WHERE})")
    return tuple(
        Vantage(
            name=entry.name,
            network=entry.network,
            source=_source(entry.name, entry.address, lab),
            proxy=_proxy(entry.name, entry.proxy, entry.address, lab),
            agent=entry.agent,
        )
        for entry in config.vantages
    )


def _source(name: str, text: str | None, lab: Lab | None) -> str | None:
    if text is None:
        return None
    address = _address(text)
    if address is None or address.is_unspecified or address.is_multicast:
        raise InputError(
            f"vantage point {name!r} has the address {text!r}; an IP address of this machine is expected ({_WHERE})"
        )
    _require_loopback(name, "address", text, address, lab)
    return str(address)


def _proxy(name: str, text: str | None, source: str | None, lab: Lab | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    address = _address(host[1:-1] if host.startswith("[") and host.endswith("]") else host)
    bracketed = host.startswith("[")
    if (
        address is None
        or bracketed != (address.version == 6)
        or not (port.isascii() and port.isdigit() and 0 < int(port) < 65_536)
    ):
        raise InputError(
            f"vantage point {name!r} has the proxy {text!r}; address:port is expected, not a name ({_WHERE})"
        )
    _require_loopback(name, "proxy", text, address, lab)
    if source and (":" in source) != (address.version == 6):
        raise InputError(f"vantage point {name!r} has an address and a proxy of different families ({_WHERE})")
    return str(address), int(port)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _require_loopback(name: str, setting: str, text: str, address: IPv4Address | IPv6Address, lab: Lab | None) -> None:
    if lab is not None and not address.is_loopback:
        raise InputError(
            f"vantage point {name!r} has the {setting} {text!r}; in a lab only loopback is allowed ({_WHERE})"
        )
