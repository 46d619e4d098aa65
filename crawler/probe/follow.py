"""Requests one URL and follows redirects in the same place."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urljoin

from waterbed.attribution.lookups.dns.resolver import Answer, Resolver
from waterbed.crawler.net.http import Exchange, HostConnections
from waterbed.model.addresses import refusal
from waterbed.model.errors import BadUrl
from waterbed.model.facts import Phase, Profile
from waterbed.model.urls import CanonicalUrl, canonicalize, leads_to_front, registrable_domain, same_place

REDIRECTS = (301, 302, 303, 307, 308)

_DOUBTED = (400, 403, 404, 405, 406, 410, 500, 501)
"""Statuses that some servers send to HEAD whatever the status of GET: GET follows, unless the profile forbids it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A check's end, after redirects in the same place.

    Secret: its repr shows the phase alone.
    """

    canonical: CanonicalUrl
    addresses: Sequence[str]
    exchange: Exchange
    method: str | None
    steps: int = 0
    bytes_read: int = 0
    head_status: int | None = None
    authenticated: bool | None = None
    """True if TLS authenticated the responses of all steps, False if one's not, None if one came without TLS."""
    reused: bool = False
    """True if what came may answer an earlier request of a connection."""
    answer: Answer | None = None
    """The resolver's answer for the last host, once redirects led to another than the URL's."""
    redirect: str | None = None
    target: CanonicalUrl | None = None
    link_check: str | None = None
    """Name of the link check that was asked in place of the URL."""
    link_exists: bool | None = None
    """True if the link check said that the file exists, None if that is unclear."""

    @property
    def clear(self) -> bool:
        """True if the server responded that the page is there."""
        return _found(self.exchange)

    def __repr__(self) -> str:
        """Show the phase alone."""
        return f"<Step {self.exchange.phase}>"


def failed_step(canonical: CanonicalUrl, failure: str) -> Step:
    """Return the step of a check without any address.

    A name that is never asked for is refused by us, like an address that is never connected to.
    """
    phase: Phase = "guard" if failure == "special_use" else "dns"
    exchange = Exchange(address=None, head=None, phase=phase, failure=failure)
    return Step(canonical=canonical, addresses=(), exchange=exchange, method=None)


async def follow(
    connections: HostConnections,
    resolver: Resolver,
    canonical: CanonicalUrl,
    addresses: Sequence[str],
    *,
    profile: Profile,
    most_steps: int,
) -> Step:
    """Request a URL and follow redirects in the same place.

    Each step is guarded anew.
    """
    steps = total = 0
    reused, authentications, answer = False, [], None
    while True:
        step = await _ask(connections, canonical, addresses, profile)
        total += step.bytes_read
        reused = reused or step.reused
        authentications.append(step.authenticated)
        target = step.target
        if step.redirect == "same" and target and steps < most_steps:
            steps += 1
            if target.host != canonical.host:
                answer = await resolver.resolve(target.host)
                addresses = answer.addresses
            canonical = target
            continue
        if not steps:
            return step
        authenticated = False if False in authentications else None if None in authentications else True
        return replace(step, steps=steps, bytes_read=total, reused=reused, authenticated=authenticated, answer=answer)


async def _ask(
    connections: HostConnections, canonical: CanonicalUrl, addresses: Sequence[str], profile: Profile
) -> Step:
    """Send one HEAD, and one GET if the profile allows it and HEAD was inconclusive."""
    exchange = await ask_head(connections, canonical, addresses)
    reused = exchange.reused
    total, method, first = exchange.bytes_read, "HEAD", exchange.head.status if exchange.head else None
    head_status = None
    if profile != "strict" and first is not None:
        readable = profile == "text" and 200 <= first < 300 and _is_text(exchange)
        if readable or first in _DOUBTED:
            again = (
                await connections.read_page(canonical, addresses)
                if profile == "text"
                else await connections.ask(canonical, "GET", addresses)
            )
            total += again.bytes_read
            if (
                again.head is not None or first in _DOUBTED
            ):  # where HEAD is trusted, it counts more than a GET that is cut off
                # a GET that denies what HEAD saw may have been given a second, late answer to that HEAD
                reused = reused or (readable and again.kept and not _found(again))
                exchange, method, head_status = _more_certain(exchange, again), "GET", first
    redirect, target = redirect_of(canonical, exchange)
    return Step(
        canonical=canonical,
        addresses=addresses,
        exchange=exchange,
        method=method,
        bytes_read=total,
        head_status=head_status,
        authenticated=exchange.authenticated,
        reused=reused,
        redirect=redirect,
        target=target,
    )


async def ask_head(connections: HostConnections, canonical: CanonicalUrl, addresses: Sequence[str]) -> Exchange:
    """Send HEAD, twice if TLS did not authenticate the response.

    The second goes over a fresh connection.
    """
    exchange = await connections.ask(canonical, "HEAD", addresses)
    if exchange.authenticated is not False:
        return exchange
    again = await connections.ask(canonical, "HEAD", addresses)
    return replace(
        again if again.head else exchange, bytes_read=exchange.bytes_read + again.bytes_read, reused=exchange.reused
    )


def _more_certain(head: Exchange, get: Exchange) -> Exchange:
    """Return what HEAD was answered where it is authenticated, GET is not, and both have one status."""
    if get.head and head.head and get.authenticated is False and head.authenticated and get.page is None:
        return head if head.head.status == get.head.status else get
    return get


def _found(exchange: Exchange) -> bool:
    return exchange.head is not None and 200 <= exchange.head.status < 300


def _is_text(exchange: Exchange) -> bool:
    kind = exchange.head.fields.get("content-type", "").lower() if exchange.head else ""
    return kind.startswith(("text/html", "application/xhtml+xml"))


def redirect_of(canonical: CanonicalUrl, exchange: Exchange) -> tuple[str | None, CanonicalUrl | None]:
    """Return a redirect's kind and target, or None twice."""
    head = exchange.head
    if head is None or head.status not in REDIRECTS:
        return None, None
    location = head.fields.get("location", "").strip()
    if not location:
        return "bad", None
    try:
        target = canonicalize(urljoin(canonical.url, location))
    except (BadUrl, ValueError):
        return "bad", None
    if target.literal and refusal(target.host):
        return "bad", None  # no content can have moved there: kits send unwanted visitors to 127.0.0.1
    if same_place(canonical, target):
        return ("same", target) if target.url != canonical.url else ("bad", None)
    if registrable_domain(canonical.host) != registrable_domain(target.host):
        return "other", target
    return ("front" if leads_to_front(canonical, target) else "site"), target
