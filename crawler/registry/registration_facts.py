"""Builds registrations, and seals their abuse mailboxes."""

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from waterbed.attribution.lookups.rdap.answers import Registered
from waterbed.attribution.lookups.rdap.domains import RegisteredDomain
from waterbed.attribution.lookups.rdap.plan import Ask
from waterbed.model.codec import microseconds
from waterbed.model.registrations import DomainRegistration, Registration, RegistrationKind, RegistrationStatus
from waterbed.store.vault import Vault

Fact = Registration | DomainRegistration
"""What a query leads to."""


class PendingFacts:
    """Facts that are to be written."""

    def __init__(self, vault: Vault) -> None:
        """Take the vault that seals mailboxes."""
        self._vault = vault
        self._waiting: list[Any] = []

    def put(self, fact: Fact, abuse: str | None = None) -> None:
        """Add one registration, and its abuse mailbox if any."""
        if abuse is not None and isinstance(fact, Registration):
            sealed = self._vault.seal("mailbox", abuse)
            self._waiting.append(sealed)
            fact = replace(fact, abuse_id=sealed.entry_id)
        self._waiting.append(fact)

    def take(self) -> list[Any]:
        """Remove and return all facts."""
        taken, self._waiting = self._waiting, []
        return taken


def answered(
    ask: Ask, level: int, registry: str, registered: Registered, etag: str | None, now: datetime, source: str = "rdap"
) -> Registration:
    """Build the registration that a registry answered with."""
    return Registration(
        registration_id=_id(ask.asked, level, now),
        asked=ask.asked,
        kind=_kind(ask),
        level=level,
        status="ok",
        reason=None,
        registry=registry,
        first=registered.first,
        last=registered.last,
        handle=registered.handle,
        parent_handle=registered.parent_handle,
        name=registered.name,
        allocation=registered.allocation,
        country=registered.country,
        holder=registered.holder,
        holder_name=registered.holder_name,
        abuse_id=None,
        etag=etag,
        source=source,
        fetched_at=now,
    )


def answered_domain(
    ask: Ask, registry: str, registered: RegisteredDomain, etag: str | None, now: datetime
) -> DomainRegistration:
    """Build the registration of a domain."""
    return DomainRegistration(
        answer_id=_id(ask.asked, 0, now),
        site_id=ask.asked,
        tld=_tld(ask),
        status="ok",
        reason=None,
        registry=registry,
        registrar=registered.registrar,
        registrar_name=registered.registrar_name,
        created_on=registered.created_on,
        expires_on=registered.expires_on,
        states=registered.states,
        etag=etag,
        fetched_at=now,
    )


def unanswered(
    ask: Ask, level: int, registry: str | None, status: RegistrationStatus, reason: str, now: datetime
) -> Fact:
    """Build the record that a registry gave no answer.

    Of a domain: that it is not registered, or why nothing is known.
    """
    if ask.kind == "domain":
        return DomainRegistration(
            answer_id=_id(ask.asked, 0, now),
            site_id=ask.asked,
            tld=_tld(ask),
            status=status,
            reason=reason,
            registry=registry,
            registrar=None,
            registrar_name=None,
            created_on=None,
            expires_on=None,
            states=(),
            etag=None,
            fetched_at=now,
        )
    return Registration(
        registration_id=_id(ask.asked, level, now),
        asked=ask.asked,
        kind=_kind(ask),
        level=level,
        status=status,
        reason=reason,
        registry=registry,
        first=None,
        last=None,
        handle=None,
        parent_handle=None,
        name=None,
        allocation=None,
        country=None,
        holder=None,
        holder_name=None,
        abuse_id=None,
        etag=None,
        source="rdap",
        fetched_at=now,
    )


def unchanged(known: Fact, now: datetime) -> Fact:
    """Build the record that a registry's last answer still holds."""
    if isinstance(known, DomainRegistration):
        return replace(known, answer_id=_id(known.site_id, 0, now), fetched_at=now)
    return replace(known, registration_id=_id(known.asked, known.level, now), fetched_at=now)


def _kind(ask: Ask) -> RegistrationKind:
    return "as" if ask.kind == "as" else "network"


def _tld(ask: Ask) -> str:
    return ask.name.rpartition(".")[2]


def _id(query: str, level: int, now: datetime) -> str:
    return hashlib.sha256(f"{query} {level} {microseconds(now)}".encode()).hexdigest()[:32]
