"""The registry of a domain name (RFC 9224, `dns.json`)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from waterbed.attribution.lookups.rdap.bootstrap import domain_bases, https_base
from waterbed.model.urls import (
    in_suffix_list,
    is_address,
    is_public_suffix,
    platform_suffix,
    registrable_domain,
    special_use,
)

_WHERE: Final = "domains.bases"


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRegistry:
    """The registry of one domain.

    `host` is its server, by which it is asked at one pace for all its top-level domains; `base` ends with a slash.
    """

    host: str
    base: str


class DomainRegistries:
    """The registries of top-level domains.

    A base of the settings takes the place of the published one. `only_loopback` is for the lab: published ones are not
    asked. InputError if a base is no https URL; http is allowed on loopback alone.
    """

    def __init__(self, bases: Mapping[str, str], *, only_loopback: bool = False) -> None:
        """Take the settings' bases, by top-level domain."""
        configured = {tld.strip(".").lower(): https_base(_WHERE, tld, url, only_loopback) for tld, url in bases.items()}
        self._given = configured
        self._published = {} if only_loopback else domain_bases()

    def of(self, name: str) -> DomainRegistry | None:
        """The registry of a name by longest suffix, or None."""
        rest = name
        while rest:
            base = self._given.get(rest) or self._published.get(rest)
            if base:
                return DomainRegistry(host=urlsplit(base).netloc, base=base)
            rest = rest.partition(".")[2]
        return None

    def of_url(self, name: str, url: str) -> tuple[str, str] | None:
        """Host and URL to request, below a name's base.

        No other server learns a name: None for every other URL.
        """
        registry = self.of(name)
        if registry is None or not url.isascii() or not url.isprintable() or any(mark in url for mark in "@\\ #"):
            return None
        inside = url.startswith(registry.base) and ".." not in url[len(registry.base) :]
        return (registry.host, url) if inside else None


def askable_domain(host: str) -> str | None:
    """The domain of a host that a registry knows.

    None for addresses, special-use names, names of platforms, and what lies under no known public suffix.
    """
    if ":" in host or is_address(host) or special_use(host) or platform_suffix(host) is not None:
        return None
    domain = registrable_domain(host)
    return domain if "." in domain and in_suffix_list(domain) and not is_public_suffix(domain) else None
