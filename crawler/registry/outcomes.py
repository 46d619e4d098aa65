"""Turns each response into a fact, retry or query."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import datetime

from waterbed.attribution.lookups.rdap.answers import Registered
from waterbed.attribution.lookups.rdap.bootstrap import Bootstrap
from waterbed.attribution.lookups.rdap.domain_plan import ANSWERS
from waterbed.attribution.lookups.rdap.domain_registries import DomainRegistries
from waterbed.attribution.lookups.rdap.domains import RegisteredDomain
from waterbed.attribution.lookups.rdap.plan import Answered
from waterbed.attribution.lookups.rdap.whois import ask_whois
from waterbed.crawler.registry.clock import Clock
from waterbed.crawler.registry.hierarchy import Hierarchy, encloses
from waterbed.crawler.registry.pace import LONGEST_PATIENCE, backoff
from waterbed.crawler.registry.queue import GIVE_UP, Queue, RdapTask
from waterbed.crawler.registry.registration_facts import (
    Fact,
    PendingFacts,
    answered,
    answered_domain,
    unanswered,
    unchanged,
)
from waterbed.crawler.registry.response import Found, Moved, Permanent, RdapResponse, Retry, Unchanged, interpret
from waterbed.model.registrations import DomainRegistration, RegistrationStatus
from waterbed.store.settings import Registry

_MOST_MOVES = 3
_WORTH_WHOIS: frozenset[RegistrationStatus] = frozenset({"unreachable", "timeout", "bad_answer", "server_error"})


class Outcomes:
    """Handles responses.

    Each task ends in a fact or in a queue.
    """

    def __init__(
        self,
        *,
        settings: Registry,
        bootstrap: Bootstrap,
        answered: Answered,
        queue_of: Callable[[str], Queue],
        pending: PendingFacts,
        clock: Clock,
        rng: random.Random,
        done: Callable[[], None],
        wait_until: Callable[[datetime], Awaitable[None]],
        may_send: Callable[[], bool],
        whois: bool,
        domains: DomainRegistries | None = None,
    ) -> None:
        """Take a crawl's parts.

        `done` is called for each finished task. `wait_until` waits until a time or the crawl's end, after which
        `may_send` says whether anything may still be sent.
        """
        self._settings, self._bootstrap, self._answered = settings, bootstrap, answered
        self._domains = domains or DomainRegistries({})
        self._queue_of, self._pending, self._clock, self._rng = queue_of, pending, clock, rng
        self._on_done, self._whois_allowed = done, whois
        self._wait_until, self._may_send = wait_until, may_send
        self._hierarchy = Hierarchy(bootstrap, answered, settings.most_levels)

    def is_covered(self, queue: Queue, task: RdapTask) -> bool:
        """Finish a task that another answer covers; True if so."""
        if task.level or task.ask.kind == "domain" or not self._answered.covers(task.ask.asked):
            return False
        queue.covered += 1
        self._on_done()
        return True

    def known(self, task: RdapTask) -> Fact | None:
        """Return the last answer to this query, for its ETag."""
        previous = task.ask.known
        return (
            previous if previous and not task.level and not task.trail and previous.registry == task.registry else None
        )

    async def handle(self, queue: Queue, task: RdapTask, response: RdapResponse) -> None:
        """Act on a response."""
        now = self._clock.now()
        outcome = interpret(response, task.ask.kind, task.registry, task.url, now, task.ask.name)
        match outcome:
            case Found():
                queue.record_success()
                self._handle_found(queue, task, outcome, now)
            case Unchanged():
                previous = self.known(task)
                if previous is None:
                    await self._give_up(queue, task, "bad_answer", "unchanged, but nothing was known", now)
                    return
                queue.record_success()
                self._keep(queue, task, unchanged(previous, now), now)
            case Moved():
                await self._handle_moved(queue, task, outcome, now)
            case Retry():
                await self._handle_retry(queue, task, outcome, now)
            case Permanent():
                await self._give_up(queue, task, outcome.status, outcome.reason, now)
                if outcome.status == "not_found":
                    queue.record_success()
                elif queue.record_failure():
                    reason = f"given up after {GIVE_UP} failures in a row: {outcome.reason}"
                    await self._close(queue, outcome.status, reason, now)

    def _handle_found(self, queue: Queue, task: RdapTask, outcome: Found, now: datetime) -> None:
        registered = outcome.registered
        if isinstance(registered, RegisteredDomain):
            self._end(queue, task, answered_domain(task.ask, task.registry, registered, outcome.etag, now))
        elif not encloses(registered, task):
            reason = "it does not enclose what was asked" if not task.level else "it is not above the other"
            self._end(queue, task, unanswered(task.ask, task.level, task.registry, "bad_answer", reason, now))
        elif self._hierarchy.is_registry_block(task, registered):
            if not task.level:
                reason = "only the registry's own block"
                self._end(queue, task, unanswered(task.ask, 0, task.registry, "not_found", reason, now))
        else:
            self._keep(
                queue,
                task,
                answered(task.ask, task.level, task.registry, registered, outcome.etag, now),
                now,
                registered,
            )

    def _keep(
        self, queue: Queue, task: RdapTask, fact: Fact, now: datetime, registered: Registered | None = None
    ) -> None:
        """Record an answer, and queue the query for its parent network."""
        self._end(queue, task, fact, registered.abuse if registered else None)
        if isinstance(fact, DomainRegistration):
            return
        self._answered.add(fact)
        if registered is None:
            registered = self._hierarchy.as_registered(fact)
        parent = self._hierarchy.parent(task, registered)
        if parent is not None:
            up = self._queue_of(parent.registry)
            if up.closed:
                self._end(up, parent, unanswered(parent.ask, parent.level, parent.registry, *up.closed, now))
            else:
                up.put(parent)

    def _end(self, queue: Queue, task: RdapTask, fact: Fact, abuse: str | None = None) -> None:
        """Record the outcome of one task."""
        self._pending.put(fact, abuse)
        if fact.status not in (ANSWERS if task.ask.kind == "domain" else ("ok",)):
            queue.failed[f"{fact.status}: {fact.reason}"] += 1
        elif not task.level:
            queue.answered += 1
        if not task.level:
            self._on_done()

    async def _handle_moved(self, queue: Queue, task: RdapTask, outcome: Moved, now: datetime) -> None:
        domain = task.ask.kind == "domain"
        location = self._domains.of_url(task.ask.name, outcome.url) if domain else self._bootstrap.of_url(outcome.url)
        if location is None:
            await self._give_up(queue, task, "bad_answer", "redirect to no known registry", now)
        elif len(task.trail) >= _MOST_MOVES or location[1] in (*task.trail, task.url):
            await self._give_up(queue, task, "bad_answer", "redirects without end", now)
        else:
            other = self._queue_of(location[0])
            if other.closed:
                await self._give_up(queue, task, *other.closed, now)
                return
            if not task.level and other is not queue:
                queue.asked, other.asked = queue.asked - 1, other.asked + 1
            other.put(task.moved(*location))  # no await since `closed` was asked for

    async def _handle_retry(self, queue: Queue, task: RdapTask, outcome: Retry, now: datetime) -> None:
        tried = task.retried()
        patient = not outcome.slow_down or queue.pace.block(now, outcome.wait, self._rng)
        if not patient:
            hours = LONGEST_PATIENCE.total_seconds() / 3600
            await self._close(queue, "limited", f"it asked to wait longer than {hours:g} h", now, task)
        elif tried.tries < self._settings.tries:
            queue.put_back(tried, now if outcome.slow_down else now + backoff(tried.tries, self._rng))
        else:
            await self._give_up(queue, tried, outcome.status, outcome.reason, now)
        if queue.record_failure():
            await self._close(
                queue, outcome.status, f"given up after {GIVE_UP} failures in a row: {outcome.reason}", now
            )

    async def _give_up(
        self, queue: Queue, task: RdapTask, status: RegistrationStatus, reason: str, now: datetime
    ) -> None:
        """Record a missing registration with its reason; WHOIS is asked first if the settings allow it."""
        if self._whois_allowed and not task.level and task.ask.kind == "network" and status in _WORTH_WHOIS:
            registered = await self._whois(queue, task)
            if self.is_covered(queue, task):
                return  # by another registry's answer meanwhile
            if registered is not None:
                now = self._clock.now()
                fact = answered(task.ask, 0, task.registry, registered, None, now, source="ipwhois")
                self._end(queue, task, fact)
                self._answered.add(fact)
                return
        self._end(queue, task, unanswered(task.ask, task.level, task.registry, status, reason, now))

    async def _whois(self, queue: Queue, task: RdapTask) -> Registered | None:
        server = self._bootstrap.whois_of(task.registry)
        if server is None:
            return None
        await self._wait_until(queue.pace.next_at(self._clock.now()))
        if not self._may_send():
            return None
        queue.requests += 1
        try:
            return await asyncio.to_thread(
                ask_whois, task.ask.asked, task.registry, server=server, timeout_s=self._settings.timeout_s
            )
        finally:
            queue.pace.answered(self._clock.now())

    async def _close(
        self, queue: Queue, status: RegistrationStatus, reason: str, now: datetime, task: RdapTask | None = None
    ) -> None:
        """Stop asking a registry in this crawl; its waiting tasks end with the reason."""
        queue.closed = (status, reason)
        for waiting in [*([task] if task else []), *queue.take_all()]:
            if not self.is_covered(queue, waiting):
                self._end(queue, waiting, unanswered(waiting.ask, waiting.level, waiting.registry, status, reason, now))
