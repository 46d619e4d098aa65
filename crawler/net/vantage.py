"""Where looks are taken from: this machine, one of its addresses, or a proxy."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

from waterbed.model.errors import InputError
from waterbed.store.config import Config
from waterbed.store.settings import Lab

_WHERE = "see docs/operations.md, Vantage points"


@dataclass(frozen=True, slots=True, kw_only=True)
class Vantage:
    """A place that looks are taken from."""

    name: str
    network: str
    source: str | None = None
    """Outgoing address of this machine, else the usual one."""
    proxy: tuple[str, int] | None = None
    """HTTP CONNECT proxy: it is told the checked address, never a name."""

    def reaches(self, address: str) -> bool:
        """Whether a connection to this address, or to the proxy instead, can leave from here at all."""
        return self.source is None or (":" in self.source) == (":" in (self.proxy[0] if self.proxy else address))


def first_vantage(config: Config) -> Vantage:
    """The vantage of a pass itself: this machine as it is."""
    return Vantage(name=config.vantage, network=config.network)


def further_vantages(config: Config, lab: Lab | None) -> tuple[Vantage, ...]:
    """The further vantages of a study; in a lab they stay on loopback.

    InputError for an address or a proxy that cannot be meant.
    """
    names = [config.vantage, *(entry.name for entry in config.vantages)]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"two vantage points are named {name!r}; each needs a name of its own, {_WHERE}")
    return tuple(
        Vantage(
            name=entry.name,
            network=entry.network,
            source=_source(entry.name, entry.address, lab),
            proxy=_proxy(entry.name, entry.proxy, entry.address, lab),
        )
        for entry in config.vantages
    )


def _source(name: str, text: str | None, lab: Lab | None) -> str | None:
    if text is None:
        return None
    address = _address(text)
    if address is None or address.is_unspecified or address.is_multicast:
        raise InputError(
            f"vantage point {name!r} has the address {text!r}; an IP address of this machine is expected, {_WHERE}"
        )
    _stays(name, "address", text, [address], lab)
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
            f"vantage point {name!r} has the proxy {text!r}; address:port is expected, not a name, {_WHERE}"
        )
    _stays(name, "proxy", text, [address], lab)
    if source and (":" in source) != (address.version == 6):
        raise InputError(f"vantage point {name!r} has an address and a proxy of different families, {_WHERE}")
    return str(address), int(port)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


def _stays(name: str, what: str, text: str, found: Sequence[IPv4Address | IPv6Address], lab: Lab | None) -> None:
    if lab is not None and not all(address.is_loopback for address in found):
        raise InputError(f"vantage point {name!r} has the {what} {text!r}; in a lab only loopback is allowed, {_WHERE}")
