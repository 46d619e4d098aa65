"""A look at all due URLs of one host: from name to facts, from every vantage that is needed."""

import secrets
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from importlib.metadata import version
from typing import Any

from attribution.lookups.dns.infrastructure import tags
from attribution.lookups.dns.resolver import Resolver
from crawler.net.guard import Connector
from crawler.net.http import HostConnections
from crawler.net.politeness import Politeness
from crawler.net.reservations import Reservations
from crawler.net.vantage import Vantage
from crawler.probe.control import control_look
from crawler.probe.follow import Step, ask_link_check, follow, nowhere
from crawler.probe.link_checks import LinkCheck, question
from crawler.probe.observation import Place, fingerprint, observation
from waterbed.model.bookkeeping import Due
from waterbed.model.facts import ControlLook, Observation, Profile, Resolution
from waterbed.model.urls import CanonicalUrl, registrable_domain
from waterbed.store.config import Config
from waterbed.store.folder import Clock
from waterbed.store.vault import Vault

_CHANGED_CONTROL = timedelta(hours=2)
"""How old a control look may be when the answer of the URL itself has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostWork:
    """The due URLs of one host, and what is known of it. Secret: its repr says nothing."""

    host_id: str
    items: tuple[tuple[Due, CanonicalUrl], ...]
    control: ControlLook | None
    named: Resolution | None
    """The last resolution for which name servers were asked, if it is young enough."""

    def __repr__(self) -> str:
        """Say the id alone."""
        return f"<HostWork {self.host_id}: {len(self.items)} looks>"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResult:
    """What came of one due look: one observation from each vantage that looked, the first one's first."""

    due: Due
    seen: tuple[Observation, ...]
    control: ControlLook | None
    fingerprint: str
    target: CanonicalUrl | None
    """Where a redirect led, if it left the place. Secret."""

    def __repr__(self) -> str:
        """Say the id alone."""
        return f"<Looked {self.due.url_id}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """What came of one host's looks: facts, and the leases they answer."""

    host_id: str
    facts: tuple[Any, ...]
    answered: tuple[HostResult, ...]

    def __repr__(self) -> str:
        """Say the id alone."""
        return f"<HostFacts {self.host_id}: {len(self.answered)} looks>"


