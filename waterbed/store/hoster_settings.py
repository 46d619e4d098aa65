"""Settings of the book of hosters and of proposals."""

from typing import Annotated

import msgspec


class Hosters(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The basis of the book of hosters."""

    known: bool = True
    """True if the list of known proxies and platforms lies beneath the study's own file."""
    shared_domains: Annotated[float, msgspec.Meta(gt=1)] = 11.0
    """Domains at an address, in the median, from which a hoster is proposed as one of shared hosting."""
    shared_addresses: Annotated[int, msgspec.Meta(ge=1)] = 10
    """Addresses with domains that this takes at least."""
    reseller_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.8
    """Share of a hoster's reported hosts in one other holder's networks from which it is proposed as a reseller."""
    reseller_hosts: Annotated[int, msgspec.Meta(ge=1)] = 10
    """Reported hosts that this takes at least."""
