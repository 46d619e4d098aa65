"""Builds registrations, and seals their abuse mailboxes."""

import hashlib
from dataclasses import replace
from datetime import datetime
from typing import Any

from attribution.lookups.rdap.answers import Registered
from attribution.lookups.rdap.plan import Ask
from waterbed.model.codec import microseconds
from waterbed.model.facts import Registration, RegistrationStatus
from waterbed.store.vault import Vault


class PendingFacts:
    """Facts that are to be written."""

    def __init__(self, vault: Vault) -> None:
        """Take the vault that seals mailboxes."""
        self._vault = vault
        self._waiting: list[Any] = []

    def put(self, fact: Registration, abuse: str | None = None) -> None:
        """Add one registration, and its abuse mailbox if any."""
        if abuse is not None:
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
        kind=ask.kind,
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


def unanswered(
    ask: Ask, level: int, registry: str | None, status: RegistrationStatus, reason: str, now: datetime
) -> Registration:
    """Build the record that a registry gave no answer."""
    return Registration(
        registration_id=_id(ask.asked, level, now),
        asked=ask.asked,
        kind=ask.kind,
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


def unchanged(known: Registration, now: datetime) -> Registration:
    """Build the record that a registry's last answer still holds."""
    return replace(known, registration_id=_id(known.asked, known.level, now), fetched_at=now)


def _id(asked: str, level: int, now: datetime) -> str:
    return hashlib.sha256(f"{asked} {level} {microseconds(now)}".encode()).hexdigest()[:32]
