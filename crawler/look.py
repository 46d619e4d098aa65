"""A look at all due URLs of one host: from name to facts."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from importlib.metadata import version
from typing import Any
from urllib.parse import urljoin

from attribution.lookups.names import Resolver
from crawler.exchange import Connector, Exchange, HostConnections
from crawler.features import certificate_features, features, suspension
from crawler.manners import Manners
from waterbed.model.bookkeeping import Due
from waterbed.model.canonical import Spelled, registrable_domain, same_place, spell
from waterbed.model.codec import microseconds
from waterbed.model.errors import BadUrl
from waterbed.model.facts import ControlLook, Observation, Profile, Resolution
from waterbed.store.config import Config
from waterbed.store.folder import Clock
from waterbed.store.vault import Vault

_HEAD_REFUSED = (405, 501)
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True, kw_only=True)
class HostWork:
    """The due URLs of one host. Secret: its repr says nothing."""

    host_id: str
    items: tuple[tuple[Due, Spelled], ...]
    control: ControlLook | None

    def __repr__(self) -> str:
        """Say the id alone."""
        return f"<HostWork {self.host_id}: {len(self.items)} looks>"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What came of one host's looks: facts, and the leases they answer."""

    host_id: str
    facts: tuple[Any, ...]
    answered: tuple[tuple[Due, Observation, ControlLook | None], ...]

    def __repr__(self) -> str:
        """Say the id alone."""
        return f"<HostFacts {self.host_id}: {len(self.answered)} looks>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """Where a look ended after redirects within the same place."""

    spelled: Spelled
    addresses: Sequence[str]
    exchange: Exchange
    method: str
    steps: int
    bytes_read: int
    redirect: str | None
    target: Spelled | None


def observation_id(due: Due, vantage: str) -> str:
    """The id of the one look that answers a due time from a vantage."""
    text = f"{due.url_id}\x00{microseconds(due.due_at)}\x00{vantage}"
    return blake2b(text.encode(), digest_size=16).hexdigest()


class Looker:
    """Takes looks and returns facts; it stores and concludes nothing."""

    def __init__(
        self, *, config: Config, vault: Vault, resolver: Resolver, connector: Connector, clock: Clock, run_id: str
    ) -> None:
        """Take everything a look needs; no connection is made yet."""
        self._config = config
        self._vault = vault
        self._resolver = resolver
        self._connector = connector
        self._clock = clock
        self._run_id = run_id
        probe = config.probe
        self._manners = Manners(at_once=probe.per_address, delay_s=probe.delay_s)
        contact = f" (+{config.contact})" if config.contact else ""
        self._agent = f"Waterbed/{version('waterbed')} hosting-attribution research{contact}"

    async def look(self, work: HostWork) -> HostFacts:
        """Look at all due URLs of one host, one after the other."""
        host = work.items[0][1].host
        resolution = await self._resolve(work.host_id, host)
        facts: list[Any] = [resolution]
        answered: list[tuple[Due, Observation, ControlLook | None]] = []
        control = work.control
        async with self._connections() as connections:
            for due, spelled in work.items:
                started = self._clock()
                step = await self._follow(connections, spelled, resolution, self._profile(due))
                if control is None and self._wants_control(step, due):
                    control = await self._control(connections, work.host_id, step)
                    facts.append(control)
                if step.target:
                    facts.append(self._vault.seal("url", step.target.url))
                observation = self._observation(due, step, resolution, control, started)
                facts.append(observation)
                answered.append((due, observation, control))
        return HostFacts(host_id=work.host_id, facts=tuple(facts), answered=tuple(answered))

    def _connections(self) -> HostConnections:
        return HostConnections(
            self._connector, self._manners, timeout_s=self._config.probe.timeout_s, agent=self._agent
        )

    async def reaches(self, spelled: Spelled) -> bool:
        """Whether any response head comes from a canary target."""
        answer = await self._resolver.resolve(spelled.host)
        async with self._connections() as connections:
            return (await connections.ask(spelled, "HEAD", answer.addresses)).head is not None

    def _profile(self, due: Due) -> Profile:
        return self._config.probe.profiles.get(due.category, self._config.probe.default_profile)

    async def _resolve(self, host_id: str, host: str) -> Resolution:
        answer = await self._resolver.resolve(host)
        return Resolution(
            resolution_id=secrets.token_hex(16),
            host_id=host_id,
            run_id=self._run_id,
            vantage=self._config.vantage,
            status=answer.status,
            addresses=answer.addresses,
            cname_ids=tuple(self._vault.keyed_id("host", name) for name in answer.cnames),
            ttl_s=answer.ttl_s,
            ede=answer.ede,
            resolver=answer.resolver,
            resolved_at=self._clock(),
        )

    async def _follow(
        self, connections: HostConnections, spelled: Spelled, resolution: Resolution, profile: Profile
    ) -> _Step:
        """Ask, and follow redirects that stay in the same place."""
        addresses: Sequence[str] = resolution.addresses
        if resolution.status not in ("ok", "literal"):
            nothing = Exchange(address=None, head=None, phase="dns", failure=resolution.status)
            return _Step(
                spelled=spelled,
                addresses=(),
                exchange=nothing,
                method="",
                steps=0,
                bytes_read=0,
                redirect=None,
                target=None,
            )
        steps = total = 0
        while True:
            method = "HEAD"
            exchange = await connections.ask(spelled, method, addresses)
            total += exchange.bytes_read
            if exchange.head and exchange.head.status in _HEAD_REFUSED and profile != "strict":
                method = "GET"
                exchange = await connections.ask(spelled, method, addresses)
                total += exchange.bytes_read
            kind, target = _redirect(spelled, exchange)
            if kind == "same" and target and steps < self._config.probe.redirect_steps:
                steps += 1
                if target.host != spelled.host:
                    addresses = (await self._resolver.resolve(target.host)).addresses
                spelled = target
                continue
            return _Step(
                spelled=spelled,
                addresses=addresses,
                exchange=exchange,
                method=method,
                steps=steps,
                bytes_read=total,
                redirect=kind,
                target=target,
            )

    def _wants_control(self, step: _Step, due: Due) -> bool:
        head = step.exchange.head
        return (
            self._config.probe.controls
            and self._profile(due) != "strict"
            and step.spelled.target != "/"
            and head is not None
            and (200 <= head.status < 300 or step.redirect in ("site", "other"))
        )

    async def _control(self, connections: HostConnections, host_id: str, step: _Step) -> ControlLook:
        folder = step.spelled.target.partition("?")[0].rpartition("/")[0]
        beside = replace(step.spelled, target=f"{folder}/{secrets.token_hex(16)}")
        now = self._clock()
        exchange = await connections.ask(beside, "HEAD", step.addresses)
        head = exchange.head
        kept = features(head.fields if head else {}, self._vault.keyed_id, now)
        kind, target = _redirect(beside, exchange)
        return ControlLook(
            control_id=secrets.token_hex(16),
            host_id=host_id,
            run_id=self._run_id,
            vantage=self._config.vantage,
            observed_at=now,
            failure=exchange.failure,
            status=head.status if head else None,
            media_type=kept.media_type,
            content_length=kept.content_length,
            etag_id=kept.etag_id,
            redirect=kind,
            redirect_site_id=self._site_id(target),
        )

    def _site_id(self, target: Spelled | None) -> str | None:
        return self._vault.keyed_id("site", registrable_domain(target.host)) if target else None

    def _observation(
        self, due: Due, step: _Step, resolution: Resolution, control: ControlLook | None, started: datetime
    ) -> Observation:
        exchange, head = step.exchange, step.exchange.head
        kept = features(head.fields if head else {}, self._vault.keyed_id, started)
        certificate = (
            certificate_features(exchange.certificate, step.spelled.host, self._vault.keyed_id, started)
            if exchange.certificate
            else None
        )
        return Observation(
            observation_id=observation_id(due, self._config.vantage),
            url_id=due.url_id,
            run_id=self._run_id,
            vantage=self._config.vantage,
            scheduled_at=due.due_at,
            observed_at=started,
            resolution_id=resolution.resolution_id,
            profile=self._profile(due),
            method=step.method or None,
            address=exchange.address,
            port=step.spelled.port,
            phase=exchange.phase,
            failure=exchange.failure,
            status=head.status if head else None,
            media_type=kept.media_type,
            content_length=kept.content_length,
            etag_id=kept.etag_id,
            last_modified_id=kept.last_modified_id,
            server=kept.server,
            marks=kept.marks + (("suspended",) if step.target and suspension(step.target.target) else ()),
            redirect=step.redirect,
            redirect_url_id=self._vault.keyed_id("url", step.target.url) if step.target else None,
            redirect_site_id=self._site_id(step.target),
            steps=step.steps,
            retry_after_s=kept.retry_after_s,
            tls_version=exchange.tls_version,
            tls_problem=certificate.problem if certificate else None,
            certificate_id=certificate.certificate_id if certificate else None,
            public_key_id=certificate.public_key_id if certificate else None,
            control_id=control.control_id if control else None,
            bytes_read=step.bytes_read,
            connect_ms=exchange.connect_ms,
            head_ms=exchange.head_ms,
        )


def _redirect(spelled: Spelled, exchange: Exchange) -> tuple[str | None, Spelled | None]:
    """The kind of a redirect and its target, both None if it is none."""
    head = exchange.head
    if head is None or head.status not in _REDIRECTS:
        return None, None
    location = head.fields.get("location", "").strip()
    if not location:
        return "bad", None
    try:
        target = spell(urljoin(spelled.url, location))
    except (BadUrl, ValueError):
        return "bad", None
    if same_place(spelled, target):
        return ("same", target) if target.url != spelled.url else ("bad", None)
    same_site = registrable_domain(spelled.host) == registrable_domain(target.host)
    return ("site" if same_site else "other"), target
