"""Control looks: what a host answers to a path that nobody made."""

import re
import secrets
from dataclasses import replace
from datetime import datetime
from functools import partial

from crawler.exchange import HostConnections
from crawler.features import features
from crawler.follow import Step, redirect_of
from crawler.observe import Place, site_id
from waterbed.model.facts import ControlLook
from waterbed.store.vault import Vault

_EXTENSION = re.compile(r"\.[a-z0-9]{1,5}$", re.IGNORECASE)
_COMPARED = ("status", "media_type", "content_length", "etag_id", "redirect", "redirect_site_id")


async def control_look(
    connections: HostConnections,
    vault: Vault,
    place: Place,
    host_id: str,
    step: Step,
    now: datetime,
) -> ControlLook:
    """Ask for a random path beside the reported one, as the reported one was asked.

    That is HEAD, and GET cut at the end of the head where the look itself had to fall back on it: answers to two
    methods cannot be compared.
    If it is answered as if it were there, a second one of another length is asked: features in which the two differ
    (a length that grows with the path, an ETag drawn anew) tell nothing of the reported path either.
    """
    doubted = step.head_status is not None and not 200 <= step.head_status < 300
    ask = partial(_one, connections, vault, place, host_id, step, "GET" if doubted else "HEAD", now)
    first = await ask(size=16)
    if first.status is None or not 200 <= first.status < 400:
        return first
    second = await ask(size=29)
    if second.status is None:
        return first
    return replace(first, unstable=tuple(n for n in _COMPARED if getattr(first, n) != getattr(second, n)))


async def _one(
    connections: HostConnections,
    vault: Vault,
    place: Place,
    host_id: str,
    step: Step,
    method: str,
    now: datetime,
    *,
    size: int,
) -> ControlLook:
    spelled = step.spelled
    path = spelled.target.partition("?")[0]
    kind = _EXTENSION.search(path)
    token = secrets.token_hex(size)
    beside = replace(spelled, target=f"{path.rpartition('/')[0]}/{token}{kind.group(0) if kind else ''}")
    exchange = await connections.ask(beside, method, step.addresses)
    head = exchange.head
    kept = features(head.fields if head else {}, vault.keyed_id, now)
    redirect, target = redirect_of(beside, exchange)
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
        redirect=redirect,
        redirect_site_id=site_id(vault, target),
    )
