"""Facts: what registries answered about networks, ASes and domains.

Like all facts (`waterbed/model/facts.py`): only ever added, times aware UTC, no URL and no host name in any field.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, ClassVar, Literal

RegistrationKind = Literal["network", "as"]
RegistrationStatus = Literal[
    "ok", "not_found", "refused", "limited", "unreachable", "timeout", "bad_answer", "server_error", "no_registry"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A registry's answer on a network or an AS.

    Or the reason why there is none. A look-up of an address gives one for the smallest network that encloses it (level
    0), and one for each network above that (levels 1, 2, ...). Names of natural persons are not kept; a mailbox is
    sealed in the vault.
    """

    KEY: ClassVar = ("registration_id",)
    INDEX: ClassVar = (("asked",),)

    registration_id: Annotated[str, "id of this answer"]
    asked: Annotated[str, "the address, or the AS as AS64500, that was asked for"]
    kind: Annotated[RegistrationKind, "network or as"]
    level: Annotated[int, "0: the smallest enclosing network, or the AS; 1: its parent; ..."]
    status: Annotated[RegistrationStatus, "ok, else why there is none"]
    reason: Annotated[str | None, "status in more words, null if ok: HTTP status, kind of failure"]
    registry: Annotated[str | None, "afrinic, apnic, arin, lacnic, ripe, or the name of a base override"]
    first: Annotated[str | None, "first address of the network, or AS number"]
    last: Annotated[str | None, "last address of the network, or AS number"]
    handle: Annotated[str | None, "the registry's handle of the network or AS"]
    parent_handle: Annotated[str | None, "handle of the network above it"]
    name: Annotated[str | None, "the registry's short name of it"]
    allocation: Annotated[str | None, "type of allocation, as the registry calls it"]
    country: Annotated[str | None, "ISO code it is registered in"]
    holder: Annotated[str | None, "the registrant's handle, as registry:HANDLE"]
    holder_name: Annotated[str | None, "the registrant's name if it is an organisation, else null"]
    abuse_id: Annotated[str | None, "keyed id of the abuse mailbox, sealed in the vault"]
    etag: Annotated[str | None, "the registry's ETag, to ask whether it changed"]
    source: Annotated[str, "rdap or ipwhois"]
    fetched_at: Annotated[datetime, "when the registry answered, or did not"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainRegistration:
    """A registry's answer on a registrable domain.

    Or the reason why there is none: `not_found` says that it was not registered then. Of contacts only the registrar is
    kept, a company; dates are those of a day, since exact ones would tell the name.
    """

    KEY: ClassVar = ("answer_id",)
    INDEX: ClassVar = (("site_id",),)

    answer_id: Annotated[str, "id of this answer"]
    site_id: Annotated[str, "keyed id of the registrable domain that was asked for"]
    tld: Annotated[str, "its top-level domain"]
    status: Annotated[RegistrationStatus, "ok; not_found: not registered; else why nothing is known"]
    reason: Annotated[str | None, "status in more words, null if ok: HTTP status, kind of failure"]
    registry: Annotated[str | None, "host of the registry's RDAP server; null: nobody was asked"]
    registrar: Annotated[str | None, "iana:NUMBER of the registrar, else TLD:HANDLE; null: the registry names none"]
    registrar_name: Annotated[str | None, "the registrar's name: a company's"]
    created_on: Annotated[datetime | None, "day on which the registration in force began"]
    expires_on: Annotated[datetime | None, "day on which it expires"]
    states: Annotated[tuple[str, ...], "EPP statuses as RFC 8056 spells them, sorted: client hold, pending delete"]
    etag: Annotated[str | None, "the registry's ETag, to ask whether it changed"]
    fetched_at: Annotated[datetime, "when the registry answered, or did not"]