class Prober:
    """Takes looks and returns facts; it stores and concludes nothing."""

    def __init__(
        self,
        *,
        config: Config,
        vault: Vault,
        resolver: Resolver,
        connector: Connector,
        clock: Clock,
        run_id: str,
        vantages: Sequence[Vantage],
        link_checks: Sequence[LinkCheck] = (),
        reservations: Reservations | None = None,
        holds: Callable[[], bool] = lambda: True,
    ) -> None:
        """Take everything a look needs; no connection is made yet. The first vantage looks first."""
        self._config = config
        self._vault = vault
        self._resolver = resolver
        self._connector = connector
        self._clock = clock
        self._run_id = run_id
        self.vantages = tuple(vantages)
        self._link_checks = link_checks
        probe = config.probe
        bounds = partial(
            Politeness,
            at_once=probe.per_address,
            delay_s=probe.delay_s,
            network_at_once=probe.per_network,
            network_delay_s=probe.network_delay_s,
            holds=holds,
        )
        self._manners = bounds(reservations=reservations)
        self._canary_manners = bounds()  # a request a minute: it must not wait for what other passes visit
        contact = f" (+{config.contact})" if config.contact else ""
        self._agent = f"Waterbed/{version('waterbed')} hosting-attribution research{contact}"

    async def look(self, work: HostWork) -> HostFacts:
        """Look at all due URLs of one host, one after the other."""
        resolution = await self._resolve(work)
        facts: list[Any] = [resolution]
        answered: list[HostResult] = []
        async with AsyncExitStack() as stack:
            here = await stack.enter_async_context(self._connections(self.vantages[0]))
            there = [await stack.enter_async_context(self._connections(vantage)) for vantage in self.vantages[1:]]
            control = work.control
            for due, canonical in work.items:
                looked = await self._look(here, there, resolution, control, due, canonical)
                if looked.control is not None and looked.control is not control:
                    control = looked.control
                    facts.append(control)
                if looked.target:
                    facts.append(self._vault.seal("url", looked.target.url))
                facts.extend(looked.seen)
                answered.append(looked)
        return HostFacts(host_id=work.host_id, facts=tuple(facts), answered=tuple(answered))

    async def _look(
        self,
        here: HostConnections,
        there: Sequence[HostConnections],
        resolution: Resolution,
        control: ControlLook | None,
        due: Due,
        canonical: CanonicalUrl,
    ) -> HostResult:
        """One due look: from the first vantage, and from the others if that one did not see it plainly up."""
        profile = self._config.probe.profiles.get(due.category, self._config.probe.default_profile)
        place = self._place(self.vantages[0])
        observe = partial(
            observation, self._vault, due=due, profile=profile, resolution_id=resolution.resolution_id, control=None
        )
        started = self._clock()
        step = await self._ask(here, resolution, canonical, profile)
        seen = observe(place=place, step=step, started=started)
        print_now = fingerprint(self._vault, seen)
        if self._wants_control(step, profile, control, changed=print_now != due.fingerprint):
            control = await control_look(
                here,
                self._resolver,
                self._vault,
                place,
                due.host_id,
                canonical,
                replace(step, addresses=resolution.addresses),
                self._clock(),
                most_steps=self._config.probe.redirect_steps,
            )
        control_id = control.control_id if control and not step.link_check else None
        all_seen = [replace(seen, control_id=control_id) if control_id else seen]
        if seen.phase not in ("dns", "guard") and not _plainly_up(seen, print_now, due):
            for connections, vantage in zip(there, self.vantages[1:], strict=True):
                began = self._clock()
                again = await self._ask(connections, resolution, canonical, profile)
                other = observe(place=self._place(vantage), step=again, started=began)
                all_seen.append(replace(other, control_id=control_id))
        return HostResult(due=due, seen=tuple(all_seen), control=control, fingerprint=print_now, target=step.target)

    async def _ask(
        self, connections: HostConnections, resolution: Resolution, canonical: CanonicalUrl, profile: Profile
    ) -> Step:
        if resolution.status not in ("ok", "literal"):
            return nowhere(canonical, resolution.status)
        known = question(self._link_checks, canonical)
        if known:
            check, asked = known
            return await ask_link_check(connections, self._resolver, check, asked, resolution.addresses, canonical.host)
        return await follow(
            connections,
            self._resolver,
            canonical,
            resolution.addresses,
            profile=profile,
            most_steps=self._config.probe.redirect_steps,
        )

    def _connections(self, vantage: Vantage, manners: Politeness | None = None) -> HostConnections:
        return HostConnections(
            self._connector,
            manners or self._manners,
            timeout_s=self._config.probe.timeout_s,
            agent=self._agent,
            vantage=vantage,
        )

    def _place(self, vantage: Vantage) -> Place:
        return Place(run_id=self._run_id, vantage=vantage.name, network=vantage.network)

    async def reaches(self, canonical: CanonicalUrl, vantage: Vantage) -> bool:
        """Whether any response head comes from a canary target."""
        answer = await self._resolver.resolve(canonical.host)
        async with self._connections(vantage, self._canary_manners) as connections:
            return (await connections.ask(canonical, "HEAD", answer.addresses)).head is not None

    async def _resolve(self, work: HostWork) -> Resolution:
        """The host's addresses; its name servers too, if they may have changed."""
        host = work.items[0][1].host
        answer = await self._resolver.resolve(host)
        now = self._clock()
        named, asked_at = work.named, None
        servers: tuple[str, ...] = ()
        known: tuple[str, ...] = ()
        if named is not None and named.addresses == answer.addresses:
            servers = named.name_server_ids
            known = tuple(sorted({*named.tags, *tags(answer.addresses, answer.cnames, None)}))
        elif answer.status == "ok":
            names = await self._resolver.name_servers(registrable_domain(host))
            known = tags(answer.addresses, answer.cnames, names)
            if names is not None:
                asked_at = now
                servers = tuple(sorted(self._vault.keyed_id("host", name) for name in names))
        return Resolution(
            resolution_id=secrets.token_hex(16),
            host_id=work.host_id,
            run_id=self._run_id,
            vantage=self.vantages[0].name,
            status=answer.status,
            addresses=answer.addresses,
            cname_ids=tuple(self._vault.keyed_id("host", name) for name in answer.cnames),
            ttl_s=answer.ttl_s,
            ede=answer.ede,
            resolver=answer.resolver,
            resolved_at=now,
            name_server_ids=servers,
            name_servers_at=asked_at,
            tags=known,
        )

    def _wants_control(self, step: Step, profile: Profile, control: ControlLook | None, *, changed: bool) -> bool:
        """Whether a control look is taken now.

        One serves for hours, but not if the URL's own answer has just become another: the host may then answer
        everything in a new way.
        """
        probe, head = self._config.probe, step.exchange.head
        if not probe.controls or (profile == "strict" and not probe.strict_controls) or step.link_check:
            return False
        if head is None or not (200 <= head.status < 300 or step.redirect in ("site", "other")):
            return False
        return control is None or (changed and self._clock() - control.observed_at > _CHANGED_CONTROL)


def _plainly_up(seen: Observation, print_now: str, due: Due) -> bool:
    """Whether a look needs no second opinion: answered as before, or up."""
    if seen.link_check:
        return seen.link_exists is True
    up = seen.status is not None and 200 <= seen.status < 300
    return up and (due.fingerprint is None or print_now == due.fingerprint) and not due.streak
