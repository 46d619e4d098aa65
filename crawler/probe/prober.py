"""Checks the due URLs of one host and returns facts."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from waterbed.attribution.lookups.dns.infrastructure import Infrastructure, standard_infrastructure
from waterbed.attribution.lookups.dns.resolver import Answer, Resolver
from waterbed.crawler.net.guard import Connector
from waterbed.crawler.net.http import HostConnections
from waterbed.crawler.net.lag import LoopLag
from waterbed.crawler.net.network_parts import FirstFound
from waterbed.crawler.net.politeness import Politeness
from waterbed.crawler.net.reservations import Reservations
from waterbed.crawler.net.vantage import Vantage
from waterbed.crawler.probe.control import check_control, may_ask, place_id, stand_in
from waterbed.crawler.probe.follow import Step, failed_step, follow
from waterbed.crawler.probe.link_asking import LinkChecks
from waterbed.crawler.probe.link_checks import LinkCheck
from waterbed.crawler.probe.observation import Origin, fingerprint, observation
from waterbed.model.bookkeeping import Due
from waterbed.model.facts import ControlLook, Observation, Profile, Resolution
from waterbed.model.urls import CanonicalUrl, network_of, registrable_domain
from waterbed.model.version import __version__
from waterbed.store.config import Config
from waterbed.store.folder import Clock
from waterbed.store.leases import NO_PART
from waterbed.store.vault import Vault

_CHANGED_CONTROL = timedelta(hours=2)
"""Greatest age of a control look when the response of the URL itself has changed."""
_FRESH = timedelta(minutes=10)
"""The same when it now redirects away: since then the host may do so with every path."""

_PATIENCE, _SHARE = 2.0, 0.1
"""Time-outs that a host's requests may take together, and the share of one that each of its checks adds.

A server that stays silent is left after three checks, one that is slow now and then never.
"""

_SLOW_S = 60.0
"""Seconds that the URLs of a host that was left, or that wants no wait in particular, wait at least."""

_LIMITED_S = 600.0
"""The same after a 429 without Retry-After."""


_Followed = dict[tuple[str, Answer], Resolution]
"""The answers for hosts that redirects led to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HostTask:
    """The due URLs of one host, and its earlier facts.

    Secret: its repr shows the host's id alone.
    """

    host_id: str
    items: tuple[tuple[Due, CanonicalUrl], ...]
    controls: tuple[ControlLook, ...]
    """Control looks that still serve, oldest first."""
    name_servers: Resolution | None
    """The last resolution with a look-up of name servers, if it is recent enough."""

    def __repr__(self) -> str:
        """Show the id alone."""
        return f"<HostTask {self.host_id}: {len(self.items)} checks>"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostResult:
    """The outcome of one due check.

    One observation from each vantage that checked, the first vantage's first.
    """

    due: Due
    observations: tuple[Observation, ...]
    control: ControlLook | None
    fingerprint: str | None
    """Of its response; of the one before while a control look of this one's time is still due."""
    target: CanonicalUrl | None
    """The target of a redirect that left the place. Secret."""

    @property
    def limited_s(self) -> float | None:
        """Seconds for which the server wants no request.

        None if it says nothing of the kind. The longest that any vantage heard.
        """
        waits = [_LIMITED_S if o.retry_after_s is None else o.retry_after_s for o in self.observations if _limits(o)]
        return max(waits, default=None)

    def __repr__(self) -> str:
        """Show the id alone."""
        return f"<HostResult {self.due.url_id}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """The facts of one host's checks, and the answered leases."""

    host_id: str
    facts: tuple[Any, ...]
    answered: tuple[HostResult, ...]
    unasked: tuple[Due, ...] = ()
    """Leases of URLs that were not checked, since the host is to be left alone."""
    wait_s: float = 0.0
    """Seconds for which none of its URLs is checked."""

    def __repr__(self) -> str:
        """Show the id alone."""
        return f"<HostFacts {self.host_id}: {len(self.answered)} checks>"


