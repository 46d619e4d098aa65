"""Control looks: what a host answers to a path that nobody made."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from attribution.lookups.dns.resolver import Resolver
from crawler.net.http import Exchange, HostConnections
from crawler.probe.features import features
from crawler.probe.follow import Step, redirect_of
from crawler.probe.observation import Place, site_id
from waterbed.model.facts import ControlLook
from waterbed.model.urls import CanonicalUrl
from waterbed.store.vault import Vault

_EXTENSION = re.compile(r"\.[a-z0-9]{1,5}$", re.IGNORECASE)
_COMPARED = ("status", "media_type", "content_length", "etag_id", "redirect", "redirect_site_id")


async def control_look(
    connections: HostConnections,
    resolver: Resolver,
    vault: Vault,
    place: Place,
    host_id: str,
    asked: CanonicalUrl,
    step: Step,
    now: datetime,
    *,
    most_steps: int,
) -> ControlLook:
    """Ask for a random path beside the reported one, as the reported one was asked.

    That is from the same beginning, with redirects in the same place followed alike, by HEAD, and by GET cut at the end
    of the head where the look itself had to fall back on it: otherwise the answers could not be compared.
    If it is answered as if it were there, a second one of another length is asked: features in which the two differ
    (a length that grows with the path, an ETag drawn anew) tell nothing of the reported path either.
    """
    doubted = step.head_status is not None and not 200 <= step.head_status < 300
    ask = partial(_ask, connections, resolver, asked, step.addresses, "GET" if doubted else "HEAD", most_steps)
    first, redirect = await ask(size=16)
    facts = _facts(vault, place, host_id, first, redirect, now)
    if facts.status is None or not 200 <= facts.status < 400:
        return facts
    second, redirect = await ask(size=29)
    again = _facts(vault, place, host_id, second, redirect, now)
    if again.status is None:
        return facts
    return replace(facts, unstable=tuple(n for n in _COMPARED if getattr(facts, n) != getattr(again, n)))


async def _ask(
    connections: HostConnections,
    resolver: Resolver,
    asked: CanonicalUrl,
    addresses: Sequence[str],
    method: str,
    most_steps: int,
    *,
    size: int,
) -> tuple[Exchange, tuple[str | None, CanonicalUrl | None]]:
    path = asked.target.partition("?")[0]
    kind = _EXTENSION.search(path)
    token = secrets.token_hex(size)
    beside = spell_beside(asked, f"{path.rpartition('/')[0]}/{token}{kind.group(0) if kind else ''}")
    for _ in range(most_steps + 1):
        exchange = await connections.ask(beside, method, addresses)
        redirect, target = redirect_of(beside, exchange)
        if redirect != "same" or target is None:
            break
        if target.host != beside.host:
            addresses = (await resolver.resolve(target.host)).addresses
        beside = target
    return exchange, (redirect, target)


def spell_beside(asked: CanonicalUrl, target: str) -> CanonicalUrl:
    """The same host and port with another path."""
    return replace(asked, target=target, url=f"{asked.scheme}://{asked.authority}{target}")


def _facts(
    vault: Vault,
    place: Place,
    host_id: str,
    exchange: Exchange,
    redirect: tuple[str | None, CanonicalUrl | None],
    now: datetime,
) -> ControlLook:
    head = exchange.head
    kept = features(head.fields if head else {}, vault.keyed_id, now)
    return ControlLook(
        control_id=secrets.token_hex(16),
        host_id=host_id,
        run_id=place.run_id,
        vantage=place.vantage,
        observed_at=now,
        failure=exchange.failure,
        status=head.status if head else None,
        media_type=kept.media_type,
        content_length=kept.content_length,
        etag_id=kept.etag_id,
        redirect=redirect[0],
        redirect_site_id=site_id(vault, redirect[1]),
    )
