"""Control requests: a host's response to a random path."""

import re
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from waterbed.attribution.lookups.dns.resolver import Resolver
from waterbed.crawler.net.http import Exchange, HostConnections
from waterbed.crawler.probe.features import features
from waterbed.crawler.probe.follow import Step, redirect_of
from waterbed.crawler.probe.observation import Origin, site_id
from waterbed.judging.features import answer_of, comparable
from waterbed.model.facts import ControlLook, Observation
from waterbed.model.urls import CanonicalUrl
from waterbed.store.vault import Vault

_MOST = 4
"""Control looks of one host within an hour, of one or two random paths each."""
_ENOUGH = 2
"""Those after which a host that answered all of them alike is asked no more, unless a URL's own response changed."""
_HOUR = timedelta(hours=1)

_EXTENSION = re.compile(r"\.[a-z0-9]{1,5}$", re.IGNORECASE)
_TELLING = ("content_length", "etag_id", "redirect_site_id")
"""Features that two answers hardly share by accident."""
_COMPARED = ("status", "media_type", "content_length", "etag_id", "redirect", "redirect_site_id")


def place_id(vault: Vault, asked: CanonicalUrl, step: Step) -> str:
    """Return the id of a URL's place on its host.

    A control look stands for the URLs of one place alone: a host may answer each scheme, port, folder, kind of file
    and method in another way.
    """
    return vault.keyed_id("control", f"{_method(step)} {control_url(asked, '*'.join(_beside(asked))).url}")


def _method(step: Step) -> str:
    """HEAD, or GET where the check itself had to fall back on it."""
    return "HEAD" if step.head_status is None or 200 <= step.head_status < 300 else "GET"


def _beside(asked: CanonicalUrl) -> tuple[str, str]:
    """What stands before and after the token of a random path beside a URL."""
    path = asked.target.partition("?")[0]
    kind = _EXTENSION.search(path)
    return f"{path.rpartition('/')[0]}/", kind.group(0) if kind else ""


def may_ask(controls: Iterable[ControlLook], now: datetime, *, changed: bool) -> bool:
    """True if the host took few control looks within the hour.

    Where places answer alike a further one would seldom tell more: its URLs are compared with it at a later check.
    `changed` is true for a URL whose response is another than before.
    """
    recent = [control for control in controls if now - control.observed_at < _HOUR]
    answers_agree = len({(control.status, answer_of(control)) for control in recent}) <= 1
    return len(recent) < (_ENOUGH if answers_agree and not changed else _MOST)


def stand_in(seen: Observation, controls: Iterable[ControlLook], oldest: datetime) -> ControlLook | None:
    """Return a control look in another place of the host that says all that one beside this URL could.

    A random path that gets what the URL gets, by a length, an ETag or the site that both are sent to, shows that the
    response is not the URL's own, wherever that path lies. Another answer shows nothing: a folder may have its own.
    """
    for control in controls:
        equal = comparable(seen, control)
        telling = any(equal.get(name) and getattr(seen, name) for name in _TELLING)
        if control.observed_at >= oldest and telling and all(equal.values()):
            return control
    return None


async def check_control(
    connections: HostConnections,
    resolver: Resolver,
    vault: Vault,
    origin: Origin,
    host_id: str,
    reported_url: CanonicalUrl,
    step: Step,
    now: datetime,
    *,
    most_steps: int,
) -> ControlLook:
    """Request a random path exactly as the reported one.

    The request starts at the same address and follows redirects in the same place alike. It is a HEAD, or a GET cut at
    the end of the head where the check itself had to fall back on GET: otherwise the responses could not be compared.
    If the host responds as if the path existed, a second path of another length is requested. Features in which the
    two differ (a length that grows with the path, a random ETag) carry no information on the reported path either.
    """
    place = place_id(vault, reported_url, step)
    ask = partial(_ask, connections, resolver, reported_url, step.addresses, _method(step), most_steps)
    first, redirect = await ask(size=16)
    facts = _facts(vault, origin, host_id, place, first, redirect, now)
    if facts.status is None or not 200 <= facts.status < 400:
        return facts
    second, redirect = await ask(size=29)
    again = _facts(vault, origin, host_id, place, second, redirect, now)
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
    control = control_url(asked, secrets.token_hex(size).join(_beside(asked)))
    for _ in range(most_steps + 1):
        exchange = await connections.ask(control, method, addresses)
        redirect, target = redirect_of(control, exchange)
        if redirect != "same" or target is None:
            break
        if target.host != control.host:
            addresses = (await resolver.resolve(target.host)).addresses
        control = target
    return exchange, (redirect, target)


def control_url(reported_url: CanonicalUrl, target: str) -> CanonicalUrl:
    """Return the URL with another path on the same host."""
    return replace(reported_url, target=target, url=f"{reported_url.scheme}://{reported_url.authority}{target}")


def _facts(
    vault: Vault,
    origin: Origin,
    host_id: str,
    place: str,
    exchange: Exchange,
    redirect: tuple[str | None, CanonicalUrl | None],
    now: datetime,
) -> ControlLook:
    certain = exchange.authenticated is not False
    head = exchange.head if certain else None
    head_features = features(head.fields if head else {}, vault.keyed_id, now)
    return ControlLook(
        control_id=secrets.token_hex(16),
        host_id=host_id,
        run_id=origin.run_id,
        vantage=origin.vantage,
        observed_at=now,
        failure=exchange.failure if certain else "unauthenticated",
        status=head.status if head else None,
        media_type=head_features.media_type,
        content_length=head_features.content_length,
        etag_id=head_features.etag_id,
        redirect=redirect[0] if certain else None,
        redirect_site_id=site_id(vault, redirect[1]) if certain else None,
        place_id=place,
    )