class Prober:
    """Checks hosts and returns facts; it stores and concludes nothing."""

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
        ends: Callable[[], bool] = lambda: False,
        found: FirstFound | None = None,
        infrastructure: Infrastructure | None = None,
    ) -> None:
        """Take all that a check needs; no connection is made.

        The first vantage checks first. Once the pass `ends`, no check of another URL begins. `found` hears where hosts
        were found, and may leave them to other runs.
        """
        self._ends = ends
        self._found = found
        self._config = config
        self._vault = vault
        self._infrastructure = infrastructure or standard_infrastructure()
        self._resolver = resolver
        self._connector = connector
        self._clock = clock
        self._run_id = run_id
        self.vantages = tuple(vantages)
        self._link_checks = LinkChecks(link_checks, resolver, clock)
        probe = config.probe
        bounds = partial(
            Politeness,
            at_once=probe.per_address,
            delay_s=probe.delay_s,
            network_at_once=probe.per_network,
            network_delay_s=probe.network_delay_s,
            holds=holds,
        )
        self._politeness = bounds(reservations=reservations)
        self._canary_politeness = bounds()  # a request a minute: it must not wait for other passes' reservations
        self._agent = agent_of(config)
        self._lag = LoopLag()

    async def check(self, task: HostTask) -> HostFacts | None:
        """Check the due URLs of one host one by one; None, and no request, if they are not to be checked now.

        The rest waits if the server asks for that, or takes too long.
        """
        resolution = await self._resolve(task)
        placed = await self._placed(task, resolution)
        if placed is None:
            return None
        task = placed
        facts: list[Any] = []
        followed: _Followed = {}
        answered: list[HostResult] = []
        wait_s = 0.0
        async with AsyncExitStack() as stack:
            first = await stack.enter_async_context(self._connections(self.vantages[0]))
            further = [await stack.enter_async_context(self._connections(vantage)) for vantage in self.vantages[1:]]
            controls = {control.place_id: control for control in task.controls}
            # A URL waits for those before it: each request asks for the lease before it is sent (require_lease); no
            # other run changes `due` or `control` while it holds, and addresses are on record as of `resolved_at`.
            for due, canonical in task.items:
                if answered and (wait_s or self._ends()):
                    break
                result = await self._check(first, further, resolution, followed, controls, due, canonical)
                limited, control = result.limited_s, result.control
                if control is not None and control is not controls.get(control.place_id):
                    controls[control.place_id] = control
                    facts.append(control)
                    if limited is None and control.status == 429:
                        limited = _LIMITED_S
                if result.target:
                    facts.append(self._vault.seal("url", result.target.url))
                facts.extend(result.observations)
                answered.append(result)
                spent_s = sum(connections.spent_s for connections in (first, *further))
                slow = spent_s > self._config.probe.timeout_s * (_PATIENCE + _SHARE * len(answered))
                wait_s = max(_SLOW_S, limited or 0.0) if slow or limited is not None else 0.0
        return HostFacts(
            host_id=task.host_id,
            facts=(resolution, *followed.values(), *facts),
            answered=tuple(answered),
            unasked=tuple(due for due, _ in task.items[len(answered) :]) if wait_s else (),
            wait_s=wait_s,
        )

    async def _check(
        self,
        first: HostConnections,
        further: Sequence[HostConnections],
        resolution: Resolution,
        followed: _Followed,
        controls: Mapping[str | None, ControlLook],
        due: Due,
        canonical: CanonicalUrl,
    ) -> HostResult:
        """Check one URL from the first vantage, and from the others unless that one saw it clearly up."""
        profile = self._config.probe.profile_of(due.category)
        origin = self._origin(self.vantages[0])
        observe = partial(observation, self._vault, due=due, profile=profile, control=None)
        started = self._clock()
        step = await self._ask(first, resolution, canonical, profile)
        used = await self._answer_used(step, resolution, followed)
        seen = observe(origin=origin, step=step, started=started, resolution_id=used.resolution_id)
        fingerprint_now = fingerprint(self._vault, seen)
        control = controls.get(place_id(self._vault, canonical, step)) if controls else None
        next_fingerprint: str | None = fingerprint_now
        serves, changed = self._control_serves(step, profile), fingerprint_now != due.fingerprint
        oldest = self._oldest_control(step, changed=changed) if serves else None
        if oldest and (control is None or control.observed_at < oldest):
            asked_at, control = self._clock(), stand_in(seen, controls.values(), oldest)
            anew = changed and due.fingerprint is not None
            if control is None and may_ask(controls.values(), asked_at, changed=anew):
                control = await check_control(
                    first,
                    self._resolver,
                    self._vault,
                    origin,
                    due.host_id,
                    canonical,
                    replace(step, addresses=resolution.addresses),
                    asked_at,
                    most_steps=self._config.probe.redirect_steps,
                )
        if serves and changed and (control is None or self._clock() - control.observed_at > _FRESH):
            next_fingerprint = due.fingerprint  # a response stays new until a control of its time was taken
        control_id = control.control_id if control and not step.link_check else None
        observations = [replace(seen, control_id=control_id) if control_id else seen]
        if seen.phase not in ("dns", "guard") and not _clearly_up(seen, fingerprint_now, due):
            for connections, vantage in zip(further, self.vantages[1:], strict=True):
                if _limits(observations[-1]):
                    break  # who asks for a wait is not asked from elsewhere
                began = self._clock()
                again = await self._ask(connections, resolution, canonical, profile)
                used = await self._answer_used(again, resolution, followed)
                where = self._origin(vantage)
                other = observe(origin=where, step=again, started=began, resolution_id=used.resolution_id)
                observations.append(replace(other, control_id=control_id))
        return HostResult(
            due=due, observations=tuple(observations), control=control, fingerprint=next_fingerprint, target=step.target
        )

    async def _ask(
        self, connections: HostConnections, resolution: Resolution, canonical: CanonicalUrl, profile: Profile
    ) -> Step:
        """Ask for a URL; once more over fresh connections where another URL's response may have come."""
        connections.begin_check()
        step = await self._ask_once(connections, resolution, canonical, profile)
        if not step.reused or step.clear or (step.exchange.head and step.exchange.head.status == 429):
            return step
        connections.start_afresh()
        again = await self._ask_once(connections, resolution, canonical, profile)
        return replace(again, bytes_read=step.bytes_read + again.bytes_read)

    async def _ask_once(
        self, connections: HostConnections, resolution: Resolution, canonical: CanonicalUrl, profile: Profile
    ) -> Step:
        if resolution.status not in ("ok", "literal"):
            return failed_step(canonical, resolution.status)
        checked = await self._link_checks.ask(connections, canonical, resolution.addresses)
        return checked or await follow(
            connections,
            self._resolver,
            canonical,
            resolution.addresses,
            profile=profile,
            most_steps=self._config.probe.redirect_steps,
        )

    def _connections(self, vantage: Vantage, politeness: Politeness | None = None) -> HostConnections:
        return HostConnections(
            self._connector,
            politeness or self._politeness,
            timeout_s=self._config.probe.timeout_s,
            agent=vantage.agent or self._agent,
            vantage=vantage,
            lag=self._lag,
        )

    def _origin(self, vantage: Vantage) -> Origin:
        agent_id = None if vantage.agent is None else self._vault.keyed_id("agent", vantage.agent)
        return Origin(run_id=self._run_id, vantage=vantage.name, network=vantage.network, agent_id=agent_id)

    async def reaches(self, canonical: CanonicalUrl, vantage: Vantage) -> bool:
        """True if a canary target sends any response head."""
        answer = await self._resolver.resolve(canonical.host)
        async with self._connections(vantage, self._canary_politeness) as connections:
            return (await connections.ask(canonical, "HEAD", answer.addresses)).head is not None

    async def _resolve(self, task: HostTask) -> Resolution:
        """Resolve the host's addresses, and its name servers if they may have changed."""
        host = task.items[0][1].host
        return await self._resolution(task.host_id, host, await self._resolver.resolve(host), task.name_servers)

    async def _placed(self, task: HostTask, resolution: Resolution) -> HostTask | None:
        """Return a host's URLs with the part of the networks that it was found in; None if not to be checked now."""
        if self._found is None or not resolution.addresses:
            return task
        part = self._found.part(network_of(resolution.addresses[0]))
        known_parts = {due.network_part for due, _ in task.items}
        if known_parts == {part}:
            return task
        # a host that has moved is checked by whoever has it; the next time it is leased with its new neighbours
        if known_parts == {NO_PART} and not await self._found.keeps([due.url_id for due, _ in task.items], part):
            return None
        return replace(task, items=tuple((replace(due, network_part=part), url) for due, url in task.items))

    async def _answer_used(self, step: Step, resolution: Resolution, followed: _Followed) -> Resolution:
        """Return the answer for the host that a check ended at."""
        if step.answer is None:
            return resolution
        host = step.canonical.host
        if (host, step.answer) not in followed:
            host_id = self._vault.keyed_id("host", host)
            followed[host, step.answer] = await self._resolution(host_id, host, step.answer, None)
        return followed[host, step.answer]

    async def _resolution(self, host_id: str, host: str, answer: Answer, name_servers: Resolution | None) -> Resolution:
        now, asked_at = self._clock(), None
        servers: tuple[str, ...] = ()
        tags: tuple[str, ...] = ()
        if name_servers is not None and name_servers.addresses == answer.addresses:
            servers = name_servers.name_server_ids
            tags = tuple(
                sorted({*name_servers.tags, *self._infrastructure.tags(answer.addresses, answer.cnames, None)})
            )
        elif answer.status == "ok":
            names = await self._resolver.name_servers(registrable_domain(host))
            tags = self._infrastructure.tags(answer.addresses, answer.cnames, names)
            if names is not None:
                asked_at = now
                servers = tuple(sorted(self._vault.keyed_id("host", name) for name in names))
        return Resolution(
            resolution_id=secrets.token_hex(16),
            host_id=host_id,
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
            tags=tags,
        )

    def _control_serves(self, step: Step, profile: Profile) -> bool:
        """True if the profile allows control requests, and one would tell something of this response."""
        probe, head = self._config.probe, step.exchange.head
        if not probe.controls or (profile == "strict" and not probe.strict_controls) or step.link_check:
            return False
        return head is not None and (200 <= head.status < 300 or _leads_away(step))

    def _oldest_control(self, step: Step, *, changed: bool) -> datetime:
        """The time since which a control look is valid.

        It is for hours, but not once the URL's own response has changed: the host may then respond to every path in a
        new way.
        """
        if not changed:
            return datetime.min.replace(tzinfo=UTC)  # older ones than of `control_hours` are not at hand
        return self._clock() - (_FRESH if _leads_away(step) else _CHANGED_CONTROL)


def agent_of(config: Config) -> str:
    """Return the User-Agent, which names the project and the contact."""
    contact = f" (+{config.contact})" if config.contact else ""
    return f"Waterbed/{__version__} hosting-attribution research{contact}"


def _leads_away(step: Step) -> bool:
    """True if a redirect leads to another place, which no check follows."""
    return step.redirect in ("front", "site", "other")


def _limits(seen: Observation) -> bool:
    """True if a server asks for a wait."""
    return seen.status == 429 or (seen.status == 503 and bool(seen.retry_after_s))


def _clearly_up(seen: Observation, fingerprint_now: str, due: Due) -> bool:
    """True if the other vantages are not needed: the URL is up and responds as before."""
    if seen.link_check:
        return seen.link_exists is True
    up = seen.status is not None and 200 <= seen.status < 300
    return up and (due.fingerprint is None or fingerprint_now == due.fingerprint) and not due.streak
